"""What a registry promoted before, and that a decisive comparison is one with its champion."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.cli import main
from evalsuite.errors import RegistryError
from evalsuite.registry import PromotionRecord, history, promote, promotions, rollback
from evalsuite.report import history_markdown, history_text
from evalsuite.runs import (
    AttemptInfo,
    ChampionInfo,
    GateNumbers,
    PromotionInfo,
    Status,
    Tier,
    WaiverInfo,
)
from evalsuite.runs.folder import with_digest
from tests.registry.world import DECISIVE, DEFAULT, NOW, World, edit, policy_info
from tests.report.factory import HOSTILE, PASSING, digest, info, verdict, write_run

BASE = info(Path("anywhere")).base.digest
BEATEN = verdict("regression", reason="no worse than the champion (record 1)")


def decisive(
    world: World,
    name: str,
    champion: str | None,
    tier: Tier = Tier.BLOCKING,
    **changes: Any,
) -> Path:
    """Write a run of a policy that lets the champion decide, compared with an adapter or none."""
    compared = None
    if champion is not None:
        there = info(world.adapter(champion)).adapter
        assert there is not None
        compared = ChampionInfo(path=there.path, digest=there.digest, record="", sequence=0)
    told: dict[str, Any] = {
        "verdicts": (*PASSING, replace(BEATEN, tier=tier)),
        "policy": policy_info(DECISIVE if tier is Tier.BLOCKING else DEFAULT),
        "champion": compared,
    }
    return world.run(name, **told | changes)


def test_a_decisive_run_is_promoted_over_the_champion_that_it_met(world: World) -> None:
    world.promoted("one")
    run = decisive(world, "two", "one")
    assert promote(run, world.registry, now=NOW).sequence == 2


@pytest.mark.parametrize(("met", "told"), [(None, "the base"), ("three", "the adapter in '")])
def test_a_decisive_run_that_met_another_is_refused(
    world: World, met: str | None, told: str
) -> None:
    world.promoted("one")
    run = decisive(world, "two", met)
    with pytest.raises(RegistryError, match=f"record 1 now, .* was compared with {told}"):
        promote(run, world.registry, now=NOW)
    assert len(history(world.registry, BASE)) == 1


def test_a_run_that_met_the_champion_before_last_is_refused(world: World) -> None:
    world.promoted("one")
    run = decisive(world, "three", "one")
    world.promoted("two", hours=1)
    with pytest.raises(RegistryError, match="record 2 now"):
        promote(run, world.registry, now=NOW)


def test_an_advisory_comparison_opens_and_closes_nothing(world: World) -> None:
    world.promoted("one")
    run = decisive(world, "two", None, Tier.ADVISORY)
    assert promote(run, world.registry, now=NOW).sequence == 2


def test_the_first_promotion_needs_no_champion_and_the_champion_need_not_beat_itself(
    world: World,
) -> None:
    promote(decisive(world, "one", None), world.registry, now=NOW)
    newer = decisive(world, "one", None, timings={"infer": 1.0})
    assert promote(newer, world.registry, now=NOW).sequence == 2


@pytest.mark.parametrize("fate", ["is gone", "is not the one that was promoted"])
def test_a_champion_that_was_touched_lets_nobody_pass_unasked(world: World, fate: str) -> None:
    record = world.promoted("one")
    run = decisive(world, "two", None)
    if fate == "is gone":
        record.adapter_path.rename(world.folder / "elsewhere")
    else:
        (record.adapter_path / "adapter_model.safetensors").write_bytes(b"other weights")
    with pytest.raises(RegistryError, match=f"{fate}: put .* back .* or .* a waiver of regression"):
        promote(run, world.registry, now=NOW)
    assert len(history(world.registry, BASE)) == 1


@pytest.mark.parametrize("status", [Status.PASSED, Status.FAILED])
def test_a_comparison_that_is_waived_by_name_needs_no_champion(
    world: World, status: Status
) -> None:
    record = world.promoted("one")
    waiver = WaiverInfo(
        gate="regression", reason="It was lost.", by="Ada", expires=date(2026, 12, 31)
    )
    held = replace(BEATEN, tier=Tier.WAIVED, status=status)
    run = decisive(world, "two", None, verdicts=(*PASSING, held), waivers=(waiver,))
    shutil.rmtree(record.adapter_path)
    assert promote(run, world.registry, now=NOW).sequence == 2


def test_a_candidate_that_met_the_champion_is_promoted_when_that_is_gone(world: World) -> None:
    record = world.promoted("one")
    run = decisive(world, "two", "one")
    shutil.rmtree(record.adapter_path)
    assert promote(run, world.registry, now=NOW).sequence == 2


def test_a_champion_of_another_base_closes_no_way_whatever_became_of_it(world: World) -> None:
    other = info(world.adapter("other")).base
    record = world.promoted("other", base=replace(other, digest=digest("another base")))
    shutil.rmtree(record.adapter_path)
    assert promote(decisive(world, "two", None), world.registry, now=NOW).sequence == 2


def test_a_registry_with_a_lost_champion_can_be_rolled_back(world: World) -> None:
    world.promoted("one")
    record = world.promoted("two", hours=1)
    shutil.rmtree(record.adapter_path)
    assert rollback(world.registry, "1", now=NOW).sequence == 3
    assert promote(decisive(world, "three", "one"), world.registry, now=NOW).sequence == 4


def test_a_decisive_run_without_the_verdict_is_refused(world: World) -> None:
    run = world.run("one", policy=policy_info(DECISIVE))
    with pytest.raises(RegistryError, match="requires regression"):
        promote(run, world.registry, now=NOW)


def test_the_history_is_the_last_promotions_of_one_base_oldest_first(world: World) -> None:
    for hour in range(10):
        world.promoted(f"adapter-{hour}", hours=hour)
    rollback(world.registry, "3", now=NOW)
    other = info(world.adapter("other")).base
    world.promoted("other", base=replace(other, digest=digest("another base")))
    found = history(world.registry, BASE)
    assert [one.sequence for one in found] == [4, 5, 6, 7, 8, 9, 10, 11]
    assert [one.action for one in found] == ["promote"] * 7 + ["rollback"]
    assert found[-1].adapter == history(world.registry, BASE, most=9)[0].adapter
    assert {one.policy for one in found} == {"default"}
    assert {name: found[0].gates[name].upper for name in found[0].gates} == {
        passed.gate: passed.upper for passed in PASSING
    }
    assert [one.sequence for one in history(world.registry, digest("another base"))] == [12]
    assert history(world.folder / "nowhere", BASE) == ()


def test_a_promotion_keeps_the_lineage_that_the_copy_of_its_run_tells(world: World) -> None:
    told = AttemptInfo(lineage=digest("goal"), number=1, confidence=0.95)
    records = [
        world.promoted("one", attempt=told),
        world.promoted("two", hours=1),
        world.promoted("three", hours=2, attempt=told),
        world.promoted("four", hours=3, attempt=replace(told, number=2)),
    ]
    rollback(world.registry, "1", now=NOW)
    edit(records[2].run_path / "run.json", b"{}")
    shutil.rmtree(records[3].run_path)
    kept = [one.lineage for one in history(world.registry, BASE)]
    assert kept == [digest("goal"), "", "", "", digest("goal")]


def test_a_comparison_marks_the_promotions_of_its_own_lineage(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, other = (
        AttemptInfo(lineage=digest(goal), number=1, confidence=0.95) for goal in ("mine", "other")
    )
    world.promoted("one", attempt=mine)
    world.promoted("two", hours=24, attempt=other)
    world.promoted("three", hours=48)
    before = write_run(tmp_path / "before").folder
    page = tmp_path / "page.md"
    after = write_run(tmp_path / "after").folder
    told = json.loads((after / "run.json").read_bytes())
    for attempt, marked in ((asdict(mine), 1), (None, 0)):
        (after / "run.json").write_text(json.dumps(with_digest(told | {"attempt": attempt})))
        command = ["compare", str(before), str(after), "--markdown", str(page)]
        main([*command, "--registry", str(world.registry)])
        text = page.read_text("utf-8").replace("\\", "")
        assert text.count("| 1 promote (same lineage) |") == text.count("same lineage") == marked
        assert capsys.readouterr().out.count("1 promote (same lineage)") == marked


def test_a_broken_registry_has_no_history(world: World) -> None:
    record = world.promoted()
    world.promoted("two", hours=1)
    record.path.unlink()
    with pytest.raises(RegistryError, match="is not whole"):
        history(world.registry, BASE)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> PromotionRecord:
    return World(tmp_path_factory.mktemp("world")).promoted()


NUMBERS = st.one_of(
    st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=5), st.just([1])
)


@given(st.dictionaries(st.sampled_from(["value", "lower", "upper", "limit", "n"]), NUMBERS))
def test_a_verdict_of_another_version_is_read_as_far_as_it_goes(
    record: PromotionRecord, numbers: dict[str, object]
) -> None:
    odd = [{"gate": "liveness", "more": {}, **numbers}, {"no gate": 1}]
    evidence = record.evidence.model_copy(update={"verdicts": odd})
    predicate = record.statement.predicate.model_copy(update={"evalsuite": evidence})
    statement = record.statement.model_copy(update={"predicate": predicate})
    [found] = promotions([replace(record, statement=statement)], BASE)
    read = found.gates["liveness"]
    for name in ("value", "lower", "upper", "limit"):
        given_, kept = numbers.get(name), getattr(read, name)
        assert kept is None or kept == given_
    assert isinstance(read.n, int)


def hostile() -> PromotionInfo:
    numbers = GateNumbers(status=HOSTILE, value=0.5, lower=0.4, upper=0.6, limit=1.0, n=3)
    return PromotionInfo(
        record=HOSTILE,
        sequence=7,
        action="promote",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        adapter=HOSTILE,
        policy=HOSTILE,
        gates={HOSTILE: numbers, "liveness": replace(numbers, status=Status.PASSED.value)},
    )


def test_what_stands_in_records_stays_text() -> None:
    from rich.console import Console

    page = history_markdown([hostile()])
    assert "<script" not in page
    assert "](" not in page
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len(rows) == 3
    console = Console(width=200, force_terminal=False)
    with console.capture() as captured:
        console.print(history_text([hostile()]))
    assert "\x1b" not in captured.get()
    assert "0.5" in captured.get()


def test_a_comparison_shows_the_promotions_beneath(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.promoted("one")
    world.promoted("two", hours=24)
    before, after = write_run(tmp_path / "before"), write_run(tmp_path / "after")
    page = tmp_path / "page.md"
    command = ["compare", str(before.folder), str(after.folder), "--markdown", str(page)]
    main([*command, "--registry", str(world.registry)])
    told, text = capsys.readouterr().out, page.read_text("utf-8").replace("\\", "")
    assert "The last 2 promotions of this base" in told
    assert told.index("Undecided") < told.index("The last 2 promotions") < told.index("1 promote")
    assert "| 2 promote | 2025-03-06 |" in text
    assert "✓ 0.021 (0.011 to 0.037)" in text
    main([*command, "--registry", str(tmp_path / "empty")])
    assert "The registry holds no promotion of this base." in capsys.readouterr().out
    main(command)
    assert "promotion" not in capsys.readouterr().out
    assert "promotion" not in page.read_text("utf-8")
