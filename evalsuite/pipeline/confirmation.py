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

from evalsuite.engines import CachingEngine, open_engine
from evalsuite.engines.cache import request_key
from evalsuite.engines.numerics import Dtype
from evalsuite.errors import EngineError
from evalsuite.models import AdapterRef
from evalsuite.pipeline.questions import BOTH, adapter_of, sides
from evalsuite.pipeline.scoring import Answered, measure
from evalsuite.pipeline.state import Event, State, work_of
from evalsuite.runs import FlipsInfo, Unit


def confirm_flips(state: State) -> bool:
    """Replace the answers of all cases that were not asked again yet and differ; tell whether any.

    A model that fits into memory only at low precision is judged as it was, and the reports say so.
    """
    if state.inputs.numerics.dtype is Dtype.FLOAT32 or (state.flips and state.flips.left_out):
        return False
    new = _flipped(state) - state.flipped
    state.flipped |= new
    again = [
        place
        for place, answer in enumerate(state.answered)
        if (answer.question.row.panel, answer.question.row.case_id) in new
        and answer.question.request.target is None
    ]
    answered = list(state.answered)
    try:
        if again:
            state.engine.release()
            _confirm(state, answered, again)
    except EngineError as error:
        state.flips = FlipsInfo(cases=len(state.flipped), explained=None, left_out=str(error))
        return False
    state.answered = tuple(answered)
    explained = state.flipped - _flipped(state)
    state.flips = FlipsInfo(cases=len(state.flipped), explained=len(explained))
    return bool(again)


def _confirm(state: State, answered: list[Answered], again: Sequence[int]) -> None:
    """Replace the answers at the places in ``again`` by those in float32, one side at a time."""
    for side in sides(state.inputs):
        places = [place for place in again if answered[place].question.side is side]
        adapter = adapter_of(state.inputs, side)
        with closing(_confirming(state, () if adapter is None else (adapter,))) as engine:
            for done, place in enumerate(places):
                state.tell(Event("confirm", done, len(places)))
                question = answered[place].question
                [output] = engine.infer([question.request])
                key = request_key(engine.identity, question.request)
                answered[place] = Answered(question=question, output=output, key=key)
            state.confirming += work_of(engine)
            engine.release()


def _confirming(state: State, adapters: Sequence[AdapterRef]) -> CachingEngine:
    return open_engine(
        state.inputs.base,
        adapters,
        cache=state.inputs.cache,
        numerics=replace(state.inputs.numerics, dtype=Dtype.FLOAT32),
    )


def _flipped(state: State) -> set[tuple[str, str]]:
    """Panel and id of every case on which a detector judges candidate and base differently."""
    if not state.answered:
        return set()
    measured = measure(state.inputs, state.samples, state.liveness, state.answered)
    losses: dict[tuple[str, str, str], set[float | None]] = {}
    for row in measured.scores:
        judged = row.unit is Unit.DEFECT and row.value is not None and row.panel
        if judged and row.side in BOTH:
            losses.setdefault((row.panel, row.case_id, row.detector), set()).add(row.value)
    return {(panel, case) for (panel, case, _), seen in losses.items() if len(seen) > 1}
