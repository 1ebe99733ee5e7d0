"""Spoilt rewrites: each kind is refused, for what is wrong with it, in both languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import pytest

from evalsuite.cases import Case, Kind, Language, WorldName
from evalsuite.qualification import spoiling
from evalsuite.qualification.spoiling import Spoil
from evalsuite.rewrites import judge
from evalsuite.rewrites.judgement import Part
from evalsuite.scenarios import LEXICONS, Split, sample_panel, sample_shown_panel, seeded

SPOILT = 200
"""Answers of each kind and language."""
LEAST = 0.99
"""Share of them that has to be refused, for the part that is meant."""


def _meant_of(part: Part) -> Callable[[Case], Part]:
    return lambda case: Part.UNTOUCHED if case.expect.unchanged else part


def _of_an_answer(case: Case) -> Part:
    """A statement is no question; where none was asked it only says something else."""
    asks = case.query.rstrip().endswith(("?", "？"))
    return _meant_of(Part.FORM if asks else Part.KEPT)(case)


KINDS: tuple[tuple[Spoil, Callable[[Case], Part]], ...] = (
    (spoiling.answered, _of_an_answer),
    (spoiling.asked_else, _meant_of(Part.KEPT)),
    (spoiling.dropped, _meant_of(Part.KEPT)),
    (spoiling.added, _meant_of(Part.KEPT)),
    (spoiling.replaced, _meant_of(Part.KEPT)),
    (spoiling.wrapped, _meant_of(Part.FORM)),
)
LANGUAGES = pytest.mark.parametrize("language", tuple(Language))
EVERY_KIND = pytest.mark.parametrize(
    ("spoil", "part"), KINDS, ids=[spoil.__name__ for spoil, _ in KINDS]
)


def panel(language: Language, n: int = 300) -> list[Case]:
    return [shown.case for shown in sample_shown_panel(19, n, language)]


def right(case: Case) -> str:
    return case.reference or case.query


@LANGUAGES
@EVERY_KIND
def test_a_spoilt_natural_rewrite_is_refused(
    spoil: Spoil, part: Callable[[Case], Part], language: Language
) -> None:
    del part  # which of them sees it depends on the word
    shown = sample_shown_panel(19, 300, language, world=WorldName.NATURAL)
    spoilt = []
    for case in (one.case for one in shown):
        text = spoil(case, right(case), seeded("mutant", case.id))
        if text is not None:
            spoilt.append((case, text))
    # Chinese words that may be dropped are a list; of English any long word will do.
    assert len(spoilt) >= (70 if language is Language.ZH else 250)
    passed = [(case.query, text) for case, text in spoilt if judge(case, text).right]
    # A few words carry less than they seem to: 比较 in 哪一排比较好.
    assert len(passed) <= 0.05 * len(spoilt), passed


def made(spoil: Spoil, language: Language) -> Iterator[tuple[Case, str]]:
    for case in panel(language):
        text = spoil(case, right(case), seeded("mutant", case.id))
        if text is not None:
            yield case, text


@LANGUAGES
@EVERY_KIND
def test_a_spoilt_rewrite_is_refused_for_what_is_wrong_with_it(
    spoil: Spoil, part: Callable[[Case], Part], language: Language
) -> None:
    spoilt = list(islice(made(spoil, language), SPOILT))
    assert len(spoilt) == SPOILT
    unseen = [(case.query, text) for case, text in spoilt if not judge(case, text).loss(part(case))]
    assert len(unseen) <= (1 - LEAST) * SPOILT, unseen


@LANGUAGES
@EVERY_KIND
def test_a_spoilt_rewrite_is_no_accepted_one_and_names_what_is_meant(
    spoil: Spoil, part: Callable[[Case], Part], language: Language
) -> None:
    for case, text in made(spoil, language):
        assert text not in (case.query, *case.expect.rewrites)
        named = case.expect.must_name
        assert [name for name in named if name not in text] == []
        assert not [n for n in case.expect.must_not_name if n in text and n not in case.query]


@LANGUAGES
def test_what_is_not_spoilt_is_not_refused(language: Language) -> None:
    for case in panel(language):
        for rewrite in (right(case), *case.expect.rewrites):
            found = judge(case, rewrite)
            assert found.right, (rewrite, found.findings)


@LANGUAGES
def test_no_kind_of_query_is_spared(language: Language) -> None:
    """A candidate with a bad habit has it whatever is asked."""
    for spoil, _ in KINDS:
        hit = {case.kind for case, _ in made(spoil, language)}
        nameless = {Kind.UNANSWERABLE} if spoil in _ABOUT_SOMETHING else set()
        assert hit == set(Kind) - nameless


_ABOUT_SOMETHING = (spoiling.answered, spoiling.asked_else)


@LANGUAGES
def test_where_nothing_is_meant_nothing_is_said_about_it(language: Language) -> None:
    cases = sample_panel(3, 10, languages=[language], kinds=[Kind.UNANSWERABLE]).cases
    for case in cases:
        for spoil in _ABOUT_SOMETHING:
            assert spoil(case, right(case), seeded("mutant", case.id)) is None


@LANGUAGES
def test_a_query_without_a_known_word_is_left_alone(language: Language) -> None:
    (case,) = sample_panel(3, 1, languages=[language], kinds=[Kind.SINGLE]).cases
    unknown = Case(
        id="unknown",
        language=language,
        kind=case.kind,
        cluster="unknown",
        history=case.history,
        query="Qux it?" if language is Language.EN else "曱它？",
        expect=case.expect,
        source="",
    )
    for spoil in (spoiling.dropped, spoiling.replaced):
        assert spoil(unknown, "", seeded("mutant", "unknown")) is None


@LANGUAGES
def test_the_seed_alone_decides_what_is_spoilt(language: Language) -> None:
    (case,) = sample_panel(4, 1, languages=[language], kinds=[Kind.PLURAL]).cases
    for spoil, _ in KINDS:
        ways = [
            {spoil(case, right(case), seeded(number)) for number in range(40)} for _ in range(2)
        ]
        assert ways[0] == ways[1]
    # A label, a fence, quotes, JSON, and two sentences.
    assert len({spoiling.wrapped(case, right(case), seeded(n)) for n in range(60)}) == 6


@LANGUAGES
def test_another_question_is_one_that_no_panel_asks(language: Language) -> None:
    lexicon = LEXICONS[language]
    for case, text in made(spoiling.asked_else, language):
        name = lexicon.conjunction.join(case.expect.must_name)
        assert text.replace(name, "{O}") in lexicon.queries[Split.HELDOUT]


def test_an_answer_keeps_what_was_said_when_something_is_put_around_it() -> None:
    (case,) = sample_panel(6, 1, languages=[Language.EN], kinds=[Kind.SINGLE]).cases
    ways = {spoiling.wrapped(case, "What of it", seeded(number)) for number in range(60)}
    assert "```\nWhat of it\n```" in ways
    assert '{"query": "What of it"}' in ways
    assert "What of it? I hope this helps." in ways
    assert all(way is not None and "What of it" in way for way in ways)
