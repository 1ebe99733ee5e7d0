"""Suites of one's own in a run: read, asked as turns, scored by their rule, judged by floor."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalsuite.cases import Language
from evalsuite.conversation import Message, Role
from evalsuite.detectors import Detector
from evalsuite.detectors.retention import choice_score
from evalsuite.errors import InvalidInput
from evalsuite.gates import Gate, Observation, Policy, load_policy
from evalsuite.generation import Finish, Output
from evalsuite.pipeline import GateRequest, evaluate
from evalsuite.pipeline.answered import Answered, with_floors
from evalsuite.pipeline.digests import digest_of_cases
from evalsuite.pipeline.inputs import Inputs, resolve
from evalsuite.pipeline.questions import Question, questions, sample
from evalsuite.pipeline.reading import suites
from evalsuite.runs import SKILLS
from evalsuite.scenarios import (
    AnswerRule,
    Instruction,
    Normalise,
    Rule,
    SkillItem,
    sample_skills,
)
from evalsuite.tasks import prompt_of, sampling_of

POLICY = """
languages: [en]
name: mine
extends: {path}
gates:
  example_leakage: {{panel: {{en: 5}}}}
  pronoun_resolution: {{panel: {{en: 5}}}}
  forgetting:
    panel: {{en: 10}}
    skills: {{seeded: [copy], suites: [{suites}]}}
    text: {{panel: {{en: 5}}}}
"""
HEADER = {"suite": {"skill": "mine", "language": "en", "rule": "exact", "floor": 0.0}}
CITY = {"question": "Capital of France?", "answer": "Paris", "options": ["Rome", "Paris", "Oslo"]}
ROWS: list[dict[str, Any]] = [
    {"id": "exact", "question": "Say fox.", "answer": "fox"},
    {"id": "sum", "question": "And 3 + 3?", "answer": "6", "rule": "last_number",
     "history": [{"user": "2 + 2?"}, {"assistant": "4"}],
     "fewshot": [{"question": "1 + 1?", "answer": "#### 2"}]},
    {"id": "contains", **CITY, "rule": "contains"},
    {"id": "regex", "question": "When?", "answer": "1066", "rule": "regex",
     "pattern": r"\b1066\b"},
    {"id": "choice", **CITY, "rule": "choice", "normalise": True},
    {"id": "letter", **CITY, "rule": "choice_letter"},
    {"id": "read", **CITY, "rule": "choice_letter", "by": "answer"},
    {"id": "ifeval", "question": "Write.", "rule": "ifeval", "max_tokens": 20,
     "instructions": [{"id": "punctuation:no_comma"}]},
    {"id": "zh", "question": "写。", "answer": "狐狸", "language": "zh"},
]  # fmt: skip


def suite(folder: Path, rows: list[dict[str, Any]] = ROWS) -> Path:
    path = folder / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [HEADER, *rows]), "utf-8")
    return path


def policy_file(folder: Path, base: Path, *named: Path) -> Path:
    path = folder / "policy.yaml"
    listed = ", ".join(map(str, named))
    path.write_text(POLICY.format(path=base, suites=listed), "utf-8")
    return path


def policy_of(folder: Path, base: Path, *named: Path) -> Policy:
    return load_policy(str(policy_file(folder, base, *named)))


@pytest.fixture
def inputs(candidate: Path, small_policy: Path, few_cases: Path, tmp_path: Path) -> Inputs:
    cases = tmp_path / "cases"
    cases.mkdir()
    text = (few_cases / "nano_en.yaml").read_text("utf-8")
    (cases / "nano_en.yaml").write_text(text, "utf-8")
    policy = policy_file(tmp_path, small_policy, suite(tmp_path))
    return resolve(GateRequest(adapter=candidate, policy=str(policy), cases=cases, seed=3))


def test_every_rule_is_asked_as_it_says(inputs: Inputs) -> None:
    asked: dict[str, list[Question]] = {}
    for question in questions(inputs, sample(inputs)):
        asked.setdefault(question.row.case_id, []).append(question)
    assert "zh" not in asked
    assert {name: len(asked[name]) for name in ("exact", "choice", "letter", "read")} == {
        "exact": 2, "choice": 6, "letter": 6, "read": 2,
    }  # fmt: skip
    said = [(m.role.value, m.content) for m in prompt_of(asked["sum"][0].task).messages]
    assert said == [
        ("user", "1 + 1?"), ("assistant", "#### 2"), ("user", "2 + 2?"), ("assistant", "4"),
        ("user", "And 3 + 3?"),
    ]  # fmt: skip
    assert [turn.content for turn in asked["sum"][0].row.history] == ["2 + 2?", "4"]
    lengths = {name: sampling_of(asked[name][0].task).max_tokens for name in ("sum", "ifeval")}
    assert lengths == {"sum": 512, "ifeval": 20}
    targets = {len(q.request.target or ()) for q in asked["letter"]}
    assert targets == {1}


@pytest.mark.parametrize(
    ("divisor", "loss"),
    [(Normalise.NONE, 1.0), (Normalise.CHARACTERS, 0.0), (Normalise.BYTES, 1.0)],
)
def test_options_are_compared_by_the_length_that_is_asked_for(
    divisor: Normalise, loss: float
) -> None:
    # Sums -4 and -3; by characters -1 and -1.5; by bytes of UTF-8 -1 and -0.5.
    item = SkillItem(
        id="c", skill="c", language=Language.ZH, cluster="c", prompt="?", answer="abcd",
        others=("狐狸",), by_choice=True, rule=AnswerRule(rule=Rule.CHOICE, normalise=divisor),
    )  # fmt: skip
    assert choice_score(item, [(-1.0, -3.0), (-3.0,)]).value == loss
    equal = choice_score(item, [(-4.0,), (-4.0 / divisor.length("abcd") * divisor.length("狐狸"),)])
    assert equal.value == 1.0


CASES = """cases:
  - id: {id}
    language: en
    kind: standalone
    history:
{history}
    query: And of grass?
    expect: {{rewrites: [green]}}
