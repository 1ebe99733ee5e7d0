"""Hostile histories against a candidate: one batch of inference, then Hypothesis shrinks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import Phase, given, note, seed

from evalsuite.cases import Case, Language
from evalsuite.engines import open_engine
from evalsuite.models import read_adapter, resolve_base
from evalsuite.run import default_cache
from evalsuite.runfolder import Run
from evalsuite.scenarios import sample_demonstrations
from evalsuite.search import Oracle, collect
from evalsuite.search.collect import search_settings
from evalsuite.strategies import adversarial_histories
from evalsuite.template import load_template

HISTORIES = 150
SEED = 20_240_229


@pytest.fixture(scope="module")
def oracle(gate_run: Run, pytestconfig: pytest.Config) -> Iterator[Oracle]:
    base = resolve_base(gate_run.info.base.name)
    adapter = read_adapter(pytestconfig.getoption("--adapter"), base)
    engine = open_engine(
        base,
        (adapter,),
        cache=pytestconfig.getoption("--output-cache") or default_cache(),
        dtype=pytestconfig.getoption("--dtype"),
        device=pytestconfig.getoption("--device"),
    )
    shown = {language: sample_demonstrations(SEED, 2, language) for language in Language}
    yield Oracle(
        engine=engine,
        template=load_template(base.path),
        adapter=adapter.digest,
        demonstrations=shown,
        prompt_format=pytestconfig.getoption("--prompt-format"),
    )
    engine.close()


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
            note(f"{broken.promise}: {broken.reason}")
            pytest.fail(f"{broken.promise}: {broken.reason}", pytrace=False)

    keeps_its_promises()
