"""The natural world: its files, splits that meet nowhere, and known answers that are right."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from pydantic import ValidationError

from evalsuite.cases import Case, Kind, Language, WorldName
from evalsuite.cases.casefiles import load_cases
from evalsuite.errors import InvalidInput
from evalsuite.rewrites import judge
from evalsuite.scenarios import (
    GRAMMARS,
    Split,
    can_lure,
    sample_demonstrations,
    sample_episodes,
    sample_panel,
    sample_shown_panel,
    split_of,
)
from evalsuite.scenarios.natural.content import General, Kindred, Opening, content
from evalsuite.scenarios.natural.dialogues import NaturalTemplate, templates
from evalsuite.scenarios.natural.naming import invent_core, pick_called
from evalsuite.scenarios.natural.wording import fill

NATURAL = WorldName.NATURAL
ROOT = Path(__file__).parents[2]
PLACES = [(language, split) for language in Language for split in Split]
DRAWN = [kind for kind in Kind if kind is not Kind.DEMONSTRATION_LURE]


def cases_of(kind: Kind, n: int = 60) -> tuple[Case, ...]:
    return sample_panel(5, n, world=NATURAL, kinds=[kind]).cases


def texts(language: Language, split: Split) -> Iterator[str]:
    """Every sentence that a split can say, with its slots."""

    def within(value: object) -> Iterator[str]:
        match value:
            case str():
                yield value
            case dict():
                for inner in value.values():
                    yield from within(inner)
            case tuple() | list():
                for inner in value:
                    yield from within(inner)

    part = content(language, split)
    for kindred in part.types.values():
        plain = kindred.model_dump()
        for words in ("noun", "article", "names", "references", "called", "pronoun"):
            del plain[words]
        for person in plain["people"]:
            del person["role"], person["gender"]
        yield from within(plain)
    yield from within(part.general.model_dump(exclude={"female_names", "male_names"}))


@pytest.mark.parametrize(("language", "split"), PLACES)
def test_every_kind_asks_sixty_questions(language: Language, split: Split) -> None:
    for kind in DRAWN:
        frames = {template.frame for template in templates(language, kind, split)}
        assert len(frames) >= 60, kind
    assert len(content(language, split).general.asks) >= 60  # what lures ask


@pytest.mark.parametrize("language", list(Language))
def test_no_two_splits_share_a_sentence_an_aspect_a_name_or_a_type(language: Language) -> None:
    for one, other in combinations(Split, 2):
        here, there = content(language, one), content(language, other)
        assert not set(here.types) & set(there.types)
        aspects = [{a for t in part.types.values() for a in t.aspects} for part in (here, there)]
        assert not aspects[0] & aspects[1]
        names = [{*part.general.female_names, *part.general.male_names} for part in (here, there)]
        assert not names[0] & names[1]
        shared = set(texts(language, one)) & set(texts(language, other))
        assert not {text for text in shared if len(text) > 3}


@pytest.mark.parametrize("kind", DRAWN)
def test_the_known_answers_are_right_and_the_query_as_it_is_is_wrong(kind: Kind) -> None:
    for case in cases_of(kind):
        for rewrite in case.expect.rewrites:
            assert judge(case, rewrite).right, (case.query, rewrite, judge(case, rewrite).findings)
        if not case.expect.unchanged:
            assert not judge(case, case.query).right, case.query


@pytest.mark.parametrize(
    "kind", [Kind.COMPARISON, Kind.TOPIC_SWITCH, Kind.ORDINAL, Kind.CORRECTION, Kind.PERSON]
)
def test_to_name_the_other_one_is_wrong(kind: Kind) -> None:
    for case in cases_of(kind):
        (meant,), (other,) = case.expect.must_name, case.expect.must_not_name
        wrong = case.expect.rewrites[0].replace(meant, other)
        assert other in wrong
        assert not judge(case, wrong).right


@pytest.mark.parametrize("kind", list(Kind))
def test_the_history_says_what_is_meant_and_nothing_is_left_to_fill(kind: Kind) -> None:
    shown = sample_shown_panel(3, 260, Language.EN, world=NATURAL)
    shown += sample_shown_panel(3, 260, Language.ZH, world=NATURAL)
    cases = [one.case for one in shown if one.case.kind is kind]
    assert len(cases) >= 30
    for case in cases:
        said = "\n".join((*(m.content for m in case.history), case.query))
        if kind is not Kind.STANDALONE:
            assert all(name in said for name in case.expect.must_name), said
        whole = "\n".join((said, *case.expect.rewrites))
        assert not re.search(r"[{}<>|]", whole), whole


def test_names_of_panels_are_no_names_of_demonstrations_and_belong_to_their_split() -> None:
    for language in Language:
        for shown in sample_shown_panel(8, 60, language, world=NATURAL):
            named = {*shown.case.expect.must_name, *shown.case.expect.must_not_name}
            others = shown.pair.entities - set(shown.case.expect.must_not_name)
            assert not any(a in b or b in a for a in named for b in others)
            for demonstration in (*shown.pair.a, *shown.pair.b):
                assert can_lure(demonstration) or demonstration is not shown.pair.a[0]
    rng = random.Random(1)
    for language, split in PLACES:
        for person in (False, True):
            word = invent_core(rng, language, split, person=person, avoid=frozenset({"Valora"}))
            assert split_of(word) is split


def test_a_seed_draws_the_same_panel_and_another_seed_another() -> None:
    again = [sample_panel(4, 52, world=NATURAL).cases for _ in "ab"]
    assert again[0] == again[1]
    assert again[0] != sample_panel(5, 52, world=NATURAL).cases
    nano = sample_panel(4, 52).cases
    assert not {case.query for case in again[0]} & {case.query for case in nano}


def test_some_histories_hold_the_users_turns_alone() -> None:
    cases = [c for c in sample_panel(6, 600, world=NATURAL).cases if c.history]
    alone = [c for c in cases if all(m.role == "user" for m in c.history)]
    assert 0.03 < len(alone) / len(cases) < 0.2
    assert not any(c.kind in (Kind.COMPARISON, Kind.PERSON) for c in alone)


def test_demonstrations_of_one_pair_ask_other_questions() -> None:
    for seed in range(20):
        a = sample_demonstrations(seed, 2, Language.EN, world=NATURAL)
        b = sample_demonstrations(f"{seed}b", 2, Language.EN, world=NATURAL, unlike=a)
        assert not {d.query for d in a} & {d.query for d in b}


def test_training_draws_from_its_own_split() -> None:
    episodes = sample_episodes(2, 80, world=NATURAL, languages=[Language.EN])
    names = {n for e in episodes for n in (*e.case.expect.must_name, *e.case.expect.must_not_name)}
    assert len(names) > 60
    panel = {c.cluster for c in sample_panel(2, 200, world=NATURAL).cases}
    assert not {e.case.cluster for e in episodes} & panel
    assert any(e.case.kind is Kind.DEMONSTRATION_LURE for e in episodes)


def test_only_training_calls_things_by_real_names_and_by_none_of_a_golden_case() -> None:
    for language, split in PLACES:
        types = content(language, split).types.values()
        assert split is Split.TRAIN or not any(kindred.called for kindred in types)
    named = [
        name.casefold()
        for case in load_cases(
            [ROOT / "cases" / "pronoun_resolution", ROOT / "cases" / "example_leakage"]
        )
        for name in (*case.expect.must_name, *case.expect.must_not_name)
    ]
    for kindred in content(Language.EN, Split.TRAIN).types.values():
        assert not {called.casefold() for called in kindred.called} & set(named)


def test_a_real_name_is_not_taken_twice_and_a_person_goes_by_the_surname() -> None:
    novel = content(Language.EN, Split.TRAIN).types["novel"].model_dump() | {"names": ()}
    woman = Kindred.model_validate({
        **novel, "article": "", "called": ("Anna Seghers", "Rosa Luxemburg"), "pronoun": "female",
    })  # fmt: skip
    one = pick_called(random.Random(0), woman, frozenset({"Luxemburg"}), Language.EN)
    assert (one.full, one.alias) == ("Anna Seghers", ("Seghers",))
    with pytest.raises(InvalidInput, match="every one of its names is taken"):
        pick_called(random.Random(0), woman, {"Anna Seghers", "Rosa Luxemburg"}, Language.EN)
    dog = Kindred.model_validate({**novel, "article": "a", "called": ("dachshund",)})
    assert str(pick_called(random.Random(0), dog, set(), Language.EN)) == "a dachshund"
    with pytest.raises(ValidationError, match="either `names` or `called`"):
        Kindred.model_validate(novel)


def test_lures_have_no_templates_and_a_sentence_begins_with_a_capital() -> None:
    with pytest.raises(InvalidInput, match="no templates"):
        GRAMMARS[NATURAL].templates(Language.EN, Kind.DEMONSTRATION_LURE, Split.PANEL)
    assert fill("{S} is. {S} was, {S}.", S="it") == "It is. It was, it."


def test_a_cluster_is_one_aspect_of_one_type() -> None:
    every = templates(Language.EN, Kind.SINGLE, Split.PANEL)
    clusters = {template.cluster for template in every}
    assert len(every) > len(clusters) >= 60
    assert all(isinstance(template, NaturalTemplate) for template in every)


@pytest.mark.parametrize(
    ("model", "value", "found"),
    [
        (Opening, {"user": "Hi", "assistant": "Hello"}, r"has the slots \[\]; wanted: \{A\}"),
        (Opening, {"user": "{A}?", "assistant": "{B}."}, r"has the slots \['B'\]"),
        (General, {}, "Field required"),
        (Kindred, {"noun": "thing", "names": ["x"]}, r"wanted: \{core\}"),
    ],
)
def test_content_that_nothing_can_fill_is_refused(
    model: type[Opening | General | Kindred], value: dict[str, object], found: str
) -> None:
    with pytest.raises(ValidationError, match=found):
        model.model_validate(value)
