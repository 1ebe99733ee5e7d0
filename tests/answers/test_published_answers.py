"""Published systems' answers, scored from files as a user would."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalsuite.answers import Answer, Judged, judge_answers, pair, read_answers, require_answers
from evalsuite.answers.reading import Format, dump_answers
from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import Message, Role
from evalsuite.gates import Status


def rows(file: Path) -> dict[str, dict[str, str]]:
    with file.open(encoding="utf-8") as lines:
        table = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["id"].lower(): row for row in table}


def conversations(human: dict[str, dict[str, str]]) -> Iterator[Case]:
    topic, history = "", list[Message]()
    for key, row in human.items():
        if row["conversation_id"] != topic:
            topic, history = row["conversation_id"], []
        yield Case(
            id=key,
            language=Language.EN,
            kind=Kind.SINGLE,
            cluster=topic,
            history=tuple(history),
            query=row["original"],
            expect=Expectation(rewrites=(row["query"],)),
        )
        history.append(Message(Role.USER, row["original"]))


@pytest.fixture(scope="module")
def systems(public_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Judged]]:
    """What is found of each system's answers, each written to a file and read back."""
    folder = public_data / "cast_rewriter_outputs" / "2019"
    tables = {file.stem.partition("_")[2]: rows(file) for file in sorted(folder.glob("*.tsv"))}
    cases = list(conversations(tables["Human"]))
    found = {}
    for name, table in tables.items():
        path = tmp_path_factory.mktemp("answers") / "answers.tsv"
        given = [Answer(case.id, table[case.id]["query"]) for case in cases]
        path.write_text(dump_answers(given, Format.TSV), "utf-8")
        read = read_answers(path)
        require_answers(cases, [read])
        found[name] = list(judge_answers(cases, read.answers))
    return found


def test_the_human_is_right_and_the_untouched_queries_mostly_are_not(
    systems: dict[str, list[Judged]],
) -> None:
    assert all(one.right for one in systems["Human"])
    wrong = [one for one in systems["Original"] if not one.right]
    assert len(wrong) > 0.5 * len(systems["Original"])
    assert all(one.losses["named"] == 1.0 for one in wrong)


def test_untouched_queries_are_worse_than_every_published_rewriter_of_whole_sentences(
    systems: dict[str, list[Judged]],
) -> None:
    for name in ("Self_learn_Q", "Rule_based_Q", "Transformer_Plus_Plus_Q"):
        assert pair(systems["Original"], systems[name]).status is Status.FAILED, name
