"""What the accepted rewrites of an imported case put back, and whether an answer puts it back too.

Nobody said what must be named there. A piece of a rewrite that the query lacks and the history says
in a row is what was meant. Where rewrites only put words back (extractive), all of a piece is
demanded; where people reworded freely, they shorten names themselves, and most of it is enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from rapidfuzz.distance import Levenshtein, Opcode

from evalsuite.cases import Case
from evalsuite.detectors.result import Span
from evalsuite.rewrites.judgement import Finding, Standard
from evalsuite.rewrites.words import Word, words, written_as_one

_ENOUGH = 0.6
"""Share of a piece's content words that a free rewrite has to restore."""
_INSIDE = frozenset(("'s", "的", "了", "the", "a", "an"))
"""Words that may come and go inside a piece."""
_PRONOUNS = frozenset(
    "it its he him his she her hers they them their theirs this that these those one ones there "
    "former latter 它 他 她 们 这 那 其 此".split()
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Words that stand in a rewrite and in a row in the history, and not in the query."""

    words: tuple[Word, ...]
    text: str
    for_pronoun: bool
    """Whether it stands in the place of a pronoun of the query."""

    @property
    def content(self) -> tuple[Word, ...]:
        """Its content words."""
        return tuple(word for word in self.words if word.content)

    def stands_in(self, found: Sequence[Word]) -> bool:
        """Whether its words stand there in a row; a word with a capital letter by letter."""
        told = [word for word in found if word.text not in _INSIDE]
        parts = [word for word in self.words if word.text not in _INSIDE]
        offset = self.words[0].start

        def same(word: Word, part: Word) -> bool:
            named = self.text[part.start - offset].isupper()
            return word.text == part.text or (not named and word.key == part.key)

        in_words = any(
            all(map(same, told[start : start + len(parts)], parts))
            for start in range(len(told) - len(parts) + 1)
        )
        return in_words or any(written_as_one(told, "".join(word.text for word in parts)))

    @property
    def is_name(self) -> bool:
        """Whether its last word has a capital letter."""
        return self.text.split()[-1][:1].isupper()

    @property
    def numbers(self) -> frozenset[str]:
        """The number that its last word is, behind a word with a capital letter: Mate 60."""
        *_, before, last = ("", *self.text.split())
        named = last.isdigit() and any(map(str.isupper, before))
        return frozenset((last,)) if named else frozenset()


@dataclass(frozen=True, slots=True)
class Restored:
    """What each accepted rewrite puts back; a rewrite that puts nothing back has no pieces."""

    pieces: tuple[tuple[Piece, ...], ...]


@lru_cache(maxsize=4096)
def restored(case: Case) -> Restored:
    """Read off the accepted rewrites of a case what they put back."""
    heard = [_plain(words(message.content)) for message in case.history]
    query = words(case.query)
    rewrites = [words(text) for text in case.expect.rewrites]
    pieces = tuple(
        tuple(_pieces(query, rewrite, text, heard))
        for rewrite, text in zip(rewrites, case.expect.rewrites, strict=True)
    )
    return Restored(pieces)


def missing_pieces(
    case: Case, answer: str, asked: Restored, standard: Standard
) -> Iterator[Finding]:
    """What the answer does not put back of any accepted rewrite."""
    found = words(answer)
    missing = min((_missing(found, pieces, case, standard) for pieces in asked.pieces), key=len)
    if missing:
        listed = ", ".join(f'"{piece.text}"' for piece in missing)
        yield Finding(f"The answer does not restore {listed} from the history.")


def is_restored(answer: str, asked: Restored) -> tuple[Span, ...]:
    """Where the answer says a piece, or the last word of one."""
    found = words(answer)
    return tuple(
        Span(word.start, word.end, piece.text)
        for pieces in asked.pieces
        for piece in pieces
        for word in found
        if word.content and word.key in {part.key for part in piece.content}
    )


def _missing(
    found: Sequence[Word], pieces: Sequence[Piece], case: Case, standard: Standard
) -> list[Piece]:
    if standard is Standard.EXTRACTIVE:
        return [piece for piece in pieces if not piece.stands_in(found)]
    due = [piece for piece in pieces if piece.for_pronoun] or list(pieces)
    # Of "the grocery store Safeway 1 mile away" people keep the name.
    due = [piece for piece in due if piece.is_name] or due
    if renumbered := [piece for piece in due if _has_other_number(found, piece, case)]:
        return renumbered
    told = _plain(found)
    if case.expect.aliases:
        forms = [words(alias) for alias in case.expect.aliases]
        return [p for p in due if not any(_in_a_row(_plain(f), told) for f in (p.words, *forms))]
    keys = {word.key for word in found} | {word.root for word in found}
    content = [word for piece in due for word in piece.content]
    held = [word for word in content if word.key in keys or word.root in keys]
    if len(held) >= _ENOUGH * len(content):
        return []
    return [p for p in due if not (_surname(p, held) or p.stands_in(found))]


def _has_other_number(found: Sequence[Word], piece: Piece, case: Case) -> bool:
    """Whether the answer says another number in the place of a name's: Mate 50 for Mate 60."""
    told = {word.key for word in found if word.key[0].isdigit()}
    texts = (case.query, *case.expect.rewrites, *(message.content for message in case.history))
    heard = {word.key for text in texts for word in words(text)}
    return bool(piece.numbers) and not piece.numbers & told and bool(told - heard)


def _surname(piece: Piece, held: Sequence[Word]) -> bool:
    """Whether the last word of a name stands for it, as it does for a person."""
    last = piece.content[-1]
    return piece.is_name and last in held and not last.han


def _pieces(
    query: Sequence[Word], rewrite: Sequence[Word], text: str, heard: Sequence[Sequence[str]]
) -> Iterator[Piece]:
    asked = {word.key for word in query if word.content}
    edits = Levenshtein.opcodes([w.key for w in query], [w.key for w in rewrite])
    for replaced, put in _replacements(edits):
        for_pronoun = any(word.text in _PRONOUNS for word in query[replaced.start : replaced.stop])
        for run in _heard_runs(rewrite[put.start : put.stop], heard):
            run = _trimmed(run)
            if any(word.content and word.key not in asked for word in run):
                yield Piece(run, text[run[0].start : run[-1].end], for_pronoun)


def _replacements(edits: Iterable[Opcode]) -> Iterator[tuple[range, range]]:
    """What of the query was replaced by what of the rewrite; edits side by side are one."""
    for changed, run in groupby(edits, key=lambda edit: edit.tag != "equal"):
        if changed:
            together = list(run)
            first, last = together[0], together[-1]
            yield (
                range(first.src_start, last.src_end),
                range(first.dest_start, last.dest_end),
            )


def _heard_runs(run: Sequence[Word], heard: Sequence[Sequence[str]]) -> Iterator[Sequence[Word]]:
    """The longest runs, from left to right, that the history says in a row."""
    start = 0
    while start < len(run):
        end = next(
            (
                end
                for end in range(len(run), start, -1)
                if any(_in_a_row(_plain(run[start:end]), turn) for turn in heard)
            ),
            start,
        )
        if end > start:
            yield run[start:end]
        start = max(end, start + 1)


def _trimmed(run: Sequence[Word]) -> tuple[Word, ...]:
    """The run without words at its ends that carry no content."""
    found = list(run)
    while found and not found[0].content:
        found.pop(0)
    while found and not found[-1].content:
        found.pop()
    return tuple(found)


def _plain(found: Sequence[Word]) -> tuple[str, ...]:
    return tuple(word.key for word in found if word.text not in _INSIDE)


def _in_a_row(part: Sequence[str], whole: Sequence[str]) -> bool:
    if not part:
        return False
    inside = "\n" + "\n".join(whole) + "\n"
    return "\n" + "\n".join(part) + "\n" in inside
