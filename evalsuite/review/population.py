"""What of a run can be read by people: the candidate's rewrites, and what was said of each.

One answer stands for one case: that to the prompt with the case's own demonstrations. What the
answer under other demonstrations shows is no part of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from evalsuite.cases import Expectation
from evalsuite.conversation import Message
from evalsuite.detectors import Detector
from evalsuite.errors import RunError
from evalsuite.gates.verdict import Gate
from evalsuite.review.sheet import spoken
from evalsuite.runs import (
    PROPERTIES,
    REGRESSIONS,
    SKILLS,
    TEXTS,
    CaseRow,
    OutputRow,
    ScoreRow,
    Side,
)
from evalsuite.runs.base import CLOSED
from evalsuite.runs.folder import Run

_NO_REWRITES = frozenset({PROPERTIES, REGRESSIONS, SKILLS, TEXTS})


class Topic(StrEnum):
    """What is asked about an answer, of detectors and of people alike."""

    RIGHT = "right"
    """Is the rewrite right?"""
    COPIED = "copied"
    """Does it copy something from the examples in its prompt?"""

    @property
    def gate(self) -> Gate:
        """The gate that decides by it."""
        return Gate.PRONOUN_RESOLUTION if self is Topic.RIGHT else Gate.EXAMPLE_LEAKAGE


class Told(StrEnum):
    """What the detectors of a topic said about an answer."""

    ACCEPTED = "accepted"
    ACCUSED = "accused"
    UNASKED = "unasked"
    """None looked, or none could tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One answer, with all that a person needs to judge it and to find it again."""

    __pydantic_config__ = CLOSED

    panel: str
    case_id: str
    output: str
    """Key of the answer in the run."""
    language: str
    kind: str
    cluster: str
    history: tuple[Message, ...]
    query: str
    answer: str
    """What the prompt's rule read; what a user would be shown."""
    beside: str
    """All that was written, where that is more than the answer; else empty."""
    examples: str
    """What the demonstrations in the prompt said; empty: there were none, or nobody kept them."""
    expect: Expectation | None
    right: Told
    copied: Told
    elsewhere: bool = False
    """Whether a copy was found only in the answer under other demonstrations, which is not this."""

    def told(self, topic: Topic) -> Told:
        """What the detectors of a topic said."""
        return self.right if topic is Topic.RIGHT else self.copied

    @property
    def accused(self) -> bool:
        """Whether any of them accused it."""
        return Told.ACCUSED in (self.right, self.copied)


def subjects_of(run: Run) -> tuple[Subject, ...]:
    """Return every answer of the candidate that a detector judged, in the order of the cases.

    Raises:
        RunError: the run has none.
    """
    scores: dict[tuple[str, str], dict[str, ScoreRow]] = {}
    for score in run.scores:
        if score.side is Side.CANDIDATE and score.panel not in _NO_REWRITES:
            scores.setdefault((score.panel, score.case_id), {})[score.detector] = score
    outputs: dict[tuple[str, str], list[OutputRow]] = {}
    for output in run.outputs:
        if output.side is Side.CANDIDATE and output.generated:
            outputs.setdefault((output.panel, output.case_id), []).append(output)
    examples = {
        row.name: "\n\n".join(
            f"{spoken(one.history)}\nUser: {one.query}\nRewrite: {one.rewrite}".strip()
            for one in row.shown
        )
        for row in run.demonstrations
    }
    # Sheets ask of rewrites; of an answer another question would have to be asked.
    rewrites = [row for row in run.cases if row.expect is None or not row.expect.is_answered]
    found = tuple(_subjects(rewrites, scores, outputs, examples))
    if not found:
        raise RunError(
            f"the run in {str(run.folder)!r} has no rewrite that detectors judged, so there is "
            "nothing to review; name a run whose policy asks for rewrites"
        )
    return found


def _subjects(
    cases: Iterable[CaseRow],
    scores: Mapping[tuple[str, str], Mapping[str, ScoreRow]],
    outputs: Mapping[tuple[str, str], list[OutputRow]],
    examples: Mapping[str, str],
) -> Iterable[Subject]:
    for case in cases:
        place = case.panel, case.case_id
        said, answers = scores.get(place), outputs.get(place)
        if not said or not answers:
            continue
        subject = _subject(case, said, _looked_at(said, answers), examples)
        if {subject.right, subject.copied} != {Told.UNASKED}:
            yield subject


def _looked_at(said: Mapping[str, ScoreRow], answers: list[OutputRow]) -> OutputRow:
    """The answer that the scores are about: their first output, else the first of the case."""
    keys = {score.outputs[0] for score in said.values() if score.outputs}
    return next((one for one in answers if one.key in keys), answers[0])


def _subject(
    case: CaseRow, said: Mapping[str, ScoreRow], output: OutputRow, examples: Mapping[str, str]
) -> Subject:
    shown = examples.get(output.demonstrations, "")
    answer = output.text if output.answer is None else output.answer
    swapped = said.get(Detector.SWAP_LEAK)
    literal = _told(said.get(Detector.LITERAL_LEAK))
    here = swapped is not None and swapped.failed and bool(swapped.spans)
    copied = Told.ACCUSED if here else literal
    return Subject(
        panel=case.panel,
        case_id=case.case_id,
        output=output.key,
        language=case.language,
        kind=case.kind,
        cluster=case.cluster,
        history=case.history,
        query=case.query,
        answer=answer,
        beside=output.text if output.text.strip() != answer.strip() else "",
        examples=shown,
        expect=case.expect,
        right=_told(said.get(Detector.RIGHT)),
        # Nobody can say whether an answer copies what he is not shown.
        copied=copied if shown else Told.UNASKED,
        elsewhere=swapped is not None and swapped.failed and copied is Told.ACCEPTED,
    )


def _told(score: ScoreRow | None) -> Told:
    if score is None or score.value is None:
        return Told.UNASKED
    return Told.ACCUSED if score.failed else Told.ACCEPTED
