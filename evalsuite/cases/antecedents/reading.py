"""What a case must and must not name: what its rewrites put back, and others of its sort."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import dropwhile

from evalsuite.cases.antecedents import chinese, english
from evalsuite.cases.antecedents.propernames import (
    LINKING,
    OPENERS,
    is_capital,
    name_runs,
    opens,
)
from evalsuite.cases.antecedents.spans import Restored, restored_spans
from evalsuite.cases.antecedents.tokens import (
    Token,
    is_han,
    letters,
    row_of,
    stands_in,
    tokens,
)
from evalsuite.cases.casefiles import names

_ASIDE = re.compile(
    r"\b(?:besides?|except|other than|aside from|apart from|in addition to|along with|as well as|"
    r"rather than|instead of)\b[^?]*|(?:除了|除)[^，？?]*",
    re.IGNORECASE,
)
"""What a rewrite sets aside: "besides Meg". Whoever leaves it out still asks the same."""
_PERSONS = re.compile(r"\b(?:s?he|him|his|hers?|himself|herself)\b|[他她](?!们)", re.IGNORECASE)
_REFERENCES = re.compile(
    r"\b(?:s?he|him|his|hers?|it|its|they|them|theirs?|this|that|these|those|ones?|there|former|"
    r"latter|both)\b|[它他她这那其]|[前后]者|第[一二三]个|[该此]",
    re.IGNORECASE,
)
_MANY = re.compile(r"\b(?:they|them|theirs?|these|those|both|two)\b", re.IGNORECASE)
_INSIDE = LINKING | frozenset("a an on in to for at with from by".split())
"""Words inside one name, where the history says all of it in a row: Fiddler on the Roof."""
_THINGS = re.compile(
    r"\b(?:it|its|they|them|theirs?|s?he|him|his|hers?)\b|[它他她其]", re.IGNORECASE
)
"""Pronouns in whose place people put back the same thing; for "there" and "that" they describe."""
_TITLE = re.compile("《([^《》]{1,30})》")
"""Marks around a title, inside which nothing parts it."""
_MOST = 3
"""Names that a case demands at most; a rewrite with more of them lists things."""


@dataclass(frozen=True, slots=True)
class Antecedents:
    """What an expectation says of names, for one imported case."""

    must_name: tuple[str, ...] = ()
    must_not_name: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Meant:
    """One name that every accepted rewrite says."""

    text: str
    person: bool
    """Whether a pronoun for a person stood for it."""

    @property
    def latin(self) -> bool:
        """Whether it is a proper name of an English text."""
        return any(map(str.isupper, self.text)) and not any(map(is_han, self.text))


def antecedents(query: str, rewrites: Sequence[str], history: Sequence[str]) -> Antecedents:
    """Read off what a good rewrite of the query names, and what a bad one could name instead.

    Args:
        query: what the user said last.
        rewrites: accepted rewrites, the best one first.
        history: what was said before, a text a turn.

    Returns:
        Names that every accepted rewrite says, others of their sort that none of them says, and
        short forms of the only name, if there is one. Everything may be empty.
    """
    if not rewrites:
        return Antecedents()
    meant = tuple(_meant(query, rewrites, history))
    if not 0 < len(meant) <= _MOST:
        return Antecedents()
    accepted = (query, *rewrites)
    others = dict.fromkeys(other for one in meant for other in _others(one, history, accepted))
    must = tuple(dict.fromkeys(one.text for one in meant))
    wrong = tuple(
        other
        for other in others
        if not any(_spelt_in(other, name) or _spelt_in(name, other) for name in must)
    )
    return Antecedents(must, wrong, _aliases(meant[0], history, wrong) if len(must) == 1 else ())


def _spelt_in(one: str, other: str) -> bool:
    """Whether a name is part of another, or the same in another spelling: U.S. and US."""
    return names(other, one) or letters(one) == letters(other)


def _meant(query: str, rewrites: Sequence[str], history: Sequence[str]) -> Iterator[_Meant]:
    best = rewrites[0]
    titles = [m for m in _TITLE.finditer(best) if _is_restored_title(m.group(1), query, history)]
    passed = [match.span() for match in (*_ASIDE.finditer(best), *titles)]
    spans = [
        span
        for span in restored_spans(query, best, history)
        if not any(start <= span.start < end for start, end in passed)
    ]
    referred = [span for span in spans if _REFERENCES.search(span.replaced)]
    due = _proper(referred, query, best, history) or _things(referred, best)
    due = due or _proper(spans, query, best, history) or _things(spans, best)
    due = [_Meant(match.group(1), person=False) for match in titles] or due
    found: dict[str, _Meant] = {}
    for one in due:
        text = one.text if _by_all(one.text, rewrites) else _common(one.text, rewrites)
        if text:
            found.setdefault(text.casefold(), _Meant(text, one.person))
    yield from found.values()


def _is_restored_title(title: str, query: str, history: Sequence[str]) -> bool:
    return title not in query and any(title in text for text in history)


def _proper(
    spans: Sequence[Restored], query: str, rewrite: str, history: Sequence[str]
) -> list[_Meant]:
    """The proper names in spans, each with what the rewrite says of it outside its span."""
    linking = _INSIDE if _MANY.search(query) else _INSIDE | {"and", "&"}
    return [
        _Meant(_widened(run, rewrite, history), _PERSONS.search(span.replaced) is not None)
        for span in spans
        for run in name_runs(
            span.tokens, rewrite, linking=linking, named=_named(span, rewrite, history)
        )
        if not _numbered(run[0], rewrite)
    ]


def _named(span: Restored, rewrite: str, history: Sequence[str]) -> Callable[[Token], bool]:
    """Which words of a span are a name's, by how the history writes them.

    Inside a sentence a capital letter tells; at its beginning, and in the rewrite, only where the
    history writes the word with none nowhere.
    """
    inside: set[str] = set()
    lower: set[str] = set()
    width = len(span.tokens)
    keys = [token.key for token in span.tokens]
    for text in history:
        found = tokens(text)
        if not stands_in(span.tokens, row_of(found)):
            continue
        for at in range(len(found) - width + 1):
            if [token.key for token in found[at : at + width]] != keys:
                continue
            for token in found[at : at + width]:
                if not is_capital(token, text):
                    lower.add(token.key)
                elif not opens(text, token.start):
                    inside.add(token.key)
    return lambda token: (
        token.key in inside or (is_capital(token, rewrite) and token.key not in lower)
    )


def _numbered(first: Token, rewrite: str) -> bool:
    """Whether a number stands before a name, as in an address: 113 Arbol Dr."""
    before = tokens(rewrite[: first.start])
    return bool(before) and before[-1].key.isdigit()


def _widened(run: Sequence[Token], rewrite: str, history: Sequence[str]) -> str:
    """A name with the parts of it that the query says too: Bear Bryant, of "What did Bryant win?"

    As far as capital letters go in the rewrite, and no further than the history says it in a row.
    """
    for found in name_runs(tokens(rewrite), rewrite):
        whole = [*dropwhile(lambda token: token.function or token.key in OPENERS, found)]
        if not whole:
            continue
        text = rewrite[whole[0].start : whole[-1].end]
        inside = whole[0].start <= run[0].start and run[-1].end <= whole[-1].end
        unbroken = not re.search(r"[^\w\s'’.&-]", text)
        if inside and unbroken and any(names(said, text) for said in history):
            return text
    return rewrite[run[0].start : run[-1].end]


def _things(spans: Sequence[Restored], rewrite: str) -> list[_Meant]:
    """Spans without a proper name: what a pronoun stood for, or what "of" leads to."""
    return [
        _Meant(span.text, _PERSONS.search(span.replaced) is not None)
        for span in spans
        if not span.tokens[0].key[0].isdigit()
        and (_THINGS.search(span.replaced) or span.tokens[0].han or _is_of(span, rewrite))
    ]


def _is_of(span: Restored, rewrite: str) -> bool:
    before = tokens(rewrite[: span.start])
    return bool(before) and before[-1].key == "of"


def _by_all(name: str, rewrites: Sequence[str]) -> bool:
    return all(names(text, name) for text in rewrites)


def _common(name: str, rewrites: Sequence[str]) -> str | None:
    """The longest part of a name, of two words at least, that every accepted rewrite says."""
    found = tokens(name)
    for width in range(len(found) - 1, 1, -1):
        for at in range(len(found) - width + 1):
            run = found[at : at + width]
            part = name[run[0].start : run[-1].end]
            if not (run[0].function or run[-1].function) and _by_all(part, rewrites):
                return part
    return None


def _others(one: _Meant, history: Sequence[str], accepted: Sequence[str]) -> tuple[str, ...]:
    if any(map(is_han, one.text)):
        return chinese.other_names(one.text, history, accepted)
    return english.other_names(one.text, one.person, history, accepted) if one.latin else ()


def _aliases(one: _Meant, history: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """Short forms of the one name; none that may mean another one too."""
    if not one.latin or {"and", "&"} & {*one.text.casefold().split()}:
        return ()
    return tuple(
        alias
        for alias in dict.fromkeys(english.short_names(one.text, one.person, history))
        if alias.casefold() != one.text.casefold()
        and not any(names(other, alias) for other in others)
    )
