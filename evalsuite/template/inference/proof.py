"""Holds a learned format to conversations that it was not learned from.

Two things can make it wrong. A template may react to what a content says: every text of its source,
and every added token, is tried as a content, and what it reacts to is reserved, so that a content
that holds it is refused by name. And a rule may be a coincidence: random conversations, longer than
any that it was learned from, have to come out the same, character by character.
"""

from __future__ import annotations

import bisect
import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from evalsuite.template.inference.formats import Format, Turns
from evalsuite.template.inference.learning import NoFormat, NoText, Render
from evalsuite.template.inference.rules import Unseen
from evalsuite.template.wire import repeated

_SHAPES = (("user",), ("user", "assistant", "user"), ("system", "user"), ("user", "assistant"))
"""In which conversations a content is tried, in each place of each."""
_TOGETHER = 25
"""Words that are tried in one content."""
_CONVERSATIONS = 80
_LONGEST = 12
"""Messages of a random conversation."""
_TEXTS = (
    "Who wrote it?", "B.", "它的内存怎么样？", "周朝。", "a", "0", "1234", "x = y", "<b>bold</b>",
    "<table>\n<tr>", "{'a': [1, 2]}", "{{ x }}", "first\nsecond", "first\n\n\nsecond", "user",
    "assistant\n", "system", "\\n", "É e\u0301 \U0001f600", "[1]", "# Title\n- one\n- two",
    "It's 3.14, isn't it?", "好" * 40, "word " * 60, "same", "same",
)  # fmt: skip
_MANY = (16, 17, 33, 61, 101)
"""Messages of long conversations."""
_ALIKE = (
    ("Yes", "yes", "YES"), ("Paris or Rome?", "Rome", "Paris"), ("a", "a b", "b"), ("b", "a b c"),
    ("x.", "x", "x?"),
)  # fmt: skip
"""Contents that are the same but for capitals or signs, or parts of one another."""
_MOST_MESSAGES, _MOST_LINES = 300, 2000
"""Up to these a number of the source is taken for a count of messages, or of lines and words."""
_OUT_OF_THE_WAY = (
    "12345", "2024", "-1", "3.14", "true", "None", "a" * 3000, "word " * 600 + "end",
    "\n".join(f"line {n}" for n in range(40)), "好" * 2500, "Hm. " * 5000 + "end",
)  # fmt: skip
"""Contents that a template may count in, cut, or take for a number."""
_BLANKS = ("", "", "", " ", "  ", "\n", "\n\n", "\t", "\r\n", "\u3000", "\u00a0", " \n")


def proven(
    format: Format, render: Render, words: Sequence[str], others: Sequence[str] = ()
) -> Format:
    """Return the format with the texts that its template reacts to.

    Args:
        format: as learned.
        render: the template.
        words: that it may react to, alone or in company.
        others: that it may react to in company.

    Raises:
        NoFormat: the template says something else for a conversation without such texts.
    """
    found = replace(format, reserved=tuple(sorted(_reserved(format, render, words, others))))
    told = sorted(conversations(takes_system=found.system is not None), key=_size)
    for turns in told:
        if not found.carries(turns):
            continue
        difference = _difference(found, render, turns)
        if difference is None:
            continue
        if repeated([content for _, content in turns]) is None:
            raise NoFormat(difference, turns)
        # What holds for messages that differ may hold; of equal ones the template takes one for
        # another.
        found = replace(found, distinct=True)
    return found


def conversations(*, takes_system: bool) -> Iterator[list[tuple[str, str]]]:
    """Yield conversations, always the same: random ones with markup and white space at ends, in
    both languages, then equal, long and odd ones.
    """
    rng = random.Random(7)  # noqa: S311  # no secret
    for number in range(_CONVERSATIONS):
        length = 1 + number % _LONGEST
        roles = ["user", "assistant"] * length
        told = takes_system and number % 3 == 0
        said = ["system", *roles[:length]] if told else roles[:length]
        yield [(role, _content(rng)) for role in said]
    yield from _demanding(takes_system=takes_system)


def _demanding(*, takes_system: bool) -> Iterator[list[tuple[str, str]]]:
    """Yield what no random conversation is: equal messages, many of them, contents out of the way.

    A template may compare messages where their places are meant, count turns, or count in contents.
    """
    for told in (True, False) if takes_system else (False,):
        system = [("system", "same")] if told else []
        for length in (*range(2, 9), *_MANY):
            roles = (["user", "assistant"] * length)[:length]
            yield [*system, *((role, "same") for role in roles)]
            apart = [(role, f"{number} {role[0]}") for number, role in enumerate(roles)]
            yield [*system, *apart]
            # The first question again, at the end.
            yield [*system, *apart[:-1], (roles[-1], apart[0][1])]
        for contents in _ALIKE:
            yield [*system, *zip(("user", "assistant") * 2, contents, strict=False)]
    for content in _OUT_OF_THE_WAY:
        for shape in _SHAPES:
            if shape[0] == "system" and not takes_system:
                continue
            for at in range(len(shape)):
                turns = [(role, f"q{place}zq") for place, role in enumerate(shape)]
                turns[at] = (shape[at], content)
                yield turns


