"""How well a base does on public sets: imported as suites, and asked as the gate asks them.

    python benchmarks/suites_of_smollm2.py

Public sets are read where they lie (``EVALSUITE_DATA``, or a folder ``data`` beside the checkout),
each by ``evalsuite suite import`` into a file that is then read as any suite. One is answered by
choice, one is generated, so that both ways are timed. Intervals are two-sided, 95 %, and count
clusters, as a verdict's do. Nothing has a target: these are figures of a model. Answers are kept in
``--cache`` where that is given, so that an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter

from figures import RESULTS, ROOT, conclude, machine

from evalsuite.engines import CachingEngine, open_engine, resolve_numerics
from evalsuite.generation import Finish, Output
from evalsuite.models import BaseRef, resolve_base
from evalsuite.pipeline.questions import request_of
from evalsuite.scenarios import SkillItem
from evalsuite.statistics import Sides, clustered_rate, complement
from evalsuite.suites import read_suites
from evalsuite.suites.importing import import_suite
from evalsuite.tasks import Choice, Known, Skill, Task, score
from evalsuite.template import ChatTemplate, load_template


@dataclass(frozen=True, slots=True)
class Set:
    """A published file, and how much of it is asked."""

    format: str
    file: str
    limit: int | None = None
    """The first so many rows; None: all."""


SETS: Sequence[Set] = (
    Set("winogender", "winogender/all_sentences.tsv"),
    Set("gsm8k", "gsm8k/test.jsonl", 40),
)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often the base is right on one skill of a set."""

    skill: str
    rows: int
    clusters: int
    right: int
    unmeasured: int
    guessed: float
    """The share that guessing gets right."""
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Twins:
    """Pairs of sentences that differ in their end alone, and so in whom the pronoun means."""

    pairs: int
    unmoved: int
    """Of which the base chooses the same person in both: one right and one wrong, whatever it
    knows."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one set."""

    format: str
    file: str
    records: int
    """Up to the last row that is asked."""
    refused: int
    left_out: int
    seconds: float
    """Of the engine, its loading included for the first set."""
    cut_off: int
    """Answers that were still going on at the suite's ``max_tokens``."""
    skills: Sequence[Accuracy]
    twins: Twins | None
    """Of Winogender only."""


def main() -> int:
    """Measure every set, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base-model", default="smollm2")
    parser.add_argument("--cache", type=Path, help="an SQLite file that remembers answers")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    data = Path(os.environ.get("EVALSUITE_DATA") or ROOT.parent / "data")
    base = resolve_base(args.base_model)
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(
            base,
            cache=args.cache or Path(folder) / "answers.sqlite3",
            numerics=resolve_numerics("float32", "auto"),
            progress=lambda done, all: print(f"{done} of {all}", file=sys.stderr),
        )
        found = [measured(base, engine, data, one, Path(folder)) for one in SETS]
    show(found)
    result = {
        "machine": machine(),
        "base": args.base_model,
        "remembered": engine.hits,
        "sets": [asdict(one) for one in found],
    }
    name = Path(args.base_model).name
    return conclude([], result, args.out or RESULTS / f"suites-{name}.json")


def measured(base: BaseRef, engine: CachingEngine, data: Path, asked: Set, folder: Path) -> Asked:
    """Import a set, ask all its rows, and judge the answers."""
    read = import_suite(asked.format, data / asked.file, limit=asked.limit, skip_bad=True)
    items = read_suites([imported(data, asked, folder)])
    template = load_template(base.path, family=base.family)
    started = perf_counter()
    answers = ask(engine, template, items)
    return Asked(
        format=asked.format,
        file=asked.file,
        records=read.records,
        refused=len(read.bad),
        left_out=sum(read.left_out.values()),
        seconds=perf_counter() - started,
        cut_off=sum(said.finish is Finish.LENGTH for answer in answers for said in answer),
        skills=accuracies(items, answers),
        twins=twins(items, answers) if asked.format == "winogender" else None,
    )


def imported(data: Path, asked: Set, folder: Path) -> Path:
    """The suite file that the command writes."""
    out = folder / f"{asked.format}.jsonl"
    limit = [] if asked.limit is None else ["--limit", str(asked.limit)]
    arguments = ["suite", "import", asked.format, str(data / asked.file), "--out", str(out)]
    command = [sys.executable, "-m", "evalsuite.cli", *arguments, *limit, "--skip-bad"]
    subprocess.run(command, check=False, cwd=ROOT)
    return out


def tasks_of(item: SkillItem) -> list[Task]:
    """What is asked for one item: its answer, or each of its options."""
    options = [Choice(item=item, option=at) for at in range(len(item.options))]
    return [*options] or [Skill(item=item)]


def ask(
    engine: CachingEngine, template: ChatTemplate, items: Sequence[SkillItem]
) -> list[list[Output]]:
    """What came back for each item."""
    tasks = [tasks_of(item) for item in items]
    flat = engine.infer([request_of(template, task) for of_item in tasks for task in of_item])
    answers = iter(flat)
    return [list(islice(answers, len(of_item))) for of_item in tasks]


def accuracies(items: Sequence[SkillItem], answers: Sequence[Sequence[Output]]) -> list[Accuracy]:
    """The accuracy on every skill."""
    found = []
    for skill in sorted({item.skill for item in items}):
        of_skill = [
            (item, loss(item, said))
            for item, said in zip(items, answers, strict=True)
            if item.skill == skill
        ]
        known = [(item, value) for item, value in of_skill if value is not None]
        clusters = [item.cluster for item, _ in known]
        estimate = complement(
            clustered_rate([value for _, value in known], clusters, sides=Sides.TWO)
        )
        found.append(
            Accuracy(
                skill=skill,
                rows=len(of_skill),
                clusters=estimate.clusters,
                right=sum(value == 0.0 for _, value in known),
                unmeasured=len(of_skill) - len(known),
                guessed=of_skill[0][0].guessed,
                interval=(estimate.lower, estimate.upper),
            )
        )
    return found


def loss(item: SkillItem, said: Sequence[Output]) -> float | None:
    """0 right, 1 wrong, None unmeasured."""
    known = Known(options=tuple(said))
    (found,) = score(tasks_of(item)[0], said[0], known)
    return found.value


def twins(items: Sequence[SkillItem], answers: Sequence[Sequence[Output]]) -> Twins:
    """Compare what is chosen for sentences whose names differ in the person meant.

    A sentence is named ``winogender-OCCUPATION.PARTICIPANT.ANSWER.GENDER``.
    """
    chosen: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for item, said in zip(items, answers, strict=True):
        occupation, participant, _, gender = item.id.split(".")
        right = loss(item, said) == 0.0
        chosen[occupation, participant, gender].append(item.options[0 if right else 1])
    pairs = [each for each in chosen.values() if len(each) == 2]
    return Twins(pairs=len(pairs), unmoved=sum(len(set(each)) == 1 for each in pairs))


def show(found: Sequence[Asked]) -> None:
    """Print a line for each skill."""
    print("| set | skill | rows | right | 95 % interval | guessing | refused | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for asked in found:
        for one in asked.skills:
            low, high = one.interval
            share = f"{one.right} ({one.right / one.rows:.1%}) | {low:.1%} to {high:.1%}"
            print(
                f"| {asked.format} | {one.skill} | {one.rows} | {share} | {one.guessed:.0%} "
                f"| {asked.refused} of {asked.records} | {asked.seconds:.0f} |"
            )
        if asked.twins is not None:
            print(
                f"\n{asked.twins.unmoved} of {asked.twins.pairs} pairs: the same person in both\n"
            )


if __name__ == "__main__":
    raise SystemExit(main())
