"""Gates that ask with a prompt of one's own, and gates that want answers."""

from __future__ import annotations

import html
from dataclasses import replace
from pathlib import Path

import pytest

from evalsuite.cases import Language, Wanted
from evalsuite.errors import InvalidPrompt
from evalsuite.pipeline import GateRequest, evaluate
from evalsuite.pipeline.inputs import check, resolve
from evalsuite.pipeline.questions import first_share, questions, sample
from evalsuite.prompts import (
    ANSWER_PROMPT,
    BUILT_IN,
    DEFAULT_PROMPT,
    Prompt,
    Selection,
    load_prompt,
)
from evalsuite.prompts.layout import Layout
from evalsuite.prompts.selection import Choose
from evalsuite.report.html import render_html
from evalsuite.runs import PANEL, Side
from evalsuite.runs.folder import Run, load_run
from evalsuite.scenarios import sample_demonstrations

EXAMPLES = Path(__file__).parents[2] / "examples" / "prompts"
TAGS = load_prompt(EXAMPLES / "tags.yaml")


@pytest.fixture(scope="module")
def asked(
    candidate: Path,
    small_policy: Path,
    few_cases: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> GateRequest:
    return GateRequest(
        adapter=candidate,
        policy=str(small_policy),
        cases=few_cases,
        out=tmp_path_factory.mktemp("prompted") / "run",
        cache=candidate.parent / "outputs.sqlite3",
        prompt=TAGS,
        seed=3,
    )


@pytest.fixture(scope="module")
def run(asked: GateRequest) -> Run:
    return evaluate(asked)


def test_the_record_holds_the_prompt_and_what_its_rule_reads(run: Run) -> None:
    assert run.info.prompt is not None
    assert run.info.prompt.digest == TAGS.digest
    assert run.info.prompt.definition == TAGS.definition
    assert run.info.digests["prompt tags"] == TAGS.digest
    rows = [row for row in run.outputs if row.panel == PANEL]
    assert {row.prompt_format for row in rows} == {"tags"}
    for row in rows:
        read = TAGS.read(row.text).answer
        assert row.answer == (None if read == row.text else read)
    again = load_run(run.folder)
    assert again.info.prompt == run.info.prompt


def test_what_a_prompt_begins_is_no_part_of_the_conversation(run: Run) -> None:
    broken = [s for s in run.scores if s.detector == "template_round_trip" and s.value]
    assert not broken


def test_the_prefill_stands_at_the_end_of_every_prompt(asked: GateRequest) -> None:
    inputs = resolve(asked)
    samples = sample(inputs)
    every = [q for q in questions(inputs, samples) if q.row.panel == PANEL]
    begun = inputs.template.answer_ids(TAGS.prefill)
    assert every
    for question in every:
        assert question.request.prompt[-len(begun) :] == begun
        assert question.request.begun == len(begun)


def test_a_case_whose_answer_would_be_lost_is_named(asked: GateRequest) -> None:
    inputs = resolve(replace(asked, prompt=Prompt(name="cut", stop=("Flindo",))))
    with pytest.raises(InvalidPrompt, match=r"the right answer to case 'few-.*' \(.*nano_en.yaml"):
        questions(inputs, replace(sample(inputs), panel=()))


def test_a_layout_without_demonstrations_shows_and_suspects_none(asked: GateRequest) -> None:
    prompt = Prompt(name="bare", layout=Layout(user="{task}\n{history}\n{query}"))
    samples = sample(resolve(replace(asked, prompt=prompt)))
    assert all(not shown.pair.a for shown in samples.panel)
    assert not any(shown.case.kind == "demonstration_lure" for shown in samples.panel)


def test_another_prompt_is_another_attempt_and_another_panel(asked: GateRequest) -> None:
    requests = [
        replace(asked, seed=None, prompt=prompt)
        for prompt in (DEFAULT_PROMPT, TAGS, replace(TAGS, max_tokens=95), BUILT_IN["chat"])
    ]
    inputs = [resolve(request) for request in requests]
    assert len({one.circumstances for one in inputs}) == len(requests)
    assert len({one.seed for one in inputs}) == len(requests)


def test_the_report_shows_what_was_read(run: Run) -> None:
    page = render_html(run)
    read = next(
        row.answer
        for row in run.outputs
        if row.answer
        and any(s.value and row.key in s.outputs for s in run.scores if s.detector == "right")
    )
    assert "Read as: " in page
    assert html.escape(read, quote=False).split("'")[0] in page


def test_the_nearest_demonstrations_are_chosen_for_each_case(asked: GateRequest) -> None:
    prompt = Prompt(name="near", selection=Selection(choose=Choose.NEAREST, number=2))
    inputs = resolve(replace(asked, prompt=prompt))
    panel = sample(inputs).panel
    shown = {s.pair.name: s.pair for s in panel}
    assert len(shown) > 5
    for one in panel:
        assert one.pair.a
        assert all(d.language is one.case.language for d in one.pair.a)
        names = {n for d in (*one.pair.a, *one.pair.b) for n in d.entities}
        assert not names & set(one.case.expect.must_name)


def test_a_pool_of_ones_own_is_shown_before_golden_cases_too(asked: GateRequest) -> None:
    pool = tuple(d for lang in Language for d in sample_demonstrations("own", 4, lang))
    prompt = Prompt(name="pool", selection=Selection(pool=pool, number=2))
    inputs = resolve(replace(asked, prompt=prompt))
    samples = sample(inputs)
    every = [s for cases in (samples.panel, *samples.goldens.values()) for s in cases]
    assert every
    for shown in every:
        assert set(shown.pair.a) <= set(pool)
        assert len(shown.pair.a) == len(shown.pair.b) == 2
    lures = [s for s in samples.panel if s.case.kind == "demonstration_lure"]
    assert lures


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        (Prompt(name="en", tasks={Language.EN: "x"}), r"no task for 'zh'.*add task\.zh"),
        (
            Prompt(name="pool", selection=Selection(pool=sample_demonstrations(1, 2, Language.EN))),
            "holds none in 'zh'",
        ),
        (ANSWER_PROMPT, "--prompt: prompt 'answer' says asks: answer"),
    ],
)
def test_a_prompt_that_cannot_ask_is_refused_before_anything(
    asked: GateRequest, prompt: Prompt, said: str
) -> None:
    with pytest.raises(InvalidPrompt, match=said):
        check(replace(asked, prompt=prompt))


