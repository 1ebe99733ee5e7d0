"""Importers of the later formats, on small samples in the published shape, and their front door."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.cases.casefiles import lint, load_cases, without_source
from evalsuite.cases.importers import Imported, Wishes, import_cases, imported
from evalsuite.cases.importers.mapped import FIELDS, fields_of
from evalsuite.cases.importers.written import case_files
from evalsuite.cli import main
from evalsuite.conversation import messages
from evalsuite.errors import InvalidCase
from evalsuite.pipeline.reading import set_of

Write = Callable[[str, Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file into the test's folder: text as it is, anything else as JSON."""

    def written(name: str, content: Any) -> Path:
        file = tmp_path / name
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        file.write_text(text, encoding="utf-8", newline="")
        return file

    return written


def refusal(format: str, file: Path, wishes: Wishes | None = None) -> list[str]:
    with pytest.raises(InvalidCase) as caught:
        imported(format, file, wishes)
    return [
        line.replace(f"{file.parent.as_posix()}/", "") for line in str(caught.value).splitlines()
    ]


# --- qrecc, topiocqa ---

QRECC: dict[str, Any] = {
    "Context": ["Where is Lima?", "In Peru.", "Is Lima old?", ""],
    "Question": "How big is it?",
    "Rewrite": "How big is Lima?",
    "Answer": "2,672 km2",
    "Conversation_no": 7,
    "Turn_no": 3,
    "Conversation_source": "quac",
}


@pytest.mark.parametrize("key", ["Rewrite", "Truth_rewrite"])
def test_qrecc_turns_alternate_and_answers_that_nobody_found_are_left_out(
    write: Write, key: str
) -> None:
    row = {name: value for name, value in QRECC.items() if name != "Rewrite"} | {
        key: QRECC["Rewrite"]
    }
    (case,) = import_cases("qrecc", write("q.json", [row]))
    assert case.history == messages(
        [("user", "Where is Lima?"), ("assistant", "In Peru."), ("user", "Is Lima old?")]
    )
    assert (case.id, case.cluster) == ("qrecc-7-q3", "qrecc-7")
    assert case.expect == Expectation(
        rewrites=("How big is Lima?",), must_name=("Lima",), free=True
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"Context": "Where?"}, "q.json:1: Context='Where?' is no list; write a list of texts"),
        ({"Context": [1]}, "q.json:1: an entry of Context=1 is not text"),
        ({"Question": " "}, "q.json:1: case 'qrecc-7-q3': the query is empty"),
        ({"Rewrite": None}, "q.json:1: Rewrite=None is not text"),
    ],
)
def test_a_broken_qrecc_record_is_named(
    write: Write, change: dict[str, Any], expected: str
) -> None:
    (line,) = refusal("qrecc", write("q.json", [QRECC | change]))
    assert line.startswith(expected)


def test_a_key_that_is_nearly_right_is_suggested(write: Write) -> None:
    row = {("Questions" if key == "Question" else key): value for key, value in QRECC.items()}
    (line,) = refusal("qrecc", write("q.json", [row]))
    assert "lacks the key 'Question'; add it; did you mean 'Questions'?" in line


def test_topiocqa_says_that_it_was_published_without_rewrites(write: Write) -> None:
    (case,) = import_cases("topiocqa", write("t.json", [QRECC | {"Topic": "Lima"}]))
    assert case.id == "topiocqa-7-q3"
    row = {key: value for key, value in QRECC.items() if key != "Rewrite"}
    (line,) = refusal("topiocqa", write("t.json", [row]))
    assert "TopiOCQA was published without any" in line


# --- cast 2020 to 2022 ---


def cast_turn(number: Any, query: str, rewrite: str | None = None, **more: Any) -> dict[str, Any]:
    rewritten = {} if rewrite is None else {"manual_rewritten_utterance": rewrite}
    return {"number": number, "raw_utterance": query, **rewritten, **more}


