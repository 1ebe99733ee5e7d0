"""One run of the gates: :func:`evaluate` is the pipeline that every face calls."""

from evalsuite.pipeline.inputs import GateRequest, Inputs, check, choose_policy, default_cache
from evalsuite.pipeline.scoring import Answered, Measured, measure, trip_id
from evalsuite.pipeline.state import Event, State
from evalsuite.pipeline.steps import STEPS, evaluate, judge_with_looks, observe

__all__ = [
    "STEPS",
    "Answered",
    "Event",
    "GateRequest",
    "Inputs",
    "Measured",
    "State",
    "check",
    "choose_policy",
    "default_cache",
    "evaluate",
    "judge_with_looks",
    "measure",
    "observe",
    "trip_id",
]
