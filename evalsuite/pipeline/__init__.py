"""One run of the gates: :func:`evaluate` is the pipeline that every face calls."""

from evalsuite.pipeline.answered import Answered
from evalsuite.pipeline.earlystop import judge_with_looks
from evalsuite.pipeline.inputs import Inputs, check, choose_policy, default_cache
from evalsuite.pipeline.measurement import Measured, measure, trip_id
from evalsuite.pipeline.plan import Share, plan
from evalsuite.pipeline.records import Event, Observed
from evalsuite.pipeline.request import GateRequest
from evalsuite.pipeline.steps import STEPS, evaluate, observe

__all__ = [
    "STEPS",
    "Answered",
    "Event",
    "GateRequest",
    "Inputs",
    "Measured",
    "Observed",
    "Share",
    "check",
    "choose_policy",
    "default_cache",
    "evaluate",
    "judge_with_looks",
    "measure",
    "observe",
    "plan",
    "trip_id",
]
