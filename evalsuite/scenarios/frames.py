"""Queries of random words: cases for training that cannot be answered by knowing the sentence.

A model that learns from the grammar's own queries may learn to recognise them. When the words
around the reference mean nothing, the only way to the right rewrite is to copy what was asked.
"""

from __future__ import annotations

import random
import re
from functools import cache

from evalsuite.cases import Case, Kind, Language
from evalsuite.scenarios.grammar import LEXICONS, Template, make_case, openers
from evalsuite.scenarios.names import Split, invent_name, ordinary_words

FRAMED: tuple[Kind, ...] = tuple(
    k for k in Kind if k not in (Kind.DROPPED_SUBJECT, Kind.DEMONSTRATION_LURE)
)
"""Kinds whose query has a slot to frame."""


_COMMON = """
a about after again all also always an and any are as ask at back be because been before best
better big both bring but by call came can change check child city close come could country cut
day describe did different do does done down each early easy eat end even every example eye face
fact far feel few find first follow food for found friend from full get give go good got great
group had hand hard has have he head hear help her here high him his home hope hot house how idea
if important in into is it its job just keep kind know large last late later learn leave left less
let letter life light like line list little live long look made make man many matter may me mean
meet might mind money month more morning most move much must my name near need never new next
night no not nothing now number of off often old on once one only open or other our out over own
page paper part pay people person place plan play point power problem put question quick quiet
rate read ready real really reason red rest right room run said same saw say school second see
seem send set shall she short should show side sit slow small so some soon sort speak stand start
stay still stop story street strong such sure take talk tell ten than thank that the their them
then there these they thing think this those thought three through time to today together told too
took town tree true try turn two under until up us use very visit wait walk want was watch water
way we week well went were what when where which while white who why will wish with without woman
word work world would write year yes yet you young your
"""


@cache
def vocabulary(language: Language) -> tuple[str, ...]:
    """Words, or ideographs, of the grammar of all splits, and common English words.

    Words are no templates: a model may know "could" without having met a sentence of a panel.
    Pronouns are left out: beside the one that is meant, another would have no antecedent.
    """
    lexicon = LEXICONS[language]
    forms = (lexicon.thing, lexicon.plural, lexicon.female, lexicon.male, lexicon.former)
    referring = " ".join(f"{f.possessive} {f.subject} {f.object}" for f in (*forms, lexicon.latter))
    told = repr(lexicon)
    if language is Language.ZH:
        found = {c for c in told if "\u4e00" <= c <= "\u9fff"} - (set(referring) - {"的"})
    else:
        spoken = {w.casefold() for w in re.findall(r"(?<![{\w])[A-Za-z]+(?![\w}=])", told)}
        found = (spoken | set(_COMMON.split())) - (set(referring.split()) - {"the"})
    return tuple(sorted(found))


def random_words(rng: random.Random, language: Language, n: int) -> list[str]:
    """``n`` words that mean nothing together; a name among them now and then."""
    words = vocabulary(language)
    if language is Language.EN and rng.random() < 0.25:
        words = ordinary_words()
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
