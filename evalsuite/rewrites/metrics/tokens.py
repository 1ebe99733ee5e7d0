"""Texts as tokens, the way that RUN's and CREAD's scorers see them.

RUN compares lower-cased texts that were tokenised before: Chinese by character and what is not
Chinese by word (jieba), English by spaCy. CREAD uses NLTK's word tokenizer. Neither library is
needed here: the rules below give the same tokens of ordinary sentences.
"""

from __future__ import annotations

import re
from enum import StrEnum

from evalsuite.cases import Language


class Splitting(StrEnum):
    """How a text becomes tokens."""

    WORDS = "words"
    """By the rules of its language: for texts as people write them."""
    BLANKS = "blanks"
    """At blanks alone: for texts that were tokenised already, exactly as RUN's scorer splits."""


_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_CHINESE = re.compile(rf"[{_HAN}]|[^\W_{_HAN}]+(?:\.\d+)?%?|\S")
_SPACE = re.compile(r"\s+")
# Possessive, so that a long run of closing marks is looked at once.
_LAST_STOP = re.compile(r"([^.])(\.)([\])}>\"'»”’ ]*+)$")
_SPACED = (
    (re.compile(r"[«“‘„]|`+"), r" \g<0> "),
    (re.compile(r'^"'), "``"),
    (re.compile(r"``"), " `` "),
    (re.compile(r"([ (\[{<])(?:\"|'')"), r"\1 `` "),
    (re.compile(r"(?i)(?<!\w)'(?!(?:re|ve|ll|m|t|s|d|n)\b)(?=\w)"), "' "),
    (_LAST_STOP, r"\1 \2 \3 "),
    (re.compile(r"([:,])(\D)"), r" \1 \2"),
    (re.compile(r"[:,]$"), r" \g<0> "),
    (re.compile(r"\.{2,}"), r" \g<0> "),
    (re.compile(r"[;@#$%&?!*\u2012-\u2015\[\](){}<>]"), r" \g<0> "),
    (re.compile(r"([^'])' "), r"\1 ' "),
    (re.compile(r"--"), " -- "),
)
"""What stands apart from its neighbours, in the order of the Penn Treebank's rules as NLTK has
them (``NLTKWordTokenizer``)."""
_JOINED = (
    (re.compile(r"''|\""), " '' "),
    (re.compile(r"[»”’]"), r" \g<0> "),
    (_SPACE, " "),
    (re.compile(r"([^' ])('[sSmMdD]?) "), r"\1 \2 "),
    (re.compile(r"([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) "), r"\1 \2 "),
    (re.compile(r"(?i)\b(can)(not)\b"), r" \1 \2 "),
    (re.compile(r"(?i)\b(d)('ye)\b"), r" \1 \2 "),
    (re.compile(r"(?i)\b(gim|lem)(me)\b"), r" \1 \2 "),
    (re.compile(r"(?i)\b(gon)(na)\b"), r" \1 \2 "),
    (re.compile(r"(?i)\b(got)(ta)\b"), r" \1 \2 "),
    (re.compile(r"(?i)\b(more)('n)\b"), r" \1 \2 "),
    (re.compile(r"(?i)\b(wan)(na)(?=\s)"), r" \1 \2 "),
    (re.compile(r"(?i) ('t)(is|was)\b"), r" \1 \2 "),
)
"""Closing quotes, contractions and words that are two."""
# What most queries are made of: of such a text the rules come to the same as one look for words.
_PLAIN = re.compile(r"(?:[A-Za-z0-9]++(?:-[A-Za-z0-9]++)*+(?:,(?= |$)|[?!])?+ ?+)*+ ?\.?")
_PIECE = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*|[,?!.]")
_TWO_WORDS = re.compile(r"(?i)\b(?:cannot|gimme|lemme|gonna|gotta|wanna)\b")
_FINAL = frozenset(",.?!")


def tokens_of(
    text: str, language: Language, splitting: Splitting = Splitting.WORDS
) -> tuple[str, ...]:
    """The lower-cased tokens of a text, for every metric of RUN's.

    Chinese: each Chinese character, each run of other letters and digits, each mark. English: the
    words and marks of the Penn Treebank. A text of both is split by the language of its case.
    """
    folded = text.lower()
    if splitting is Splitting.BLANKS:
        return tuple(folded.split())
    if language is Language.ZH:
        return tuple(_CHINESE.findall(folded))
    return tuple(english_words(folded))


def english_words(text: str) -> list[str]:
    """Words and marks by the rules of the Penn Treebank, a contraction as two.

    A full stop within the text stays with its word; NLTK, which looks for sentences first, takes it
    apart.
    """
    text = _SPACE.sub(" ", text).strip()
    if _PLAIN.fullmatch(text) and not _TWO_WORDS.search(text):
        return _PIECE.findall(text)
    for pattern, replacement in _SPACED:
        text = pattern.sub(replacement, text)
    text = f" {text} "
    for pattern, replacement in _JOINED:
        text = pattern.sub(replacement, text)
    return text.split()


def cread_words(text: str) -> tuple[str, ...]:
    """What CREAD's exact match compares.

    One final ``. , ? !`` is dropped, then ``<CUR>``; the rest is tokenised and lower-cased.
    """
    return tuple(word.lower() for word in english_words(_bare(text)))


def cread_equal(text: str, other: str) -> bool:
    """Whether CREAD's exact match holds."""
    one, two = _bare(text), _bare(other)
    # No rule touches a letter or a digit, so most texts differ before they are split.
    letters = ["".join(filter(str.isalnum, bare.lower())) for bare in (one, two)]
    return letters[0] == letters[1] and (one == two or cread_words(text) == cread_words(other))


def _bare(text: str) -> str:
    """A text without its final mark and without what CREAD's data puts before an utterance."""
    text = text.strip()
    if text and text[-1] in _FINAL:
        text = text[:-1]
    return text.replace("<CUR>", "")
