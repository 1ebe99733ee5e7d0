"""One gate's interval against its limit, as inline SVG: numbers in, markup out.

The picture repeats numbers that stand in the table beside it, so it carries a title and a
description and nothing else would be lost without it. Colours come from the page's style sheet;
``currentColor`` serves where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from evalsuite.runs import SliceVerdict, Verdict

_WIDTH, _HEIGHT = 300, 46
_LEFT, _RIGHT, _AXIS = 10, 290, 22


def number(value: float | None) -> str:
    """Return a number as tables show it: up to four decimals, or two digits of a tiny one."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    return f"{value:.4f}".rstrip("0").rstrip(".") if abs(value) >= 0.001 else f"{value:.1e}"


def hundredths(share: float | None) -> str:
    """Return a share of 1 as the field writes metrics: in hundredths, with two decimals."""
    return "–" if share is None else f"{100 * share:.2f}"


def interval(verdict: Verdict | SliceVerdict) -> str:
    """Return ``lower to upper`` in words, or a dash where there is no interval."""
    if verdict.lower is None or verdict.upper is None:
        return "–"
    return f"{number(verdict.lower)} to {number(verdict.upper)}"


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(_LEFT + share * (_RIGHT - _LEFT), 1)


def _scale(verdict: Verdict) -> _Scale | None:
    """Return a scale that holds zero and every number of the verdict; None without numbers."""
    found = [verdict.lower, verdict.value, verdict.upper, verdict.limit]
    known = [value for value in found if value is not None]
    if not known or (verdict.value is None and verdict.lower is None):
        return None
    low, high = min(0.0, *known), max(0.0, *known)
    # Where all numbers are 0 the axis still needs a length.
    room = (high - low) * 0.12 or 0.01
    # Nothing lies below a rate of 0, so a scale that starts there has no room before it.
    return _Scale(low - (room if low < 0 else 0), high + room)


def drawing(verdict: Verdict) -> Markup | None:
    """Return the SVG of one verdict, or None when nothing was measured."""
    scale = _scale(verdict)
    if scale is None:
        return None
    parts = [_axis(scale)]
    if verdict.limit is not None:
        parts.append(_limit(scale, verdict.limit))
    if verdict.lower is not None and verdict.upper is not None:
        parts.append(_whisker(scale(verdict.lower), scale(verdict.upper)))
    if verdict.value is not None:
        x = scale(verdict.value)
        parts.append(
            Markup('<circle class="point" cx="{}" cy="{}" r="4.5" fill="currentColor"/>').format(
                x, _AXIS
            )
        )
    return Markup(
        '<svg class="interval {status}" viewBox="0 0 {w} {h}" role="img" width="{w}" height="{h}">'
        "<title>{gate}: value {value}, limit {limit}</title><desc>{desc}</desc>{parts}</svg>"
    ).format(
        status=verdict.status,
        w=_WIDTH,
        h=_HEIGHT,
        gate=verdict.gate,
        value=number(verdict.value),
        limit=number(verdict.limit),
        desc=_description(verdict),
        parts=Markup("").join(parts),
    )


def _description(verdict: Verdict) -> str:
    where = f"Interval {interval(verdict)}"
    if verdict.limit is None:
        return f"{where}; the gate has no limit."
    return f"{where}, drawn against the limit {number(verdict.limit)}; {verdict.status}."


def _axis(scale: _Scale) -> Markup:
    zero = scale(0.0)
    return Markup(
        '<line class="axis" x1="{}" y1="{y}" x2="{}" y2="{y}" stroke="currentColor" '
        'stroke-opacity=".3"/><line class="axis" x1="{z}" y1="{}" x2="{z}" y2="{}" '
        'stroke="currentColor" stroke-opacity=".3"/>'
        '<text class="tick" x="{z}" y="{}" text-anchor="middle" font-size="10" '
        'fill="currentColor">0</text>'
    ).format(_LEFT, _RIGHT, _AXIS - 5, _AXIS + 5, _AXIS + 19, y=_AXIS, z=zero)


def _limit(scale: _Scale, limit: float) -> Markup:
    x = scale(limit)
    # Near either end the word would leave the picture or cover the zero.
    anchor = "end" if x > _WIDTH - 40 else "start" if x < 40 else "middle"
    return Markup(
        '<rect class="beyond" x="{x}" y="{}" width="{}" height="22" fill="currentColor" '
        'fill-opacity=".07"/><line class="limit" x1="{x}" y1="{}" x2="{x}" y2="{}" '
        'stroke="currentColor" stroke-width="1.5" stroke-dasharray="3 2"/>'
        '<text class="tick" x="{x}" y="9" text-anchor="{a}" font-size="10" '
        'fill="currentColor">limit {}</text>'
    ).format(
        _AXIS - 10, max(0.0, round(_RIGHT - x, 1)), _AXIS - 11, _AXIS + 11, number(limit),
        x=x, a=anchor,
    )  # fmt: skip


def _whisker(left: float, right: float) -> Markup:
    return Markup(
        '<g class="whisker" stroke="currentColor" stroke-width="2.5" stroke-linecap="round">'
        '<line x1="{l}" y1="{y}" x2="{r}" y2="{y}"/>'
        '<line x1="{l}" y1="{t}" x2="{l}" y2="{b}"/><line x1="{r}" y1="{t}" x2="{r}" y2="{b}"/></g>'
    ).format(l=left, r=right, y=_AXIS, t=_AXIS - 5, b=_AXIS + 5)
