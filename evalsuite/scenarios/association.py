"""Dense practice in association: one table or list of facts, several questions about it.

Used in training only. One context with several questions teaches looking up far sooner than one
question each.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from evalsuite.cases import Language
from evalsuite.conversation import Conversation
from evalsuite.scenarios.names import Split
from evalsuite.scenarios.skills import SYSTEM, SkillContext


def association_dialogue(rng: random.Random, language: Language, split: Split) -> Conversation:
    """Return a table or a list of facts and a question about each of its entries, answered."""
    context = SkillContext(rng, language, split)
    told = _table(context) if rng.random() < 0.5 else _facts(context)
    gap = " " if language is Language.EN else ""
    turns = [("system", SYSTEM[language])]
    for number, at in enumerate(rng.sample(range(len(told.keys)), len(told.keys))):
        question = told.ask.format(told.keys[at])
        if number == 0:
            question = told.text + gap + question
        turns += [("user", question), ("assistant", told.values[at])]
    return Conversation.of(*turns)


@dataclass(frozen=True, slots=True)
class _Told:
    text: str
    keys: Sequence[str]
    values: Sequence[str]
    ask: str


def _table(c: SkillContext) -> _Told:
    size = c.rng.randint(2, 6)
    keys = c.pick(size, names=False)
    values = [str(v) for v in c.rng.sample(range(10), size)]
    pairs = [c.words.pair.format(k, v) for k, v in zip(keys, values, strict=True)]
    if c.language is Language.EN:
        asks, stop = ("What is the number of {}?", "Give {}."), "."
    else:
        asks, stop = ("{}的数字是几？", "给出{}。"), "。"
    return _Told(c.words.pair_separator.join(pairs) + stop, keys, values, c.rng.choice(asks))


def _facts(c: SkillContext) -> _Told:
    size = c.rng.randint(2, 6)
    keys, values = c.rng.sample(c.words.people, size), c.rng.sample(c.words.objects, size)
    if c.language is Language.EN:
        fact, gap, asks = "{} has a {}.", " ", ("What does {} have?", "Say what {} has.")
    else:
        fact, gap, asks = "{}有{}。", "", ("{}有什么？", "说出{}有的东西。")
    text = gap.join(fact.format(k, v) for k, v in zip(keys, values, strict=True))
    return _Told(text, keys, values, c.rng.choice(asks))
