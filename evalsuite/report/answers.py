"""Judged answers of one system, or of two, as a console shows them.

Every function gives lines and tables in the order in which they are shown. Text of systems and
cases stands on one line, cut, and without a character that nobody can see.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from rich.table import Table
from rich.text import Text

from evalsuite.answers import LEAK, LOSSES, Group, Judged, Pairing, Summary
from evalsuite.report.charts import hundredths
from evalsuite.report.safetext import one_line
from evalsuite.report.view import ICONS
from evalsuite.rewrites import Standard
from evalsuite.rewrites.metrics import (
    INSTALL,
    Metrics,
    lines_of,
    missing_libraries,
    rouge_name,
)
from evalsuite.runs import SliceVerdict, Status

Piece = str | Text | Table
_NONE = "–"
_WORDS = {Status.PASSED: "No worse", Status.FAILED: "Worse", Status.INCONCLUSIVE: "Undecided"}
_STYLES = {Status.PASSED: "green", Status.FAILED: "red", Status.INCONCLUSIVE: "yellow"}
_STANDARDS = {
    Standard.STAYS: "had to stay as it was: untouched decides",
    Standard.AUTHORED: "the case says what is meant: named, kept and form decide",
    Standard.EXTRACTIVE: "words of the history are put back: named, kept and form decide",
    Standard.FREE: "worded freely: named and form decide",
    Standard.ANSWERED: "the query is answered: named decides, of the fact that is stated",
}
_CELLS = (
    ("needed and right", "right"),
    ("needed and wrong", "wrong"),
    ("not needed and untouched", "untouched"),
    ("not needed and changed", "changed"),
)
_CLASSIFIED = (
    ("rewritten: precision", "precision"),
    ("rewritten: recall", "recall"),
    ("rewritten: F1", "f1"),
    ("rewritten: accuracy", "accuracy"),
)


@dataclass(frozen=True, slots=True)
class Scored:
    """A file of answers by its name, and what was found."""

    name: str
    judged: Sequence[Judged]
    summary: Summary


def answers_text(scored: Scored, *, shown: int) -> Iterator[Piece]:
    """One system: what is right, what is lost, and the first ``shown`` wrong answers."""
    found = scored.summary
    yield _sentence(scored)
    yield ""
    yield from _losses(found)
    yield ""
    yield "judged by"
    for standard, n in found.standards.items():
        yield f"  {n} {standard} ({_STANDARDS[standard]})"
    wrong = [(one,) for one in scored.judged if one.reason]
    looked = found.whole.losses[LEAK].asked
    yield from _examples("wrong or leaking answers" if looked else "wrong answers", wrong, shown)


def pairing_text(pairing: Pairing, names: tuple[str, str], *, shown: int) -> Iterator[Piece]:
    """Whether the first system is no worse than the second, and where it became so."""
    status = pairing.status
    yield Text.assemble(
        (f"{ICONS[status]} {_WORDS[status]}. ", f"bold {_STYLES[status]}"),
        f"{_name(names[0])} against {_name(names[1])}: {len(pairing.worse)} cases are wrong in the "
        f"first alone, {pairing.better} in the second alone.",
    )
    for verdict in (*pairing.wholes, *_told(pairing.slices)):
        yield f"{ICONS[verdict.status]} {verdict.name}: {verdict.reason}"
    yield from _examples("became worse", pairing.worse, shown)


def metrics_text(scored: Sequence[Scored]) -> Iterator[Piece]:
    """The field's metrics, a column for each system and language."""
    letters = "AB" if len(scored) > 1 else [""]
    columns = [
        (f"{letter} {key}".strip(), one.summary.metrics[key])
        for key in scored[0].summary.metrics
        for letter, one in zip(letters, scored, strict=True)
    ]
    table = _table("metrics", [name for name, _ in columns])
    for lines in zip(*(lines_of(metrics) for _, metrics in columns), strict=True):
        table.add_row(lines[0].name, *(hundredths(line.value) for line in lines))
    for name, key in _CELLS:
        table.add_row(name, *(str(getattr(metrics.needs, key)) for _, metrics in columns))
    for name, key in _CLASSIFIED:
        table.add_row(name, *(hundredths(getattr(m.needs, key)) for _, m in columns))
    yield table
    if len(scored) > 1:
        yield from (f"{at}: {_name(one.name)}" for at, one in zip(letters, scored, strict=True))
    yield from _notes(columns)


