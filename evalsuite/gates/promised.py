"""Which gate each promise about an answer belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from evalsuite.detectors.promises import Promise
from evalsuite.gates.verdict import Gate

GATE_OF: Mapping[Promise, Gate] = MappingProxyType(
    {
        Promise.ROUND_TRIP: Gate.TEMPLATE_ROUND_TRIP,
        Promise.NO_CONTROL: Gate.TEMPLATE_ROUND_TRIP,
        Promise.NO_LEAK: Gate.EXAMPLE_LEAKAGE,
        Promise.UNCHANGED: Gate.PRONOUN_RESOLUTION,
        Promise.RESOLVED: Gate.PRONOUN_RESOLUTION,
        Promise.KEPT: Gate.FORGETTING,
    }
)
"""The gate that a broken promise counts against."""
