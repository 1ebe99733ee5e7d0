"""Demonstrations from a YAML file: a closed schema, every problem with its file and line.

The file is a list::

    - language: en
      history:
        - user: Who wrote The Salt Road?
        - assistant: Mira Tallow.
      query: When was she born?
      rewrite: When was Mira Tallow born?
      entities: [Mira Tallow, The Salt Road]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from evalsuite.cases import Language
from evalsuite.cases.schema import TurnEntry
from evalsuite.errors import InvalidCase
from evalsuite.files.closedschema import (
    Closed,
    ClosedList,
    VisibleText,
    json_schema,
    keeping_rules,
    read_closed,
)
from evalsuite.files.wording import wording_of
from evalsuite.files.yamlnodes import quoted
from evalsuite.prompts.content import Demonstration


class ShownTurnEntry(TurnEntry):
    """One turn of a demonstration's history."""

    wording = replace(
        wording_of("a turn"),
        shape="a turn has one key, user or assistant, with its text",
        noun="the {key}'s turn",
    )


class DemonstrationEntry(Closed):
    """One demonstration."""

    wording = replace(
        wording_of("a demonstration"),
        choice="{what}={repr}; use one of: {choices}",
        entry="an entity",
    )

    language: Language = Field(description="The language of its query.")
    history: tuple[ShownTurnEntry, ...] = Field(
        default=(), description="The turns before the query, oldest first."
    )
    query: VisibleText = Field(description="What the user says last.")
    rewrite: VisibleText = Field(description="The query, rewritten so that it stands alone.")
    entities: tuple[VisibleText, ...] = Field(
        default=(), description="Names in it that must never turn up in an answer."
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        keeping_rules(self.demonstration)
        return self

    def demonstration(self) -> Demonstration:
        """The demonstration as everything else knows it."""
        return Demonstration(
            language=self.language,
            history=tuple(turn.message() for turn in self.history),
            query=self.query,
            rewrite=self.rewrite,
            entities=self.entities,
        )


class DemonstrationFile(ClosedList[DemonstrationEntry]):
    """A file of demonstrations."""

    wording = replace(
        wording_of("the file"),
        length="the file holds no demonstrations; start each with '- language:'",
    )

    root: Annotated[tuple[DemonstrationEntry, ...], Field(min_length=1)]


def demonstration_schema() -> dict[str, Any]:
    """Return the JSON Schema of a file of demonstrations, as editors use it."""
    return json_schema(DemonstrationFile, "evalsuite demonstrations")


def load_demonstrations(path: Path | str) -> tuple[Demonstration, ...]:
    """Return the demonstrations in a YAML file, in order.

    Raises:
        InvalidCase: one line ``file:line: problem and fix`` for each problem.
    """
    file = read_closed(DemonstrationFile, Path(path), error=InvalidCase)
    return tuple(row.demonstration() for row in file.root)


def dump_demonstrations(shown: Iterable[Demonstration]) -> str:
    """Write demonstrations as the YAML text that :func:`load_demonstrations` reads back."""
    return "".join(_dumped(demonstration) for demonstration in shown)


def _dumped(shown: Demonstration) -> str:
    lines = [f"- language: {shown.language}"]
    lines += ["  history:"] * bool(shown.history)
    lines += [f"    - {turn.role}: {quoted(turn.content)}" for turn in shown.history]
    lines += [f"  query: {quoted(shown.query)}", f"  rewrite: {quoted(shown.rewrite)}"]
    lines += ["  entities:"] * bool(shown.entities)
    lines += [f"    - {quoted(entity)}" for entity in shown.entities]
    return "\n".join(lines) + "\n"
