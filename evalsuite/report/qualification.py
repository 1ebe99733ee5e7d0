"""A qualification for people: a page and a text, from the content of ``qualification.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from evalsuite.report.pages import environment
from evalsuite.report.results import (
    QUALIFICATION,
    Curve,
    GateRow,
    MutantRow,
    Nulls,
    Qualification,
)

_WIDTH, _HEIGHT = 320, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 308, 10, 122
_LEAST = 0.004
"""Where the logarithmic axis of severities begins."""
_TICKS = (0.01, 0.1, 1.0)
_STEPS = 60
"""Pieces of a drawn curve."""


def render_qualification(data: Mapping[str, object]) -> str:
    """Return the page of a qualification as one HTML document that needs no network."""
    template = environment().get_template("qualification.html")
    known = QUALIFICATION.validate_python(data)
    gates = [gate["gate"] for gate in known["gates"]]
    return template.render(
        data=data,
        gates=[_gate(known, gate) for gate in known["gates"]],
        matrix=[_killed(known, name, gates) for name in _names(known)],
        names=gates,
        share=share,
        nulls=nulls_sentence(known["nulls"]),
    )


def qualification_text(data: Mapping[str, object]) -> str:
    """Return what a terminal shows: the nulls in a sentence, then a line for each gate."""
    known = QUALIFICATION.validate_python(data)
    lines = [nulls_sentence(known["nulls"])]
    for gate in known["gates"]:
        sole = ", ".join(gate["sole_killer_of"]) or "nothing"
        theta = gate["theta95"]
        seen = f"95 % of {gate['reference']} from {share(theta)}" if theta is not None else "-"
        lines.append(f"{gate['gate']:20} {seen:48} alone: {sole}")
    return "\n".join(lines)


def nulls_sentence(nulls: Nulls) -> str:
    """Say how many good candidates were stopped."""
    upper, inconclusive_upper = nulls["upper"], nulls["inconclusive_upper"]
    if upper is None or inconclusive_upper is None:
        return "No null was judged."
    return (
        f"{nulls['alarms']} of {nulls['runs']} good candidates were FAILED (true rate at most "
        f"{share(upper)} with 95 % confidence), {nulls['inconclusive']} INCONCLUSIVE "
        f"(at most {share(inconclusive_upper)})."
    )


def share(value: float) -> str:
    """Write a share as a percentage with two telling digits."""
    return f"{100 * value:.2g} %" if value < 0.1 else f"{100 * value:.0f} %"


def _names(data: Qualification) -> list[str]:
    return list(dict.fromkeys(row["name"] for row in data["mutants"]))


def _gate(data: Qualification, gate: GateRow) -> dict[str, object]:
    rows = [row for row in data["mutants"] if row["expected_gate"] == gate["gate"]]
    names = list(dict.fromkeys(row["name"] for row in rows))
    curves = {curve["mutant"]: curve for curve in data["curves"]}
    seen = {name: curves[name]["seen"] for name in names if "seen" in curves[name]}
    return {
        **gate,
        "seen": seen,
        "parts": list(dict.fromkeys(part for found in seen.values() for part in found["parts"])),
        "mutants": [
            {
                **curves[name],
                "layer": next(row["layer"] for row in rows if row["name"] == name),
                "picture": curve_drawing(
                    [row for row in rows if row["name"] == name], curves[name]
                ),
            }
            for name in names
        ],
    }


def _killed(data: Qualification, name: str, gates: Sequence[str]) -> dict[str, object]:
    """One row of the kill matrix: what each gate blocked at the mildest severity surely blocked."""
    rows = sorted(
        (row for row in data["mutants"] if row["name"] == name), key=lambda row: row["severity"]
    )
    sure = next((row for row in rows if row["caught_by_expected"] == row["runs"]), rows[-1])
    return {
        "name": name,
        "expected": sure["expected_gate"],
        "severity": sure["severity"],
        "runs": sure["runs"],
        "counts": [sure["blocked_by"].get(gate, 0) for gate in gates],
    }


def curve_drawing(rows: Sequence[MutantRow], curve: Curve) -> Markup:
    """Return an SVG: how often the expected gate blocked, by severity, and the fitted curve.

    Whiskers are exact 95 % intervals.

    Args:
        rows: of one mutant, from ``mutants``.
        curve: of the same, from ``curves``.
    """
    ordered = sorted(rows, key=lambda row: row["severity"])
    points = [
        (_x(row["severity"]), row["caught_by_expected"] / row["runs"], *row["caught_interval"])
        for row in ordered
    ]
    ticks = Markup("").join(
        Markup(
            '<text class="tick" x="{}" y="{}" text-anchor="middle" font-size="10" '
            'fill="currentColor">{}</text>'
        ).format(min(_x(tick), _RIGHT - 8), _BOTTOM + 16, share(tick))
        for tick in _TICKS
    )
    whiskers = Markup("").join(
        Markup(
            '<line x1="{x}" y1="{}" x2="{x}" y2="{}" stroke="currentColor" stroke-width="1.5" '
            'stroke-opacity=".45"/><circle cx="{x}" cy="{}" r="3.5" fill="currentColor"/>'
        ).format(_y(low), _y(high), _y(value), x=x)
        for x, value, low, high in points
    )
    told = "; ".join(
        f"{share(row['severity'])}: {row['caught_by_expected']} of {row['runs']}" for row in ordered
    )
    return Markup(
        '<svg class="curve" viewBox="0 0 {w} {h}" role="img" width="{w}" height="{h}">'
        "<title>{name}: blocked by its gate, by severity</title><desc>{told}</desc>"
        '<line x1="{l}" y1="{b}" x2="{r}" y2="{b}" stroke="currentColor" stroke-opacity=".3"/>'
        '<line x1="{l}" y1="{s}" x2="{r}" y2="{s}" stroke="currentColor" stroke-opacity=".4" '
        'stroke-dasharray="3 3"/><text class="tick" x="{t}" y="{u}" text-anchor="end" '
        'font-size="10" fill="currentColor">95 %</text>'
        '<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
        "{whiskers}{ticks}</svg>"
    ).format(
        w=_WIDTH, h=_HEIGHT, name=curve["mutant"], told=told, l=_LEFT, r=_RIGHT, b=_BOTTOM,
        s=_y(0.95), t=_LEFT - 4, u=_y(0.95) + 4, line=_fitted(curve), whiskers=whiskers,
        ticks=ticks,
    )  # fmt: skip


def _fitted(curve: Curve) -> str:
    """Points of ``1 / (1 + (middle / theta) ** slope)`` along the axis; none without a fit."""
    middle, slope = curve["middle"], curve["slope"]
    if middle is None or slope is None:
        return ""
    thetas = [_LEAST ** (1 - step / _STEPS) for step in range(_STEPS + 1)]
    shares = [1 / (1 + (middle / theta) ** min(slope, 50.0)) for theta in thetas]
    return " ".join(f"{_x(t)},{_y(p)}" for t, p in zip(thetas, shares, strict=True))


def _x(severity: float) -> float:
    along = math.log(max(severity, _LEAST) / _LEAST) / math.log(1 / _LEAST)
    return round(_LEFT + along * (_RIGHT - _LEFT), 1)


def _y(value: float) -> float:
    return round(_BOTTOM - value * (_BOTTOM - _TOP), 1)
