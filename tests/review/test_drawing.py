"""Which answers people read, and what they do not get to see."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.cases import Kind
from evalsuite.errors import InvalidInput, InvalidReview, RunError
from evalsuite.report import render_sheet
from evalsuite.review import Key, csv_text, draw, dump_key, load_key, sheets_of
from evalsuite.review.drawing import drawn
from evalsuite.review.key import KEY, parse_key
from evalsuite.review.population import Subject, Told, subjects_of
from evalsuite.runs.folder import Run
from tests.report.factory import hostile_run
from tests.review.world import Spec, specs, write_run


def subject(name: str, right: Told, copied: Told, kind: str, language: str) -> Subject:
    return Subject(
        panel="panel", case_id=name, output=name, language=language, kind=kind, cluster="c",
        history=(), query="q", answer="a", beside="", examples="e", expect=None, right=right,
        copied=copied,
    )  # fmt: skip


def test_half_is_accused_and_half_accepted(key: Key) -> None:
    assert Counter(row.subject.accused for row in key.rows) == {True: 20, False: 20}


def test_accused_strata_are_drawn_evenly_and_accepted_ones_by_size(key: Key) -> None:
    told = {(s.right, s.copied, s.kind, s.language): (s.drawn, s.size) for s in key.strata}
    accused = {k: v for k, v in told.items() if Told.ACCUSED in k[:2]}
    assert sorted(drawn for drawn, _ in accused.values()) == [6, 7, 7]
    accepted = {k[2]: v for k, v in told.items() if Told.ACCUSED not in k[:2]}
    assert accepted == {"single": (13, 100), "plural": (7, 60)} or accepted == {
        "single": (12, 100),
        "plural": (8, 60),
    }


def test_a_half_that_has_too_few_is_filled_by_the_other(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [*specs(50), *specs(3, wrong=True)])
    rows = draw(run, n=20).rows
    assert Counter(row.subject.accused for row in rows) == {True: 3, False: 17}
    assert len(draw(run, n=500).rows) == 53


def test_a_run_without_rewrites_has_nothing_to_review(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="nothing to review"):
        draw(write_run(tmp_path / "run", []))


@pytest.mark.parametrize("n", [0, 7])
def test_too_few_rows_are_refused(run: Run, n: int) -> None:
    with pytest.raises(InvalidInput, match=f"n={n} is too few"):
        draw(run, n=n)


SUBJECTS = st.lists(
    st.tuples(
        st.sampled_from(list(Told)),
        st.sampled_from(list(Told)),
        st.sampled_from(["single", "plural", "person", "noisy", "distant"]),
        st.sampled_from(["en", "zh"]),
    ),
    min_size=1,
    max_size=120,
).map(lambda rows: [subject(f"s{at}", *row) for at, row in enumerate(rows)])


@settings(deadline=None)
@given(SUBJECTS, st.integers(24, 60), st.integers(0, 5))
def test_every_answer_had_a_chance_and_none_is_drawn_twice(
    subjects: list[Subject], n: int, seed: int
) -> None:
    strata = drawn(subjects, n, seed)
    assert sum(one.size for one in strata) == len(subjects)
    assert all(1 <= len(one.subjects) <= one.size for one in strata)
    read = [one.case_id for stratum in strata for one in stratum.subjects]
    assert len(set(read)) == len(read) == min(n, len(subjects))
    for stratum in strata:
        assert len({(one.right, one.copied) for one in stratum.subjects}) == 1


def test_each_answer_is_drawn_as_often_as_the_key_says() -> None:
    subjects = [
        *(subject(f"a{at}", Told.ACCUSED, Told.ACCEPTED, "single", "en") for at in range(30)),
        *(subject(f"b{at}", Told.ACCEPTED, Told.ACCEPTED, "single", "en") for at in range(10)),
    ]
    times: Counter[str] = Counter()
    draws = 2000
    for seed in range(draws):
        times.update(one.case_id for s in drawn(subjects, 12, seed) for one in s.subjects)
    # 6 of 30 and 6 of 10; five standard errors.
    assert all(abs(times[f"a{at}"] / draws - 0.2) < 0.045 for at in range(30))
    assert all(abs(times[f"b{at}"] / draws - 0.6) < 0.055 for at in range(10))


def test_one_panel_can_be_read_alone(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [*specs(20), *specs(20, panel="everyday")])
    assert {row.subject.panel for row in draw(run, n=20, panels=["everyday"]).rows} == {"everyday"}
    assert sum(one.size for one in draw(run, n=20, panels=["everyday"]).strata) == 20
    with pytest.raises(InvalidInput, match=r"panel='everday' has no rewrites.*'everyday'"):
        draw(run, n=20, panels=["everday"])


def test_a_seed_decides_the_draw(run: Run) -> None:
    assert draw(run, n=40, seed=3) == draw(run, n=40, seed=3)
    assert draw(run, n=40, seed=4).rows != draw(run, n=40, seed=3).rows


def test_the_key_is_read_back_as_it_was_written(key: Key) -> None:
    assert parse_key(dump_key(key).encode(), "key.json") == key


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("evalsuite.review", "evalsuite.run", "is no key of a review"),
        ('"version": 1', '"version": 2', "is no key of a review in version 1"),
        ('"draw": ', '"drawn": ', "draw again"),
        ('"stratum": 0', '"stratum": 77', "draw again"),
        ("{", "", "is not JSON"),
    ],
)
def test_a_key_that_was_changed_is_refused(key: Key, old: str, new: str, words: str) -> None:
    with pytest.raises(InvalidReview, match=words):
        parse_key(dump_key(key).replace(old, new, 1).encode(), "key.json")


def test_a_folder_without_a_key_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidReview, match=KEY):
        load_key(tmp_path)


def test_raters_see_the_same_rows_in_an_order_of_their_own(key: Key) -> None:
    a, b = sheets_of(key)
    assert [one.code for one in a.entries] != [one.code for one in b.entries]
    assert sorted(one.code for one in a.entries) == sorted(one.code for one in b.entries)
    assert [one.code for one in a.entries] != sorted(one.code for one in a.entries)


def test_a_sheet_tells_neither_whose_answer_it_is_nor_what_was_said_of_it(key: Key) -> None:
    for sheet in sheets_of(key):
        for text in (csv_text(sheet), render_sheet(sheet.to_json())):
            # The style is that of every page.
            seen = re.sub("<style>.*?</style>", "", text, flags=re.DOTALL).casefold()
            for word in (
                "secret word", "accus", "accept", "leak", "detector", "verdict", "candidate",
                "baseline", "tiny-base", "literal", "named", "unasked", "plural", "stratum",
            ):  # fmt: skip
                assert word not in seen, word
            assert all(row.subject.output not in text for row in key.rows)


def test_the_answer_that_was_scored_is_shown_with_its_examples(tmp_path: Path) -> None:
    answers = [*specs(8), Spec(name="prefixed", answer="What?", written="Answer: What?")]
    subjects = subjects_of(write_run(tmp_path / "run", answers))
    assert {one.answer for one in subjects} == {"What is Flindo's price?", "What?"}
    assert [one.beside for one in subjects if one.beside] == ["Answer: What?"]
    assert all("Ostrava Loom" in one.examples for one in subjects)


def test_a_copy_in_the_answer_to_other_examples_is_not_held_against_this_one(
    tmp_path: Path,
) -> None:
    answers = [*specs(3, swapped="elsewhere"), *specs(2, swapped="here"), *specs(4)]
    run = write_run(tmp_path / "run", answers)
    told = Counter(one.copied for one in subjects_of(run))
    assert told == {Told.ACCEPTED: 7, Told.ACCUSED: 2}
    assert draw(run, n=8).elsewhere == 3


def test_nobody_is_measured_by_examples_that_were_not_kept(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", specs(9, leaks=True), examples=False)
    assert {one.copied for one in subjects_of(run)} == {Told.UNASKED}


def test_an_answer_that_no_detector_could_judge_is_not_drawn(tmp_path: Path) -> None:
    silent = Spec(name="silent", wrong=None, leaks=None, kind=Kind.NOISY)
    subjects = subjects_of(write_run(tmp_path / "run", [*specs(8), silent]))
    assert "silent" not in {one.case_id for one in subjects}


def test_hostile_text_is_harmless_on_the_page(tmp_path: Path) -> None:
    run = hostile_run(tmp_path / "run")
    found = subjects_of(run)
    key = draw(write_run(tmp_path / "other", specs(8)), n=8)
    rows = tuple(replace(row, subject=found[0]) for row in key.rows)
    sheet = sheets_of(replace(key, rows=rows))[0]
    page = render_sheet(sheet.to_json())
    assert "<script>alert" not in page
    assert page.count("</script>") == 2
    assert "\u202e" not in page + csv_text(sheet)
