"""What the judge of rewrites refuses of wrong answers and accuses of good ones, and how fast it is.

    python benchmarks/rewrite_judge.py
    python benchmarks/rewrite_judge.py --sets "goldens;panel" --kinds "negated;JSON" --misses 20
    python benchmarks/rewrite_judge.py --read build/answers.txt      samples for a person to read

The answers come from ``benchmarks/rewrite_answers``, whose functions know nothing of the judge. A
row is a kind of answer; a column is a group of sets in one language, with the share that was
refused (of wrong answers) or accused (of good ones), the exact interval and the number of answers.
Public data sets that are not there are left out.

Exit status 1 when a target is missed. The result is written only when everything was measured.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from figures import RESULTS, Bound, Figure, conclude, machine
from rewrite_answers.kinds import Group, Kind, Light
from rewrite_answers.sampling import Answer, other_rewrites, rewrites_by_hand, sample
from rewrite_answers.sets import (
    AUTHORED,
    EXTRACTIVE,
    FREE,
    SETS,
    extractive_of_long_names,
    of,
    panel_of_long_names,
)

from evalsuite.cases import Language
from evalsuite.rewrites import judge
from evalsuite.statistics.estimate import Sides
from evalsuite.statistics.rates import clopper_pearson

COLUMNS: Mapping[str, Sequence[str]] = {
    "goldens and panels": AUTHORED,
    "extractive": EXTRACTIVE,
    "free": FREE,
}
LONG_NAMES = {"panel": panel_of_long_names, "extractive": extractive_of_long_names}
"""English names of the panel are one word; these sets make halves of them possible."""
OTHERS = "other accepted rewrites"
ONE_SHOWN = "other accepted rewrites, one listed"
"""The other humans' rewrites of a case that lists only the first one."""
BY_HAND = "rewrites by hand, not listed"
GOOD = (*Light, OTHERS, ONE_SHOWN, BY_HAND)
ANSWERS, SECONDS = 20_000, 30.0
"""So many answers in so many seconds on two cores."""


def target(row: str, column: str) -> tuple[Bound, float] | None:
    """What the share in a row has to be in a column; None where nothing is promised."""
    at = list(COLUMNS).index(column)
    if row == OTHERS:
        most = (0.05, None, 0.05)[at]
        return None if most is None else (Bound.AT_MOST, most)
    if row not in tuple(Kind):
        return None
    kind = Kind(row)
    least: tuple[float | None, ...] = {
        Group.FORM: (0.99, 0.98, 0.95),
        Group.NAME: (0.99, 0.98, None),
        Group.CONTENT: (0.99, 0.95, None),
    }[kind.group]
    named = {Kind.SAME_SORT: 0.97, Kind.RIGHT_AND_WRONG: 0.85}.get(kind)
    asked = named if at == 2 and named is not None else least[at]
    return None if asked is None else (Bound.AT_LEAST, asked)


LIGHT_ALL = "light paraphrases together"
LIGHT_TARGETS: Mapping[str, float] = {"goldens and panels": 0.005, "extractive": 0.015}


