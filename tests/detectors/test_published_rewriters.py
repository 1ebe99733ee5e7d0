"""The detectors on data that nobody here wrote: published rewriters and human annotators."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.cases.importers import import_cases
from evalsuite.conversation import Message, Role
from evalsuite.detectors import absent_names, literal_leak
from evalsuite.detectors.text import find_names, fold, same
from evalsuite.rewrites import Part, judge
from evalsuite.rewrites.metrics import Utterance, measure
from evalsuite.scenarios import invent_name, sample_demonstrations

DEMONSTRATIONS = sample_demonstrations(1, 8, Language.EN)


def rows(file: Path) -> dict[str, dict[str, str]]:
    with file.open(encoding="utf-8") as lines:
        table = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["id"]: row for row in table}


def published(folder: Path) -> Iterator[tuple[Case, dict[str, str]]]:
    """Cases whose accepted rewrite is the human's, with every system's answer."""
    systems = {file.stem.partition("_")[2]: rows(file) for file in sorted(folder.glob("*.tsv"))}
    topic = ""
    history: list[Message] = []
    for key, row in systems["Human"].items():
        if row["conversation_id"] != topic:
            topic, history = row["conversation_id"], []
        case = Case(
            id=key,
            language=Language.EN,
            kind=Kind.SINGLE,
            cluster=topic,
            history=tuple(history),
            query=row["original"],
            expect=Expectation(rewrites=(row["query"],)),
        )
        yield case, {name: table[key]["query"] for name, table in systems.items() if key in table}
        history.append(Message(Role.USER, row["original"]))


@pytest.fixture(scope="module", params=["2019", "2020"])
def turns(request: pytest.FixtureRequest, public_data: Path) -> list[tuple[Case, dict[str, str]]]:
    return list(published(public_data / "cast_rewriter_outputs" / request.param))


def mean_loss(turns: list[tuple[Case, dict[str, str]]], system: str) -> float:
    return sum(not judge(case, answers[system]).right for case, answers in turns) / len(turns)


def test_no_published_rewriter_leaks_demonstrations_that_it_never_saw(
    turns: list[tuple[Case, dict[str, str]]],
) -> None:
    rng = random.Random(3)
    absent = [invent_name(rng, Language.EN) for _ in range(200)]
    for case, answers in turns:
        for answer in answers.values():
            assert literal_leak(case, answer, DEMONSTRATIONS).value == 0.0
            assert absent_names(case, answer, absent).value == 0.0


def test_a_demonstrations_name_pasted_into_published_rewrites_is_always_found(
    turns: list[tuple[Case, dict[str, str]]],
) -> None:
    name = DEMONSTRATIONS[0].entities[0]
    for case, answers in turns:
        pasted = f"{answers['Human'].rstrip(' ?.')} in {name}?"
        score = literal_leak(case, pasted, DEMONSTRATIONS)
        assert [pasted[s.start : s.end] for s in score.spans] == [name]


def test_losses_order_the_human_the_systems_and_the_untouched_queries(
    turns: list[tuple[Case, dict[str, str]]],
) -> None:
    untouched = mean_loss(turns, "Original")
    assert mean_loss(turns, "Human") == 0.0
    assert untouched > 0.6
    for name in turns[0][1]:
        if name not in ("Human", "Original"):
            assert 0.0 < mean_loss(turns, name) < untouched, name


def test_queries_with_words_pasted_behind_them_keep_their_pronoun_and_their_loss(
    turns: list[tuple[Case, dict[str, str]]],
) -> None:
    bags = [name for name in turns[0][1] if name.startswith("Human_BoW")]
    assert bags
    for name in bags:
        assert mean_loss(turns, name) > 0.3


def test_restoration_separates_rewriters_from_copies(
    turns: list[tuple[Case, dict[str, str]]],
) -> None:
    def f1(system: str) -> float:
        utterances = [Utterance.of(case, answers[system], right=True) for case, answers in turns]
        found = measure(utterances).restored
        assert found is not None
        return found[0].f1

    assert f1("Original") == 0.0
    assert f1("Human") == 1.0
    assert all(0.1 < f1(name) < 1.0 for name in turns[0][1] if name not in ("Human", "Original"))


def held_out(folder: Path) -> Iterator[tuple[Case, str]]:
    """One annotator's rewrite judged by all the others', wherever it equals none of them."""
    for file in sorted(folder.glob("*.json")):
        for case in import_cases("alexa_cqr", file, names=False):
            for answer in case.expect.rewrites:
                others = tuple(r for r in case.expect.rewrites if not same(r, answer))
                if len(others) >= 2:
                    yield replace(case, expect=replace(case.expect, rewrites=others)), answer


def test_another_annotators_rewrite_is_rarely_accused_and_a_foreign_one_mostly(
    public_data: Path, record_testsuite_property: Callable[[str, object], None]
) -> None:
    judged = list(held_out(public_data / "alexa_cqr"))
    accused = sum(not judge(case, answer).right for case, answer in judged)
    rate = accused / len(judged)
    record_testsuite_property("false_positive_rate", round(rate, 4))
    foreign = [answer for _, answer in judged]
    shifted = zip(judged, foreign[len(foreign) // 2 :] + foreign[: len(foreign) // 2], strict=True)
    power = sum(not judge(case, other).right for (case, _), other in shifted) / len(judged)
    record_testsuite_property("power_against_foreign_rewrites", round(power, 4))
    assert len(judged) > 1000
    assert rate < 0.05
    assert power > 0.85


def test_both_names_of_every_ambiguous_sentence_are_found_where_annotators_marked_them(
    public_data: Path,
) -> None:
    with (public_data / "gap" / "gap-validation.tsv").open(encoding="utf-8") as lines:
        sentences = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    missed = 0
    for row in sentences:
        for side in ("A", "B"):
            spans = find_names(row["Text"], [row[side]])
            missed += int(row[f"{side}-offset"]) not in {span.start for span in spans}
            assert all(
                fold(row["Text"][s.start : s.end]).text == fold(row[side]).text for s in spans
            )
    assert missed <= 0.01 * 2 * len(sentences)


def stereotypes(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Sentence, its pronoun, the occupation that the pronoun means, the other occupation."""
    marked: list[tuple[str, str, str]] = []
    for file in sorted(folder.glob("*_type1.txt.dev")):
        for line in file.read_text(encoding="utf-8").splitlines():
            text = line.partition(" ")[2].strip()
            right, *_, pronoun = [part.partition("]")[0] for part in text.split("[")[1:]]
            if right.casefold().startswith("the "):
                plain = text.replace("[", "").replace("]", "")
                marked.append((plain, pronoun.casefold(), right.casefold()))
    occupations = sorted({right for *_, right in marked})
    for text, pronoun, right in marked:
        others = [span.label for span in find_names(text, occupations) if span.label != right]
        if len(set(others)) == 1:
            yield text, pronoun, right, others[0]


def test_the_other_occupation_and_the_bare_pronoun_are_defects_in_every_stereotype_sentence(
    public_data: Path,
) -> None:
    seen = 0
    for text, pronoun, right, other in stereotypes(public_data / "winobias"):
        case = Case(
            id=f"w{seen}",
            language=Language.EN,
            kind=Kind.PERSON,
            cluster="winobias",
            history=(Message(Role.USER, text),),
            query=f"Why does the story say {pronoun} was there?",
            expect=Expectation(must_name=(right,), must_not_name=(other,)),
        )
        resolved, wrong = (
            case.query.replace(f" {pronoun} ", f" {name} ") for name in (right, other)
        )
        assert judge(case, resolved).right
        swapped = judge(case, wrong).findings[Part.NAMED]
        assert any(other in finding.reason for finding in swapped)
        assert judge(case, case.query).loss(Part.NAMED)
        seen += 1
    assert seen > 300
