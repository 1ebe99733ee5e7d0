"""Ways to spoil a rewrite so that it still looks like one: about the right name, and wrong.

What is spoilt is an accepted rewrite, so that the outcome is wrong whatever the candidate said;
only what is put around an answer is put around its own. Each function leaves a case alone (None)
where it knows no way, and ``rng`` alone decides between ways.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

from evalsuite.cases import Case, Language
from evalsuite.qualification.wordings import WORDINGS
from evalsuite.scenarios import LEXICONS, Split

Spoil = Callable[[Case, str, random.Random], str | None]
"""From a case and the candidate's answer to a wrong answer."""
Place = tuple[int, int]

_HIDDEN = "\0"
"""Stands for every character of a name, which no word of a table holds."""


def answered(case: Case, answer: str, rng: random.Random) -> str | None:
    """A statement about what is meant, as true as the history lets one tell."""
    del answer
    if not case.expect.must_name:
        return None
    wording = WORDINGS[case.language]
    attribute = next(_attributes(case, case.query), None)
    noun = _noun(case)
    if len(case.expect.must_name) > 1:
        frames = wording.of_many
    elif attribute is not None:
        frames = wording.of_attribute
    else:
        frames = wording.of_thing if noun else wording.of_any
    asked = case.query[slice(*attribute)] if attribute else ""
    made = rng.choice(frames).format(name=_meant(case), attr=asked, noun=noun)
    return made[0].upper() + made[1:]


def dropped(case: Case, answer: str, rng: random.Random) -> str | None:
    """An accepted rewrite without one content word."""
    del answer
    base = _base(case)
    found = list(_content(case, base))
    if not found:
        return None
    (start, end), _ = rng.choice(found)
    rest = base[:start] + base[end:]
    return re.sub(r" +(?=[ ?.,!]|$)", "", rest).strip()


def added(case: Case, answer: str, rng: random.Random) -> str | None:
    """An accepted rewrite with a content word that nobody said."""
    del answer
    base, wording = _base(case), WORDINGS[case.language]
    english = case.language is Language.EN
    attribute = next(_attributes(case, base), None)
    if attribute is not None:
        at, extra = attribute[0], _unsaid(case, wording.modifiers, rng)
        return base[:at] + extra + (" " if english else "") + base[at:]
    extra = _unsaid(case, wording.circumstances, rng)
    body = base.rstrip("?.! ")
    return f"{body} {extra}{base[len(body) :]}" if english else extra + base


def replaced(case: Case, answer: str, rng: random.Random) -> str | None:
    """An accepted rewrite with another word of its class in the place of a content word."""
    del answer
    base = _base(case)
    found = [(place, others) for place, others in _content(case, base) if others]
    if not found:
        return None
    (start, end), others = rng.choice(found)
    return base[:start] + rng.choice(others) + base[end:]


def asked_else(case: Case, answer: str, rng: random.Random) -> str | None:
    """Another question about what is meant: one that no panel asks, without a word of this one."""
    del answer
    if not case.expect.must_name:
        return None
    asked = {piece for text in _texts(case) for piece in _pieces(text)}
    frames = [frame for frame in _plain_queries(case.language) if not asked & _pieces(frame)]
    return rng.choice(frames).format(O=_meant(case)) if frames else None


def wrapped(case: Case, answer: str, rng: random.Random) -> str | None:
    """The candidate's answer in a label, a fence, quotes or JSON, or with a sentence behind it."""
    wording = WORDINGS[case.language]
    ended = answer if answer.endswith(tuple(".?!。？！")) else answer + wording.mark
    return rng.choice(
        (
            *(frame.replace("{}", answer) for frame in wording.wrappers),
            json.dumps({"query": answer}, ensure_ascii=False),
            ended + rng.choice(wording.sentences),
        )
    )


def _base(case: Case) -> str:
    """What a right answer says."""
    return case.reference or case.query


def _texts(case: Case) -> tuple[str, ...]:
    return (case.query, *case.expect.rewrites)


def _meant(case: Case) -> str:
    return LEXICONS[case.language].conjunction.join(case.expect.must_name)


def _nameless(case: Case, text: str) -> str:
    """The text with its names hidden; every other character keeps its place."""
    for name in sorted((*case.expect.must_name, *case.expect.must_not_name), key=len, reverse=True):
        text = text.replace(name, _HIDDEN * len(name))
    return text


def _content(case: Case, base: str) -> Iterator[tuple[Place, Sequence[str]]]:
    """Places of content words that every way to ask holds once, with words for their places."""
    known = list(_held_by_all(case, base, _known_words(case, base)))
    yield from known or _held_by_all(case, base, _carrying_words(case, base))


