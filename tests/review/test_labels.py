"""From a log to first golden cases."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.cases import Kind, Language
from evalsuite.cases.casefiles import dump_cases, lint, load_cases
from evalsuite.cli import main
from evalsuite.conversation import messages
from evalsuite.errors import InvalidCase, InvalidInput, InvalidReview
from evalsuite.review.diverse import diverse
from evalsuite.review.kinds import propose_kind
from evalsuite.review.labelling import (
    Labels,
    draw_labels,
    dump_labels,
    label_sheet,
    load_labels,
    read_labels,
)
from evalsuite.review.logs import Log, parse_log
from tests.review.world import as_csv

CASES = Path(__file__).parents[2] / "cases" / "pronoun_resolution"
TOLD = [("user", "Tell me of Flindo."), ("assistant", "Flindo is a phone.")]


def row(*turns: tuple[str, str | None], **more: Any) -> str:
    said = [{"role": role, "content": content} for role, content in turns]
    return json.dumps({"messages": said, **more}, ensure_ascii=False)


def log(*lines: str) -> Log:
    return parse_log("\n".join(lines) + "\n", "log.jsonl")


@pytest.fixture
def labels() -> Labels:
    """Two rows: one that refers to something, one that stands alone."""
    return draw_labels(
        log(row(*TOLD, ("user", "What is its price?")), row(*TOLD, ("user", "How old is Rome?"))),
        "log.jsonl",
    )


def test_the_last_message_of_the_user_is_the_query() -> None:
    (one,) = log(
        row(("system", "Be kind."), *TOLD, ("user", " Its price? "), ("assistant", "Nine."), id=7)
    ).conversations
    assert one.query == "Its price?"
    assert one.history == messages(TOLD)
    assert one.line == 1


def test_a_history_and_a_query_are_the_same_as_messages() -> None:
    said = [{"role": role, "content": content} for role, content in TOLD]
    text = json.dumps({"history": said, "query": "它多少钱？", "time": 3})
    assert log(text).conversations[0].history == messages(TOLD)
    assert log(text).conversations[0].language is Language.ZH


def test_what_was_asked_before_is_counted_and_dropped() -> None:
    found = log(row(*TOLD, ("user", "Why?")), "", row(*TOLD, ("user", "Why?")))
    assert (len(found.conversations), found.repeated) == (1, 1)


def test_messages_without_text_are_passed_over() -> None:
    (one,) = log(
        row(("user", "Hi"), ("assistant", None), ("assistant", " "), ("user", "Go"))
    ).conversations
    assert one.history == messages([("user", "Hi")])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "is no conversation"),
        ("{}", "is no conversation"),
        ('{"messages": [], "query": "x"}', "is no conversation"),
        ('{"messages": []}', "nobody asks anything"),
        ('{"messages": 3}', "messages=3 is no list"),
        ('{"messages": [3]}', r"messages\[0\]\.role=None is unknown"),
        ('{"messages": [{"role": "human", "content": "x"}]}', "role='human' is unknown"),
        ('{"messages": [{"role": "user", "content": ["x"]}]}', r"content=\['x'\] is no text"),
        ('{"query": " "}', "query=' ' is no text"),
    ],
)
def test_a_line_that_is_no_conversation_is_told_with_its_number(line: str, words: str) -> None:
    with pytest.raises(InvalidCase, match=rf"log\.jsonl:2: .*{words}"):
        log(row(("user", "Hi")), line)


def test_all_broken_lines_are_told_at_once() -> None:
    with pytest.raises(InvalidCase) as caught:
        log("{", row(("user", "Hi")), "[]")
    assert [line.split(" ")[0] for line in str(caught.value).splitlines()] == [
        "log.jsonl:1:",
        "log.jsonl:3:",
    ]


def test_half_a_character_is_no_reason_to_stop() -> None:
    (one,) = log('{"query": "what \\ud83d?"}').conversations
    assert one.query == "what ??"


@pytest.mark.parametrize(
    ("history", "query", "kind"),
    [
        ([], "How old is Rome?", Kind.STANDALONE),
        ([], "What does it cost?", Kind.UNANSWERABLE),
        (TOLD, "What is its price?", Kind.SINGLE),
        (TOLD, "它多少钱？", Kind.SINGLE),
        (TOLD, "How old is Rome?", Kind.STANDALONE),
        (TOLD, "Is it possible to fly to Rome?", Kind.STANDALONE),
        (TOLD, "Are they alike?", Kind.PLURAL),
        (TOLD, "他们在哪儿？", Kind.PLURAL),
        (TOLD, "Why did she go?", Kind.PERSON),
        (TOLD, "Is the former older?", Kind.ORDINAL),
        (TOLD, "前者更老吗？", Kind.ORDINAL),
        (TOLD, "Free for students?", Kind.DROPPED_SUBJECT),
        (TOLD, "多少钱？", Kind.DROPPED_SUBJECT),
        (TOLD, "And in Nice?", Kind.DROPPED_SUBJECT),
        (TOLD, "No, I meant Quobra.", Kind.CORRECTION),
        (
            [*TOLD, ("user", "Sorry, I meant Quobra."), ("assistant", "Oh.")],
            "Is it old?",
            Kind.CORRECTION,
        ),
        (
            [*TOLD, ("user", "And Quobra?"), ("assistant", "A car.")],
            "Is it old?",
            Kind.TOPIC_SWITCH,
        ),
        ([("user", "Flindo or Quobra?"), ("assistant", "Flindo.")], "Is it old?", Kind.COMPARISON),
        ([("user", "Flindo or Quobra?")], "Is it old?", Kind.UNANSWERABLE),
        ([*TOLD, *TOLD, *TOLD], "Is it old?", Kind.DISTANT),
        (TOLD, "WHATS ITS PRICE", Kind.NOISY),
        (TOLD, "它要restart吗", Kind.NOISY),
    ],
)
def test_a_kind_is_proposed_from_words(
    history: list[tuple[str, str]], query: str, kind: Kind
) -> None:
    assert propose_kind(messages(history), query) is kind


def test_most_golden_cases_have_the_kind_that_would_be_proposed() -> None:
    cases = load_cases(CASES)
    same = sum(propose_kind(case.history, case.query) is case.kind for case in cases)
    assert same / len(cases) > 0.75


@settings(deadline=None)
@given(
    st.lists(st.text(max_size=12), min_size=1, max_size=40), st.integers(1, 12), st.integers(0, 99)
)
def test_each_text_is_chosen_once_and_all_are_stood_for(
    texts: list[str], n: int, start: int
) -> None:
    found = diverse(texts, n, start)
    chosen = [at for at, _ in found]
    assert len(set(chosen)) == len(chosen) == min(n, len(texts))
    assert sum(like for _, like in found) == len(texts)
    assert found == diverse(texts, n, start)


@pytest.mark.parametrize("start", range(0, 60, 7))
def test_each_group_of_like_texts_has_its_middle_chosen(start: int) -> None:
    groups = [
        [f"What is the price of item {at}?" for at in range(20)],
        [f"Wie hoch ist der Berg {at}" for at in range(20)],
        [f"这本书的作者是谁{at}" for at in range(20)],
    ]
    found = diverse([text for group in groups for text in group], 3, start)
    assert sorted(at // 20 for at, _ in found) == [0, 1, 2]
    assert [like for _, like in found] == [20, 20, 20]


def test_rare_kinds_are_drawn_as_often_as_common_ones() -> None:
    plain = [row(*TOLD, ("user", f"How old is town number {at}?")) for at in range(80)]
    rare = [row(*TOLD, ("user", f"Is the former better at {at}?")) for at in range(6)]
    found = draw_labels(log(*plain, *rare), "log.jsonl", n=10)
    assert Counter(one.kind for one in found.rows) == {Kind.STANDALONE: 5, Kind.ORDINAL: 5}
    assert sum(one.like for one in found.rows) == 86
    assert draw_labels(log(*plain, *rare), "log.jsonl", n=1).rows[0].like in (80, 6)


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(InvalidInput, match="n=0 draws nothing"):
        draw_labels(log(row(("user", "Hi"))), "log.jsonl", n=0)


def test_labels_are_read_back_as_they_were_written(tmp_path: Path, labels: Labels) -> None:
    (tmp_path / "labels.json").write_text(dump_labels(labels), "utf-8")
    assert load_labels(tmp_path) == labels


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("evalsuite.labels", "else"),
        ('"version": 1', '"version": 2'),
        ("{", ""),
        ('"rows"', '"row"'),
    ],
)
def test_labels_that_were_changed_are_refused(
    tmp_path: Path, labels: Labels, old: str, new: str
) -> None:
    (tmp_path / "labels.json").write_text(dump_labels(labels).replace(old, new, 1), "utf-8")
    with pytest.raises(InvalidReview, match=r"labels\.json: .*draw again"):
        load_labels(tmp_path)
    with pytest.raises(InvalidReview, match="cannot be read"):
        load_labels(tmp_path / "none")


def sheet_file(tmp_path: Path, labels: Labels, *answers: dict[str, str]) -> Path:
    """The sheet, its rows filled in the order of the log."""
    sheet = label_sheet(labels)
    rows = [
        dict(zip(sheet.columns, sheet.cells(entry), strict=True)) | said
        for entry, said in zip(sheet.entries, answers, strict=True)
    ]
    path = tmp_path / "sheet.csv"
    path.write_bytes(as_csv(rows, ";").encode())
    return path


REWRITTEN = {"rewrite": "What is Flindo's price?", "names": "Flindo"}


def test_filled_rows_become_cases_that_pass_lint(tmp_path: Path, labels: Labels) -> None:
    path = sheet_file(
        tmp_path, labels, REWRITTEN | {"comment": "ok"}, {"stays": "yes", "kind": "standalone"}
    )
    file = tmp_path / "cases.yaml"
    file.write_text(dump_cases(read_labels(labels, path)), "utf-8")
    assert lint(file) == []
    first, second = load_cases(file)
    assert first.expect.rewrites == ("What is Flindo's price?",)
    assert first.expect.must_name == ("Flindo",)
    assert first.kind is Kind.SINGLE
    assert second.expect.unchanged
    assert "# from log.jsonl:1 (ok)" in file.read_text("utf-8")


def test_rows_that_nobody_answered_are_left_out(tmp_path: Path, labels: Labels) -> None:
    assert len(read_labels(labels, sheet_file(tmp_path, labels, REWRITTEN, {}))) == 1
    with pytest.raises(InvalidReview, match="nobody answered a row"):
        read_labels(labels, sheet_file(tmp_path, labels, {}, {}))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"stays": "no"}, "stays=no, and there is no rewrite"),
        ({"rewrite": "What is its price?"}, "the rewrite is the question itself"),
        (REWRITTEN | {"stays": "yes"}, "stays=yes, and the rewrite differs"),
        (REWRITTEN | {"names": "Quobra"}, "lacks 'Quobra', which must_name asks for"),
        (REWRITTEN | {"kind": "standalone"}, "kind standalone stays as it is"),
        (REWRITTEN | {"kind": "singel"}, "kind='singel' is unknown; did you mean 'single'"),
        (REWRITTEN | {"kind": ""}, "kind is empty"),
    ],
)
def test_answers_that_contradict_each_other_are_told(
    tmp_path: Path, labels: Labels, said: dict[str, str], words: str
) -> None:
    with pytest.raises(InvalidReview, match=rf"sheet\.csv:2: row '[a-z]+': .*{words}"):
        read_labels(labels, sheet_file(tmp_path, labels, said, {}))


def test_the_command_goes_from_a_log_to_cases(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "log.jsonl", tmp_path / "labels"
    source.write_text(row(*TOLD, ("user", "What is its price?")) + "\n", "utf-8")
    assert main(["label", str(source), "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "1 of 1 conversations" in told
    assert "Nothing was sent anywhere" in told
    page = next((out / "sheets").glob("*.html")).read_text("utf-8")
    assert "<option selected>single</option>" in page
    path = sheet_file(tmp_path, load_labels(out), REWRITTEN)
    cases = tmp_path / "cases.yaml"
    assert main(["label", "read", str(out), str(path), "--out", str(cases)]) == 0
    assert lint(cases) == []
    capsys.readouterr()
    for there in (cases, path):
        before = there.read_bytes()
        assert main(["label", "read", str(out), str(path), "--out", str(there)]) == 3
        assert "is there already" in capsys.readouterr().err
        assert there.read_bytes() == before


@pytest.mark.parametrize("what", [["read"], ["read", "a"], ["a", "b"], ["a", "b", "c"]])
def test_a_command_that_says_neither_is_told_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: list[str]
) -> None:
    assert main(["label", *what, "--out", str(tmp_path / "x")]) == 3
    assert "write label LOG --out DIR, or label read DIR SHEET" in capsys.readouterr().err
