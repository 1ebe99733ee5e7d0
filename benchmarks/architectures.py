"""Which architectures the transformers engine answers exactly for, and how it asks them.

    python benchmarks/architectures.py [--only NAME ...] [--document]

For a tiny random model of each architecture (`architecture_zoo.py`), in float32 on a processor:
whether greedy answers are those of single `generate` calls, how far scored log-probabilities lie
from one plain forward pass, whether prompts shared prefixes or why not, and the processor time of
the same prompts with shared prefixes, in batches without them, and one by one. Prompts are up to
seven windows long. Models this small spend their time in calls, not in arithmetic: the times say
what is saved in passes, not what a real model gains. `--document` writes the table into
docs/engines.md.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from architecture_zoo import NAMED, SPECIMENS, STOPS, Specimen, prompts, write_specimen
from figures import RESULTS, ROOT, Bound, Figure, conclude, machine

from evalsuite.models import BaseRef, resolve_base

Ids = tuple[int, ...]
COUNT, FEW, TOKENS = 12, 6, 8
"""Prompts to those that are named for themselves, to all others, and the length of answers."""
WITHIN = 2e-4
"""Nats by which a log-probability in float32 may differ."""
DOCUMENT = ROOT / "docs" / "engines.md"
BEGIN, END = "<!-- architectures -->\n", "<!-- end of architectures -->\n"


def single(model: Any, prompt: Ids) -> Ids:
    """Return the library's own answer to one prompt."""
    import torch

    ids = torch.tensor([prompt])
    answer = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=TOKENS,
        do_sample=False,
        eos_token_id=list(STOPS),
        pad_token_id=STOPS[0],
    )[0, len(prompt) :].tolist()
    return tuple(answer[:-1] if answer[-1] in STOPS else answer)


def plain(model: Any, prompt: Ids, target: Ids) -> list[float]:
    """Return log-probabilities from one forward pass over one row."""
    import torch

    with torch.inference_mode():
        ids = torch.tensor([prompt + target[:-1]])
        rows = model(input_ids=ids, use_cache=False).logits[0, len(prompt) - 1 :]
    chosen = rows.float().log_softmax(-1).gather(1, torch.tensor(target)[:, None])
    return [float(value) for value in chosen[:, 0]]


def measure(specimen: Specimen, folder: Path) -> dict[str, Any]:
    """Return one row of the table."""
    from evalsuite.engines import resolve_numerics
    from evalsuite.engines.transformers import TransformersEngine
    from evalsuite.generation import Request, Sampling

    base = resolve_base(write_specimen(folder, specimen))
    engine = TransformersEngine(base, numerics=resolve_numerics("float32", "cpu"))
    # A pass costs little here, so that few prompts share their prefixes too.
    engine.limits = replace(engine.limits, launch=8)
    named = specimen in NAMED
    rows, rng = prompts(COUNT if named else FEW), random.Random(1)
    targets = [tuple(rng.choices(range(256), k=rng.randint(1, 32))) for _ in rows]
    greedy = [Request(prompt=p, sampling=Sampling(max_tokens=TOKENS)) for p in rows]
    scored = [Request(prompt=p, target=t) for p, t in zip(rows, targets, strict=True)]
    answers, scores = engine.infer(greedy), engine.infer(scored)
    unlike, worst = 0, 0.0
    model = _loaded(base)
    for answer, score, row, target in zip(answers, scores, rows, targets, strict=True):
        forgets = "dynamic" not in specimen.name
        # Anew where a model remembers the longest text that it read.
        unlike += answer.ids != single(model if forgets else _loaded(base), row)
        model = model if forgets else _loaded(base)
        off = zip(score.logprobs, plain(model, row, target), strict=True)
        worst = max(worst, *(abs(a - b) for a, b in off))
    limits = engine.limits
    ways = {"alone": replace(limits, steady=0)}
    if limits.steady:
        ways |= {"shared": limits, "batches": replace(limits, launch=10**9)}
    seconds = {}
    for name, way in ways.items() if named else ():
        engine.limits = way
        seconds[name] = min(_timed(engine, greedy) for _ in range(2))
    return {
        "architecture": specimen.name,
        "model_type": specimen.kind,
        "prompts": len(rows),
        "unlike_ids": unlike,
        "largest_difference": worst,
        "shares_prefixes": limits.steady > 0,
        "remarks": list(engine.remarks),
        "processor_seconds": seconds,
    }


