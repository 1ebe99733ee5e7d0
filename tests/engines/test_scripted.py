"""The scripted engine: answers by function, in the form that real engines give."""

from __future__ import annotations

import pytest

from evalsuite.engines import load_engine
from evalsuite.engines.scripted import ScriptedEngine
from evalsuite.errors import EngineError
from evalsuite.generation import Engine, Finish, Request, Sampling
from evalsuite.template import ChatTemplate


def test_it_is_an_engine_found_by_name(template: ChatTemplate) -> None:
    engine = load_engine("scripted", lambda request: "yes", template)
    assert isinstance(engine, ScriptedEngine)
    assert isinstance(engine, Engine)


def test_an_unknown_engine_is_refused_with_the_known_names() -> None:
    with pytest.raises(EngineError, match=r"engine='scribbled' is unknown.*scripted"):
        load_engine("scribbled")


def test_answers_come_back_in_order_as_text_and_ids(template: ChatTemplate) -> None:
    engine = ScriptedEngine(lambda r: f"它有多长 {r.prompt[0]}?", template)
    outputs = engine.infer([Request(prompt=(n,)) for n in (3, 1, 2)])
    assert [o.text for o in outputs] == [f"它有多长 {n}?" for n in (3, 1, 2)]
    assert all(template.decode(o.ids) == o.text and o.finish is Finish.STOP for o in outputs)
    assert engine.calls == 3


def test_an_answer_longer_than_allowed_is_cut(template: ChatTemplate) -> None:
    engine = ScriptedEngine(lambda r: "a" * 50, template)
    output = engine.infer([Request(prompt=(1,), sampling=Sampling(max_tokens=5))])[0]
    assert (output.text, output.finish, len(output.logprobs)) == ("aaaaa", Finish.LENGTH, 5)


def test_scores_come_from_the_score_function(template: ChatTemplate) -> None:
    engine = ScriptedEngine(str, template, score=lambda r: [-1.5] * len(r.target or ()))
    output = engine.infer([Request(prompt=(1,), target=(65, 66))])[0]
    assert (output.finish, output.logprob, output.ids) == (Finish.SCORED, -3.0, (65, 66))


def test_a_scored_request_without_scores_or_with_too_few_is_an_error(
    template: ChatTemplate,
) -> None:
    scored = Request(prompt=(1,), target=(2, 3))
    with pytest.raises(EngineError, match="request 0 asks for a score"):
        ScriptedEngine(str, template).infer([scored])
    with pytest.raises(EngineError, match="returned 1 values for the 2 target tokens"):
        ScriptedEngine(str, template, score=lambda r: [0.0]).infer([scored])


def test_the_label_changes_the_identity(template: ChatTemplate) -> None:
    one, two, again = (ScriptedEngine(str, template, label=name) for name in ("a", "b", "a"))
    assert one.identity == again.identity != two.identity