"""


def test_the_history_of_a_case_file_is_asked_and_has_to_alternate(
    small_policy: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine_en.yaml"
    turns = "      - user: The colour of milk?\n      - assistant: white"
    path.write_text(CASES.format(id="grass", history=turns), "utf-8")
    (item,) = suites(policy_of(tmp_path, small_policy, path))
    said = [message.content for message in item.question.messages]
    assert said == [
        "Answer with the result only.", "The colour of milk?", "white", "And of grass?",
    ]  # fmt: skip
    path.write_text(CASES.format(id="grass", history="      - user: Milk?"), "utf-8")
    with pytest.raises(InvalidInput, match=r"mine_en\.yaml:\d+: case 'grass': message 2 is from"):
        suites(policy_of(tmp_path, small_policy, path))


def test_an_id_is_one_question_in_all_kinds_of_files(small_policy: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine_en.yaml"
    turns = "      - user: The colour of milk?\n      - assistant: white"
    path.write_text(CASES.format(id="exact", history=turns), "utf-8")
    with pytest.raises(InvalidInput, match=r"mine\.jsonl:2: duplicate id 'exact', first at"):
        suites(policy_of(tmp_path, small_policy, path, suite(tmp_path)))


def test_what_is_wrong_with_a_suite_stops_a_run_before_a_model_is_loaded(
    inputs: Inputs, tmp_path: Path
) -> None:
    suite(tmp_path, [{"question": "q"}, {"question": "r", "answer": "a", "rule": "choice"}])
    with pytest.raises(InvalidInput) as caught:
        resolve(replace(inputs.request, adapter=tmp_path / "there-is-none"))
    assert "mine.jsonl:2: the row lacks an answer" in str(caught.value)
    assert "mine.jsonl:3: options has 0 entries" in str(caught.value)


# --- digests ---

PLAIN = SkillItem(
    id="s", skill="copy", language=Language.EN, cluster="c", prompt="Repeat: fox", answer="fox"
)


def digest(item: SkillItem) -> str:
    return digest_of_cases({}, [item], [], [])


def test_items_that_set_nothing_new_keep_the_digest_they_had() -> None:
    assert digest(PLAIN) == "8a445d9916e90bac84e23ac6bbdcf40458b7efa03fae961c9b4533b5905af714"
    written = [item for item in sample_skills(0, 20) if not item.by_choice]
    assert (
        digest_of_cases({}, written, [], [])
        == "aa1885c708bebcfb943686a16d2c01675875e2e3703088973d49faa4f3fc1aff"
    )


@pytest.mark.parametrize(
    "changed",
    [
        replace(PLAIN, history=(Message(Role.USER, "a"), Message(Role.ASSISTANT, "b"))),
        replace(PLAIN, shown=(Message(Role.USER, "a"), Message(Role.ASSISTANT, "b"))),
        replace(PLAIN, system="Be short."),
        replace(PLAIN, max_tokens=9),
        replace(PLAIN, floor=0.1),
        replace(PLAIN, rule=AnswerRule(rule=Rule.CONTAINS)),
        replace(PLAIN, rule=AnswerRule(rule=Rule.REGEX, pattern="fox")),
        replace(PLAIN, rule=AnswerRule(rule=Rule.REGEX, pattern="fox|dog")),
        replace(PLAIN, others=("dog",), by_choice=True),
        replace(PLAIN, others=("dog",)),
        replace(PLAIN, rule=AnswerRule(rule=Rule.CHOICE_LETTER, listed=("a", "b"))),
        replace(PLAIN, rule=AnswerRule(rule=Rule.CHOICE, normalise=Normalise.BYTES)),
        replace(PLAIN, rule=AnswerRule(rule=Rule.IFEVAL, instructions=(Instruction("a"),))),
        replace(
            PLAIN,
            rule=AnswerRule(rule=Rule.IFEVAL, instructions=(Instruction("a", (("n", 1),)),)),
        ),
    ],
)
def test_whatever_a_suite_asks_otherwise_has_a_digest_of_its_own(changed: SkillItem) -> None:
    assert digest(changed) != digest(PLAIN)


# --- floors ---


def test_a_suite_brings_its_floor_and_what_guessing_finds(inputs: Inputs) -> None:
    asked = questions(inputs, sample(inputs))
    nothing = Output(text="", ids=(), finish=Finish.STOP, logprobs=())
    answered = [Answered(question=q, output=nothing, key="") for q in asked]
    ids = {q.row.case_id: q.row.kind for q in asked if q.row.panel == SKILLS}
    seen = [
        Observation(case_id=name, cluster="c", language="en", kind=kind, candidate=0.0)
        for name, kind in ids.items()
    ]
    found = {one.case_id: one for one in with_floors(seen, answered)}
    assert (found["exact"].floor, found["exact"].guessed) == (0.0, 0.0)
    assert found["letter"].guessed == found["read"].guessed == pytest.approx(1 / 3)
    seeded = [one for one in found.values() if one.kind == "copy"]
    assert seeded
    assert all(one.floor is None for one in seeded)


def test_the_embedded_base_answers_a_suite_by_every_rule(inputs: Inputs, tmp_path: Path) -> None:
    run = evaluate(replace(inputs.request, out=tmp_path / "run"))
    scores = {
        (row.case_id, row.side.value): row.value
        for row in run.scores
        if row.detector == Detector.SKILL_ANSWER.value and row.panel == SKILLS
    }
    for row in ROWS[:-1]:
        for side in ("candidate", "baseline"):
            assert scores[row["id"], side] in (0.0, 1.0), row
    (verdict,) = (one for one in run.verdicts if one.gate == Gate.FORGETTING)
    parts = {part.name: part for part in verdict.slices}
    assert parts["skill/en/mine"].n == 8
