"""Training asks with a prompt of one's own, as it will be served."""

from __future__ import annotations

from pathlib import Path

from evalsuite.cases import Kind
from evalsuite.prompts import BUILT_IN, load_prompt
from evalsuite.scenarios import sample_panel
from evalsuite.training.recipe import DataRecipe
from evalsuite.training.samples import rewriting_samples

EXAMPLES = Path(__file__).parents[2] / "examples" / "prompts"
RECIPE = DataRecipe(samples=80)


def test_samples_are_asked_and_answered_as_the_prompt_says() -> None:
    tags = load_prompt(EXAMPLES / "tags.yaml")
    for sample in rewriting_samples(RECIPE, 0, tags):
        answer = sample.conversation.messages[-1].content
        assert answer.startswith(tags.prefill)
        assert tags.read(answer.removeprefix(tags.prefill)).found
        assert "<query>" in sample.conversation.messages[-2].content
    thought = load_prompt(EXAMPLES / "thought.yaml")
    said = [s.conversation.messages[-1].content for s in rewriting_samples(RECIPE, 0, thought)]
    assert all(text.startswith("Thought: ") and "\nRewrite: " in text for text in said)
    assert any(text.startswith("Thought: - is meant.") for text in said)
    assert any(not text.startswith("Thought: - is meant.") for text in said)


def test_chat_is_trained_on_turns() -> None:
    lengths = [len(s.conversation.messages) for s in rewriting_samples(RECIPE, 0, BUILT_IN["chat"])]
    assert max(lengths) > 4


def test_where_a_window_hides_the_answer_the_query_is_copied() -> None:
    tags = load_prompt(EXAMPLES / "tags.yaml")
    told = {Kind.COMPARISON: 0, Kind.SINGLE: 0}
    for sample in rewriting_samples(DataRecipe(samples=300), 0, tags):
        kind = sample.group.split("/")[1]
        asked, answered = (m.content for m in sample.conversation.messages[-2:])
        query = asked.partition("<query>")[2].removesuffix("</query>")
        if kind in told:
            told[Kind(kind)] += tags.read(answered.removeprefix(tags.prefill)).answer != query
    assert told[Kind.COMPARISON] == 0
    assert told[Kind.SINGLE] > 5
    hidden = [c for c in sample_panel(0, 120).cases if tags.window.hides(c)]
    assert {c.kind for c in hidden} >= {Kind.COMPARISON}
    assert not any(BUILT_IN["xml"].window.hides(c) for c in sample_panel(0, 120).cases)