# --- answers --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def answering(
    asked: GateRequest, small_policy: Path, tmp_path_factory: pytest.TempPathFactory
) -> GateRequest:
    folder = tmp_path_factory.mktemp("answers")
    policy = folder / "both.yaml"
    policy.write_text(
        small_policy.read_text("utf-8").replace("name: small", "name: both")
        + "tasks: [rewrite, answer]\n",
        "utf-8",
    )
    cases = folder / "cases"
    cases.mkdir()
    (cases / "nano_en.yaml").write_text(
        """cases:
  - id: told-price
    language: en
    kind: single
    history: [{user: "Flindo costs 47 euros."}, {assistant: "I see."}]
    query: "What does it cost?"
    expect: {answers: ["47"], not_answers: ["52"]}
  - id: rewritten-price
    language: en
    kind: single
    history: [{user: "Flindo costs 47 euros."}, {assistant: "I see."}]
    query: "What does it cost?"
    expect: {rewrites: ["What does Flindo cost?"], must_name: [Flindo]}
""",
        "utf-8",
    )
    return replace(
        asked, policy=str(policy), cases=cases, prompt=DEFAULT_PROMPT, out=folder / "run"
    )


def test_both_tasks_stand_in_one_policy_and_in_one_golden_set(answering: GateRequest) -> None:
    inputs = resolve(answering)
    samples = sample(inputs)
    wanted = [s.case.wanted for s in samples.panel]
    assert wanted.count(Wanted.REWRITE) == wanted.count(Wanted.ANSWER) == 26
    run = evaluate(answering)
    judged = {
        (row.panel, row.case_id): row.value
        for row in run.scores
        if row.detector == "right" and row.side is Side.CANDIDATE
    }
    assert ("nano", "told-price") in judged
    assert ("nano", "rewritten-price") in judged
    assert sum(panel == PANEL for panel, _ in judged) == 52
    rows = {row.case_id: row for row in run.cases if row.panel == "nano"}
    assert rows["told-price"].standard == "answered"
    asked = [row for row in run.outputs if row.case_id == "told-price"]
    assert {row.prompt_format for row in asked} == {"answer"}


def test_a_look_holds_its_share_of_both_tasks(answering: GateRequest) -> None:
    inputs = resolve(answering)
    every = questions(inputs, sample(inputs))
    seen = {q.row.case_id: q.row.standard for q in first_share(every, 0.5) if q.row.panel == PANEL}
    answers = sum(standard == "answered" for standard in seen.values())
    assert 0 < answers == len(seen) - answers


def test_a_policy_of_answers_alone_asks_for_no_rewrite(answering: GateRequest) -> None:
    policy = Path(answering.policy or "")
    alone = policy.with_name("alone.yaml")
    text = policy.read_text("utf-8").replace("[rewrite, answer]", "[answer]")
    alone.write_text(text.replace("name: both", "name: alone"), "utf-8")
    samples = sample(resolve(replace(answering, policy=str(alone))))
    assert {s.case.wanted for s in samples.panel} == {Wanted.ANSWER}
    assert samples.leakage == samples.pronouns != frozenset()
    shown = [d.rewrite for s in samples.panel for d in s.pair.a]
    assert shown
    assert not any(text.endswith("?") for text in shown)
