"""Proper names of English texts: words with capital letters, where those mean a name.

At the beginning of a sentence, in a heading and in a text of capitals every word has them, so there
a word counts only where the texts write it so inside a sentence too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

from evalsuite.cases.antecedents.people import GIVEN
from evalsuite.cases.antecedents.tokens import FUNCTION, Token, tokens

LINKING = frozenset("of the de la van von der den di da del el al bin ibn".split())
"""Words that join the parts of one name."""
_SENTENCE_ENDS = '.?!:;\n"“”«»()[]*•|'
_ENDS = frozenset(".?!")
OPENERS = frozenset(
    """
    describe explain show give list name find compare define discuss say talk let look see go get
    besides despite later soon once twice first second third last finally however meanwhile
    therefore thus hence moreover instead unlike both following according upon within throughout
    sometimes often usually maybe perhaps sure great good interesting wow sorry hello hi hey right
    """.split()
)
"""Words with which sentences begin, before a name."""
_OF_TIME = frozenset(
    """
    monday tuesday wednesday thursday friday saturday sunday january february march april may june
    july august september october november december christmas easter today tomorrow yesterday
    """.split()
)
_NOT_NAMES = _OF_TIME | frozenset(
    """
    american british english french german italian spanish russian chinese japanese canadian
    australian european african asian indian irish scottish welsh jewish christian muslim catholic
    mr mrs ms dr sir ok tv dvd cd ii iii iv cannotanswer
    """.split()
)
"""Words with capital letters that say what is asked of many things, and name none."""


def names_in(texts: Sequence[str]) -> tuple[str, ...]:
    """The proper names of some texts, each once, as they are first written."""
    return _names_in(tuple(texts))


@lru_cache(maxsize=64)
def _names_in(texts: tuple[str, ...]) -> tuple[str, ...]:
    inside = {key for text in texts for key in _capitals_inside(text)}
    lower = {token.key for text in texts for token in _lower(text)}
    found: dict[str, str] = {}
    for text in texts:
        for run in _runs(text, inside - lower):
            name = text[run[0].start : run[-1].end]
            found.setdefault(name.casefold(), name)
    return tuple(found.values())


def name_runs(
    run: Sequence[Token],
    text: str,
    *,
    linking: frozenset[str] = LINKING,
    named: Callable[[Token], bool] | None = None,
) -> Iterator[tuple[Token, ...]]:
    """The longest parts of a run that are words of names, and what links them.

    Args:
        run: words in a row of ``text``.
        text: where they stand.
        linking: words that may stand inside a name.
        named: which words are a name's; by default those with a capital letter.
    """
    part: list[Token] = []
    for token in run:
        capital = named(token) if named else is_capital(token, text)
        if capital or (part and token.key in linking):
            part.append(token)
        else:
            yield from _closed(part)
            part = []
    yield from _closed(part)


def _closed(part: list[Token]) -> Iterator[tuple[Token, ...]]:
    while part and part[-1].function:
        part = part[:-1]
    if part and not all(token.key in _NOT_NAMES or token.key.isdigit() for token in part):
        yield tuple(part)


def _runs(text: str, known: set[str]) -> Iterator[tuple[Token, ...]]:
    """Runs of capitalised words; one that begins a sentence loses a first word nobody knows."""
    for together in _unbroken(text):
        for run in name_runs(together, text):
            if opens(text, run[0].start) and not _is_name(run, known):
                run = run[1:]
                while run and (run[0].function or not is_capital(run[0], text)):
                    run = run[1:]
            if run and any(len(token.key) > 1 for token in run):
                yield run


def _is_name(run: Sequence[Token], known: set[str]) -> bool:
    """Whether the first word of a run that opens a sentence belongs to a name."""
    first = run[0].key
    if first in FUNCTION or first in OPENERS:
        return False
    return len(run) > 1 or first in known or first in GIVEN


def _unbroken(text: str) -> Iterator[list[Token]]:
    """Words with nothing but a blank or a hyphen between them."""
    if _is_heading(text):
        return
    together: list[Token] = []
    for token in tokens(text):
        between = text[together[-1].end : token.start] if together else ""
        if together and between.strip(" -–"):
            yield together
            together = []
        if token.key in ("'s", "’s"):
            if together:
                yield together
            together = []
            continue
        together.append(token)
    if together:
        yield together


def _is_heading(text: str) -> bool:
    """Whether most words have capital letters, as in headings: then capitals tell nothing."""
    if text.rstrip("\"'”’) ")[-1:] in _ENDS:
        return False
    found = [token for token in tokens(text) if not token.han and not token.function]
    return len(found) > 4 and sum(is_capital(token, text) for token in found) > 0.7 * len(found)


def _capitals_inside(text: str) -> Iterator[str]:
    if _is_heading(text):
        return
    for token in tokens(text):
        if is_capital(token, text) and not opens(text, token.start):
            yield token.key


def _lower(text: str) -> Iterable[Token]:
    return (token for token in tokens(text) if text[token.start].islower())


def is_capital(token: Token, text: str) -> bool:
    """Whether a word is written like a name: Lima, iPhone."""
    written = text[token.start : token.end]
    named = written[0].isupper() or re.match(r"[a-z]{1,2}[A-Z]", written) is not None
    return named and not token.han and token.key != "i"


def opens(text: str, start: int) -> bool:
    """Whether a sentence, a quotation or a heading begins there."""
    before = text[:start].rstrip(" '‘\t")
    return not before or before[-1] in _SENTENCE_ENDS
