"""Fixtures shared by the tests of the gates."""

from __future__ import annotations

import pytest

from evalsuite.gates import Evidence, Policy, load_policy
from tests.gates_units.gates_units_helpers import good, without_champion


@pytest.fixture(name="evidence")
def fixture_evidence() -> Evidence:
    """A good candidate."""
    return good()


@pytest.fixture(scope="session", name="policy")
def fixture_policy() -> Policy:
    """The policy of nano, without the comparison with a champion."""
    return without_champion(load_policy("nano"))
