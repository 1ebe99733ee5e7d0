"""Follows a chat template's program: what it decides by, and what decides otherwise.

A maker's template is somebody else's program, which may do something else when a message says a
word. That word need not stand in its source: it may be put together, or be two, or be characters in
certain places, or the hour. So the program is not read but run, with every decision of it recorded:
each comparison, test and condition tells what it saw, and every argument what it was. From what a
decision compared come contents that turn it round; these are tried, until every decision that
depends on contents was seen both ways, or until one could not be turned. In all of them the one
thing that a content may do to the text is to appear in it, once.

Contents that stand for all others are made of characters that occur once each: a part of them says
where it was taken from.

This is an execution with concrete values that collects what branches compare, as in concolic
testing (Sen, Marinov, Agha 2005, doi:10.1145/1081706.1081750), with solving by substitution only.
"""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, Final, TypeGuard

from evalsuite.template.instrument import Recorder
from evalsuite.template.isolatedjob import EVERY, Reaction

SHAPES: Final = (
    ("user",),
    ("user", "assistant", "user"),
    ("system", "user"),
    ("user", "assistant"),
    ("system", "user", "assistant", "user", "assistant", "user"),
)
"""In which conversations a content is tried, in each place of each."""
LONG: Final = ("system", *("user", "assistant") * 9, "user")
"""A content is tried in all places of this one at once."""
CLOCKS: Final = (
    datetime.datetime(2001, 3, 4, 5, 6, 7),
    datetime.datetime(2026, 11, 28, 19, 40, 50),
    datetime.datetime(2026, 11, 28, 19, 40, 50),
)
"""Two moments with nothing in common, and the second once more."""
MOST_CONTENTS: Final = 3000
LONGEST: Final = 20_000
"""Of a content that is tried because the program compares a length with a number."""
_LENGTH: Final = 61
_ALPHABETS: Final = (0x3400, 0x3500)
"""Where the characters of marks begin: rare ones, which no template looks for."""
_SWEPT: Final = 257
_REPEATED: Final = 10
_LONGEST_WORD: Final = 400
_LONGEST_COMPANY: Final = 2000
_MOST_INNER: Final = 100
_MOST_NUMBERS: Final = 60
_KINDS: Final = ("7", "2024", "ABC", "abc", "Abc", "x1", ".", "a b c\nd")
"""One of each kind that a text may be of: digits, capitals and so on."""
Text = Callable[[Sequence[str], Sequence[str]], str | None]


