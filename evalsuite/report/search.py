"""A search for people: a page and a text, from the content of ``search.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from evalsuite.report.conversations import Bubble, bubbles_of
from evalsuite.report.pages import environment
from evalsuite.report.results import SEARCH, Counterexample, Point, Relation, Search, Turn
from evalsuite.report.safetext import one_line, pieces
from evalsuite.runs import SpanRow


def render_search(data: Mapping[str, object]) -> str:
    """Return the page of a search as one HTML document that needs no network."""
    view = search_view(SEARCH.validate_python(data))
    return environment().get_template("search.html").render(**view, data=data)


def search_view(data: Search) -> dict[str, object]:
    """Return what a page shows of a search."""
    return {
        "sentence": search_sentence(data),
        "margin": _margin(data["progress"]["worst"]),
        "counterexamples": [_counterexample(one) for one in data["counterexamples"]],
        "relations": [_relation(one) for one in data["relations"]],
        "curves": [_axis(data["sensitivity"], axis) for axis in _axes(data["sensitivity"])],
    }


def search_text(data: Mapping[str, object]) -> str:
    """Return what a terminal shows: a sentence, then each counterexample in a few lines."""
    search = SEARCH.validate_python(data)
    lines = [search_sentence(search)]
    for one in search["counterexamples"]:
        operators = "+".join(one["operators"]) or "no operator"
        lines += [
            "",
            f"{one['promise']} ({one['language']}, {one['kind']}, {operators}): "
            + one_line(one["reason"]),
            f"  {'gate':<10} {one['gate']}; the baseline "
            + ("keeps this promise" if one["baseline_keeps_it"] else "breaks it too"),
            *(f"  {turn['role']:<10} {one_line(turn['content'])}" for turn in one["history"]),
            f"  {'query':<10} {one_line(one['query'])}",
            f"  {'candidate':<10} {one_line(one['answer'])}",
            f"  {'baseline':<10} {one_line(one['baseline_answer'])}",
        ]
    if search["relations"]:
        lines += ["", "What should not matter:"]
    for relation in search["relations"]:
        of = f"{relation['violated']:>4} of {relation['n']:<4}"
        lines.append(f"  {relation['relation']:<24} {of} violated")
    for row in search["sensitivity"]:
        if row["side"] == "candidate":
            name = f"{row['axis']} {row['value']}"
            lines.append(
                f"  {name:<24} {row['wrong']:>6.1%} wrong, {row['differing']} of {row['n']} differ"
            )
    return "\n".join(lines)


def search_sentence(data: Search) -> str:
    """Say what came of a search; that nothing was found is no rate."""
    found, progress = data["counterexamples"], data["progress"]
    ended = " before it was interrupted" if data["interrupted"] else ""
    tried = f"{progress['tried']:,} {'history' if progress['tried'] == 1 else 'histories'}"
    if not found:
        return f"None found in {tried}{ended}; smallest margin {_margin(progress['worst'])}."
    absolute = sum(one["absolute"] for one in found)
    several = "counterexample" if len(found) == 1 else "counterexamples"
    return (
        f"{len(found)} different {several} in {tried}{ended}: {absolute} against what must hold "
        f"for every answer, {len(found) - absolute} against what must hold where the baseline "
        "copes."
    )


AXES = {
    "demonstrations": "How many demonstrations the prompt shows",
    "order": "In which order it shows them",
    "format": "In which format it is written",
}
_WIDTH, _HEIGHT = 320, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 308, 10, 118
_SIDES = {"candidate": 1.0, "baseline": 0.45}
"""Strength of each side's line."""


def _axes(points: Sequence[Point]) -> list[str]:
    return list(dict.fromkeys(point["axis"] for point in points))


def _axis(points: Sequence[Point], axis: str) -> dict[str, object]:
    rows = [point for point in points if point["axis"] == axis]
    return {
        "title": AXES[axis],
        "picture": sensitivity_drawing(rows, AXES[axis]),
        "rows": rows,
        "n": rows[0]["n"],
    }


