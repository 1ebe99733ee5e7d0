"""Learns a chat format from the texts that its maker's template gives.

Every content is a word that occurs nowhere else, so each can be found in the text; what stands
between two of them is the format's own. A text that depends on its place is explained by the
smallest rule that does, and what no rule explains is refused: a format is never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from evalsuite.template.inference.formats import (
    Format,
    Gap,
    Kind,
    Said,
    SystemPlace,
    Turns,
    asks,
    between,
    ordered,
    where,
)
from evalsuite.template.inference.rules import Place, Rule, smallest_rule
from evalsuite.template.wire import Trim

Render: TypeAlias = Callable[[Turns], str]
"""The maker's template: raises :class:`NoText` where it gives none."""

_LONGEST = 6
"""Messages of a conversation to learn from, beside the system message."""
_WORDS = ("q3ZvKw", "x7PbTn", "h5RdMf", "j9WsGy", "k4LcVq", "z8NtBh", "v6XgDp")
_FRAMES = (
    " {}", "{} ", "\n{}", "{}\n", "\n\n {} \n\n", "\t{}\t", "\u3000{}\u3000", "\u00a0{}\u00a0",
    "\r\n{}\r\n", "{}\nb", "{} \n\n b", " \n{}", "{}\n ",
)  # fmt: skip
"""A word with white space around it, or with a second one."""
_SIDES: tuple[str | None, ...] = ("", None, "\n", " ", " \n")
_TRIMS = tuple(Trim(left, right) for left in _SIDES for right in _SIDES)


class NoText(Exception):
    """A template gives no text for a conversation; says why."""


