"""What becomes of published sets of rewrites when they are imported, and what names are worth.

    python benchmarks/importing.py [--out FILE]

Reads the public data sets (``EVALSUITE_DATA``, or a folder ``data`` beside the checkout), and of
Chinese, for which there are none, the golden cases and panels without the names that their authors
wrote. For each set: records, cases, refusals, how many cases say what must and must not be named,
whether the judge accepts every reference, what it says of its names if it were not listed, and
light edits of it; and how many references in which
another name of the history stands instead of the right one it accepts without these names and with
them. Where there are several people's rewrites, each is judged by the others': without names, with
them, and as if an author had written them.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from figures import RESULTS, Bound, Figure, conclude
from rewrite_answers import MAKERS, Light, sets

from evalsuite.cases import Case, Expectation, Language
from evalsuite.cases.antecedents import antecedents
from evalsuite.cases.antecedents.propernames import names_in
from evalsuite.cases.antecedents.tokens import letters
from evalsuite.cases.casefiles import names
from evalsuite.cases.importers import FORMATS, Wishes, imported
from evalsuite.rewrites import judge, standard_of
from evalsuite.rewrites.named import named as named_in

SEED = 20261130
MOST_SWAPS = 3
"""Other names that are tried in place of the right one, for each case."""
CAST = "trec_cast"
PUBLISHED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "CANARD dev": ("canard", ("canard/dev.json",)),
    "CAsT 2019": ("cast2019", (f"{CAST}/2019/evaluation_topics_v1.0.json",)),
    "CAsT 2020": ("cast", (f"{CAST}/2020/2020_manual_evaluation_topics_v1.0.json",)),
    "CAsT 2021": ("cast", (f"{CAST}/2021/2021_manual_evaluation_topics_v1.0.json",)),
    "CAsT 2022": (
        "cast",
        (f"{CAST}/2022/2022_evaluation_topics_flattened_duplicated_v1.0.json",),
    ),
    "Alexa CQR": (
        "alexa_cqr",
        ("alexa_cqr/cqr_kvret_dev_public.json", "alexa_cqr/cqr_kvret_test_public.json"),
    ),
}
"""Name of a set -> its format and files."""
Answer = tuple[Case, str]


@dataclass(frozen=True, slots=True)
class Share:
    """How many of some answers are accepted."""

    n: int
    accepted: int

    @property
    def value(self) -> float:
        """The share; NaN of nothing."""
        return self.accepted / self.n if self.n else float("nan")


@dataclass(slots=True)
class Row:
    """What was measured of one set."""

    name: str
    records: int
    cases: int
    refused: int
    merged: int
    must_name: int
    must_not_name: int
    shares: dict[str, Share] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data."""
        counts = {
            "records": self.records,
            "cases": self.cases,
            "refused": self.refused,
            "merged": self.merged,
            "must_name": self.must_name,
            "must_not_name": self.must_not_name,
        }
        return counts | {
            name: {"n": share.n, "accepted": share.accepted} for name, share in self.shares.items()
        }


def published(name: str) -> Row | None:
    """Import one published set; None where its files are not there."""
    format, paths = PUBLISHED[name]
    files = [sets.data() / path for path in paths]
    if not all(file.is_file() for file in files):
        return None
    found = [imported(format, file, Wishes(skip_bad=True)) for file in files]
    cases = [case for one in found for case in one.cases]
    row = Row(
        name=name,
        records=sum(1 for file in files for _ in FORMATS[format](file)),
        cases=len(cases),
        refused=sum(len(one.skipped) for one in found),
        merged=sum(len(one.merged) for one in found),
        must_name=sum(bool(case.expect.must_name) for case in cases),
        must_not_name=sum(bool(case.expect.must_not_name) for case in cases),
    )
    measure(row, cases)
    row.shares |= held_out(cases)
    return row


