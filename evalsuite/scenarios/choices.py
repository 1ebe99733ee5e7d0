"""Skills by choice: of several answers to a question, which one does the model find likeliest?

Nothing is generated, so it does not count how a model words its answers: an adapter that has
learned to write one kind of sentence, and still knows the capital of France, has not forgotten it.
What it says of its own accord is measured by the skills that it answers in words, beside these.
All answers to a question are one sentence but for what is asked, so that what is likelier is what
the model takes to be true; a sentence to repeat stands among other whole ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from evalsuite.cases import Language
from evalsuite.scenarios.plainskills import (
    BOUGHT,
    DAYS,
    EN,
    PEOPLE,
    PLAIN,
    SENTENCES,
    ZH,
    Exercise,
    PlainSkill,
)

SUFFIX = "-choice"
_NEAR = 3
"""How far wrong numbers lie from the right one."""


@dataclass(frozen=True, slots=True)
class ChoiceSkill:
    """A skill by choice: the questions, and the sentence that answers them."""

    asked: PlainSkill
    answers: Mapping[Language, str]
    """With the place of the ``answer``, and of what the question names."""
    options: int
    """How many answers there are to choose from; guessing finds the right one as seldom."""
    near: bool = False
    """Whether wrong answers are numbers near the right one, and not any of those listed."""
    alike: Mapping[Language, tuple[frozenset[str], ...]] = field(default_factory=dict)
    """Answers of which none is offered beside another, or for a question that names one."""

    def choices(self, made: Exercise, language: Language, rng: Random) -> tuple[str, ...]:
        """The sentences to choose from, the right one first."""
        others: Sequence[str] = made.others
        if self.near:
            right = int(made.answer)
            others = [one for one in others if abs(int(one) - right) <= _NEAR]
        told = {made.answer, *made.slots.values()}
        close = frozenset().union(
            *(group for group in self.alike.get(language, ()) if group & told)
        )
        wrong = rng.sample(sorted({*others} - close), self.options - 1)
        frame = self.answers[language]
        return tuple(frame.format(**made.slots, answer=one) for one in (made.answer, *wrong))


def _copying(rng: Random, language: Language) -> Exercise:
    """A sentence to repeat, among others: without the question each is as good."""
    said, *others = rng.sample(SENTENCES[language], 3)
    return Exercise(said, {"said": said}, said, tuple(others))


def _deciding(rng: Random, language: Language) -> Exercise:
    """Whether somebody bought something on a day, where a passage tells what was bought when."""
    who = rng.choice(PEOPLE[language])
    days, things = rng.sample(DAYS[language], 3), rng.sample(BOUGHT[language], 3)
    true = rng.random() < 0.5
    at = rng.randrange(3)
    thing = things[at] if true else things[(at + 1) % 3]
    if language is EN:
        pairs = zip(days, things, strict=True)
        passage = " ".join(f"On {day} {who} bought a {one}." for day, one in pairs)
        right, wrong = ("Yes", "No") if true else ("No", "Yes")
    else:
        told = [f"{day}{who}买了{one}" for day, one in zip(days, things, strict=True)]
        passage = "，".join(told) + "。"
        right, wrong = ("是的", "不是") if true else ("不是", "是的")
    slots = {"passage": passage, "who": who, "day": days[at], "thing": thing}
    return Exercise(f"{passage} {days[at]} {thing}", slots, right, (wrong,))


def _counting(rng: Random, language: Language) -> Exercise:
    """How many things somebody bought."""
    who = rng.choice(PEOPLE[language])
    things = rng.sample(BOUGHT[language], rng.randint(2, 6))
    if language is EN:
        told = ", ".join(f"a {one}" for one in things[:-1]) + f" and a {things[-1]}"
    else:
        told = "、".join(things[:-1]) + "和" + things[-1]
    others = tuple(str(n) for n in range(2, 10) if n != len(things))
    slots = {"who": who, "things": told}
    return Exercise(f"{who} {told}", slots, str(len(things)), others)


def _ordering(rng: Random, language: Language) -> Exercise:
    """Who is the tallest, or the shortest, of three."""
    people = rng.sample(PEOPLE[language], 3)
    most = rng.random() < 0.5
    facts = [(people[0], people[1]), (people[1], people[2])]
    rng.shuffle(facts)
    if language is EN:
        passage = " ".join(f"{a} is taller than {b}." for a, b in facts)
        end = "tallest" if most else "shortest"
    else:
        passage = "，".join(f"{a}比{b}高" for a, b in facts) + "。"
        end = "最高" if most else "最矮"
    right = people[0] if most else people[2]
    slots = {"passage": passage, "end": end}
    return Exercise(f"{passage} {end}", slots, right, tuple(p for p in people if p != right))


ALIKE: Mapping[Language, tuple[frozenset[str], ...]] = {
    EN: tuple(frozenset(group.split()) for group in (
        "wide narrow thick thin big small deep shallow", "first last early late fast slow",
        "hot cold", "strong weak brave cowardly", "day night black white", "up down north south",
    )),
    ZH: tuple(frozenset(group.split()) for group in (
        "宽 窄 厚 薄 大 小 深 浅", "早 晚 白天 夜晚 黑 白 快 慢 开始 结束", "热 冷",
        "强 弱 勇敢 胆小",
        "上 下 南 北", "高兴 难过 爱 恨", "富有 贫穷 满 空",
    )),
}  # fmt: skip
"""Words of which one could be taken for the opposite of another's opposite."""

