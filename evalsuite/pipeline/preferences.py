"""Which fact a model finds likelier as the answer: the right one, or one of a distractor.

Where a question is answered in words, words decide. How likely the facts themselves are says the
same where an answer is too free to be read, and is told beside it; nothing is judged by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evalsuite.cases import Case
from evalsuite.detectors.retention import preference_score
from evalsuite.gates import Observation
from evalsuite.generation import Request
from evalsuite.pipeline.beside import Aside
from evalsuite.pipeline.questions import BOTH, Question
from evalsuite.pipeline.records import Drawn
from evalsuite.runs import PANEL, ScoreRow, Side
from evalsuite.tasks import Rewriting, continuation_ids

MOST = 12
"""Right facts of a case that are scored at most, and as many wrong ones."""


@dataclass(frozen=True, slots=True)
class _Asked:
    question: Question
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    requests: tuple[Request, ...]
    """For each of these, the right ones first."""


def facts_of(case: Case) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """How the right fact of a case may be written, and wrong ones; both empty: none to compare."""
    expect = case.expect
    if not expect.answers or not expect.not_answers:
        return (), ()
    return expect.answers[:MOST], expect.not_answers[:MOST]


def measure_preferences(drawn: Drawn) -> Aside:
    """Score every fact of the panel's questions as an answer, on both sides."""
    asked = list(_asked(drawn))
    every = [request for one in asked for request in one.requests]
    outputs = iter(drawn.engine.infer(every) if every else ())
    rows: list[ScoreRow] = []
    losses: dict[str, dict[Side, float | None]] = {}
    cases: dict[str, Question] = {}
    for one in asked:
        row, side = one.question.row, one.question.side
        logprobs = [next(outputs).logprobs for _ in one.requests]
        score = preference_score(row.case_id, one.right, one.wrong, logprobs).on(side.value)
        rows.append(ScoreRow.of(score, row, gate=""))
        losses.setdefault(row.case_id, {})[side] = score.value
        cases.setdefault(row.case_id, one.question)
    return Aside(
        rows=tuple(rows),
        preferences=tuple(
            Observation(
                case_id=name,
                cluster=question.row.cluster,
                language=question.row.language,
                kind=question.row.kind,
                candidate=losses[name].get(Side.CANDIDATE),
                baseline=losses[name].get(Side.BASELINE),
            )
            for name, question in cases.items()
        ),
    )


def _asked(drawn: Drawn) -> Iterator[_Asked]:
    template, context = drawn.inputs.template, drawn.inputs.context
    for question in drawn.questions:
        task = question.task
        if question.row.panel != PANEL or question.swapped or question.side not in BOTH:
            continue
        if not isinstance(task, Rewriting):
            continue
        right, wrong = facts_of(task.case)
        if not right:
            continue
        prompt = question.request.prompt
        requests = tuple(
            Request(
                prompt=prompt,
                target=continuation_ids(task, fact, template),
                adapter=question.request.adapter,
                conversation=question.request.conversation,
            )
            for fact in (*right, *wrong)
        )
        longest = max(len(request.target or ()) for request in requests)
        if len(prompt) + longest <= context:
            yield _Asked(question, right, wrong, requests)
