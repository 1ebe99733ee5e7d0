"""Queries of random words: cases for training that cannot be answered by knowing the sentence.

A model that learns from the grammar's own queries may learn to recognise them. When the words
around the reference mean nothing, the only way to the right rewrite is to copy what was asked.
"""

from __future__ import annotations

import random
from functools import cache

from evalsuite.cases import Case, Kind, Language
from evalsuite.scenarios.grammar import LEXICONS, Template, make_case, openers
from evalsuite.scenarios.names import Split, invent_name, ordinary_words

FRAMED: tuple[Kind, ...] = tuple(
    k for k in Kind if k not in (Kind.DROPPED_SUBJECT, Kind.DEMONSTRATION_LURE)
)
"""Kinds whose query has a slot to frame."""


@cache
def _characters() -> tuple[str, ...]:
    """Every ideograph of the Chinese grammar."""
    return tuple(sorted({c for c in repr(LEXICONS[Language.ZH]) if "\u4e00" <= c <= "\u9fff"}))


def random_words(rng: random.Random, language: Language, n: int) -> list[str]:
    """``n`` words that mean nothing together; a name among them now and then."""
    words = ordinary_words() if language is Language.EN else _characters()
    return [
        invent_name(rng, language, Split.TRAIN) if rng.random() < 0.15 else rng.choice(words)
        for _ in range(n)
    ]


def random_frame(rng: random.Random, language: Language) -> str:
    """A query of random words around one slot."""
    gap = " " if language is Language.EN else ""
    slot = rng.choice(("{P}" + gap + "{attr}", "{S}", "{O}"))
    before = random_words(rng, language, rng.randint(1, 4))
    after = random_words(rng, language, rng.randint(0, 3))
    marks = "?." if language is Language.EN else "？。"
    text = gap.join((*before, slot, *after)) + rng.choice(marks)
    return text[0].upper() + text[1:]


def framed_case(rng: random.Random, language: Language, kind: Kind, case_id: str) -> Case:
    """A case of the training split whose query is a random frame; ``kind`` is one of ``FRAMED``."""
    ways = len(openers(LEXICONS[language], kind, Split.TRAIN))
    frame = random_frame(rng, language)
    return make_case(
        rng, Template(language, kind, Split.TRAIN, rng.randrange(ways), 0, frame), case_id
    )
