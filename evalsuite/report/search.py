"""A search for people: a page and a text, from the content of ``search.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalsuite.report.html import environment
from evalsuite.report.view import Bubble
from evalsuite.report.visible import one_line, pieces
from evalsuite.runrecord import SpanRow


def render_search(data: Mapping[str, Any]) -> str:
    """Return the page of a search as one HTML document that needs no network."""
    return (
        environment()
        .get_template("search.html")
        .render(
            data=data,
            sentence=search_sentence(data),
            margin=_margin(data["progress"]["worst"]),
            counterexamples=[_counterexample(one) for one in data["counterexamples"]],
        )
    )


def search_text(data: Mapping[str, Any]) -> str:
    """Return what a terminal shows: a sentence, then each counterexample in a few lines."""
    lines = [search_sentence(data)]
    for one in data["counterexamples"]:
        operators = "+".join(one["operators"]) or "no operator"
        lines += [
            "",
            f"{one['promise']} ({one['language']}, {one['kind']}, {operators}): {one['reason']}",
            *(f"  {turn['role']:<10} {one_line(turn['content'])}" for turn in one["history"]),
            f"  {'query':<10} {one_line(one['query'])}",
            f"  {'candidate':<10} {one_line(one['answer'])}",
            f"  {'baseline':<10} {one_line(one['baseline_answer'])}",
        ]
    return "\n".join(lines)


def search_sentence(data: Mapping[str, Any]) -> str:
    """Say what came of a search; that nothing was found is no rate."""
    found, progress = data["counterexamples"], data["progress"]
    ended = " before it was interrupted" if data["interrupted"] else ""
    tried = f"{progress['tried']:,} {'history' if progress['tried'] == 1 else 'histories'}"
    if not found:
        return f"None found in {tried}{ended}; smallest margin {_margin(progress['worst'])}."
    absolute = sum(one["absolute"] for one in found)
    several = "counterexample" if len(found) == 1 else "counterexamples"
    return (
        f"{len(found)} different {several} in {tried}{ended}: {absolute} against what holds for "
        f"every answer, {len(found) - absolute} where the baseline copes."
    )


def _margin(nats: float | None) -> str:
    return "not measured" if nats is None else f"{nats:+.2f} nats"


def _counterexample(one: Mapping[str, Any]) -> dict[str, Any]:
    spans = [SpanRow(**span) for span in one["spans"]]
    turns = [Bubble(turn["role"], pieces(turn["content"])) for turn in one["history"]]
    return {
        **one,
        "bubbles": [*turns, Bubble("user", pieces(one["query"]), query=True)],
        "answer": pieces(one["answer"], spans),
        "baseline_answer": pieces(one["baseline_answer"]),
    }
