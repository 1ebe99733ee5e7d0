"""The golden cases and the demonstrations keep the promises that gates rely on."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from pathlib import Path

import jsonschema
import pytest
import yaml
from tokenizers import Tokenizer

from evalsuite.cases import Case, Kind, Language
from evalsuite.cases.casefiles import NOT_CASES, json_schema, lint, load_cases, schema_text
from evalsuite.cases.importers import guess_kind
from evalsuite.conversation import Role
from evalsuite.detectors.lexicon import carries_content
from evalsuite.detectors.own import words
from evalsuite.models import BaseRef
from evalsuite.prompts import Demonstration, load_demonstrations
from evalsuite.scenarios import LEXICONS, Split, split_of

FOLDER = Path(__file__).parent.parent / "cases"
FILES = sorted(
    path for path in FOLDER.rglob("*.yaml") if not NOT_CASES & {*path.relative_to(FOLDER).parts}
)
EVERYDAY = load_cases(path for path in FILES if path.name.startswith("everyday"))
ALL = load_cases(FILES)
NANO = [case for case in ALL if case.id.startswith("nano")]
CHANGED = [case for case in EVERYDAY if not case.expect.unchanged]
SETS = {
    language: tuple(
        load_demonstrations(FOLDER / "demonstrations" / f"everyday_{language}{suffix}.yaml")
        for suffix in ("", "_swap")
    )
    for language in Language
}
POINTING = re.compile(
    r"\b(?:he|him|his|she|hers?|its?|they|them|theirs?|this|that|these|those|there|ones?|former|latter|"
    r"first|second)\b|(?<![其吉])[他她]|它|这|那|前者|后者|第二个",
    re.IGNORECASE,
)


def folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def said(case: Case) -> str:
    return folded("\n".join([*(turn.content for turn in case.history), case.query]))


def text_of(demonstration: Demonstration) -> str:
    turns = [turn.content for turn in demonstration.history]
    return folded("\n".join([*turns, demonstration.query, demonstration.rewrite]))


def of_kind(kind: Kind) -> list[Case]:
    return [case for case in EVERYDAY if case.kind is kind]


def test_the_published_schema_is_in_step_with_the_reader() -> None:
    assert (FOLDER / "case.schema.json").read_text("utf-8") == schema_text()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_an_editor_finds_the_schema_and_the_schema_accepts_the_file(path: Path) -> None:
    text = path.read_text("utf-8")
    first = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert first is not None
    assert (path.parent / first[1]).resolve() == FOLDER / "case.schema.json"
    jsonschema.validate(yaml.safe_load(text), json_schema())


def test_no_golden_case_raises_a_doubt() -> None:
    assert lint(FOLDER) == []


def test_there_are_enough_cases_of_every_kind_in_both_languages() -> None:
    languages = Counter(case.language for case in EVERYDAY)
    assert all(languages[language] >= 44 for language in Language)
    counts = Counter((case.language, case.kind) for case in EVERYDAY)
    assert {
        (lan, kind): n for lan in Language for kind in Kind if (n := counts[lan, kind]) < 3
    } == {}


def test_a_case_lies_in_the_folder_of_its_gate() -> None:
    for case in EVERYDAY:
        lure = case.kind is Kind.DEMONSTRATION_LURE
        folder = "example_leakage" if lure else "pronoun_resolution"
        assert Path(case.source).parent.name == folder, case.id


@pytest.mark.parametrize("case", EVERYDAY, ids=lambda case: case.id)
def test_an_everyday_case_is_sound(case: Case) -> None:
    expect = case.expect
    assert case.id.startswith(f"{case.language}-")
    assert len(case.history) <= 8
    assert all(len(turn.content) <= 100 for turn in case.history)
    assert 4 <= len(case.query) <= 60
    assert all(folded(name) in said(case) for name in expect.must_name)
    if expect.unchanged:
        assert expect.rewrites == expect.must_name == ()
        assert not any(folded(name) in folded(case.query) for name in expect.must_not_name)
    else:
        assert 1 <= len(expect.rewrites) <= 3
        assert expect.must_name
        assert len({*expect.rewrites, case.query}) == len(expect.rewrites) + 1
    for rewrite in map(folded, expect.rewrites):
        assert all(folded(name) in rewrite for name in expect.must_name)
        assert not any(folded(name) in rewrite for name in expect.must_not_name)
        assert not POINTING.search(rewrite)


@pytest.mark.parametrize(
    ("kind", "guesses"),
    [
        (Kind.PERSON, {Kind.PERSON}),
        (Kind.ORDINAL, {Kind.ORDINAL}),
        (Kind.DROPPED_SUBJECT, {Kind.DROPPED_SUBJECT}),
        (Kind.SINGLE, {Kind.SINGLE}),
        (Kind.TOPIC_SWITCH, {Kind.SINGLE}),
    ],
)
def test_the_words_of_a_query_fit_its_kind(kind: Kind, guesses: set[Kind]) -> None:
    assert {guess_kind(case.query, unchanged=False) for case in of_kind(kind)} == guesses


def test_a_comparison_is_settled_by_the_last_answer() -> None:
    for case in of_kind(Kind.COMPARISON):
        answer = case.history[-1]
        assert answer.role is Role.ASSISTANT
        assert all(folded(name) in folded(answer.content) for name in case.expect.must_name), (
            case.id
        )
        assert case.expect.must_not_name, case.id
        assert all(folded(name) in said(case) for name in case.expect.must_not_name), case.id
        assert not any(folded(n) in folded(answer.content) for n in case.expect.must_not_name), (
            case.id
        )


def test_after_a_switch_the_old_topic_comes_first_and_is_forbidden() -> None:
    for case in of_kind(Kind.TOPIC_SWITCH):
        old, new = case.expect.must_not_name[0], case.expect.must_name[0]
        assert 0 <= said(case).find(folded(old)) < said(case).find(folded(new)), case.id


def test_a_distant_antecedent_is_four_or_more_turns_back() -> None:
    for case in of_kind(Kind.DISTANT):
        late = folded("\n".join(turn.content for turn in case.history[-4:]))
        assert not any(folded(name) in late for name in case.expect.must_name), case.id


def test_a_plural_names_two_entities() -> None:
    assert all(len(case.expect.must_name) >= 2 for case in of_kind(Kind.PLURAL))


def test_a_correction_forbids_what_was_corrected() -> None:
    for case in of_kind(Kind.CORRECTION):
        early = folded("\n".join(turn.content for turn in case.history[:2]))
        assert all(folded(name) in early for name in case.expect.must_not_name), case.id
        assert case.expect.must_not_name, case.id


def test_what_cannot_be_answered_lacks_the_last_answer() -> None:
    for case in of_kind(Kind.UNANSWERABLE):
        assert all(turn.role is Role.USER for turn in case.history), case.id
        assert POINTING.search(case.query), case.id


def test_what_stays_is_asked_with_and_without_a_history() -> None:
    for language in Language:
        for kind in (Kind.STANDALONE, Kind.UNANSWERABLE):
            mine = [bool(case.history) for case in of_kind(kind) if case.language is language]
            assert {*mine} == {True, False}


def test_a_noisy_query_still_needs_its_history() -> None:
    assert not any(case.expect.unchanged for case in of_kind(Kind.NOISY))


@pytest.mark.parametrize("case", of_kind(Kind.DEMONSTRATION_LURE), ids=lambda case: case.id)
def test_a_lure_forbids_entities_of_both_demonstration_sets(case: Case) -> None:
    for demonstrations in SETS[case.language]:
        entities = {entity for shown in demonstrations for entity in shown.entities}
        assert entities & {*case.expect.must_not_name}


@pytest.mark.parametrize("language", Language)
def test_both_sets_have_four_demonstrations_of_the_same_shapes(language: Language) -> None:
    first, second = SETS[language]
    assert len(first) == len(second) == 4
    for one, other in zip(first, second, strict=True):
        assert one.language is other.language is language
        assert [turn.role for turn in one.history] == [turn.role for turn in other.history]
        assert (one.query == one.rewrite) is (other.query == other.rewrite)
        assert len(one.entities) == len(other.entities)
    assert 0 < sum(shown.query == shown.rewrite for shown in first) < 4


@pytest.mark.parametrize("language", Language)
def test_the_sets_share_no_entity(language: Language) -> None:
    first, second = SETS[language]
    for one, other in ((first, second), (second, first)):
        for entity in {entity for shown in one for entity in shown.entities}:
            assert not any(folded(entity) in text_of(shown) for shown in other), entity


def content_of(demonstration: Demonstration) -> set[str]:
    """Words or characters of content of what a demonstration asks, without its names."""
    asked = folded(demonstration.query)
    for entity in demonstration.entities:
        asked = asked.replace(folded(entity), " ")
    return {word.text for word in words(asked) if carries_content(word.text)}


@pytest.mark.parametrize("language", Language)
def test_the_sets_ask_different_things_so_that_a_copied_question_shows(language: Language) -> None:
    first, second = ([content_of(shown) for shown in shown_set] for shown_set in SETS[language])
    assert all(first)
    assert all(second)
    assert set().union(*first).isdisjoint(set().union(*second))


def test_every_entity_occurs_in_its_demonstration() -> None:
    for sets in SETS.values():
        for shown in (*sets[0], *sets[1]):
            assert shown.entities
            assert all(folded(entity) in text_of(shown) for entity in shown.entities)
            assert any(folded(e) in folded(shown.rewrite) for e in shown.entities)


def test_no_golden_case_talks_about_a_demonstration() -> None:
    entities = [
        folded(e) for sets in SETS.values() for one in sets for shown in one for e in shown.entities
    ]
    for case in ALL:
        texts = [said(case), *map(folded, (*case.expect.rewrites, *case.expect.must_name))]
        if case.kind is not Kind.DEMONSTRATION_LURE:
            texts += map(folded, case.expect.must_not_name)
        found = [e for e in entities if any(e in text for text in texts)]
        assert found == [], case.id


def shaped(template: str) -> re.Pattern[str]:
    """What a sentence made from a template of the grammar looks like."""
    pieces = re.split(r"(\{\w+\})", template)
    return re.compile("".join(".+?" if "{" in p else re.escape(p) for p in pieces) + r"\Z")


@pytest.mark.parametrize("case", NANO, ids=lambda case: case.id)
def test_a_case_of_nanos_world_uses_no_template_that_nano_was_trained_on(case: Case) -> None:
    lexicon = LEXICONS[case.language]
    queries = [
        *lexicon.queries[Split.TRAIN],
        *(asked.bare for asked in lexicon.elliptic[Split.TRAIN]),
    ]
    assert not [query for query in queries if shaped(query).match(case.query)]
    said = [turn.content for turn in case.history]
    for openers in lexicon.openers[Split.TRAIN].values():
        for texts in (opener.texts for opener in openers):
            same = [bool(shaped(t).match(s)) for t, s in zip(texts, said, strict=False)]
            assert len(texts) > len(said) or not all(same), texts


def test_nanos_golden_cases_are_enough_for_a_gate_and_cover_every_kind_in_both_languages() -> None:
    assert len(NANO) >= 40
    missing = {(kind, lang) for kind in Kind for lang in Language} - {
        (case.kind, case.language) for case in NANO
    }
    assert not missing


@pytest.mark.parametrize("case", NANO, ids=lambda case: case.id)
def test_a_case_of_nanos_world_names_nothing_that_training_or_a_panel_may_name(case: Case) -> None:
    names = {*case.expect.must_name, *case.expect.must_not_name}
    assert [name for name in names if split_of(name) is not Split.HELDOUT] == []


@pytest.mark.parametrize("case", NANO, ids=lambda case: case.id)
def test_a_case_of_nanos_world_is_written_in_its_vocabulary(case: Case, nano: BaseRef) -> None:
    tokenizer = Tokenizer.from_file(str(nano.path / "tokenizer.json"))
    texts = [*(turn.content for turn in case.history), case.query, *case.expect.rewrites]
    for text in texts:
        han = (c for c in text if "一" <= c <= "鿿")
        # What is not in the vocabulary falls into pieces of its bytes.
        assert [c for c in han if len(tokenizer.encode(c).tokens) > 1] == [], text
