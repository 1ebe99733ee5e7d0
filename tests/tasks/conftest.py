"""The chat template that answers are looked at with."""

from __future__ import annotations

import pytest

from evalsuite.models import BaseRef
from evalsuite.template import ChatTemplate, load_template


@pytest.fixture(scope="session")
def chatml(nano: BaseRef) -> ChatTemplate:
    """That of the embedded model."""
    return load_template(nano.path)