def authored(name: str, cases: Iterable[Case], language: Language) -> Row:
    """Read the names of cases off their rewrites, as if an importer had brought them."""
    own = [case for case in cases if case.language is language and case.expect.rewrites]
    read = [with_names(case) for case in own]
    row = Row(
        name=f"{name} {language}",
        records=len(own),
        cases=len(read),
        refused=0,
        merged=0,
        must_name=sum(bool(case.expect.must_name) for case in read),
        must_not_name=sum(bool(case.expect.must_not_name) for case in read),
    )
    measure(row, read)
    pairs = [*zip(own, read, strict=True)]
    row.shares |= {
        "must_name_as_authored": share(_folded(a.expect.must_name) == _folded(b.expect.must_name)
                                       for a, b in pairs if b.expect.must_name),
        "must_not_name_as_authored": share(
            other in _folded(a.expect.must_not_name)
            for a, b in pairs
            for other in _folded(b.expect.must_not_name)
        ),
    }  # fmt: skip
    wrong = [*zip(*(_authored_swaps(a, b) for a, b in pairs), strict=True)] if pairs else []
    for label, swapped in zip(("swapped_without_names", "swapped"), wrong, strict=False):
        row.shares[label] = accepted(answer for part in swapped for answer in part)
    return row


def _authored_swaps(own: Case, read: Case) -> tuple[list[Answer], list[Answer]]:
    """Swaps by the names that the author forbids, judged without and with the names read off."""
    swapped = [
        told
        for name in own.expect.must_name[:1]
        for other in own.expect.must_not_name[:MOST_SWAPS]
        if (told := exchanged(own.expect.rewrites[0], name, other))
    ]
    return [(without_names(read), told) for told in swapped], [(read, told) for told in swapped]


def measure(row: Row, cases: Sequence[Case]) -> None:
    """References, light edits of them, and references that name something else."""
    rng = random.Random(SEED)
    named = [case for case in cases if case.expect.must_name]
    row.shares["references"] = accepted(
        (case, text) for case in cases for text in case.expect.rewrites or (case.query,)
    )
    row.shares["references_named"] = share(
        not named_in(case, text, standard_of(case))
        for case in named
        for text in case.expect.rewrites
    )
    edits = [(case, text) for case in named for text in edited(case, rng)]
    swaps = [(case, text) for case in named for text in swapped(case)]
    for label, answers in (("edited", edits), ("swapped", swaps)):
        row.shares[f"{label}_without_names"] = accepted((without_names(c), t) for c, t in answers)
        row.shares[label] = accepted(answers)


def edited(case: Case, rng: random.Random) -> Iterator[str]:
    """Light edits of a reference, after which it is as right as before."""
    for kind, make in MAKERS.items():
        if isinstance(kind, Light) and (text := make(without_names(case), rng)):
            yield text


def swapped(case: Case) -> Iterator[str]:
    """The reference with another name of the history in place of the first that is meant."""
    meant = case.expect.must_name[0]
    others = (*case.expect.must_not_name, *names_in([turn.content for turn in case.history]))
    texts = (case.query, *case.expect.rewrites)
    fitting = [
        other
        for other in dict.fromkeys(others)
        if not _alike(meant, other) and not any(names(text, other) for text in texts)
    ]
    for other in fitting[:MOST_SWAPS] if any(map(str.isupper, meant)) else ():
        if told := exchanged(case.expect.rewrites[0], meant, other):
            yield told


def _alike(one: str, other: str) -> bool:
    """Whether two names may mean one thing: they share a word, or all letters but an ending."""
    first, second = letters(one), letters(other)
    if first in second or second in first:
        return True
    return bool({letters(word) for word in one.split()} & {letters(word) for word in other.split()})


def exchanged(text: str, meant: str, other: str) -> str | None:
    """The text with another name everywhere; None where nothing changes."""
    made = re.sub(re.escape(meant), lambda _: other, text, flags=re.IGNORECASE)
    return made if made != text else None


def held_out(cases: Sequence[Case]) -> dict[str, Share]:
    """Every rewrite of a case that has several, judged by the others'."""
    ways: Mapping[str, Callable[[Case], Case]] = {
        "held_out_without_names": lambda case: case,
        "held_out": with_names,
        "held_out_as_authored": lambda case: replace(
            with_names(case), expect=replace(with_names(case).expect, free=False)
        ),
    }
    left = [
        (replace(case, expect=Expectation(rewrites=others)), text)
        for case in cases
        if len(case.expect.rewrites) > 1
        for text in case.expect.rewrites
        if (others := tuple(one for one in case.expect.rewrites if one != text))
    ]
    if not left:
        return {}
    return {name: accepted((way(case), text) for case, text in left) for name, way in ways.items()}


