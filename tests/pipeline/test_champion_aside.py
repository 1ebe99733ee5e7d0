"""A champion that is set aside, lost or never asked for: said plainly, and waived by name only."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evalsuite.errors import InvalidInput, RegistryError
from evalsuite.pipeline import check, evaluate, observe
from evalsuite.pipeline.inputs import resolve
from evalsuite.registry import promote
from evalsuite.runs import Status, Tier
from tests.pipeline.released import RULE, Released

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_champion_that_is_lost_can_be_waived_by_name(released: Released, tmp_path: Path) -> None:
    there = released.copied(tmp_path / "there")
    shutil.rmtree(there.champion)
    asked = replace(there.request, champion="base", out=there.folder / "again")
    refused = evaluate(asked)
    assert refused.status is Status.PASSED
    with pytest.raises(RegistryError, match="is gone: put the promoted one back"):
        promote(refused.folder, there.registry, now=NOW)
    waivers = tmp_path / "waivers.yaml"
    assert refused.info.adapter is not None
    waivers.write_text(
        f"waivers:\n  - gate: regression\n    adapter: {refused.info.adapter.digest[:16]}\n"
        "    reason: The champion's adapter was lost with its disk.\n    by: Ada Lovelace\n"
        "    expires: '2999-12-31'\n"
    )
    run = evaluate(replace(asked, waivers=waivers))
    assert run.status is Status.PASSED
    [verdict] = [verdict for verdict in run.verdicts if verdict.gate == "regression"]
    assert verdict.tier is Tier.WAIVED
    assert "waived by Ada Lovelace" in verdict.reason
    assert promote(run.folder, there.registry, now=NOW).sequence == 2


@pytest.mark.parametrize("disabled", [False, True])
@pytest.mark.parametrize("choice", ["base", "adapters/another"])
def test_a_choice_that_the_policy_would_ignore_is_refused(
    released: Released, tmp_path: Path, choice: str, disabled: bool
) -> None:
    there = released.copied(tmp_path / "there")
    switched_off = RULE.replace("assumed", "enabled: false\n    assumed", 1)
    asked = there.with_policy(RULE, switched_off if disabled else "")
    assert resolve(asked).compared.adapter is None
    with pytest.raises(InvalidInput, match="policy 'small' compares with nobody") as told:
        check(replace(asked, champion=choice))
    assert f"champion={choice!r}" in str(told.value)


@pytest.mark.slow
def test_a_policy_that_compares_nobody_can_be_measured(released: Released, tmp_path: Path) -> None:
    there = released.copied(tmp_path / "there")
    assert observe(there.with_policy(RULE, "")).measured.scores