def test_cast_2021_histories_hold_the_passages_that_were_shown(write: Write) -> None:
    turns = [
        cast_turn(1, "Where is Lima?", "Where is Lima?", passage="In Peru."),
        cast_turn(2, "And Cusco?"),
        cast_turn(3, "How big is it?", "How big is Cusco?"),
    ]
    first, third = import_cases("cast", write("c.json", [{"number": 5, "turn": turns}]))
    assert first.expect.unchanged
    assert third.history == messages(
        [("user", "Where is Lima?"), ("assistant", "In Peru."), ("user", "And Cusco?")]
    )
    assert (third.id, third.cluster) == ("cast-5_3", "cast-5")


def tree(*turns: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"number": 9, "title": "t", "turn": list(turns)}]


def said(number: str, parent: str | None, query: str, rewrite: str) -> dict[str, Any]:
    above = {} if parent is None else {"parent": parent}
    return {
        "number": number,
        **above,
        "participant": "User",
        "utterance": query,
        "manual_rewritten_utterance": rewrite,
    }


def told(number: str, parent: str, response: str) -> dict[str, Any]:
    return {"number": number, "parent": parent, "participant": "System", "response": response}


def test_a_cast_2022_tree_is_walked_to_its_root(write: Write) -> None:
    file = write(
        "tree.json",
        tree(
            said("1-1", None, "Where is Lima?", "Where is Lima?"),
            told("1-2", "1-1", "In Peru."),
            said("1-3", "1-2", "How big is it?", "How big is Lima?"),
            told("1-4", "1-3", "Very."),
            said("2-1", "1-2", "Is it old?", "Is Lima old?"),
        ),
    )
    *_, branch = import_cases("cast", file)
    assert branch.history == messages([("user", "Where is Lima?"), ("assistant", "In Peru.")])
    assert branch.id == "cast-9_2-1"


def test_a_turn_that_stands_on_two_paths_is_taken_once(write: Write) -> None:
    turn = {
        "number": "1-1",
        "utterance": "Where is Lima?",
        "manual_rewritten_utterance": "Where is Lima?",
        "response": "In Peru.",
    }
    paths = [{"number": 9, "turn": [turn]}, {"number": 9, "turn": [turn]}]
    assert len(import_cases("cast", write("flat.json", paths))) == 1


def test_a_parent_that_does_not_stand_before_its_child_is_named(write: Write) -> None:
    file = write("tree.json", tree(said("1-1", "7-1", "Where is Lima?", "Where is Lima?")))
    (line,) = refusal("cast", file)
    assert line.startswith("tree.json:1: turn 1-1 has the parent '7-1', which does not stand")


def test_topics_without_manual_rewrites_are_no_cases(write: Write) -> None:
    file = write("c.json", [{"number": 5, "turn": [cast_turn(1, "Where is Lima?")]}])
    assert refusal("cast", file) == ["c.json: no cast records in this file; check the format"]


# --- mudoco ---

MUDOCO: dict[str, Any] = {
    "domain": "music",
    "dialogs": {
        "d-1": {
            "split": "eval",
            "turns": [
                {
                    "number": 1,
                    "utterance": "Play Ada Carter .",
                    "graded": True,
                    "rewritten_utterance": "Play Ada Carter .",
                    "rewrite_required": False,
                },
                {
                    "number": 2,
                    "utterance": "Playing her .",
                    "graded": True,
                    "rewritten_utterance": "Playing Ada Carter .",
                    "rewrite_required": True,
                },
                {
                    "number": 3,
                    "utterance": "When was she born ?",
                    "graded": True,
                    "rewritten_utterance": "When was Ada Carter born ?",
                    "rewrite_required": True,
                },
                {"number": 5, "utterance": "And there ?", "graded": False},
            ],
        }
    },
}


