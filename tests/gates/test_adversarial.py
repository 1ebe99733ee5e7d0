"""Hostile histories against a candidate, in batches, made as small as they can be.

A search for counterexamples beside the gates: one is enough to fail here, and none of it enters a
verdict, which may pass all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from evalsuite.engines import open_engine
from evalsuite.pipeline import GateRequest
from evalsuite.pipeline.inputs import resolve
from evalsuite.plugin.options import is_asked
from evalsuite.regressions import dump_regression
from evalsuite.search import (
    Counterexample,
    Hunt,
    Posed,
    SearchRequest,
    prepared,
    regression_of,
)
from evalsuite.search.asker import Asker

FOUND = """counterexample, not a verdict: it was searched for, so it is no rate, and it leaves the
verdict of the gates as it is.
The gates without the search: the same command with tests/gates/test_gates.py
The search without the gates: the same command with tests/gates/test_adversarial.py
To keep it as a regression: evalsuite search with the same options
{failure}

The smallest history that was found, as a regression file:
{text}"""


@pytest.fixture(scope="module")
def hunt(request: pytest.FixtureRequest, gate_request: GateRequest) -> Iterator[Hunt]:
    _after_the_gates(request)
    searching = SearchRequest(
        gate=replace(gate_request, seed=gate_request.seed or 0),
        budget=request.config.getoption("--gate-search-budget"),
        most=3,
    )
    inputs = resolve(searching.gate)
    engine = open_engine(
        inputs.base, (inputs.adapter,), cache=inputs.cache, numerics=inputs.numerics
    )
    yield prepared(searching, inputs, engine)
    engine.close()


def _after_the_gates(request: pytest.FixtureRequest) -> None:
    """Wait where the gates run too: two models at once may not fit. Fails without a candidate."""
    asked = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    if "gate_run" in asked or not is_asked(request.config):
        request.getfixturevalue("gate_run")


def _ask_again(found: Counterexample, hunt: Hunt) -> None:
    """Ask the engine again, and fail as a Hypothesis test does where it does the same again.

    The counterexample is the ``@example``, so it is told once, as the falsifying example.
    """
    used = hunt.asker
    # The search's own asker would repeat what it was told.
    asker = Asker(
        engine=used.engine,
        template=used.template,
        candidate=used.candidate,
        baseline=used.baseline,
        context=used.context,
    )

    @settings(phases=(Phase.explicit,), database=None, deadline=None)
    @example(found.posed)
    @given(st.just(found.posed))
    def keeps_its_promises(posed: Posed) -> None:
        (said,) = asker.ask([posed])
        broken = asker.first_broken(posed, said)
        if broken is not None:
            raise AssertionError(
                f"{broken.promise}: {broken.reason} The answer: {said.candidate.text!r}"
            )

    keeps_its_promises()


def test_no_hostile_history_makes_the_candidate_break_a_promise(hunt: Hunt) -> None:
    outcome = hunt.run()
    if outcome.interrupted:
        raise KeyboardInterrupt
    found = outcome.counterexamples
    told = []
    for one in found:
        try:
            _ask_again(one, hunt)
        except AssertionError as failure:
            notes = "\n".join(getattr(failure, "__notes__", ()))
            text = dump_regression(regression_of(one, hunt.asker))
            told.append(FOUND.format(failure=f"{failure}\n{notes}", text=text))
    assert len(told) == len(found), "what was found did not happen again when it was asked again"
    if told:
        pytest.fail("\n\n".join(told), pytrace=False)
