"""The wiring from answers to evidence: whose answer, under which demonstrations, to which gate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from evalsuite.detectors import Detector
from evalsuite.engines import LivenessReport
from evalsuite.errors import InvalidInput
from evalsuite.gates import Observation, Policy
from evalsuite.generation import Finish, Output
from evalsuite.pipeline import GateRequest
from evalsuite.pipeline.answered import Answered
from evalsuite.pipeline.inputs import Inputs, resolve
from evalsuite.pipeline.measurement import Measured, measure
from evalsuite.pipeline.questions import Question, Samples, questions, sample
from evalsuite.rewrites import Standard
from evalsuite.runs import PANEL, Side, Unit
from evalsuite.tasks import Choice, Rewriting, Skill, Text

Says = Callable[[Question], str]


@pytest.fixture(scope="module")
def inputs(candidate: Path, small_policy: Path, few_cases: Path) -> Inputs:
    return resolve(
        GateRequest(adapter=candidate, policy=str(small_policy), cases=few_cases, seed=3)
    )


@pytest.fixture(scope="module")
def samples(inputs: Inputs) -> Samples:
    return sample(inputs)


@pytest.fixture(scope="module")
def asked(inputs: Inputs, samples: Samples) -> tuple[Question, ...]:
    return questions(inputs, samples)


@pytest.fixture
def told(
    inputs: Inputs, samples: Samples, asked: tuple[Question, ...]
) -> Callable[[Says], Measured]:
    """Measure a model that says what a function makes of each question."""

    def measured(says: Says, finish: Finish = Finish.STOP) -> Measured:
        answers = [
            Answered(question=q, output=_output(q, says(q), finish), key=str(i))
            for i, q in enumerate(asked)
        ]
        return measure(inputs, samples, LivenessReport(adapter="", checks=()), answers)

    return measured


def _output(question: Question, text: str, finish: Finish) -> Output:
    target = question.request.target or ()
    # Of a choice's options the first is the right one.
    logprobs = tuple(-1.0 - question.option for _ in target)
    return Output(ids=tuple(target), text=text, finish=finish, logprobs=logprobs)


def right(question: Question) -> str:
    """The accepted answer of a case or a skill item."""
    match question.task:
        case Rewriting(case=case):
            return str(case.reference)
        case Skill(item=skill):
            return skill.answer
        case Choice(item=item, option=option):
            return item.options[option]
        case Text(item=text):
            return text.prompt


def shown(question: Question) -> str:
    """A name of the demonstrations in the question's prompt."""
    assert isinstance(question.task, Rewriting)
    return next(name for d in question.task.demonstrations for name in d.entities)


def total(observations: tuple[Observation, ...], side: str = "candidate") -> float:
    losses = [getattr(o, side) for o in observations]
    assert losses
    assert None not in losses
    return float(sum(losses) / len(losses))


def test_right_answers_leave_no_defect_anywhere(told: Callable[[Says], Measured]) -> None:
    found = told(right).evidence
    leaks = found.golden_leaks["nano"]
    for part in (found.literal_leaks, found.swap_leaks, found.control_leaks, leaks):
        assert total(part) == 0
    for both in (found.pronouns, found.goldens["nano"], found.skills):
        assert (total(both), total(both, "baseline")) == (0, 0)
    assert total(found.texts) == total(found.texts, "baseline") == 1.0
    assert total(found.round_trips) == 0


def test_a_name_pasted_from_the_prompt_is_a_literal_leak_of_the_candidate_alone(
    told: Callable[[Says], Measured],
) -> None:
    def pastes(question: Question) -> str:
        if not question.demonstrations or question.side is Side.BASELINE or question.swapped:
            return right(question)
        return f"{right(question)} {shown(question)}"

    found = told(pastes).evidence
    assert (total(found.literal_leaks), total(found.literal_leaks, "baseline")) == (1, 0)
    assert total(found.golden_leaks["nano"]) == 1
    assert total(found.control_leaks) == 0


def test_a_name_that_only_the_counterfactual_shows_is_found_by_the_swap(
    told: Callable[[Says], Measured],
) -> None:
    def pastes(question: Question) -> str:
        if not question.demonstrations or not question.swapped:
            return right(question)
        return f"{right(question)} {shown(question)}"

    found = told(pastes).evidence
    assert total(found.literal_leaks) == 0
    assert total(found.swap_leaks) == 1
    assert total(found.golden_leaks["nano"]) == 1


def test_a_name_of_no_prompt_is_a_false_alarm_and_no_leak(
    told: Callable[[Says], Measured], samples: Samples
) -> None:
    found = told(
        lambda q: right(q) if not q.demonstrations else f"{right(q)} {samples.absent[0]}"
    ).evidence
    assert total(found.control_leaks) == 1
    assert total(found.literal_leaks) == 0


def test_an_unresolved_reference_of_the_base_does_not_count_against_the_candidate(
    told: Callable[[Says], Measured],
) -> None:
    def base_lazy(question: Question) -> str:
        lazy = bool(question.demonstrations) and question.side is Side.BASELINE
        return question.row.query if lazy else right(question)

    found = told(base_lazy).evidence
    assert total(found.pronouns) == 0
    assert total(found.pronouns, "baseline") > 0.7