def test_mudoco_asks_for_graded_user_turns_alone(write: Write) -> None:
    first, third = import_cases("mudoco", write("m.json", MUDOCO))
    assert first.expect.unchanged
    assert third.history == messages(
        [("user", "Play Ada Carter ."), ("assistant", "Playing her .")]
    )
    assert third.expect.must_name == ("Ada Carter",)
    assert (third.id, third.cluster) == ("mudoco-d-1-3", "mudoco-d-1")


def test_a_mudoco_dialogue_is_named_with_its_line(write: Write) -> None:
    broken = {"dialogs": {"ok": {"turns": []}, "bad": {"turns": [{"number": 1}]}}}
    (line,) = refusal("mudoco", write("m.json", json.dumps(broken, indent=1)))
    assert line.startswith("m.json:6: the record lacks the key 'utterance'")
    assert refusal("mudoco", write("n.json", [])) == [
        "n.json:1: holds no object 'dialogs'; give a file as it was published"
    ]


# --- tab-separated turns ---


@pytest.mark.parametrize(
    "row",
    [
        "Hi\tHello\tWhere is Lima?\tIn Peru.\tHow big is it?\tHow big is Lima?",
        "\t\tHi\tHello\tWhere is Lima?\tIn Peru.\tHow big is it?\tHow big is Lima?",
        "Hi ||| Hello ||| Where is Lima? ||| In Peru.\tHow big is it?\tHow big is Lima?",
        "Hi[SEP]Hello [SEP] Where is Lima? [sep] In Peru.\tHow big is it?\tHow big is Lima?",
    ],
)
def test_turns_stand_in_columns_or_in_one(write: Write, row: str) -> None:
    (case,) = import_cases("tsv_turns", write("t.tsv", f"{row}\r\n"))
    assert [(turn.role.value, turn.content) for turn in case.history] == [
        ("user", "Hi"),
        ("assistant", "Hello"),
        ("user", "Where is Lima?"),
        ("assistant", "In Peru."),
    ]
    assert (case.query, case.reference) == ("How big is it?", "How big is Lima?")


@pytest.mark.parametrize("row", ["How big is it?", "a\t", "\tb", "a\tb\t \tc"])
def test_a_row_without_query_or_rewrite_is_named(write: Write, row: str) -> None:
    (line,) = refusal("tsv_turns", write("t.tsv", f"a\tb\n{row}\n"))
    assert line.startswith("t.tsv:2: the last two columns are not both filled")


def test_rows_of_more_columns_are_pointed_to_the_other_format(write: Write) -> None:
    (line,) = refusal("tsv", write("t.tsv", "a\tb\tc\td\te"))
    assert "use the format tsv_turns" in line


# --- any JSON lines ---

NESTED = {
    "turn": {"text": "How big is it?"},
    "context": [
        {"role": "human", "content": "Where is Lima?"},
        {"from": "gpt", "value": "In Peru."},
    ],
    "gold": ["How big is Lima?", "What is Lima's size?"],
    "uid": "u 1",
}
FIELDS_OF_NESTED = {
    "query": "turn.text",
    "history": "context",
    "rewrite": "gold",
    "id": "uid",
}


def mapped(fields: Mapping[str, str]) -> Wishes:
    return Wishes(fields=fields)


def lines_of(*rows: Any) -> str:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


def test_dotted_paths_say_where_the_parts_of_a_record_stand(write: Write) -> None:
    found = imported("jsonl", write("r.jsonl", lines_of(NESTED)), mapped(FIELDS_OF_NESTED))
    (case,) = found.cases
    assert case.history == messages([("user", "Where is Lima?"), ("assistant", "In Peru.")])
    assert case.expect.rewrites == ("How big is Lima?", "What is Lima's size?")
    assert case.id.startswith("jsonl-u-1-")
    best = mapped(FIELDS_OF_NESTED | {"rewrite": "gold.1"})
    (case,) = imported("jsonl", write("r.jsonl", lines_of(NESTED)), best).cases
    assert case.expect.rewrites == ("What is Lima's size?",)