def _loaded(base: BaseRef) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32).eval()


def _timed(engine: Any, requests: Sequence[Any]) -> float:
    begun = time.process_time()
    engine.infer(requests)
    return time.process_time() - begun


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the table of those architectures that are named for themselves."""
    named = {specimen.name for specimen in NAMED}
    lines = [
        "| architecture | ids as single calls | largest difference, nats | prefixes shared | "
        "times as fast: shared, batched |",
        "|---|---|---:|---|---:|",
    ]
    for row in rows:
        if row["architecture"] not in named:
            continue
        took = row["processor_seconds"]
        gain = (
            "1" if len(took) == 1 else ", ".join(_gain(took, way) for way in ("shared", "batches"))
        )
        why = row["remarks"][0].rpartition(": ")[2].rstrip(".") if row["remarks"] else ""
        shared = "yes" if row["shares_prefixes"] else f"no: {why}"
        if row["shares_prefixes"] and why:
            shared = "yes; alone past its length"
        equal = "all" if row["unlike_ids"] == 0 else f"**{row['unlike_ids']} differ**"
        lines.append(
            f"| {row['architecture']} | {equal} | {row['largest_difference']:.0e} | {shared} "
            f"| {gain} |"
        )
    others = [row for row in rows if row["architecture"] not in named]
    exact = sum(_exact(row) for row in others)
    sharing = [row["architecture"] for row in others if row["shares_prefixes"]]
    apart = [row["architecture"] for row in others if not row["shares_prefixes"]]
    return (
        "\n".join(lines) + f"\n\n{exact} of {len(others)} further architectures are as exact. With "
        f"shared prefixes: {', '.join(sharing)}. One by one: {', '.join(apart)}.\n"
    )


def _gain(took: dict[str, float], way: str) -> str:
    return f"{took['alone'] / took[way]:.1f}"


def _exact(row: dict[str, Any]) -> bool:
    return bool(row["unlike_ids"] == 0 and row["largest_difference"] <= WITHIN)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", help="names of architectures; default: all")
    parser.add_argument("--document", action="store_true", help="write docs/engines.md")
    parser.add_argument("--out", type=Path, default=RESULTS / "architectures.json")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    import torch
    from transformers.utils import logging as library

    # Two threads on a busy machine wait for each other at every operator.
    torch.set_num_threads(1)

    library.set_verbosity_error()
    library.disable_progress_bar()
    logging.disable(logging.WARNING)
    rows = []
    for specimen in SPECIMENS:
        if args.only and specimen.name not in args.only:
            continue
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measure(specimen, Path(folder) / "model"))
        print(rows[-1], flush=True)
    figures = [
        Figure(
            name="architectures with an answer unlike that of a single call",
            value=sum(row["unlike_ids"] > 0 for row in rows),
            bound=Bound.AT_MOST,
            target=0,
        ),
        Figure(
            name="largest difference of a log-probability",
            value=max(row["largest_difference"] for row in rows),
            bound=Bound.AT_MOST,
            target=WITHIN,
            unit="nats",
        ),
    ]
    if args.document:
        text = DOCUMENT.read_text("utf-8")
        before, _, rest = text.partition(BEGIN)
        after = rest.partition(END)[2]
        DOCUMENT.write_text(f"{before}{BEGIN}{table(rows)}{END}{after}", "utf-8")
    result = {"max_tokens": TOKENS, "machine": machine(), "rows": rows}
    return conclude(figures, result, args.out)


if __name__ == "__main__":
    sys.exit(main())