def test_an_answer_that_ran_into_the_length_limit_is_wrong_even_when_it_reads_right(
    told: Callable[..., Measured],
) -> None:
    found = told(right, Finish.LENGTH).evidence
    assert total(found.parts[Detector.FORM]) == 1
    asked = {o.case_id for o in found.parts[Detector.FORM]}
    assert all(o.candidate == 1 for o in found.pronouns if o.case_id in asked)


def test_the_parts_of_a_rewrite_are_observed_where_they_are_asked(
    told: Callable[[Says], Measured],
) -> None:
    def touches(question: Question) -> str:
        if not question.demonstrations or question.side is Side.BASELINE:
            return right(question)
        return f"Please: {right(question)}"

    measured = told(touches)
    found = measured.evidence
    stay = {o.case_id for o in found.parts[Detector.UNTOUCHED]}
    assert stay
    assert stay.isdisjoint(o.case_id for o in found.parts[Detector.NAMED])
    assert stay | {o.case_id for o in found.parts[Detector.NAMED]} == {
        o.case_id for o in found.pronouns
    }
    untouched = found.parts[Detector.UNTOUCHED]
    assert (total(untouched), total(untouched, "baseline")) == (1, 0)
    assert total(found.golden_parts["nano"][Detector.UNTOUCHED]) == 1
    # In the rows each part says why by itself, and the whole that it is not right.
    rows = [s for s in measured.scores if s.case_id in stay and s.side is Side.CANDIDATE]
    assert {s.detector for s in rows if s.failed} == {"right", "untouched"}
    assert {s.unit for s in rows} == {Unit.DEFECT}


def test_a_forgotten_skill_is_the_candidates(told: Callable[[Says], Measured]) -> None:
    def forgets(question: Question) -> str:
        lost = question.row.panel == "skills" and question.side is Side.CANDIDATE
        return "no idea" if lost else right(question)

    found = told(forgets).evidence
    assert (total(found.skills), total(found.skills, "baseline")) == (1, 0)


def test_a_missing_answer_under_the_counterfactual_is_a_missing_measurement(
    inputs: Inputs, samples: Samples, asked: tuple[Question, ...]
) -> None:
    answers = [
        Answered(question=q, output=_output(q, right(q), Finish.STOP), key=str(i))
        for i, q in enumerate(asked)
        if not (q.swapped and q.row.panel != PANEL)
    ]
    found = measure(inputs, samples, LivenessReport(adapter="", checks=()), answers).evidence
    assert {o.candidate for o in found.golden_leaks["nano"]} == {None}


