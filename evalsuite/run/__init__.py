"""One run of the gates: :func:`evaluate` is the pipeline that every face calls."""

from evalsuite.run.inputs import GateRequest, Inputs, default_cache
from evalsuite.run.pipeline import STEPS, Event, evaluate

__all__ = ["STEPS", "Event", "GateRequest", "Inputs", "default_cache", "evaluate"]
