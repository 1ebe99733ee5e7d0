"""Importers: the first formats, their quirks, and what is said about broken records."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalsuite.cases import Kind, Language
from evalsuite.cases.casefiles import dump_cases, parse_cases, without_source
from evalsuite.cases.importers import FORMATS, guess_kind, import_cases
from evalsuite.conversation import Role, messages
from evalsuite.errors import InvalidCase
from evalsuite.rewrites import Standard, judge, standard_of

Write = Callable[[str, Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file into the test's folder: text as it is, JSON records one a line."""

    def written(name: str, content: Any) -> Path:
        file = tmp_path / name
        if not isinstance(content, str):
            rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in content)
            content = f"[\n{rows}\n]\n"
        file.write_text(content, encoding="utf-8", newline="")
        return file

    return written


def refusal(format: str, file: Path) -> list[str]:
    with pytest.raises(InvalidCase) as caught:
        import_cases(format, file)
    return [
        line.replace(f"{file.parent.as_posix()}/", "") for line in str(caught.value).splitlines()
    ]


# --- canard ---

CANARD: dict[str, Any] = {
    "History": ["Lima", "Geography", "Where is Lima?", "In Peru."],
    "QuAC_dialog_id": "C_1_0",
    "Question": "How big is it?",
    "Question_no": 2,
    "Rewrite": "How big is Lima?",
}


def test_canard_titles_are_the_first_thing_that_is_said(write: Write) -> None:
    (case,) = import_cases("canard", write("c.json", [CANARD]))
    assert case.history == messages(
        [("user", "Lima, Geography"), ("user", "Where is Lima?"), ("assistant", "In Peru.")]
    )
    assert case.expect.rewrites == ("How big is Lima?",)
    assert (case.kind, case.language) == (Kind.SINGLE, Language.EN)
    assert (case.id, case.cluster) == ("canard-1_0-q2", "canard-C_1_0")
    assert case.source.endswith("c.json:2")


def test_a_canard_question_that_is_its_own_rewrite_stays(write: Write) -> None:
    row = CANARD | {"Question": "How big is Lima?", "History": ["Lima", "Geography"]}
    (case,) = import_cases("canard", write("c.json", [row]))
    assert case.expect.unchanged
    assert case.expect.rewrites == ()
    assert case.kind is Kind.STANDALONE
    assert case.history == messages([("user", "Lima, Geography")])


def test_a_first_canard_question_can_be_answered_from_its_titles(write: Write) -> None:
    row = CANARD | {
        "History": ["Tessick Choir", " "],
        "Question": "How did the choir get started?",
        "Question_no": 1,
        "Rewrite": "How did the Tessick Choir get started?",
    }
    (case,) = import_cases("canard", write("c.json", [row]))
    assert case.history == messages([("user", "Tessick Choir")])
    assert judge(case, row["Rewrite"]).right
    # Without the titles nothing could be missing from these.
    for wrong in (row["Question"], "How did the choir get started banana?"):
        assert not judge(case, wrong).right


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"History": ["Lima"]},
            "History has 1 entries; two titles and whole question-answer pairs",
        ),
        ({"History": ["a", "b", "c"]}, "History has 3 entries"),
        ({"History": ["a", "b", 3, "d"]}, "an entry of History=3 is not text"),
        ({"History": ["a", "b", "c", " "]}, "the content of a assistant message is ' '"),
        ({"History": None}, "History=None is no list; write a list of texts"),
        ({"History": "a"}, "History='a' is no list"),
        ({"Question": ""}, "the query is empty"),
        ({"Rewrite": None}, "Rewrite=None is not text"),
    ],
)
def test_a_broken_canard_record_is_named_with_its_line(
    write: Write, change: dict[str, Any], expected: str
) -> None:
    (line,) = refusal("canard", write("c.json", [CANARD, CANARD | {"Question_no": 3} | change]))
    assert line.startswith(f"c.json:3: {expected}") or (
        line.startswith("c.json:3: ") and expected in line
    )


def test_all_broken_records_are_named_up_to_twenty(write: Write) -> None:
    assert len(refusal("canard", write("c.json", [{"Question": "x"}] * 3))) == 3
    assert len(refusal("canard", write("c.json", [{"Question": "x"}] * 300))) == 20
    assert "lacks the key 'History'; add it" in refusal("canard", write("c.json", [{}]))[0]