def test_demonstrations_without_their_counterfactual_are_refused(
    inputs: Inputs, few_cases: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "cases"
    (folder / "demonstrations").mkdir(parents=True)
    text = (few_cases / "nano_en.yaml").read_text("utf-8")
    (folder / "nano_en.yaml").write_text(text, "utf-8")
    mine = folder / "demonstrations" / "nano_en.yaml"
    mine.write_text(
        "- language: en\n  query: What is its price?\n  rewrite: What is Wirdan's price?\n"
        "  entities: [Wirdan]\n",
        "utf-8",
    )
    with pytest.raises(InvalidInput, match=r"nano_en\.yaml: has no counterfactual.*nano_en_swap"):
        resolve(replace(inputs.request, cases=folder))


def test_a_golden_set_may_not_be_called_like_a_sampled_part(
    inputs: Inputs, few_cases: Path, tmp_path: Path
) -> None:
    text = (few_cases / "nano_en.yaml").read_text("utf-8")
    (tmp_path / "skills_en.yaml").write_text(text, "utf-8")
    with pytest.raises(InvalidInput, match="is called skills"):
        resolve(replace(inputs.request, cases=tmp_path))


ENGLISH = """
languages: [en]
name: english
extends: {path}
gates:
  example_leakage: {{panel: {{en: 5}}}}
  pronoun_resolution: {{panel: {{en: 5}}}}
  forgetting:
    panel: {{en: {skills}}}
    skills: {{seeded: [capital], suites: [{suite}]}}
    text: {{source: passages, panel: {{en: {texts}}}}}
"""
BOTH = """cases:
  - id: mine-en
    language: en
    kind: standalone
    query: What is the colour of grass?
    expect: {rewrites: [green], must_not_name: [blue, red]}
  - id: mine-zh
    language: zh
    kind: standalone
    query: 草是什么颜色的？
    expect: {rewrites: [绿色]}
"""


def test_what_is_not_of_a_policys_languages_is_not_asked(
    inputs: Inputs, small_policy: Path, few_cases: Path, tmp_path: Path
) -> None:
    suite, cases = tmp_path / "mine_en.yaml", tmp_path / "cases"
    suite.write_text(BOTH, "utf-8")
    cases.mkdir()
    text = (few_cases / "nano_en.yaml").read_text("utf-8")
    (cases / "nano_en.yaml").write_text(text, "utf-8")
    (cases / "nano_zh.yaml").write_text(
        text.replace("few-", "fewer-").replace("language: en", "language: zh"), "utf-8"
    )

    def asked_under(*, skills: int = 10, texts: int = 7) -> list[Question]:
        policy = tmp_path / "english.yaml"
        said = ENGLISH.format(path=small_policy, suite=suite, skills=skills, texts=texts)
        policy.write_text(said, "utf-8")
        mine = resolve(replace(inputs.request, policy=str(policy), cases=cases))
        return list(questions(mine, sample(mine)))

    found = asked_under()
    assert {question.row.language for question in found} == {"en"}
    ids = {(q.row.panel, q.row.case_id) for q in found}
    assert ("skills", "mine-en") in ids
    assert ("nano", "few-single") in ids
    passages = {case for panel, case in ids if panel == "texts"}
    assert len(passages) == 7
    assert all(case.startswith("passage-en-") for case in passages)
    [grass] = {q.task for q in found if q.row.case_id == "mine-en"}
    assert isinstance(grass, Skill)
    assert grass.item.others == ("blue", "red")
    with pytest.raises(InvalidInput, match="asks for 201 passages in en, but there are 200"):
        asked_under(texts=201)
    with pytest.raises(InvalidInput, match=r"'english'.*'capital' has no more than .* different"):
        asked_under(skills=500)


def test_the_same_cases_have_the_same_digest_wherever_they_lie(
    inputs: Inputs, few_cases: Path, tmp_path: Path
) -> None:
    (tmp_path / "nano_en.yaml").write_bytes((few_cases / "nano_en.yaml").read_bytes())
    assert resolve(replace(inputs.request, cases=tmp_path)).cases_digest == inputs.cases_digest


FREE = """cases:
  - id: free-one
    language: en
    kind: single
    history: [{user: "Tell me of the amber lighthouse."}, {assistant: "It stands on a cliff."}]
    query: "How tall is its oldest staircase?"
    expect: {rewrites: ["How tall is the oldest staircase of the amber lighthouse?"]}
"""


def test_words_are_observed_in_pairs_where_people_worded_the_rewrites_as_they_liked(
    inputs: Inputs, few_cases: Path, tmp_path: Path
) -> None:
    (tmp_path / "everyday_en.yaml").write_text(FREE, "utf-8")
    (tmp_path / "nano_en.yaml").write_bytes((few_cases / "nano_en.yaml").read_bytes())
    mine = resolve(replace(inputs.request, cases=tmp_path))
    samples = sample(mine)

    def says(question: Question) -> str:
        if question.row.case_id != "free-one" or question.side is Side.BASELINE:
            return right(question)
        return "How tall is the staircase of the amber lighthouse?"

    answers = [
        Answered(question=q, output=_output(q, says(q), Finish.STOP), key=str(i))
        for i, q in enumerate(questions(mine, samples))
    ]
    measured = measure(mine, samples, LivenessReport(adapter="", checks=()), answers)
    assert set(measured.evidence.words) == {"nano", "everyday"}
    assert measured.evidence.words["nano"] == {}
    [lost] = measured.evidence.words["everyday"][Detector.WORDS_LOST]
    assert lost.candidate is not None
    assert (lost.case_id, lost.baseline) == ("free-one", 0.0)
    assert 0 < lost.candidate < 1
    [row] = [
        s
        for s in measured.scores
        if (s.case_id, s.side, s.detector) == ("free-one", Side.CANDIDATE, "words_lost")
    ]
    # A share is no defect, however large.
    assert (row.unit, row.value, row.failed) == (Unit.SHARE, lost.candidate, False)
    [asked] = {a.question.row for a in answers if a.question.row.case_id == "free-one"}
    assert asked.standard is Standard.FREE


def test_a_policy_says_which_parts_of_a_rewrite_decide(inputs: Inputs) -> None:
    def deciding(*parts: str) -> Policy:
        gates = inputs.policy.gates
        rule = gates.pronoun_resolution.model_copy(update={"decides": parts})
        changed = gates.model_copy(update={"pronoun_resolution": rule})
        return inputs.policy.model_copy(update={"gates": changed})

    samples = sample(inputs)

    def says(question: Question) -> str:
        # Names what is meant and asks nothing: named is kept, the query is not.
        expect = question.row.expect
        asked = question.side is Side.CANDIDATE and expect is not None and not expect.unchanged
        return " and ".join(expect.must_name) if asked and expect else right(question)

    answers = [
        Answered(question=q, output=_output(q, says(q), Finish.STOP), key=str(i))
        for i, q in enumerate(questions(inputs, samples))
    ]
    alive = LivenessReport(adapter="", checks=())
    few, every = ("named", "untouched"), ("named", "kept", "form", "untouched")
    for policy, lost in ((deciding(*few), 0.0), (deciding(*every), 1.0)):
        seen = measure(replace(inputs, policy=policy), samples, alive, answers).evidence.pronouns
        named = [case for case in seen if case.kind not in ("standalone", "unanswerable")]
        assert named
        assert {case.candidate for case in named} == {lost}
        assert {case.baseline for case in named} == {0.0}