@dataclass(slots=True)
class Cell:
    """What was found of one kind of answers on some sets of one language."""

    n: int = 0
    lost: int = 0
    """Answers that are not right in the judge's eyes."""
    parts: Counter[str] = field(default_factory=Counter)
    unlike: list[tuple[Answer, str]] = field(default_factory=list)
    """Answers that were not judged as they should be, and what was said."""

    def __add__(self, other: Cell) -> Cell:
        return Cell(
            self.n + other.n,
            self.lost + other.lost,
            self.parts + other.parts,
            self.unlike + other.unlike,
        )

    @property
    def share(self) -> float:
        """Share that was refused or accused."""
        return self.lost / self.n if self.n else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Exact two-sided 95 % interval."""
        found = clopper_pearson(self.lost, self.n, sides=Sides.TWO)
        return found.lower, found.upper

    def text(self) -> str:
        """For a table."""
        if not self.n:
            return "-"
        lower, upper = self.interval
        return f"{self.share:.1%} [{lower:.1%}, {upper:.1%}] {self.n}"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        if not self.n:
            return {"n": 0}
        lower, upper = self.interval
        return {
            "n": self.n,
            "lost": self.lost,
            "share": round(self.share, 5),
            "interval": [round(lower, 5), round(upper, 5)],
            "parts": {part: round(n / self.n, 4) for part, n in self.parts.most_common()},
        }


def measured(answers: Sequence[Answer], *, wrong: bool) -> Cell:
    """Judge answers that are all wrong, or all good."""
    cell = Cell()
    for answer in answers:
        found = judge(answer.case, answer.text)
        cell.n += 1
        cell.lost += not found.right
        cell.parts.update(part.value for part, reasons in found.findings.items() if reasons)
        if found.right == wrong:
            reasons = [f"{p}: {f.reason}" for p, fs in found.findings.items() for f in fs]
            cell.unlike.append((answer, " ".join(reasons)))
    return cell


@cache
def answers_of(row: str, name: str, language: Language, most: int) -> tuple[Answer, ...]:
    """The answers of a kind on one set."""
    cases = of(SETS[name], language)
    if row == OTHERS:
        return tuple(other_rewrites(cases, 10 * most))
    if row == ONE_SHOWN:
        return tuple(other_rewrites(cases, 10 * most, shown=1)) if name in FREE else ()
    if row == BY_HAND:
        return tuple(rewrites_by_hand(cases)) if name == "goldens" else ()
    if row in tuple(Light):
        return tuple(sample(Light(row), cases, most))
    if row == Kind.HALF_NAME:
        if name in FREE:
            return ()
        cases = (*cases, *(of(LONG_NAMES[name], language) if name in LONG_NAMES else ()))
    return tuple(sample(Kind(row), cases, most))


Cells = dict[tuple[str, str, Language], Cell]


def measure(rows: Sequence[str], sets: Sequence[str], most: int) -> Cells:
    """Judge everything: row, set, language -> cell."""
    return {
        (row, name, language): measured(
            answers_of(row, name, language, most), wrong=row in tuple(Kind)
        )
        for row in rows
        for name in sets
        for language in Language
    }


def pooled(cells: Cells, row: str, column: str, language: Language) -> Cell:
    """One cell of the table: the sets of a column together."""
    rows = tuple(Light) if row == LIGHT_ALL else (row,)
    found = [cells.get((r, name, language), Cell()) for r in rows for name in COLUMNS[column]]
    return sum(found, Cell())


def figures(cells: Cells, rows: Sequence[str]) -> Iterator[Figure]:
    """Everything that has a target and was measured."""
    for column in COLUMNS:
        for language in Language:
            for row in (*rows, LIGHT_ALL):
                due = target(row, column)
                if row == LIGHT_ALL and column in LIGHT_TARGETS:
                    due = (Bound.AT_MOST, LIGHT_TARGETS[column])
                cell = pooled(cells, row, column, language)
                if due and cell.n:
                    name = f"{row}, {column} {language} (n {cell.n})"
                    yield Figure(name=name, value=cell.share, bound=due[0], target=due[1])


def table(rows: Sequence[str], columns: Mapping[str, Sequence[Cell]]) -> str:
    """Rows of cells as Markdown; columns without an answer are left out."""
    found = {name: cells for name, cells in columns.items() if any(c.n for c in cells)}
    lines = [f"| | {' | '.join(found)} |", "|---" * (len(found) + 1) + "|"]
    for at, row in enumerate(rows):
        lines.append(f"| {row} | {' | '.join(cells[at].text() for cells in found.values())} |")
    return "\n".join(lines)


def report(cells: Cells, rows: Sequence[str], sets: Sequence[str]) -> str:
    """The table of the groups, that of the sets, and which part caught what."""
    shown = [*rows, *([LIGHT_ALL] if any(r in tuple(Light) for r in rows) else [])]
    wide = {
        f"{column} {language}": [pooled(cells, row, column, language) for row in shown]
        for column in COLUMNS
        for language in Language
    }
    narrow = {
        f"{name} {language}": [cells.get((row, name, language), Cell()) for row in rows]
        for name in sets
        for language in Language
    }
    caught = [f"| {row} | {_parts(cells, row)} |" for row in rows]
    return "\n\n".join(
        [
            "Wrong answers: refused. Good answers: accused. Share [95 % interval] n.",
            table(shown, wide),
            table(rows, narrow),
            "\n".join(["| | lost parts, share of all answers |", "|---|---|", *caught]),
        ]
    )


def _parts(cells: Cells, row: str) -> str:
    every = sum((cell for (r, _, _), cell in cells.items() if r == row), Cell())
    return ", ".join(f"{part} {n / every.n:.0%}" for part, n in every.parts.most_common()) or "-"


# --- speed --------------------------------------------------------------------------------------


def throughput(cells: Cells, most: int) -> dict[str, float]:
    """Judge 20,000 different answers in two processes that start cold; CPU and wall seconds."""
    every = [a for row, name, lang in cells for a in answers_of(row, name, lang, most)]
    unique = list({(a.case.id, a.text): a for a in every}.values())
    chosen = unique[:: max(1, len(unique) // ANSWERS)][:ANSWERS]
    start = time.perf_counter()
    with ProcessPoolExecutor(2) as pool:
        seconds = list(pool.map(_judged, [chosen[0::2], chosen[1::2]]))
    wall = time.perf_counter() - start
    scale = ANSWERS / len(chosen)
    return {
        "answers": len(chosen),
        "cpu_seconds": round(sum(seconds) * scale, 2),
        "wall_seconds": round(wall * scale, 2),
    }


def _judged(answers: Sequence[Answer]) -> float:
    start = time.process_time()
    for answer in answers:
        judge(answer.case, answer.text)
    return time.process_time() - start


# --- the command --------------------------------------------------------------------------------


def _names(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    def read(text: str) -> tuple[str, ...]:
        asked = tuple(part.strip() for part in text.split(";"))
        for name in asked:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of: {', '.join(known)}")
        return asked

    return read


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    rows = (*Kind, *GOOD)
    parser.add_argument("--sets", type=_names(tuple(SETS)), default=tuple(SETS), metavar="SET;...")
    parser.add_argument("--kinds", type=_names(rows), default=rows, metavar="KIND;...")
    parser.add_argument("--limit", type=int, default=300, help="answers of a kind on a set")
    parser.add_argument("--misses", type=int, default=0, metavar="N", help="show N of each cell")
    parser.add_argument("--read", type=Path, help="write samples to read, and judge nothing")
    parser.add_argument("--out", type=Path, default=RESULTS / "rewrite_judge.json")
    return parser.parse_args()


def read(args: argparse.Namespace) -> int:
    """Write up to ``--limit`` answers of each kind, set and language with their queries."""
    lines = []
    for row in args.kinds:
        for name in args.sets:
            for language in Language:
                answers = answers_of(row, name, language, args.limit)[: args.limit]
                lines += [f"\n== {row} | {name} {language}"] if answers else []
                lines += [f"{a.case.id} | {a.case.query} -> {a.text!r}" for a in answers]
    args.read.parent.mkdir(parents=True, exist_ok=True)
    args.read.write_text("\n".join(lines) + "\n", "utf-8")
    return 0


def main() -> int:
    args = _arguments()
    if args.read:
        return read(args)
    cells = measure(args.kinds, args.sets, args.limit)
    print(report(cells, args.kinds, args.sets), end="\n\n")
    for (row, name, language), cell in cells.items():
        for answer, why in cell.unlike[: args.misses]:
            case = answer.case
            print(f"{row} | {name} {language} | {case.id} | {case.query} -> {answer.text!r} {why}")
    found = list(figures(cells, args.kinds))
    speed = throughput(cells, args.limit)
    print(f"\n{speed}\n")
    name = f"{ANSWERS} answers on two cores"
    found.append(
        Figure(
            name=name, value=speed["wall_seconds"], bound=Bound.AT_MOST, target=SECONDS, unit="s"
        )
    )
    whole = args.kinds == (*Kind, *GOOD) and args.sets == tuple(SETS) and args.limit == 300
    result = {
        "machine": machine(),
        "throughput": speed,
        "cells": [
            {"kind": row, "set": name, "language": language} | cell.to_json()
            for (row, name, language), cell in cells.items()
            if cell.n
        ],
    }
    return conclude(found, result, args.out if whole else None)


if __name__ == "__main__":
    sys.exit(main())