def test_the_same_record_twice_is_refused(write: Write) -> None:
    (line,) = refusal("canard", write("c.json", [CANARD, CANARD]))
    assert line.startswith("c.json:3: the same record as ")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{}", "c.json:1: starts with '{'; an array '[' is due"),
        ("[\n{},\n{]\n", "c.json:3: broken JSON"),
        ("[\n{}\n", "c.json:3: broken JSON"),
        (
            '[\n{"a": "b',
            "c.json:2: broken JSON: Unterminated string starting at; the file ends too",
        ),
        ("[" * 100_000, "c.json:1: "),
        ("[" + "9" * 5000 + "]", "c.json:1: "),
        ("", "c.json:1: the file is empty"),
        ("[]", "c.json: no canard records"),
    ],
)
def test_broken_json_is_named_with_its_line(write: Write, content: str, expected: str) -> None:
    assert refusal("canard", write("c.json", content))[-1].startswith(expected)


# --- cast 2019 ---

TOPICS = [
    {
        "number": 1,
        "title": "t",
        "turn": [
            {"number": 1, "raw_utterance": "Where is Lima? "},
            {"number": 2, "raw_utterance": "How big is it?"},
            {"number": 3, "raw_utterance": "And Cusco?"},
        ],
    }
]
RESOLVED = "1_1\tWhere is Lima?\r\n1_2\tHow big is Lima?\r\n\r\n"


def test_cast_histories_hold_only_what_the_user_said(write: Write) -> None:
    write("demo_annotated_resolved_v1.0.tsv", RESOLVED)
    first, second = import_cases("cast2019", write("demo_topics_v1.0.json", TOPICS))
    assert first.expect.unchanged
    assert (second.id, second.cluster) == ("cast2019-1_2", "cast2019-1")
    assert second.history == messages([("user", "Where is Lima?")])
    assert second.reference == "How big is Lima?"


@pytest.mark.parametrize(
    ("resolved", "expected"),
    [
        (RESOLVED + "nonsense\n", "demo_resolved.tsv:4: 'nonsense' is not topic_turn<TAB>text"),
        (RESOLVED + "1_3\t \n", "demo_resolved.tsv:4: '1_3\\t ' is not topic_turn<TAB>text"),
        (RESOLVED + "1_2\tx\n", "demo_resolved.tsv:4: turn 1_2 was already resolved on line 2"),
        (RESOLVED + "9_1\tx\n", "demo_resolved.tsv:4: turn 9_1 is in no topic of demo_topics.json"),
    ],
)
def test_a_broken_resolved_line_is_named(write: Write, resolved: str, expected: str) -> None:
    write("demo_resolved.tsv", resolved)
    (line,) = refusal("cast2019", write("demo_topics.json", TOPICS))
    assert line.startswith(expected)


def test_the_resolved_file_is_asked_for(write: Write) -> None:
    (line,) = refusal("cast2019", write("demo_topics.json", TOPICS))
    assert "0 files demo_*resolved*.tsv lie beside it" in line
    (line,) = refusal("cast2019", write("demo_resolved.tsv", RESOLVED))
    assert "give the JSON file of topics" in line


# --- alexa ---


def alexa(rewrite: Any, turns: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    dialogue: list[dict[str, Any]] = [
        {"turn": who, "data": {"utterance": text, "end_dialogue": False}} for who, text in turns
    ]
    dialogue[-1]["reformulation"] = rewrite
    return {"dialogue": dialogue, "scenario": {"uuid": "u-1"}}


TURNS = (
    ("driver", "Find tea"),
    ("assistant", "Teahouse is near."),
    ("driver", "Go there. "),
    ("assistant", "Going."),
)


def test_alexa_accepts_every_rewrite_once_and_the_annotators_first(write: Write) -> None:
    rewrites = {
        "base_utt_idx": 2,
        "reformulated_utt": "Go to Teahouse.",
        "mturk_reformulations": ["Drive to Teahouse.", "Go to Teahouse. ", " "],
    }
    (case,) = import_cases("alexa_cqr", write("a.json", [alexa(rewrites, TURNS)]))
    assert case.query == "Go there."
    assert case.history == messages([("user", "Find tea"), ("assistant", "Teahouse is near.")])
    assert case.expect.rewrites == ("Go to Teahouse.", "Drive to Teahouse.")
    assert (case.id, case.cluster) == ("alexa_cqr-u-1-3", "alexa_cqr-u-1")


def test_an_alexa_turn_without_a_rewrite_stays_and_blank_turns_are_left_out(write: Write) -> None:
    turns = (*TURNS[:1], ("assistant", " "), ("driver", "Thanks."), ("assistant", "Bye."))
    (case,) = import_cases("alexa_cqr", write("a.json", [alexa({"reformulated_utt": None}, turns)]))
    assert case.expect.unchanged
    assert case.history == messages([("user", "Find tea")])


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ((("tool", "x"), ("assistant", "y")), "turn='tool' is unknown; use driver or assistant"),
        ((("assistant", "x"),), "turn 0 has a reformulation but no user turn before it"),
        ((("assistant", "x"), ("assistant", "y")), "turn 1 has a reformulation but no user turn"),
    ],
)
def test_a_broken_alexa_dialogue_is_named(
    write: Write, turns: tuple[tuple[str, str], ...], expected: str
) -> None:
    (line,) = refusal("alexa_cqr", write("a.json", [alexa({"reformulated_utt": None}, turns)]))
    assert line.startswith(f"a.json:2: {expected}")


