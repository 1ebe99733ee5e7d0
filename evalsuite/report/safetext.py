"""Makes hostile or merely odd text safe to look at: nothing hidden, nothing endless.

Model output may hold terminal escapes, characters that reverse the reading direction, or a line
of a megabyte. Every report, whatever its format, shows text through this module. Escaping for the
format itself (HTML, Markdown, XML) comes after it and is the format's own business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from evalsuite.runs import SpanRow

# Characters that draw nothing or change how their neighbours are drawn. Tab and line feed stay.
# Written as ranges because asking unicodedata about every code point would cost 0.3 s at import.
_INVISIBLE = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 controls: terminal escapes start here
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, line separators, bidi controls
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\ue000-\uf8ff"  # lone surrogates, private use
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff"  # tags, further private use
    "]"
)
LIMIT = 1200
"""Characters of one text that are shown before it is cut."""
_AROUND = 160
"""Characters shown on either side of a span that lies beyond the cut."""
_FAR_SPANS = 3


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters that are drawn alike."""

    text: str
    control: bool = False
    """The text names an invisible character, such as ``[U+202E]``."""
    mark: str | None = None
    """What is wrong with these characters; None for ordinary ones."""
    gap: int = 0
    """Number of characters left out here; ``text`` is empty then."""


def _name(match: re.Match[str]) -> str:
    return f"[U+{ord(match.group()):04X}]"


def visible(text: str) -> str:
    """Return ``text`` with every invisible character written as ``[U+XXXX]``."""
    return _INVISIBLE.sub(_name, text)


def one_line(text: str, limit: int = 240) -> str:
    """Return ``text`` visible, on one line and at most about ``limit`` characters long."""
    # Cut before it is split, since one line may be a megabyte.
    flat = " ".join(text[: limit * 4].split())
    cut = flat if len(flat) <= limit and len(text) <= limit * 4 else flat[:limit].rstrip() + " …"
    return visible(cut)


def shortened(text: str, limit: int = LIMIT) -> str:
    """Return ``text`` visible and cut, saying how much is missing."""
    if len(text) <= limit:
        return visible(text)
    return f"{visible(text[:limit])} [… {len(text) - limit:,} more characters]"


def pieces(text: str, spans: Iterable[SpanRow] = (), *, limit: int = LIMIT) -> tuple[Piece, ...]:
    """Cut ``text`` into pieces: marked spans, named invisible characters, gaps.

    The first ``limit`` characters are shown, and the surroundings of the first spans beyond them.
    Spans outside the text are ignored; overlapping ones are joined under both labels.
    """
    inside = [span for span in spans if 0 <= span.start < span.end and span.start < len(text)]
    result: list[Piece] = []
    shown = 0
    for start, end in _windows(len(text), inside, limit):
        if start > shown:
            result.append(Piece("", gap=start - shown))
        result.extend(_marked(text, start, end, inside))
        shown = end
    if shown < len(text):
        result.append(Piece("", gap=len(text) - shown))
    return tuple(result)


def _windows(length: int, spans: Sequence[SpanRow], limit: int) -> list[tuple[int, int]]:
    windows = [(0, min(length, limit))]
    far = [span for span in sorted(spans, key=lambda s: s.start) if span.end > limit]
    for span in far[:_FAR_SPANS]:
        start = max(0, span.start - _AROUND)
        # A marked span may itself be endless.
        end = min(length, span.end + _AROUND, span.start + limit)
        last_start, last_end = windows[-1]
        if start <= last_end:
            windows[-1] = (last_start, max(last_end, end))
        else:
            windows.append((start, end))
    return windows


def _marked(text: str, start: int, end: int, spans: Sequence[SpanRow]) -> Iterator[Piece]:
    edges = {start, end}
    for span in spans:
        edges |= {edge for edge in (span.start, span.end) if start < edge < end}
    for left, right in pairwise(sorted(edges)):
        labels = [s.label or "marked" for s in spans if s.start <= left and right <= s.end]
        mark = "; ".join(dict.fromkeys(labels)) if labels else None
        yield from _split_controls(text[left:right], mark)


def _split_controls(text: str, mark: str | None) -> Iterator[Piece]:
    shown = 0
    for match in _INVISIBLE.finditer(text):
        if match.start() > shown:
            yield Piece(text[shown : match.start()], mark=mark)
        yield Piece(_name(match), control=True, mark=mark)
        shown = match.end()
    if shown < len(text):
        yield Piece(text[shown:], mark=mark)