@pytest.mark.parametrize("history", [["Where is Lima?", "In Peru."], "In Peru.", [], ""])
def test_texts_are_turns_of_which_the_last_is_the_assistants(write: Write, history: Any) -> None:
    row = {"query": "How big is it?", "history": history, "rewrite": "How big is Lima?"}
    (case,) = import_cases("jsonl", write("r.jsonl", lines_of(row)))
    roles = [turn.role.value for turn in case.history]
    assert roles == ["user", "assistant"][2 - len(roles) :]


@pytest.mark.parametrize(
    ("row", "fields", "expected"),
    [
        (NESTED, {"query": "turn.txt"}, "turn lacks the key 'txt' of --map turn.txt; did you mean"),
        (NESTED, {"query": "said"}, "the record lacks the key 'said' of --map said; its keys are"),
        (NESTED, {"query": "uid.x"}, "uid='u 1' has no 'x'; correct --map uid.x"),
        (NESTED, {"rewrite": "gold.7"}, "gold='["),
        (NESTED, {"query": "context"}, "context=[{'role': 'human'"),
        (NESTED | {"context": 3}, {}, "the history is '3'; a list of turns is due"),
        (NESTED | {"context": ["a", {}]}, {}, "the turn 'a' is no object as the others are"),
        (NESTED | {"context": [{"who": "x"}]}, {}, "a turn has the keys who; role or from"),
        (
            NESTED | {"context": [{"role": "narrator", "text": "x"}]},
            {},
            "'narrator' speaks; use one of: user, human",
        ),
        (
            NESTED | {"context": [{"role": "system", "text": "x"}]},
            {},
            "'system' speaks; use one of",
        ),
    ],
)
def test_a_record_that_the_map_does_not_fit_is_named(
    write: Write, row: Any, fields: dict[str, str], expected: str
) -> None:
    file = write("r.jsonl", lines_of(NESTED | {"uid": "0"}, row))
    found = refusal("jsonl", file, mapped(FIELDS_OF_NESTED | fields))
    assert found[-1].startswith(f"r.jsonl:2: {expected}")


def test_a_line_that_is_not_json_is_named_and_the_next_one_read(write: Write) -> None:
    file = write("r.jsonl", '{"query": \n' + lines_of(NESTED))
    assert refusal("jsonl", file, mapped(FIELDS_OF_NESTED)) == [
        "r.jsonl:1: broken JSON: Expecting value; correct the line"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("query", "'query' is not NAME=FIELD; write query=FIELD"),
        ("query=", "'query=' is not NAME=FIELD"),
        ("querry=q,rewrite=r", "'querry' is unknown; did you mean 'query'?"),
        ("what=q,rewrite=r", "'what' is unknown; use query, history, rewrite, id, cluster"),
        ("query=q,query=r", "'query' stands twice"),
    ],
)
def test_a_map_that_cannot_be_read_is_refused(text: str, expected: str) -> None:
    with pytest.raises(InvalidCase, match=r"^--map") as caught:
        fields_of(text)
    assert expected in str(caught.value)


PATHS = st.from_regex(r"[a-z]{1,5}(\.[a-z0-9]{1,3}){0,2}", fullmatch=True)


@given(st.dictionaries(st.sampled_from(FIELDS), PATHS, min_size=1))
def test_a_map_is_read_as_it_is_written(fields: dict[str, str]) -> None:
    assert fields_of(",".join(f"{name}={path}" for name, path in fields.items())) == fields


def test_a_map_is_of_jsonl_alone_and_says_query_and_rewrite(write: Write) -> None:
    file = write("r.jsonl", lines_of(NESTED))
    assert refusal("jsonl", file, mapped({"query": "turn.text"}))[0].startswith(
        "the format jsonl lacks rewrite; say where"
    )
    assert "canard knows its keys" in refusal("canard", file, mapped(FIELDS_OF_NESTED))[0]


# --- what is skipped, what stands twice ---


