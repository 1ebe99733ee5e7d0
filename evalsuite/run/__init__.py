"""One run of the gates: :func:`evaluate` is the pipeline that every face calls."""

from evalsuite.run.inputs import GateRequest, Inputs, check, choose_policy, default_cache
from evalsuite.run.pipeline import STEPS, evaluate, judge_with_looks, observe
from evalsuite.run.scoring import Answered, Measured, measure, trip_id
from evalsuite.run.state import Event, State

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
