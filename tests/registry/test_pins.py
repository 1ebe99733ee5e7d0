"""The policy of a registry: pinned by the first promotion, and never loosened quietly."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from evalsuite.errors import RegistryError
from evalsuite.gates import Policy
from evalsuite.registry import PolicyException, accept_policy, pinned, promote, read_pins, verify
from evalsuite.registry.pins import FIRST
from tests.registry.world import DEFAULT, NOW, World, edit, policy_info, write_gated


def changed(limit: float, name: str = "default") -> Policy:
    """The default policy with another limit on rewrites that are not right."""
    rule = DEFAULT.gates.pronoun_resolution
    rate = rule.failure_rate.model_copy(update={"limit": limit})
    gates = DEFAULT.gates.model_copy(
        update={"pronoun_resolution": rule.model_copy(update={"failure_rate": rate})}
    )
    return DEFAULT.model_copy(update={"gates": gates, "name": name})


LIMIT = DEFAULT.gates.pronoun_resolution.failure_rate.limit
LOOSER, STRICTER = changed(LIMIT * 2), changed(LIMIT / 2)


def other_run(world: World, policy: Policy) -> Path:
    """A run by another policy, which nobody accepted."""
    folder = world.folder / "reports" / "other"
    return write_gated(folder, world.adapter("two"), policy=policy_info(policy))


def test_the_first_promotion_pins_the_policy_of_its_run(world: World) -> None:
    assert pinned(world.registry) is None
    record = world.promoted()
    pin = pinned(world.registry)
    assert pin is not None
    assert (pin.content.sequence, pin.content.reason, pin.content.by) == (1, FIRST, "")
    assert pin.policy == DEFAULT
    assert record.evidence.policy_pin == pin.link
    assert verify(record.path).ok


def test_a_laxer_policy_of_the_same_name_promotes_nothing(world: World) -> None:
    world.promoted()
    run = other_run(world, LOOSER)
    with pytest.raises(RegistryError, match=r"but the registry's is 'default'.*accept-policy"):
        promote(run, world.registry, now=NOW)
    accept_policy(world.registry, LOOSER, reason="Rare cases.", by="Ann", loosen=True, now=NOW)
    assert promote(run, world.registry, now=NOW).sequence == 2


def test_a_stricter_policy_is_accepted_and_a_looser_one_only_by_name(world: World) -> None:
    world.promoted()
    pin = accept_policy(world.registry, STRICTER, reason="We can.", by="Ann", loosen=False, now=NOW)
    assert (pin.content.sequence, pin.content.loosened) == (2, ())
    (said,) = pin.content.changed
    assert said.startswith("gates.pronoun_resolution.failure_rate.limit: ")
    with pytest.raises(RegistryError, match=r"is looser .*:\n  gates.pronoun_resolution") as caught:
        accept_policy(world.registry, LOOSER, reason="Hm.", by="Ann", loosen=False, now=NOW)
    assert "--loosen" in str(caught.value)
    loose = accept_policy(world.registry, LOOSER, reason="Hm.", by="Bo", loosen=True, now=NOW)
    assert (loose.content.by, loose.content.loosened) == ("Bo", loose.content.changed)
    assert [p.content.sequence for p in read_pins(world.registry)] == [1, 2, 3]


@pytest.mark.parametrize(("reason", "by"), [("", "Ann"), ("Why", " ")])
def test_who_accepts_a_policy_says_why_and_who(world: World, reason: str, by: str) -> None:
    with pytest.raises(RegistryError, match="--by"):
        accept_policy(world.registry, DEFAULT, reason=reason, by=by, loosen=True, now=NOW)
    assert read_pins(world.registry) == ()


def test_the_policy_in_force_is_not_accepted_again(world: World) -> None:
    world.promoted()
    with pytest.raises(RegistryError, match="is that of the registry already"):
        accept_policy(world.registry, DEFAULT, reason="x", by="y", loosen=True, now=NOW)


def test_an_exception_is_named_dated_and_stands_in_the_record(world: World) -> None:
    world.promoted()
    run = other_run(world, LOOSER)
    terms = PolicyException(reason="Launch.", by="Ann", expires=date(2025, 4, 1))
    over = terms.model_copy(update={"expires": date(2025, 3, 4)})
    with pytest.raises(RegistryError, match="the exception by Ann is over"):
        promote(run, world.registry, now=NOW, exception=over)
    record = promote(run, world.registry, now=NOW, exception=terms)
    assert record.evidence.exception == terms
    found = verify(record.path)
    assert found.ok
    assert any("by Ann until 2025-04-01: Launch." in finding.detail for finding in found.findings)
    same = write_gated(world.folder / "reports" / "same", world.adapter("three"))
    with pytest.raises(RegistryError, match="an exception is for a run that was judged by another"):
        promote(same, world.registry, now=NOW, exception=terms)


def chain(world: World) -> list[Path]:
    world.promoted()
    accept_policy(world.registry, STRICTER, reason="x", by="y", loosen=False, now=NOW)
    accept_policy(world.registry, LOOSER, reason="x", by="y", loosen=True, now=NOW)
    return [pin.path for pin in read_pins(world.registry)]


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_pin_that_is_gone_is_missed(world: World, at: int) -> None:
    path = chain(world)[at]
    path.unlink()
    if at == 2:
        # One pin may follow the head, so the head itself has to name what is gone.
        with pytest.raises(RegistryError, match="is gone or was changed"):
            read_pins(world.registry)
        return
    with pytest.raises(RegistryError, match=r"is missing before|does not name"):
        read_pins(world.registry)


def test_an_edited_pin_is_named(world: World) -> None:
    path = chain(world)[1]
    edit(path, path.read_bytes().replace(b'"by": "y"', b'"by": "z"'))
    with pytest.raises(RegistryError, match="was changed or renamed"):
        read_pins(world.registry)
    promoted = next((world.registry / "records").glob("*.json"))
    assert not verify(promoted).ok


def test_a_pin_that_died_before_its_head_still_counts(world: World) -> None:
    first, second, _ = chain(world)
    head = world.registry / "policies" / "HEAD.json"
    last = read_pins(world.registry)
    link = last[1].link
    edit(head, json.dumps({"record": link.record, "sha256": link.sha256}).encode())
    assert [p.path.name for p in read_pins(world.registry)][:2] == [first.name, second.name]
    link = last[0].link
    edit(head, json.dumps({"record": link.record, "sha256": link.sha256}).encode())
    with pytest.raises(RegistryError, match="as the last pin"):
        read_pins(world.registry)


def test_the_record_of_another_policy_does_not_verify(world: World) -> None:
    record = world.promoted()
    for path in (world.registry / "policies").iterdir():
        path.unlink()
    assert {p.subject for p in verify(record.path).problems} == {"policy of the registry"}
