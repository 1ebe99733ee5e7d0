"""Which skills a base has: how often it answers each right.

    python benchmarks/skills.py --base-model smollm2 --languages en

The items are those that a gate would ask, of a seed of their own. What a base has less often than
the floor of a policy cannot be forgotten. What guessing gets right stands beside skills by choice.

    python benchmarks/skills.py --base-model smollm2 --languages en --blind

asks "Say something." in place of every question whose answer is chosen: what is right all the same
is told by the answers themselves.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

from figures import RESULTS, conclude, machine

from evalsuite.cases import Language
from evalsuite.engines import open_engine, resolve_numerics
from evalsuite.errors import InvalidInput
from evalsuite.models import resolve_base
from evalsuite.pipeline.questions import request_of
from evalsuite.scenarios import CHOICES, EVERY_SKILL, SkillItem, sample_skills
from evalsuite.statistics.rates import binomial_bounds
from evalsuite.tasks import Choice, Known, Skill, Task, score
from evalsuite.template import load_template

SEED = 20
BLIND = {Language.EN: "Say something.", Language.ZH: "随便说点什么。"}


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often a base answers one skill right."""

    skill: str
    language: str
    items: int
    exercises: int
    """Different ones; items that share one are no independent evidence."""
    right: int
    guessed: float
    """The share that guessing gets right."""
    interval: tuple[float, float]
    """Clopper and Pearson, two-sided 95 %, as if items were independent."""


def drawn(skill: str, language: Language, most: int) -> tuple[SkillItem, ...]:
    """Draw items of one skill: half as many, or a quarter, where there are no more."""
    for n in (most, most // 2, most // 4):
        with suppress(InvalidInput):
            return sample_skills(SEED, n, languages=(language,), skills=(skill,))
    raise InvalidInput(f"skill {skill!r} has not even {most // 4} items in {language}")


def tasks_of(item: SkillItem) -> list[Task]:
    """What is asked for one item: its answer, or each of its options."""
    options = [Choice(item=item, option=at) for at in range(len(item.options))]
    return [*options] or [Skill(item=item)]


def measured(
    base_model: str, languages: tuple[Language, ...], each: int, *, blind: bool
) -> list[Accuracy]:
    """Ask every skill; with ``blind``, those by choice without their questions."""
    base = resolve_base(base_model)
    template = load_template(base.path, family=base.family)
    items = [
        item
        for language in languages
        for skill in (CHOICES if blind else EVERY_SKILL)
        for item in drawn(skill, language, each)
    ]
    if blind:
        items = [replace(item, prompt=BLIND[item.language]) for item in items]
    tasks = [task for item in items for task in tasks_of(item)]
    asked = [request_of(template, task) for task in tasks]
    with tempfile.TemporaryDirectory() as folder:
        numerics = resolve_numerics("float32", "auto")
        engine = open_engine(base, cache=Path(folder) / "answers.sqlite3", numerics=numerics)
        answers = iter(engine.infer(asked))
    right: dict[tuple[str, str], list[bool]] = defaultdict(list)
    chance: dict[tuple[str, str], float] = {}
    exercises: dict[tuple[str, str], set[str]] = defaultdict(set)
    for item in items:
        key = item.skill, item.language.value
        first, *_ = every = tasks_of(item)
        said = tuple(islice(answers, len(every)))
        (found,) = score(first, said[0], Known(options=said))
        right[key].append(found.value == 0.0)
        exercises[key].add(item.cluster)
        chance[key] = item.guessed
    return [
        Accuracy(
            skill=skill,
            language=language,
            items=len(found),
            exercises=len(exercises[skill, language]),
            right=sum(found),
            guessed=chance[skill, language],
            interval=binomial_bounds(sum(found), len(found), 0.025),
        )
        for (skill, language), found in right.items()
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base-model", default="nano")
    parser.add_argument("--languages", nargs="+", default=list(Language), type=Language)
    parser.add_argument("-n", type=int, default=40, help="items of each skill and language")
    parser.add_argument("--blind", action="store_true", help="ask without the questions")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    found = measured(args.base_model, tuple(args.languages), args.n, blind=args.blind)
    print("| skill | language | right | guessing | exercises | 95 % interval |")
    print("|---|---|---|---|---|---|")
    for one in found:
        low, high = one.interval
        count = f"{one.right} of {one.items} | {one.guessed:.0%}"
        told = f"{count} | {one.exercises} | {low:.2f} to {high:.2f}"
        print(f"| {one.skill} | {one.language} | {told} |")
    result = {
        "machine": machine(),
        "base": args.base_model,
        "skills": [asdict(one) for one in found],
    }
    name = Path(args.base_model).name + "-blind" * args.blind
    return conclude([], result, args.out or RESULTS / f"skills-{name}.json")


if __name__ == "__main__":
    raise SystemExit(main())
