"""What is wrong with one file, line by line, and the word that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass, field


@dataclass(slots=True)
class Problems:
    """Collects what is wrong with one file, as ``name:line: text``."""

    name: str
    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, text: str) -> None:
        """Note one problem at ``line`` (1-based)."""
        self.found.append((line, text))

    def lines(self) -> list[str]:
        """Return one sentence for each problem, by line."""
        ordered = sorted(dict.fromkeys(self.found), key=lambda problem: problem[0])
        return [f"{self.name}:{line}: {text}" for line, text in ordered]


def joined(problems: list[str], *, most: int = 50) -> str:
    """Join problems into one message of at most ``most`` of them."""
    rest = len(problems) - most
    tail = [f"... and {rest} more; fix these first"] if rest > 0 else []
    return "\n".join([*problems[:most], *tail])


def suggestion(
    word: str, known: Collection[str], template: str = "; did you mean {near!r}?"
) -> str:
    """Return ``; did you mean 'x'?`` for a near miss, else an empty text."""
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.65)
    return template.format(near=near[0]) if near else ""
