"""Two runs, case by case: made without a model where outcomes are planted, with nano at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.cli import main
from evalsuite.detectors import Detector
from evalsuite.errors import RunError
from evalsuite.gates import Gate
from evalsuite.pipeline import GateRequest, evaluate
from evalsuite.report import comparison_markdown
from evalsuite.report.comparison import sentence
from evalsuite.rewrites import Standard
from evalsuite.runs import CaseRow, ScoreRow, Side, Status, Unit
from evalsuite.runs.comparison import Bucket, asked_differently, compare
from evalsuite.runs.folder import Run, RunWriter
from tests.report.factory import HOSTILE, PASSING, hostile_run, info, write_run

GATE = "example_leakage"
OUTCOMES = st.sampled_from([0.0, 1.0, None])


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return write_run(tmp_path_factory.mktemp("passed") / "run")


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return write_run(tmp_path_factory.mktemp("failed") / "run", failing=True)


def run_of(
    folder: Path, outcomes: Sequence[float | None], *, unit: Unit = Unit.DEFECT, seed: int = 1
) -> Run:
    """A run with one case for each outcome, each a cluster of its own."""
    cases = [
        CaseRow(panel="panel", case_id=f"c{i}", language=("en", "zh")[i % 2], kind="single",
                cluster=f"k{i}", query=f"q{i}")
        for i in range(len(outcomes))
    ]  # fmt: skip
    scores = [
        ScoreRow(detector="d", gate=GATE, case_id=case.case_id, side=Side.CANDIDATE, value=value,
                 explanation="wrong", panel="panel", cluster=case.cluster, unit=unit)
        for case, value in zip(cases, outcomes, strict=True)
    ]  # fmt: skip
    with RunWriter(folder) as writer:
        writer.add_cases(cases)
        writer.add_outputs([])
        writer.add_scores(scores)
        writer.set_verdicts(PASSING, ())
        return writer.finish(replace(info(folder.parent), seeds={"panel": seed}))


def counts(before: Run, after: Run) -> Mapping[Bucket, int]:
    return next(g.counts for g in compare(before, after).gates if g.gate == GATE)


def test_every_case_falls_into_the_bucket_of_its_two_outcomes(passed: Run, failed: Run) -> None:
    regressed = dict.fromkeys(Bucket, 0) | {Bucket.REGRESSED: 4, Bucket.UNCHANGED: 2}
    assert counts(passed, failed) == regressed
    fixed = dict.fromkeys(Bucket, 0) | {Bucket.FIXED: 4, Bucket.UNCHANGED: 2}
    assert counts(failed, passed) == fixed
    still = dict.fromkeys(Bucket, 0) | {Bucket.STILL_FAILING: 4, Bucket.UNCHANGED: 2}
    assert counts(failed, failed) == still


def test_a_change_shows_both_answers_and_what_is_wrong(passed: Run, failed: Run) -> None:
    gate = next(g for g in compare(passed, failed).gates if g.gate == GATE)
    change = next(c for c in gate.changes if c.bucket is Bucket.REGRESSED)
    assert change.answers == (
        "How is Velmora's memory management?",
        "How is the memory management of the Ostrava Loom?",
    )
    assert "names Ostrava Loom" in change.after[0].explanation
    shown = comparison_markdown(compare(passed, failed))
    assert "before: How is Velmora's memory management?" in shown
    assert "| example\\_leakage | 4 | 0 | 0 | 2 |" in shown


@settings(max_examples=25, deadline=None)
@given(pairs=st.lists(st.tuples(OUTCOMES, OUTCOMES), min_size=1, max_size=12))
def test_swapping_the_runs_swaps_regressed_and_fixed(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[float | None, float | None]]
) -> None:
    folder = tmp_path_factory.mktemp("swap")
    old = run_of(folder / "old" / "run", [a for a, _ in pairs])
    new = run_of(folder / "new" / "run", [b for _, b in pairs])
    there, back = compare(old, new), compare(new, old)
    assert there.counts[Bucket.REGRESSED] == back.counts[Bucket.FIXED]
    assert there.counts[Bucket.FIXED] == back.counts[Bucket.REGRESSED]
    [gate] = there.gates
    measured = [(a, b) for a, b in pairs if a is not None and b is not None]
    assert sum(there.counts.values()) == len(measured)
    assert gate.unmeasured == len(pairs) - len(measured)
    if measured:
        worse = there.counts[Bucket.REGRESSED] - there.counts[Bucket.FIXED]
        assert gate.whole.value == pytest.approx(worse / len(measured))


@pytest.mark.parametrize(
    ("worse", "cases", "status"),
    [
        (0, 400, Status.PASSED),
        (100, 400, Status.FAILED),
        (20, 400, Status.INCONCLUSIVE),
        (0, 5, Status.INCONCLUSIVE),
    ],
)
def test_a_planted_regression_is_told_from_none(
    tmp_path: Path, worse: int, cases: int, status: Status
) -> None:
    old = run_of(tmp_path / "old" / "run", [0.0] * cases)
    new = run_of(tmp_path / "new" / "run", [1.0] * worse + [0.0] * (cases - worse))
    assert compare(old, new).status is status
    assert main(["compare", str(old.folder), str(new.folder)]) == {
        Status.PASSED: 0, Status.FAILED: 1, Status.INCONCLUSIVE: 2,
    }[status]  # fmt: skip


def test_a_slice_that_got_worse_fails_where_the_whole_does_not(tmp_path: Path) -> None:
    english = [index % 2 == 0 for index in range(400)]
    old = run_of(tmp_path / "old" / "run", [0.0] * 400)
    bad = [1.0 if of and index < 50 else 0.0 for index, of in enumerate(english)]
    new = run_of(tmp_path / "new" / "run", bad)
    [gate] = compare(old, new).gates
    assert gate.whole.status is not Status.FAILED
    assert {s.name: s.status for s in gate.slices}["language/en"] is Status.FAILED
    assert gate.status is Status.FAILED


def test_a_gate_that_keeps_its_defects_only_counts_every_answer(
    tmp_path: Path, passed: Run, failed: Run
) -> None:
    leak = next(score for score in failed.scores if score.failed)
    trip = replace(leak, gate="template_round_trip", detector="control_token")
    other = replace(passed, scores=(*passed.scores, trip))
    gates = {gate.gate: gate for gate in compare(passed, other).gates}
    trips = gates["template_round_trip"].counts
    assert (trips[Bucket.REGRESSED], trips[Bucket.UNCHANGED]) == (1, len(passed.cases) - 1)
    back = {gate.gate: gate for gate in compare(other, passed).gates}
    assert back["template_round_trip"].counts[Bucket.FIXED] == 1


def test_losses_in_nats_are_compared_by_their_mean(tmp_path: Path) -> None:
    old = run_of(tmp_path / "old" / "run", [2.0 + i % 7 / 10 for i in range(60)], unit=Unit.NATS)
    new = run_of(tmp_path / "new" / "run", [2.4 + i % 7 / 10 for i in range(60)], unit=Unit.NATS)
    [gate] = compare(old, new).gates
    assert gate.slices[0].value == pytest.approx(0.4)
    assert gate.status is Status.FAILED
    told = "+0.4 nats per token, surely at least +0.4; up to +0.05 are allowed"
    assert told in gate.slices[0].reason


def test_a_run_of_an_earlier_version_is_compared_by_its_rows_and_not_by_its_digests(
    tmp_path: Path,
) -> None:
    """Until version 2 of run.json the same cases had other digests."""
    now = run_of(tmp_path / "now" / "run", [0.0] * 40)
    before = replace(now, info=replace(now.info, version=2, cases_digest="0" * 64))
    assert asked_differently(before, now) == (
        "another way to digest cases and demonstrations (run.json 2 before, run.json 6 after)",
    )
    assert compare(before, now, shared=True).gates
    assert asked_differently(before, before) == ()
    after = replace(now, info=replace(now.info, version=3, cases_digest="0" * 64))
    assert asked_differently(before, after) != ()
    assert asked_differently(after, now) != ()


def judged_by(run: Run, detector: Detector) -> Run:
    """The run, as if its scores were of that detector."""
    gate = Gate.PRONOUN_RESOLUTION.value
    scores = (replace(s, detector=detector.value, gate=gate) for s in run.scores)
    return replace(run, scores=tuple(scores))


def test_a_gate_that_other_rules_judged_is_not_compared_and_the_sentence_says_so(
    tmp_path: Path,
) -> None:
    run = run_of(tmp_path / "candidate" / "run", [0.0] * 400)
    whole, lax = (judged_by(run, d) for d in (Detector.RIGHT, Detector.PRONOUN_RESOLUTION))
    for alike in (whole, lax):
        assert compare(alike, alike).status is Status.PASSED
    for before, after in ((lax, whole), (whole, lax)):
        found = compare(before, after)
        assert found.gates == ()
        assert found.judged_differently == ("pronoun_resolution",)
        assert found.status is Status.INCONCLUSIVE
        assert "pronoun_resolution was judged by other rules" in sentence(found)
        assert "judged by other rules" in comparison_markdown(found)
    assert "judged by other rules" not in sentence(compare(whole, whole))


def test_a_gate_that_is_not_compared_hides_no_other_that_got_worse(tmp_path: Path) -> None:
    old = run_of(tmp_path / "old" / "run", [0.0] * 400)
    new = run_of(tmp_path / "new" / "run", [1.0] * 400)
    lax, whole = (judged_by(old, d) for d in (Detector.PRONOUN_RESOLUTION, Detector.RIGHT))
    before = replace(old, scores=(*old.scores, *lax.scores))
    after = replace(new, scores=(*new.scores, *whole.scores))
    assert compare(before, after).status is Status.FAILED


def test_a_changed_rewrite_says_which_part_was_lost_and_which_was_mended(tmp_path: Path) -> None:
    run = judged_by(run_of(tmp_path / "run" / "run", [0.0] * 40), Detector.RIGHT)
    good = [s for s in run.scores if s.case_id != "c0"]
    bad = {
        part: [
            replace(s, value=1.0, detector=detector, explanation=f"not {detector}")
            for s in run.scores
            for detector in ("right", part)
            if s.case_id == "c0"
        ]
        for part in ("named", "form")
    }
    named, form = (replace(run, scores=(*good, *bad[part])) for part in ("named", "form"))
    for before, after, bucket, lost in (
        (run, named, Bucket.REGRESSED, ((), ("named",))),
        (form, run, Bucket.FIXED, (("form",), ())),
        (form, named, Bucket.STILL_FAILING, (("form",), ("named",))),
    ):
        [gate] = compare(before, after).gates
        [change] = [c for c in gate.changes if c.case.case_id == "c0"]
        assert (change.bucket, change.lost) == (bucket, lost)
    worse = comparison_markdown(compare(run, named))
    assert "Regressed for named 1." in worse
    assert "\nnamed: not named" in worse
    # The whole says nothing that its part does not say.
    assert worse.count("not named") == 1
    assert "Fixed for form 1." in comparison_markdown(compare(form, run))


@pytest.mark.parametrize(("lost", "status"), [(0.1, Status.PASSED), (0.3, Status.FAILED)])
def test_words_of_freely_worded_sets_are_compared_by_their_mean(
    tmp_path: Path, lost: float, status: Status
) -> None:
    run = judged_by(run_of(tmp_path / "run" / "run", [0.0] * 60), Detector.RIGHT)
    free = tuple(replace(case, standard=Standard.FREE) for case in run.cases)

    def losing(share: float) -> Run:
        words = tuple(
            replace(s, detector="words_lost", unit=Unit.SHARE, value=share + (i % 2) / 50)
            for i, s in enumerate(run.scores)
        )
        return replace(run, cases=free, scores=(*run.scores, *words))

    [gate] = compare(losing(0.1), losing(lost)).gates
    assert {s.name: s.status for s in gate.slices}["words_lost/panel"] is status
    assert gate.whole.value == 0.0
    # Where somebody says what a right rewrite is, that is counted, and not the words.
    authored = replace(losing(0.3), cases=run.cases)
    [gate] = compare(replace(losing(0.1), cases=run.cases), authored).gates
    assert "words_lost/panel" not in {s.name for s in gate.slices}


def test_runs_that_were_asked_differently_are_refused_with_the_reason(tmp_path: Path) -> None:
    old = run_of(tmp_path / "old" / "run", [0.0] * 40, seed=1)
    new = run_of(tmp_path / "new" / "run", [0.0] * 50, seed=2)
    assert asked_differently(old, new) == ("another seed of panel (1 before, 2 after)",)
    with pytest.raises(RunError, match=r"another seed of panel .*compare what they share"):
        compare(old, new)
    shared = compare(old, new, shared=True)
    assert shared.left_out == {"asked after only": 10}
    assert sum(shared.counts.values()) == 40


def test_a_case_that_reads_otherwise_is_no_pair(tmp_path: Path, passed: Run) -> None:
    other = write_run(tmp_path / "run")
    cases = tuple(replace(c, query="Who?") if not i else c for i, c in enumerate(other.cases))
    changed = replace(other, cases=cases)
    assert compare(passed, changed).left_out == {"asked in other words": 1}
    nothing = replace(other, cases=tuple(replace(c, query="Who?") for c in other.cases))
    with pytest.raises(RunError, match="share no case"):
        compare(passed, nothing)


def test_a_margin_out_of_range_is_refused(passed: Run) -> None:
    with pytest.raises(RunError, match=r"margin=5 must lie between 0 and 1"):
        compare(passed, passed, margin=5)


def test_what_models_wrote_stays_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nasty = hostile_run(tmp_path / "nasty" / "run")
    good = replace(nasty, scores=tuple(replace(s, value=0.0) for s in nasty.scores))
    shown = comparison_markdown(compare(good, nasty))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    outside = "".join(shown.split("```")[::2])
    assert "<script>" not in outside
    assert main(["compare", str(nasty.folder), str(nasty.folder)]) == 2
    printed = capsys.readouterr().out
    assert "\x1b[31m" not in printed
    assert HOSTILE not in printed


def test_the_markdown_is_written_where_it_is_asked_for(
    tmp_path: Path, passed: Run, failed: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "comment.md"
    main(["compare", str(passed.folder), str(failed.folder), "--markdown", str(out)])
    assert out.read_text("utf-8") == comparison_markdown(compare(passed, failed))
    assert main(["compare", str(passed.folder), str(tmp_path / "none")]) == 3
    assert "none" in capsys.readouterr().err


def test_a_candidate_of_nano_is_no_worse_than_itself(
    tmp_path: Path, candidate: Path, small_policy: Path, few_cases: Path
) -> None:
    request = GateRequest(
        adapter=candidate, out=tmp_path / "one", policy=str(small_policy), cases=few_cases,
        cache=tmp_path / "cache.sqlite3", registry=tmp_path / "registry", seed=3,
    )  # fmt: skip
    one = evaluate(request)
    two = evaluate(replace(request, out=tmp_path / "two", batch_tokens=512))
    found = compare(one, two)
    assert found.counts[Bucket.UNCHANGED] > 0
    assert found.counts[Bucket.REGRESSED] == found.counts[Bucket.FIXED] == 0
    assert not found.left_out
