"""Names that stand in a rewrite beside what is meant, or in its place, though nobody meant them.

Where a case says which names are wrong, those are looked for. Of an imported case nobody said so: a
name that neither the query nor any accepted rewrite holds, what "and" joins to the antecedent, and
what stands where the antecedent stood.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from rapidfuzz.distance import DamerauLevenshtein, LCSseq, Levenshtein

from evalsuite.cases import Case
from evalsuite.detectors.result import Span
from evalsuite.rewrites import chinese, english
from evalsuite.rewrites.judgement import Finding
from evalsuite.rewrites.known import Known, known
from evalsuite.rewrites.restored import Restored
from evalsuite.rewrites.words import Word, words

_JOINING = english.JOINING | chinese.JOINING | {"plus"}
_LONG_CONJUNCTIONS = (("as", "well", "as"), ("along", "with"), ("together", "with"))
_MARKS = frozenset((",", "，", "、", "/"))
# What follows a verb and no name: "and take me there".
_AFTER_VERBS = frozenset(
    "a an the me my your our us it its him her them this that these those to how if where whether "
    "what which who when some any more for out up down in there sure all".split()
)
_LONG = 4
"""Words of so many letters may be misspelt by two."""
_SHORT = 3
"""Words of fewer letters are units and initials: a.m., P.F."""
_OPENING = frozenset("\"'(“‘ ")


def strangers(case: Case, answer: str, asked: Restored) -> tuple[Finding, ...]:
    """Every name in the answer that nobody can have meant; ``asked`` is what was meant."""
    facts, found = known(case), words(answer)
    meant = {word.key for pieces in asked.pieces for piece in pieces for word in piece.content}
    strange = dict.fromkeys(
        [
            *_names(facts, answer, found),
            *_joined(facts, answer, found, meant),
            *_in_place(facts, found, _named_by(asked)),
        ]
    )
    if not strange:
        return ()
    listed = ", ".join(f'"{answer[word.start : word.end]}"' for word in strange)
    spans = tuple(Span(word.start, word.end, "not meant") for word in strange)
    return (Finding(f"The answer names {listed}, which no accepted rewrite does.", spans),)


def _named_by(asked: Restored) -> set[str]:
    """The words of pieces that are as short as a name."""
    return {
        word.key
        for pieces in asked.pieces
        for piece in pieces
        if len(piece.content) <= _LONG
        for word in piece.content
    }


def _names(facts: Known, answer: str, found: Sequence[Word]) -> Iterator[Word]:
    """Capitalised words inside a sentence that query and rewrites do not hold."""
    shouting = not any(c.islower() for c in answer)
    titled = sum(answer[w.start].isupper() for w in found) > len(found) / 2
    if shouting or titled:
        return
    for word in found:
        named = word.content and answer[word.start].isupper() and not _opens(answer, word.start)
        if named and _stranger(facts, word):
            yield word


def _misspelt(facts: Known, word: Word) -> bool:
    """Whether a name is written nearly like one that was meant: people mistype."""
    return any(
        DamerauLevenshtein.distance(word.key, other.key, score_cutoff=2) <= 2
        for text in (facts.query, *facts.accepted)
        for other in text
        if len(other.key) >= _LONG
    )


def _opens(text: str, start: int) -> bool:
    """Whether a word begins a sentence, where every word has a capital letter."""
    before = text[:start].rstrip("".join(_OPENING))
    return not before or before[-1] in ".?!\n:"


def _joined(facts: Known, answer: str, found: Sequence[Word], meant: set[str]) -> Iterator[Word]:
    """Nouns that a conjunction or a mark joins to what is meant."""
    for at, (word, after) in enumerate(pairwise(found)):
        if answer[word.end : after.start].strip() in _MARKS:
            before, behind = word, found[at + 1 : at + 4]
        elif at > 0 and (length := _conjunction(found, at)) and not facts.own.holds_han(word):
            before, behind = found[at - 1], found[at + length : at + length + 3]
        else:
            continue
        noun = _noun(behind)
        if before.key in meant and noun is not None and _stranger(facts, noun):
            yield noun
        elif noun is not None and noun.key in meant and _stranger(facts, before):
            yield before


def _conjunction(found: Sequence[Word], at: int) -> int:
    """How many words the conjunction has that begins there; 0: none does."""
    if found[at].text in _JOINING:
        return 1
    told = tuple(word.text for word in found[at : at + 3])
    return next((len(c) for c in _LONG_CONJUNCTIONS if told[: len(c)] == c), 0)


def _stranger(facts: Known, word: Word) -> bool:
    described = word.text in english.DESCRIBING or word.text[0].isdigit()
    short = len(word.text.replace(".", "")) < _SHORT and not word.han
    known_word = facts.own.holds(word) or _misspelt(facts, word)
    return word.content and not (described or short or known_word)


def _noun(behind: Sequence[Word]) -> Word | None:
    """The first content word, unless what follows shows that it is a verb."""
    for at, word in enumerate(behind):
        if word.content:
            following = behind[at + 1] if at + 1 < len(behind) else None
            return None if following and following.text in _AFTER_VERBS else word
        if word.text not in ("the", "a", "an", "'s"):
            return None
    return None


def _in_place(facts: Known, found: Sequence[Word], meant: set[str]) -> Iterator[Word]:
    """Words from nowhere that stand where the nearest rewrite says what is meant."""
    told = [word.key for word in found]
    if not facts.accepted or not meant:
        return
    nearest = max(facts.accepted, key=lambda a: LCSseq.normalized_similarity(told, _keys(a)))
    for edit in Levenshtein.opcodes(_keys(nearest), told):
        if edit.tag != "replace":
            continue
        gone = [w for w in nearest[edit.src_start : edit.src_end] if w.content]
        put = found[edit.dest_start : edit.dest_end]
        if "".join(word.text for word in gone) in {word.text for word in put}:
            continue  # It stands there, written as one word.
        if gone and all(word.key in meant and word.key not in told for word in gone):
            yield from (
                word for word in put if _stranger(facts, word) and not facts.heard.holds(word)
            )


def _keys(found: Sequence[Word]) -> list[str]:
    return [word.key for word in found]
