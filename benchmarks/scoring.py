"""What it takes to score many answers, and one very long one.

    python benchmarks/scoring.py

Cases are drawn from the grammar, half of them in each language. Of one corpus they are judged as
panels are (the case says what is meant), of the other as imported data is, by their rewrites alone,
half of them extractive. Half of the answers are accepted rewrites; the others are wrong in a dozen
ways. The time is that of the whole command ``evalsuite score`` with rows and metrics, in a process
of its own on two cores: from the files to the files. Exit status 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

from figures import RESULTS, Bound, Figure, conclude, machine

from evalsuite.answers import Answer, Asking, dump_answers
from evalsuite.answers.reading import Format
from evalsuite.cases import Case, Expectation, Language
from evalsuite.cases.casefiles import dump_cases
from evalsuite.rewrites.metrics import missing_libraries
from evalsuite.scenarios import sample_shown_panel

CORES = 2
SEEDS = 1000
"""Cases of one language under one seed."""
LONG = 100_000
"""Characters of a long answer."""

WRONG: Sequence[Callable[[Case, random.Random], str]] = (
    lambda case, _: case.query,
    lambda case, _: f"{case.reference} {case.reference}",
    lambda case, _: f"Rewritten query: {case.reference}",
    lambda case, _: f'{{"query": "{case.reference}"}}',
    lambda case, _: f"```\n{case.reference}\n```",
    lambda case, _: f"{case.reference} I hope that helps.",
    lambda case, _: case.history[-1].content if case.history else "",
    lambda case, _: f"Yes, {case.reference}",
    lambda case, rng: dropped(case.reference or "", rng),
    lambda case, rng: doubled(case.reference or "", rng),
    lambda case, _: (case.reference or "")[: len(case.reference or "") // 2],
    lambda _, __: "",
)


def dropped(text: str, rng: random.Random) -> str:
    """A text without one of its words, or of its characters where it has no blanks."""
    pieces = text.split(" ") if " " in text else list(text)
    pieces.pop(rng.randrange(len(pieces)))
    return (" " if " " in text else "").join(pieces)


def doubled(text: str, rng: random.Random) -> str:
    """A text that says something from its middle twice."""
    at = rng.randrange(len(text))
    return f"{text[:at]}{text[at : at + 6]}{text[at:]}"


def drawn(n: int) -> list[Case]:
    """Cases of both languages, each with an id of its own."""
    found = []
    for seed in range(-(-n // (2 * SEEDS))):
        for language in Language:
            found += [s.case for s in sample_shown_panel(seed, SEEDS, language, demonstrations=2)]
    return found[:n]


def imported(cases: Sequence[Case]) -> list[Case]:
    """The same as data of other people, of which nobody said what must be named."""
    return [
        case
        if case.expect.unchanged
        else replace(
            case,
            expect=Expectation(rewrites=case.expect.rewrites, extractive=at % 2 == 0),
        )
        for at, case in enumerate(cases)
    ]


def answered(cases: Sequence[Case]) -> list[Answer]:
    """Half of them right, the others wrong in every way in turn."""
    rng = random.Random(1)
    return [
        Answer(case.id, case.reference or "" if at % 2 else WRONG[at // 2 % len(WRONG)](case, rng))
        for at, case in enumerate(cases)
    ]


def scored(folder: Path, cases: Sequence[Case]) -> dict[str, float]:
    """Seconds of the whole command, by the clock and of all processors."""
    (folder / "cases").mkdir(parents=True)
    for at in range(0, len(cases), 2 * SEEDS):
        text = dump_cases(cases[at : at + 2 * SEEDS])
        (folder / "cases" / f"part-{at}.yaml").write_text(text, "utf-8")
    (folder / "answers.jsonl").write_text(dump_answers(answered(cases), Format.JSONL), "utf-8")
    command = [
        sys.executable, "-m", "evalsuite.cli", "score", str(folder / "cases"),
        str(folder / "answers.jsonl"), "--json", str(folder / "out.jsonl"),
    ]  # fmt: skip
    before = getrusage(RUSAGE_CHILDREN)
    began = time.monotonic()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds = time.monotonic() - began
    after = getrusage(RUSAGE_CHILDREN)
    rows = (folder / "out.jsonl").read_text("utf-8").count("\n")
    assert rows == len(cases), (rows, done.stdout)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"answers": rows, "seconds": seconds, "processor_seconds": used}


def long_answers() -> dict[str, float]:
    """Processor seconds of one answer of a length and of ten times that, the worst of several."""
    case = next(case for case in drawn(2000) if not case.expect.unchanged)
    asking = Asking()
    asking([(case, Answer(case.id, "warm"))])
    units = (f"{case.reference} ", "x", "木星", "?! ", "\"' ", "a\n", ". ")
    found = {}
    for length in (LONG // 10, LONG):
        worst = 0.0
        for unit in units:
            text = (unit * length)[:length]
            began = time.process_time()
            asking([(case, Answer(case.id, text))])
            worst = max(worst, time.process_time() - began)
        found[f"{length}"] = worst
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--answers", type=int, default=20_000)
    parser.add_argument("--out", type=Path, default=RESULTS / "scoring.json")
    args = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    panel = drawn(args.answers)
    with tempfile.TemporaryDirectory() as name:
        result: dict[str, Any] = {
            "machine": machine(),
            "cores": CORES,
            "missing_libraries": list(missing_libraries()),
            "panel": scored(Path(name) / "panel", panel),
            "imported": scored(Path(name) / "imported", imported(panel)),
            "long": long_answers(),
        }
        result["machine"]["load_average_after"] = machine()["load_average"]
    figures = [
        Figure(
            name=f"score {args.answers} answers to {what}",
            value=result[key]["seconds"],
            bound=Bound.AT_MOST,
            target=30,
            unit="s",
        )
        for key, what in (("panel", "panels"), ("imported", "imported cases"))
    ]
    figures.append(
        Figure(
            name=f"an answer of {LONG} characters, against one of a tenth",
            value=result["long"][f"{LONG}"] / result["long"][f"{LONG // 10}"],
            bound=Bound.AT_MOST,
            target=15,
            unit="times",
        )
    )
    return conclude(figures, result, args.out)


if __name__ == "__main__":
    raise SystemExit(main())
