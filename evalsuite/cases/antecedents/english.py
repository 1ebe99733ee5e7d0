"""Names of English histories that a rewriter could take for what was meant: others of its sort."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from evalsuite.cases.antecedents.people import is_person
from evalsuite.cases.antecedents.propernames import names_in
from evalsuite.cases.antecedents.tokens import fold, letters, tokens

_JOINED = r"(?:,?\s+and|,?\s+or|,?\s+versus|,?\s+vs\.?)\s+(?:the\s+)?"
_SAME = re.compile(
    r"\b(?:born|n[ée]e?|aka|a\.k\.a|also|known|called|named|nicknamed|formerly|stage|real|alias|"
    r"short|abbreviated|stands)\b|[(（]",
    re.IGNORECASE,
)
"""What stands between two names of one thing."""
_APART = 60
"""Characters between two names within which such a word makes them one."""


def other_names(
    meant: str, person: bool, history: Sequence[str], accepted: Sequence[str]
) -> tuple[str, ...]:
    """The names of the history that are of the sort of ``meant`` and are not it.

    Of persons: other persons. Of everything else: what "and" or "or" joins to it, and what ends in
    the same word, as two theatres do.

    Args:
        meant: a proper name.
        person: whether a pronoun for a person stood for it.
        history: what was said, a text a turn.
        accepted: the query and its accepted rewrites; what they name is not wrong.
    """
    own, found = _words(meant), names_in(history)
    said = {key for text in accepted for key in _words(text)}
    # What is called Jacobs here and Jane Jacobs there.
    said |= {key for name in found if _inside(own, _words(name)) for key in _words(name)}
    person = person or is_person(own)
    return tuple(
        name
        for name in found
        if _tells_apart(own, _words(name), said)
        and (
            _is_person(name, history)
            if person
            else _same_end(own, _words(name)) or _joined(meant, name, history)
        )
        and not any(_one_thing(meant, name, text) for text in history)
    )


def short_names(meant: str, person: bool, history: Sequence[str]) -> Iterator[str]:
    """How the history itself calls what is meant in short, and a person's last name."""
    own, told = _words(meant), meant.split()
    for name in names_in(history):
        part = _words(name)
        if len(part) < len(own) and _inside(part, own):
            yield name
    if (person or is_person(own)) and 1 < len(told) <= 3 and len(told) == len(own):
        last = told[-1]
        if all(word[:1].isupper() for word in told) and len(last.rstrip(".")) > 2:
            yield last


def _words(text: str) -> tuple[str, ...]:
    return tuple(token.key for token in tokens(text) if token.key not in ("'s", "’s"))


def _tells_apart(own: tuple[str, ...], other: tuple[str, ...], said: set[str]) -> bool:
    """Whether another name shares no word with what is meant or accepted, but perhaps its end."""
    shared = set(other) & (set(own) | said)
    if _same_end(own, other):
        shared.discard(other[-1])
    initials = "".join(word[0] for word in own), "".join(word[0] for word in other)
    abbreviated = initials[0] in other or initials[1] in own
    spelt = letters(" ".join(own)), letters(" ".join(other))
    return not (shared or abbreviated or spelt[0] in spelt[1] or spelt[1] in spelt[0])


def _same_end(own: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return len(own) > 1 and len(other) > 1 and own[-1] == other[-1] and own[0] != other[0]


def _is_person(name: str, history: Sequence[str]) -> bool:
    before = next((_word_before(text, name) for text in history if name in text), "")
    return is_person(_words(name), before=before)


def _word_before(text: str, name: str) -> str:
    found = tokens(text[: text.index(name)])
    return found[-1].key if found else ""


def _joined(meant: str, name: str, history: Sequence[str]) -> bool:
    one, other = fold(meant), fold(name)
    texts = [told for text in history if one in (told := fold(text)) and other in told]
    if not texts:
        return False
    first, second = re.escape(one), re.escape(other)
    pattern = re.compile(rf"\b{first}{_JOINED}{second}\b|\b{second}{_JOINED}{first}\b")
    return any(map(pattern.search, texts))


def _one_thing(meant: str, name: str, text: str) -> bool:
    """Whether a text gives the two as names of one thing: Farrokh Bulsara, known as ..."""
    told = fold(text)
    places = [told.find(fold(one)) for one in (meant, name)]
    if min(places) < 0:
        return False
    first, second = sorted(zip(places, (meant, name), strict=True))
    between = told[first[0] + len(first[1]) : second[0]]
    return len(between) <= _APART and _SAME.search(between) is not None


def _inside(part: Sequence[str], whole: Sequence[str]) -> bool:
    width = len(part)
    return any(tuple(whole[at : at + width]) == tuple(part) for at in range(len(whole)))
