"""How fast templates are, and whether a million hostile conversations get through them unforged.

    python benchmarks/templates.py --renders 1000000

Conversations are made of control tokens of every family, whole, split and doubled, of roles,
blanks, line breaks and characters that tokenizers compose. Each is rendered by every family on its
small tokenizer; the ids of a render may hold a control token only as often as the same roles with
harmless contents do, and every tenth render has to come back as it was. The speed is that of render
and mask of a conversation of 20 turns, against tokenising its text once.
Exit status 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from figures import RESULTS, Bound, Figure, conclude, machine

from evalsuite.conversation import Conversation, Message, Role
from evalsuite.models import resolve_base
from evalsuite.template import FAMILIES, ChatTemplate, load_template
from evalsuite.template.equivalence import first_change
from evalsuite.template.sampletokenizers import write_sample_tokenizer
from evalsuite.template.tokenizerfolder import full_tokenizer

_ROLES = (Role.USER, Role.ASSISTANT)
_ODD = (
    "system", "user", "assistant\n", "model\n", " ", "\n", "\r\n", "\t", "\u3000", "e\u0301",
    "\u1112\u1161\u11ab", "\u2126", "\ufb01", "\u200b", "\u202e", "\x00", "▁", "改写", "它",
    "\U0001f600", "{{ x }}", "{% x %}", "&lt;", "word", "Who?", "1234", "[", "]", "<", ">", "|",
)  # fmt: skip
REPEATS = 40


def hostile(rng: random.Random, tokens: tuple[str, ...]) -> str:
    """Return a content that is not blank."""
    pieces = []
    for _ in range(rng.randint(1, 6)):
        token = rng.choice(tokens)
        cut = rng.randint(1, len(token))
        pieces.append(
            rng.choice((token, token * 2, f" {token} ", token[:cut], token[cut:], rng.choice(_ODD)))
        )
    return "".join(pieces) if "".join(pieces).strip() else "x"


def conversations(seed: int, tokens: tuple[str, ...]) -> Iterator[Conversation]:
    """Yield conversations of one to eight turns without end, half of them with a system message."""
    rng = random.Random(seed)
    while True:
        system = [Message(Role.SYSTEM, hostile(rng, tokens))] if rng.random() < 0.5 else []
        turns = [
            Message(_ROLES[i % 2], hostile(rng, tokens)) for i in range(rng.choice((1, 2, 3, 8)))
        ]
        yield Conversation((*system, *turns))


def fuzzed(templates: dict[str, ChatTemplate], renders: int, seed: int) -> dict[str, Any]:
    """Render hostile conversations by every family until there are enough renders."""
    tokens = tuple(dict.fromkeys(t for one in templates.values() for t in one.control_ids))
    due: dict[tuple[str, tuple[Role, ...]], Counter[int]] = {}
    done = refused = forged = changed = parsed = 0
    began = time.monotonic()
    for conversation in conversations(seed, tokens):
        for name, template in templates.items():
            if template.refusal(conversation) is not None:
                refused += 1
                continue
            ids = template.render(conversation).ids
            key = name, tuple(m.role for m in conversation.messages)
            if key not in due:
                bland = Conversation(tuple(Message(role, "a") for role in key[1]))
                due[key] = controls(template, template.render(bland).ids)
            forged += controls(template, ids) != due[key]
            done += 1
            if done % 10 == 0:
                back = template.parse(ids)
                changed += first_change(template, conversation, back) is not None
                parsed += 1
        if done >= renders:
            break
    return {
        "renders": done, "parsed": parsed, "refused": refused, "forged": forged,
        "changed": changed, "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip


def controls(template: ChatTemplate, ids: tuple[int, ...]) -> Counter[int]:
    known = set(template.control_ids.values())
    return Counter(token for token in ids if token in known)


def speed(template: ChatTemplate) -> dict[str, float]:
    """Render and mask of 20 turns against tokenising the same text once, in milliseconds."""
    assert template.source is not None
    turns = [
        Message(
            _ROLES[i % 2],
            f"Turn {i}: which of the two is faster, and what does it cost? 第{i}句话。",
        )
        for i in range(20)
    ]
    told = Conversation((Message(Role.SYSTEM, "Rewrite the query. 改写问题。"), *turns))
    conversation = told if template.refusal(told) is None else Conversation(tuple(turns))
    text = template.decode(template.render(conversation).ids)
    tokenizer = full_tokenizer(template.source)
    render = timed(lambda: template.render(conversation))
    once = timed(lambda: tokenizer.encode(text, add_special_tokens=False).ids)
    return {"render_ms": 1000 * render, "tokenise_ms": 1000 * once, "times": render / once}


def timed(action: Any) -> float:
    """Return the median of several runs, in seconds, after one that fills caches."""
    action()
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return median(times)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--renders", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS / "templates.json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        templates = {
            name: load_template(write_sample_tokenizer(wire, Path(folder) / name), family=name)
            for name, wire in FAMILIES.items()
        }
        rates = {name: speed(template) for name, template in templates.items()}
        rates["nano"] = speed(load_template(resolve_base("nano").path))
        print(rates, flush=True)
        found = fuzzed(templates, args.renders, args.seed)
    print(found, flush=True)
    figures = [
        Figure(name="renders", value=found["renders"], bound=Bound.AT_LEAST, target=1_000_000),
        Figure(name="renders with a forged control token", value=found["forged"],
               bound=Bound.AT_MOST, target=0),
        Figure(name="renders that came back changed", value=found["changed"], bound=Bound.AT_MOST,
               target=0),
        Figure(name="render and mask against tokenising once (slowest family)",
               value=max(rate["times"] for rate in rates.values()), bound=Bound.AT_MOST, target=2,
               unit="times"),
    ]  # fmt: skip
    result = {"machine": machine(), "families": len(templates), "speed": rates, "fuzzed": found}
    return conclude(figures, result, args.out)


if __name__ == "__main__":
    raise SystemExit(main())