def _held_by_all(
    case: Case, base: str, found: Iterable[tuple[Place, Sequence[str]]]
) -> Iterator[tuple[Place, Sequence[str]]]:
    texts = [_nameless(case, text) for text in _texts(case)]
    for (start, end), others in found:
        word = base[start:end]
        if _nameless(case, base).count(word) == 1 and all(word in text for text in texts):
            yield (start, end), others


def _carrying_words(case: Case, base: str) -> Iterator[tuple[Place, Sequence[str]]]:
    """Words of a query of which the grammar knows nothing."""
    wording = WORDINGS[case.language]
    for found in wording.carrying.finditer(_nameless(case, base)):
        yield found.span(), _unlike(case, found.group(), wording.strangers)


def _known_words(case: Case, base: str) -> Iterator[tuple[Place, Sequence[str]]]:
    """Attributes and adjectives of the grammar, and what else carries its queries."""
    plain = _nameless(case, base)
    lexicon = LEXICONS[case.language]
    for place in _attributes(case, base):
        yield place, _unlike(case, base[slice(*place)], _attribute_words(case.language))
    for found in _adjective_pattern(case.language).finditer(plain):
        yield found.span(), _unlike(case, found.group(), lexicon.adjectives)
    for pattern, other in WORDINGS[case.language].others:
        for found in pattern.finditer(plain):
            yield found.span(), [other] if other not in " ".join(_texts(case)) else []


def _attributes(case: Case, text: str) -> Iterator[Place]:
    """Where a text asks for an attribute that the grammar knows."""
    words = "|".join(map(re.escape, _attribute_words(case.language)))
    pattern = rf"\b(?:{words})\b" if case.language is Language.EN else words
    yield from (found.span() for found in re.finditer(pattern, _nameless(case, text)))


@cache
def _attribute_words(language: Language) -> tuple[str, ...]:
    """Attributes of things and of persons, the longest first."""
    lexicon = LEXICONS[language]
    words = {word for kind in lexicon.types for word in kind.attributes}
    return tuple(sorted(words | {*lexicon.person_attributes}, key=lambda word: (-len(word), word)))


@cache
def _adjective_pattern(language: Language) -> re.Pattern[str]:
    """Adjectives; a single ideograph is one only behind what the grammar's queries put there."""
    words = LEXICONS[language].adjectives
    if language is Language.EN:
        return re.compile(rf"\b(?:{'|'.join(words)})\b")
    short = "".join(word for word in words if len(word) == 1)
    long = "|".join(word for word in words if len(word) > 1)
    return re.compile(f"{long}|(?:(?<=一直)|(?<=越来越)|(?<=这么)|(?<=不再))[{short}]")


def _unlike(case: Case, word: str, others: Sequence[str]) -> list[str]:
    """Those of ``others`` that no way to ask says, not even in part."""
    said = " ".join(_texts(case))
    if case.language is Language.ZH:
        return [other for other in others if not set(other) & set(said)]
    return [other for other in others if other != word and not _pieces(other) & _pieces(said)]


def _unsaid(case: Case, words: Sequence[str], rng: random.Random) -> str:
    """One of some words, such that nobody said it before; any where all were said."""
    said = " ".join((*_texts(case), *(message.content for message in case.history)))
    new = [word for word in words if not _pieces(word) & _pieces(said)]
    return rng.choice(new or list(words))


def _pieces(text: str) -> set[str]:
    """Longer English words, and pairs of ideographs, of a text that may have slots."""
    plain = re.sub(r"\{\w+\}", " ", text)
    return {word.casefold() for word in re.findall(r"[A-Za-z]{4,}", plain)} | set(
        re.findall(r"(?=([\u3400-\u9fff]{2}))", plain)
    )


@cache
def _plain_queries(language: Language) -> tuple[str, ...]:
    """Queries of the grammar that no panel asks and that ask for a thing alone."""
    queries = LEXICONS[language].queries[Split.HELDOUT]
    return tuple(query for query in queries if re.findall(r"\{\w+\}", query) == ["{O}"])


def _noun(case: Case) -> str:
    """What the history calls things, where the grammar has a word for it; else nothing."""
    told = _nameless(case, " ".join(message.content for message in case.history))
    for kind in LEXICONS[case.language].types:
        # A single ideograph would be found inside other words.
        edge = r"\b" if case.language is Language.EN else ""
        if len(kind.noun) > 1 and re.search(edge + kind.noun + edge, told):
            return kind.noun
    return ""
