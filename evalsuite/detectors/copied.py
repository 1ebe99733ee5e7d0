"""What was copied, where it stands in an answer, and how like the original it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from evalsuite.detectors.result import Span


class How(StrEnum):
    """In what shape a name was copied; the more like it, the earlier."""

    WHOLE = "the name itself"
    FORM = "another form of"
    SPELLING = "another spelling of"
    EDITED = "one character away from"
    PART = "a part of"


@dataclass(frozen=True, slots=True)
class Copy:
    """A place of an answer that says a name."""

    start: int
    """Offset of the first character in the original answer."""
    end: int
    name: str
    how: How

    @property
    def span(self) -> Span:
        """The place, labelled with the name that was copied."""
        return Span(self.start, self.end, self.name)

    def told(self, answer: str) -> str:
        """What the answer says and which name that copies, in quotes."""
        if self.how is How.WHOLE:
            return f'"{self.name}"'
        return f'"{answer[self.start : self.end]}", {self.how} "{self.name}"'


def likest(found: Iterable[Copy], length: int) -> tuple[Copy, ...]:
    """Of copies that lie on each other only the one that is more like the name, in order.

    ``length`` is that of the answer.
    """
    ranks = {how: rank for rank, how in enumerate(How)}
    kept: list[Copy] = []
    taken = bytearray(length)
    for copy in sorted(found, key=lambda c: (ranks[c.how], c.start - c.end, c.start, c.name)):
        if not any(taken[copy.start : copy.end]):
            kept.append(copy)
            taken[copy.start : copy.end] = b"\1" * (copy.end - copy.start)
    return tuple(sorted(kept, key=lambda c: (c.start, c.end)))


def apart_from(taken: Sequence[Span], spans: Sequence[Span]) -> tuple[Span, ...]:
    """``spans`` without those that touch a span in ``taken``: one leak is told once."""
    if not taken or not spans:
        return tuple(spans)
    marked = bytearray(max(span.end for span in (*taken, *spans)))
    for span in taken:
        marked[span.start : span.end] = b"\1" * (span.end - span.start)
    return tuple(span for span in spans if not any(marked[span.start : span.end]))


def in_order(*groups: Sequence[Span]) -> tuple[Span, ...]:
    """All spans by their place."""
    return tuple(sorted((s for group in groups for s in group), key=lambda s: (s.start, s.end)))
