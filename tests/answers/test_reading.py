"""Files of answers: two formats, and everything that can be wrong with one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.answers.reading import (
    Answer,
    Format,
    dump_answers,
    escaped,
    parse_answers,
    read_answers,
    unescaped,
)

IDS = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    ["", "\\t", "a\tb\n", "\\", "\\\\n", "\r\n", "\u2028", '"', "{}", " ", "\ufeff"]
)


@given(st.lists(st.tuples(IDS, TEXTS)), st.sampled_from(Format))
def test_what_is_written_is_read_back(pairs: list[tuple[str, str]], form: Format) -> None:
    answers = [Answer(name, text) for name, text in pairs]
    read = parse_answers(dump_answers(answers, form), "x", form)
    assert [Answer(one.id, one.text) for one in read.answers] == answers
    assert read.problems == ()


@given(TEXTS)
def test_an_escaped_answer_is_one_field_of_one_line(text: str) -> None:
    assert not set(escaped(text)) & {"\t", "\n", "\r"}
    assert unescaped(escaped(text)) == text


def test_a_backslash_before_anything_else_stands_for_itself() -> None:
    assert unescaped(r"C:\data \\t \t") == "C:\\data \\t \t"


def test_lines_are_those_of_the_file_and_blank_ones_are_passed_over() -> None:
    read = parse_answers('\n{"id": "a", "answer": "x"}\r\n\n{"id": "b", "answer": "y"}', "x",
                         Format.JSONL)  # fmt: skip
    assert read.answers == (Answer("a", "x", 2), Answer("b", "y", 4))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("answers.tsv", "a\tx\n"),
        ("answers.txt", "a\tx\n"),
        ("answers.txt", "id\tanswer\na\tx\n"),
        ("answers.txt", '{"id": "a", "answer": "x"}\n'),
        ("answers.JSONL", '{"answer": "x", "id": "a"}'),
        ("answers", '\ufeff{"id": "a", "answer": "x"}\n'),
        ("bom.tsv", "\ufeffa\tx\n"),
    ],
)
def test_a_file_is_read_by_its_ending_or_by_its_first_line(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    read = read_answers(tmp_path / name)
    assert [(one.id, one.text) for one in read.answers] == [("a", "x")]
    assert read.problems == ()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"id": "a", "answer": "x"', ["is not JSON", "column 26", '"answer": "..."']),
        ('{"id": "a", "answr": "x"}', ["unknown key 'answr'", "did you mean 'answer'?"]),
        ('{"id": "a"}', ["the line lacks answer"]),
        ("{}", ["the line lacks id, answer"]),
        ('{"id": "a", "answer": 3}', ['write "3" in quotes']),
        ('{"id": 7, "answer": "x"}', ['write "7" in quotes']),
        ('{"id": "a", "answer": ["x"]}', ["answer is a list; write one text"]),
        ('{"id": "a", "answer": {"text": "x"}}', ["answer is a mapping"]),
        ('{"id": "a", "answer": null}', ['answer is null; write ""']),
        ('{"id": "a", "answer": "x", "answer": "y"}', ["the key 'answer' occurs twice"]),
        ('{"id": "a", "answer": NaN}', ["NaN is not JSON"]),
        ('{"id": "a", "answer": "\\ud83d"}', ["half a character (\\ud83d)"]),
        ('["a", "x"]', ["an answer is one object a line"]),
        ('"a"', ["an answer is one object a line"]),
        ("[" * 100_000, ["nested too deep"]),
    ],
)
def test_a_broken_line_is_told_with_its_place_and_its_fix(line: str, words: list[str]) -> None:
    good = '{"id": "good", "answer": "x"}'
    read = parse_answers(f"{good}\n{line}\n{good}", "answers.jsonl", Format.JSONL)
    assert [one.id for one in read.answers] == ["good", "good"]
    assert read.problems
    assert all(problem.startswith("answers.jsonl:2: ") for problem in read.problems)
    for word in words:
        assert word in " ".join(read.problems)


def test_all_that_is_wrong_with_a_line_is_told_at_once() -> None:
    line = '{"id": 7, "answer": null, "anser": 1}'
    problems = " ".join(parse_answers(line, "x", Format.JSONL).problems)
    for word in ("answer is null", 'write "7"', "unknown key 'anser'"):
        assert word in problems


@pytest.mark.parametrize(
    ("line", "word"),
    [("a", "holds no tab"), ("a\tx\ty", "2 tabs; write one inside an answer as \\t")],
)
def test_a_line_without_one_tab_is_refused(line: str, word: str) -> None:
    read = parse_answers(f"b\tx\n{line}\n", "answers.tsv", Format.TSV)
    assert read.answers == (Answer("b", "x", 1),)
    (problem,) = read.problems
    assert problem.startswith("answers.tsv:2: ")
    assert word in problem
    assert "a" in read.mentioned


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("a\tx\n".encode("utf-16"), "looks like UTF-16"),
        ("好的\n岚洛\t岚洛多大\n".encode("gbk"), "iconv -f GB18030"),
        (b"a\tx\nb\t\xff\n", "answers.tsv:2: byte 0xFF is not UTF-8"),
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
    ],
)
def test_a_file_in_another_encoding_says_how_to_save_it(
    tmp_path: Path, data: bytes, words: str
) -> None:
    path = tmp_path / "answers.tsv"
    path.write_bytes(data)
    read = read_answers(path)
    assert not read.readable
    assert words in read.problems[0]
    assert str(path) in read.problems[0]


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    assert "is a folder" in read_answers(tmp_path).problems[0]
    assert "does not exist" in read_answers(tmp_path / "none").problems[0]


def test_a_line_of_a_megabyte_is_read_whole(tmp_path: Path) -> None:
    text = "How old is it? " * 70_000
    path = tmp_path / "long.jsonl"
    path.write_text(json.dumps({"id": "a", "answer": text}), "utf-8")
    (answer,) = read_answers(path).answers
    assert answer.text == text