CHOICES: Mapping[str, ChoiceSkill] = {
    f"{name}{SUFFIX}": skill
    for name, skill in {
        "capital": ChoiceSkill(PLAIN["capital"], {
            EN: "The capital of {country} is {answer}.", ZH: "{country}的首都是{answer}。",
        }, 4),
        "opposite": ChoiceSkill(PLAIN["opposite"], {
            EN: 'The opposite of "{word}" is "{answer}".', ZH: "“{word}”的反义词是“{answer}”。",
        }, 4, alike=ALIKE),
        "belonging": ChoiceSkill(PLAIN["belonging"], {
            EN: "The right category is {answer}.", ZH: "它属于{answer}。",
        }, 3),
        "sentiment": ChoiceSkill(PLAIN["sentiment"], {
            EN: "The review is {answer}.", ZH: "这条评论是{answer}的。",
        }, 2),
        "reading": ChoiceSkill(PLAIN["reading"], {
            EN: "It was the {answer}.", ZH: "是{answer}。",
        }, 3),
        "sequence": ChoiceSkill(PLAIN["sequence"], {
            EN: "After {name} comes {answer}.", ZH: "{name}的后面是{answer}。",
        }, 4),
        "sum": ChoiceSkill(PLAIN["sum"], {
            EN: "{a} plus {b} is {answer}.", ZH: "{a}加{b}等于{answer}。",
        }, 4, near=True),
        "language": ChoiceSkill(PLAIN["language"], {
            EN: "This sentence is in {answer}.", ZH: "这句话是{answer}。",
        }, 4),
        "repeat": ChoiceSkill(
            PlainSkill(_copying, PLAIN["repeat"].wordings), {EN: "{answer}", ZH: "{answer}"}, 3
        ),
        "deciding": ChoiceSkill(PlainSkill(_deciding, {
            EN: ("{passage} Did {who} buy a {thing} on {day}?",
                 "{passage} Is it true that {who} bought a {thing} on {day}?",
                 "Read this: {passage} On {day}, did {who} buy a {thing}?"),
            ZH: ("{passage}{who}{day}买的是{thing}吗？",
                 "{passage}{day}{who}买的东西是{thing}，对吗？",
                 "请读：{passage}{who}在{day}买的是不是{thing}？"),
        }), {EN: "{answer}.", ZH: "{answer}。"}, 2),
        "counting": ChoiceSkill(PlainSkill(_counting, {
            EN: ("{who} bought {things}. How many things did {who} buy?",
                 "How many things are these: {things}?", "Count what {who} bought: {things}."),
            ZH: ("{who}买了{things}。{who}一共买了几样东西？", "{things}，这是几样东西？",
                 "请数一数{who}买的东西：{things}。"),
        }), {EN: "There are {answer}.", ZH: "一共有{answer}样。"}, 4, near=True),
        "ordering": ChoiceSkill(PlainSkill(_ordering, {
            EN: ("{passage} Who is the {end}?", "{passage} Which of them is the {end}?",
                 "Read this: {passage} Name the {end} person."),
            ZH: ("{passage}谁{end}？", "{passage}他们当中谁{end}？",
                 "请读：{passage}说出{end}的人。"),
        }), {EN: "The {end} is {answer}.", ZH: "{end}的是{answer}。"}, 3),
    }.items()
}  # fmt: skip
"""By the name that policies give: the skill, and that it is measured by choice."""
