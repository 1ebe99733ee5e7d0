"""Four published models, compared as their authors compare them."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest
from scipy.stats import binomtest

from evalsuite.statistics import paired_difference

MODELS = ("6b_finetuning", "175b_finetuning", "6b_verification", "175b_verification")
"""From the weakest to the strongest: 21.7, 34.7, 39.0 and 56.3 % on the whole question set."""


@pytest.fixture(scope="module")
def answers(public_data: Path) -> dict[str, list[float]]:
    lines = (public_data / "gsm8k/example_model_solutions.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    return {name: [float(not row[name]["is_correct"]) for row in rows] for name in MODELS}


def test_four_published_models_are_ordered_as_their_authors_say(
    answers: dict[str, list[float]],
) -> None:
    questions = [str(i) for i in range(len(answers[MODELS[0]]))]
    for weaker, stronger in combinations(MODELS, 2):
        estimate = paired_difference(answers[weaker], answers[stronger], questions)
        pairs = list(zip(answers[weaker], answers[stronger], strict=True))
        b, c = pairs.count((1.0, 0.0)), pairs.count((0.0, 1.0))
        assert estimate.value == pytest.approx((b - c) / len(pairs))
        assert estimate.value > 0
        # The score interval and McNemar's exact test say the same at the same level, either way.
        worse, better = (
            binomtest(b, b + c, alternative=side).pvalue for side in ("greater", "less")
        )
        assert (estimate.lower > 0) == (worse < 0.05)
        assert better > 0.5
