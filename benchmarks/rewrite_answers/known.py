"""What a generator must know about a case: which accepted text to spoil, what it must name, and
which of its words carry the question.

Golden cases and panels say what must be named. For imported cases it is read off the rewrite:
pieces of it that the query lacks and the history holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from evalsuite.cases import Case, Language
from rewrite_answers import words_en
from rewrite_answers.texts import (
    HAN,
    Token,
    history_text,
    listed,
    listed_zh,
    plain,
    says_something,
    tokens,
)

_PARTS = words_en.PARTS_OF_NOUNS
_PRONOUNS_EN = frozenset(
    "it its they them their theirs he him his she her hers there this that these those one "
    "former latter".split()
)
_PRONOUNS_ZH = re.compile(r"[它他她]们?|前者|后者|那里|那儿|这两种|第二个|那[个部]|这[个部]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stripped(Case):
    """A case without the names that its author gave; the judge reads it as an imported one."""

    original: Case
    """What the generators still know."""


def authored(case: Case) -> Case:
    """The case as its author wrote it."""
    return case.original if isinstance(case, Stripped) else case


@dataclass(frozen=True, slots=True)
class Known:
    """A case as the generators see it."""

    base: str
    """The accepted rewrite that is nearest to the query."""
    names: tuple[str, ...]
    """What must be named, as it is written in ``base``; empty where nobody can tell."""
    wrong: tuple[str, ...]
    """Names of the history that the rewrite must not hold."""
    content: tuple[tuple[int, int], ...]
    """Where in ``base`` words stand that the query asks and every accepted rewrite keeps."""
    pronouns: tuple[str, ...]
    """References of the query that ``base`` has settled."""

    @property
    def words(self) -> tuple[str, ...]:
        """The content words."""
        return tuple(self.base[start:end] for start, end in self.content)

    def name_spans(self) -> list[tuple[int, int]]:
        """Where in ``base`` the names stand."""
        return [m.span() for name in self.names for m in re.finditer(re.escape(name), self.base)]

    def within_name(self, start: int, end: int) -> bool:
        """Whether a place of ``base`` is part of a name."""
        return any(s < end and start < e for s, e in self.name_spans())


@lru_cache(maxsize=20_000)
def known(case: Case) -> Known | None:
    """Return what is known, or None where no accepted rewrite differs from the query."""
    rewrites = [r for r in case.expect.rewrites if plain(r) != plain(case.query)]
    if not rewrites or case.expect.unchanged:
        return None
    base = max(rewrites, key=lambda text: _likeness(text, case.query))
    names = tuple(_required(base, case)) or tuple(dict.fromkeys(restored(base, case)))
    facts = Known(base, names, tuple(_wrong_names(case, names)), (), tuple(_settled(base, case)))
    content = tuple(_content(facts, case))
    return Known(base, names, facts.wrong, content, facts.pronouns)


def _likeness(one: str, other: str) -> float:
    a, b = ([t.folded for t in tokens(text)] for text in (one, other))
    return SequenceMatcher(None, a, b, autojunk=False).ratio()


def _required(base: str, case: Case) -> Iterator[str]:
    for name in authored(case).expect.must_name:
        found = re.search(re.escape(name), base, re.IGNORECASE)
        if found:
            yield found.group()


# --- what an imported rewrite put back ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """A place where a rewrite differs from its query."""

    lost: tuple[Token, ...]
    made: tuple[Token, ...]

    @property
    def settles(self) -> bool:
        """Whether a pronoun gave way to something."""
        return bool(self.made) and any(t.folded in _PRONOUNS_EN for t in self.lost)


def changes(base: str, query: str) -> Iterator[Change]:
    """Yield where ``base`` differs from ``query``."""
    made, asked = tokens(base), tokens(query)
    a, b = ([t.folded for t in found] for found in (asked, made))
    for tag, i, j, k, n in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag != "equal":
            yield Change(tuple(asked[i:j]), tuple(made[k:n]))


def restored(base: str, case: Case) -> Iterator[str]:
    """Yield the pieces of ``base`` that the query lacks and the history holds in one piece.

    Where people reworded the query, only proper names and what stands for a pronoun.
    """
    told = f" {' '.join(t.folded for t in tokens(history_text(case)))} "
    asked = {t.folded for t in tokens(case.query)}
    for change in changes(base, case.query):
        for piece in _pieces(change.made, told):
            if reworded(case) and not change.settles:
                piece = _proper(piece, base)
            ideograph = len(piece) == 1 and bool(re.match(f"[{HAN}]", piece[0].text))
            if piece and not ideograph and not all(t.folded in asked for t in piece):
                start, end = piece[0].start, piece[-1].end
                yield base[start:end].removesuffix("'s").removesuffix("’s")


def _proper(piece: Sequence[Token], base: str) -> Sequence[Token]:
    """From the first to the last capital of a piece; nothing behind a number or a full stop."""
    large = [i for i, t in enumerate(piece) if t.text[:1].isupper() and t.start]
    if not large:
        return ()
    found = piece[large[0] : large[-1] + 1]
    return () if re.search(r"[\d.?!] *$", base[: found[0].start]) else found


def _pieces(run: Sequence[Token], told: str) -> Iterator[Sequence[Token]]:
    """Yield the longest pieces that the history holds, without linking words at their ends."""
    while run:
        size = len(run)
        while size and f" {' '.join(t.folded for t in run[:size])} " not in told:
            size -= 1
        piece, run = run[:size], run[max(size, 1) :]
        while piece and not says_something(piece[0].folded):
            piece = piece[1:]
        while piece and not says_something(piece[-1].folded):
            piece = piece[:-1]
        if piece:
            yield piece


# --- names that are wrong -----------------------------------------------------------------------


def _wrong_names(case: Case, names: tuple[str, ...]) -> Iterator[str]:
    told = history_text(case)
    yield from (name for name in authored(case).expect.must_not_name if name in told)
    # What is written large in talk about restaurants is a kitchen or a street.
    if reworded(case):
        yield from _capitalised(told, case, names)


def _capitalised(told: str, case: Case, names: tuple[str, ...]) -> Iterator[str]:
    """Yield runs of capitalised words inside a sentence that no accepted text holds."""
    accepted = plain(" ".join((case.query, *case.expect.rewrites, *names)))
    for found in re.finditer(r"(?<=[a-z,] )[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,})*", told):
        words = found.group().casefold().split()
        free = not any(w in accepted or w in words_en.NO_NAMES for w in words)
        if free and not any(_beside(found.group(), name, told) for name in names):
            yield found.group()


def _beside(one: str, other: str, told: str) -> bool:
    """Whether two names stand side by side, as parts of one do."""
    return f"{one} {other}" in told or f"{other} {one}" in told


# --- words that carry the question --------------------------------------------------------------


def _content(facts: Known, case: Case) -> Iterator[tuple[int, int]]:
    zh = case.language is Language.ZH
    found = listed_zh(facts.base) if zh else _content_en(facts.base, case)
    texts = (case.query, *case.expect.rewrites)
    for start, end in found:
        word = facts.base[start:end]
        if not facts.within_name(start, end) and all(_holds(text, word, case) for text in texts):
            yield start, end


def _content_en(base: str, case: Case) -> Iterator[tuple[int, int]]:
    """Words of the table; of texts that nobody here wrote, any long one that carries content."""
    for token in tokens(base):
        if token.text.casefold().endswith(("'s", "’s")):
            continue
        if _foreign(case):
            long = len(token.text) > 3 and token.text.isalpha() and token.text.islower()
            if long and says_something(token.folded) and token.folded not in _PARTS:
                yield token.start, token.end
        elif listed(token.folded) and not _is_light(base, token):
            yield token.start, token.end


def reworded(case: Case) -> bool:
    """Whether the rewrites are people's own wording."""
    return _foreign(case) and not case.id.startswith("gecor-")


def _foreign(case: Case) -> bool:
    """Whether the case comes from a public data set: then the table does not know its words."""
    return case.id.startswith(("canard-", "cast", "alexa_cqr-", "gecor-"))


def _is_light(base: str, token: Token) -> bool:
    """Whether a listed word carries nothing where it stands."""
    before = base[: token.start].casefold()
    word = token.folded
    return (word == "good" and before.endswith("how ")) or (
        word == "know" and before.endswith("you may ")
    )


def _holds(text: str, word: str, case: Case) -> bool:
    """Whether a text asks for the word too, however it is spelt or inflected."""
    if case.language is Language.ZH:
        return word in text
    wanted = listed(word) or word.casefold()
    return any(
        (listed(t.folded) or t.folded) == wanted or t.folded.startswith(wanted[:5])
        for t in tokens(text)
    )


def _settled(base: str, case: Case) -> Iterator[str]:
    if case.language is Language.ZH:
        yield from (p for p in _PRONOUNS_ZH.findall(case.query) if p not in base)
        return
    kept = {t.folded for t in tokens(base)}
    yield from (
        t.text for t in tokens(case.query) if t.folded in _PRONOUNS_EN and t.folded not in kept
    )
