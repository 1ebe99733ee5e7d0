"""What a reader of a format hands over: a draft of a case, or what is wrong with a record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsuite.conversation import Message, Role
from evalsuite.errors import InvalidConversation, InvalidInput
from evalsuite.files.problems import suggestion

TURNS = ("user", "assistant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What was found in one record."""

    line: int
    """1-based line on which the record starts."""
    name: str
    """Tells the record apart within its format; becomes part of the id."""
    cluster: str
    """Records of one dialogue share it."""
    history: tuple[Message, ...]
    query: str
    rewrites: tuple[str, ...]
    """Accepted rewrites, best first; none, or one equal to the query, when it stays unchanged."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A record that cannot be read."""

    text: str
    """``file:line: what is wrong and what to do``."""
    last: bool = False
    """Whether nothing can be read behind it."""


Found = Iterator[Draft | Problem]
Reader = Callable[[Path], Found]
Read = Callable[[int, Any], Iterator[Draft]]
"""What reads the drafts in one record, given its line."""


def drafts(file: Path, records: Iterable[tuple[int, Any]], read: Read) -> Found:
    """Apply ``read`` to every record; what it cannot digest becomes a problem with its line.

    Args:
        file: where the records stand.
        records: each with its line; an :class:`InvalidInput` of theirs ends them.
        read: may raise what a record of another shape makes it raise.
    """
    found = iter(records)
    while True:
        try:
            line, record = next(found)
        except StopIteration:
            return
        except InvalidInput as error:
            yield Problem(str(error), last=True)
            return
        yield from _of_record(file, line, record, read)


def _of_record(file: Path, line: int, record: Any, read: Read) -> Found:
    place = f"{file.as_posix()}:{line}"
    try:
        yield from read(line, record)
    except KeyError as error:
        missing = str(error.args[0])
        hint = suggestion(missing, list(record)) if isinstance(record, dict) else ""
        yield Problem(f"{place}: the record lacks the key {missing!r}; add it{hint}")
    except (TypeError, AttributeError, IndexError) as error:
        yield Problem(f"{place}: the record has another shape ({error})")
    except (InvalidInput, InvalidConversation) as error:
        yield Problem(f"{place}: {error}")


def text_of(value: Any, what: str) -> str:
    """The value, which has to be text; ``what`` names it.

    Raises:
        InvalidInput: it is something else.
    """
    if not isinstance(value, str):
        raise InvalidInput(f"{what}={value!r} is not text; write it in quotes")
    return value


def texts_of(value: Any, what: str) -> list[str]:
    """The values of a list of texts.

    Raises:
        InvalidInput: it is something else.
    """
    if not isinstance(value, list):
        raise InvalidInput(f"{what}={value!r} is no list; write a list of texts")
    return [text_of(one, f"an entry of {what}") for one in value]


def alternating(said: Iterable[str]) -> tuple[Message, ...]:
    """Turns of which the last is the assistant's, before the query; blank ones are left out."""
    texts = list(said)
    speakers = [Role.ASSISTANT, Role.USER] * (len(texts) // 2 + 1)
    turns = zip(speakers[: len(texts)][::-1], texts, strict=True)
    return tuple(Message(role, text.strip()) for role, text in turns if text.strip())
