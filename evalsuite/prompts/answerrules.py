"""Where in what a model wrote its answer stands, and how a right answer is written.

A rule reads; a *form* writes. Both are the prompt's, so everything else sees bare answers: the
detectors, which judge what the rule reads; demonstrations and training, which show the form.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from evalsuite.errors import InvalidInput, InvalidPrompt
from evalsuite.files.patterns import ANSWER_LIMIT, READING_LIMIT, compiled, hangs
from evalsuite.prompts.layout import filled

REWRITE = "{rewrite}"
"""Stands for the answer in a form."""
NOTHING = "-"
"""What a form says in place of names that a rewrite puts in, where it puts in none."""


@dataclass(frozen=True, slots=True)
class Found:
    """An answer within a text: characters ``start`` to ``end``, or what they stand for."""

    start: int
    end: int
    text: str
    closed: bool = False
    """Whether something behind it says that it is complete."""
    beside: str = ""
    """What else the span says, such as the other fields of an object."""


class _Rule:
    """What all rules have."""

    __slots__ = ()

    @property
    def form(self) -> str:
        """How an answer is written where nothing else is said."""
        return REWRITE

    @property
    def keys(self) -> dict[str, str]:
        """The rule as a prompt file writes it."""
        return {key: getattr(self, key) for key in self.__dataclass_fields__}  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Whole(_Rule):
    """Everything is the answer."""

    rule: Literal["whole"] = "whole"

    def find(self, text: str) -> Found | None:
        """Find the answer; None: there is none."""
        return Found(0, len(text), text)


@dataclass(frozen=True, slots=True)
class Tag(_Rule):
    """What stands in the first ``<tag>``; to the end of the text where it is not closed."""

    tag: str
    rule: Literal["tag"] = "tag"

    @property
    def form(self) -> str:
        """How an answer is written where nothing else is said."""
        return f"<{self.tag}>{REWRITE}</{self.tag}>"

    def find(self, text: str) -> Found | None:
        """Find the answer; None: there is none."""
        opened = text.find(f"<{self.tag}>")
        if opened < 0:
            return None
        start = opened + len(self.tag) + 2
        end = text.find(f"</{self.tag}>", start)
        return _stripped(text, start, len(text) if end < 0 else end, closed=end >= 0)


@dataclass(frozen=True, slots=True)
class Json(_Rule):
    """A string of the first JSON object in the text."""

    field: str
    rule: Literal["json"] = "json"

    @property
    def form(self) -> str:
        """How an answer is written where nothing else is said."""
        return json.dumps({self.field: REWRITE}, ensure_ascii=False)

    def find(self, text: str) -> Found | None:
        """Find the answer; None: there is none."""
        decoder = json.JSONDecoder()
        at = text.find("{")
        while at >= 0:
            try:
                value, end = decoder.raw_decode(text, at)
            except (ValueError, RecursionError):
                at = text.find("{", at + 1)
                continue
            said = value.get(self.field) if isinstance(value, dict) else None
            if not isinstance(said, str):
                return None
            others = {key: other for key, other in value.items() if key != self.field}
            beside = json.dumps(others, ensure_ascii=False) if others else ""
            # Half of a pair of surrogates is no text, and no file could hold it.
            plain = said.strip().encode(errors="replace").decode()
            return Found(at, end, plain, closed=True, beside=beside)
        return None


@dataclass(frozen=True, slots=True)
class Pattern(_Rule):
    """The group ``answer`` of a regular expression, or else its first group, or all of it."""

    pattern: str
    rule: Literal["regex"] = "regex"

    def __post_init__(self) -> None:
        try:
            probe = hangs(self.pattern)
        except InvalidInput as error:
            raise InvalidPrompt(str(error)) from None
        if probe is not None:
            raise InvalidPrompt(
                f"pattern={self.pattern!r} takes longer than {READING_LIMIT:g} s for a text such "
                f"as {probe[:20]!r}...; write it without repetitions inside repetitions"
            )

    @property
    def form(self) -> str:
        """A pattern does not say how to write what it finds."""
        return ""

    def find(self, text: str) -> Found | None:
        """Find the answer; None: there is none, or the search took too long."""
        expression = compiled(self.pattern)
        try:
            match = expression.search(text, timeout=ANSWER_LIMIT)
        except TimeoutError:
            return None
        if match is None:
            return None
        group = "answer" if "answer" in expression.groupindex else min(expression.groups, 1)
        start, end = match.span(group)
        return None if start < 0 else _stripped(text, start, end, closed=end < match.end())


@dataclass(frozen=True, slots=True)
class LastLine(_Rule):
    """The last line that holds text."""

    rule: Literal["last-line"] = "last-line"

    def find(self, text: str) -> Found | None:
        """Find the answer; None: there is none."""
        end = len(text.rstrip())
        return _stripped(text, text.rfind("\n", 0, end) + 1, end)


@dataclass(frozen=True, slots=True)
class After(_Rule):
    """What stands behind the last ``marker``, such as the end of a thought."""

    marker: str
    rule: Literal["after"] = "after"

    @property
    def form(self) -> str:
        """How an answer is written where nothing else is said."""
        return f"{self.marker}\n{REWRITE}"

    def find(self, text: str) -> Found | None:
        """Find the answer; None: there is none."""
        at = text.rfind(self.marker)
        return None if at < 0 else _stripped(text, at + len(self.marker), len(text))


AnswerRule = Whole | Tag | Json | Pattern | LastLine | After


def _stripped(text: str, start: int, end: int, *, closed: bool = False) -> Found | None:
    """The span without white space at its ends; None where nothing is left."""
    inside = text[start:end]
    said = inside.strip()
    if not said:
        return None
    start += len(inside) - len(inside.lstrip())
    return Found(start, start + len(said), said, closed)


def written(rule: AnswerRule, form: str, answer: str, named: Sequence[str] = ()) -> str:
    """Write an answer in a form: escaped, where the form is JSON.

    Args:
        rule: reads it back.
        form: holds ``{rewrite}`` once, and ``{named}`` where it says what the rewrite puts in.
        answer: the rewrite.
        named: what it puts in.
    """
    parts = {"rewrite": answer, "named": ", ".join(named) or NOTHING}
    if isinstance(rule, Json):
        parts = {key: json.dumps(said, ensure_ascii=False)[1:-1] for key, said in parts.items()}
    return filled(form, parts)
