"""Conversations of random words: training cases that cannot be solved by knowing the sentence.

A model that learns from the grammar's own queries may learn to recognise them. When the words
around the reference mean nothing, the only way to the right rewrite is to copy what was asked; and
when the history means nothing either, its antecedent is found by its place alone.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from evalsuite.cases import Case, Kind, Language
from evalsuite.conversation import Message, Role
from evalsuite.scenarios.grammar import LEXICONS, Template, make_case, openers, opens_like
from evalsuite.scenarios.lexicon import Elliptic, Opener
from evalsuite.scenarios.names import Split, invent_name, ordinary_words
from evalsuite.scenarios.queries import misspell

FRAMED: tuple[Kind, ...] = tuple(k for k in Kind if k is not Kind.DEMONSTRATION_LURE)
"""Kinds that stand for themselves, without a demonstration."""

_TURNS: Mapping[Kind, tuple[tuple[str, ...], ...]] = {
    Kind.SINGLE: (("A", ""), ("A", "A"), ("", "A")),
    Kind.COMPARISON: (("AB", "W"),),
    Kind.TOPIC_SWITCH: (("A", "", "B", ""), ("A", "A", "B", "B")),
    Kind.PLURAL: (("AB", ""), ("AB", "AB")),
    Kind.ORDINAL: (("AB", ""), ("A", "B")),
    Kind.PERSON: (
        *(("A", "PB"), ("B", "PB"), ("", "BP"), ("B", "P")),
        *(("A", "ARB"), ("A", "RB"), ("A", "BR"), ("B", "AR")),
    ),
    Kind.CORRECTION: (("A", "", "NB", ""), ("A", "", "BN", ""), ("A", "A", "BN", "B")),
    Kind.UNANSWERABLE: (("AB",),),
}
"""Which entities the turns of a history mention, where that alone decides what is meant.

P is A with a role before the name, R is A's role alone, N denies A."""

_MENTIONS = {
    (Language.EN, "P"): "the {role} {A}",
    (Language.ZH, "P"): "{role}{A}",
    (Language.EN, "R"): "a {role}",
    (Language.ZH, "R"): "{role}",
    (Language.EN, "N"): "not {A}",
    (Language.ZH, "N"): "不是{A}",
}
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


_TWICE = 0.05
"""Share of random words that repeat the one before, as 讲讲 does."""
_ODD = 0.08
"""Share of random words with a slip of the pen; as many begin with a capital letter, have an
article, or are words of which the grammar knows nothing."""


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
        # Of 前者 and 后者 one character is enough: 前 and 后 stand in other words, too.
        found = {c for c in told if "\u4e00" <= c <= "\u9fff"} - (set(referring) - set("的前后"))
    else:
        spoken = {w.casefold() for w in re.findall(r"(?<![{\w])[A-Za-z]+(?![\w}=])", told)}
        found = (spoken | set(_COMMON.split())) - (set(referring.split()) - {"the"})
    return tuple(sorted(found))


def random_words(
    rng: random.Random, language: Language, n: int, *, names: float = 0.15
) -> list[str]:
    """``n`` words that mean nothing together; each is a name with probability ``names``."""
    words: list[str] = []
    while len(words) < n:
        dice = rng.random()
        if dice < names:
            words.append(invent_name(rng, language, Split.TRAIN))
        elif words and dice < names + _TWICE:
            words.append(words[-1])
        else:
            words.append(_random_word(rng, language))
    return words


def _random_word(rng: random.Random, language: Language) -> str:
    """A word, now and then as nobody expects it: what is copied must not have to be known."""
    word = rng.choice(vocabulary(language))
    dice = rng.random()
    if language is Language.ZH:
        return rng.choice(vocabulary(Language.EN)) if dice < _ODD / 4 else word
    if dice < _ODD:
        return misspell(word, rng)
    if dice < 2 * _ODD:
        return _capitalised(word)
    if dice < 3 * _ODD:
        return f"the {word}"
    return rng.choice(ordinary_words()) if dice < 4 * _ODD else word


