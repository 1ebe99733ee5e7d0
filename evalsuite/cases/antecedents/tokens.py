"""Words of a text with their places: English by the word, Chinese by the character.

The judge has finer words (:mod:`evalsuite.rewrites.words`), which a layer below it cannot use; here
it only matters where a span begins and ends.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

_HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_IS_HAN = re.compile(f"[{_HAN}]")
_TOKEN = re.compile(
    # A possessive alone, letters with points, a word with inner signs, one character of Han.
    rf"['’]s(?![^\W_])|(?:[A-Za-z]\.){{2,}}"
    rf"|[^\W_{_HAN}]+(?:['’.&-](?!s(?![^\W_{_HAN}]))[^\W_{_HAN}]+)*|[{_HAN}]"
)
POSSESSIVE = frozenset(("'s", "’s"))
FUNCTION = frozenset(
    """
    's ’s a an the this that these those some any each every either neither both all i me my you
    your he him his she her hers it its we us our they them their theirs one ones am is are was
    were be been being do does did done have has had having can could may might must shall should
    will would of in on at by for from to into onto with without within about over under between
    among through during before after since until against across along around near off out up down
    as than and or but nor so yet if because while although there here then also too just even
    still only again already very how what which who whom whose when where why not no yes ok okay
    well please thanks tell like know more other another else such same own much many most
    的 了 着 吗 呢 吧 啊 呀 嘛 哦 嗯 是 在 也 就 又 很 和 与 跟 及 或
    它 他 她 我 你 您 其 这 那 哪 谁 们 个 些
    """.split()
)
"""Words at whose place no name begins or ends."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word, or one character of Han."""

    key: str
    """Folded: width and case make no difference."""
    start: int
    end: int
    han: bool
    function: bool
    """Whether it names nothing by itself."""
    joined: bool
    """Whether nothing but a blank or a sign inside a word parts it from the one before."""


@lru_cache(maxsize=1024)
def tokens(text: str) -> tuple[Token, ...]:
    """The words of a text, in order."""
    shouted = not any(map(str.islower, text))
    found: list[Token] = []
    end = 0
    for match in _TOKEN.finditer(text):
        written = match.group()
        key = fold(written)
        # US, IT and WHO are names.
        named = written.isupper() and len(written) > 1 and not shouted
        joined = not text[end : match.start()].strip(" -·")
        function = key in FUNCTION and not named
        found.append(Token(key, *match.span(), is_han(written[0]), function, joined))
        end = match.end()
    return tuple(found)


@lru_cache(maxsize=1024)
def fold(text: str) -> str:
    """The text without differences of width and case, as case files compare names."""
    return unicodedata.normalize("NFKC", text).casefold()


def letters(text: str) -> str:
    """What two spellings of a name share: its letters without accents, points, hyphens, blanks."""
    plain = unicodedata.normalize("NFD", fold(text))
    return "".join(character for character in plain if character.isalnum())


def is_han(character: str) -> bool:
    """Whether it is a character of Han."""
    return character >= "\u3005" and _IS_HAN.match(character) is not None


def row_of(found: Iterable[Token]) -> str:
    """Words as one text, in which a row of them is found at once with :func:`stands_in`."""
    return "\n" + "".join(f"{token.key}\n" for token in found)


def stands_in(part: Iterable[Token], whole: str) -> bool:
    """Whether the words stand in a row there; ``whole`` is of :func:`row_of`."""
    return row_of(part) in whole