# --- tab-separated ---


def test_tsv_tolerates_doubled_tabs_a_byte_order_mark_and_windows_line_ends(write: Write) -> None:
    text = "\ufeff北京多大？\t\t很大。\t\t那里人多吗？\t\t北京人多吗？\r\n\r\n"
    text += "你好\t你好！\t几点了？\t几点了？\r\n"
    first, second = import_cases("tsv", write("pairs.tsv", text))
    assert first.history == messages([("user", "北京多大？"), ("assistant", "很大。")])
    assert first.expect.rewrites == ("北京人多吗？",)
    assert (first.language, first.kind) == (Language.ZH, Kind.SINGLE)
    assert (first.id, second.id) == ("tsv-pairs-1", "tsv-pairs-3")
    assert second.expect.unchanged


def test_a_tsv_context_column_may_be_empty(write: Write) -> None:
    (case,) = import_cases("tsv", write("p.tsv", "\t北京很大。\t那里人多吗？\t北京人多吗？\n"))
    assert [turn.role for turn in case.history] == [Role.ASSISTANT]


def test_tsv_rows_with_the_same_context_share_a_cluster(write: Write) -> None:
    rows = ["a\tb\tc?\td?", "a\tb\te?\tf?", "x\tb\te?\tf?"]
    one, two, three = import_cases("tsv", write("p.tsv", "\n".join(rows)))
    assert one.cluster == two.cluster != three.cluster


@pytest.mark.parametrize("row", ["a\tb\tc", "a\tb\tc\td\te", "a", "a\tb\t\td", "a\tb\tc\t"])
def test_a_tsv_row_of_another_width_is_named(write: Write, row: str) -> None:
    (line,) = refusal("tsv", write("p.tsv", f"a\tb\tc\td\n{row}\n"))
    assert line.startswith("p.tsv:2: the line has ")
    assert "four are due" in line


@example(["a", "A", "a-", "a/"])
@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=3, unique=True))
def test_names_in_any_script_give_different_valid_ids(
    tmp_path_factory: Any, stems: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("canard")
    rows = [
        CANARD | {"QuAC_dialog_id": stem, "Question": f"How big is it, {number}?"}
        for number, stem in enumerate(stems)
    ]
    file = folder / "c.json"
    file.write_text(json.dumps(rows), encoding="utf-8")
    assert len({case.id for case in import_cases("canard", file)}) == len(stems)


# --- the front door ---


def test_an_unknown_format_gets_a_suggestion(write: Write) -> None:
    with pytest.raises(InvalidCase, match="did you mean 'canard'"):
        import_cases("canrad", write("c.json", [CANARD]))
    with pytest.raises(
        InvalidCase, match="use one of: canard, qrecc, topiocqa, cast2019, cast, alex"
    ):
        import_cases("xml", write("c.json", [CANARD]))


def test_rewrites_are_extractive_where_the_importer_is_told_so(write: Write) -> None:
    stays = CANARD | {"Question": "How big is Lima?", "Question_no": 3}
    file = write("c.json", [CANARD, stays])
    changed, same = import_cases("canard", file, extractive=True)
    assert standard_of(changed) is Standard.EXTRACTIVE
    assert standard_of(same) is Standard.STAYS
    assert not same.expect.extractive
    free, _ = import_cases("canard", file)
    assert (standard_of(free), free.expect.must_name) == (Standard.FREE, ("Lima",))
    assert changed.expect.must_name == ()
    bare, _ = import_cases("canard", file, names=False)
    assert (standard_of(bare), bare.expect.must_name) == (Standard.FREE, ())
    assert parse_cases(dump_cases([changed]))[0].expect == changed.expect


def test_a_limit_stops_reading(write: Write) -> None:
    file = write("c.json", [CANARD, {}])
    assert len(import_cases("canard", file, limit=1)) == 1
    with pytest.raises(InvalidCase, match="limit=0 must be at least 1"):
        import_cases("canard", file, limit=0)


@pytest.mark.parametrize("format", FORMATS)
def test_a_missing_file_is_refused_by_every_format(format: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidCase, match=r"a_none.json: (?:does not exist|0 files)"):
        import_cases(format, tmp_path / "a_none.json")


def test_bytes_that_are_not_utf8_are_named_with_their_line(tmp_path: Path) -> None:
    file = tmp_path / "p.tsv"
    file.write_bytes(b"a\tb\tc\td\n" + "北京\t大\t它\t北京".encode("gb18030"))
    (line,) = refusal("tsv", file)
    assert line.startswith("p.tsv:2: byte 0xB1 is not UTF-8 (the file may be GB18030")


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("How old is she?", Kind.PERSON),
        ("他多大了？", Kind.PERSON),
        ("Did they win?", Kind.PLURAL),
        ("他们是谁？", Kind.PLURAL),
        ("How about the latter?", Kind.ORDINAL),
        ("前者呢？", Kind.ORDINAL),
        ("Is it far?", Kind.SINGLE),
        ("它远吗？", Kind.SINGLE),
        ("And the population?", Kind.DROPPED_SUBJECT),
        ("其他吉他多少钱？", Kind.DROPPED_SUBJECT),
        ("Where did Sheila live?", Kind.DROPPED_SUBJECT),
    ],
)
def test_the_kind_is_guessed_from_the_words(query: str, kind: Kind) -> None:
    assert guess_kind(query, unchanged=False) is kind
    assert guess_kind(query, unchanged=True) is Kind.STANDALONE