def sensitivity_drawing(rows: Sequence[Point], title: str) -> Markup:
    """Return an SVG: share of rewrites that are not right under each condition, for both sides.

    Whiskers are 95 % intervals over clusters.

    Args:
        rows: of one axis, from ``sensitivity``.
        title: what is varied.
    """
    values = list(dict.fromkeys(row["value"] for row in rows))
    step = (_RIGHT - _LEFT) / max(1, len(values) - 1)
    places = {value: round(_LEFT + step * at, 1) for at, value in enumerate(values)}
    top = max(0.1, *(row["interval"][1] for row in rows))
    drawn = Markup("").join(
        _line([row for row in rows if row["side"] == side], places, top, strength)
        for side, strength in _SIDES.items()
    )
    ticks = Markup("").join(
        Markup('<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>').format(
            place, _BOTTOM + 16, value
        )
        for value, place in places.items()
    )
    told = "; ".join(f"{r['side']} {r['value']}: {r['wrong']:.1%} of {r['n']}" for r in rows)
    return Markup(
        '<svg class="curve" viewBox="0 0 {w} {h}" role="img" width="{w}" height="{h}">'
        "<title>{title}: share not right</title><desc>{told}</desc>"
        '<line x1="{l}" y1="{b}" x2="{r}" y2="{b}" stroke="currentColor" stroke-opacity=".3"/>'
        '<text class="tick" x="{t}" y="{u}" text-anchor="end">{most}</text>'
        '<text class="tick" x="{t}" y="{b}" text-anchor="end">0</text>{drawn}{ticks}</svg>'
    ).format(
        w=_WIDTH, h=_HEIGHT, title=title, told=told, l=_LEFT, r=_RIGHT, b=_BOTTOM, t=_LEFT - 6,
        u=_TOP + 6, most=f"{top:.0%}", drawn=drawn, ticks=ticks,
    )  # fmt: skip


def _line(
    rows: Sequence[Point], places: Mapping[str | int, float], top: float, strength: float
) -> Markup:
    def height(share: float) -> float:
        return round(_BOTTOM - share / top * (_BOTTOM - _TOP), 1)

    points = " ".join(f"{places[row['value']]},{height(row['wrong'])}" for row in rows)
    whiskers = Markup("").join(
        Markup(
            '<line x1="{x}" y1="{}" x2="{x}" y2="{}" stroke="currentColor" stroke-opacity=".45"/>'
            '<circle cx="{x}" cy="{}" r="3" fill="currentColor"/>'
        ).format(
            height(row["interval"][0]),
            height(row["interval"][1]),
            height(row["wrong"]),
            x=places[row["value"]],
        )
        for row in rows
    )
    return Markup(
        '<g opacity="{}"><polyline points="{}" fill="none" stroke="currentColor" '
        'stroke-width="1.5"/>{}</g>'
    ).format(strength, points, whiskers)


def _relation(one: Relation) -> dict[str, object]:
    return {
        **one,
        "examples": [
            {
                "before": _bubbles(example["history"], example["query"]),
                "answer": pieces(example["answer"]),
                "after": _bubbles(example["varied_history"], example["varied_query"]),
                "varied_answer": pieces(example["varied_answer"]),
                "varied_format": example["varied_format"],
            }
            for example in one["examples"]
        ],
    }


def _bubbles(turns: Sequence[Turn], query: str) -> tuple[Bubble, ...]:
    return bubbles_of(((turn["role"], turn["content"]) for turn in turns), query)


def _margin(nats: float | None) -> str:
    return "not measured" if nats is None else f"{nats:+.2f} nats"


def _counterexample(one: Counterexample) -> dict[str, object]:
    spans = [SpanRow(**span) for span in one["spans"]]
    return {
        **one,
        "bubbles": _bubbles(one["history"], one["query"]),
        "answer": pieces(one["answer"], spans),
        "baseline_answer": pieces(one["baseline_answer"]),
    }
