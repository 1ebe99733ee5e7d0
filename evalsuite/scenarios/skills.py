"""General skills: seeded suites of plain instructions whose answer is computed, not judged.

They measure forgetting: what a base model can do and its adapted form must still be able to do.
Any instruct model can follow them, so the same suites serve the embedded base and a real one. The
wordings of a skill are shared by all splits (a model that never saw "in reverse order" cannot know
what it means), but the replay of a training leaves one of them out. Exercises (words, numbers,
invented names) belong to one split each, except that the embedded base learns from all of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from evalsuite.cases import Language
from evalsuite.errors import InvalidInput
from evalsuite.scenarios.choices import CHOICES, SUFFIX
from evalsuite.scenarios.names import Split, invent_name, seeded, split_of
from evalsuite.scenarios.plainskills import PLAIN, Exercise
from evalsuite.scenarios.skillitem import SkillItem


@dataclass(frozen=True, slots=True)
class _Words:
    """A language's closed lists; every entry is a common word."""

    classes: Mapping[str, tuple[str, ...]]
    people: tuple[str, ...]
    objects: tuple[str, ...]
    places: tuple[str, ...]
    separator: str
    pair: str
    pair_separator: str

    @property
    def common(self) -> tuple[str, ...]:
        return tuple(w for words in self.classes.values() for w in words)


_EN = _Words(
    classes={
        "animal": tuple("dog cat horse bird fish lion sheep rabbit duck bear".split()),
        "color": tuple("red blue green white black brown pink yellow orange gray".split()),
        "food": tuple("bread rice apple soup cake egg milk cheese honey salt".split()),
        "tool": tuple("hammer saw knife brush needle spoon rope ladder pen key".split()),
        "place": tuple("river park house school market bridge garden island hotel farm".split()),
    },
    people=tuple("Tom Ann Bob Eva Max Lea Sam Ida Leo Mia".split()),
    objects=tuple("hat cup box bag ball coat book lamp ring drum".split()),
    places=tuple("park school garden market hotel house farm bridge".split()),
    separator=" ",
    pair="{}: {}",
    pair_separator="; ",
)
_ZH = _Words(
    classes={
        "动物": tuple("狗 猫 马 鸟 鱼 狮子 羊 兔子 鸭子 熊".split()),
        "颜色": tuple("红色 蓝色 绿色 白色 黑色 棕色 粉色 黄色 橙色 灰色".split()),
        "食物": tuple("面包 米饭 苹果 汤 蛋糕 鸡蛋 牛奶 奶酪 蜂蜜 盐".split()),
        "工具": tuple("锤子 锯子 刀 刷子 针 勺子 绳子 梯子 笔 钥匙".split()),
        "地点": tuple("河 公园 房子 学校 市场 桥 花园 海岛 酒店 农场".split()),
    },
    people=tuple("小明 小红 小刚 小丽 小华 小军 小芳 小强 小玲 小龙".split()),
    objects=tuple("帽子 杯子 盒子 包 球 大衣 书 灯 戒指 鼓".split()),
    places=tuple("公园 学校 花园 市场 酒店 房子 农场 桥".split()),
    separator="、",
    pair="{}：{}",
    pair_separator="；",
)
_WORDS: Mapping[Language, _Words] = {Language.EN: _EN, Language.ZH: _ZH}


@dataclass(frozen=True, slots=True)
class SkillContext:
    """What a skill draws from: randomness, a language's words, a split's names."""

    rng: random.Random
    language: Language
    split: Split

    @property
    def words(self) -> _Words:
        return _WORDS[self.language]

    def pick(self, n: int, *, names: bool = True) -> list[str]:
        """Different common words, now and then an invented name among them."""
        chosen = self.rng.sample(self.words.common, n)
        if names and self.rng.random() < 0.4:
            for at in self.rng.sample(range(n), self.rng.randint(1, n)):
                chosen[at] = invent_name(
                    self.rng, self.language, self.split, avoid=frozenset(chosen)
                )
        return chosen

    def join(self, items: Sequence[str]) -> str:
        return self.words.separator.join(items)


@dataclass(frozen=True, slots=True)
class _Made:
    slots: Mapping[str, str]
    answer: str
    size: int


def _copy(c: SkillContext) -> _Made:
    items = c.pick(c.rng.randint(2, 5))
    return _Made({"items": c.join(items)}, c.join(items), len(items))


def _reverse(c: SkillContext) -> _Made:
    items = c.pick(c.rng.randint(2, 4))
    return _Made({"items": c.join(items)}, c.join(items[::-1]), len(items))


def _count(c: SkillContext) -> _Made:
    items = c.pick(c.rng.randint(1, 6), names=False)
    return _Made({"items": c.join(items)}, str(len(items)), len(items))


