"""One run of the gates: :func:`evaluate` is the pipeline that every face calls."""

from evalsuite.run.inputs import GateRequest, Inputs, check, choose_policy, default_cache
from evalsuite.run.pipeline import STEPS, Event, evaluate

__all__ = [
    "STEPS",
    "Event",
    "GateRequest",
    "Inputs",
    "check",
    "choose_policy",
    "default_cache",
    "evaluate",
]
