"""Histories that broke a candidate once, asked again; each is an item of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from evalsuite.detectors.promises import Broken
from evalsuite.engines import open_engine
from evalsuite.regressions import FOLDER, load_regressions
from evalsuite.run import GateRequest
from evalsuite.run.inputs import resolve
from evalsuite.search import Asker, replay


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    config = metafunc.config
    folder = (config.getoption("--gate-cases") or config.rootpath / "cases") / FOLDER
    names = [regression.case.id for regression in load_regressions(Path(folder))]
    metafunc.parametrize("regression", names)


@pytest.fixture(scope="module")
def replayed(gate_request: GateRequest) -> Iterator[Mapping[str, Broken | None]]:
    inputs = resolve(gate_request)
    engine = open_engine(
        inputs.base, (inputs.adapter,), cache=inputs.cache, numerics=inputs.numerics
    )
    asker = Asker(
        engine=engine,
        template=inputs.template,
        candidate=inputs.adapter.digest,
        context=inputs.context,
    )
    regressions = load_regressions(gate_request.cases / FOLDER)
    broken = replay(regressions, asker)
    yield {r.case.id: b for r, b in zip(regressions, broken, strict=True)}
    engine.close()


def test_what_broke_a_candidate_once_breaks_it_no_more(
    regression: str, replayed: Mapping[str, Broken | None]
) -> None:
    broken = replayed[regression]
    if broken is not None:
        pytest.fail(f"{broken.promise}: {broken.reason}", pytrace=False)
