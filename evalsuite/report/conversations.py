"""One case as a reader sees it: its turns, what was expected, what each side answered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from evalsuite.report.safetext import Piece, pieces, shortened
from evalsuite.runs import PARTS, SKILLS, CaseRow, OutputRow, ScoreRow, Side, SpanRow
from evalsuite.runs.folder import Run

TITLES = {
    Side.CANDIDATE: "Candidate",
    Side.CHAMPION: "Champion",
    Side.BASELINE: "Baseline",
}
"""Sides in the order in which answers are shown."""


@dataclass(frozen=True, slots=True)
class Bubble:
    """One turn of a conversation."""

    role: str
    pieces: tuple[Piece, ...]
    query: bool = False
    """The turn that was to be rewritten."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one side answered."""

    title: str
    side: str
    pieces: tuple[Piece, ...]
    note: str = ""
    read: str | None = None
    """What the prompt's rule reads out of it, empty for nothing; None: all of it."""
    shown: str = ""
    """Name of the demonstrations that the prompt showed, or ''."""
    key: str = ""
    """Of the output."""
    logprob: str = ""
    """Of an answer that was scored and not written, in nats, as it is shown."""

    @property
    def label(self) -> str:
        """The title with the demonstrations that were shown."""
        return f"{self.title}, demonstrations {self.shown}" if self.shown else self.title


@dataclass(frozen=True, slots=True)
class Finding:
    """One detector's sentences about an answer; of a rewrite, those of each part that is lost."""

    detector: str
    explanation: str
    side: str = ""
    """Title of the side that it is about; empty: the candidate."""

    def __str__(self) -> str:
        """Of a rewrite the part that is lost, and why."""
        return (
            f"{self.detector}: {self.explanation}" if self.detector in PARTS else self.explanation
        )


def bubbles_of(
    said: Iterable[tuple[str, str]], query: str, *, rewritten: bool = True
) -> tuple[Bubble, ...]:
    """Return the turns of a conversation, its query last.

    Args:
        said: role and content of each turn before the query.
        query: what was asked last; empty: nothing.
        rewritten: whether the query was to be rewritten, and not done.
    """
    turns = tuple(Bubble(role, pieces(content)) for role, content in said)
    return (*turns, Bubble("user", pieces(query), query=rewritten)) if query else turns


def case_bubbles(case: CaseRow | None) -> tuple[Bubble, ...]:
    """Return the turns of a case. A skill is an instruction: nothing of it is rewritten."""
    if case is None:
        return ()
    said = ((message.role.value, message.content) for message in case.history)
    return bubbles_of(said, case.query, rewritten=case.panel != SKILLS)


def expected_of(case: CaseRow | None) -> tuple[str, ...]:
    """Return the accepted answers, the preferred one first."""
    if case is None or case.expect is None:
        return ()
    if case.expect.unchanged:
        return (shortened(case.query),)
    return tuple(shortened(rewrite) for rewrite in case.expect.rewrites)


def conditions_of(case: CaseRow | None, answers: Sequence[Answer] = ()) -> tuple[str, ...]:
    """Return what else was expected, each a short sentence.

    What must not be named is told of written answers; those to choose from are shown themselves.
    """
    expect = case.expect if case else None
    if expect is None:
        return ()
    found = []
    if expect.unchanged:
        found.append("The query must stay as it is.")
    if expect.must_name:
        found.append(f"Must name: {shortened(', '.join(expect.must_name), 300)}")
    if expect.aliases:
        found.append(f"May be called too: {shortened(', '.join(expect.aliases), 300)}")
    if expect.must_not_name and not any(answer.logprob for answer in answers):
        found.append(f"Must not name: {shortened(', '.join(expect.must_not_name), 300)}")
    if expect.extractive:
        found.append("Only words of the history are put back: every word counts.")
    if expect.free:
        found.append("Worded freely: what it names decides, and its form.")
    return tuple(found)


def answers_of(
    run: Run,
    place: tuple[str, str],
    failed: Sequence[ScoreRow],
    before: Sequence[ScoreRow] = (),
) -> tuple[Answer, ...]:
    """Return what each side answered to a case, two answers of a side at most.

    Of answers to choose from each side shows all, what it finds likeliest first.

    Args:
        run: the run.
        place: panel and case id.
        failed: of the candidate; the outputs that they looked at are shown, with what they marked.
        before: the same of another side.
    """
    answers: list[Answer] = []
    for side in TITLES:
        scores = failed if side is Side.CANDIDATE else [s for s in before if s.side is side]
        rows = run.output_index.get((*place, side), ())
        wanted = dict.fromkeys(key for score in scores for key in score.outputs)
        if wanted:
            # Reversed: where the same was asked twice, the first row of a key stands for both.
            by_key = {row.key: row for row in reversed(rows)}
            rows = tuple(by_key[key] for key in wanted if key in by_key)
        # Two where a detector compared two, as with a counterfactual prompt; else one is enough.
        shown = rows[: 2 if wanted else 1]
        if len(rows) > 1 and not any(row.generated for row in rows):
            shown = tuple(
                sorted(rows, key=lambda row: math.inf if row.logprob is None else -row.logprob)
            )
        answers += [_answer(row, _spans(scores, row, rows[0])) for row in shown]
    return tuple(answers)


def _spans(scores: Sequence[ScoreRow], row: OutputRow, first_row: OutputRow) -> tuple[SpanRow, ...]:
    """Return the spans that refer to ``row``: those of scores that looked at it first."""
    return tuple(
        # Of a rewrite a reader asks what is wrong with a place, and in what way.
        replace(span, label=f"{score.detector}: {span.label}") if score.detail else span
        for score in scores
        if (score.outputs[0] == row.key if score.outputs else row is first_row)
        for span in score.spans
    )


def _answer(row: OutputRow, spans: Sequence[SpanRow]) -> Answer:
    scored = not row.generated
    note = "cut off at the token limit" if row.finish == "length" else ""
    return Answer(
        title=TITLES[row.side],
        side=row.side.value,
        pieces=pieces(row.text, spans),
        note=note,
        read=None if row.answer is None else shortened(row.answer, 300),
        shown=row.demonstrations,
        key=row.key,
        logprob=f"{row.logprob:.1f} nats" if scored and row.logprob is not None else "",
    )
