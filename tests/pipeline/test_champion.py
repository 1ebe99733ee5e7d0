"""The champion of a registry beside the candidate: asked the same, compared, and never mixed in."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evalsuite.errors import InvalidInput, RegistryError
from evalsuite.models import BaseRef, read_adapter
from evalsuite.pipeline import evaluate, observe
from evalsuite.pipeline.champion import compared_with, earlier_promotions
from evalsuite.pipeline.inputs import resolve
from evalsuite.registry import promote, read_chain, rollback
from evalsuite.report import write_reports
from evalsuite.runs import Side, Status, Verdict
from evalsuite.runs.comparison import Bucket, compare
from evalsuite.runs.folder import Run, load_run
from tests.pipeline.released import RULE, WEIGHTS, Released, scaled
from tests.registry.world import World

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVERYDAY = {"goldens/everyday"}
"""Parts of which the few cases of these tests have none; they are advisory."""


@pytest.fixture(scope="module")
def first(released: Released) -> Run:
    """The champion's own run, when there was no champion yet."""
    return load_run(released.folder / "first")


@pytest.fixture(scope="module")
def beside(released: Released) -> Run:
    """A candidate as good as the champion, beside it."""
    return evaluate(replace(released.request, out=released.folder / "beside"))


def regression(run: Run) -> Verdict:
    return next(verdict for verdict in run.verdicts if verdict.gate == "regression")


def test_the_first_candidate_is_compared_with_the_base(first: Run) -> None:
    assert first.status is Status.PASSED
    assert regression(first).reason.startswith("No champion yet: compared with the base. ")
    parts = {part.name for part in regression(first).slices if part.value is not None}
    assert {"leakage", "pronouns", "pronouns/zh", "skills/en", "text/zh", "goldens/nano"} <= parts
    assert (first.info.champion, first.info.history) == (None, ())
    assert {output.side for output in first.outputs} == {Side.CANDIDATE, Side.BASELINE}


def test_a_candidate_worse_than_the_champion_fails(released: Released) -> None:
    asked = replace(released.request, adapter=released.folder / "worse")
    run = evaluate(replace(asked, out=released.folder / "worse-run"))
    verdict = regression(run)
    assert verdict.status is Status.FAILED
    assert "The candidate fails to give a right rewrite" in verdict.reason
    assert "more often than the champion (record 1)" in verdict.reason
    assert {v.gate for v in run.verdicts if v.status is not Status.PASSED} == {"regression"}
    assert run.status is Status.FAILED
    assert all(path.is_file() for path in write_reports(run, junit=True))
    with pytest.raises(RegistryError, match="is failed, not passed"):
        promote(run.folder, released.registry, now=NOW)


def test_a_run_tells_which_registry_it_was_made_with(beside: Run, released: Released) -> None:
    assert beside.info.registry == str(released.registry)


def test_a_candidate_as_good_as_the_champion_passes(beside: Run, first: Run) -> None:
    verdict = regression(beside)
    assert verdict.status is Status.PASSED, verdict.reason
    assert "the champion (record 1)" in verdict.reason
    assert {p.name for p in verdict.slices if p.status is not Status.PASSED} <= EVERYDAY
    champion = beside.info.champion
    assert champion is not None
    assert first.info.adapter is not None
    assert (champion.digest, champion.sequence) == (first.info.adapter.digest, 1)
    assert champion.path == first.info.adapter.path
    [promoted] = beside.info.history
    assert (promoted.record, promoted.action, promoted.policy) == (
        champion.record,
        "promote",
        "small",
    )
    assert {g: (n.status, n.value, n.n) for g, n in promoted.gates.items()} == {
        v.gate: (v.status, v.value, v.n) for v in first.verdicts
    }
    assert load_run(beside.folder).info == beside.info


def test_the_champion_is_asked_and_judged_as_the_candidate_is(beside: Run) -> None:
    def asked(side: Side) -> list[tuple[str, str, str]]:
        return [(o.panel, o.case_id, o.demonstrations) for o in beside.outputs if o.side is side]

    def judged(side: Side) -> set[tuple[str, str, str]]:
        own = {"template_round_trip", "control_token", "reference_loss"}
        return {
            (s.detector, s.panel, s.case_id)
            for s in beside.scores
            if s.side is side and s.panel != "template" and s.detector not in own
        }

    assert asked(Side.CHAMPION) == asked(Side.CANDIDATE)
    assert judged(Side.CHAMPION) == judged(Side.CANDIDATE)


