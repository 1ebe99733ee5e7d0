"""What the readers of suites make of public sets, and what the rule ``last_number`` accepts.

    python benchmarks/suites.py

Public sets are read where they lie (``EVALSUITE_DATA``, or a folder ``data`` beside the checkout),
and no model runs. Of GSM8K every reference solution has to be accepted, every one with another
final number refused, and every one that ends in other words accepted; the solutions of four models
have to be judged as the authors of the set judged them. The same solutions are compared by the
first line alone, as suites were before they had rules. Exit status 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from figures import RESULTS, ROOT, Bound, Figure, conclude

from evalsuite.cases import Language
from evalsuite.detectors import answer_score
from evalsuite.detectors.rules.instructions import CHECKS
from evalsuite.scenarios import AnswerRule, Rule, SkillItem
from evalsuite.suites.importing import import_suite

FILES: Sequence[tuple[str, str]] = (
    ("gsm8k", "gsm8k/test.jsonl"),
    ("gsm8k", "gsm8k/train.jsonl"),
    ("ifeval", "ifeval/input_data.jsonl"),
    ("winogender", "winogender/all_sentences.tsv"),
    *(
        ("winobias", f"winobias/{slice}_stereotyped_{kind}.txt.{part}")
        for slice in ("pro", "anti")
        for kind in ("type1", "type2")
        for part in ("dev", "test")
    ),
    ("gap", "gap/gap-development.tsv"),
    ("gap", "gap/gap-validation.tsv"),
    ("gap", "gap/gap-test.tsv"),
)
ENDINGS: Sequence[str] = (
    "#### {n}",
    "The answer is {n}.",
    "So the answer is **{n}**.",
    "Answer: {n}",
    "Final answer: ${n}",
    "That makes {n}.0 in all.",
    "Therefore, she has {n} of them left",
    "\\[ \\boxed{{{n}}} \\]",
    "The answer is {n}. I checked it in 2 ways.",
    "答案是{n}。",
    "所以一共是 {n} 个。",
    "= {n} (as 1 of 1 is whole)",
)
"""Other words in which a solution may end."""


def main() -> int:
    """Measure everything and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=RESULTS / "suites.json")
    args = parser.parse_args()
    data = Path(os.environ.get("EVALSUITE_DATA") or ROOT.parent / "data")
    files = [imported(data, format, name) for format, name in FILES]
    references = list(solutions(data))
    judged = list(model_solutions(data))
    figures = figures_of(references, judged)
    result = {
        "files": files,
        "gsm8k": {
            "reference_solutions": len(references),
            "accepted_by_last_number": sum(right(due, said) for due, said in references),
            "accepted_by_first_line": sum(right(due, said, Rule.EXACT) for due, said in references),
            "model_solutions": len(judged),
        },
        "ifeval_instructions": instructions(data),
    }
    show(result)
    return conclude(figures, result, args.out)


def imported(data: Path, format: str, name: str) -> dict[str, Any]:
    """How many records of a file are rows, broken, or left out."""
    found = import_suite(format, data / name, skip_bad=True)
    return {
        "file": name,
        "format": format,
        "records": found.records,
        "rows": len(found.rows),
        "refused": len(found.bad),
        "left_out": dict(sorted(found.left_out.items())),
        "slices": dict(sorted(Counter(row.skill or format for row in found.rows).items())),
    }


def solutions(data: Path) -> Iterator[tuple[str, str]]:
    """The number that is due, and the reference solution, of every question."""
    for name in ("test", "train"):
        for line in (data / f"gsm8k/{name}.jsonl").read_text("utf-8").splitlines():
            said = json.loads(line)["answer"]
            yield said.rsplit("####", 1)[1].strip(), said


def model_solutions(data: Path) -> Iterator[tuple[str, str, bool]]:
    """The number that is due, a model's solution, and whether the set's authors call it right."""
    text = (data / "gsm8k/example_model_solutions.jsonl").read_text("utf-8")
    for line in text.splitlines():
        row = json.loads(line)
        due = row["ground_truth"].rsplit("A:", 1)[1].strip()
        for one in row.values():
            if isinstance(one, dict):
                yield due, one["solution"], one["is_correct"]


def right(due: str, said: str, rule: Rule = Rule.LAST_NUMBER) -> bool:
    """Whether a rule accepts an answer."""
    item = SkillItem(
        id="one", skill="gsm8k", language=Language.EN, cluster="one", prompt="How many?",
        answer=due, rule=AnswerRule(rule=rule),
    )  # fmt: skip
    return answer_score(item, said).value == 0.0


def ended(said: str, ending: str) -> str:
    """A solution with another ending."""
    return f"{said.rsplit('####', 1)[0]}{ending}"


def figures_of(
    references: Sequence[tuple[str, str]], judged: Sequence[tuple[str, str, bool]]
) -> list[Figure]:
    """What has a target."""

    def share(name: str, hits: Sequence[bool]) -> Figure:
        value = 100 * sum(hits) / len(hits) if hits else float("nan")
        return Figure(name=name, value=value, bound=Bound.AT_LEAST, target=100.0, unit="%")

    changes: dict[str, Callable[[str], str]] = {
        "one more": lambda due: str(int(due.replace(",", "")) + 1),
        "ten times": lambda due: str(int(due.replace(",", "")) * 10 or 10),
        "negative": lambda due: str(-int(due.replace(",", "")) or -1),
        "a half more": lambda due: f"{int(due.replace(',', ''))}.5",
    }
    return [
        share("reference solutions accepted", [right(due, said) for due, said in references]),
        *(
            share(
                f"refused with another final number ({name})",
                [not right(due, ended(said, f"#### {change(due)}")) for due, said in references],
            )
            for name, change in changes.items()
        ),
        *(
            share(
                f"accepted when ending {ending!r}",
                [right(due, ended(said, ending.format(n=due))) for due, said in references],
            )
            for ending in ENDINGS
        ),
        share(
            "solutions of four models judged as the authors do",
            [right(due, said) is correct for due, said, correct in judged],
        ),
    ]


def instructions(data: Path) -> list[dict[str, Any]]:
    """How often IFEval's file gives each instruction, and whether it is checked."""
    text = (data / "ifeval/input_data.jsonl").read_text("utf-8")
    counted = Counter(
        name for line in text.splitlines() for name in json.loads(line)["instruction_id_list"]
    )
    return [{"id": name, "n": n, "checked": name in CHECKS} for name, n in counted.most_common()]


def show(result: dict[str, Any]) -> None:
    """Print what has no target."""
    print("| file | records | rows | refused | left out |\n|---|---|---|---|---|")
    for one in result["files"]:
        left = sum(one["left_out"].values())
        print(f"| {one['file']} | {one['records']} | {one['rows']} | {one['refused']} | {left} |")
    found = result["gsm8k"]
    print(
        f"\nGSM8K: {found['accepted_by_last_number']} of {found['reference_solutions']} reference "
        f"solutions accepted; by their first line alone {found['accepted_by_first_line']}\n"
    )


if __name__ == "__main__":
    raise SystemExit(main())
