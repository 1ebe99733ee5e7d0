"""Which gate judges what a detector found."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from evalsuite.detectors import PARTS, SHARES, Detector
from evalsuite.gates.verdict import Gate

GATE_OF: Mapping[Detector, Gate] = MappingProxyType(
    {
        Detector.TEMPLATE_ROUND_TRIP: Gate.TEMPLATE_ROUND_TRIP,
        Detector.CONTROL_TOKEN: Gate.TEMPLATE_ROUND_TRIP,
        Detector.LITERAL_LEAK: Gate.EXAMPLE_LEAKAGE,
        Detector.SWAP_LEAK: Gate.EXAMPLE_LEAKAGE,
        Detector.ABSENT_NAMES: Gate.EXAMPLE_LEAKAGE,
        **dict.fromkeys((Detector.RIGHT, *PARTS, *SHARES), Gate.PRONOUN_RESOLUTION),
        Detector.PRONOUN_RESOLUTION: Gate.PRONOUN_RESOLUTION,
        Detector.SKILL_ANSWER: Gate.FORGETTING,
        Detector.TEXT_LOSS: Gate.FORGETTING,
    }
)
"""The gate that a detector's losses count against. A remembered regression has no gate of its own:
it counts against that of the promise which it broke."""
