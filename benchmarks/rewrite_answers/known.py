"""What a generator must know about a case: which accepted text to spoil, what it must name, and
which of its words carry the question.

Golden cases and panels say what must be named. For imported cases it is read off the rewrite:
pieces of it that the query lacks and the history holds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from evalsuite.cases import Case, Language
from rewrite_answers import words_en, words_zh

_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_HAN_OR_WORD = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+(?:['’.-][^\W_\u3400-\u9fff]+)*")
_PRONOUNS_EN = frozenset(
    "it its they them their theirs he him his she her hers there this that these those one "
    "former latter former's latter's".split()
)
_PRONOUNS_ZH = re.compile(r"[它他她]们?|前者|后者|那里|那儿|这两种|第二个|那[个部]|这[个部]")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, or a Han character, and where it stands."""

    text: str
    start: int
    end: int

    @property
    def folded(self) -> str:
        """Without case and width."""
        return unicodedata.normalize("NFKC", self.text).casefold()


@dataclass(frozen=True, slots=True)
class Known:
    """A case as the generators see it."""

    base: str
    """The accepted rewrite that is nearest to the query."""
    names: tuple[str, ...]
    """What must be named, as it is written in ``base``."""
    wrong: tuple[str, ...]
    """Names of the history, or forbidden ones, that the rewrite must not hold."""
    content: tuple[tuple[int, int], ...]
    """Where in ``base`` words stand that the query asks and every accepted rewrite keeps."""
    pronouns: tuple[str, ...]
    """References of the query that ``base`` has settled."""


def tokens(text: str, language: Language) -> list[Token]:
    """Words; in Chinese each ideograph by itself."""
    pattern = _WORD if language is Language.EN else _HAN_OR_WORD
    return [Token(m.group(), *m.span()) for m in pattern.finditer(text)]


