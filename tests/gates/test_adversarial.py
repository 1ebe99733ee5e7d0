"""Hostile histories against a candidate: one batch of inference, then Hypothesis shrinks.

A search for counterexamples beside the gates: one is enough to fail here, and none of it enters a
verdict, which may pass all the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import Phase, given, seed

from evalsuite.casefiles import dump_cases
from evalsuite.cases import Case, Language
from evalsuite.engines import open_engine, resolve_numerics
from evalsuite.models import read_adapter, resolve_base
from evalsuite.run import default_cache
from evalsuite.scenarios import sample_demonstrations
from evalsuite.search import Broken, Oracle, collect
from evalsuite.search.collect import search_settings
from evalsuite.strategies import adversarial_histories
from evalsuite.template import load_template

HISTORIES = 150
SEED = 20_240_229
FOUND = """counterexample, not a verdict: {promise}: {reason}
It was searched for, so it is no rate, and it leaves the verdict of the gates as it is.
The gates without the search: the same command with tests/gates/test_gates.py
The search without the gates: the same command with tests/gates/test_adversarial.py
The answer: {answer!r}
The smallest history that was found, as a case:
{case}"""


@pytest.fixture(scope="module")
def oracle(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> Iterator[Oracle]:
    _after_the_gates(request)
    base = resolve_base(pytestconfig.getoption("--base-model"))
    adapter = read_adapter(pytestconfig.getoption("--adapter"), base)
    engine = open_engine(
        base,
        (adapter,),
        cache=pytestconfig.getoption("--gate-cache") or default_cache(),
        numerics=resolve_numerics(
            dtype=pytestconfig.getoption("--gate-dtype"),
            device=pytestconfig.getoption("--gate-device"),
        ),
    )
    shown = {language: sample_demonstrations(SEED, 2, language) for language in Language}
    yield Oracle(
        engine=engine,
        template=load_template(base.path),
        adapter=adapter.digest,
        demonstrations=shown,
        prompt_format=pytestconfig.getoption("--gate-prompt-format"),
    )
    engine.close()


def _after_the_gates(request: pytest.FixtureRequest) -> None:
    """Wait where the gates run too: two models at once may not fit. Fails without a candidate."""
    asked = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    if "gate_run" in asked or request.config.getoption("--adapter") is None:
        request.getfixturevalue("gate_run")


def _told(case: Case, broken: Broken, answer: str) -> str:
    return FOUND.format(
        promise=broken.promise, reason=broken.reason, answer=answer, case=dump_cases((case,))
    )


def test_no_hostile_history_makes_the_candidate_break_a_promise(oracle: Oracle) -> None:
    shown = [d for language in Language for d in oracle.demonstrations[language]]
    histories = adversarial_histories(demonstrations=shown)
    oracle.ask(collect(histories, HISTORIES, seed_value=SEED))

    @seed(SEED)
    @search_settings(HISTORIES, Phase.generate, Phase.shrink)
    @given(histories)
    def keeps_its_promises(case: Case) -> None:
        broken = oracle.broken(case)
        if broken is not None:
            pytest.fail(_told(case, broken, oracle.answer(case).text), pytrace=False)

    keeps_its_promises()