def _lookup(c: SkillContext) -> _Made:
    keys = c.pick(c.rng.randint(2, 4), names=False)
    values = [str(v) for v in c.rng.sample(range(10), len(keys))]
    at = c.rng.randrange(len(keys))
    pairs = [c.words.pair.format(k, v) for k, v in zip(keys, values, strict=True)]
    slots = {"pairs": c.words.pair_separator.join(pairs), "key": keys[at]}
    return _Made(slots, values[at], len(keys))


def _recall(c: SkillContext) -> _Made:
    people = c.rng.sample(c.words.people, c.rng.randint(2, 3))
    objects = c.rng.sample(c.words.objects, len(people))
    at = c.rng.randrange(len(people))
    fact = "{} has a {}." if c.language is Language.EN else "{}有{}。"
    gap = " " if c.language is Language.EN else ""
    facts = gap.join(fact.format(p, o) for p, o in zip(people, objects, strict=True))
    return _Made({"facts": facts, "who": people[at]}, objects[at], len(people))


def _add(c: SkillContext) -> _Made:
    a, b = c.rng.randint(0, 9), c.rng.randint(0, 9)
    return _Made({"a": str(a), "b": str(b)}, str(a + b), int(a + b > 9))


_PLACES_EN, _PLACES_ZH = ("first", "second", "last"), ("第一个", "第二个", "最后一个")


def _choose(c: SkillContext) -> _Made:
    items = c.pick(c.rng.randint(3, 4))
    at = c.rng.randrange(3)
    place = (_PLACES_EN if c.language is Language.EN else _PLACES_ZH)[at]
    answer = items[(0, 1, -1)[at]]
    return _Made({"items": c.join(items), "place": place}, answer, at)


def _classify(c: SkillContext) -> _Made:
    labels = c.rng.sample(sorted(c.words.classes), 3)
    label = c.rng.choice(labels)
    word = c.rng.choice(c.words.classes[label])
    at = sorted(c.words.classes).index(label)
    return _Made({"word": word, "labels": c.join(labels)}, label, at)


def _format(c: SkillContext) -> _Made:
    items = c.pick(c.rng.randint(1, 3))
    comma = ", " if c.language is Language.EN else "，"
    return _Made({"items": c.join(items)}, f"[{comma.join(items)}]", len(items))


def _wrap(c: SkillContext) -> _Made:
    word = c.pick(1)[0]
    return _Made({"items": word}, f"({word})", 1)


@dataclass(frozen=True, slots=True)
class _Skill:
    make: Callable[[SkillContext], _Made]
    wordings: Mapping[Language, tuple[str, ...]]


def _skill(
    make: Callable[[SkillContext], _Made], en: tuple[str, ...], zh: tuple[str, ...]
) -> _Skill:
    return _Skill(make, {Language.EN: en, Language.ZH: zh})


_SKILLS: Mapping[str, _Skill] = {
    "copy": _skill(
        _copy,
        ("Repeat: {items}", "Write the same words again: {items}", "Copy this: {items}"),
        ("重复：{items}", "把这些词再写一遍：{items}", "照抄：{items}"),
    ),
    "reverse": _skill(
        _reverse,
        ("Reverse the order: {items}", "Write these words backwards, last word first: {items}"),
        ("倒过来写：{items}", "把顺序反过来：{items}"),
    ),
    "count": _skill(
        _count,
        ("How many words are here: {items}", "Count the words: {items}"),
        ("这里有几个词：{items}", "数一数词：{items}"),
    ),
    "lookup": _skill(
        _lookup,
        ("{pairs}. What is the number of {key}?", "Look at the list: {pairs}. Give {key}."),
        ("{pairs}。{key}的数字是几？", "看这个表：{pairs}。给出{key}。"),
    ),
    "recall": _skill(
        _recall,
        ("{facts} What does {who} have?", "{facts} Say what {who} has."),
        ("{facts}{who}有什么？", "{facts}说出{who}有的东西。"),
    ),
    "arithmetic": _skill(
        _add,
        ("What is {a} + {b}?", "Add {a} and {b}."),
        ("{a} + {b} 等于几？", "{a}加{b}是多少？"),
    ),
    "choose": _skill(
        _choose,
        ("Which word is {place}: {items}", "Give the {place} word: {items}"),
        ("{place}词是什么：{items}", "给出{place}词：{items}"),
    ),
    "classify": _skill(
        _classify,
        ("What is {word}, one of these: {labels}", "Choose the kind of {word}: {labels}"),
        ("{word}是哪一种：{labels}", "选出{word}的种类：{labels}"),
    ),
    "format": _skill(
        _format,
        ("Write as a list in square brackets with commas: {items}", "Make a list [..]: {items}"),
        ("写成方括号列表，用逗号分开：{items}", "写成列表[..]：{items}"),
    ),
    "wrap": _skill(
        _wrap,
        ("Put round brackets around: {items}", "Write (..) around this word: {items}"),
        ("给这个词加圆括号：{items}", "用(..)包住：{items}"),
    ),
}

