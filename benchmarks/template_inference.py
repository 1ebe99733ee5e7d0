"""What inference makes of chat templates: exact, with limits, refused or wrong, and in which time.

    python benchmarks/template_inference.py FOLDER [FOLDER ...] [--out FILE]

Every ``*.jinja`` of the folders is put beside a small byte-level tokenizer that has its control
tokens, and loaded as a model's folder would be. What was inferred is compared with the template's
own text, character by character: on random conversations that the inference has not seen, and on
what looks like a token in any of the templates, alone and inside a sentence. Where the notation of
families can say the format, its tokens are compared with those of the template's whole text. A
template counts as wrong where any differs undeclared. Planted errors, one character in one text or
one trim, tell whether the proof can fail. Exit status 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from figures import RESULTS, Bound, Figure, conclude, machine

from evalsuite.errors import EvalsuiteError
from evalsuite.template import PropertyStatus, load_template
from evalsuite.template.adversarial import adversarial_conversations
from evalsuite.template.clocks import PINNED
from evalsuite.template.inference.formats import Format, Turns
from evalsuite.template.inference.learning import NoFormat, NoText, Render
from evalsuite.template.inference.proof import proven
from evalsuite.template.inference.rules import Rule, Unseen
from evalsuite.template.isolated import own_template
from evalsuite.template.isolated_main import template_render
from evalsuite.template.ownformat import OwnFormat, own_format
from evalsuite.template.sampletokenizers import write_tokenizer
from evalsuite.template.tokenizerfolder import read_tokenizer
from evalsuite.template.wire import KEPT, STRIPPED, Trim

_TOKEN = re.compile(
    r"<\|[^<>|\s']{1,40}\|>|<[a-z_]{1,30}>|</[a-z_]{1,30}>|<｜[^<>]{1,40}｜>|<[a-z_]{1,20}\|>"
    r"|<\|[a-z_]{1,20}>|\[/?[A-Z_]{3,20}\]"
)
_UNSEEN = 160
"""Random conversations to compare on, beside those of the proof."""
_WORDS = (
    "What is it?", "它有多大？", "No.", "7", "a b  c", "<i>x</i>", "- one\n- two", "[1, 2]",
    "user:", "The end", "…", "\U0001f600 e\u0301", "x" * 300, "第一行\n第二行", "(1)", "https://a.b/c",
)  # fmt: skip
_ENDS = ("", "", "", "", " ", "\n", "\n\n", "  ", "\t", " \n ", "\u3000")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one template."""

    name: str
    outcome: str
    """exact, limits, refused or wrong."""
    gated: bool
    """Whether it has the tokens of the template's whole text on every harmless conversation."""
    family: str
    reason: str
    seconds: float
    """To infer, with the process that the template runs in; a second load reads the cache."""


def tokens_of(source: str) -> list[str]:
    """Return what looks like a control token in a template."""
    return list(dict.fromkeys(_TOKEN.findall(source)))


def config_of(source: str, tokens: list[str]) -> dict[str, object]:
    """Return a tokenizer's configuration with a BOS and an EOS that the template may ask for."""
    ends = [t for t in ("<|im_end|>", "<|eot_id|>", "<|end|>", "<|endoftext|>") if t in tokens]
    config: dict[str, object] = {"eos_token": ends[0] if ends else "</s>"}
    config["bos_token"] = "<bos>" if "<start_of_turn>" in tokens else "<s>"
    return config if "_token" in source else {"eos_token": config["eos_token"]}


def unseen(seed: int, *, system: bool) -> Iterator[Turns]:
    """Yield random conversations of one to fourteen messages."""
    rng = random.Random(seed)
    for number in range(_UNSEEN):
        roles = ["user", "assistant"] * 7
        told = ["system"] if system and number % 2 else []
        yield [(r, _content(rng)) for r in [*told, *roles[: rng.randint(1, 14)]]]


def _content(rng: random.Random) -> str:
    return rng.choice(_ENDS) + rng.choice(_WORDS) + rng.choice(_ENDS)


def foreign(words: Iterable[str]) -> Iterator[Turns]:
    """Yield conversations that hold a template's token, alone and in company, in each place."""
    for word in words:
        for content in (word, f"see {word} here"):
            yield [("user", content)]
            for at in range(3):
                said = ["a", "b", "c"]
                said[at] = content
                yield list(zip(("user", "assistant", "user"), said, strict=True))


