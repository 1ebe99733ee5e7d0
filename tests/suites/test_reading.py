"""Suite files: what rows become, and everything that is wrong told at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.conversation import Role
from evalsuite.detectors import answer_score
from evalsuite.errors import InvalidInput, InvalidSuite
from evalsuite.scenarios import Normalise, Rule, SkillItem
from evalsuite.suites import SuiteHeader, SuiteRow, dump_suite, parse_suite, read_suites

HEADER = {"suite": {"language": "en", "rule": "last_number"}}


def written(folder: Path, *lines: Any, name: str = "mine.jsonl") -> Path:
    """A file of lines: text as it is, anything else as JSON."""
    path = folder / name
    texts = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in lines]
    path.write_text("\n".join(texts) + "\n", "utf-8", newline="")
    return path


def items(folder: Path, *lines: Any, name: str = "mine.jsonl") -> tuple[SkillItem, ...]:
    return read_suites([written(folder, *lines, name=name)])


def refusal(*paths: Path) -> list[str]:
    with pytest.raises(InvalidSuite) as caught:
        read_suites(paths)
    said = str(caught.value)
    for path in paths:
        said = said.replace(f"{path.parent.as_posix()}/", "")
    return said.splitlines()


def test_a_row_says_what_its_header_does_not(tmp_path: Path) -> None:
    header = {
        "suite": {
            "skill": "sums",
            "language": "en",
            "rule": "last_number",
            "floor": 0.25,
            "system": "Think first.",
            "max_tokens": 99,
            "fewshot": [{"question": "1+1?", "answer": "1+1=2\n#### 2"}],
        }
    }
    plain, own = items(
        tmp_path,
        header,
        {"question": "2+2?", "answer": "4"},
        {"id": "own", "question": "首都是？", "answer": ["北京", "北京市"], "rule": "contains",
         "language": "zh", "skill": "capitals", "cluster": "c", "fewshot": [], "max_tokens": 7},
    )  # fmt: skip
    assert (plain.skill, plain.floor, plain.max_tokens) == ("sums", 0.25, 99)
    assert plain.rule.rule is Rule.LAST_NUMBER
    assert [(m.role, m.content) for m in plain.question.messages] == [
        (Role.SYSTEM, "Think first."),
        (Role.USER, "1+1?"),
        (Role.ASSISTANT, "1+1=2\n#### 2"),
        (Role.USER, "2+2?"),
    ]
    assert (own.id, own.skill, own.cluster, own.language) == ("own", "capitals", "c", "zh")
    assert (own.answer, own.accepted, own.max_tokens) == ("北京", ("北京市",), 7)
    assert own.shown == ()


def test_a_history_is_asked_as_turns_before_the_question(tmp_path: Path) -> None:
    (item,) = items(
        tmp_path,
        HEADER,
        {"question": "And 3+3?", "answer": "6",
         "history": [{"user": "2+2?"}, {"assistant": "4"}]},
    )  # fmt: skip
    said = [(m.role.value, m.content) for m in item.question.messages]
    assert said == [("user", "2+2?"), ("assistant", "4"), ("user", "And 3+3?")]


CITY = {"question": "Capital of France?", "answer": "Paris", "options": ["Rome", "Paris", "Oslo"]}


@pytest.mark.parametrize(
    ("normalise", "divisor"),
    [
        (None, Normalise.NONE),
        (False, Normalise.NONE),
        (True, Normalise.CHARACTERS),
        ("bytes", Normalise.BYTES),
    ],
)
def test_a_choice_has_its_options_and_a_divisor(
    tmp_path: Path, normalise: object, divisor: Normalise
) -> None:
    given = {} if normalise is None else {"normalise": normalise}
    (item,) = items(tmp_path, {**CITY, "language": "en", "rule": "choice", **given})
    assert item.options == ("Paris", "Rome", "Oslo")
    assert item.rule.normalise is divisor
    assert item.prompt == "Capital of France?"
    assert item.guessed == pytest.approx(1 / 3)


def test_letters_are_listed_and_scored_or_read(tmp_path: Path) -> None:
    header = {
        "suite": {
            "language": "en",
            "rule": "choice_letter",
            "fewshot": [{"question": "Capital of Norway?", "options": ["Oslo", "Rome"],
                         "answer": "Oslo"}],
        }
    }  # fmt: skip
    scored, read = items(tmp_path, header, CITY, {**CITY, "id": "read", "by": "answer"})
    lines = scored.prompt.splitlines()
    assert lines == [
        "Capital of France?",
        "A. Rome",
        "B. Paris",
        "C. Oslo",
        "Answer with the letter of the right option only.",
    ]
    assert scored.options == ("B", "A", "C")
    assert [m.content for m in scored.shown][1] == "A"
    assert "B. Rome" in scored.shown[0].content
    assert (read.by_choice, read.answer, read.others, read.options) == (False, "B", (), ())
    assert read.guessed == pytest.approx(1 / 3)


def test_an_id_hangs_on_what_is_asked_and_not_on_its_line(tmp_path: Path) -> None:
    one = {"question": "2+2?", "answer": "4"}
    other = {"question": "3+3?", "answer": "6"}
    first = {item.prompt: item.id for item in items(tmp_path, HEADER, one, other)}
    again = {item.prompt: item.id for item in items(tmp_path, HEADER, "", other, "", one)}
    assert first == again
    assert len({*first.values()}) == 2
    history = [{"user": "hi"}, {"assistant": "hi"}]
    (third,) = items(tmp_path, HEADER, {**one, "history": history})
    assert third.id not in first.values()


BAD: list[tuple[dict[str, Any] | str, str]] = [
    ({"question": "q"}, "the row lacks an answer, which last_number compares with; add it"),
    ({"question": "q", "answer": None}, "the row lacks an answer"),
    ({"question": "q", "answer": []}, "answer is empty"),
    ({"question": "q", "answer": ["1", " "]}, "an entry of answer is empty"),
    ({"question": "q", "answer": 5}, 'answer is a number; write "5" in quotes'),
    ({"question": "q", "answer": "five"}, "answer='five' is not one number"),
    ({"question": "q", "answer": "5 or 6"}, "is not one number"),
    ({"question": " ", "answer": "5"}, "question is empty"),
    ({"answer": "5"}, "the row lacks question"),
    ({"qestion": "q", "answer": "5"}, "unknown key 'qestion' in a row; did you mean 'question'?"),
    ('{"question": "q", "answer": "5"', "is not JSON: Expecting ',' delimiter, column 32"),
    ('["q", "5"]', "a row is one object a line"),
    ('{"question": "q", "question": "r", "answer": "5"}', "the key 'question' occurs twice"),
    ({"question": "q", "answer": "5", "rule": "choices"}, "did you mean 'choice'?"),
    ({"question": "q", "answer": "5", "options": ["5", "6"]},
     "options says nothing under the rule last_number; remove it, or use choice"),
    ({"question": "q", "answer": "a", "rule": "choice"}, "options has 0 entries; give 2 to 26"),
    ({"question": "q", "answer": "a", "rule": "choice", "options": ["a"]}, "has 1 entries"),
    ({"question": "q", "answer": "c", "rule": "choice", "options": ["a", "b"]},
     "answer='c' is none of the options; write the text of the option, that of one of them"),
    ({"question": "q", "answer": "B", "rule": "choice", "options": ["Rome", "Oslo"]},
     "write the text of the option, 'Oslo'"),
    ({"question": "q", "answer": ["a", "b"], "rule": "choice", "options": ["a", "b"]},
     "there are options, and 2 answers; name the one that is right"),
    ({"question": "q", "answer": "a", "rule": "choice", "options": ["a", "A."]},
     "options holds 'a' twice"),
    ({"question": "q", "answer": "5", "normalise": True}, "normalise says nothing under the rule"),
    ({"question": "q", "answer": "5", "by": "answer"}, "by says nothing under the rule"),
    ({"question": "q", "answer": "5", "pattern": "5"}, "pattern says nothing under the rule"),
    ({"question": "q", "answer": "5", "normalise": "byte"}, "did you mean 'bytes'?"),
    ({"question": "q", "answer": "5", "rule": "regex"}, "regex needs a pattern"),
    ({"question": "q", "answer": "5", "rule": "regex", "pattern": "(5"}, "missing )"),
    ({"question": "q", "answer": "a", "rule": "regex", "pattern": "(a+)+$"},
     "takes more than 0.1 s on 1001 characters that begin with 'aaaaaaaaaaaa'"),
    ({"question": "q", "answer": "6", "rule": "regex", "pattern": "^5$"},
     "answer='6' would itself count as wrong"),
    ({"question": "q", "answer": "one\ntwo\n", "rule": "exact", "options": ["one", "two"]},
     "options says nothing under the rule exact"),
    ({"question": "q", "rule": "ifeval"}, "ifeval needs instructions"),
    ({"question": "q", "rule": "ifeval", "answer": "a",
      "instructions": [{"id": "punctuation:no_comma"}]}, "remove answer"),
    ({"question": "q", "rule": "ifeval", "instructions": [{"id": "punctuation:no_commas"}]},
     "did you mean 'punctuation:no_comma'?"),
    ({"question": "q", "answer": "5", "instructions": [{"id": "punctuation:no_comma"}]},
     "instructions says nothing under the rule last_number"),
    ({"question": "q", "answer": "5", "history": [{"user": "a"}, {"user": "b"}]},
     "history has the speakers user, user"),
    ({"question": "q", "answer": "5", "history": [{"user": "a"}]}, "the assistant last"),
    ({"question": "q", "answer": "5", "history": [{"assistant": "a"}, {"user": "b"}]},
     "the user first"),
    ({"question": "q", "answer": "5", "history": [{"system": "a"}]},
     "role 'system' is not allowed in a history"),
    ({"question": "q", "answer": "5", "history": [{"user": "a", "assistant": "b"}]},
     "exactly one speaker"),
    ({"question": "q", "answer": "5", "fewshot": [{"question": "r"}]}, "lacks answer; add it"),
    ({"question": "q", "answer": "5", "fewshot": [{"question": "r", "answer": "1",
      "options": ["1", "2"]}]}, "options are shown under choice_letter only"),
    ({"question": "q", "answer": "a", "rule": "choice_letter", "options": ["a", "b"],
      "fewshot": [{"question": "r", "answer": "c", "options": ["a", "b"]}]},
     "fewshot 1: answer='c' is none of its options"),
    ({"question": "q", "answer": "a", "rule": "choice_letter", "options": ["a", "b"],
      "fewshot": [{"question": "r", "answer": "c"}]}, "fewshot 1: lacks options"),
    ({"question": "q", "answer": "5", "max_tokens": 0}, "max_tokens=0"),
    ({"question": "q", "answer": "5", "id": "Not good"}, "id='Not good'"),
    ({"question": "q", "answer": "5", "skill": "Bad Name"}, "skill='Bad Name'"),
    ({"question": "q", "answer": "5", "skill": "capital"}, "is a seeded skill"),
    ({"question": "q", "answer": "5", "language": "de"}, "language='de' is unknown"),
    ({"question": "q", "answer": "5", "floor": 0.5}, "unknown key 'floor' in a row"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "told"), BAD)
def test_a_row_that_is_wrong_is_refused_with_its_line_and_the_fix(
    tmp_path: Path, row: dict[str, Any] | str, told: str
) -> None:
    good = {"id": "good", "question": "2+2?", "answer": "4"}
    problems = refusal(written(tmp_path, HEADER, good, row, {**good, "id": "good-2"}))
    assert all(problem.startswith("mine.jsonl:3: ") for problem in problems), problems
    assert any(told in problem for problem in problems), problems


def test_everything_that_is_wrong_with_all_files_is_told_at_once(tmp_path: Path) -> None:
    rows = [row for row, _ in BAD[:20]]
    one = written(tmp_path, HEADER, *rows)
    gone = tmp_path / "gone.jsonl"
    latin = tmp_path / "latin.jsonl"
    latin.write_bytes(b'{"question": "q", "answer": "5"}\n{"question": "caf\xe9"}\n')
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n", "utf-8")
    problems = refusal(one, gone, latin, empty)
    assert {line.split(":")[1] for line in problems if line.startswith("mine")} == {
        str(at) for at in range(2, 22)
    }
    assert any(line.startswith("gone.jsonl: does not exist") for line in problems)
    assert any(line.startswith("latin.jsonl:2: byte 0xE9 is not UTF-8") for line in problems)
    assert any(line.startswith("empty.jsonl:1: the file is empty") for line in problems)


def test_a_file_with_a_header_alone_holds_nothing(tmp_path: Path) -> None:
    (problem,) = refusal(written(tmp_path, HEADER))
    assert problem.startswith("mine.jsonl:1: the file holds no row; write")


def test_a_header_that_is_wrong_is_named_with_its_rows(tmp_path: Path) -> None:
    problems = refusal(
        written(
            tmp_path, {"suite": {"langage": "en", "floor": 2}}, {"question": "q", "answer": "4"}
        )
    )
    assert "mine.jsonl:1: unknown key 'langage' in the header; did you mean 'language'?" in problems
    assert any(line.startswith("mine.jsonl:1: floor=2") for line in problems)


def test_neither_rule_nor_language_is_guessed(tmp_path: Path) -> None:
    problems = refusal(written(tmp_path, {"question": "q", "answer": "4"}))
    assert len(problems) == 2
    assert 'add "rule": one of exact, last_number' in problems[0]
    assert 'add "language": "en" or "zh"' in problems[1]


def test_ids_and_questions_that_stand_twice_are_refused_across_files(tmp_path: Path) -> None:
    row = {"id": "a", "question": "q", "answer": "5"}
    one = written(tmp_path, HEADER, row, {"question": "r", "answer": "5"})
    two = written(tmp_path, HEADER, row, name="two.jsonl")
    (problem,) = refusal(one, two)
    assert problem.startswith("two.jsonl:2: duplicate id 'a', first at mine.jsonl:2; remove one")
    same = {"question": "r", "answer": "5"}
    (problem,) = refusal(written(tmp_path, HEADER, same, same))
    assert problem.startswith("mine.jsonl:3: the same question is asked, first at mine.jsonl:2")
    assert len(read_suites([written(tmp_path, HEADER, row)] * 2)) == 1


def test_one_skill_has_one_floor(tmp_path: Path) -> None:
    low = {"suite": {**HEADER["suite"], "skill": "sums", "floor": 0.1}}
    high = {"suite": {**HEADER["suite"], "skill": "sums", "floor": 0.9}}
    one = written(tmp_path, low, {"question": "q", "answer": "5"})
    two = written(tmp_path, high, {"question": "r", "answer": "5"}, name="two.jsonl")
    (problem,) = refusal(one, two)
    assert "skill='sums' has the floor 0.9 here and 0.1 at mine.jsonl:2" in problem


# --- an inverse pair ---

TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12
).filter(lambda text: bool(text.strip()))
NUMBERS = st.integers(-999, 999).map(str)


@st.composite
def rows(draw: st.DrawFn) -> list[SuiteRow]:
    n = draw(st.integers(1, 4))
    made = []
    for at in range(n):
        row: dict[str, Any] = {"id": f"r{at}", "question": draw(TEXT), "answer": draw(NUMBERS)}
        if draw(st.booleans()):
            row["history"] = [{"user": draw(TEXT)}, {"assistant": draw(TEXT)}]
        if draw(st.booleans()):
            row |= {"rule": "choice", "options": ["yes", "no"], "answer": "no", "normalise": True}
        elif draw(st.booleans()):
            row["answer"] = [row["answer"], "7"]
        if draw(st.booleans()):
            row["fewshot"] = [{"question": draw(TEXT), "answer": draw(TEXT)}]
        made.append(SuiteRow.model_validate_json(json.dumps(row), strict=True))
    return made


@given(rows(), st.sampled_from(["en", "zh"]), st.none() | st.floats(0, 1))
def test_what_is_written_is_read_back(
    made: list[SuiteRow], language: str, floor: float | None
) -> None:
    said: dict[str, Any] = {"language": language, "rule": "last_number"}
    if floor is not None:
        said["floor"] = floor
    header = SuiteHeader.model_validate_json(json.dumps(said), strict=True)
    text = dump_suite(header, made)
    assert parse_suite(text, "made.jsonl") == (header, tuple(made))


def test_a_suite_without_a_header_is_written_without_one() -> None:
    row = SuiteRow.model_validate_json(
        json.dumps({**CITY, "rule": "choice", "language": "en"}), strict=True
    )
    text = dump_suite(SuiteHeader(), [row])
    assert text.startswith('{"question": "Capital of France?"') or '"suite"' not in text
    assert parse_suite(text, "x.jsonl") == (SuiteHeader(), (row,))


def test_a_wrong_header_is_told_once_and_not_with_every_row(tmp_path: Path) -> None:
    rows = [{"question": f"{n} and 1?", "answer": str(n + 1)} for n in range(5)]
    wrong = {"suite": {"language": "en", "rule": "last_number", "floor": 1.5}}
    said = refusal(written(tmp_path, wrong, *rows))
    assert len(said) == 1
    assert "floor" in said[0]


def test_a_header_is_the_first_line(tmp_path: Path) -> None:
    row = {"question": "1 and 1?", "answer": "2", "language": "en", "rule": "last_number"}
    said = refusal(written(tmp_path, row, HEADER))
    assert said == ["mine.jsonl:2: a header has to be the first line of the file; move it there"]


def test_a_dialogue_has_no_answer_and_nobody_judges_it(tmp_path: Path) -> None:
    header = {"suite": {"skill": "talk", "language": "en", "rule": "divergence"}}
    row = {"question": "And then?", "history": [{"user": "Hi"}, {"assistant": "Hello"}]}
    (item,) = items(tmp_path, header, row)
    assert not item.judged
    assert item.options == ()
    with pytest.raises(InvalidInput, match="has no right answer"):
        answer_score(item, "whatever")
    path = written(tmp_path, header, {**row, "answer": "Then we left."})
    assert refusal(path) == [
        "mine.jsonl:2: under divergence no answer is right or wrong; remove answer"
    ]
    path = written(tmp_path, header, {**row, "options": ["a", "b"]})
    assert "options says nothing under the rule divergence" in refusal(path)[0]
