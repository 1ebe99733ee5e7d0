"""What a text asks for, what it denies, and what sort of sentence it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise, zip_longest

from evalsuite.detectors.text import fold, is_han
from evalsuite.rewrites import chinese, english
from evalsuite.rewrites.words import MOST, Word, simplified, words

TIMES = frozenset("time year day date month".split())
"""What "which" asks a time with."""
PLACES = frozenset("place city country town village state region".split())
"""What "which" asks a place with."""
_AMOUNTS = frozenset(("many", "much"))
# A point inside "U.S." or "3.5" ends nothing; a mark ends a sentence where something follows it.
_SENTENCE_END = re.compile(r"[?!;]+(?=\s*\w)|\.+(?=\s+\w)|(?<=[\u3400-\u9fff])\.+(?=\w)")
_ABBREVIATED = re.compile(r"\b(?:mr|mrs|ms|dr|st|vs|jr|sr|no|etc|e\.g|i\.e|[a-z])$")


class Sort(StrEnum):
    """What a sentence does."""

    QUESTION = "question"
    COMMAND = "command"
    STATEMENT = "statement"


@lru_cache(maxsize=8192)
def asked_for(text: str) -> frozenset[str]:
    """What the question words of a text ask for, such as ``person``, ``time`` or ``how long``."""
    found = words(text[:MOST])
    english_words = [word for word in found if not word.han]
    relative = _relative(text, english_words)
    english_words = [word for word in english_words if word not in relative]
    return frozenset((*_english_asked(english_words), *_chinese_asked(text)))


_RELATIVE = frozenset("who whom whose which".split())


def _relative(text: str, found: Sequence[Word]) -> set[Word]:
    """Words that describe what stands before a comma: "When was X, who ..., born?"."""
    asked = found[:1] and found[0].text in english.QUESTION_WORDS.keys() | english.AUXILIARIES
    return {
        word
        for before, word in pairwise(found)
        if asked and word.text in _RELATIVE and text[before.end : word.start].strip() == ","
    }


def _english_asked(found: Sequence[Word]) -> list[str]:
    asked = []
    for word, after in zip_longest(found, found[1:]):
        sort = english.QUESTION_WORDS.get(word.text)
        if sort is None or (word.key == word.text.upper() and word.content):
            continue
        following = after.text if after is not None else ""
        if sort == "way" and following in english.MEASURES:
            asked.append("how many" if following in _AMOUNTS else f"how {following}")
        elif sort == "way" and following == "come":
            asked.append("reason")
        elif sort == "thing" and following in TIMES:
            asked.append("time")
        elif sort == "thing" and following in PLACES:
            asked.append("place")
        elif word.text == "what" and found[-1].text == "like" and len(found) > 2:
            # "What is Oslo like" asks how it is.
            asked.append("way")
        elif sort == "thing" and following == "reason":
            asked.append("reason")
        elif sort == "time" and following in TIMES:
            # "From when day on" is what is left of "from what day on".
            asked.append(f"time {following}")
        else:
            asked.append(sort)
    return asked


def _chinese_asked(text: str) -> list[str]:
    rest = _han_text(text)
    if not rest:
        return []
    asked = []
    for sort, pattern in chinese.QUESTION_WORDS.items():
        if pattern.search(rest):
            asked.append("how many" if sort == "number" else sort)
            rest = pattern.sub(" ", rest)
    return asked


def denies(text: str) -> bool:
    """Whether a text says not: an A-not-A question does not, nor a word that merely holds 不."""
    return denials(text) > 0


@lru_cache(maxsize=8192)
def denials(text: str) -> int:
    """How often a text says not."""
    found = words(text[:MOST])
    rest = _han_text(text)
    rest = chinese.A_NOT_A.sub(" ", chinese.NOT_DENYING.sub(" ", rest))
    return sum(word.text in english.NEGATIONS for word in found if not word.han) + len(
        chinese.NEGATION.findall(rest)
    )


@lru_cache(maxsize=8192)
def sort_of(text: str) -> Sort:
    """What a text does, by its marks and by the words that it begins with.

    What cannot be told apart from a statement by words is one: "Jupiter's moons".
    """
    folded = fold(text[:MOST]).text
    if "?" in folded:
        return Sort.QUESTION
    if not any(map(is_han, folded)):
        return _english_sort(words(text[:MOST]))
    sorts = _english_sort(words(text[:MOST])), _chinese_sort(text)
    return next((sort for sort in sorts if sort is not Sort.STATEMENT), Sort.STATEMENT)


_SUBJECTS = frozenset("it he she they you we i there this that".split())
_OPENERS = frozenset("and so but then also please ok okay or now well".split())
_BEFORE = frozenset("in on at to for with by from since of until about".split())
_WISHES = ("i want", "i need", "i would like", "i wonder", "i am looking", "we need", "we want")


def _english_sort(found: Sequence[Word]) -> Sort:
    told = [word.text for word in found]
    while told and told[0] in _OPENERS:
        told.pop(0)
    if not told:
        return Sort.STATEMENT
    if english.ASKING_FRAME.search(" ".join(told)):
        return Sort.QUESTION
    asking = english.QUESTION_WORDS.keys() | english.AUXILIARIES
    # "Until when", "do you know whose": the question word may stand a little further in.
    inside = told[1:3] if told[0] not in _BEFORE else told[1:2]
    if told[0] in {"when", "where", "while"} and told[1:2] and told[1] in _SUBJECTS:
        # "When it comes to ...": a clause, no question.
        return Sort.STATEMENT
    if told[0] in asking or any(word in english.QUESTION_WORDS for word in inside):
        return Sort.QUESTION
    wishes = " ".join(told[:4]).startswith(_WISHES)
    return Sort.COMMAND if told[0] in english.COMMANDS or wishes else Sort.STATEMENT


@lru_cache(maxsize=8192)
def is_elliptic(text: str) -> bool:
    """Whether only its mark makes an English text a question: "And the population?"."""
    found = words(text[:MOST])
    han = any(word.han for word in found)
    asks_in_words = _english_sort(found) is Sort.QUESTION or inverts(text)
    return "?" in text and not han and not asks_in_words


@lru_cache(maxsize=8192)
def is_fragment(text: str) -> bool:
    """Whether nothing but its mark, or 呢, asks in a text: "And the population?", 人口呢？."""
    han = _han_text(text)
    if not han:
        return is_elliptic(text) and not inverts(text)
    bare = _NE.sub("", han)
    return bare != han and _chinese_sort(bare) is Sort.STATEMENT


_NE = re.compile(r"呢\W*$")


def is_polite_command(text: str) -> bool:
    """Whether a question asks to do something: "Can you write a sonnet?", 能帮我写一首诗吗？."""
    found = words(text[:MOST])
    told = [word.text for word in found if word.text not in ("please", "just")]
    asks_you = told[:1] and told[0] in ("can", "could", "will", "would") and told[1:2] == ["you"]
    return bool(asks_you and told[2:3] and told[2] in english.COMMANDS) or bool(
        chinese.POLITE.match(_han_text(text))
    )


@lru_cache(maxsize=8192)
def asks(text: str) -> bool:
    """Whether a text wants something: a question, or a command or wish within its first words.

    "Car, please send the address" does, and "I am interested in the forecast".
    """
    return sort_of(text) is not Sort.STATEMENT or _wants(text)


@lru_cache(maxsize=8192)
def asks_in_words(text: str) -> bool:
    """The same, where a mark alone does not count."""
    if any(map(is_han, text)):
        return _chinese_sort(text) is not Sort.STATEMENT
    return _english_sort(words(text[:MOST])) is not Sort.STATEMENT or inverts(text) or _wants(text)


_WANTING = frozenset("want need interested looking hope wish like love".split())
_LEADING = frozenset("please and or just then now also car thanks thank you lets so".split())


def _wants(text: str) -> bool:
    """A command behind a mark or a courtesy, or a wish: "Car, please send", "I am interested"."""
    found = [word for word in words(text[:MOST]) if not word.han]
    for before, word in pairwise(found):
        led = before.text in _LEADING or text[before.end : word.start].strip(" ") != ""
        if led and (word.text in english.COMMANDS or word.text in english.AUXILIARIES):
            return True
        if word.text in _WANTING and before.text in ("i", "we", "am", "would", "are"):
            return True
    return [word.text for word in found[1:3]] in (["can", "you"], ["could", "you"])


def inverts(text: str) -> bool:
    """Whether a question word stands anywhere, or an auxiliary behind a comma."""
    found = [word for word in words(text[:MOST]) if not word.han]
    return any(word.text in english.QUESTION_WORDS for word in found) or any(
        word.text in english.AUXILIARIES and text[: word.start].rstrip().endswith((",", ";", ":"))
        for word in found
    )


def _chinese_sort(text: str) -> Sort:
    han = _han_text(text).strip()
    if any(pattern.search(han) for pattern in chinese.QUESTION_WORDS.values()):
        return Sort.QUESTION
    if re.search(f"(?:{chinese.PARTICLES.pattern})$", han) or re.search(
        r"(.)不\1|有没有|是不是", han
    ):
        return Sort.QUESTION
    bare = chinese.COURTESY.sub("", han)
    return Sort.COMMAND if bare != han or chinese.COMMAND.search(bare) else Sort.STATEMENT


@lru_cache(maxsize=8192)
def sentences(text: str) -> int:
    """How many sentences a text has."""
    folded = fold(text[:MOST]).text
    ends = [
        match
        for match in _SENTENCE_END.finditer(folded)
        if not (match.group()[0] == "." and _ABBREVIATED.search(folded[: match.start()]))
    ]
    return 1 + sum(1 for match in ends if match.end() < len(folded))


@lru_cache(maxsize=8192)
def _han_text(text: str) -> str:
    """The text in simplified characters, folded; empty where it holds no Chinese."""
    folded = fold(text[:MOST]).text
    return simplified(folded) if any(map(is_han, folded)) else ""
