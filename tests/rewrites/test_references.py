"""Where a reference by a noun ends, and what is asked of it begins."""

from __future__ import annotations

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import Message, Role
from evalsuite.rewrites import judge


def test_what_is_asked_of_a_noun_that_refers_back_is_kept() -> None:
    """No mark parts 这部电影 from 结局, but every accepted rewrite keeps 结局."""
    case = Case(
        id="noun",
        language=Language.ZH,
        kind=Kind.SINGLE,
        cluster="noun",
        history=(
            Message(Role.USER, "《曦森往事》讲的是什么？"),
            Message(Role.ASSISTANT, "一部剧情片。"),
        ),
        query="这部电影结局是好的还是悲的？",
        expect=Expectation(rewrites=("《曦森往事》结局是好的还是悲的？",), must_name=("曦森往事",)),
    )
    assert not judge(case, "《曦森往事》是好的还是悲的？").right
    assert judge(case, "《曦森往事》结局是好的还是悲的？").right
    assert judge(case, "电影《曦森往事》结局是好的还是悲的？").right
