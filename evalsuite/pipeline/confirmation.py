"""Cases in which the sides differ at low precision, asked again before they count.

In bfloat16 an answer depends a little on its batch and on rounding. Both directions are asked again
in float32, one at a time, so that no side gains; what the sides agree on then counts as agreement.
Which cases these are, candidate and base decide: a champion must not change what other gates see.
It is asked again about the same cases, so that what it is paired with is of one precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from evalsuite.detectors import PARTS
from evalsuite.engines import CachingEngine, open_engine
from evalsuite.engines.cache import request_key
from evalsuite.engines.numerics import Dtype
from evalsuite.errors import EngineError
from evalsuite.models import Tuned
from evalsuite.pipeline.answered import Answered
from evalsuite.pipeline.inputs import Inputs
from evalsuite.pipeline.measurement import measure
from evalsuite.pipeline.questions import BOTH, adapter_of, sides
from evalsuite.pipeline.records import Answers, Drawn, Event, work_of
from evalsuite.runs import Counts, FlipsInfo, Unit
from evalsuite.tasks import Text


def confirm_flips(drawn: Drawn, answers: Answers) -> Answers:
    """Ask again all cases that differ and were not asked again yet.

    A model that fits into memory only at low precision is judged as it was, and the reports say so.

    Returns:
        The answers that count now; their tuple is the same object where nothing was asked again.
    """
    float32 = drawn.inputs.numerics.dtype is Dtype.FLOAT32
    if float32 or (answers.flips and answers.flips.left_out):
        return answers
    new = _flipped(drawn, answers.answered) - answers.flipped
    flipped = answers.flipped | new
    again = [
        place
        for place, answer in enumerate(answers.answered)
        if (answer.question.row.panel, answer.question.row.case_id) in new
        and not isinstance(answer.question.task, Text)
    ]
    answered, work, identity = answers.answered, Counts(), answers.confirmed_by
    try:
        if again:
            drawn.engine.release()
            if drawn.resident is not None:
                drawn.resident.release()  # a model in float32 may not fit beside it
            answered, work, identity = _confirm(drawn, answers.answered, again)
    except EngineError as error:
        left_out = FlipsInfo(cases=len(flipped), explained=None, left_out=str(error))
        return replace(answers, flipped=flipped, flips=left_out)
    explained = flipped - _flipped(drawn, answered)
    return Answers(
        answered=answered,
        flipped=flipped,
        flips=FlipsInfo(cases=len(flipped), explained=len(explained)),
        confirming=answers.confirming + work,
        confirmed_by=identity,
    )


def _confirm(
    drawn: Drawn, before: Sequence[Answered], again: Sequence[int]
) -> tuple[tuple[Answered, ...], Counts, str]:
    """Replace the answers at the places in ``again`` by those in float32, one side at a time.

    Returns:
        All answers, the work that it took, and the identity of the engine.
    """
    answered, work, identity = list(before), Counts(), ""
    for side in sides(drawn.inputs):
        places = [place for place in again if answered[place].question.side is side]
        adapter = adapter_of(drawn.inputs, side)
        with closing(_confirming(drawn.inputs, () if adapter is None else (adapter,))) as engine:
            identity = engine.identity
            for done, place in enumerate(places):
                drawn.tell(Event("confirm", done, len(places)))
                question = answered[place].question
                [output] = engine.infer([question.request])
                key = request_key(engine.identity, question.request)
                answered[place] = Answered(question=question, output=output, key=key)
            work += work_of(engine)
            engine.release()
    return tuple(answered), work, identity


def _confirming(inputs: Inputs, adapters: Sequence[Tuned]) -> CachingEngine:
    return open_engine(
        inputs.base,
        adapters,
        cache=inputs.cache,
        numerics=replace(inputs.numerics, dtype=Dtype.FLOAT32),
    )


def _flipped(drawn: Drawn, answered: Sequence[Answered]) -> frozenset[tuple[str, str]]:
    """Panel and id of every case on which a detector judges candidate and base differently."""
    if not answered:
        return frozenset()
    measured = measure(drawn.inputs, drawn.samples, drawn.liveness, answered)
    parts = drawn.inputs.policy.gates.pronoun_resolution.decides
    decides = frozenset(parts) if len(set(parts)) < len(PARTS) else frozenset()
    losses: dict[tuple[str, str, str], set[float | None]] = {}
    for row in measured.scores:
        judged = row.unit is Unit.DEFECT and row.value is not None and row.panel
        # In what way two wrong rewrites are wrong is compared only where that decides.
        if judged and row.side in BOTH and (not row.detail or row.detector in decides):
            losses.setdefault((row.panel, row.case_id, row.detector), set()).add(row.value)
    return frozenset((panel, case) for (panel, case, _), seen in losses.items() if len(seen) > 1)
