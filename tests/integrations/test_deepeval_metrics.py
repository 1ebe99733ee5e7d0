"""Detectors as deepeval's metrics: scores, reasons, and measurements that are missing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from evalsuite.errors import InvalidCase, InvalidInput, NotMeasured
from evalsuite.integrations.deepeval import (
    DETECTORS,
    Answered,
    Known,
    conversational_metric,
    conversational_test_case,
    llm_test_case,
    metric,
)
from evalsuite.models import BaseRef
from evalsuite.template import load_template
from tests.integrations.samples import ANSWERED, CASE, GOOD, LEAK, WRONG

deepeval = pytest.importorskip("deepeval")
SHAPES = ((metric, llm_test_case), (conversational_metric, conversational_test_case))
BARE = Answered(item=CASE, answer=GOOD)


@pytest.mark.parametrize(("make", "shape"), SHAPES)
def test_every_detector_is_a_metric_of_both_shapes(make: Any, shape: Any, nano: BaseRef) -> None:
    known = Known(template=load_template(nano.path))
    scores = {}
    for name in DETECTORS:
        measured = make(name, known=known)
        try:
            scores[name] = measured.measure(shape(ANSWERED))
        except NotMeasured:
            scores[name] = None
    unmeasured = {"control_token": None, "untouched": None}
    assert scores == {**dict.fromkeys(DETECTORS, 1.0), **unmeasured}


@pytest.mark.parametrize(("make", "shape"), SHAPES)
def test_a_defect_scores_zero_and_says_why(make: Any, shape: Any) -> None:
    measured = make("literal_leak")
    assert measured.measure(shape(ANSWERED.answering(LEAK))) == 0.0
    assert measured.is_successful() is measured.success is False
    assert measured.reason.startswith('The answer names "Ostrava Loom"')
    assert measured.verbose_logs == "25-37: Ostrava Loom"
    assert measured.score_breakdown == {"literal_leak": 0.0}
    assert measured.__name__ == "evalsuite literal_leak"


@pytest.mark.parametrize(("make", "shape"), SHAPES)
def test_measuring_again_forgets_the_test_case_before(
    make: Any, shape: Any, loop: asyncio.AbstractEventLoop
) -> None:
    measured = make("right")
    assert measured.measure(shape(ANSWERED.answering(WRONG))) == 0.0
    assert loop.run_until_complete(measured.a_measure(shape(ANSWERED))) == 1.0
    assert (measured.is_successful(), measured.verbose_logs, measured.error) == (True, "", None)


@pytest.mark.parametrize(("make", "shape"), SHAPES)
def test_a_missing_measurement_raises_and_is_neither_zero_nor_a_pass(make: Any, shape: Any) -> None:
    measured = make("literal_leak", threshold=0.0)
    measured.measure(shape(ANSWERED))
    with pytest.raises(NotMeasured, match="literal_leak was not measured: Nobody noted"):
        measured.measure(shape(BARE))
    assert (measured.score, measured.reason) == (None, None)
    assert measured.is_successful() is False
    assert "Nobody noted" in measured.error


@pytest.mark.parametrize(("make", "shape"), SHAPES)
@pytest.mark.parametrize("run_async", [True, False])
def test_no_option_of_deepeval_makes_a_missing_measurement_pass(
    make: Any, shape: Any, run_async: bool
) -> None:
    result = evaluated(
        [shape(BARE), shape(ANSWERED), shape(ANSWERED.answering(LEAK))],
        [make("literal_leak", threshold=0.0)],
        run_async=run_async,
    )
    found = [
        (one.success, one.metrics_data[0].score, one.metrics_data[0].error is not None)
        for one in sorted(result.test_results, key=lambda one: one.index)
    ]
    assert found == [(False, None, True), (True, 1.0, False), (True, 0.0, False)]


def evaluated(test_cases: list[Any], metrics: list[Any], *, run_async: bool = True) -> Any:
    configs = deepeval.evaluate.configs
    return deepeval.evaluate(
        test_cases,
        metrics,
        async_config=configs.AsyncConfig(run_async=run_async),
        display_config=configs.DisplayConfig(show_indicator=False, print_results=False),
        cache_config=configs.CacheConfig(write_cache=False),
        error_config=configs.ErrorConfig(ignore_errors=True, skip_on_missing_params=True),
    )


@pytest.mark.parametrize(("make", "shape"), SHAPES)
@pytest.mark.parametrize("run_async", [True, False])
def test_assert_test_passes_and_fails_like_the_detector(
    make: Any, shape: Any, run_async: bool
) -> None:
    both = [make("literal_leak"), make("right")]
    deepeval.assert_test(shape(ANSWERED), both, run_async=run_async)
    with pytest.raises(AssertionError, match="which is not meant"):
        deepeval.assert_test(shape(ANSWERED.answering(WRONG)), both, run_async=run_async)
    with pytest.raises(NotMeasured, match="Nobody noted"):
        deepeval.assert_test(shape(BARE), both, run_async=run_async)


def test_text_that_looks_like_a_picture_or_like_markup_is_text() -> None:
    hostile = "[DEEPEVAL:IMAGE:0] [/red] \x1b[31m [bold]"
    result = evaluated(
        [llm_test_case(ANSWERED.answering(f"{LEAK} {hostile}"))], [metric("literal_leak")]
    )
    assert [one.success for one in result.test_results] == [False]


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_outside_of_scores_is_refused(threshold: float) -> None:
    with pytest.raises(InvalidInput, match="must lie between 0 and 1"):
        metric("literal_leak", threshold=threshold)


def test_a_test_case_that_cannot_be_read_is_an_error_of_the_metric() -> None:
    measured = metric("right")
    with pytest.raises(InvalidCase, match="give expected_output"):
        measured.measure(deepeval.test_case.LLMTestCase(input="Why?", actual_output="Because."))
    assert measured.is_successful() is False


def test_one_metric_measures_many_test_cases_at_once() -> None:
    answers = [GOOD, LEAK] * 20
    cases = [llm_test_case(ANSWERED.answering(text)) for text in answers]
    result = evaluated(cases, [metric("literal_leak")])
    by_index = sorted(result.test_results, key=lambda one: one.index)
    assert [one.success for one in by_index] == [text == GOOD for text in answers]
