"""How a question of the natural world is put: with a reference, or with a name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import permutations

from evalsuite.cases import Language
from evalsuite.scenarios.lexicon import Lexicon, Pronoun
from evalsuite.scenarios.natural.content import SLOT
from evalsuite.scenarios.natural.naming import Name

# Where a sentence begins, a name's article or a pronoun is written with a capital.
_BEGINNING = re.compile(r"(?:^|(?<=[.!?] ))\{(\w)\}")


def fill(text: str, **slots: object) -> str:
    """Fill a text's slots; what begins a sentence begins with a capital.

    Latin letters of a Chinese text and of a name in it do not run together.
    """
    beginnings = {match.end() for match in _BEGINNING.finditer(text)}

    def put(match: re.Match[str]) -> str:
        value = str(slots[match.group(1)])
        before = " " if _joined(text[: match.start()][-1:], value[:1]) else ""
        after = " " if _joined(value[-1:], text[match.end() :][:1]) else ""
        if match.end() in beginnings:
            value = value[:1].upper() + value[1:]
        return f"{before}{value}{after}"

    return SLOT.sub(put, text)


def _joined(one: str, other: str) -> bool:
    """Whether two characters would read as one Latin word."""
    return one.isascii() and one.isalnum() and other.isascii() and other.isalnum()


def slots_of(forms: Pronoun) -> dict[str, str]:
    """What stands in a question's slots when it refers in these forms."""
    return {"S": forms.subject, "O": forms.object, "P": forms.possessive}


def named(frame: str, lexicon: Lexicon, meant: Sequence[Name], noun: str) -> Iterator[str]:
    """Every way to ask by name, the plainest first."""
    found = dict.fromkeys(
        fill(frame, **slots_of(forms))
        for phrase in _phrases(lexicon, meant, noun)
        for forms in _owning(lexicon, phrase)
    )
    yield from found


def _phrases(lexicon: Lexicon, meant: Sequence[Name], noun: str) -> Iterator[str]:
    for order in permutations(meant):
        yield lexicon.conjunction.join(name.said for name in order)
    if len(meant) == 1:
        (name,) = meant
        yield name.full
        if noun:
            yield lexicon.apposition.format(noun=noun, N=name.full)


def _owning(lexicon: Lexicon, phrase: str) -> Iterator[Pronoun]:
    yield Pronoun(phrase + lexicon.possessive_suffix, phrase, phrase)
    if lexicon.language is Language.ZH:
        yield Pronoun(phrase, phrase, phrase)