SKILLS: tuple[str, ...] = tuple(_SKILLS)
"""What the embedded base has, and what training rehearses."""
WRITTEN_SKILLS: tuple[str, ...] = (*SKILLS, *PLAIN)
"""What is answered in words."""
EVERY_SKILL: tuple[str, ...] = (*SKILLS, *PLAIN, *CHOICES)
_TRIES = 5000
"""Draws after which a skill that people ask for is taken to have no further question."""
_TRAINED = 0.25
"""Share of the exercises of such a skill that training may rehearse."""


def _exercise(skill: str, context: SkillContext, *, own: bool) -> _Made:
    """Make an exercise; with ``own``, one that belongs to the context's split alone."""
    while True:
        made = _SKILLS[skill].make(context)
        if not own or split_of(f"{skill} {sorted(made.slots.items())}") is context.split:
            return made


def sample_skills(
    seed: int,
    n: int,
    split: str = "panel",
    *,
    languages: Sequence[Language] = tuple(Language),
    skills: Sequence[str] = SKILLS,
    rehearsed: bool = False,
) -> tuple[SkillItem, ...]:
    """Sample ``n`` items, spread evenly over skills and languages.

    Args:
        seed: decides everything.
        n: number of items.
        split: whose invented names are drawn.
        languages: which languages to draw.
        skills: which skills to draw.
        rehearsed: draw what keeps a skill alive in training: without each skill's last wording,
            and from exercises that no other split holds, so that it is not what measures whether
            the skill is alive.

    Raises:
        InvalidInput: an unknown skill; nothing to draw from.
    """
    unknown = [s for s in skills if s not in EVERY_SKILL]
    if unknown or not skills or not languages:
        raise InvalidInput(
            f"skills={unknown or list(skills)} must be some of: {', '.join(EVERY_SKILL)}"
        )
    rng = seeded("skills", seed, split)
    items: list[SkillItem] = []
    asked: dict[tuple[str, Language], set[str]] = {}
    for index in range(n):
        skill = skills[(index // len(languages)) % len(skills)]
        language = languages[index % len(languages)]
        number = f"{split}-{seed}-{language}-{skill}-{index:05d}"
        context = SkillContext(rng, language, Split(split))
        if skill in PLAIN or skill in CHOICES:
            known = asked.setdefault((skill, language), set())
            items.append(_plain_item(skill, context, number, known, rehearsed=rehearsed))
        else:
            items.append(_bare_item(skill, context, number, rehearsed=rehearsed))
    return tuple(items)


def _bare_item(skill: str, context: SkillContext, number: str, *, rehearsed: bool) -> SkillItem:
    """Draw one item of a skill that wants the result only."""
    language = context.language
    wordings = _SKILLS[skill].wordings[language]
    wording = context.rng.randrange(len(wordings) - rehearsed)
    # The embedded base may have met every exercise; what rehearses and what measures may not share
    # any.
    made = _exercise(skill, context, own=rehearsed or context.split is not Split.TRAIN)
    return SkillItem(
        id=number,
        skill=skill,
        language=language,
        cluster=f"{language}/{skill}/w{wording}/{made.size}",
        prompt=wordings[wording].format(**made.slots),
        answer=made.answer,
    )


def _plain_item(
    skill: str, context: SkillContext, number: str, asked: set[str], *, rehearsed: bool
) -> SkillItem:
    """Draw one item of a plain skill, or of one by choice, that was not asked yet.

    There are few capitals: training has its own share of the exercises, everybody else the rest.
    A greedy model gives the same answer to the same question, so none is asked twice.

    Raises:
        InvalidInput: there are no more.
    """
    rng, language, split = context.rng, context.language, context.split
    choice = CHOICES.get(skill)
    plain = PLAIN[skill] if choice is None else choice.asked
    wordings = plain.wordings[language]
    for _ in range(_TRIES):
        made = plain.draw(rng, language)
        prompt = wordings[rng.randrange(len(wordings) - rehearsed)].format(**made.slots)
        if prompt not in asked and _is_for_training(skill, made) is (split is Split.TRAIN):
            break
    else:
        raise InvalidInput(
            f"skill {skill!r} has no more than {len(asked)} different questions in "
            f"{language.value}; ask for fewer items, or for more skills"
        )
    asked.add(prompt)
    item = SkillItem(
        id=number,
        skill=skill,
        language=language,
        cluster=f"{language}/{skill}/{made.key}",
        prompt=prompt,
        answer=made.answer,
        accepted=made.accepted,
        others=made.others,
        plain=True,
    )
    if choice is None:
        return item
    right, *wrong = choice.choices(made, language, rng)
    return replace(item, answer=right, others=tuple(wrong), accepted=(), by_choice=True)


def _is_for_training(skill: str, made: Exercise) -> bool:
    # One by choice asks what its namesake asks: what trains one does not measure the other.
    return seeded("plain", skill.removesuffix(SUFFIX), made.key).random() < _TRAINED
