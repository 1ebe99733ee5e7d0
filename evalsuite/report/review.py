"""A review for people: a page and a text, from the content of ``review.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from evalsuite.report.pages import environment
from evalsuite.report.safetext import one_line


class Interval(TypedDict):
    """A rate between its bounds, which hold together with 95 %."""

    value: float
    lower: float
    upper: float


class Counted(TypedDict):
    """Errors among rows that people read."""

    n: int
    errors: int
    exact: Interval | None


class Errors(Counted):
    """The same, and what it says about the run."""

    size: int
    covered: int
    weighted: Interval | None
    method: str | None


class Whole(TypedDict):
    """What follows for all answers of a run."""

    covered: int
    wrong: Interval
    defects: Interval
    accused: float


class GateRow(TypedDict):
    """How well the detectors of a gate agree with people."""

    topic: str
    gate: str
    size: int
    unclear: int
    open: int
    accused: Errors
    accepted: Errors
    whole: Whole | None


class AgreementRow(TypedDict):
    """How well two raters agree."""

    topic: str
    n: int
    same: int
    agreed: Interval
    kappa: float | None
    lower: float | None
    upper: float | None


class GroupRow(TypedDict):
    """The rows of a kind in a language."""

    topic: str
    kind: str
    language: str
    accused: Counted
    accepted: Counted


class DisagreementRow(TypedDict):
    """An answer that people and detectors judge differently."""

    row: str
    topic: str
    told: str
    panel: str
    case_id: str
    language: str
    kind: str
    query: str
    answer: str
    comments: list[str]


class Review(TypedDict):
    """The content of ``review.json``."""

    subject: dict[str, object]
    rows: int
    answers: int
    differing: int
    settled: bool
    agreement: list[AgreementRow]
    gates: list[GateRow]
    table: list[GroupRow]
    disagreements: list[DisagreementRow]
    elsewhere: int


REVIEW: TypeAdapter[Review] = TypeAdapter(Review)
_ERRORS: tuple[tuple[str, Literal["accused", "accepted"]], ...] = (
    ("false accusations", "accused"),
    ("missed", "accepted"),
)
TOPICS = {"right": "rewrite right", "copied": "copied from examples"}


def render_review(data: Mapping[str, object]) -> str:
    """Return the page of a review as one HTML document that needs no network."""
    known = REVIEW.validate_python(data)
    return (
        environment()
        .get_template("review.html")
        .render(
            data=known,
            lead=_lead(known),
            topics=TOPICS,
            within=within,
            counted=counted,
            kappa=kappa,
        )
    )


def review_text(data: Mapping[str, object]) -> str:
    """Return what a terminal shows: agreement of raters, then the errors of each gate."""
    known = REVIEW.validate_python(data)
    lines = [_lead(known)]
    lines += [
        f"raters, {TOPICS[row['topic']]}: {row['same']} of {row['n']} alike, kappa {kappa(row)}"
        for row in known["agreement"]
    ]
    for gate in known["gates"]:
        lines.append(f"{gate['gate']} ({TOPICS[gate['topic']]}), {gate['size']:,} answers:")
        lines += [f"  {line}" for line in _gate(gate)]
    for one in known["disagreements"][:10]:
        lines.append(
            f"- {one['row']}, {TOPICS[one['topic']]}: detectors {one['told']} it, people do not: "
            f"{one_line(one['answer'], 120)}"
        )
    more = len(known["disagreements"]) - 10
    return "\n".join([*lines, *([f"... and {more} more on the page"] if more > 0 else [])])


def _gate(gate: GateRow) -> list[str]:
    lines = [
        f"{name}: {counted(gate[told])}; of the run's {told} {within(gate[told]['weighted'])}"
        if gate[told]["size"]
        else f"{name}: detectors {told} nothing"
        for name, told in _ERRORS
    ]
    whole = gate["whole"]
    if whole is not None:
        lines.append(
            f"of all: detectors wrong {within(whole['wrong'])}; defects by people "
            f"{within(whole['defects'])}, by detectors {share(whole['accused'])}"
        )
    if gate["unclear"] or gate["open"]:
        lines.append(
            f"not counted: {gate['unclear']} unclear, {gate['open']} that raters differ on"
        )
    return lines


def share(value: float) -> str:
    """Write a share of 1 in per cent, with a digit more where it is small."""
    return f"{100 * value:.1f} %" if value < 0.1 else f"{100 * value:.0f} %"


def within(interval: Interval | None) -> str:
    """Write a rate and its bounds."""
    if interval is None:
        return "not known"
    return f"{share(interval['value'])} ({share(interval['lower'])} to {share(interval['upper'])})"


def counted(row: Counted) -> str:
    """Write how many of how many are errors, and the exact bounds of their rate."""
    if row["exact"] is None:
        return "none read"
    bounds = f"{share(row['exact']['lower'])} to {share(row['exact']['upper'])}"
    return f"{row['errors']} of {row['n']} ({bounds})"


def kappa(row: AgreementRow) -> str:
    """Write Cohen's kappa and its bounds."""
    value, lower, upper = row["kappa"], row["lower"], row["upper"]
    if value is None or lower is None or upper is None:
        return "not defined: both called all rows the same"
    return f"{value:.2f} ({lower:.2f} to {upper:.2f})"


def _lead(data: Review) -> str:
    read = f"{data['rows']:,} of {data['answers']:,} answers were read by two people"
    if not data["differing"]:
        return f"{read}, who differ about none."
    if data["settled"]:
        return f"{read}; a third settled the {data['differing']} that they differ about."
    return (
        f"{read}, who differ about {data['differing']}: these await a third reading and are not "
        "counted yet."
    )
