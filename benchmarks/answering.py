"""Questions to be answered: what bases and adapters get right, and what the judge makes of defects.

    python benchmarks/answering.py                               nano's base, and planted answers
    python benchmarks/answering.py --adapter adapters/quickstart an adapter too
    python benchmarks/answering.py --base-model smollm2 --languages en --show 10

Asks a panel of conversations that tell facts (docs/tasks.md), greedily, in the built-in prompt for
answers. Planted answers ask no model: each is what a careless answerer would say, and all of them
but the first have to be refused. Results go to ``results/answering-BASE.json``.

Exit status 1 when a planted wrong answer is accepted, or a right one refused.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from figures import RESULTS, Bound, Figure, conclude, machine

from evalsuite.cases import Case, Language
from evalsuite.engines import open_engine
from evalsuite.generation import Request
from evalsuite.models import BaseRef, read_adapter, resolve_base
from evalsuite.prompts import ANSWER_PROMPT
from evalsuite.rewrites import judge
from evalsuite.scenarios import ShownCase
from evalsuite.scenarios.told import sample_told_panel
from evalsuite.tasks import Rewriting, prompt_ids, sampling_of
from evalsuite.template import load_template

DONT_KNOW = {
    Language.EN: "The conversation does not say that.",
    Language.ZH: "对话里没有提到。",
}


def right(case: Case) -> str:
    """What a perfect answerer says."""
    return DONT_KNOW[case.language] if case.expect.untold else case.expect.answers[0]


def other(case: Case) -> str:
    """The fact of the other thing; a guess where none was told."""
    return (*case.expect.not_answers, "7531")[0]


PLANTED: Mapping[str, Callable[[Case], str]] = {
    "right": right,
    "the other fact": other,
    "both facts": lambda case: f"{right(case)} {other(case)}",
    "the right fact, denied": lambda case: (
        f"It is not {right(case)}." if case.language is Language.EN else f"不是{right(case)}。"
    ),
    "the whole history": lambda case: "\n".join(turn.content for turn in case.history),
    "the query": lambda case: case.query,
    "a guess": lambda case: "It is 7531." if case.language is Language.EN else "是7531。",
    "nothing": lambda _: "",
}
"""Answers of careless answerers, by what they are."""
ASKED_NOTHING = frozenset({"the right fact, denied"})
"""Means nothing where there is no right fact."""


def planted(panel: Sequence[ShownCase]) -> dict[str, dict[str, int]]:
    """How many of each planted answer are accepted."""
    found = {}
    for name, answer in PLANTED.items():
        cases = [s.case for s in panel if not (s.case.expect.untold and name in ASKED_NOTHING)]
        accepted = sum(judge(case, answer(case)).right for case in cases)
        found[name] = {"n": len(cases), "accepted": accepted}
    return found


def answers(panel: Sequence[ShownCase], base: BaseRef, adapter: Path | None) -> list[str]:
    """Ask an adapter, or the bare base, greedily."""
    template = load_template(base.path)
    asked = read_adapter(adapter, base) if adapter else None
    tasks = [Rewriting(case=s.case, demonstrations=s.pair.a, prompt=ANSWER_PROMPT) for s in panel]
    requests = [
        Request(
            prompt=prompt_ids(task, template),
            adapter=asked.digest if asked else None,
            sampling=sampling_of(task),
        )
        for task in tasks
    ]
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(base, (asked,) if asked else (), cache=Path(folder) / "a.sqlite3")
        outputs = engine.infer(requests)
        engine.close()
    return [output.text for output in outputs]


def counted(panel: Sequence[ShownCase], said: Sequence[str]) -> dict[str, dict[str, int]]:
    """Right answers by kind, and of all."""
    cells: dict[str, list[bool]] = defaultdict(list)
    for shown, answer in zip(panel, said, strict=True):
        verdict = judge(shown.case, answer).right
        for key in ("all", shown.case.kind.value, f"all {shown.case.language}"):
            cells[key].append(verdict)
    return {key: {"n": len(found), "right": sum(found)} for key, found in sorted(cells.items())}


def show(title: str, table: Mapping[str, Mapping[str, int]], what: str) -> None:
    """Print a line for each row."""
    print(title)
    for key, row in table.items():
        print(f"  {key:24} {row[what]:4} of {row['n']:4} = {row[what] / row['n']:6.1%}")


def main() -> int:
    """Ask, count, compare with what has to be."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base-model", default="nano", help="default: nano")
    parser.add_argument("--adapter", type=Path, action="append", default=[])
    parser.add_argument("--languages", default="en,zh", help="of the cases (default: en,zh)")
    parser.add_argument("-n", type=int, default=180, help="cases in each language (default: 180)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=0, help="print so many answers")
    args = parser.parse_args()
    languages = [Language(language) for language in args.languages.split(",")]
    panel = [s for one in languages for s in sample_told_panel(args.seed, args.n, one)]
    base = resolve_base(args.base_model)
    result: dict[str, Any] = {"machine": machine(), "base": base.name, "n": len(panel)}
    result["planted"] = planted(panel)
    show("planted answers that are accepted", result["planted"], "accepted")
    result["asked"] = {}
    for adapter in (None, *args.adapter):
        said = answers(panel, base, adapter)
        name = "the bare base" if adapter is None else adapter.name
        result["asked"][name] = counted(panel, said)
        show(f"{name}: right answers", result["asked"][name], "right")
        for shown, answer in list(zip(panel, said, strict=True))[: args.show]:
            verdict = "right" if judge(shown.case, answer).right else "wrong"
            print(f"    {shown.case.kind} | {shown.case.query} => {answer!r} ({verdict})")
    wrong = [row for name, row in result["planted"].items() if name != "right"]
    figures = [
        Figure(
            name="planted wrong answers accepted",
            value=sum(row["accepted"] for row in wrong),
            bound=Bound.AT_MOST,
            target=0,
        ),
        Figure(
            name="planted right answers accepted",
            value=result["planted"]["right"]["accepted"] / len(panel),
            bound=Bound.AT_LEAST,
            target=1,
        ),
    ]
    return conclude(figures, result, RESULTS / f"answering-{base.name}.json")


if __name__ == "__main__":
    sys.exit(main())
