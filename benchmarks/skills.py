"""Which skills a base has: how often it answers each right.

    python benchmarks/skills.py --base-model smollm2 --languages en

The items are those that a gate would ask, of a seed of their own. What a base has less often than
the floor of a policy cannot be forgotten, so a policy should not ask for it.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from figures import RESULTS, conclude, machine

from evalsuite.cases import Language
from evalsuite.detectors.retention import answer_score
from evalsuite.engines import open_engine, resolve_numerics
from evalsuite.errors import InvalidInput
from evalsuite.generation import Request
from evalsuite.models import resolve_base
from evalsuite.scenarios import EVERY_SKILL, SkillItem, sample_skills
from evalsuite.statistics.rates import binomial_bounds
from evalsuite.tasks import Skill, prompt_of, sampling_of
from evalsuite.template import load_template

SEED = 20


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often a base answers one skill right."""

    skill: str
    language: str
    items: int
    exercises: int
    """Different ones; items that share one are no independent evidence."""
    right: int
    interval: tuple[float, float]
    """Clopper and Pearson, two-sided 95 %, as if items were independent."""


def drawn(skill: str, language: Language, most: int) -> tuple[SkillItem, ...]:
    """Draw items of one skill: half as many, or a quarter, where there are no more."""
    for n in (most, most // 2, most // 4):
        with suppress(InvalidInput):
            return sample_skills(SEED, n, languages=(language,), skills=(skill,))
    raise InvalidInput(f"skill {skill!r} has not even {most // 4} items in {language}")


def measured(base_model: str, languages: tuple[Language, ...], each: int) -> list[Accuracy]:
    """Ask every skill in every language."""
    base = resolve_base(base_model)
    template = load_template(base.path, family=base.family)
    items = [
        item
        for language in languages
        for skill in EVERY_SKILL
        for item in drawn(skill, language, each)
    ]
    tasks = [Skill(item=item) for item in items]
    asked = [
        Request(prompt=template.prompt(template.carried(prompt_of(t))), sampling=sampling_of(t))
        for t in tasks
    ]
    with tempfile.TemporaryDirectory() as folder:
        numerics = resolve_numerics("float32", "auto")
        engine = open_engine(base, cache=Path(folder) / "answers.sqlite3", numerics=numerics)
        answers = list(engine.infer(asked))
    right: dict[tuple[str, str], list[bool]] = defaultdict(list)
    exercises: dict[tuple[str, str], set[str]] = defaultdict(set)
    for item, answer in zip(items, answers, strict=True):
        key = item.skill, item.language.value
        right[key].append(answer_score(item, answer.text).value == 0.0)
        exercises[key].add(item.cluster)
    return [
        Accuracy(
            skill=skill,
            language=language,
            items=len(found),
            exercises=len(exercises[skill, language]),
            right=sum(found),
            interval=binomial_bounds(sum(found), len(found), 0.025),
        )
        for (skill, language), found in right.items()
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base-model", default="nano")
    parser.add_argument("--languages", nargs="+", default=list(Language), type=Language)
    parser.add_argument("-n", type=int, default=40, help="items of each skill and language")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    found = measured(args.base_model, tuple(args.languages), args.n)
    print("| skill | language | right | exercises | 95 % interval |")
    print("|---|---|---|---|---|")
    for one in found:
        low, high = one.interval
        told = f"{one.right} of {one.items} | {one.exercises} | {low:.2f} to {high:.2f}"
        print(f"| {one.skill} | {one.language} | {told} |")
    result = {
        "machine": machine(),
        "base": args.base_model,
        "skills": [asdict(one) for one in found],
    }
    name = Path(args.base_model).name
    return conclude([], result, args.out or RESULTS / f"skills-{name}.json")


if __name__ == "__main__":
    raise SystemExit(main())
