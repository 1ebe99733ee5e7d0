"""What a person reads and fills: rows of text with questions beside them, and its CSV.

A sheet knows nothing of what is asked for: reviews and first labels use the same one. Its CSV is
made for spreadsheet programs, and so are the names in it: letters only, since ``12e4`` would come
back as a number. :func:`csv_text` and :func:`evalsuite.review.filled.read_filled` are an inverse
pair.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from evalsuite.conversation import Message, Role
from evalsuite.files.text import unseen
from evalsuite.runs.tables import guarded

SHEET, ROW = "sheet", "row"
"""The first columns: of which sheet a row is, and which row."""
LONGEST = 12_000
"""Characters of one cell; spreadsheet programs cut cells behind 32,767."""
_LETTERS = "bcdfghjkmnpqrstvwxz"
_SPEAKERS = {Role.USER: "User", Role.ASSISTANT: "Assistant", Role.SYSTEM: "System"}


@dataclass(frozen=True, slots=True)
class Field:
    """A column of text to read."""

    name: str
    """As the CSV heads it."""
    label: str
    """As the page heads it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A column to fill."""

    name: str
    ask: str
    """The question, as a person reads it."""
    choices: tuple[str, ...] = ()
    """The words that answer it; empty: any text."""
    needed: bool = True
    """Whether a row without an answer is refused."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row."""

    code: str
    texts: Mapping[str, str]
    """A text for each field of the sheet, fit for people to see (:func:`shown`)."""
    proposed: Mapping[str, str] = field(default_factory=dict)
    """What stands in a column to fill already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One sheet, for one person."""

    id: str
    title: str
    lead: tuple[str, ...]
    """What to do, a sentence or two each."""
    fields: tuple[Field, ...]
    asked: tuple[Asked, ...]
    entries: tuple[Entry, ...]
    """In the order in which this person sees them."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The header of the CSV."""
        texts, answers = (one.name for one in self.fields), (one.name for one in self.asked)
        return (SHEET, ROW, *texts, *answers)

    def cells(self, entry: Entry) -> tuple[str, ...]:
        """The cells of a row, none of which a spreadsheet takes for a formula."""
        return tuple(
            map(
                guarded,
                (
                    self.id,
                    entry.code,
                    *(entry.texts[one.name] for one in self.fields),
                    *(entry.proposed.get(one.name, "") for one in self.asked),
                ),
            )
        )

    def to_json(self) -> dict[str, Any]:
        """What the page of the sheet is made from."""
        return {
            **asdict(self),
            "columns": self.columns,
            "cells": [self.cells(entry) for entry in self.entries],
        }


def csv_text(sheet: Sheet) -> str:
    """Return the sheet as CSV: a byte order mark, commas, CRLF, every cell in quotes."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(sheet.columns)
    writer.writerows(sheet.cells(entry) for entry in sheet.entries)
    return "\ufeff" + out.getvalue()


def code_of(*parts: object, length: int = 7) -> str:
    """Return a name of letters alone that the parts decide."""
    number = int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest())
    letters = []
    for _ in range(length):
        number, at = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[at])
    return "".join(letters)


def shown(text: str, most: int = LONGEST) -> str:
    """Return a text as people see it: what is invisible is named, what is endless is cut."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    cut = lines if len(lines) <= most else f"{lines[:most]} [{len(lines) - most:,} more characters]"
    named = (
        f"[U+{ord(char):04X}]" if char not in "\n\t" and unseen(char) is not None else char
        for char in cut
    )
    return "".join(named)


def spoken(history: tuple[Message, ...]) -> str:
    """Return the turns of a conversation as one text, each under its speaker."""
    turns = (f"{_SPEAKERS[one.role]}: {shown(one.content)}" for one in history)
    return shown("\n".join(turns), most=LONGEST + 100)