def random_frame(rng: random.Random, language: Language) -> str:
    """A query of random words around one slot."""
    gap = " " if language is Language.EN else ""
    slot = rng.choice(("{P}" + gap + "{attr}", "{S}", "{O}"))
    before = random_words(rng, language, rng.randint(1, 7))
    after = random_words(rng, language, rng.randint(0, 4))
    return _sentence(rng, language, [*before, slot, *after])


def random_ellipsis(rng: random.Random, language: Language) -> Elliptic:
    """A question of random words about an attribute, without the thing that has it.

    In Chinese some ask for no attribute: then the thing itself is what is missing, in front. No
    name stands in it, nor another article: nothing else would tell that something is missing.
    """
    counts = rng.randint(0, 5), rng.randint(0, 4)
    words = random_words(rng, language, max(1, sum(counts)), names=0.0)
    words = [re.sub(r"(?i)\bthe\b", "this", word) for word in words]
    before, after = words[: counts[0]], words[counts[0] :]
    bare, full = ("{attr}", "{N}的{attr}")
    if language is Language.EN:
        bare, full = ("the {attr}", "the {attr} of {N}")
    elif rng.random() < 0.4:
        text = _sentence(rng, language, [*before, "{adj}", *after])
        return Elliptic(text, ("{N}" + text,))
    text = _sentence(rng, language, [*before, "{}", *after])
    asked, supplied = (_capitalised(text.replace("{}", slot)) for slot in (bare, full))
    return Elliptic(asked, (supplied,))


def _sentence(rng: random.Random, language: Language, words: Sequence[str]) -> str:
    """Join words, begin with a capital letter, end with a mark; in Chinese a pause now and then."""
    if language is Language.EN:
        return _capitalised(" ".join(words) + rng.choice("?."))
    text = "".join(word + "，" * (rng.random() < 0.06) for word in words)
    return text.removesuffix("，") + rng.choice("？。")


def _capitalised(text: str) -> str:
    return text[0].upper() + text[1:]


def random_opener(rng: random.Random, language: Language, kind: Kind) -> Opener | None:
    """A history of random words, or None where words decide what is meant."""
    turns = _TURNS.get(opens_like(kind))
    if turns is None:
        return None
    texts: list[str] = []
    for mentioned in rng.choice(turns):
        # Without a word between them, two Chinese names could not be told apart.
        words = random_words(rng, language, rng.randint(0, 2), names=0.0)
        for slot in mentioned:
            words += [
                _MENTIONS.get((language, slot), f"{{{slot}}}"),
                *random_words(rng, language, rng.randint(1, 2), names=0.0),
            ]
        if mentioned and rng.random() < 0.4:
            words.pop()
        if not words:
            words = random_words(rng, language, 2, names=0.0)
        texts.append(_sentence(rng, language, words))
    return Opener(tuple(texts))


def random_fillers(rng: random.Random, language: Language) -> tuple[Message, ...]:
    """One to three exchanges of random words without a name."""
    return tuple(
        Message(role, _sentence(rng, language, words))
        for _ in range(rng.randint(1, 3))
        for role in (Role.USER, Role.ASSISTANT)
        for words in [random_words(rng, language, rng.randint(1, 6), names=0.0)]
    )


def framed_case(rng: random.Random, language: Language, kind: Kind, case_id: str) -> Case:
    """A case of the training split with a random query and, half of the time, a random history.

    ``kind`` is one of ``FRAMED``.
    """
    ways = len(openers(LEXICONS[language], kind, Split.TRAIN))
    opening = random_opener(rng, language, kind) if rng.random() < 0.5 else None
    frame = random_frame(rng, language)
    template = Template(language, kind, Split.TRAIN, rng.randrange(ways), 0, frame, opening)
    if kind is Kind.DROPPED_SUBJECT:
        template = replace(template, frame=None, elliptic=random_ellipsis(rng, language))
    between = random_fillers(rng, language) if rng.random() < 0.5 else None
    return make_case(rng, template, case_id, between=between)