def outcome(
    path: Path, folder: Path, words: Sequence[str]
) -> tuple[Outcome, OwnFormat | None, Render]:
    """Load one template and compare."""
    source = path.read_text("utf-8")
    tokens = tokens_of(source)
    config = config_of(source, tokens)
    named = [str(value) for value in config.values()]
    write_tokenizer(folder, list(dict.fromkeys((*tokens, *named))), source, config)
    files = read_tokenizer(folder)
    render = template_render(source, config)
    began = time.perf_counter()
    try:
        found = own_format(files)
    except EvalsuiteError as error:
        taken = time.perf_counter() - began
        return Outcome(path.stem, "refused", False, "", _short(error), taken), None, render
    clock = datetime.fromisoformat(PINNED) if found.dated else None
    render = template_render(source, config, clock=clock, parts=found.format.parts)
    taken = time.perf_counter() - began
    wrong = _wrong(found, render, words)
    limits = (
        bool(found.format.reserved)
        or found.format.distinct
        or found.format.system is None
        or found.dated
    )
    kind = "wrong" if wrong else "limits" if limits else "exact"
    gated, family, reason = False, "", wrong or ""
    try:
        template = load_template(folder)
        family = template.family
        harmless = [c for c in adversarial_conversations(()) if template.refusal(c) is None]
        result = own_template(template, harmless)
        gated = result.status in (PropertyStatus.HOLDS, PropertyStatus.DECLARED)
        reason = reason or ("" if gated else _short(result.detail))
    except EvalsuiteError as error:
        reason = reason or _short(error)
    return Outcome(path.stem, kind, gated, family, reason, taken), found, render


def _short(what: object) -> str:
    text = str(what)
    return re.sub(r"^/\S*: ", "", text)[:160]


def _wrong(found: OwnFormat, render: Render, words: Sequence[str]) -> str | None:
    tried = unseen(11, system=found.format.system is not None)
    for turns in itertools.chain(tried, foreign(words)):
        if not found.format.carries(turns):
            continue
        try:
            due = found.format.text(turns)
        except Unseen:
            due = ""
        try:
            said = render(turns)
        except NoText:
            said = ""
        if said != due:
            return f"wrong for {turns!r}"[:160]
    return None


def planted(format: Format, rng: random.Random) -> Format:
    """Return a format with one error: a character in one text, or what one role's contents lose."""
    if rng.random() < 0.3:
        kind = rng.choice(list(format.trims))
        rule = format.trims[kind]
        key = rng.choice(list(rule.values))
        others = [
            t for t in (KEPT, STRIPPED, Trim("\n", ""), Trim("", " ")) if t != rule.values[key]
        ]
        changed = Rule(rule.features, {**rule.values, key: rng.choice(others)})
        return replace(format, trims={**format.trims, kind: changed})
    gaps = [gap for gap, rule in format.gaps.items() if any(rule.values.values())]
    gap = rng.choice(gaps)
    texts = format.gaps[gap]
    place = rng.choice([key for key, text in texts.values.items() if text])
    text = texts.values[place]
    at = rng.randrange(len(text))
    damaged = text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]
    spoilt = Rule(texts.features, {**texts.values, place: damaged})
    return replace(format, gaps={**format.gaps, gap: spoilt})


def noticed(formats: list[tuple[Format, Render]], wanted: int) -> tuple[int, int]:
    """Plant errors in turn and return how many the proof notices, and how many there were."""
    rng, found, tried = random.Random(3), 0, 0
    while tried < wanted:
        format, render = formats[tried % len(formats)]
        tried += 1
        try:
            proven(planted(format, rng), render, ())
        except NoFormat:
            found += 1
    return found, tried


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--planted", type=int, default=300)
    parser.add_argument("--out", type=Path, default=RESULTS / "template_inference.json")
    args = parser.parse_args()
    paths = [path for folder in args.folders for path in sorted(folder.glob("*.jinja"))]
    found: list[Outcome] = []
    formats: list[tuple[Format, Render]] = []
    words = sorted({t for path in paths for t in tokens_of(path.read_text("utf-8"))})
    with tempfile.TemporaryDirectory() as scratch:
        for number, path in enumerate(paths):
            one, own, render = outcome(path, Path(scratch) / str(number), words)
            found.append(one)
            if own is not None:
                formats.append((own.format, render))
            shown = f"{one.name:36} {one.outcome:8} {one.family or '-':16} {one.seconds:5.2f} s"
            print(f"{shown} {'' if one.gated else one.reason}", flush=True)
    hit, planted_errors = noticed(formats, args.planted)
    counts = Counter(one.outcome for one in found)
    total = len(found)
    inferred = (counts["exact"] + counts["limits"]) / total
    gated = sum(one.gated for one in found) / total
    slowest = max(one.seconds for one in found)
    figures = [
        _figure("templates that are wrong", counts["wrong"], Bound.AT_MOST, 0),
        _figure("share inferred", inferred, Bound.AT_LEAST, 0.9),
        _figure("share gated with the same tokens", gated, Bound.AT_LEAST, 0.7),
        _figure("planted errors noticed", hit / planted_errors, Bound.AT_LEAST, 1.0),
        _figure("slowest template, seconds", slowest, Bound.AT_MOST, 2.0),
    ]
    result = {
        "machine": machine(),
        "templates": total,
        "counts": dict(counts),
        "planted": {"errors": planted_errors, "noticed": hit},
        "outcomes": [asdict(one) for one in found],
    }
    return conclude(figures, result, args.out)


def _figure(name: str, value: float, bound: Bound, target: float) -> Figure:
    return Figure(name=name, value=value, bound=bound, target=target)


if __name__ == "__main__":
    raise SystemExit(main())