def without_names(case: Case) -> Case:
    """The case as it was imported before names were read off its rewrites."""
    return replace(case, expect=Expectation(rewrites=case.expect.rewrites))


def with_names(case: Case) -> Case:
    """The case with the names that its rewrites tell."""
    rewrites = case.expect.rewrites
    found = antecedents(case.query, rewrites, [turn.content for turn in case.history])
    expect = Expectation(
        rewrites=rewrites,
        must_name=found.must_name,
        must_not_name=found.must_not_name,
        aliases=found.aliases,
        free=True,
    )
    return replace(case, expect=expect)


def accepted(answers: Iterable[Answer]) -> Share:
    """The share of answers that the judge calls right."""
    return share(judge(case, text).right for case, text in answers)


def share(outcomes: Iterable[bool]) -> Share:
    """The share of True."""
    found = list(outcomes)
    return Share(len(found), sum(found))


def _folded(texts: Iterable[str]) -> set[str]:
    return {text.casefold() for text in texts}


def together(rows: Iterable[Row], label: str) -> Share:
    """One figure of several sets."""
    found = [row.shares[label] for row in rows if label in row.shares]
    return Share(sum(one.n for one in found), sum(one.accepted for one in found))


def figures(rows: Sequence[Row]) -> list[Figure]:
    """What has a target."""
    free = [row for row in rows if row.name in PUBLISHED]
    made = [row for row in rows if row.name not in PUBLISHED]
    before, after = (together(free, f"held_out{end}") for end in ("_without_names", ""))
    wanted = [
        ("references accepted", together(rows, "references").value, Bound.AT_LEAST, 0.995),
        (
            "references named as they must be",
            together(rows, "references_named").value,
            Bound.AT_LEAST,
            0.995,
        ),
        ("light edits accepted", together(rows, "edited").value, Bound.AT_LEAST, 0.995),
        ("swapped names accepted", together(free, "swapped").value, Bound.AT_MOST, 0.01),
        ("swapped names accepted, authored", together(made, "swapped").value, Bound.AT_MOST, 0.01),
        ("names as authored", together(made, "must_name_as_authored").value, Bound.AT_LEAST, 0.95),
        (
            "wrong names as authored",
            together(made, "must_not_name_as_authored").value,
            Bound.AT_LEAST,
            0.95,
        ),
    ]
    if before.n:
        lost = (before.accepted - after.accepted) / before.n
        wanted.append(("people's rewrites newly refused", lost, Bound.AT_MOST, 0.01))
    return [
        Figure(name=name, value=value, bound=bound, target=target)
        for name, value, bound, target in wanted
    ]


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    head = (
        "| set | records | cases | refused | `must_name` | `must_not_name` | references accepted "
        "| swapped names accepted: before | now |\n|---|---|---|---|---|---|---|---|---|"
    )
    return "\n".join([head, *map(line, rows)])


def line(row: Row) -> str:
    """One set as a row of the table."""
    told = {name: f"{s.accepted:,} of {s.n:,}" for name, s in row.shares.items()}
    cells = (
        row.name,
        f"{row.records:,}",
        f"{row.cases:,}",
        f"{row.refused:,}",
        f"{row.must_name:,}",
        f"{row.must_not_name:,}",
        told["references"],
        told["swapped_without_names"],
        told["swapped"],
    )
    return f"| {' | '.join(cells)} |"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--out", type=Path, default=RESULTS / "importing.json")
    args = parser.parse_args(argv)
    rows = [row for name in PUBLISHED if (row := published(name))]
    rows += [
        authored(name, cases(), language)
        for name, cases in (("goldens", sets.goldens), ("panel", sets.panel))
        for language in Language
    ]
    print(table(rows))
    result = {"seed": SEED, "sets": {row.name: row.to_json() for row in rows}}
    return conclude(figures(rows), result, args.out)


if __name__ == "__main__":
    sys.exit(main())