# --- public data ---

PUBLIC = [
    ("canard", "canard/dev.json", 1710, 247, 91),
    ("cast2019", "trec_cast/2019/evaluation_topics_v1.0.json", 233, 24, 68),
    ("cast2019", "trec_cast/2019/train_topics_v1.0.json", 12, 1, 2),
    ("cast", "trec_cast/2020/2020_manual_evaluation_topics_v1.0.json", 116, 14, 17),
    ("cast", "trec_cast/2020/automatic_evaluation_topics_annotated_v1.1.json", 113, 14, 15),
    ("cast", "trec_cast/2021/2021_manual_evaluation_topics_v1.0.json", 137, 15, 20),
    ("cast", "trec_cast/2022/2022_evaluation_topics_flattened_duplicated_v1.0.json", 126, 10, 15),
    ("alexa_cqr", "alexa_cqr/cqr_kvret_dev_public.json", 232, 143, 135),
    ("alexa_cqr", "alexa_cqr/cqr_kvret_test_public.json", 288, 155, 161),
]


@pytest.mark.parametrize(("format", "path", "count", "clusters", "unchanged"), PUBLIC)
def test_a_public_data_set_is_imported_whole_and_survives_a_case_file(
    public_data: Path, format: str, path: str, count: int, clusters: int, unchanged: int
) -> None:
    file = public_data / path
    if not file.is_file():
        pytest.skip(f"{path} is not among the public data")
    imported = import_cases(format, file)
    assert len(imported) == count
    assert len({case.cluster for case in imported}) == clusters
    assert sum(case.expect.unchanged for case in imported) == unchanged
    part = imported[:150]
    assert parse_cases(dump_cases(part))[-1].expect == part[-1].expect
    assert [without_source(c) for c in parse_cases(dump_cases(part))] == [
        without_source(c) for c in part
    ]


def test_every_public_canard_history_starts_with_its_titles(public_data: Path) -> None:
    file = public_data / "canard" / "dev.json"
    if not file.is_file():
        pytest.skip("canard is not among the public data")
    rows = json.loads(file.read_text("utf-8"))
    for row, case in zip(rows, import_cases("canard", file), strict=True):
        titles, *turns = (turn.content for turn in case.history)
        assert titles == ", ".join(row["History"][:2])
        assert turns == [turn.strip() for turn in row["History"][2:]]


def test_public_alexa_turns_accept_many_rewrites(public_data: Path) -> None:
    file = public_data / "alexa_cqr" / "cqr_kvret_dev_public.json"
    if not file.is_file():
        pytest.skip("alexa_cqr is not among the public data")
    widths = [len(case.expect.rewrites) for case in import_cases("alexa_cqr", file)]
    assert max(widths) >= 10
