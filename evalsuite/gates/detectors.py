"""Which gate judges what a detector found."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from evalsuite.detectors import Detector
from evalsuite.gates.verdict import Gate

GATE_OF: Mapping[Detector, Gate] = MappingProxyType(
    {
        Detector.TEMPLATE_ROUND_TRIP: Gate.TEMPLATE_ROUND_TRIP,
        Detector.CONTROL_TOKEN: Gate.TEMPLATE_ROUND_TRIP,
        Detector.LITERAL_LEAK: Gate.EXAMPLE_LEAKAGE,
        Detector.SWAP_LEAK: Gate.EXAMPLE_LEAKAGE,
        Detector.ABSENT_NAMES: Gate.EXAMPLE_LEAKAGE,
        Detector.RIGHT: Gate.PRONOUN_RESOLUTION,
        Detector.NAMED: Gate.PRONOUN_RESOLUTION,
        Detector.KEPT: Gate.PRONOUN_RESOLUTION,
        Detector.FORM: Gate.PRONOUN_RESOLUTION,
        Detector.UNTOUCHED: Gate.PRONOUN_RESOLUTION,
        Detector.WORDS_LOST: Gate.PRONOUN_RESOLUTION,
        Detector.WORDS_NEW: Gate.PRONOUN_RESOLUTION,
        Detector.SKILL_ANSWER: Gate.FORGETTING,
        Detector.TEXT_LOSS: Gate.FORGETTING,
    }
)
"""The gate that a detector's losses count against. A remembered regression has no gate of its own:
it counts against that of the promise which it broke."""
