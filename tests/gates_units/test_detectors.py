"""Every detector's losses count against one gate."""

from __future__ import annotations

import pytest

from evalsuite.detectors import PARTS, SHARES, Detector
from evalsuite.gates import Gate
from evalsuite.gates.detectors import GATE_OF
from evalsuite.runs.rows import ADVISORY


def test_every_detector_has_a_gate_but_that_of_remembered_cases_and_what_is_only_told() -> None:
    # A remembered case counts against the gate of its promise; a reference's loss decides nothing.
    assert set(Detector) - set(GATE_OF) == {Detector.REGRESSION, *ADVISORY}


@pytest.mark.parametrize(
    ("gate", "detectors"),
    [
        # Who speaks in a conversation: what goes in comes back, and an answer opens no turn.
        (Gate.TEMPLATE_ROUND_TRIP, {Detector.TEMPLATE_ROUND_TRIP, Detector.CONTROL_TOKEN}),
        # Two searches for leaks, and the control that tells how often the search cries wolf.
        (
            Gate.EXAMPLE_LEAKAGE,
            {Detector.LITERAL_LEAK, Detector.SWAP_LEAK, Detector.ABSENT_NAMES},
        ),
        # The whole rewrite, in what way it is wrong, and what runs before version 4 say of it.
        (
            Gate.PRONOUN_RESOLUTION,
            {Detector.RIGHT, *PARTS, *SHARES, Detector.PRONOUN_RESOLUTION},
        ),
        (Gate.FORGETTING, {Detector.SKILL_ANSWER, Detector.TEXT_LOSS}),
        # Questions about the adapter and comparisons with a champion: no detector of their own.
        (Gate.LIVENESS, set()),
        (Gate.REGRESSION, set()),
    ],
)
def test_a_gate_counts_what_its_detectors_find(gate: Gate, detectors: set[Detector]) -> None:
    assert {detector for detector, counted in GATE_OF.items() if counted is gate} == detectors