class Follower:
    """Tries contents until no decision is left that one of them might turn.

    Args:
        text: what the instrumented program says for roles and contents; None: it refuses.
        recorder: of that program.
    """

    def __init__(self, text: Text, recorder: Recorder) -> None:
        self._text, self._recorder = text, recorder
        self._due: dict[tuple[str, ...], str | None] = {}
        self._arguments: set[str] = set()
        self._numbers: set[int] = set()
        self.reactions: list[Reaction] = []

    def follow(self, words: Iterable[str]) -> list[Reaction]:
        """Try these contents, then what the program's own decisions ask for.

        Returns:
            Contents that did something else to a text than to appear in it, and a problem where a
            decision that depends on contents was never turned.
        """
        for mark in _marks(_ALPHABETS[0], 2):
            self._try(mark)
        tried: set[str] = set()
        waiting = deque(dict.fromkeys((*_KINDS, *words)))
        while waiting:
            content = waiting.popleft().strip()  # what ends do is compared elsewhere
            if content in tried or not content:
                continue
            if len(tried) >= MOST_CONTENTS:
                problem = f"to follow it takes more than {MOST_CONTENTS} contents"
                return [*self.reactions, {"problem": problem}]
            tried.add(content)
            turned = self._turned()
            wanted = [one for one in self._try(content) if one not in tried]
            # A content that turned something leads on: what comes behind it is asked first.
            if self._turned() > turned:
                waiting.extendleft(reversed(wanted))
            else:
                waiting.extend(wanted)
            if not waiting:
                waiting.extend(one for one in self._swept() if one not in tried)
        return self.reactions + self._unturned()

    def _turned(self) -> int:
        """How many outcomes were seen of all decisions."""
        return sum(len(decision.outcomes) for decision in self._recorder.decisions.values())

    def _try(self, content: str, shapes: Sequence[tuple[str, ...]] = SHAPES) -> list[str]:
        """Put a content into every place, and return what decisions then ask for."""
        wanted: dict[str, None] = {}
        for roles in shapes:
            marks = _marks(_ALPHABETS[1], len(roles))
            for at, role in enumerate(roles):
                contents = [*marks[:at], content, *marks[at + 1 :]]
                self._compare(
                    roles, contents, (at,), {"role": role, "content": content[:_LONGEST_WORD]}
                )
                wanted |= dict.fromkeys(self._wanted(content))
        # Each differs in its end: some templates look for a message by what it says.
        ends = [mark[0] for mark in _marks(_ALPHABETS[1], len(LONG))]
        told: Reaction = {"role": EVERY, "content": content[:_LONGEST_WORD]}
        self._compare(LONG, [content + end for end in ends], tuple(range(len(LONG))), told)
        return list(wanted)

    def _compare(
        self, roles: tuple[str, ...], contents: list[str], at: tuple[int, ...], reaction: Reaction
    ) -> None:
        """Render contents, those ``at`` some places in the stead of marks, and judge the text."""
        marks = _marks(_ALPHABETS[1], len(roles))
        if roles not in self._due:
            self._due[roles] = self._text(roles, marks)
        due = self._due[roles]
        if due is None:
            return
        self._recorder.looks.clear()
        told = self._text(roles, contents)
        self._settle(roles)
        if any(due.count(marks[place]) != 1 for place in at):
            return
        allowed = [due, due]
        for place in at:
            said = contents[place]
            whole, bare = allowed
            allowed = [whole.replace(marks[place], said), bare.replace(marks[place], said.strip())]
        if told not in allowed:
            self.reactions.append(reaction)

    def _settle(self, roles: tuple[str, ...]) -> None:
        """Add the looks of one render to what is known of each decision."""
        asked: Counter[int] = Counter()
        for look in self._recorder.looks:
            if look.outcome is None:
                continue
            decision, at = self._recorder.decisions[look.place], asked[look.place]
            asked[look.place] += 1
            decision.outcomes.add(look.outcome)
            if not decision.depends:
                seen = repr(look.values)
                decision.depends = decision.first.setdefault((roles, at), seen) != seen

    def _wanted(self, content: str) -> Iterator[str]:
        """Contents that may turn a decision which has only ever gone one way."""
        looks, decisions = self._recorder.looks, self._recorder.decisions
        is_open = any(decision.is_open for decision in decisions.values())
        arguments = {v for one in looks if one.outcome is None for v in _texts_of(one.values)}
        for value in sorted(v for v in arguments if v not in content and not _is_mark(v)):
            # Of an argument nobody knows which decision it serves.
            new = value not in self._arguments
            self._arguments.add(value)
            yield from _turning(content, value, ()) if new or is_open else _spelled(value)
        for look in looks:
            if look.outcome is None or not decisions[look.place].is_open:
                continue
            for number in filter(_is_number, look.values):
                if number not in self._numbers and len(self._numbers) < _MOST_NUMBERS:
                    self._numbers.add(number)
                    yield from _counted(number, arguments)
            texts = list(_texts_of(look.values))
            for one in texts:
                yield from _turning(content, one, texts)

    def _swept(self) -> Iterator[str]:
        """Contents of every length, while there is a decision that nothing has turned."""
        if any(decision.is_open for decision in self._recorder.decisions.values()):
            yield from ("x" * n for n in range(1, _SWEPT))

    def _unturned(self) -> list[Reaction]:
        lines = sorted({d.line for d in self._recorder.decisions.values() if d.is_open})
        if not lines:
            return []
        told = ", ".join(map(str, lines[:5]))
        return [
            {
                "problem": f"line {told} of the template decides by what a message says, and no "
                "content was found that turns the decision: see what it looks for"
            }
        ]


