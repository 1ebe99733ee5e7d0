"""The kinds of answers, and the table from a kind to the function that makes it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Set
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from evalsuite.cases import Case, Language
from rewrite_answers import words_en, words_zh

Maker = Callable[[Case, random.Random], str | None]
"""An answer of a kind; None where the kind does not apply to the case."""


class Group(StrEnum):
    """Kinds that share a target."""

    FORM = "no query any more"
    NAME = "the wrong thing"
    CONTENT = "another question"


class Kind(StrEnum):
    """Wrong answers, by what is wrong with them."""

    BARE_NAME = "bare name"
    NAME_AND_NONSENSE = "name and nonsense"
    ANSWER = "an answer"
    OTHER_LANGUAGE = "other language"
    WRAPPER = "wrapper or label"
    JSON = "JSON"
    CODE_FENCE = "code fence"
    MARKDOWN = "markdown"
    SECOND_SENTENCE = "second sentence"
    SAID_TWICE = "said twice"
    ROLE_TEXT = "role text appended"
    LAST_USER_TURN = "last user turn copied"
    LAST_TURN = "last turn copied"
    HALF_NAME = "half a name"
    NAME_MISSPELT = "one character of a name wrong"
    SAME_SORT = "name of the same sort"
    RIGHT_AND_WRONG = "right and wrong name together"
    REFERENCE_LEFT = "reference left, name appended"
    DROPPED = "content word dropped"
    REPLACED = "content word replaced"
    ADDED = "content word added"
    ELSE_ASKED = "something else asked"
    QUESTION_WORD = "question word changed"
    NEGATED = "negated"

    @property
    def group(self) -> Group:
        """What is wrong in general."""
        if self in _NAMES:
            return Group.NAME
        return Group.CONTENT if self in _CONTENT else Group.FORM


_NAMES = (
    Kind.HALF_NAME,
    Kind.NAME_MISSPELT,
    Kind.SAME_SORT,
    Kind.RIGHT_AND_WRONG,
    Kind.REFERENCE_LEFT,
)
_CONTENT = (
    Kind.DROPPED,
    Kind.REPLACED,
    Kind.ADDED,
    Kind.ELSE_ASKED,
    Kind.QUESTION_WORD,
    Kind.NEGATED,
)


class Light(StrEnum):
    """Edits that leave an accepted rewrite right."""

    CASE = "case"
    FINAL_MARK = "final punctuation"
    WIDTH = "width and typography"
    CONTRACTION = "contraction"
    POSSESSIVE = "possessive or of-phrase"
    ARTICLE = "article"
    POLITENESS = "politeness"
    TRADITIONAL = "traditional characters"
    NAME_SPACING = "hyphen or space in a name"
    NUMERAL = "numeral"
    TREEBANK = "treebank tokens"
    SOFTENER = "一下"


_MAKERS: dict[Kind | Light, Maker] = {}
MAKERS = MappingProxyType(_MAKERS)


def makes(kind: Kind | Light) -> Callable[[Maker], Maker]:
    """Enter a function as the maker of a kind."""

    def enter(maker: Maker) -> Maker:
        _MAKERS[kind] = maker
        return maker

    return enter


class Words(Protocol):
    """What a language's module of words holds; names that stand in a text fill its ``{}``."""

    NOUNS: Set[str]
    NONSENSE: tuple[str, ...]
    ADDED_WORDS: tuple[str, ...]
    ADDED_PHRASES: tuple[str, ...]
    ELSE_ASKED: tuple[str, ...]
    ASKED_ALIKE: Mapping[str, tuple[str, ...]]
    ANSWERS: tuple[str, ...]
    ANSWERS_WITH: tuple[str, ...]
    LABELS: tuple[str, ...]
    SENTENCES_AFTER: tuple[str, ...]
    SENTENCES_BEFORE: tuple[str, ...]
    ROLE_TEXTS: tuple[str, ...]
    OTHER_TONGUE: tuple[str, ...]
    ABROAD_WITH: tuple[str, ...]
    NOUNS_ABROAD: Mapping[str, str]
    SAME_SORT: Mapping[str, tuple[str, ...]]
    ALSO_CALLED: tuple[str, ...]


def words_of(case: Case) -> Words:
    """The words of the case's language."""
    return words_en if case.language is Language.EN else words_zh
