"""What a suite file holds: the models that read its header and its rows.

These are the wire types; :func:`evalsuite.suites.items.item_of` turns a row into the skill item
that everything else works with, and says what rows and header contradict.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from evalsuite.cases import Language
from evalsuite.cases.case import ID_PATTERN
from evalsuite.cases.schema import TurnEntry
from evalsuite.files.closedschema import Closed, VisibleText
from evalsuite.files.wording import wording_of
from evalsuite.scenarios import Normalise, Rule

SKILL_PATTERN = r"[a-z0-9][a-z0-9._-]{0,79}"
Skill = Annotated[str, Field(pattern=f"^{SKILL_PATTERN}$")]
Share = Annotated[float, Field(ge=0, le=1)]
MOST_OPTIONS = 26
"""As many as there are letters."""
_TURN = '{{"user": "..."}} or {{"assistant": "..."}}'


def _listed(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        said = f'is a number; write "{value}" in quotes'
        raise PydanticCustomError("text", "{said}", {"said": said})
    return (
        (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value
    )


def _named(value: Any) -> Any:
    names = {True: Normalise.CHARACTERS.value, False: Normalise.NONE.value}
    return names[value] if isinstance(value, bool) else value


Answers = Annotated[tuple[VisibleText, ...], Field(min_length=1), BeforeValidator(_listed)]
"""One text, or a list of texts of which each is right."""
Divisor = Annotated[Normalise, BeforeValidator(_named)]
"""``true`` is ``characters``, ``false`` is ``none``."""


class Turn(TurnEntry):
    """One turn of a history."""

    wording = replace(
        TurnEntry.wording,
        unknown=f"role {{key!r}} is not allowed in a history; write {_TURN}",
        shape=f"a turn has exactly one speaker; write {_TURN}",
    )


class FewShotEntry(Closed):
    """A solved question that is shown before everything else."""

    wording = replace(
        wording_of("an entry of fewshot"), missing="an entry of fewshot lacks {keys}; add it"
    )

    question: VisibleText
    answer: VisibleText
    options: tuple[VisibleText, ...] = ()
    """Under ``choice_letter``: shown by letters; ``answer`` is the text of one of them."""


class InstructionEntry(Closed):
    """One instruction of IFEval."""

    wording = replace(
        wording_of("an instruction"), missing="an instruction lacks {keys}; add what is missing"
    )

    id: VisibleText
    kwargs: dict[str, int | str | tuple[str, ...] | None] = Field(default={})
    """Its arguments; null stands for one that is not given."""


class _Shared(Closed):
    """What a row may say itself, or the header for all rows."""

    skill: Skill | None = None
    """What it measures; the name of the file when left out."""
    language: Language | None = None
    rule: Rule | None = None
    normalise: Divisor | None = None
    """Of ``choice``: by which length log-probabilities are divided."""
    by: Literal["probability", "answer"] | None = None
    """Of ``choice_letter``: whether letters are scored, or read from what is written."""
    pattern: VisibleText | None = None
    """Of ``regex``."""
    fewshot: tuple[FewShotEntry, ...] | None = None
    system: VisibleText | None = None
    max_tokens: Annotated[int, Field(ge=1, le=8192)] | None = None


class SuiteHeader(_Shared):
    """What holds for all rows that do not say otherwise."""

    wording = replace(wording_of("the header"), listed='{what} must be a list: ["...", "..."]')

    floor: Share | None = None
    """How much of what guessing leaves to know counts as having the skill."""


class HeaderLine(Closed):
    """The first line of a file, where it has a header."""

    wording = wording_of("the header's line")

    suite: SuiteHeader


class SuiteRow(_Shared):
    """One question."""

    wording = replace(
        wording_of("a row"),
        missing='the row lacks {keys}; write {{"question": "...", "answer": "..."}}',
        shape='a row is one object a line, such as {{"question": "...", "answer": "..."}}',
        listed='{what} must be a list: ["...", "..."]',
    )

    id: Annotated[str, Field(pattern=f"^{ID_PATTERN}$")] | None = None
    """Unique in all files; made of what is asked when left out."""
    cluster: VisibleText | None = None
    """Rows that share it are not independent evidence; the id when left out."""
    question: VisibleText
    answer: Answers | None = None
    options: tuple[VisibleText, ...] = ()
    history: tuple[Turn, ...] = ()
    instructions: tuple[InstructionEntry, ...] = ()
    """Of ``ifeval``."""


NO_HEADER = SuiteHeader()
