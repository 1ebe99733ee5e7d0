"""Fixtures shared by the tests of the gates."""

from __future__ import annotations

import pytest
from gates_units_helpers import good

from evalsuite.gates import Evidence, Policy, load_policy


@pytest.fixture(name="evidence")
def fixture_evidence() -> Evidence:
    """A good candidate."""
    return good()


@pytest.fixture(scope="session", name="policy")
def fixture_policy() -> Policy:
    """The policy of nano."""
    return load_policy("nano")