def clock_decision(text: Text, recorder: Recorder, names: dict[str, Any]) -> str | None:
    """Say what a program decides by the clock; None: nothing.

    Args:
        text: what the instrumented program says for roles and contents; None: it refuses.
        recorder: of that program.
        names: its global ones, of which ``strftime_now`` is the clock.
    """
    seen: list[dict[int, list[str]]] = []
    for clock in CLOCKS:
        names["strftime_now"] = clock.strftime
        recorder.looks.clear()
        for roles in (*SHAPES, LONG):
            text(roles, _marks(_ALPHABETS[1], len(roles)))
        looks: dict[int, list[str]] = defaultdict(list)
        for look in recorder.looks:
            if look.outcome is not None:
                looks[look.place].append(repr(look.values))
        seen.append(looks)
    early, late, again = seen
    for place, found in late.items():
        if found == again.get(place) and found != early.get(place):
            at = next((i for i, v in enumerate(found) if [v] != early.get(place, [])[i : i + 1]), 0)
            return f"line {recorder.decisions[place].line} decides by it: {found[at][:100]}"
    return None


def _marks(alphabet: int, count: int) -> list[str]:
    """Contents of which no two share a character, and none holds one twice."""
    return ["".join(chr(alphabet + n * _LENGTH + i) for i in range(_LENGTH)) for n in range(count)]


def _is_mark(text: str) -> bool:
    """Whether a text is of another place's mark: what that message says is no word to try."""
    return _ALPHABETS[1] <= ord(text[0]) < _ALPHABETS[1] + len(LONG) * _LENGTH


def _texts_of(values: Iterable[object]) -> Iterator[str]:
    """The texts among values, and those in lists and keys, as far as a content may hold them."""
    for value in values:
        inner: Collection[object] = (value,)
        if isinstance(value, dict):
            inner = (*value.keys(), *value.values())
        elif isinstance(value, list | tuple | set):
            inner = value
        if len(inner) <= _MOST_INNER:
            yield from (v for v in inner if isinstance(v, str) and 0 < len(v) <= _LONGEST_WORD)


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _counted(number: int, words: Iterable[str]) -> Iterator[str]:
    """Contents of which something may be compared with a number: length, words, lines, value."""
    if not 0 <= number < LONGEST:
        return
    yield from ("x" * n for n in (number - 1, number, number + 1) if n > 0)
    yield str(number)
    if 0 < number < _SWEPT:
        yield from (gap.join("x" * number) for gap in (" ", "\n"))
    if 1 < number < _REPEATED:
        yield from (" ".join([word] * number) for word in words)


def _spelled(value: str) -> Iterator[str]:
    yield from (value, f"x {value} y", value.upper(), value.lower(), value[::-1])


def _turning(content: str, value: str, others: Sequence[str]) -> Iterator[str]:
    """Contents that a look for a text asks for, beside the content that was tried.

    Args:
        content: that was tried.
        value: the text.
        others: what it was compared with, and itself.
    """
    if value in content or _is_mark(value):
        return
    for other in others:
        # Where the other side is a part of the content, that is where this one has to stand.
        at = content.find(other)
        if at >= 0:
            near = [chr(ord(value) + step) for step in (-1, 1)] if len(value) == 1 else []
            for word in (value, *near):
                yield content[:at] + word + content[at + len(word) :]
            end = at + len(other)
            yield content[: max(end - len(value), 0)] + value + content[end:]
    yield from _spelled(value)
    if len(content) < _LONGEST_COMPANY:
        yield from (f"{content} {value}", f"{value} {content}", content + value, value + content)
