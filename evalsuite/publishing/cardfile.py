"""The section's place in a model card: between two markers, and not a byte beside it.

:func:`with_section` works on bytes, so that front matter, line endings and everything else that a
person wrote stay as they are. Doing it twice is the same as doing it once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from evalsuite.errors import PublishingError
from evalsuite.publishing.pendingfile import PendingFile, read_present

BEGIN = "<!-- evalsuite:begin -->"
END = "<!-- evalsuite:end -->"
_BEGIN, _END = BEGIN.encode(), END.encode()
_BOM = b"\xef\xbb\xbf"
_FRONT_MATTER = re.compile(rb"\s*---[\r\n]+.*?[\r\n]+---(?:\r\n|\n|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Place:
    start: int
    end: int
    """Just behind the second marker."""
    newline: bytes


def prepare_card(path: Path, section: str) -> PendingFile:
    """Read a card and put the section into it, without writing.

    Args:
        path: The card, which must exist: a typing error shall not make a second one.
        section: What :func:`evalsuite.publishing.card.card_section` returned.

    Raises:
        PublishingError: no such file, one that may not be written, or a broken card.
    """
    path = Path(path)
    before = read_present(path)
    if before is None:
        raise PublishingError(
            f"there is no card {str(path)!r}; name the README.md of the model's repository, or "
            "make an empty one"
        )
    try:
        return PendingFile(path, before, with_section(before, section))
    except PublishingError as problem:
        raise PublishingError(f"{path}: {problem}") from None


def with_section(card: bytes, section: str) -> bytes:
    """Return ``card`` with ``section`` between the markers.

    A card with markers has what stands between them replaced. One without gets the section at its
    end, behind an empty line. All other bytes stay.

    Args:
        card: UTF-8.
        section: Lines separated by line feeds; written with the line ending of the card.

    Raises:
        PublishingError: the markers are broken, occur twice or stand in the front matter, or the
            card is not UTF-8.
    """
    try:
        card.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise PublishingError(
            f"byte {problem.start} is not UTF-8, which a model card must be; convert it first"
        ) from None
    place = _place(card)
    if place is not None:
        return card[: place.start] + _block(section, place.newline) + card[place.end :]
    first, ended, _ = card.partition(b"\n")
    newline = b"\r\n" if ended and first.endswith(b"\r") else b"\n"
    # One empty line between what was there and the section, and never a second one.
    text = card.removeprefix(_BOM)
    glue = b"" if not text or text.endswith((b"\n\n", b"\n\r\n")) else newline
    if glue and not text.endswith(b"\n"):
        glue += newline
    return card + glue + _block(section, newline) + newline


def _block(section: str, newline: bytes) -> bytes:
    lines = section.strip("\n").encode("utf-8", "backslashreplace").split(b"\n")
    return newline.join((_BEGIN, *lines, _END))


def _place(card: bytes) -> _Place | None:
    """Return where the markers stand; None where there are none."""
    begins, ends = card.count(_BEGIN), card.count(_END)
    if (begins, ends) == (0, 0):
        return None
    if (begins, ends) != (1, 1):
        raise PublishingError(
            f"the card has {begins} of {BEGIN} and {ends} of {END}, where one of each belongs; "
            "delete the section with its markers by hand, and publish again"
        )
    start, last = card.index(_BEGIN), card.index(_END)
    if last < start:
        raise PublishingError(f"{END} stands before {BEGIN}; swap or delete them")
    _require_own_line(card, start, BEGIN)
    _require_own_line(card, last, END)
    front = _FRONT_MATTER.match(card.removeprefix(_BOM))
    # The match starts behind a byte order mark, the markers' places do not.
    if front and start < front.end() + len(card) - len(card.removeprefix(_BOM)):
        raise PublishingError(f"{BEGIN} stands in the YAML front matter; move it below")
    # As this line ends: a card that several people edited may mix both endings.
    rest = card[start + len(_BEGIN) :].lstrip(b" \t")
    newline = b"\r\n" if rest.startswith(b"\r\n") else b"\n"
    return _Place(start, last + len(_END), newline)


def _require_own_line(card: bytes, start: int, marker: str) -> None:
    before = card[:start].removeprefix(_BOM)
    behind = card[start + len(marker) :].lstrip(b" \t")
    if (before and not before.endswith(b"\n")) or (
        behind and not behind.startswith((b"\n", b"\r\n"))
    ):
        line = card[:start].count(b"\n") + 1
        raise PublishingError(
            f"line {line}: {marker} must stand alone at the start of its line; move what is "
            "beside it"
        )