@pytest.mark.slow
def test_all_else_is_as_without_a_champion(released: Released, beside: Run, tmp_path: Path) -> None:
    alone = evaluate(replace(released.request, champion="base", out=tmp_path / "alone"))
    assert regression(alone).reason.startswith("Compared with the base, as asked.")
    own = [verdict for verdict in beside.verdicts if verdict.gate != "regression"]
    assert [verdict for verdict in alone.verdicts if verdict.gate != "regression"] == own
    assert [o for o in beside.outputs if o.side is not Side.CHAMPION] == list(alone.outputs)
    assert [s for s in beside.scores if s.side is not Side.CHAMPION] == list(alone.scores)
    found = compare(beside, alone)
    assert found.counts[Bucket.REGRESSED] == found.counts[Bucket.FIXED] == 0
    assert {gate.gate for gate in found.gates} <= {verdict.gate for verdict in own}
    with pytest.raises(RegistryError, match="was compared with the base; gate it again"):
        promote(alone.folder, released.registry, now=NOW)


def test_a_champion_that_is_replaced_or_restored_is_the_one_to_beat(
    nano: BaseRef, released: Released, beside: Run, tmp_path: Path
) -> None:
    assert beside.status is Status.PASSED
    later = released.copied(tmp_path / "later")
    promote(beside.folder, later.registry, now=NOW)
    candidate = read_adapter(later.request.adapter, nano)

    def met() -> str:
        opponent = compared_with("auto", later.registry, nano, candidate).opponent
        return opponent.because or opponent.name

    assert met() == "This adapter is the champion (record 2): compared with the base."
    rollback(later.registry, "1", now=NOW)
    assert met() == "the champion (record 3)"
    actions = [one.action for one in earlier_promotions(later.registry, nano)]
    assert actions == ["promote", "promote", "rollback"]


@pytest.mark.parametrize("fate", ["gone", "changed"])
def test_a_champion_that_is_gone_or_changed_is_an_error_before_anything_is_asked(
    released: Released, tmp_path: Path, fate: str
) -> None:
    there = released.copied(tmp_path / "there")
    ledger = (there.registry / "attempts.jsonl").read_bytes()
    if fate == "gone":
        shutil.rmtree(there.champion)
    else:
        shutil.copyfile(there.folder / "worse" / WEIGHTS, there.champion / WEIGHTS)
    [record] = read_chain(there.registry).records
    with pytest.raises(RegistryError, match="--champion base") as told:
        evaluate(replace(there.request, out=there.folder / "refused"))
    assert f"the champion (record 1, {record.path.name}) cannot be compared" in str(told.value)
    assert str(there.champion) in str(told.value)
    assert (there.registry / "attempts.jsonl").read_bytes() == ledger
    assert not (there.folder / "refused" / "run.json").exists()
    assert resolve(replace(there.request, champion="base")).compared.adapter is None


@pytest.mark.parametrize("fate", ["gone", "changed"])
def test_a_champion_that_is_gone_closes_no_gate_where_the_comparison_is_advisory(
    released: Released, tmp_path: Path, fate: str
) -> None:
    there = released.copied(tmp_path / "there")
    if fate == "gone":
        there.champion.rename(tmp_path / "elsewhere")
    else:
        shutil.copyfile(there.folder / "worse" / WEIGHTS, there.champion / WEIGHTS)
    advisory = there.with_policy("  regression:", "  regression:\n    tier: advisory")
    compared = resolve(advisory).compared
    assert (compared.adapter, compared.info, compared.opponent.asked) == (None, None, False)
    assert compared.opponent.because == (
        f"The champion (record 1) is not in {str(there.champion)!r} any more: compared with the "
        "base."
    )


def test_nano_gates_beside_a_champion_that_moved(released: Released, tmp_path: Path) -> None:
    there = released.copied(tmp_path / "there")
    there.champion.rename(tmp_path / "elsewhere")
    compared = resolve(replace(there.request, policy="nano")).compared
    assert "is not in" in compared.opponent.because


def test_an_adapter_may_be_named_and_a_candidate_is_not_its_own_champion(
    nano: BaseRef, released: Released
) -> None:
    candidate = read_adapter(released.request.adapter, nano)
    worse = released.folder / "worse"
    named = compared_with(str(worse), released.registry, nano, candidate)
    assert named.opponent.name == f"the adapter in {str(worse)!r}"
    assert named.info is not None
    assert (named.info.record, named.info.sequence) == ("", 0)
    known = compared_with(str(released.champion), released.registry, nano, candidate)
    assert known.info is not None
    assert known.info.sequence == 1
    assert compared_with(str(worse), None, nano, candidate).adapter == named.adapter
    with pytest.raises(InvalidInput, match="is the candidate itself; name another adapter"):
        compared_with(str(released.request.adapter), None, nano, candidate)


def test_an_adapter_that_was_replaced_is_no_champion_however_it_is_named(
    nano: BaseRef, released: Released, beside: Run, tmp_path: Path
) -> None:
    later = released.copied(tmp_path / "later")
    promote(beside.folder, later.registry, now=NOW)
    another = read_adapter(released.folder / "worse", nano)
    replaced = compared_with(str(later.champion), later.registry, nano, another)
    assert replaced.opponent.name == f"the adapter in {str(later.champion)!r}"
    assert replaced.info is not None
    assert (replaced.info.record, replaced.info.sequence) == ("", 0)
    newest = compared_with(str(released.request.adapter), later.registry, nano, another)
    assert newest.info is not None
    assert newest.info.sequence == 2


