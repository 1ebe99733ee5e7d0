"""What a case file holds: the models that read it, and the JSON Schema that is made from them.

These are the wire types; :meth:`CaseEntry.case` turns one into the :class:`~evalsuite.cases.Case`
that everything else works with, whose own rules hold while the file is read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, model_validator

from evalsuite.cases.case import ID_PATTERN, Case, Expectation, Kind, Language
from evalsuite.conversation import Message, Role
from evalsuite.files import closedschema
from evalsuite.files.closedschema import Closed, VisibleText, keeping_rules
from evalsuite.files.wording import wording_of

Identifier = Annotated[
    VisibleText, WithJsonSchema({"type": "string", "pattern": f"^{ID_PATTERN}$"})
]


def _each_once(languages: tuple[Language, ...]) -> tuple[Language, ...]:
    if len(set(languages)) < len(languages):
        raise ValueError(f"languages={[one.value for one in languages]} names one twice")
    return languages


Languages = Annotated[tuple[Language, ...], Field(min_length=1), AfterValidator(_each_once)]
"""Some of the languages, each once."""
_SPEAKERS = "write '- user: ...' or '- assistant: ...'"


class TurnEntry(Closed):
    """One turn of a history: its speaker, and what was said."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})
    wording = replace(
        wording_of("a turn"),
        unknown=f"role {{key!r}} is not allowed in a history; {_SPEAKERS}",
        shape=f"a turn has exactly one speaker; {_SPEAKERS}, each with its own '- '",
        noun="a turn's text",
    )

    user: VisibleText = ""
    assistant: VisibleText = ""

    @model_validator(mode="after")
    def _one_speaker(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError(self.wording.shape)
        return self

    def message(self) -> Message:
        """The turn as everything else knows it."""
        return Message(Role.USER if self.user else Role.ASSISTANT, self.user or self.assistant)


class ExpectEntry(Closed):
    """What a good rewrite says and does not say."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["rewrites"], "properties": {"rewrites": {"minItems": 1}}},
                {"required": ["must_name"], "properties": {"must_name": {"minItems": 1}}},
                {"required": ["unchanged"], "properties": {"unchanged": {"const": True}}},
                {"required": ["answers"], "properties": {"answers": {"minItems": 1}}},
                {"required": ["untold"], "properties": {"untold": {"const": True}}},
            ]
        }
    )
    wording = wording_of("expect")

    rewrites: tuple[VisibleText, ...] = Field(
        default=(), description="Accepted rewrites, the best one first."
    )
    must_name: tuple[VisibleText, ...] = Field(
        default=(), description="Every one of these occurs in a good answer."
    )
    must_not_name: tuple[VisibleText, ...] = Field(
        default=(), description="None of these occurs in a good answer."
    )
    unchanged: bool = Field(default=False, description="The answer must be the query itself.")
    extractive: bool = Field(
        default=False,
        description="The rewrites only put back words of the history, so that every word counts.",
    )
    free: bool = Field(
        default=False,
        description="People worded the rewrites as they liked: what they name decides, and no "
        "other word of theirs has to be kept.",
    )
    aliases: tuple[VisibleText, ...] = Field(
        default=(),
        description="Shorter names by which what is meant may be called too: a surname.",
    )
    answers: tuple[VisibleText, ...] = Field(
        default=(),
        description="The query is answered, not rewritten: ways to write the right fact.",
    )
    not_answers: tuple[VisibleText, ...] = Field(
        default=(), description="Facts about other things, none of which a good answer states."
    )
    untold: bool = Field(
        default=False,
        description="The query is answered, and nothing told the fact: a good answer says so.",
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        keeping_rules(self.expectation)
        return self

    def expectation(self) -> Expectation:
        """The expectation as everything else knows it.

        Raises:
            InvalidCase: it expects nothing, or contradicts itself.
        """
        return Expectation(
            rewrites=self.rewrites,
            must_name=self.must_name,
            must_not_name=self.must_not_name,
            unchanged=self.unchanged,
            extractive=self.extractive,
            free=self.free,
            aliases=self.aliases,
            answers=self.answers,
            not_answers=self.not_answers,
            untold=self.untold,
        )


class CaseEntry(Closed):
    """One case."""

    wording = replace(wording_of("a case"), missing="the case lacks {keys}; add what is missing")

    id: Identifier = Field(description="Unique in all files; a-z, 0-9, '.', '_', '-'.")
    language: Language = Field(description="The language of the query.")
    kind: Kind = Field(
        description="What makes the query depend on its history; reports are sliced by it."
    )
    cluster: VisibleText = Field(
        default="",
        description="Cases that share it are not independent evidence; the id when left out.",
    )
    history: tuple[TurnEntry, ...] = Field(
        default=(),
        description="The turns before the query, oldest first: '- user: ...', '- assistant: ...'.",
    )
    query: VisibleText = Field(description="What the user says last; this is rewritten.")
    expect: ExpectEntry = Field(description="What a good rewrite says and does not say.")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        keeping_rules(self.case)
        return self

    def case(self, source: str = "") -> Case:
        """The case as everything else knows it.

        Raises:
            InvalidCase: a bad id, or an expectation that contradicts the query.
        """
        return Case(
            id=self.id,
            language=self.language,
            kind=self.kind,
            cluster=self.cluster or self.id,
            history=tuple(turn.message() for turn in self.history),
            query=self.query,
            expect=self.expect.expectation(),
            source=source,
        )


class CaseFile(Closed):
    """A file of cases."""

    wording = replace(
        wording_of("the file"),
        missing="the file has no key {key!r}; write '{key}:' and a list under it",
        length="{what} is empty; write at least one case",
    )

    cases: Annotated[tuple[CaseEntry, ...], Field(min_length=1)]


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a case file, for editors and other tools."""
    return closedschema.json_schema(CaseFile, "evalsuite case file")


def schema_text() -> str:
    """Return what ``cases/case.schema.json`` must hold."""
    return closedschema.schema_text(json_schema())
