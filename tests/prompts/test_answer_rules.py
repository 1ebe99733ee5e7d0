"""Answer rules: what is written is read back, whatever stands around it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.errors import InvalidPrompt
from evalsuite.prompts.answerrules import (
    After,
    AnswerRule,
    Json,
    LastLine,
    Pattern,
    Tag,
    Whole,
    written,
)

RULES: list[tuple[AnswerRule, str]] = [
    (Whole(), "{rewrite}"),
    (Tag("q"), "<q>{rewrite}</q>"),
    (Tag("q"), "I look at {named}.\n<q> {rewrite} </q> Done."),
    (Json("rewrite"), '{"rewrite": "{rewrite}"}'),
    (Json("rewrite"), 'Sure:\n```json\n{"about": "{named}", "rewrite": "{rewrite}"}\n```'),
    (Pattern(r"Q: (?P<answer>.+)$"), "Q: {rewrite}"),
    (Pattern(r"\[\[(.+?)\]\]"), "so: [[{rewrite}]]"),
    (LastLine(), "It is {named}.\n{rewrite}\n\n"),
    (After("Rewrite:"), "Thought: {named}\nRewrite: {rewrite}"),
]
LINES = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp"), blacklist_characters="<>[]:"),
    min_size=1,
    max_size=40,
).map(str.strip).filter(bool)  # fmt: skip


@pytest.mark.parametrize(("rule", "form"), RULES)
@given(answer=LINES, named=LINES)
def test_what_is_written_is_read_back(rule: AnswerRule, form: str, answer: str, named: str) -> None:
    text = written(rule, form, answer, [named])
    found = rule.find(text)
    assert found is not None
    assert found.text == answer


def test_a_text_without_an_answer_has_none() -> None:
    for rule in (Tag("q"), Json("rewrite"), Pattern("x+"), After("Rewrite:"), LastLine()):
        assert rule.find("" if isinstance(rule, LastLine) else "How long is it?") is None
    assert Tag("q").find("<q>  </q>") is None
    assert Json("rewrite").find('{"rewrite": 3}') is None
    assert Json("rewrite").find("{{{") is None


def test_the_first_tag_and_the_last_marker_count() -> None:
    assert Tag("q").find("<q>a</q><q>b</q>") == Tag("q").find("<q>a</q>")
    found = After("=>").find("=> a => b")
    assert found is not None
    assert (found.text, found.start) == ("b", 8)


def test_a_tag_that_is_not_closed_reaches_to_the_end() -> None:
    found = Tag("q").find("<q>How long is it?")
    assert found is not None
    assert (found.text, found.closed) == ("How long is it?", False)
    closed = Tag("q").find("<q>How long is it?</q> and on and on")
    assert closed is not None
    assert closed.closed


def test_a_pattern_that_runs_on_is_refused() -> None:
    with pytest.raises(InvalidPrompt, match=r"takes longer than .* without repetitions inside"):
        Pattern(r"(a|aa|aaa)+$b")
    with pytest.raises(InvalidPrompt, match=r"pattern='\(' is no regular expression"):
        Pattern("(")
    with pytest.raises(InvalidPrompt, match="nests too deep"):
        Pattern("(" * 3000)


def test_what_an_object_says_beside_its_answer_is_told() -> None:
    found = Json("q").find('{"thought": "as with Hemfos", "q": "How?"}')
    assert found is not None
    assert (found.text, "Hemfos" in found.beside) == ("How?", True)


def test_half_a_pair_of_surrogates_is_no_text() -> None:
    found = Json("q").find('{"q": "What \\ud800?"}')
    assert found is not None
    assert found.text == "What ??"


def test_json_is_escaped_and_read_back() -> None:
    rule = Json("rewrite")
    said = 'Who said "no",\nand why \\ when?'
    found = rule.find(written(rule, rule.form, said))
    assert found is not None
    assert found.text == said
