r"""The three formats made of lines: xml, markdown and plain.

A prompt is a list of lines. Marker lines (``<query>``, ``# Query``, ``user: ...``) structure it;
every other line continues the text before it, so text keeps its own line breaks. Where text would
look like a marker, one backslash is stuffed in; where it would look like a stuffed marker, one
more. Reading takes one backslash away. Ordinary sentences hold no markers and are not touched,
and since nothing but a marker is ever changed the pair is exact for any text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from evalsuite.cases import Language
from evalsuite.conversation import Conversation, Message, Role
from evalsuite.errors import EvalsuiteError, PromptFormatError
from evalsuite.prompts.content import (
    Demonstration,
    PromptParts,
    guess_language,
    require_canonical,
    split_messages,
)

_LABELS = "user|assistant|query|rewrite"
_SECTIONS = "task|example|history|query"


@dataclass(frozen=True, slots=True)
class Section:
    """The marker lines around one part."""

    open: str
    close: str = ""
    """Empty where the next marker, or the end, closes the part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFormat:
    """A prompt format made of marker lines and text."""

    name: str
    task: Section
    example: Section
    """Its ``open`` is used where the language is evident."""
    example_in: Callable[[Language], str]
    """The opening line that names the language."""
    history: Section
    query: Section
    bullet: str = ""
    """What stands before ``user: `` and the other labels."""
    markers: tuple[tuple[str, str], ...]
    """Pairs (anchor, marker) of regular expressions: a backslash goes between the two."""
    _stuff: re.Pattern[str] = field(init=False, repr=False)
    _unstuff: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        stuff = "|".join(rf"{anchor}(?=\\*{marker})" for anchor, marker in self.markers)
        unstuff = "|".join(rf"{anchor}\\(?=\\*{marker})" for anchor, marker in self.markers)
        object.__setattr__(self, "_stuff", re.compile(stuff, re.MULTILINE))
        object.__setattr__(self, "_unstuff", re.compile(unstuff, re.MULTILINE))

    def escape(self, text: str) -> str:
        """Return the text with one backslash more in everything that looks like a marker."""
        return self._stuff.sub(lambda match: match[0] + "\\", text)

    def unescape(self, text: str) -> str:
        """Undo :meth:`escape`."""
        return self._unstuff.sub(lambda match: match[0][:-1], text)

    def format(self, parts: PromptParts) -> Conversation:
        """Write the parts as ``[system, user]``."""
        system = [*self._block(self.task, self.escape(parts.task))]
        for demonstration in parts.demonstrations:
            system += self._example(demonstration)
        turns = [self._turn(message) for message in parts.history]
        user = [*self._block(self.history, *turns)]
        user += self._block(self.query, self.escape(parts.query))
        return Conversation.of(("system", "\n".join(system)), ("user", "\n".join(user)))

    def parse(self, conversation: Conversation) -> PromptParts:
        """Read back what :meth:`format` wrote.

        Raises:
            PromptFormatError: naming the part that is missing or malformed.
        """
        system, user = split_messages(self.name, conversation)
        reader = _Reader(self, system, "the system message")
        try:
            task = reader.block(self.task, "the task")
            demonstrations = self._read_examples(reader)
            reader = _Reader(self, user, "the user message")
            reader.line(self.history.open, "the history")
            history = self._read_turns(reader, "the history")
            reader.close(self.history, "the history")
            query = reader.block(self.query, "the query")
            reader.end()
            parts = PromptParts(
                task=task, demonstrations=demonstrations, history=history, query=query
            )
        except PromptFormatError:
            raise
        except EvalsuiteError as error:
            raise PromptFormatError(f"{reader.where()}: {error}") from error
        require_canonical(self, parts, conversation)
        return parts

    def example_text(self, shown: Demonstration, solution: str = "rewrite") -> str:
        """Return one demonstration as the system message holds it."""
        return "\n".join(self._example(shown, solution))

    def labelled(self, label: str) -> str:
        """Return the start of a labelled line, such as ``- user: ``."""
        return f"{self.bullet}{label}: "

    def _block(self, section: Section, *lines: str) -> Iterator[str]:
        yield section.open
        yield from lines
        if section.close:
            yield section.close

    def _turn(self, message: Message) -> str:
        return self.labelled(message.role) + self.escape(message.content)

    def _example(self, shown: Demonstration, solution: str = "rewrite") -> Iterator[str]:
        evident = shown.language is shown.evident_language
        opening = self.example.open if evident else self.example_in(shown.language)
        yield from self._block(
            Section(opening, self.example.close),
            *(self._turn(message) for message in shown.history),
            self.labelled("query") + self.escape(shown.query),
            self.labelled(solution) + self.escape(shown.rewrite),
        )

    def _read_examples(self, reader: _Reader) -> tuple[Demonstration, ...]:
        openings: dict[str, Language | None] = {self.example.open: None}
        openings |= {self.example_in(language): language for language in Language}
        found: list[Demonstration] = []
        while not reader.done:
            part = f"demonstration {len(found)}"
            language = openings[reader.one_of(tuple(openings), part)]
            history = self._read_turns(reader, part)
            query = reader.labelled("query", part)
            rewrite = reader.labelled("rewrite", part)
            reader.close(self.example, part)
            found.append(
                Demonstration(
                    history=history,
                    query=query,
                    rewrite=rewrite,
                    language=language or guess_language(query + rewrite),
                )
            )
        return tuple(found)

    def _read_turns(self, reader: _Reader, part: str) -> tuple[Message, ...]:
        turns: list[Message] = []
        while role := reader.peek_label(("user", "assistant")):
            turns.append(Message(Role(role), reader.labelled(role, f"{part}, turn {len(turns)}")))
        return tuple(turns)


