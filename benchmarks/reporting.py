"""What it takes to compare large runs, and to write the report of one.

    python benchmarks/reporting.py

The runs are made without a model: as many cases as are asked for, in clusters of four, each
answered by both sides, with a share of defects. Time and memory are those of one process that reads
the runs from their folders. A report keeps within its size whatever models wrote and however many
cases there are: that is measured too. Exit status 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from figures import RESULTS, Bound, Figure, conclude, machine

from evalsuite.cases import Expectation
from evalsuite.conversation import messages
from evalsuite.gates import Status, Verdict
from evalsuite.report import comparison_markdown, write_reports
from evalsuite.runs import (
    AdapterInfo,
    BaseInfo,
    CaseRow,
    DemonstrationsRow,
    EngineInfo,
    OutputRow,
    PolicyInfo,
    RunInfo,
    ScoreRow,
    ShownRow,
    Side,
    TokensRow,
)
from evalsuite.runs.comparison import compare
from evalsuite.runs.folder import RunWriter, load_run

GATE, PANEL = "pronoun_resolution", "panel"
DEFECTS = 0.1
TOKENS = 400
"""Tokens of a prompt, in the views that a run keeps of its first failed answers."""


HOSTILE = {
    "quotes": '"' * 1100,
    "markup": "'&<>" * 280,
    "bidi": "\u202ea" * 600,
    "kinds": "",
}
"""What every text of a run holds; of the last every case is of a kind of its own."""


def write(folder: Path, cases: int, seed: int, hostile: str | None = None) -> None:
    """Write a run of so many cases; two seeds differ in which answers are defects.

    With ``hostile`` it stands in every text, and every case is of a kind of its own.
    """
    rng = random.Random(seed)
    rows = [asked(number) for number in range(cases)]
    if hostile is not None:
        rows = [
            replace(row, kind=f"{hostile}{at}", query=hostile, cluster=hostile, source=hostile)
            for at, row in enumerate(rows)
        ]
    outputs, scores = [], []
    for number, row in enumerate(rows):
        for side in (Side.BASELINE, Side.CANDIDATE):
            output, score = answered(number, row, side, wrong=rng.random() < DEFECTS)
            if hostile:
                output, score = replace(output, text=hostile), replace(score, explanation=hostile)
            outputs.append(output)
            scores.append(score)
    verdict = Verdict(
        gate=GATE, status=Status.PASSED, value=DEFECTS, lower=0.09, upper=0.11, limit=0.2, n=cases,
        clusters=cases // 4, method="made for a benchmark", reason="Made for a benchmark.",
    )  # fmt: skip
    with RunWriter(folder) as writer:
        writer.add_cases(rows)
        writer.add_outputs(outputs)
        writer.add_scores(scores)
        writer.add_demonstrations(shown(cases // 5))
        failed = [key for s in scores if s.failed and s.side is Side.CANDIDATE for key in s.outputs]
        writer.add_tokens(tokens(key) for key in failed[:80])
        writer.set_verdicts([verdict], ())
        writer.finish(made_from(seed))


def asked(number: int) -> CaseRow:
    return CaseRow(
        panel=PANEL, case_id=f"case-{number:05}", language=("en", "zh")[number % 2],
        kind=("single", "comparison", "plural")[number % 3], cluster=f"cluster-{number // 4}",
        history=messages([
            ("user", f"Which is faster, Velmora {number} or Tessick {number}?"),
            ("assistant", "Velmora, by a wide margin. Tessick was built to save power."),
        ]),
        query="How is its memory management?",
        expect=Expectation(rewrites=(f"How is Velmora {number}'s memory management?",)),
    )  # fmt: skip


def answered(number: int, row: CaseRow, side: Side, *, wrong: bool) -> tuple[OutputRow, ScoreRow]:
    key = f"{number}-{side}"
    text = f"How is {'Tessick' if wrong else 'Velmora'} {number}'s memory management?"
    output = OutputRow(
        key=key, side=side, panel=PANEL, case_id=row.case_id, prompt_format="xml", text=text,
        finish="stop", tokens=9, demonstrations=f"set-{number // 5}a",
    )  # fmt: skip
    score = ScoreRow(
        detector="pronoun", gate=GATE, case_id=row.case_id, side=side, value=float(wrong),
        explanation="It names Tessick." if wrong else "", cluster=row.cluster,
        language=row.language, kind=row.kind, panel=PANEL, outputs=(key,),
    )  # fmt: skip
    return output, score


def made_from(seed: int) -> RunInfo:
    now, digest = datetime.now(UTC), "0" * 64
    return RunInfo(
        created=now, finished=now, prompt_format="xml", template_fingerprint=digest,
        base=BaseInfo(name="none", digest=digest, tokenizer_digest=digest),
        adapter=AdapterInfo(path=f"made-{seed}", digest=digest),
        policy=PolicyInfo(name="none", digest=digest), demonstrations_digest=digest,
        cases_digest=digest, seeds={PANEL: 1},
        engine=EngineInfo(name="none", identity=digest, dtype="none", device="none"),
    )  # fmt: skip


def shown(sets: int) -> list[DemonstrationsRow]:
    row = ShownRow(
        history=messages([("user", "Who built the Ostrava Loom?")]),
        query="How old is it?",
        rewrite="How old is the Ostrava Loom?",
    )
    return [DemonstrationsRow(name=f"set-{n}a", shown=(row, row)) for n in range(sets)]


def tokens(key: str) -> TokensRow:
    ids = tuple(range(TOKENS + 12))
    texts = tuple("<|im_start|>" if not at % 100 else " word" for at in ids)
    return TokensRow(key=key, ids=ids, texts=texts, answer=TOKENS, control=ids[::100])


def compared(before: Path, after: Path) -> int:
    return len(comparison_markdown(compare(load_run(before), load_run(after))))


def reported(folder: Path) -> int:
    return write_reports(load_run(folder))[0].stat().st_size


def measured(action: Callable[..., int], *folders: Path) -> dict[str, float]:
    """Run it in a process of its own; return seconds, its peak memory in MB, and its result."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (action, folders))


