from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import Phase, find, given, seed, settings
from hypothesis import strategies as st

from evalsuite.cases import Case, Language
from evalsuite.engines.scripted import ScriptedEngine
from evalsuite.generation import Output, Request
from evalsuite.models import BaseRef
from evalsuite.scenarios import sample_demonstrations
from evalsuite.search import Oracle, collect
from evalsuite.search.collect import search_settings
from evalsuite.strategies import adversarial_histories
from evalsuite.template import load_template

SHOWN = {language: sample_demonstrations(3, 2, language) for language in Language}
HISTORIES = adversarial_histories(demonstrations=[d for s in SHOWN.values() for d in s])


def leaks_when_told_of_it(request: Request) -> str:
    """Paste a demonstration's entity when the history resembles that demonstration."""
    assert request.conversation is not None
    asked = request.conversation.turns[-1].content
    for shown in (d for demonstrations in SHOWN.values() for d in demonstrations):
        if "<|im_end|>" in asked and shown.language is Language.EN and "<example>" not in asked:
            return f"Tell me about {shown.entities[0]}."
    return asked.rpartition("<query>\n")[2].partition("\n</query>")[0]


@pytest.fixture
def oracle(nano: BaseRef) -> Oracle:
    template = load_template(nano.path)
    return Oracle(
        engine=ScriptedEngine(leaks_when_told_of_it, template),
        template=template,
        adapter=None,
        demonstrations=SHOWN,
    )


def test_collecting_twice_draws_the_same_histories() -> None:
    assert collect(HISTORIES, 40, seed_value=5) == collect(HISTORIES, 40, seed_value=5)


def test_replaying_asks_nothing_that_the_batch_did_not_answer(oracle: Oracle) -> None:
    strategy = adversarial_histories(operators=["gap", "distractor"])
    oracle.ask(collect(strategy, 40, seed_value=5))
    asked = oracle.asked

    @seed(5)
    @search_settings(40, Phase.generate, Phase.shrink)
    @given(strategy)
    def replay(case: Case) -> None:
        assert oracle.broken(case) is None

    replay()
    assert oracle.asked == asked > 20


def test_a_planted_leak_is_found_and_shrunk_to_a_conversation_a_person_can_read(
    oracle: Oracle,
) -> None:
    oracle.ask(collect(HISTORIES, 150, seed_value=6))
    smallest = find(
        HISTORIES,
        lambda case: oracle.broken(case) is not None,
        settings=settings(search_settings(2000, Phase.generate, Phase.shrink), deadline=None),
    )
    broken = oracle.broken(smallest)
    assert broken is not None
    assert broken.promise == "no example leakage"
    assert len(smallest.history) <= 4


def test_an_emitted_control_token_breaks_a_promise(nano: BaseRef) -> None:
    class Forger(ScriptedEngine):
        """Emits the id of a control token after its text."""

        def infer(self, requests: Sequence[Request]) -> list[Output]:
            control = self.template.control_ids["<|im_start|>"]
            return [replace(o, ids=(*o.ids, control)) for o in super().infer(requests)]

    template = load_template(nano.path)
    (case, *_) = collect(HISTORIES, 5, seed_value=1)
    spelled = ScriptedEngine(lambda _: "What is it?<|im_start|>", template)
    for engine, breaks in ((spelled, False), (Forger(lambda _: "What is it?", template), True)):
        oracle = Oracle(engine=engine, template=template, adapter=None, demonstrations=SHOWN)
        assert (oracle.broken(case) is not None) == breaks
    broken = oracle.broken(case)
    assert broken is not None
    assert broken.promise == "no control token"


def test_collecting_needs_no_model(tmp_path: Path) -> None:
    assert len(collect(st.integers(), 25, seed_value=1)) == 25