def plain(text: str) -> str:
    """A text without case, width, spaces and marks: equal texts are the same answer."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if c.isalnum())


@lru_cache(maxsize=20_000)
def known(case: Case) -> Known | None:
    """Return what is known, or None where the case accepts no rewrite that differs."""
    rewrites = [r for r in case.expect.rewrites if plain(r) != plain(case.query)]
    if not rewrites or case.expect.unchanged:
        return None
    base = max(rewrites, key=lambda text: _likeness(text, case))
    names = tuple(_written(base, case)) or tuple(restored(base, case))
    return Known(
        base=base,
        names=names,
        wrong=tuple(_wrong_names(case, names)),
        content=tuple(_content(base, case, names)),
        pronouns=tuple(_settled(base, case)),
    )


def _likeness(text: str, case: Case) -> float:
    a, b = ([t.folded for t in tokens(s, case.language)] for s in (case.query, text))
    return SequenceMatcher(None, a, b, autojunk=False).ratio()


def _written(base: str, case: Case) -> Iterator[str]:
    for name in case.expect.must_name:
        found = re.search(re.escape(name), base, re.IGNORECASE)
        if found:
            yield found.group()


def history_text(case: Case) -> str:
    """Every turn before the query."""
    return "\n".join(message.content for message in case.history)


def restored(base: str, case: Case) -> Iterator[str]:
    """Yield the pieces of ``base`` that the query lacks and the history holds in one piece."""
    made, asked = tokens(base, case.language), tokens(case.query, case.language)
    told = f" {' '.join(t.folded for t in tokens(history_text(case), case.language))} "
    matcher = SequenceMatcher(
        None, [t.folded for t in asked], [t.folded for t in made], autojunk=False
    )
    for tag, _, _, start, end in matcher.get_opcodes():
        if tag in ("insert", "replace"):
            yield from _pieces(made[start:end], told, base, case)


def _pieces(run: list[Token], told: str, base: str, case: Case) -> Iterator[str]:
    """Yield the longest pieces of a run that the history holds, without linking words around."""
    while run:
        size = len(run)
        while size and f" {' '.join(t.folded for t in run[:size])} " not in told:
            size -= 1
        piece, run = run[:size], run[max(size, 1) :]
        while piece and not says_something(piece[0].folded, case.language):
            piece = piece[1:]
        while piece and not says_something(piece[-1].folded, case.language):
            piece = piece[:-1]
        if piece and (case.language is Language.EN or len(piece) > 1 or piece[0].text.isascii()):
            yield base[piece[0].start : piece[-1].end]


def says_something(word: str, language: Language) -> bool:
    """Whether a folded word carries content."""
    if language is Language.ZH:
        return word not in words_zh.PARTICLES
    return word not in words_en.FUNCTION_WORDS and word.removesuffix("'s") not in _PRONOUNS_EN


def _wrong_names(case: Case, names: tuple[str, ...]) -> Iterator[str]:
    told = history_text(case)
    for name in case.expect.must_not_name:
        if name in told:
            yield name
    if not case.expect.must_name and case.language is Language.EN:
        yield from _capitalised(told, case, names)


def _capitalised(told: str, case: Case, names: tuple[str, ...]) -> Iterator[str]:
    """Yield runs of capitalised words inside a sentence that no accepted text holds."""
    accepted = " ".join((case.query, *case.expect.rewrites, *names)).casefold()
    for found in re.finditer(r"(?<=[a-z,] )[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,})*", told):
        words = found.group().casefold().split()
        if not any(w in accepted or w in words_en.FUNCTION_WORDS for w in words):
            yield found.group()


def name_spans(base: str, names: tuple[str, ...]) -> list[tuple[int, int]]:
    """Where the names stand."""
    return [m.span() for name in names for m in re.finditer(re.escape(name), base)]


def letters(word: str) -> str:
    """What a word keeps when letters are doubled or swapped, as noisy queries do."""
    word = word.removesuffix("'s")
    return word[:1] + "".join(sorted(set(word)))


_TABLE_EN = {letters(word): word for word in words_en.REPLACED}


def table_word(word: str) -> str | None:
    """The word of the English table that this one is, misspelt or not."""
    folded = word.casefold()
    if folded in words_en.REPLACED:
        return folded
    found = _TABLE_EN.get(letters(folded))
    return found if found and abs(len(found) - len(folded)) <= 1 and len(found) > 3 else None


def _content(base: str, case: Case, names: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    taken = name_spans(base, names)
    texts = (case.query, *case.expect.rewrites)
    found = _content_zh(base) if case.language is Language.ZH else _content_en(base, case)
    for start, end in found:
        if not any(s < end and start < e for s, e in taken):
            word = base[start:end]
            if all(_holds(text, word, case.language) for text in texts):
                yield start, end


def _content_zh(base: str) -> Iterator[tuple[int, int]]:
    free = len(base) * [True]
    matches = [m.span() for pattern, _ in words_zh.REPLACED for m in pattern.finditer(base)]
    for start, end in sorted(matches, key=lambda span: span[0] - span[1]):
        if all(free[start:end]):
            free[start:end] = (end - start) * [False]
            yield start, end


def _content_en(base: str, case: Case) -> Iterator[tuple[int, int]]:
    """Words of the table; of imported cases, whose words nobody listed, any long one."""
    listed = bool(case.expect.must_name) or case.id.startswith(("panel", "nano", "en-", "heldout"))
    for token in tokens(base, case.language):
        if listed:
            if table_word(token.folded.removesuffix("'s")) and not token.folded.endswith("'s"):
                yield token.start, token.end
        elif len(token.text) > 3 and token.text.isalpha() and token.text.islower():
            if says_something(token.folded, case.language):
                yield token.start, token.end


def _holds(text: str, word: str, language: Language) -> bool:
    if language is Language.ZH:
        return word in text
    wanted = table_word(word) or word.casefold()
    return any(
        (table_word(t.folded) or t.folded) == wanted or t.folded.startswith(wanted[:5])
        for t in tokens(text, language)
    )


def _settled(base: str, case: Case) -> Iterator[str]:
    if case.language is Language.ZH:
        yield from (p for p in _PRONOUNS_ZH.findall(case.query) if p not in base)
        return
    kept = {t.folded for t in tokens(base, case.language)}
    for token in tokens(case.query, case.language):
        if token.folded in _PRONOUNS_EN and token.folded not in kept:
            yield token.text