def many(*bad: int, count: int = 40) -> str:
    rows: list[Any] = [
        {"query": f"Is it {n}?", "history": ["Lima."], "rewrite": f"Is Lima {n}?"}
        for n in range(count)
    ]
    for at in bad:
        rows[at] = {"query": "x"}
    return lines_of(*rows)


def skipping(write: Write, text: str) -> Imported:
    return imported("jsonl", write("r.jsonl", text), Wishes(skip_bad=True))


def test_broken_records_are_skipped_where_that_is_asked_for(write: Write) -> None:
    found = skipping(write, many(3, 30))
    assert (len(found.cases), len(found.skipped)) == (38, 2)
    assert [line.rpartition("r.jsonl:")[2][:4] for line in found.skipped] == ["4: t", "31: "]
    assert len(refusal("jsonl", write("r.jsonl", many(3, 30)))) == 2


def test_more_broken_records_than_are_named_are_skipped_too(write: Write) -> None:
    found = skipping(write, many(*range(30)))
    assert (len(found.cases), len(found.skipped)) == (10, 30)


def test_nothing_but_broken_records_is_no_import(write: Write) -> None:
    with pytest.raises(InvalidCase, match=r"lacks the key 'history'"):
        skipping(write, many(0, 1, count=2))


def test_a_file_that_ends_too_early_is_read_as_far_as_it_goes(write: Write) -> None:
    text = json.dumps([QRECC, QRECC | {"Turn_no": 4, "Question": "Why is it?"}], indent=1)
    file = write("q.json", text[:-60])
    found = imported("qrecc", file, Wishes(skip_bad=True))
    assert len(found.cases) == 1
    (line,) = found.skipped
    assert "broken JSON" in line
    assert line.endswith("; nothing behind it was read")
    assert "broken JSON" in refusal("qrecc", file)[0]


def test_one_conversation_twice_is_one_case_that_accepts_the_rewrites_of_both(write: Write) -> None:
    rows = [
        QRECC,
        QRECC | {"Conversation_no": 8, "Rewrite": "What is the size of Lima?"},
        QRECC | {"Conversation_no": 9, "Rewrite": "How big is it?"},
        QRECC | {"Conversation_no": 10},
    ]
    found = imported("qrecc", write("q.json", rows))
    (case,) = found.cases
    assert case.expect.rewrites == ("How big is Lima?", "What is the size of Lima?")
    fates = [line.rpartition("; ")[2] for line in found.merged]
    assert fates == [
        "its rewrites are accepted there too",
        "the first decides",
        "and says nothing else",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("\ud800 big?", "holds half a surrogate pair"), ("x" * 60_000, "has 60,000 characters")],
)
def test_a_text_that_no_case_file_holds_is_refused(write: Write, text: str, expected: str) -> None:
    row = json.dumps([QRECC | {"Question": text}])
    (line,) = refusal("qrecc", write("q.json", row))
    assert expected in line


# --- files ---


def numbered(count: int) -> tuple[Case, ...]:
    return tuple(
        Case(
            id=f"n-{number}",
            language=Language.EN,
            kind=Kind.SINGLE,
            cluster="n",
            history=messages([("user", f"Tell me about Lima, {number}. " + "é" * 50)]),
            query="How big is it?",
            expect=Expectation(rewrites=("How big is Lima?",)),
        )
        for number in range(count)
    )


@given(count=st.integers(1, 40), most=st.integers(500, 4000))
def test_files_are_no_larger_than_they_may_be_and_hold_every_case_once(
    count: int, most: int
) -> None:
    folder = Path("nowhere")
    files = case_files(numbered(count), folder / "team_en.yaml", most=most)
    assert all(len(text.encode()) <= most for _, text in files)
    assert [name for path, _ in files for name in (set_of(path),)] == ["team"] * len(files)
    ids = [line for _, text in files for line in text.splitlines() if "- id:" in line]
    assert len(ids) == len(set(ids)) == count
    assert len({path for path, _ in files}) == len(files)


