"""The same rewrites with the history sent the other way: as real turns, or packed into one text.

That a history was templated wrongly shows only where it goes through the chat template turn by
turn; a packed one is one text to it. An adapter that resolves references in one form alone has
learned the form. Shown, and decided by nobody: it was trained for one of the two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from evalsuite.cases import Wanted
from evalsuite.detectors import Detector, Score
from evalsuite.gates import Observation
from evalsuite.generation import Output, Request
from evalsuite.pipeline.beside import Aside
from evalsuite.pipeline.questions import Question, request_of
from evalsuite.pipeline.records import Drawn
from evalsuite.prompts import DEFAULT_FORMAT, Prompt
from evalsuite.runs import PANEL, ScoreRow, Side
from evalsuite.tasks import Rewriting, score

TURNS = "chat"
"""The format that sends a history as turns."""


@dataclass(frozen=True, slots=True)
class _Asked:
    question: Question
    task: Rewriting
    other: Rewriting
    """The same with the history sent the other way."""
    request: Request
    """That asks for it."""


def sends_turns(prompt: Prompt) -> bool:
    """Whether a prompt sends the history as turns."""
    return prompt.format == TURNS


def other_way(task: Rewriting) -> Rewriting:
    """The task with its history packed where it was sent as turns, and the other way round."""
    prompt = task.prompt
    return replace(task, prompt=prompt.in_format(DEFAULT_FORMAT if sends_turns(prompt) else TURNS))


def measure_turns(drawn: Drawn) -> Aside:
    """Ask the first cases of each language both ways, of the candidate alone."""
    asked = list(_asked(drawn))
    if not asked:
        return Aside()
    # What the run has asked already comes out of the cache.
    usual = drawn.engine.infer([one.question.request for one in asked])
    others = drawn.engine.infer([one.request for one in asked])
    rows: list[ScoreRow] = []
    seen: list[Observation] = []
    for one, mine, theirs in zip(asked, usual, others, strict=True):
        row = one.question.row
        found = {True: _right(one.task, mine), False: _right(one.other, theirs)}
        rows.append(ScoreRow.of(replace(found[False], detector=Detector.AS_TURNS), row, gate=""))
        turns = sends_turns(one.task.prompt)
        seen.append(
            Observation(
                case_id=row.case_id,
                cluster=row.cluster,
                language=row.language,
                kind=row.kind,
                candidate=found[turns].value,
                baseline=found[not turns].value,
            )
        )
    return Aside(rows=tuple(rows), as_turns=tuple(seen))


def _right(task: Rewriting, output: Output) -> Score:
    (found,) = score(task, output, detectors={Detector.RIGHT})
    return found


def _asked(drawn: Drawn) -> Iterator[_Asked]:
    rule = drawn.inputs.policy.gates.pronoun_resolution.as_turns
    left = Counter({language.value: n for language, n in rule.panel.items()} if rule else {})
    for question in drawn.questions:
        task, row = question.task, question.row
        if row.panel != PANEL or question.side is not Side.CANDIDATE or question.swapped:
            continue
        if not isinstance(task, Rewriting) or task.prompt.wanted is not Wanted.REWRITE:
            continue
        if task.prompt.layout is not None:
            # It says in its own words what an answer looks like, and another format would not.
            continue
        if left[row.language] < 1 or row.case_id not in drawn.samples.pronouns:
            continue
        other = other_way(task)
        request = request_of(drawn.inputs.template, other)
        if len(request.prompt) + request.sampling.max_tokens <= drawn.inputs.context:
            left[row.language] -= 1
            request = replace(request, adapter=question.request.adapter)
            yield _Asked(question, task, other, request)
