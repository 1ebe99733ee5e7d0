from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalsuite.cases.casefiles import dump_cases
from evalsuite.conversation import Role
from evalsuite.errors import InvalidInput
from evalsuite.scenarios import sample_panel
from evalsuite.training.recipe import DataRecipe
from evalsuite.training.userdata import load_own

GOOD = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}


def own(*paths: Path) -> DataRecipe:
    return DataRecipe(samples=0, files=tuple(map(str, paths)))


def jsonl(folder: Path, *rows: object) -> Path:
    path = folder / "mine.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_jsonl_rows_become_samples_that_say_where_they_stand(tmp_path: Path) -> None:
    other = {**GOOD, "messages": [{"role": "system", "content": "S"}, *GOOD["messages"]]}
    path = jsonl(tmp_path, GOOD, "", other)
    samples = load_own(own(path), 0)
    assert [s.source for s in samples] == [f"{path}:1", f"{path}:3"]
    assert samples[1].conversation.system == "S"
    # The same opening question: the two rows are not independent.
    assert samples[0].cluster == samples[1].cluster


def test_a_cluster_can_be_given(tmp_path: Path) -> None:
    samples = load_own(own(jsonl(tmp_path, {**GOOD, "cluster": "a", "id": "x"})), 0)
    assert samples[0].cluster == "own/a"


def test_text_parts_are_joined_and_empty_keys_of_other_tools_are_left_out(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "H"}, {"type": "text", "text": "i"}]
    asked = {"role": "user", "content": parts}
    told: dict[str, object] = {**GOOD["messages"][1], "tool_calls": [], "reasoning": None}
    [sample] = load_own(own(jsonl(tmp_path, {"messages": [asked, told]})), 0)
    assert [m.content for m in sample.conversation.messages] == ["Hi", "Ho"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{", "not JSON"),
        ("[1]", "a line is"),
        ({"messages": []}, "at least one message"),
        ({"messages": "hi"}, "list of objects"),
        ({**GOOD, "extra": 1}, "a line is"),
        ({**GOOD, "cluster": " "}, "must be a text"),
        ({"messages": GOOD["messages"][:1]}, "must be the assistant's"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "message 0: role='tool'"),
        ({"messages": [{"role": "user", "content": " "}]}, "message 0"),
        ({"messages": [{"role": "user", "content": "x", "name": "y"}]}, "exactly the keys"),
        (
            {"messages": [GOOD["messages"][0], {**GOOD["messages"][1], "reasoning": "hm"}]},
            "message 1 has reasoning: a thought cannot be learned",
        ),
        (
            {"messages": [GOOD["messages"][0], {**GOOD["messages"][1], "tool_calls": [{}]}]},
            "message 1 has tool_calls: a call of tools",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "url": "x"}]}]},
            "message 0, part 0 is of type 'image'",
        ),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "part 0 is of type 'str'"),
        ({"messages": [{"role": "user", "content": 5}]}, "message 0 has content=5; a text is due"),
        ({"messages": [GOOD["messages"][0]] * 2}, "message 1"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_wrong_row_is_refused_with_file_and_line(tmp_path: Path, row: object, said: str) -> None:
    path = jsonl(tmp_path, GOOD, row)
    with pytest.raises(InvalidInput) as caught:
        load_own(own(path), 0)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert said in str(caught.value)


def test_a_row_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b"\n\xff\n")
    with pytest.raises(InvalidInput, match=r"mine.jsonl:2: not UTF-8"):
        load_own(own(path), 0)


def test_case_files_become_rewriting_samples(tmp_path: Path) -> None:
    cases = sample_panel(3, 12).cases
    (tmp_path / "mine.yaml").write_text(dump_cases(cases), encoding="utf-8")
    samples = load_own(own(tmp_path), 0)
    assert [s.conversation.messages[-1].content for s in samples] == [c.reference for c in cases]
    assert all(s.conversation.messages[-1].role is Role.ASSISTANT for s in samples)
    assert samples == load_own(own(tmp_path), 0)


def test_a_case_without_an_answer_is_refused(tmp_path: Path) -> None:
    text = (
        "cases:\n- id: a\n  language: en\n  kind: single\n  cluster: c\n"
        "  query: What is it?\n  expect:\n    must_name: [X]\n"
    )
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(InvalidInput, match="no answer to learn"):
        load_own(own(path), 0)


def test_places_without_data_are_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n")
    text = tmp_path / "mine.txt"
    text.write_text("x")
    folder = tmp_path / "folder"
    folder.mkdir()
    for path, said in (
        (tmp_path / "absent", "does not exist"),
        (text, "ends with '.txt'"),
        (folder, "holds neither"),
        (empty, "is empty"),
    ):
        with pytest.raises(InvalidInput, match=said):
            load_own(own(path), 0)
