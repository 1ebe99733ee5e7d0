"""A local model as deepeval's judge: it answers, and what is no judgement is never a score."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from evalsuite.engines import load_engine
from evalsuite.errors import EngineError, InvalidInput, NotMeasured
from evalsuite.generation import Sampling
from evalsuite.integrations.deepeval import judge, llm_test_case, metric
from evalsuite.models import BaseRef, read_adapter
from evalsuite.template import ChatTemplate, load_template
from tests.integrations.samples import ANSWERED

deepeval = pytest.importorskip("deepeval")
pytestmark = pytest.mark.slow


class Opinion(BaseModel):
    """What a metric may ask a judge for."""

    score: int
    reason: str


@pytest.fixture(scope="module")
def nano_judge(nano: BaseRef, tmp_path_factory: pytest.TempPathFactory) -> Any:
    cache = tmp_path_factory.mktemp("judge") / "answers.sqlite3"
    return judge(nano, sampling=Sampling(max_tokens=12), cache=cache)


@pytest.fixture(scope="module")
def template(nano: BaseRef) -> ChatTemplate:
    return load_template(nano.path)


def scripted(answer: str, template: ChatTemplate) -> Any:
    from evalsuite.integrations.deepeval.judgemodel import EngineJudge

    return EngineJudge(
        "scripted",
        lambda: load_engine("scripted", lambda request: answer, template),
        template,
        sampling=Sampling(max_tokens=2000),
    )


def opinion_of(model: Any, *, async_mode: bool = False) -> Any:
    params = deepeval.test_case.SingleTurnParams
    return deepeval.metrics.GEval(
        name="clarity",
        evaluation_steps=["Is the question clear?"],
        evaluation_params=[params.ACTUAL_OUTPUT],
        model=model,
        async_mode=async_mode,
    )


def test_the_embedded_model_answers(nano_judge: Any, loop: asyncio.AbstractEventLoop) -> None:
    said = nano_judge.generate("What is its price?")
    assert said.strip()
    assert said == loop.run_until_complete(nano_judge.a_generate("What is its price?"))
    assert nano_judge.batch_generate(["What is its price?"] * 2) == [said, said]
    assert nano_judge.get_model_name() == "evalsuite nano"


def test_an_adapter_judges_under_its_own_name(
    nano: BaseRef, candidate: Path, tmp_path: Path
) -> None:
    adapter = read_adapter(candidate, nano)
    adapted = judge(nano, adapter, sampling=Sampling(max_tokens=4), cache=tmp_path / "c.sqlite3")
    assert adapted.generate("Hello.")
    assert adapted.get_model_name() == f"evalsuite nano with {adapter.digest[:12]}"


@pytest.mark.parametrize("async_mode", [False, True])
def test_an_answer_that_is_no_judgement_is_an_error_and_no_score(
    nano_judge: Any, async_mode: bool
) -> None:
    measured = opinion_of(nano_judge, async_mode=async_mode)
    with pytest.raises((NotMeasured, EngineError)) as refused:
        measured.measure(llm_test_case(ANSWERED))
    assert measured.score is None
    assert "nano" in str(refused.value) or "does not fit" in str(refused.value)


def test_a_judge_that_does_not_judge_fails_the_test_case_and_no_other_metric(
    nano_judge: Any,
) -> None:
    configs = deepeval.evaluate.configs
    result = deepeval.evaluate(
        [llm_test_case(ANSWERED)],
        [opinion_of(nano_judge), metric("literal_leak")],
        display_config=configs.DisplayConfig(show_indicator=False, print_results=False),
        cache_config=configs.CacheConfig(write_cache=False),
        error_config=configs.ErrorConfig(ignore_errors=True),
    )
    by_name = {one.name: one for one in result.test_results[0].metrics_data}
    assert by_name["evalsuite literal_leak"].score == 1.0
    assert (by_name["clarity [GEval]"].score, by_name["clarity [GEval]"].success) == (None, False)
    assert by_name["clarity [GEval]"].error


def test_an_answer_in_the_form_asked_for_is_a_judgement(template: ChatTemplate) -> None:
    model = scripted('I think: {"score": 9, "reason": "It is clear."}', template)
    measured = opinion_of(model)
    assert measured.measure(llm_test_case(ANSWERED)) == pytest.approx(0.9)
    assert model.generate("Well?", schema=Opinion) == Opinion(score=9, reason="It is clear.")


@pytest.mark.parametrize(
    "said", ["nine", '{"score": "nine"}', "{}", '{"score": 9, "reason"', "\x1b[31m{}"]
)
def test_half_a_judgement_is_none(said: str, template: ChatTemplate) -> None:
    with pytest.raises(NotMeasured, match="asked for a Opinion and answered") as refused:
        scripted(said, template).generate("Well?", schema=Opinion)
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize("prompt", ["", "  ", ["a picture"], None])
def test_a_prompt_that_is_no_text_is_refused(nano_judge: Any, prompt: Any) -> None:
    with pytest.raises(InvalidInput, match="must be a text"):
        nano_judge.generate(prompt, schema=Opinion)


def test_a_prompt_longer_than_the_context_window_is_refused(nano_judge: Any) -> None:
    with pytest.raises(EngineError, match="does not fit"):
        nano_judge.generate("long " * 20_000)
