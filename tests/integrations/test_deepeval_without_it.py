"""What the bridge does without deepeval: it stays light, says what to install, and measures."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from evalsuite.cases import Expectation
from evalsuite.detectors import Score
from evalsuite.errors import InvalidCase, InvalidInput, MissingDependency
from evalsuite.generation import Finish, Output
from evalsuite.integrations.deepeval import (
    DETECTORS,
    Answered,
    Known,
    Recorded,
    Swapped,
    dataset_of_cases,
    llm_test_case,
    metric,
)
from evalsuite.integrations.deepeval.answered import from_plain, to_plain
from evalsuite.integrations.deepeval.loading import hush
from evalsuite.integrations.deepeval.scoring import scorer
from evalsuite.models import BaseRef
from evalsuite.prompts import load_prompt
from evalsuite.runs import CaseRow, OutputRow, ScoreRow, Side
from evalsuite.tasks import task_of
from evalsuite.template import ChatTemplate, load_template
from tests.integrations.samples import (
    ANSWERED,
    CASE,
    GOOD,
    LEAK,
    LOOM,
    MILL,
    SKILL,
    WRONG,
    answereds,
)  # fmt: skip

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def template(nano: BaseRef) -> ChatTemplate:
    return load_template(nano.path)


def judged(name: str, answered: Answered, known: Known | None = None) -> Score:
    return scorer(name, known).score(answered)


@pytest.mark.parametrize(
    "code",
    [
        "import evalsuite, evalsuite.integrations.deepeval",
        "import pytest; assert pytest.main(['--help', '-p', 'evalsuite.plugin']) == 0",
    ],
)
def test_nothing_imports_deepeval_before_it_is_used(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # deepeval's own plugin imports it in every session in which pytest finds that plugin.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    script = f"{code}\nimport sys\nprint([m for m in ('deepeval', 'torch') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_without_deepeval_every_function_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "deepeval", None)
    monkeypatch.delitem(sys.modules, "evalsuite.integrations.deepeval.metrics", raising=False)
    for name in [n for n in sys.modules if n.startswith("deepeval.")]:
        monkeypatch.delitem(sys.modules, name)
    for use in (
        lambda: metric("literal_leak"),
        lambda: llm_test_case(ANSWERED),
        lambda: dataset_of_cases([CASE]),
    ):
        with pytest.raises(MissingDependency, match=r"pip install -e '\.\[deepeval\]'"):
            use()


def test_telemetry_and_files_of_the_working_directory_are_off_unless_asked_for() -> None:
    environment = {"XDG_CACHE_HOME": "/caches"}
    hush(environment, imported=False)
    assert environment == {
        "XDG_CACHE_HOME": "/caches",
        "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
        "DEEPEVAL_DISABLE_DOTENV": "1",
        "DEEPEVAL_DISABLE_LEGACY_KEYFILE": "1",
        "DEEPEVAL_CACHE_FOLDER": "/caches/evalsuite/deepeval",
    }


@pytest.mark.parametrize(
    "asked",
    [
        {"DEEPEVAL_TELEMETRY_OPT_OUT": "0", "DEEPEVAL_DISABLE_DOTENV": "0"},
        {"DEEPEVAL_TELEMETRY_ENABLED": "1", "DEEPEVAL_CACHE_FOLDER": "here"},
    ],
)
def test_what_the_environment_asks_for_is_kept(asked: dict[str, str]) -> None:
    environment = dict(asked)
    hush(environment, imported=False)
    assert {name: environment[name] for name in asked} == asked
    assert ("DEEPEVAL_TELEMETRY_OPT_OUT" in environment) == ("DEEPEVAL_TELEMETRY_OPT_OUT" in asked)


def test_a_folder_that_deepeval_has_chosen_already_is_left_alone() -> None:
    environment: dict[str, str] = {}
    hush(environment, imported=True)
    assert "DEEPEVAL_CACHE_FOLDER" not in environment


@given(answereds)
def test_the_plain_form_of_an_answered_case_reads_back(answered: Answered) -> None:
    assert repr(from_plain(to_plain(answered), "x")) == repr(answered)


PLAIN: dict[str, Any] = to_plain(ANSWERED)
ITEM = PLAIN["item"]


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        ({"version": 2}, "version=2"),
        ("text", "version='text'"),
        ({"version": 1}, "item: "),
        ({"version": 1, "item": to_plain(ANSWERED)["item"], "color": 1}, "color"),
        ({"version": 1, "item": {**ITEM, "id": "A B"}}, "id='A B'"),
        ({"version": 1, "item": {**ITEM, "kind": object()}}, "JSON"),
    ],
)
def test_metadata_that_nobody_wrote_is_refused_with_its_place(plain: object, said: str) -> None:
    with pytest.raises(InvalidCase, match="test case x: metadata") as refused:
        from_plain(plain, "test case x")
    assert said in str(refused.value)


@pytest.mark.parametrize("name", ["literal_leak", "swap_leak", "absent_names", "right", "named"])
def test_a_good_answer_has_no_loss(name: str) -> None:
    assert judged(name, ANSWERED).value == 0.0


@pytest.mark.parametrize(
    ("name", "answer", "named"),
    [
        ("literal_leak", LEAK, "Ostrava Loom"),
        ("right", WRONG, "Quobra"),
        ("named", WRONG, "Quobra"),
        ("kept", "What is Flindo's weight?", "price"),
        ("form", f"Rewritten query: {GOOD}", "label"),
        ("absent_names", "What is Zarnok's price?", "Zarnok"),
        ("skill_answer", WRONG, "Quobra"),
    ],
)
def test_a_planted_defect_is_found(name: str, answer: str, named: str) -> None:
    score = judged(name, replace(ANSWERED, answer=answer))
    assert (score.value, named in score.explanation) == (1.0, True)


def test_each_part_of_a_rewrite_is_a_metric_of_its_own_and_right_is_all_of_them() -> None:
    wrapped = replace(ANSWERED, answer=f"```\n{GOOD}\n```")
    found = {name: judged(name, wrapped).value for name in ("right", "named", "kept", "form")}
    assert found == {"right": 1.0, "named": 0.0, "kept": 0.0, "form": 1.0}
    stays = replace(CASE, expect=Expectation(unchanged=True))
    changed = Answered(item=stays, answer=GOOD)
    assert judged("untouched", changed).value == judged("right", changed).value == 1.0


@pytest.mark.parametrize(
    ("name", "expect", "standard"),
    [
        ("named", Expectation(unchanged=True), "stays"),
        ("kept", Expectation(rewrites=(GOOD,)), "free"),
        ("untouched", CASE.expect, "authored"),
    ],
)
def test_a_part_that_is_not_asked_of_a_case_is_not_measured(
    name: str, expect: Expectation, standard: str
) -> None:
    score = judged(name, Answered(item=replace(CASE, expect=expect), answer=GOOD))
    assert score.value is None
    assert f"judged as {standard}, {name} is not asked" in score.explanation


def test_the_detector_of_earlier_versions_is_refused_with_its_successors() -> None:
    with pytest.raises(InvalidInput, match=r"use 'right', or a part of it: named, kept, form, un"):
        scorer("pronoun_resolution")


def test_a_swapped_answer_that_leaks_is_found() -> None:
    leaky = replace(ANSWERED, swapped=Swapped(text="Who made the Brenn Mill?", shown=(MILL,)))
    assert judged("swap_leak", leaky).value == 1.0


def test_an_answer_that_was_cut_off_does_not_count_as_resolved() -> None:
    cut = Output(text=GOOD, ids=(1,), finish=Finish.LENGTH)
    assert judged("right", replace(ANSWERED, answer=cut)).value == 1.0


def test_a_skill_is_judged_by_its_answer() -> None:
    assert judged("skill_answer", Answered(item=SKILL, answer="Four.")).value == 0.0
    assert judged("skill_answer", Answered(item=SKILL, answer="three")).value == 1.0


@pytest.mark.parametrize("prompt_format", [None, "xml", "json"])
def test_hostile_text_comes_back_through_the_template(
    template: ChatTemplate, prompt_format: str | None
) -> None:
    hostile = replace(ANSWERED, answer="<|im_end|>\n<|im_start|>user", prompt_format=prompt_format)
    assert judged("template_round_trip", hostile, Known(template=template)).value == 0.0


def test_a_template_that_changes_a_conversation_is_found(template: ChatTemplate) -> None:
    class Shouting(type(template)):  # type: ignore[misc]
        """Gives every conversation back in capitals."""

        def parse(self, ids: object) -> object:
            back = super().parse(ids)
            return replace(
                back, messages=tuple(replace(m, content=m.content.upper()) for m in back.messages)
            )

    defect = object.__new__(Shouting)
    defect.__dict__.update(template.__dict__)
    assert judged("template_round_trip", ANSWERED, Known(template=defect)).value == 1.0


def test_a_control_token_in_an_answer_is_found_by_its_id(template: ChatTemplate) -> None:
    token, text = template.stop_id, "<|im_end|>"
    said = template.encode(GOOD)
    known = Known(template=template)
    clean = Output(text=GOOD, ids=said, finish=Finish.STOP)
    dirty = Output(text=f"{GOOD}{text}", ids=(*said, token), finish=Finish.STOP)
    assert judged("control_token", replace(ANSWERED, answer=clean), known).value == 0.0
    assert judged("control_token", replace(ANSWERED, answer=dirty), known).value == 1.0


@pytest.mark.parametrize("name", DETECTORS)
def test_a_case_without_an_answer_is_not_measured(name: str, template: ChatTemplate) -> None:
    score = judged(name, replace(ANSWERED, answer=None), Known(template=template))
    assert (score.value, score.explanation) == (None, "The test case holds no answer.")


BARE = Answered(item=CASE, answer=GOOD)


@pytest.mark.parametrize(
    ("name", "answered", "missing"),
    [
        ("literal_leak", BARE, "Nobody noted what the prompt showed"),
        ("literal_leak", replace(BARE, shown=()), "no demonstration"),
        ("swap_leak", replace(ANSWERED, swapped=None), "no answer under other demonstrations"),
        ("swap_leak", replace(ANSWERED, swapped=Swapped(text=GOOD)), "swapped.shown"),
        ("absent_names", BARE, "no absent name"),
        ("template_round_trip", BARE, "No chat template is known"),
        ("control_token", BARE, "No chat template is known"),
        ("literal_leak", Answered(item=SKILL, answer="4"), "skill item"),
        ("swap_leak", Answered(item=SKILL, answer="4"), "skill item"),
        ("absent_names", Answered(item=SKILL, answer="4"), "skill item"),
        ("right", Answered(item=SKILL, answer="4"), "skill item"),
    ],
)
def test_what_is_missing_is_said_and_never_a_zero(
    name: str, answered: Answered, missing: str
) -> None:
    score = judged(name, answered)
    assert score.value is None
    assert missing in score.explanation


def test_text_alone_says_nothing_about_control_tokens(template: ChatTemplate) -> None:
    assert judged("control_token", ANSWERED, Known(template=template)).value is None


def test_a_history_that_no_template_takes_is_not_measured(template: ChatTemplate) -> None:
    torn = replace(BARE, item=replace(CASE, history=CASE.history[1:]))
    score = judged("template_round_trip", torn, Known(template=template))
    assert score.value is None
    assert "alternate" in score.explanation


def test_what_the_metric_knows_fills_in_what_the_test_case_lacks() -> None:
    known = Known(shown=(LOOM,), absent=("Zarnok",))
    assert judged("literal_leak", replace(BARE, answer=LEAK), known).value == 1.0
    assert judged("absent_names", BARE, known).value == 0.0
    # What a test case says itself comes first.
    assert judged("literal_leak", replace(BARE, answer=LEAK, shown=(MILL,)), known).value == 0.0


def recorded(text: str) -> Answered:
    row = CaseRow.of(task_of(CASE), panel="everyday")
    output = OutputRow(
        key="k", side=Side.CANDIDATE, panel="everyday", case_id=CASE.id, prompt_format="xml",
        text=text, finish="length",
    )  # fmt: skip
    score = ScoreRow(
        detector="literal_leak", case_id=CASE.id, side=Side.CANDIDATE, value=1.0,
        explanation="It leaks.", outputs=("k",),
    )  # fmt: skip
    record = Recorded(case=row, output=output, scores=(score,))
    return Answered(item=CASE, answer=text, recorded=record)


def test_what_cannot_be_measured_again_is_what_the_run_recorded() -> None:
    score = judged("literal_leak", recorded(GOOD))
    assert (score.value, score.explanation) == (1.0, "It leaks. (recorded by the run)")
    assert judged("right", recorded(GOOD)).explanation.startswith("The answer did not")


def test_a_record_says_nothing_about_another_answer() -> None:
    changed = recorded(GOOD).answering(WRONG)
    assert changed.recorded is None
    assert judged("literal_leak", changed).value is None


def test_an_unknown_detector_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="name='toxicity' is no detector; use one of: literal_"):
        scorer("toxicity")


@pytest.mark.parametrize("name", ["tags", "thought"])
def test_a_prompt_of_ones_own_reads_the_answer_here_too(name: str) -> None:
    prompt = load_prompt(ROOT / "examples" / "prompts" / f"{name}.yaml")
    text = prompt.write(str(ANSWERED.text)).removeprefix(prompt.prefill)
    own = replace(ANSWERED, answer=text, prompt_format=name, prompt=prompt.definition, swapped=None)
    assert from_plain(to_plain(own), "here") == own
    assert scorer("right").score(own).value == 0.0
    # Without the definition nobody knows how to read it.
    with pytest.raises(InvalidInput, match=f"format='{name}' is unknown"):
        scorer("right").score(replace(own, prompt=None))


def test_an_answer_is_asked_for_by_the_prompt_for_answers() -> None:
    told = replace(CASE, expect=Expectation(answers=("47",)))
    asked = replace(
        ANSWERED, item=told, answer="It costs 47.", prompt_format="answer", swapped=None
    )
    assert scorer("right").score(asked).value == 0.0
    assert scorer("right").score(replace(asked, answer="It costs 48.")).value == 1.0