def test_without_a_registry_the_base_is_compared_with(nano: BaseRef, released: Released) -> None:
    found = compared_with("auto", None, nano, read_adapter(released.champion, nano))
    assert found.opponent.because == "No registry was named: compared with the base."
    assert earlier_promotions(None, nano) == ()


def test_a_champion_of_another_base_is_named_and_not_asked(
    nano: BaseRef, candidate: Path, tmp_path: Path
) -> None:
    world = World(tmp_path)
    world.promoted()  # of a base with another digest
    found = compared_with("auto", world.registry, nano, read_adapter(candidate))
    assert found.adapter is None
    assert found.opponent.because == (
        "The champion (record 1) is of another base, example/tiny-base: compared with the base."
    )
    assert earlier_promotions(world.registry, nano) == ()


def test_a_broken_registry_names_no_champion(
    nano: BaseRef, candidate: Path, tmp_path: Path
) -> None:
    world = World(tmp_path)
    world.promoted()
    world.promoted("two", hours=1)
    next((world.registry / "records").glob("000001-*")).unlink()
    adapter = read_adapter(candidate)
    with pytest.raises(RegistryError, match=r"is not whole.*--champion base"):
        compared_with("auto", world.registry, nano, adapter)
    assert compared_with("base", world.registry, nano, adapter).adapter is None
    assert earlier_promotions(world.registry, nano) == ()


def test_a_policy_without_the_rule_looks_for_no_champion(
    nano: BaseRef, released: Released, tmp_path: Path
) -> None:
    there = released.copied(tmp_path / "there")
    shutil.rmtree(there.champion)
    inputs = resolve(there.with_policy(RULE, ""))
    assert inputs.compared.adapter is None
    assert [one.sequence for one in inputs.history] == [1]


@pytest.mark.slow
def test_a_qualification_asks_no_champion(released: Released) -> None:
    state = observe(released.request)
    assert {question.side for question in state.questions} == {Side.CANDIDATE, Side.BASELINE}
    assert not state.measured.evidence.opponent.asked


@pytest.mark.slow
def test_a_look_waits_for_no_champion_and_is_not_confused_by_one(
    released: Released, tmp_path: Path
) -> None:
    there = released.copied(tmp_path / "there")
    looks = "power: 0.9\nlooks: {shares: [0.4, 0.7], false_block: 0.01}"
    planned = there.with_policy("power: 0.9", looks)
    run = evaluate(replace(planned, adapter=there.folder / "worse"))
    assert regression(run).status is Status.FAILED
    assert run.info.looks is not None
    assert run.info.looks.stopped_at is None
    text = Path(str(planned.policy)).read_text("utf-8")
    strict = there.folder / "strict.yaml"
    strict.write_text(text.replace("failure_rate: {limit: 1.0}", "failure_rate: {limit: 0.05}"))
    early = evaluate(replace(planned, policy=str(strict), out=tmp_path / "early"))
    assert early.info.looks is not None
    assert early.info.looks.stopped_at == 0.4
    assert {output.side for output in early.outputs} == set(Side)
    assert regression(early).status is Status.INCONCLUSIVE
    assert "The run stopped after 40 % of its panels" in regression(early).reason


@pytest.mark.slow
def test_a_dead_candidate_is_compared_with_nobody(released: Released, tmp_path: Path) -> None:
    dead = scaled(released.champion, tmp_path / "dead", 0.0)
    run = evaluate(replace(released.request, adapter=dead, out=tmp_path / "run"))
    assert run.outputs == ()
    assert regression(run).status is Status.INCONCLUSIVE


@pytest.mark.slow
def test_low_precision_confirms_the_same_cases_with_and_without_a_champion(
    released: Released, tmp_path: Path
) -> None:
    asked = replace(released.request, dtype="bfloat16")
    run = evaluate(replace(asked, out=tmp_path / "run"))
    alone = evaluate(replace(asked, champion="base", out=tmp_path / "alone"))
    assert run.info.flips is not None
    assert run.info.flips == alone.info.flips
    assert [o for o in run.outputs if o.side is not Side.CHAMPION] == list(alone.outputs)
    precise = [o.key for o in run.outputs if o.side is Side.CHAMPION]
    assert len(precise) == sum(o.side is Side.CANDIDATE for o in run.outputs)


def test_a_run_from_before_champions_still_loads(first: Run, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    shutil.copytree(first.folder, folder)
    path = folder / "run.json"
    data = json.loads(path.read_text("utf-8"))
    del (
        data["digest"],
        data["champion"],
        data["history"],
        data["policy"]["resolved"]["gates"]["regression"],
    )
    path.write_text(json.dumps(data), "utf-8")
    old = load_run(folder)
    assert (old.info.champion, old.info.history) == (None, ())
    assert old.verdicts == first.verdicts
