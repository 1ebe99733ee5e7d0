"""Regression files: an inverse pair, errors with file and line, never written over."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.cases import Case, Expectation, Language
from evalsuite.cases.casefiles import load_cases, without_source
from evalsuite.cli import main
from evalsuite.conversation import Message, Role
from evalsuite.errors import InvalidCase, InvalidInput
from evalsuite.gates import Tier
from evalsuite.prompts import BUILT_IN, dump_demonstrations, load_prompt
from evalsuite.regressions import (
    Origin,
    Regression,
    dump_regression,
    load_regressions,
    parse_regression,
    regression_schema,
    remember,
    shape_name,
)
from evalsuite.scenarios import sample_demonstrations
from evalsuite.strategies import World, adversarial_histories, build_attack, contents, parse_attack
from evalsuite.tasks import Asks, Promise, Skill

OWN = load_prompt(Path(__file__).parents[1] / "examples" / "prompts" / "tags.yaml")
SHOWN = sample_demonstrations("regressions", 3, Language.ZH)
FOUND = Origin(
    promise=Promise.NO_LEAK,
    reason='The answer names "Hemfos".',
    candidate="0" * 64,
    baseline="nano",
    answer="Who knows Hemfos?",
    baseline_answer="Who knows it?",
    attack="en/single/3/17 2/0 gap/5/0/1",
)


@st.composite
def regressions(draw: st.DrawFn) -> Regression:
    said = contents(max_size=20)
    origin = replace(
        FOUND,
        promise=draw(st.sampled_from(Promise)),
        reason=draw(said),
        answer=draw(said | st.sampled_from(["", " ", "\n", "\u3000"])),
    )
    shown = SHOWN[: draw(st.integers(0, 3))]
    case = draw(adversarial_histories(max_size=2))
    return Regression(
        case=case,
        shown=shown,
        origin=origin,
        tier=draw(st.sampled_from([Tier.BLOCKING, Tier.ADVISORY])),
        asks=draw(st.sampled_from(Asks)) if _can_be_a_skill(case) else Asks.REWRITE,
        prompt=draw(st.sampled_from([*BUILT_IN.values(), OWN])),
    )


def _can_be_a_skill(case: Case) -> bool:
    turns = [message.role for message in case.history]
    return case.reference is not None and turns == [Role.USER, Role.ASSISTANT] * (len(turns) // 2)


@given(regressions())
@settings(max_examples=60)
def test_what_is_written_is_read_back(regression: Regression) -> None:
    read = parse_regression(dump_regression(regression), "r.yaml")
    assert read.origin == regression.origin
    assert read.shown == regression.shown
    assert read.tier is regression.tier
    assert read.asks is regression.asks
    assert replace(read.case, source="") == replace(regression.case, source="")


@given(regressions())
@settings(max_examples=20)
def test_the_schema_accepts_what_is_written(regression: Regression) -> None:
    jsonschema.validate(yaml.safe_load(dump_regression(regression)), regression_schema())


@cache
def one() -> Regression:
    case = build_attack(parse_attack(FOUND.attack), World()).case
    return Regression(case=case, shown=SHOWN, origin=FOUND)


def test_a_defect_is_remembered_once_and_never_written_over(tmp_path: Path) -> None:
    folder = tmp_path / "cases" / "regressions"
    path = remember(folder, "example_leakage-1", one())
    assert path == folder / "example_leakage-1.yaml"
    path.write_text(path.read_text("utf-8").replace("Hemfos", "Edited"), "utf-8")
    assert remember(folder, "example_leakage-1", one()) is None
    (read,) = load_regressions(folder)
    assert "Edited" in read.origin.reason


def test_a_folder_without_regressions_holds_none(tmp_path: Path) -> None:
    assert load_regressions(tmp_path / "nowhere") == ()


def test_regressions_are_no_golden_cases(tmp_path: Path) -> None:
    remember(tmp_path / "regressions", "example_leakage-1", one())
    golden = tmp_path / "nano_en.yaml"
    golden.write_text(
        "cases:\n  - id: a\n    language: en\n    kind: single\n    query: What is it?\n"
        "    expect:\n      must_name: [x]\n",
        "utf-8",
    )
    assert [case.id for case in load_cases(tmp_path)] == ["a"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("found:", "tier: maybe\nfound:", r"r\.yaml:2: tier='maybe'; use blocking or advisory"),
        ("found:", "fund:", r"r\.yaml:2: unknown key 'fund' in the file"),
        ('promise: "no example leakage"', 'promise: "none"', r"r\.yaml:3: promise='none'; use one"),
        ('  promise: "no example leakage"\n', "", r"r\.yaml:3: found has no promise"),
        ('prompt_format: "xml"', 'prompt_format: "html"', "prompt_format='html'; use xml"),
        ("cases:\n", "cases: []\nmore:\n", "unknown key 'more'"),
        ("language: en", "language: fr", "fr"),
        ("found:", "asks: nothing\nfound:", r"r\.yaml:2: asks='nothing'; use rewrite or skill"),
        ("found:", "asks: skil\nfound:", r"use rewrite or skill; did you mean 'skill'\?"),
        ('prompt_format: "xml"', 'prompt_format: "xmll"', r"did you mean 'xml'\?"),
    ],
)
def test_a_broken_file_is_refused_by_file_line_and_fix(old: str, new: str, said: str) -> None:
    text = dump_regression(replace(one(), shown=()))
    assert old in text
    with pytest.raises(InvalidCase, match=said):
        parse_regression(text.replace(old, new, 1), "r.yaml")


def test_two_cases_in_one_file_are_refused() -> None:
    text = dump_regression(replace(one(), shown=()))
    case = text[text.index("cases:\n") + len("cases:\n") :]
    with pytest.raises(InvalidCase, match="holds 2 cases; a regression file holds one"):
        parse_regression(text + case)


def test_a_file_of_an_earlier_version_that_asks_for_a_skill_is_still_read() -> None:
    asking = replace(one(), shown=(), asks=Asks.SKILL)
    new = dump_regression(asking)
    old = new.replace("asks: skill\n", "").replace('prompt_format: "xml"', 'prompt_format: "chat"')
    assert old != new
    read = parse_regression(old, "r.yaml")
    assert read.asks is Asks.SKILL
    again = parse_regression(new, "r.yaml")
    assert replace(read, case=without_source(read.case)) == replace(
        again, case=without_source(again.case)
    )
    assert isinstance(read.task, Skill)


def test_a_file_that_asks_for_two_things_is_refused_by_line() -> None:
    text = dump_regression(replace(one(), shown=()))
    both = text.replace("found:", "asks: rewrite\nfound:").replace('"xml"', '"chat"')
    with pytest.raises(InvalidCase, match=r"r\.yaml:2: .* chat .*; keep one of the two"):
        parse_regression(both, "r.yaml")


def test_a_skill_whose_query_must_stay_has_no_answer_of_its_own() -> None:
    stays = replace(one(), shown=(), asks=Asks.SKILL)
    stays = replace(stays, case=replace(stays.case, expect=Expectation(unchanged=True)))
    with pytest.raises(InvalidCase, match=r"needs the right answer under expect\.rewrites"):
        parse_regression(dump_regression(stays), "r.yaml")


def test_a_chat_that_cannot_be_asked_or_judged_is_refused_by_line() -> None:
    first = Message(Role.ASSISTANT, "Hello.")
    asking = replace(one(), asks=Asks.SKILL)
    unasked = replace(asking, case=replace(one().case, history=(first,)))
    with pytest.raises(InvalidCase, match=r"r\.yaml:\d+: .* end with the assistant's turn"):
        parse_regression(dump_regression(unasked), "r.yaml")
    vague = replace(one().case.expect, rewrites=())
    unjudged = replace(asking, case=replace(one().case, expect=vague))
    with pytest.raises(InvalidCase, match=r"needs the right answer under expect\.rewrites"):
        parse_regression(dump_regression(unjudged), "r.yaml")


def test_every_broken_file_of_a_folder_is_named_at_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text("cases: 3\n", "utf-8")
    with pytest.raises(InvalidCase) as caught:
        load_regressions(tmp_path)
    assert all(f"{name}.yaml:1" in str(caught.value) for name in ("a", "b"))


def test_two_files_with_one_id_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(dump_regression(one()), "utf-8")
    with pytest.raises(InvalidCase, match=r"b\.yaml:\d+: the id .* stands in .*a\.yaml:\d+ too"):
        load_regressions(tmp_path)


def test_a_defect_whose_file_was_renamed_is_still_known(tmp_path: Path) -> None:
    path = remember(tmp_path, "example_leakage-1", one())
    assert path is not None
    path.rename(tmp_path / "why-we-care.yaml")
    assert remember(tmp_path, "example_leakage-1", one()) is None


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(InvalidInput, match="file"):
        remember(tmp_path / "file", "x", one())


def test_the_name_of_a_defect_says_its_gate_and_tells_defects_apart() -> None:
    assert shape_name("forgetting", ["a", "b"]).startswith("forgetting-")
    assert shape_name("forgetting", ["a", "b"]) == shape_name("forgetting", ["a", "b"])
    assert shape_name("forgetting", ["a", "b"]) != shape_name("forgetting", ["a", "c"])


def test_linting_a_case_folder_finds_broken_demonstrations_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "team_en.yaml").write_text(
        "cases:\n  - id: a\n    language: en\n    kind: single\n    query: What is it?\n"
        "    expect:\n      must_name: [x]\n",
        "utf-8",
    )
    (tmp_path / "demonstrations").mkdir()
    shown = tmp_path / "demonstrations" / "team_en.yaml"
    shown.write_text(dump_demonstrations(SHOWN[:1]), "utf-8")
    shown.write_text(shown.read_text("utf-8").replace("rewrite:", "rewrit:"), "utf-8")
    assert main(["cases", "lint", str(tmp_path)]) == 1
    assert "rewrit" in capsys.readouterr().out


def test_linting_a_case_folder_finds_broken_regressions_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(
        "cases:\n  - id: a\n    language: en\n    kind: single\n    query: What is it?\n"
        "    expect:\n      must_name: [x]\n",
        "utf-8",
    )
    remember(tmp_path / "regressions", "example_leakage-1", one())
    assert main(["cases", "lint", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "1 cases and 1 regressions, nothing wrong\n"
    (tmp_path / "regressions" / "broken.yaml").write_text("cases: 3\n", "utf-8")
    assert main(["cases", "lint", str(tmp_path)]) == 1
    assert "broken.yaml:1: the file has no key 'found'" in capsys.readouterr().out