class NoFormat(Exception):
    """No format explains a template.

    Args:
        reason: why not.
        turns: the smallest conversation that shows it; None: any.
        silent: whether it says nothing, or does not say a content: asked otherwise it may.
    """

    def __init__(self, reason: str, turns: Turns | None = None, *, silent: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.turns, self.silent = reason, turns, silent


@dataclass(frozen=True, slots=True)
class _Seen:
    """A conversation of words, its text, and where each word stands in it."""

    turns: Turns
    text: str
    order: tuple[Said, ...]


def learn(render: Render) -> Format:
    """Return the format of a template.

    Raises:
        NoFormat: no rule explains what it does.
    """
    seen = _look(render)
    system = _system_rule(seen)
    gaps = _gap_rules(seen)
    return Format(gaps=gaps, trims=_trim_rules(render, seen), system=system)


def shapes() -> Iterator[Turns]:
    """Yield conversations of words, with and without a system message, the shortest first."""
    roles = ("user", "assistant")
    for length in range(1, _LONGEST + 1):
        said = [(roles[i % 2], _WORDS[i + 1]) for i in range(length)]
        yield said
        yield [("system", _WORDS[0]), *said]


def framed(turns: Turns) -> Iterator[Turns]:
    """Yield a conversation with white space around each of its contents in turn."""
    for index, (role, word) in enumerate(turns):
        for frame in _FRAMES:
            yield [*turns[:index], (role, frame.format(word)), *turns[index + 1 :]]


def _look(render: Render) -> list[_Seen]:
    found: list[_Seen] = []
    refused: dict[bool, tuple[str, Turns]] = {}
    for turns in shapes():
        told = turns[0][0] == "system"
        try:
            text = render(turns)
        except NoText as error:
            refused.setdefault(told, (str(error), turns))
            continue
        found.append(_Seen(turns, text, _order(turns, text)))
    bare = [seen for seen in found if seen.turns[0][0] != "system"]
    if len(bare) < _LONGEST:
        reason, turns = refused[False]
        raise NoFormat(f"it gives no text: {reason}", turns, silent=True)
    if 0 < len(found) - len(bare) < _LONGEST:
        reason, turns = refused[True]
        raise NoFormat(f"it refuses some conversations with a system message: {reason}", turns)
    return found


def _order(turns: Turns, text: str) -> tuple[Said, ...]:
    """Where each word stands, in the order of the text; the system message may be dropped."""
    at: dict[int, int] = {}
    for index, (role, word) in enumerate(turns):
        count = text.count(word)
        if count == 1:
            at[index] = text.index(word)
        elif not (role == "system" and count == 0):
            reason = f"the content of message {index} stands {count} times in its text"
            raise NoFormat(reason, turns, silent=count == 0)
    without = list(ordered(turns, None))
    if turns[0][0] == "system" and 0 in at:
        without.append(Said(Kind.SYSTEM, 0, True, True))
    found = sorted(without, key=lambda said: at[said.index])
    if [s.index for s in found if s.index] != sorted(s.index for s in found if s.index):
        raise NoFormat("it tells the messages in another order", turns)
    return tuple(found)


def _system_rule(seen: Sequence[_Seen]) -> Rule[SystemPlace] | None:
    places: list[tuple[Place, list[SystemPlace]]] = []
    for one in seen:
        if one.turns[0][0] != "system":
            continue
        kinds = [said.kind for said in one.order]
        place = {"system": True, "asks": asks(one.turns)}
        if Kind.SYSTEM not in kinds:
            places.append((place, [SystemPlace.DROPPED]))
            continue
        at = kinds.index(Kind.SYSTEM)
        possible = [SystemPlace.FIRST] if at == 0 else []
        if at + 1 < len(kinds) and one.order[at + 1].kind is Kind.USER and one.order[at + 1].last:
            possible.append(SystemPlace.LAST)
        if not possible:
            raise NoFormat("the system message stands between other messages", one.turns)
        places.append((place, possible))
    if not places:
        return None
    rule = smallest_rule(places)
    if rule is None:
        raise NoFormat("where the system message stands follows no rule", seen[-1].turns)
    return rule


def _gap_rules(seen: Sequence[_Seen]) -> dict[Gap, Rule[str]]:
    texts: dict[Gap, list[tuple[Place, list[str]]]] = {}
    for one in seen:
        cut = _cut(one.text, [one.turns[said.index][1] for said in one.order])
        for (gap, place), text in zip(between(one.order, one.turns), cut, strict=True):
            texts.setdefault(gap, []).append((place, [text]))
    found: dict[Gap, Rule[str]] = {}
    for gap, values in texts.items():
        rule = smallest_rule(values)
        if rule is None:
            first, second = gap
            shown = sorted({text for _, possible in values for text in possible})[:3]
            raise NoFormat(
                f"what it writes between {first} and {second} follows no rule of place: "
                + ", ".join(map(repr, shown))
            )
        found[gap] = rule
    return found


def _cut(text: str, words: Sequence[str]) -> list[str]:
    """Return the texts around words that stand in this order."""
    found = []
    for word in words:
        before, _, text = text.partition(word)
        found.append(before)
    return [*found, text]


def _trim_rules(render: Render, seen: Sequence[_Seen]) -> dict[Kind, Rule[Trim]]:
    places: dict[Kind, list[tuple[Place, list[Trim]]]] = {}
    for one in seen:
        for said in one.order:
            possible = _possible(render, one, said.index)
            places.setdefault(said.kind, []).append((where(said, one.turns), possible))
    found: dict[Kind, Rule[Trim]] = {}
    for kind, values in places.items():
        rule = smallest_rule(values)
        if rule is None:
            raise NoFormat(f"what becomes of white space around {kind} messages follows no rule")
        found[kind] = rule
    return found


def _possible(render: Render, one: _Seen, index: int) -> list[Trim]:
    """Which trims explain what a template does to white space around one content.

    Raises:
        NoFormat: none does; shows the content and what becomes of it.
    """
    role, word = one.turns[index]
    before, _, after = one.text.partition(word)
    possible = list(_TRIMS)
    for frame in _FRAMES:
        content = frame.format(word)
        turns = [*one.turns[:index], (role, content), *one.turns[index + 1 :]]
        try:
            text = render(turns)
        except NoText as error:
            raise NoFormat(f"with white space in message {index} {error}", turns) from error
        kept = text[len(before) : len(text) - len(after)] if after else text[len(before) :]
        if not text.startswith(before) or not text.endswith(after):
            raise NoFormat(
                f"with white space in message {index} its text is not the same around it: "
                f"{text[:200]!r}",
                turns,
            )
        possible = [trim for trim in possible if trim(content) == kept]
        if not possible:
            raise NoFormat(
                f"it writes message {index} as {kept!r}, which no rule of white space explains",
                turns,
            )
    return possible
