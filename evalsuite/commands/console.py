"""The command line's one console: what is printed, and where.

Results go to standard output, progress and errors to standard error. On a terminal progress is one
line that renews itself; piped, only a gate says a few plain lines, so that its log looks alive.
"""

from __future__ import annotations

import io
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.status import Status


_COMMAND = re.compile(r"^([^\S\n]*)::", re.MULTILINE)


def inert(text: str) -> str:
    """Return text in which no line is a command to GitHub's runner.

    A line that begins with ``::``, or holds ``##[``, is one to it wherever the text comes from: the
    reason of a waiver, an answer, the name of a file.
    """
    return _COMMAND.sub(r"\1\\::", text).replace("##[", "## [")


class Inert(io.TextIOBase):
    """A stream whose text gives GitHub no commands; lines are written whole."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._line = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Of the stream behind it."""
        return self._stream.encoding

    def isatty(self) -> bool:
        """Whether a person looks at it."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Of the stream behind it."""
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Write every line that is complete."""
        *whole, self._line = (self._line + text).split("\n")
        if whole:
            self._stream.write(inert("\n".join(whole) + "\n"))
        return len(text)

    def flush(self) -> None:
        """Write what is left, too."""
        self._stream.write(inert(self._line))
        self._line = ""
        self._stream.flush()


class Terminal:
    """Standard output and standard error, as one object that commands are handed."""

    def __init__(self) -> None:
        from rich.console import Console

        class Piped(Console):
            """A console that leaves it to its program how to end when the reader went away."""

            def on_broken_pipe(self) -> None:
                raise BrokenPipeError

        github = os.environ.get("GITHUB_ACTIONS") == "true"
        streams = (sys.stdout, sys.stderr)
        out, err = (cast("IO[str]", Inert(s)) if github else None for s in streams)
        self._out: Console = Piped(highlight=False, soft_wrap=False, file=out)
        self._err: Console = Console(stderr=True, highlight=False, file=err)
        self._status: Status | None = None
        self._shown = 0.0

    def say(self, what: RenderableType) -> None:
        """Print a result."""
        from rich.text import Text

        if isinstance(what, str):
            # A sentence is the terminal's to wrap: other programs read it line by line.
            self._out.print(Text(what), soft_wrap=True)
        else:
            self._out.print(what)

    def raw(self, text: str) -> None:
        """Print text that another program will read, byte for byte."""
        sys.stdout.write(text)
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Say something on the way that a person at a terminal wants to know."""
        from rich.text import Text

        if self._err.is_terminal:
            self._err.print(Text(text, style="dim"))

    def error(self, text: str) -> None:
        """Say what went wrong."""
        from rich.text import Text

        self._err.print(Text.assemble(("error: ", "bold red"), text), soft_wrap=True)

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Show a line with a spinner while the block runs; nothing when piped."""
        if not self._err.is_terminal:
            yield
            return
        with self._err.status(what) as self._status:
            try:
                yield
            finally:
                self._status = None

    def log(self, text: str) -> None:
        """Say how far long work is where no line can renew itself; nothing on a terminal."""
        from rich.text import Text

        if not self._err.is_terminal:
            self._err.print(Text(text), soft_wrap=True)

    def progress(self, what: str) -> None:
        """Renew the line that :meth:`working` shows, at most ten times a second."""
        now = time.monotonic()
        if self._status is not None and now - self._shown > 0.1:
            self._shown = now
            self._status.update(what)
