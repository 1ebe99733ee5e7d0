"""Digests: of what was asked, in a fixed shape; a field that a type gains changes none."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import pytest

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import Message, Role
from evalsuite.gates import Tier
from evalsuite.pipeline.digests import (
    VERSION,
    digest_of,
    digest_of_cases,
    digest_of_circumstances,
    digest_of_pairs,
)
from evalsuite.prompts import Demonstration
from evalsuite.regressions import Origin, Regression
from evalsuite.scenarios import DemonstrationPair, SkillItem, TextItem
from evalsuite.tasks import Asks, Promise

_T = TypeVar("_T")
CASE = Case(
    id="moons",
    language=Language.EN,
    kind=Kind.SINGLE,
    cluster="moons",
    history=(Message(Role.USER, "Tell me of Flindo."),),
    query="What is its price?",
    expect=Expectation(rewrites=("What is Flindo's price?",), must_name=("Flindo",)),
    source="cases/a.yaml:3",
)
SKILL = SkillItem(
    id="s", skill="copy", language=Language.EN, cluster="c", prompt="Repeat: fox", answer="fox"
)
TEXT = TextItem(id="t", language=Language.EN, cluster="t", prompt="Write.", text="A fox ran.")
SHOWN = Demonstration(
    history=(), query="Who is he?", rewrite="Who is Bo?", language=Language.EN, entities=("Bo",)
)
PAIR = DemonstrationPair("p", (SHOWN,), ())
FOUND = Regression(
    case=CASE,
    shown=(SHOWN,),
    origin=Origin(
        promise=Promise.NO_LEAK, reason="r", candidate="c", baseline="b", answer="a",
        baseline_answer="b",
    ),
)  # fmt: skip


def cases_digest(
    case: Case = CASE, skill: SkillItem = SKILL, text: TextItem = TEXT, found: Regression = FOUND
) -> str:
    return digest_of_cases({"nano": [case]}, [skill], [text], [found])


def circumstances(**changes: object) -> str:
    asked: dict[str, str | int] = {"prompt_format": "xml", "shown": 2, "worded": "panel"}
    asked |= {name: str(value) for name, value in changes.items()}
    return digest_of_circumstances(
        cases=cases_digest(),
        demonstrations={("nano", Language.EN): PAIR},
        asked=asked,
        numerics={"dtype": "float32"},
    )


def wider(kind: type) -> type:
    """The type with one field more, as a later version may have it."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Wider(kind):  # type: ignore[misc]
        added_later: str = "something"

    return Wider


def widened(value: _T) -> _T:
    """A value as it would be if its type had gained a field."""
    fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}  # type: ignore[arg-type]
    made: _T = wider(type(value))(**fields)
    assert repr(made) != repr(value)
    return made


@pytest.mark.parametrize(
    ("digest", "plain"),
    [
        (lambda: cases_digest(case=widened(CASE)), cases_digest),
        (lambda: cases_digest(case=replace(CASE, expect=widened(CASE.expect))), cases_digest),
        (lambda: cases_digest(skill=widened(SKILL)), cases_digest),
        (lambda: cases_digest(text=widened(TEXT)), cases_digest),
        (lambda: cases_digest(found=widened(FOUND)), cases_digest),
        (lambda: cases_digest(found=replace(FOUND, origin=widened(FOUND.origin))), cases_digest),
        (
            lambda: digest_of_pairs({"p": replace(PAIR, a=(widened(SHOWN),))}),
            lambda: digest_of_pairs({"p": PAIR}),
        ),
    ],
)
def test_a_field_that_a_type_gains_moves_no_digest(
    digest: Callable[[], str], plain: Callable[[], str]
) -> None:
    assert digest() == plain()


@pytest.mark.parametrize(
    "changed",
    [
        cases_digest(case=replace(CASE, query="What is its weight?")),
        cases_digest(case=replace(CASE, expect=replace(CASE.expect, must_not_name=("Bo",)))),
        cases_digest(case=replace(CASE, expect=replace(CASE.expect, aliases=("Bo",)))),
        cases_digest(case=replace(CASE, expect=replace(CASE.expect, extractive=True))),
        cases_digest(case=replace(CASE, expect=replace(CASE.expect, free=True))),
        cases_digest(case=replace(CASE, history=())),
        cases_digest(skill=replace(SKILL, accepted=("Fox",))),
        cases_digest(text=replace(TEXT, text="A dog ran.")),
        cases_digest(found=replace(FOUND, asks=Asks.SKILL)),
        cases_digest(found=replace(FOUND, tier=Tier.ADVISORY)),
        cases_digest(found=replace(FOUND, shown=())),
        digest_of_cases({"other": [CASE]}, [SKILL], [TEXT], [FOUND]),
        digest_of_cases({"nano": [CASE]}, [SKILL], [TEXT], []),
    ],
)
def test_whatever_is_asked_otherwise_has_another_digest(changed: str) -> None:
    assert changed != cases_digest()


@pytest.mark.parametrize(
    "changes", [{"prompt_format": "json"}, {"shown": "3"}, {"worded": "training"}]
)
def test_prompts_that_are_built_otherwise_are_other_circumstances(
    changes: dict[str, str],
) -> None:
    assert circumstances(**changes) != circumstances()


def test_where_a_case_was_read_moves_no_digest() -> None:
    assert cases_digest(case=replace(CASE, source="elsewhere.yaml:9")) == cases_digest()
    assert cases_digest(text=replace(TEXT, id="elsewhere.txt:9")) == cases_digest()


def test_demonstrations_that_differ_in_entities_alone_have_other_digests() -> None:
    """They compare equal, because no prompt shows entities; a leak is judged by them."""
    named = replace(SHOWN, entities=("Bo", "Flindo"))
    assert named == SHOWN
    assert digest_of_pairs({"p": replace(PAIR, a=(named,))}) != digest_of_pairs({"p": PAIR})


def test_the_shape_is_fixed_for_a_version() -> None:
    """A change of these digests changes every seed: raise VERSION, and write these down again."""
    assert VERSION == 3
    assert digest_of({"b": 1, "a": ["é", None]})[:16] == "6b940ff97b8f64e7"
    assert cases_digest()[:16] == "d9ecc10813f4ea1f"
    assert digest_of_pairs({"p": PAIR})[:16] == "dcefeeb0371e65e8"
    assert circumstances()[:16] == "5cf4af923c07e525"
