"""A calibration for people: a page and a text, from the content of ``calibration.json``."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from evalsuite.report.pages import environment
from evalsuite.report.qualification import share


class Seen(TypedDict):
    """What a reference showed of one measure; further fields are not read here."""

    value: float
    n: int


class MeasureRow(TypedDict):
    """What a policy limits."""

    name: str
    limit: float
    panel: int
    estimate: Seen


class ProposalRow(TypedDict):
    """A limit, a panel and what they can do."""

    measure: MeasureRow
    limit: float | None
    panel: int
    passes: float
    harm: float | None
    blocked: float | None
    reason: str


class AbilityRow(TypedDict):
    """How often the base answered a skill right."""

    skill: str
    language: str
    items: int
    right: int
    lower: float
    has: bool


class NoiseRow(TypedDict):
    """The reference asked again in another way."""

    variation: str
    answers: int
    changed: int
    rates: dict[str, tuple[float, float]]
    failed: list[str]


class SightRow(TypedDict):
    """What a planted defect moves, and from where on it is blocked."""

    mutant: str
    gate: str
    measure: str
    effect: float
    theta95: float | None


class Calibrated(TypedDict):
    """The content of ``calibration.json``."""

    subject: dict[str, object]
    abilities: list[AbilityRow]
    kinds: dict[str, tuple[float, float]]
    noise: list[NoiseRow]
    proposals: list[ProposalRow]
    sights: list[SightRow]
    minutes: dict[str, float]
    problems: list[str]
    seconds: float
    proposed: bool


CALIBRATION: TypeAdapter[Calibrated] = TypeAdapter(Calibrated)


def render_calibration(data: Mapping[str, object]) -> str:
    """Return the page of a calibration as one HTML document that needs no network."""
    known = CALIBRATION.validate_python(data)
    return (
        environment()
        .get_template("calibration.html")
        .render(data=known, share=share, lead=_lead(known), seen=seen, minutes=_minutes(known))
    )


def calibration_text(data: Mapping[str, object]) -> str:
    """Return what a terminal shows: what is proposed, or why nothing is."""
    known = CALIBRATION.validate_python(data)
    lines = [_lead(known)]
    lines += [f"- {problem}" for problem in known["problems"]]
    for row in known["proposals"]:
        measure = row["measure"]
        limit = "none within reach" if row["limit"] is None else f"{row['limit']:.4g}"
        lines.append(
            f"{measure['name']:34} shows {seen(measure):>7}  limit {limit:>8}  "
            f"{row['panel']:>6,} cases  passes {row['passes']:.0%}"
        )
    if known["minutes"]:
        lines.append(_minutes(known))
    return "\n".join(lines)


def seen(measure: MeasureRow) -> str:
    """Write what the reference showed: a share, or nats where texts are scored."""
    value = measure["estimate"]["value"]
    if measure["name"].startswith("forgetting.text"):
        return f"{value:+.3f}"
    return share(value) if value >= 0 else f"-{share(-value)}"


def _lead(data: Calibrated) -> str:
    subject = data["subject"]
    who = f"{subject['adapter']} on {subject['base']}"
    if not data["proposed"]:
        return f"Nothing is proposed from {who}:"
    return f"Limits and panels that follow from {who}, for policy {subject['policy']}."


def _minutes(data: Calibrated) -> str:
    told = ", ".join(f"{gate} {minutes:.1f}" for gate, minutes in data["minutes"].items())
    return f"Minutes on this machine with these panels: {told}."