class _Reader:
    """A cursor over the lines of one message."""

    def __init__(self, format: LineFormat, text: str, message: str) -> None:
        self._format = format
        self._lines = text.split("\n")
        self._next = 0
        self._message = message
        f = format
        self._whole = {
            marker
            for section in (f.task, f.example, f.history, f.query)
            for marker in (section.open, section.close)
            if marker
        } | {f.example_in(language) for language in Language}
        self._starts = tuple(f.labelled(label) for label in _LABELS.split("|"))

    @property
    def done(self) -> bool:
        return self._next >= len(self._lines)

    def where(self) -> str:
        return f"{self._message}, line {min(self._next + 1, len(self._lines))}"

    def line(self, marker: str, part: str) -> None:
        self.one_of((marker,), part)

    def one_of(self, markers: tuple[str, ...], part: str) -> str:
        line = self._current(part, markers[0])
        if line not in markers:
            raise self._error(part, f"found {line!r} where {markers[0]!r} is due")
        self._next += 1
        return line

    def close(self, section: Section, part: str) -> None:
        if section.close:
            self.line(section.close, part)

    def block(self, section: Section, part: str) -> str:
        self.line(section.open, part)
        text = self._text([], part)
        self.close(section, part)
        return text

    def peek_label(self, labels: tuple[str, ...]) -> str | None:
        if self.done:
            return None
        line = self._lines[self._next]
        return next((v for v in labels if line.startswith(self._format.labelled(v))), None)

    def labelled(self, label: str, part: str) -> str:
        start = self._format.labelled(label)
        line = self._current(part, start)
        if not line.startswith(start):
            raise self._error(part, f"found {line!r} where a line {start + '...'!r} is due")
        self._next += 1
        return self._text([line[len(start) :]], part)

    def end(self) -> None:
        if not self.done:
            raise self._error("the end", f"found {self._lines[self._next]!r} after the query")

    def _text(self, lines: list[str], part: str) -> str:
        while not self.done and not self._is_marker(self._lines[self._next]):
            lines.append(self._lines[self._next])
            self._next += 1
        text = self._format.unescape("\n".join(lines))
        if not text.strip():
            raise self._error(part, "its text is empty")
        return text

    def _is_marker(self, line: str) -> bool:
        return line in self._whole or line.startswith(self._starts)

    def _current(self, part: str, due: str) -> str:
        if self.done:
            raise self._error(part, f"the text ends where {due!r} is due")
        return self._lines[self._next]

    def _error(self, part: str, what: str) -> PromptFormatError:
        return PromptFormatError(
            f"{part} is not in the {self._format.name} format: {self.where()}: {what}"
        )


XML = LineFormat(
    name="xml",
    task=Section("<task>", "</task>"),
    example=Section("<example>", "</example>"),
    example_in=lambda language: f'<example lang="{language}">',
    history=Section("<history>", "</history>"),
    query=Section("<query>", "</query>"),
    markers=(("<", rf"/?(?:{_SECTIONS})[ >]"), ("^", rf"(?:{_LABELS}): ")),
)
MARKDOWN = LineFormat(
    name="markdown",
    task=Section("# Task"),
    example=Section("# Example"),
    example_in=lambda language: f"# Example ({language})",
    history=Section("# History"),
    query=Section("# Query"),
    bullet="- ",
    markers=(
        ("^", r"# (?:Task|Example(?: \((?:en|zh)\))?|History|Query)$"),
        ("^", rf"- (?:{_LABELS}): "),
    ),
)
PLAIN = LineFormat(
    name="plain",
    task=Section("Task:"),
    example=Section("Example:"),
    example_in=lambda language: f"Example ({language}):",
    history=Section("History:"),
    query=Section("Query:"),
    markers=(
        ("^", r"(?:Task|Example(?: \((?:en|zh)\))?|History|Query):$"),
        ("^", rf"(?:{_LABELS}): "),
    ),
)
