"""Restoration scores reward what was restored, not what was copied."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.detectors import rewrite_metrics
from evalsuite.strategies import cases


def case(query: str, *rewrites: str, unchanged: bool = False) -> Case:
    return Case(
        id="c",
        language=Language.EN,
        kind=Kind.SINGLE,
        cluster="t",
        history=(),
        query=query,
        expect=Expectation(rewrites=rewrites, unchanged=unchanged, must_name=("x",)),
    )


def test_the_published_definition_on_a_hand_computed_example() -> None:
    # Restored: lung, cancer, 's against throat, cancer, 's. Bigrams with one: are-X, X-cancer,
    # cancer-'s, 's-symptoms. Trigrams: what-are-X, are-X-cancer, X-cancer-'s, cancer-'s-symptoms.
    metrics = rewrite_metrics(
        case("What are its symptoms?", "What are lung cancer's symptoms?"),
        "What are throat cancer's symptoms?",
    )
    assert metrics is not None
    assert metrics.f1 == pytest.approx(2 * 2 / (3 + 3))
    assert metrics.f2 == pytest.approx(2 * 2 / (4 + 4))
    assert metrics.f3 == pytest.approx(2 * 1 / (4 + 4))
    assert metrics.added_precision == pytest.approx(2 / 3)
    assert metrics.exact == 0.0


def test_copying_the_query_restores_nothing_though_most_words_agree() -> None:
    metrics = rewrite_metrics(
        case(
            "How is the price of it in the old town?", "How is the price of Dorun in the old town?"
        ),
        "How is the price of it in the old town?",
    )
    assert metrics is not None
    assert (metrics.f1, metrics.f2, metrics.f3) == (0.0, 0.0, 0.0)
    assert metrics.added_precision is None
    assert metrics.as_scores("c")[-1].value is None


def test_the_best_accepted_rewrite_counts() -> None:
    judged = case("Is it new?", "Is the Dorun phone new?", "Is Dorun new?")
    metrics = rewrite_metrics(judged, "is Dorun new")
    assert metrics is not None
    assert (metrics.exact, metrics.f1, metrics.added_precision) == (1.0, 1.0, 1.0)


def test_a_query_that_must_stay_is_its_own_reference() -> None:
    judged = case("Is Dorun new?", unchanged=True)
    kept, changed = rewrite_metrics(judged, judged.query), rewrite_metrics(judged, "Is Kelvo new?")
    assert kept is not None
    assert changed is not None
    assert (kept.exact, kept.f1) == (1.0, 1.0)
    assert (changed.exact, changed.f1, changed.added_precision) == (0.0, 0.0, 0.0)


def test_a_case_without_accepted_rewrites_has_no_metrics() -> None:
    assert rewrite_metrics(case("Is it new?"), "Is x new?") is None


@given(cases(), st.text(max_size=30))
def test_every_metric_is_a_share_and_a_right_answer_has_all_of_it(judged: Case, text: str) -> None:
    right, other = rewrite_metrics(judged, judged.reference or ""), rewrite_metrics(judged, text)
    assert right is not None
    assert other is not None
    assert (right.exact, right.f1, right.f2, right.f3) == (1.0, 1.0, 1.0, 1.0)
    losses = [score.value for score in other.as_scores(judged.id) if score.value is not None]
    assert all(0.0 <= loss <= 1.0 for loss in losses)