@pytest.mark.parametrize(
    ("name", "first"),
    [("team_en.yaml", "team_en-01.yaml"), ("team.yaml", "team_01.yaml")],
)
def test_numbered_files_belong_to_one_set(tmp_path: Path, name: str, first: str) -> None:
    files = case_files(numbered(10), tmp_path / name, most=1000)
    assert files[0][0].name == first
    for path, text in files:
        path.write_text(text, "utf-8")
    assert lint([tmp_path]) == []
    assert [without_source(case) for case in load_cases(tmp_path)] == list(numbered(10))


def test_files_of_an_earlier_import_are_not_left_beside_new_ones(tmp_path: Path) -> None:
    (tmp_path / "team_en.yaml").write_text("cases: []", "utf-8")
    with pytest.raises(InvalidCase, match=r"holds team_en.yaml of an earlier import"):
        case_files(numbered(10), tmp_path / "team_en.yaml", most=1000)
    (tmp_path / "team_en.yaml").unlink()
    (tmp_path / "team_en-07.yaml").write_text("cases: []", "utf-8")
    with pytest.raises(InvalidCase, match=r"holds team_en-07.yaml of an earlier import"):
        case_files(numbered(1), tmp_path / "team_en.yaml")


# --- the command ---


def test_the_command_writes_what_can_be_read_and_says_what_it_skipped(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = write("r.jsonl", many(3)), tmp_path / "cases" / "team_en.yaml"
    asked = ["import", "jsonl", str(file), "--out", str(out)]
    assert main(asked) == 3
    assert not out.exists()
    capsys.readouterr()
    assert main([*asked, "--skip-bad"]) == 1
    told = capsys.readouterr().out
    assert "r.jsonl:4: the record lacks the key 'history'" in told
    assert "skipped 1 records" in told
    assert "wrote 39 cases" in told
    assert main(["cases", "lint", str(out.parent)]) == 0


def test_the_command_maps_fields_and_may_leave_names_out(write: Write, tmp_path: Path) -> None:
    file, out = write("r.jsonl", lines_of(NESTED)), tmp_path / "cases" / "team_en.yaml"
    asked = ["import", "jsonl", str(file), "--out", str(out)]
    asked += ["--map", "query=turn.text,history=context,rewrite=gold"]
    assert main(asked) == 0
    (case,) = load_cases(out)
    assert (case.expect.must_name, case.expect.free) == (("Lima",), True)
    assert main([*asked, "--no-names"]) == 0
    (case,) = load_cases(out)
    assert (case.expect.must_name, case.expect.free) == ((), False)


def test_another_encoding_is_named_with_its_line_and_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "r.jsonl"
    file.write_bytes(b"{}\n" + '{"query": "它多大？"}'.encode("gb18030"))
    assert main(["import", "jsonl", str(file), "--out", str(tmp_path / "o.yaml")]) == 3
    assert "r.jsonl:2: byte 0x" in (said := capsys.readouterr().err)
    assert "iconv -f GB18030 -t UTF-8" in said


@pytest.mark.parametrize("rewrite", ["", "  ", [], [""], None])
def test_a_record_without_a_rewrite_is_no_query_that_stays(write: Write, rewrite: object) -> None:
    file = write("r.jsonl", lines_of({"q": "When was he born?", "r": rewrite}))
    found = refusal("jsonl", file, mapped({"query": "q", "rewrite": "r"}))
    assert "holds no rewrite" in found[0]


def test_an_import_is_not_written_over_its_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "r.jsonl"
    file.write_text(lines_of({"q": "When was Ada born?", "r": "When was Ada born?"}), "utf-8")
    before = file.read_bytes()
    asked = ["import", "jsonl", str(file), "--map", "query=q,rewrite=r", "--out", str(file)]
    assert main(asked) == 3
    assert "is an input, which would be lost" in capsys.readouterr().err
    assert file.read_bytes() == before
