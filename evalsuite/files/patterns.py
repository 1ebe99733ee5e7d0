"""Regular expressions that a stranger wrote, each under a time limit.

Some expressions take longer than the universe on a short text. The package ``regex`` looks at the
clock of the processor while it searches, which ``re`` does not; a busy machine changes little.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import regex

from evalsuite.errors import InvalidInput

READING_LIMIT = 0.1
"""Seconds of the processor that a pattern may take on a probe, or it is refused when it is read."""
ANSWER_LIMIT = 1.0
"""Seconds that it may take on an answer, which counts as wrong after that."""
_PROBE = 1000
"""Characters of a probe: enough for a pattern that tries every way to split them, and few enough
for one whose time grows with their square."""
_TRIES = 3
"""How often a probe has to take too long: once may be the fault of another thread."""


@lru_cache(maxsize=512)
def compiled(pattern: str) -> Any:
    """A compiled pattern.

    Raises:
        InvalidInput: it is no regular expression; says why and where.
    """
    try:
        return regex.compile(pattern)
    except regex.error as error:
        at = "" if error.pos is None else f" at character {error.pos + 1}"
        raise InvalidInput(
            f"pattern={pattern!r} is no regular expression: {error.msg}{at}; correct it"
        ) from None
    except RecursionError:
        raise InvalidInput(f"pattern={pattern[:40]!r}... nests too deep; simplify it") from None


@lru_cache(maxsize=512)
def hangs(pattern: str) -> str | None:
    """A text on which a pattern takes longer than :data:`READING_LIMIT`; None: none was found."""
    expression = compiled(pattern)
    return next(
        (
            probe
            for probe in _probes(pattern)
            if all(_late(expression, probe) for _ in range(_TRIES))
        ),
        None,
    )


def _late(expression: Any, probe: str) -> bool:
    try:
        expression.search(probe, timeout=READING_LIMIT)
    except TimeoutError:
        return True
    return False


def found(pattern: str, text: str, limit: float = ANSWER_LIMIT) -> tuple[int, int] | None:
    """Where a pattern is found first; None: nowhere.

    Raises:
        TimeoutError: it takes longer than ``limit`` seconds.
    """
    match = compiled(pattern).search(text, timeout=limit)
    return None if match is None else match.span()


def _probes(pattern: str) -> tuple[str, ...]:
    """Texts that make patterns with nested repetitions try every way to split them."""
    own = dict.fromkeys(char for char in pattern if char.isalnum())
    letters = [*dict.fromkeys(["a", "1", " ", "a ", "1,", "x=1 ", "一", *own])][:24]
    many = (char * (_PROBE // len(char)) for char in letters)
    literal = "".join(own) or "a"
    return tuple(f"{text}\x00" for text in (*many, literal * (_PROBE // len(literal))))
