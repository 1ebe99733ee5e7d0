"""The shapes of ``search.json`` and of ``qualification.json``, as far as a page reads them.

There is more in both files; what stands here is what must be there. A key that only the result's
own page reads, not the report of a run beside it, need not be.
"""

from __future__ import annotations

from typing import Literal, NotRequired

from pydantic import ConfigDict, TypeAdapter, with_config
from typing_extensions import TypedDict

_MORE = ConfigDict(extra="allow")


@with_config(_MORE)
class Turn(TypedDict):
    """A message of a history."""

    role: str
    content: str


class Mark(TypedDict):
    """A marked part of an answer, in characters."""

    start: int
    end: int
    label: str


@with_config(_MORE)
class Counterexample(TypedDict):
    """A history that broke a promise."""

    defect: str
    gate: str
    promise: str
    absolute: bool
    reason: str
    spans: list[Mark]
    language: str
    kind: str
    history: list[Turn]
    query: str
    reference: str | None
    answer: str
    baseline_answer: str
    operators: NotRequired[list[str]]
    baseline_keeps_it: NotRequired[bool]


@with_config(_MORE)
class Varied(TypedDict):
    """A prompt and its answer, before and after a change that should not matter."""

    history: list[Turn]
    query: str
    answer: str
    varied_history: list[Turn]
    varied_query: str
    varied_format: str
    varied_answer: str


@with_config(_MORE)
class Relation(TypedDict):
    """A kind of change that should not matter, and how often it did."""

    relation: str
    n: int
    violated: int
    examples: list[Varied]


@with_config(_MORE)
class Point(TypedDict):
    """How often one side was wrong under one condition."""

    axis: Literal["demonstrations", "order", "format"]
    value: str | int
    side: Literal["candidate", "baseline"]
    n: int
    wrong: float
    interval: tuple[float, float]
    lost: NotRequired[dict[str, int]]
    """In what way rewrites are wrong; a search of an earlier version does not tell."""
    leaked: int
    differing: NotRequired[int]


@with_config(_MORE)
class Progress(TypedDict):
    """How far the search came."""

    tried: int
    worst: float | None


@with_config(_MORE)
class Search(TypedDict):
    """The content of ``search.json``."""

    subject: dict[str, object]
    interrupted: bool
    progress: Progress
    counterexamples: list[Counterexample]
    relations: list[Relation]
    sensitivity: list[Point]


@with_config(_MORE)
class Nulls(TypedDict):
    """How many candidates without a defect were stopped."""

    runs: int
    alarms: int
    upper: float | None
    """None where there was none."""
    inconclusive: int
    inconclusive_upper: float | None


@with_config(_MORE)
class GateRow(TypedDict):
    """What one gate sees."""

    gate: str
    sole_killer_of: list[str]
    reference: str | None
    theta95: float | None


@with_config(_MORE)
class MutantRow(TypedDict):
    """One mutant at one severity."""

    name: str
    layer: str
    severity: float
    expected_gate: str
    runs: int
    blocked_by: dict[str, int]
    caught_by_expected: int
    caught_interval: tuple[float, float]


class Seen(TypedDict):
    """Of right rewrites that a mutant spoilt, how many are refused, and for which parts."""

    answers: int
    refused: int
    parts: dict[str, int]


@with_config(_MORE)
class Curve(TypedDict):
    """The fitted curve of one mutant: ``1 / (1 + (middle / theta) ** slope)``; None: no fit."""

    mutant: str
    middle: float | None
    slope: float | None
    seen: NotRequired[Seen]
    """Missing where the gate judges no rewrites, and in records of earlier versions."""


@with_config(_MORE)
class Subject(TypedDict):
    """What was qualified."""

    adapter: str
    policy: str
    policy_digest: str


class Summary(TypedDict):
    """What the report of a run tells of a qualification."""

    subject: Subject
    nulls: Nulls
    gates: list[GateRow]


@with_config(_MORE)
class Qualification(TypedDict):
    """The content of ``qualification.json``."""

    subject: dict[str, object]
    nulls: Nulls
    gates: list[GateRow]
    mutants: list[MutantRow]
    curves: list[Curve]


SEARCH: TypeAdapter[Search] = TypeAdapter(Search)
SUMMARY: TypeAdapter[Summary] = TypeAdapter(Summary)
QUALIFICATION: TypeAdapter[Qualification] = TypeAdapter(Qualification)
