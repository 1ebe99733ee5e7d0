"""What many answers come to."""

from __future__ import annotations

import pytest

from evalsuite.answers import Answer, Judged, Tally, judge_answers, summarise
from evalsuite.cases import Case, Kind, Language
from evalsuite.rewrites import Standard
from evalsuite.statistics import clustered_rate
from tests.answers.samples import case, stays

GOOD, BAD = "What is Flindo's price?", "What is its price?"


def some(*texts: tuple[Case, str]) -> tuple[Judged, ...]:
    return judge_answers([one for one, _ in texts], [Answer(one.id, text) for one, text in texts])


def test_the_interval_is_the_one_that_gates_judge() -> None:
    pairs = [
        (case(f"c{at}", cluster=f"cluster-{at // 4}"), BAD if at % 5 == 0 else GOOD)
        for at in range(60)
    ]
    whole = summarise(some(*pairs)).whole
    wrong = [float(text == BAD) for _, text in pairs]
    assert whole.wrong == clustered_rate(wrong, [one.cluster for one, _ in pairs], 0.95)
    assert (whole.n, whole.right) == (60, 48)
    assert whole.losses["named"] == Tally(12, 60)
    assert whole.losses["untouched"] == Tally(0, 0)


def test_languages_and_kinds_stand_apart_where_there_are_several() -> None:
    found = summarise(
        some(
            (case("en"), GOOD),
            (case("en-ordinal", kind=Kind.ORDINAL), BAD),
            (case("zh", language=Language.ZH), "Flindo的价格？"),
            (stays(), ""),
        )
    )
    assert [(one.name, one.n) for one in found.languages] == [("en", 3), ("zh", 1)]
    kinds = [(one.name, one.n) for one in found.kinds]
    assert kinds == [("single", 2), ("ordinal", 1), ("standalone", 1)]
    assert found.standards == {Standard.STAYS: 1, Standard.AUTHORED: 3}
    assert found.empty == 1
    assert list(found.metrics) == ["all", "en", "zh"]


def test_one_language_and_one_kind_need_no_groups() -> None:
    found = summarise(some((case("a"), GOOD), (case("b"), BAD)))
    assert (found.languages, found.kinds, list(found.metrics)) == ((), (), ["all"])
    assert found.metrics["all"].exact == pytest.approx(0.5)
    assert found.metrics["all"].needs.right == 1
