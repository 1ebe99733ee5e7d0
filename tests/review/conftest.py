"""A run to review, shared by every test that only reads it."""

from __future__ import annotations

import pytest

from evalsuite.cases import Kind, Language
from evalsuite.review import Key, draw
from evalsuite.runs.folder import Run
from tests.review.world import specs, write_run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """200 answers: 30 called wrong, 10 called copies, of three kinds and two languages."""
    answers = [
        *specs(100),
        *specs(60, kind=Kind.PLURAL, language=Language.ZH),
        *specs(20, wrong=True, kind=Kind.SINGLE),
        *specs(10, wrong=True, kind=Kind.PERSON),
        *specs(10, leaks=True, kind=Kind.PERSON),
    ]
    return write_run(tmp_path_factory.mktemp("review") / "run", answers)


@pytest.fixture(scope="session")
def key(run: Run) -> Key:
    """40 rows of it."""
    return draw(run, n=40, seed=3)
