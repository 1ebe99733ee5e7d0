"""Cases and expectations refuse what contradicts itself."""

from __future__ import annotations

from typing import Any

import pytest

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import Message, Role, messages
from evalsuite.errors import InvalidCase, InvalidConversation


def make(**changes: Any) -> Case:
    fields: dict[str, Any] = {
        "id": "a-1",
        "language": Language.EN,
        "kind": Kind.SINGLE,
        "cluster": "a",
        "history": messages([("user", "Where is Lima?"), ("assistant", "In Peru.")]),
        "query": "How big is it?",
        "expect": Expectation(rewrites=("How big is Lima?",)),
    }
    return Case(**(fields | changes))


def test_names_of_language_and_kind_become_members() -> None:
    case = make(language="zh", kind="plural")
    assert case.language is Language.ZH
    assert case.kind is Kind.PLURAL


@pytest.mark.parametrize("value", ["", "A", "-a", "a b", "a/b", "é", "a" * 81, "a\n"])
def test_an_id_that_is_no_plain_name_is_refused(value: str) -> None:
    with pytest.raises(InvalidCase, match="must be 1-80 of a-z"):
        make(id=value)


def test_an_id_of_eighty_characters_is_accepted() -> None:
    assert make(id="a" * 80).id == "a" * 80


@pytest.mark.parametrize(
    ("field", "told"), [("cluster", "cluster is empty"), ("query", "query is")]
)
def test_a_blank_text_is_refused(field: str, told: str) -> None:
    with pytest.raises(InvalidCase, match=told):
        make(**{field: " \n"})


def test_a_history_holds_no_system_message() -> None:
    with pytest.raises(InvalidConversation, match="no system message"):
        make(history=(Message(Role.SYSTEM, "Be brief."),))


def test_a_history_may_lack_assistant_turns_or_everything() -> None:
    assert make(history=messages([("user", "a"), ("user", "b")])).history[1].content == "b"
    assert make(history=[]).history == ()


def test_an_unchanged_case_accepts_no_other_rewrite() -> None:
    with pytest.raises(InvalidCase, match="differs from the query"):
        make(expect=Expectation(rewrites=("How big is Lima?",), unchanged=True))


def test_the_reference_is_the_query_where_it_stays() -> None:
    assert make(expect=Expectation(unchanged=True)).reference == "How big is it?"


def test_the_reference_is_the_first_accepted_rewrite() -> None:
    assert make(expect=Expectation(rewrites=("x", "y"))).reference == "x"


def test_a_case_that_only_names_has_no_reference() -> None:
    assert make(expect=Expectation(must_name=("Lima",))).reference is None


def test_an_expectation_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidCase, match="expects nothing"):
        Expectation(must_not_name=("Lima",))


@pytest.mark.parametrize("field", ["rewrites", "must_name", "must_not_name", "aliases"])
def test_an_empty_text_in_an_expectation_is_refused(field: str) -> None:
    given: dict[str, Any] = {field: ("a", " ")}
    with pytest.raises(InvalidCase, match=rf"expect\.{field}=.* holds an empty text"):
        Expectation(**given, unchanged=True)


@pytest.mark.parametrize(
    "fields", [{"must_name": ("Lima",)}, {"rewrites": ("How big is Lima?",), "extractive": True}]
)
def test_rewrites_are_free_where_they_are_given_and_not_extractive(fields: Any) -> None:
    with pytest.raises(InvalidCase, match="free: true is said of rewrites"):
        Expectation(**fields, free=True)


def test_extractive_rewrites_are_given() -> None:
    with pytest.raises(InvalidCase, match="extractive: true needs rewrites"):
        Expectation(must_name=("Lima",), extractive=True)


def test_a_name_is_not_both_due_and_forbidden_whatever_its_case() -> None:
    with pytest.raises(InvalidCase, match="lima"):
        Expectation(must_name=("Lima",), must_not_name=("LIMA",))


def test_lists_become_tuples_so_that_cases_can_be_hashed() -> None:
    case = make(history=list(make().history), expect=Expectation(rewrites=["x"]))  # type: ignore[arg-type]
    assert hash(case) == hash(make(expect=Expectation(rewrites=("x",))))