def _content(rng: random.Random) -> str:
    return rng.choice(_BLANKS) + rng.choice(_TEXTS) + rng.choice(_BLANKS)


def _size(turns: Turns) -> tuple[int, int]:
    return len(turns), sum(len(content) for _, content in turns)


def _difference(format: Format, render: Render, turns: Turns) -> str | None:
    """Say how the template's text differs from the format's; None: not at all."""
    try:
        due = format.text(turns)
    except Unseen as error:
        return f"no rule was seen for a place like {error}"
    try:
        said = render(turns)
    except NoText as error:
        return f"it gives no text: {error}"
    if said == due:
        return None
    at = next((i for i, (a, b) in enumerate(zip(said, due, strict=False)) if a != b), None)
    at = min(len(said), len(due)) if at is None else at
    near = slice(max(0, at - 20), at + 30)
    return f"it says {said[near]!r} where its rules give {due[near]!r}"


def _reserved(
    format: Format, render: Render, words: Sequence[str], others: Sequence[str]
) -> set[str]:
    """Which words change more than their own place in the text."""
    found = {word for word in words if _reacts(format, render, word)}
    rest = [word for word in (*words, *others) if word not in found]
    for form in ("x {} y", "{}x", "x{}"):
        for start in range(0, len(rest), _TOGETHER):
            found |= _reacting(format, render, form, rest[start : start + _TOGETHER])
    # Of two words that are reacted to only together the first is reserved: any text may stand
    # between them.
    return _smallest({_opening(word, set(words)) for word in _smallest(found)})


def _smallest(words: set[str]) -> set[str]:
    """Those that hold no other: a text that holds a reserved one is refused with it."""
    return {w for w in words if not any(other != w and other in w for other in words)}


def _opening(word: str, words: Collection[str]) -> str:
    """The first of two words that a text is put together from; the text itself if it is not."""
    cuts = (n for n in range(len(word) - 1, 0, -1) if word[:n].strip() in words)
    return next((word[:n].strip() for n in cuts if word[n:].strip() in words), word)


def _reacting(format: Format, render: Render, form: str, words: Sequence[str]) -> set[str]:
    """Which of some words, tried together in one content, are reacted to."""
    found: set[str] = set()

    def react(some: Sequence[str]) -> bool:
        return _reacts(format, render, " ".join(form.format(word) for word in some))

    kept = list(words)
    while kept and react(kept):
        # The first that makes the beginning of the list react.
        at = bisect.bisect_left(range(1, len(kept) + 1), True, key=lambda n: react(kept[:n]))
        found.add(kept.pop(min(at, len(kept) - 1)))
    return found


def _reacts(format: Format, render: Render, content: str) -> bool:
    for roles in _SHAPES:
        if roles[0] == "system" and format.system is None:
            continue
        for at in range(len(roles)):
            turns = [(role, f"q{place}zq") for place, role in enumerate(roles)]
            turns[at] = (roles[at], content)
            if _difference(format, render, turns) is not None:
                return True
    return False


def counted(format: Format, render: Render, numbers: Sequence[int]) -> None:
    """Try what a number of a template's source may be compared with.

    That is the length of a content, its lines or words, its value, and how many messages there are.

    Raises:
        NoFormat: it reacts to one.
    """
    for number in numbers:
        for n in (number - 1, number, number + 1):
            for content, what in _of_size(n):
                if _reacts(format, render, content):
                    raise NoFormat(f"it reacts to a content of {n} {what}")
            if 1 < n <= _MOST_MESSAGES:
                roles = (["user", "assistant"] * n)[:n]
                turns = [(role, f"{at} {role[0]}") for at, role in enumerate(roles)]
                if (difference := _difference(format, render, turns)) is not None:
                    raise NoFormat(f"of {n} messages {difference}")


def _of_size(n: int) -> Iterator[tuple[str, str]]:
    """Contents that a number may be compared with, and what they have that often."""
    yield str(n), "as its value"
    if n > 0:
        yield "x" * n, "characters"
    if 0 < n <= _MOST_LINES:
        yield "\n".join(["x"] * (n + 1)), "line breaks"
        yield " ".join(["x"] * n), "words"
