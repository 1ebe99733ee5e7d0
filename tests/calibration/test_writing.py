"""The file of a proposed policy can be read, whatever base, reference and policy are called."""

from __future__ import annotations

import pytest

from evalsuite.calibration.limits import Measure, Proposal, Unit, propose
from evalsuite.calibration.writing import policy_text
from evalsuite.cases import Language
from evalsuite.gates import load_policy, parse_policy
from evalsuite.statistics import clustered_rate


def proposal(failures: int, limit: float) -> Proposal:
    losses = [float(i < failures) for i in range(900)]
    measure = Measure(
        name="example_leakage.literal",
        unit=Unit.RATE,
        estimate=clustered_rate(losses, [str(i) for i in range(900)]),
        limit=limit,
        panel=1200,
    )
    return propose(measure, most=2400, power=0.9, confidence=0.95)


@pytest.mark.parametrize(
    ("name", "base", "adapter"),
    [
        ("default", "nano", "good"),
        ("x" * 80, "Qwen/Qwen2.5-3B-Instruct@main#chatml", "a: b"),
        ("default", "models/[new] 'one'", 'the "best" # one'),
    ],
)
def test_what_is_written_is_a_policy(name: str, base: str, adapter: str) -> None:
    started = load_policy("default").model_copy(update={"name": name})
    text = policy_text(
        started,
        "default",
        [proposal(0, 0.02)],
        skills=("capital",),
        languages=tuple(Language),
        base=base,
        adapter=adapter,
    )
    read = parse_policy(text)
    assert read.name == f"{name[:69]}-calibrated"
    assert read.description == f"Calibrated with {adapter} on {base}."
    assert read.gates.forgetting.skills.seeded == ("capital",)
    # Nothing is tightened or loosened that did not have to be.
    assert read.gates.example_leakage.literal == started.gates.example_leakage.literal
    assert read.gates.example_leakage.panel != started.gates.example_leakage.panel


def test_a_limit_that_a_language_needs_is_written_with_all_slices() -> None:
    started = load_policy("nano")
    (language, *others) = started.gates.pronoun_resolution.slices
    measure = Measure(
        name="pronoun_resolution.failure_rate.en",
        unit=Unit.RATE,
        estimate=clustered_rate(
            [1.0] * 27 + [0.0] * 273, [str(n) for n in range(300)], 0.95, assumed_icc=0.3
        ),
        limit=language.limit,
        panel=150,
        language="en",
    )
    found = propose(measure, most=300, power=0.9, confidence=0.95)
    assert found.limit is not None
    assert found.limit > language.limit
    read = parse_policy(
        policy_text(
            started,
            "nano",
            [found],
            skills=("copy",),
            languages=tuple(Language),
            base="nano",
            adapter="good",
        )
    )
    moved, *kept = read.gates.pronoun_resolution.slices
    assert moved == language.model_copy(update={"limit": float(f"{found.limit:.4g}")})
    assert kept == others
    assert read.gates.example_leakage.slices == started.gates.example_leakage.slices


def test_only_a_limit_that_moved_is_written() -> None:
    def text(failures: int) -> str:
        return policy_text(
            load_policy("default"),
            "default",
            [proposal(failures, 0.02)],
            skills=("capital",),
            languages=tuple(Language),
            base="nano",
            adapter="good",
        )

    assert "literal: {limit" not in text(0)
    moved = parse_policy(text(17)).gates.example_leakage.literal.limit
    assert 0.02 < moved <= 0.04
    assert f"literal: {{limit: {moved:.4g}}}" in text(17)