def _measured(action: Callable[..., int], folders: tuple[Path, ...]) -> dict[str, float]:
    began = time.monotonic()
    result = action(*folders)
    seconds = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return {"seconds": seconds, "peak_mb": peak, "size": result}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compare", type=int, default=10_000, help="cases of each compared run")
    parser.add_argument("--report", type=int, default=2_000, help="cases of the reported run")
    parser.add_argument("--large", type=int, default=100_000, help="cases of the largest run")
    parser.add_argument("--out", type=Path, default=RESULTS / "reporting.json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for seed in (1, 2):
            write(root / f"run-{seed}", args.compare, seed)
        write(root / "report", args.report, 3)
        result: dict[str, Any] = {
            "machine": machine(),
            "compare": {"cases": args.compare,
                        **measured(compared, root / "run-1", root / "run-2")},
            "report": {"cases": args.report, **measured(reported, root / "report")},
            "hostile": {},
        }  # fmt: skip
        for name, text in HOSTILE.items():
            write(root / name, args.report, 4, hostile=text)
            result["hostile"][name] = measured(reported, root / name)
        write(root / "large", args.large, 5)
        result["large"] = {"cases": args.large, **measured(reported, root / "large")}
    both, one = result["compare"], result["report"]
    largest = max(found["size"] for found in (*result["hostile"].values(), result["large"]))
    figures = [
        Figure(name=f"compare two runs of {args.compare} cases", value=both["seconds"],
               bound=Bound.AT_MOST, target=10, unit="s"),
        Figure(name=f"report of {args.report} cases", value=one["seconds"], bound=Bound.AT_MOST,
               target=5, unit="s"),
        Figure(name="its memory", value=one["peak_mb"], bound=Bound.AT_MOST, target=300, unit="MB"),
        Figure(name="its size", value=one["size"] / 1e6, bound=Bound.AT_MOST, target=5, unit="MB"),
        Figure(name=f"the largest report of hostile text and of {args.large} cases",
               value=largest / 1e6, bound=Bound.AT_MOST, target=5, unit="MB"),
    ]  # fmt: skip
    return conclude(figures, result, args.out)


if __name__ == "__main__":
    raise SystemExit(main())
