"""What a case must name, read off its rewrites: whole names, others of their sort, nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.cases.antecedents import Antecedents, antecedents
from evalsuite.cases.antecedents.propernames import names_in
from evalsuite.cases.antecedents.spans import restored_spans
from evalsuite.cases.casefiles import names

FRIENDS = ("Was Freddie Mercury a friend of Elton John?", "Yes, Freddie Mercury adored Elton John.")


def read(history: Sequence[str], query: str, *rewrites: str) -> Antecedents:
    return antecedents(query, rewrites, history)


@pytest.mark.parametrize(
    ("history", "query", "rewrite", "expected"),
    [
        (FRIENDS, "When was he born?", "When was Freddie Mercury born?", ("Freddie Mercury",)),
        # What the query says of a name belongs to it.
        (
            ["Bear Bryant won often."],
            "What did Bryant win?",
            "What did Bear Bryant win?",
            ("Bear Bryant",),
        ),
        # A possessive parts two things; the name is enough.
        (
            ["Ada Carter wrote a first album."],
            "Was it good?",
            "Was Ada Carter's first album good?",
            ("Ada Carter",),
        ),
        # Function words inside a name that the history says in a row.
        (
            ["They played Fiddler on the Roof."],
            "Who wrote it?",
            "Who wrote Fiddler on the Roof?",
            ("Fiddler on the Roof",),
        ),
        (
            ["Meet Ada Carter and Bo Lind."],
            "Did they win?",
            "Did Ada Carter and Bo Lind win?",
            ("Ada Carter", "Bo Lind"),
        ),
        # Common nouns for a pronoun, and behind "of"; no verbs, no places of time.
        (
            ["What is lung cancer?"],
            "Is it treatable?",
            "Is lung cancer treatable?",
            ("lung cancer",),
        ),
        (["What is anemia?"], "The symptoms?", "What are the symptoms of anemia?", ("anemia",)),
        (["How do I cook ribs?"], "On a grill?", "How do I cook ribs on a grill?", ()),
        (["It will snow this week."], "In Oslo?", "Will it snow this week in Oslo?", ()),
        # What is set aside may be left out.
        (
            ["Ada Carter wrote Dawn."],
            "What else did she write?",
            "Besides Dawn, what else did Ada Carter write?",
            (),
        ),
        (
            ["Ada Carter wrote Dawn."],
            "What else did she write?",
            "What else did Ada Carter write other than Dawn?",
            ("Ada Carter",),
        ),
        # Never said before: nobody can know it.
        (["The band is good."], "Did they tour?", "Did Queen tour?", ()),
        # A capital letter of the rewrite alone makes no name.
        (["I saw blue whales."], "Are they big?", "Are Blue whales big?", ("Blue whales",)),
        # An address says where, not what.
        (
            ["Valero is at 200 Alester Ave."],
            "How far is it?",
            "How far is Valero at 200 Alester Ave?",
            ("Valero",),
        ),
    ],
)
def test_what_a_rewrite_puts_back_must_be_named_whole(
    history: list[str], query: str, rewrite: str, expected: tuple[str, ...]
) -> None:
    assert read(history, query, rewrite).must_name == expected


@pytest.mark.parametrize(
    ("history", "query", "rewrite", "must", "wrong"),
    [
        (["王菲和王强谁唱的？", "王菲。"], "她多大了？", "王菲多大了？", ("王菲",), ("王强",)),
        (["请介绍沐兰和曦尔。"], "它们重吗？", "沐兰和曦尔重吗？", ("沐兰", "曦尔"), ()),
        (
            ["先读《水浒》还是《三国》？", "《三国》。"],
            "它长吗？",
            "《三国》长吗？",
            ("三国",),
            ("水浒",),
        ),
        (["青海湖在哪里？"], "去那个湖要多久？", "去青海湖要多久？", ("青海湖",), ()),
        (["都江堰在四川。"], "那个工程还在用吗？", "都江堰还在用吗？", ("都江堰",), ()),
        # The pen name of the same person is not wrong.
        (["周树人，笔名鲁迅，写了什么？"], "他多大？", "周树人多大？", ("周树人",), ()),
        # A dynasty has a surname's character, and is no person.
        (["李商隐是宋代的吗？", "不是。"], "他写了什么？", "李商隐写了什么？", ("李商隐",), ()),
        # What a query leaves out is no name.
        (["三文鱼要蒸几分钟？"], "我是说鲈鱼。", "鲈鱼要蒸几分钟？", (), ()),
    ],
)
def test_chinese_names_end_where_marks_and_function_words_stand(
    history: list[str], query: str, rewrite: str, must: tuple[str, ...], wrong: tuple[str, ...]
) -> None:
    found = read(history, query, rewrite)
    assert (found.must_name, found.must_not_name) == (must, wrong)


@pytest.mark.parametrize(
    ("history", "query", "rewrite", "expected"),
    [
        (FRIENDS, "When was he born?", "When was Freddie Mercury born?", ("Elton John",)),
        # Of a person's history a place is no other person.
        (
            ["Was Ada Carter born in Paris or in New York?"],
            "When was she born?",
            "When was Ada Carter born?",
            (),
        ),
        (
            ["Is Saturn or Jupiter bigger?", "Jupiter is."],
            "How far is it?",
            "How far is Jupiter?",
            ("Saturn",),
        ),
        # Where a thing lies is not another thing of its sort.
        (["Where is Lima?", "It lies in Peru."], "How big is it?", "How big is Lima?", ()),
        # Two names of one thing.
        (
            ["Freddie Mercury, born Robert Bulsara, sang."],
            "When was he born?",
            "When was Freddie Mercury born?",
            (),
        ),
        (
            ["Jane Jacobs is also Jane Butzner. Jacobs wrote."],
            "What did she write?",
            "What did Jacobs write?",
            (),
        ),
        (
            ["The World Health Organization and the WHO are one."],
            "Where is it?",
            "Where is the World Health Organization?",
            (),
        ),
        # The same country with points, beside another name that must stand there.
        (
            ["Did the US or China win the Ada Cup?", "It was in the U.S. and in the Ada Cup."],
            "Who won?",
            "Who won the Ada Cup of the US?",
            ("China",),
        ),
        # What the query or a rewrite names cannot be wrong.
        (
            ["Freddie Mercury met Elton John."],
            "Did he like Elton John?",
            "Did Freddie Mercury like Elton John?",
            (),
        ),
    ],
)
def test_only_others_of_the_same_sort_must_not_be_named(
    history: list[str], query: str, rewrite: str, expected: tuple[str, ...]
) -> None:
    assert read(history, query, rewrite).must_not_name == expected


def test_a_name_is_one_that_every_accepted_rewrite_says() -> None:
    history = ["Safeway Grocery Store is near."]
    found = read(history, "Take me.", "Take me to Safeway Grocery Store.", "Go to Safeway Grocery.")
    assert found.must_name == ("Safeway Grocery",)
    assert read(history, "Take me.", "Take me to Safeway Grocery.", "Go to it.").must_name == ()


def test_an_alias_is_a_short_name_that_can_mean_nobody_else() -> None:
    query, rewrite = "When was he born?", "When was Jack White born?"
    assert read(["Jack White is a singer."], query, rewrite).aliases == ("White",)
    siblings = read(["Jack White and Meg White sang."], query, rewrite)
    assert siblings.must_not_name == ("Meg White",)
    assert siblings.aliases == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Did Elton John meet Bowie?", ("Elton John", "Bowie")),
        ("Then we went home.", ()),
        ("He left on Monday.", ()),
        ("How To Win Friends And Influence Many People Quickly", ()),
        ("The University of Oslo is old.", ("University of Oslo",)),
        ("Is the US big?", ("US",)),
    ],
)
def test_capital_letters_mean_names_inside_sentences(text: str, expected: tuple[str, ...]) -> None:
    assert names_in([text]) == expected


WORDS = st.sampled_from(
    "Ada Carter Bo Lind the of and 's is it he 北京 王菲 和 的 ? , 3 US".split()
)
TEXTS = st.lists(WORDS, max_size=8).map(" ".join)


@given(st.lists(TEXTS, max_size=3), TEXTS, st.lists(TEXTS, max_size=3))
def test_whatever_is_read_agrees_with_every_accepted_rewrite(
    history: list[str], query: str, rewrites: list[str]
) -> None:
    found = read(history, query, *rewrites)
    assert all(names(text, name) for text in rewrites for name in found.must_name)
    accepted = (query, *rewrites)
    assert not any(names(text, name) for text in accepted for name in found.must_not_name)
    assert not (found.must_not_name or found.aliases) or found.must_name


@given(st.lists(TEXTS, max_size=3), TEXTS, TEXTS)
def test_a_span_stands_in_the_rewrite_and_in_one_turn(
    history: list[str], query: str, rewrite: str
) -> None:
    for span in restored_spans(query, rewrite, history):
        assert rewrite[span.start :].startswith(span.text)
        assert not span.tokens[0].function
        assert not span.tokens[-1].function
        assert any(all(token.key in text.casefold() for token in span.tokens) for text in history)