def warnings_text(found: Sequence[str], shown: int) -> Iterator[Piece]:
    """What is odd about the cases, a line each."""
    yield from (f"warning: {one_line(text, 400)}" for text in found[:shown])
    if len(found) > shown:
        yield f"... and {len(found) - shown} more"


def _sentence(scored: Scored) -> str:
    found, whole = scored.summary, scored.summary.whole
    said = f"{_name(scored.name)}: {whole.right} of {whole.n} answers are right"
    if whole.wrong is not None:
        share = f"{100 * (1 - whole.wrong.value):.1f} %"
        said += f", {share}; {_bounds(whole)} %, each bound with 95 % confidence"
    several = f"{found.empty} answers are" if found.empty > 1 else "1 answer is"
    empty = f" {several} empty, which is wrong." if found.empty else ""
    return f"{said}.{empty}"


def _losses(found: Summary) -> Iterator[Piece]:
    """The share of answers that are right, and of each loss among those of which it was asked."""
    asked = [name for name in LOSSES if found.whole.losses[name].asked]
    heads = ["answers", "right %", "bounds %", *asked]
    # Side by side in eighty columns, the leak included.
    table = _table("lost, in %", heads, gap=1 if LEAK in asked else 2)
    for group in (found.whole, *found.languages, *found.kinds):
        cells = [str(group.n), _right(group), _bounds(group)]
        cells += [_share(group, name) for name in asked]
        table.add_row(group.name, *cells)
    yield table
    tallies = ((name, found.whole.losses[name]) for name in asked)
    yield "lost: " + ", ".join(f"{name} {one.lost} of {one.asked}" for name, one in tallies)


def _told(slices: Sequence[SliceVerdict]) -> list[SliceVerdict]:
    """Shares of words, whose only judgement this is, and whatever is surely worse."""
    return [one for one in slices if one.status is Status.FAILED or one.name.startswith("words_")]


def _examples(title: str, found: Sequence[tuple[Judged, ...]], shown: int) -> Iterator[Piece]:
    """Some cases with what was asked, what was answered and why that is wrong."""
    if not found or shown < 1:
        return
    yield ""
    yield f"{title} ({min(shown, len(found))} of {len(found)} shown)"
    for one, *others in islice(found, shown):
        case = one.case
        yield f"  {case.id}, {case.language}, {case.kind}: {one_line(case.query, 200)}"
        yield f"    answer: {one_line(one.answer.text, 200)}"
        for other in others:
            yield f"    the other's: {one_line(other.answer.text, 200)}"
        yield f"    {one_line(one.reason, 300)}"


def _notes(columns: Sequence[tuple[str, Metrics]]) -> Iterator[str]:
    """Who computed what, and what is missing."""
    whole = columns[0][1]
    yield (
        f"EM, restored, BLEU (RUN): as RUN's scorer; of {whole.n} answers {whole.measured} have a "
        f"reference, and {whole.restoring} of those restore something"
    )
    yield "BLEU (RUN): nltk's corpus_bleu without smoothing, lower case"
    signatures = {m.sacre.signature: None for _, m in columns if m.sacre is not None}
    yield from (f"sacreBLEU: {signature}" for signature in signatures)
    if whole.rouge is not None:
        yield f"ROUGE: {rouge_name()}"
    if missing := missing_libraries():
        yield f"not installed: {', '.join(missing)}; for their rows: {INSTALL}"


def _table(first: str, names: Sequence[str], *, gap: int = 2) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim")
    for name in (first, *names):
        table.add_column(name, justify="left" if name == first else "right", no_wrap=True)
    return table


def _name(name: str) -> str:
    return one_line(name, 80)


def _share(group: Group, loss: str) -> str:
    tally = group.losses[loss]
    return f"{100 * tally.lost / tally.asked:.1f}" if tally.asked else _NONE


def _right(group: Group) -> str:
    return _NONE if group.wrong is None else f"{100 * (1 - group.wrong.value):.1f}"


def _bounds(group: Group) -> str:
    if group.wrong is None:
        return _NONE
    return f"{100 * (1 - group.wrong.upper):.1f} to {100 * (1 - group.wrong.lower):.1f}"
