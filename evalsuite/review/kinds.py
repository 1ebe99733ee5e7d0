"""What kind of query it may be, from words alone: a proposal that a person corrects."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evalsuite.cases import Kind
from evalsuite.cases.importers import guess_kind
from evalsuite.conversation import Message, Role

_FAR = 3
"""Questions before the query from which on what is meant may lie far back."""
_CORRECTED = re.compile(
    r"\bi (?:actually )?(?:mean|meant)\b|^(?:oops|(?:oh|sorry|no),? (?:no,? )?(?:i|not)\b)"
    r"|\bi was thinking of\b|我(?:是|想)?(?:说|问)的是|我是(?:说|指)|打错|说错|搞错|不对|对不起",
    re.IGNORECASE,
)
_COMPARED = re.compile(
    r"\bor\b|\bthan\b|\bbetween\b.*\band\b|\bcompare|\bwhich one\b|还是|相比|比.{0,12}更"
    r"|(?:和|与|跟|、).*(?:哪|谁)|哪[个款种座]更",
    re.IGNORECASE,
)
_CHAT = re.compile(
    r"\b(?:u|ur|r|n|wen|wat|wot|pls|plz|thx|ppl|dis|dat|whats)\b|[?!？！]{2,}", re.IGNORECASE
)
_POINTS = re.compile(
    # "it" that only fills a place refers to nothing.
    r"\b(?:its|it(?! (?:possible|safe|true|necessary|ok|okay|legal|better|worth|rain|snow|take)))\b"
    r"|\b(?:this|these|those)\b|\bthat(?= \w+[?.]?$| one\b|'s\b| is\b)|\bthere[?.]?$"
    r"|\b(?:s?he|him|his|hers?|they|them|theirs?|both)\b"
    r"|\b(?:former|latter)\b|\bthe (?:first|second|third|last|other) one\b"
    r"|[它她他]|这|那|\bthe two\b|前者|后者|两者|这?两[个种款]|其(?![他实])|第[一二三]个",
    re.IGNORECASE,
)
_BEGINS_BARE = re.compile(
    r"^(?:and|but|so|what about|how about)\b|^那(?!些|个|么)|呢[？?]?$", re.IGNORECASE
)
_VERB = re.compile(
    r"\b(?:is|are|was|were|am|do|does|did|can|could|will|would|should|has|have|had|may|might)\b"
    r"|\b\w+(?:ing|ed)\b",
    re.IGNORECASE,
)
_HAN = re.compile(r"[\u3400-\u9fff]")
_FEW_WORDS, _FEW_HAN = 4, 7


def propose_kind(history: Sequence[Message], query: str) -> Kind:
    """Propose a kind: of a reference by what was said before it, else by what it lacks.

    Never proposes ``demonstration_lure``, which hangs on a prompt.
    """
    asked = [turn.content for turn in history if turn.role is Role.USER]
    last = asked[-1] if asked else ""
    points = bool(_POINTS.search(query))
    if not history:
        return Kind.UNANSWERABLE if points else Kind.STANDALONE
    if _CORRECTED.search(query) or (len(asked) > 1 and _CORRECTED.search(last)):
        return Kind.CORRECTION
    if not points:
        return Kind.DROPPED_SUBJECT if _is_bare(query) else Kind.STANDALONE
    if _COMPARED.search(last) and history[-1].role is Role.USER:
        return Kind.UNANSWERABLE
    if _is_noisy(query):
        return Kind.NOISY
    return _reference(asked, query)


def _reference(asked: Sequence[str], query: str) -> Kind:
    """The kind of a query that refers to something, by the questions before it."""
    worded = guess_kind(query, unchanged=False)
    if worded in (Kind.ORDINAL, Kind.PLURAL):
        return worded
    last = asked[-1] if asked else ""
    if _COMPARED.search(last):
        return Kind.COMPARISON
    if worded is Kind.PERSON:
        return worded
    if len(asked) >= _FAR:
        return Kind.DISTANT
    # A second question that refers to nothing before it is about something else.
    return Kind.TOPIC_SWITCH if len(asked) > 1 and not _POINTS.search(last) else Kind.SINGLE


def _is_bare(query: str) -> bool:
    """Whether a query that refers to nothing lacks something all the same."""
    if _BEGINS_BARE.search(query):
        return True
    han = len(_HAN.findall(query))
    if han:
        return han <= _FEW_HAN
    return len(query.split()) <= _FEW_WORDS and not _VERB.search(query)


def _is_noisy(query: str) -> bool:
    letters = [char for char in query if char.isascii() and char.isalpha()]
    shouted = len(letters) > 6 and all(char.isupper() for char in letters)
    mixed = bool(_HAN.search(query)) and bool(re.search(r"(?<![A-Za-z])[a-z]{3,}", query))
    return shouted or mixed or bool(_CHAT.search(query))
