"""What a detector needs to know about one answer, and its plain form inside a test case.

deepeval's test cases have fields for texts and a dictionary for everything else. That dictionary
holds an :class:`Answered` under :data:`KEY`, so that nothing is lost on the way there and back,
through deepeval's files too. :func:`to_plain` and :func:`from_plain` are an inverse pair.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from pydantic import ConfigDict, JsonValue, TypeAdapter, ValidationError

from evalsuite.cases import Case
from evalsuite.conversation import Message
from evalsuite.errors import EvalsuiteError, InvalidCase
from evalsuite.files.jsonl import first_fault
from evalsuite.generation import Finish, Output
from evalsuite.prompts import Demonstration
from evalsuite.runs import CaseRow, OutputRow, ScoreRow
from evalsuite.scenarios import SkillItem

KEY = "evalsuite"
"""Where a test case's metadata holds the plain form."""
_VERSION = 1
_CLOSED = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swapped:
    """The answer to the same case under other demonstrations, for the counterfactual swap."""

    __pydantic_config__ = _CLOSED

    text: str
    shown: tuple[Demonstration, ...] | None = None
    """What that prompt showed; None: nobody noted it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a run recorded about one answer, row by row."""

    __pydantic_config__ = _CLOSED

    case: CaseRow
    output: OutputRow
    others: tuple[OutputRow, ...] = ()
    """The same side's answers to the case under other demonstrations."""
    scores: tuple[ScoreRow, ...] = ()
    """What the run's detectors said about ``output``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One case, what a model answered, and what is known about how it was asked."""

    __pydantic_config__ = _CLOSED

    item: Case | SkillItem
    answer: Output | str | None = None
    """What was generated, or its text alone; None: not answered yet."""
    prompt_format: str | None = None
    """How the prompt was written; None: as the bare conversation, without a task."""
    prompt: Mapping[str, JsonValue] | None = None
    """The definition of a prompt of one's own, as a run records it; None: ``prompt_format`` names
    one of evalsuite's own."""
    shown: tuple[Demonstration, ...] | None = None
    """What the prompt showed; empty: nothing; None: nobody noted it."""
    swapped: Swapped | None = None
    absent: tuple[str, ...] | None = None
    """Names that no prompt held."""
    recorded: Recorded | None = None

    @property
    def text(self) -> str | None:
        """The answer's text."""
        return self.answer.text if isinstance(self.answer, Output) else self.answer

    @property
    def finish(self) -> Finish | None:
        """Why its generation ended; None: nobody noted it."""
        if isinstance(self.answer, Output):
            return self.answer.finish
        return Finish(self.recorded.output.finish) if self.recorded else None

    @property
    def query(self) -> str:
        """What the user asked last."""
        return self.item.query if isinstance(self.item, Case) else self.item.prompt

    @property
    def history(self) -> tuple[Message, ...]:
        """The turns before it."""
        return self.item.history if isinstance(self.item, Case) else ()

    @property
    def expected(self) -> str | None:
        """The preferred answer."""
        return self.item.reference if isinstance(self.item, Case) else self.item.answer

    @property
    def name(self) -> str:
        """The case's id, behind the panel of its run."""
        return f"{self.recorded.case.panel}/{self.item.id}" if self.recorded else self.item.id

    @property
    def tags(self) -> tuple[str, str]:
        """The slices it belongs to: its language, and its kind or skill."""
        item = self.item
        return item.language.value, item.kind.value if isinstance(item, Case) else item.skill

    def answering(self, text: str | None) -> Answered:
        """Return the case with another answer.

        What was noted about the old one, its ids, a run's scores, the swapped answer, says nothing
        about the new one and is left out.
        """
        if text == self.text:
            return self
        return replace(self, answer=text, swapped=None, recorded=None)


@cache
def _adapter() -> TypeAdapter[Answered]:
    return TypeAdapter(Answered)


def to_plain(answered: Answered) -> dict[str, object]:
    """Return JSON values only: what deepeval may write into any of its files."""
    plain: dict[str, object] = json.loads(_adapter().dump_json(answered, exclude_defaults=True))
    return {"version": _VERSION, **plain}


def from_plain(plain: object, where: str) -> Answered:
    """Return what :func:`to_plain` wrote.

    Args:
        plain: the plain form.
        where: names the test case in errors.

    Raises:
        InvalidCase: of another version, or not in this form; or a case in it breaks its own rules.
    """
    if not isinstance(plain, Mapping) or plain.get("version") != _VERSION:
        found = plain.get("version") if isinstance(plain, Mapping) else plain
        raise InvalidCase(
            f"{where}: metadata[{KEY!r}] has version={found!r:.60}, this evalsuite reads "
            f"{_VERSION}; convert the case again, or remove the entry"
        )
    rest = {key: value for key, value in plain.items() if key != "version"}
    try:
        return _adapter().validate_json(json.dumps(rest))
    except ValidationError as problem:
        raise InvalidCase(
            f"{where}: metadata[{KEY!r}]: {first_fault(problem, 'the entry')}; convert the case "
            "again, or remove the entry"
        ) from None
    except (EvalsuiteError, TypeError, ValueError) as problem:
        raise InvalidCase(f"{where}: metadata[{KEY!r}]: {problem}") from None
