"""Formats learned from Jinja templates, and what is refused instead of guessed."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.template.inference.formats import Format, Kind, SystemPlace
from evalsuite.template.inference.learning import NoFormat, Render, learn
from evalsuite.template.inference.proof import counted, proven
from evalsuite.template.inference.rules import Rule
from evalsuite.template.inference.telling import from_json, to_json
from evalsuite.template.isolated_main import template_render
from evalsuite.template.wire import KEPT, STRIPPED, Trim
from tests.template.makers import JINJA

CONFIG: Final = {"bos_token": "<s>", "eos_token": "</s>"}
LOOP = "{% for m in messages %}{{ '<' + m.role + '>' + m.content + '</' + m.role + '>' }}"
ASKED = "{% endfor %}{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}"
SPOKEN = LOOP + ASKED


def rendering(source: str) -> Render:
    return template_render(source, CONFIG)


def inferred(source: str, *words: str) -> Format:
    render = rendering(source)
    return proven(learn(render), render, words)


LEARNED = {name: (inferred(source), rendering(source)) for name, source in JINJA.items()}
contents = st.text(min_size=1, max_size=20).filter(lambda text: bool(text.strip()))


@given(st.sampled_from(sorted(LEARNED)), st.booleans(), st.lists(contents, min_size=2, max_size=9))
def test_a_format_says_what_the_template_says(name: str, system: bool, texts: list[str]) -> None:
    found, render = LEARNED[name]
    told = system and found.system is not None
    first = [("system", texts[0])] if told else []
    roles = ("user", "assistant") * len(texts)
    turns = [*first, *zip(roles, texts[len(first) :], strict=False)]
    assert found.text(turns) == render(turns)


@given(st.sampled_from(sorted(LEARNED)))
def test_a_format_comes_back_from_json(name: str) -> None:
    found = replace(LEARNED[name][0], reserved=("</x>",))
    assert from_json(json.loads(json.dumps(to_json(found)))) == found


@pytest.mark.parametrize("name", sorted(LEARNED))
def test_planted_errors_are_noticed(name: str) -> None:
    found, render = LEARNED[name]
    rng = random.Random(name)
    for _ in range(4):
        gap = rng.choice([gap for gap, rule in found.gaps.items() if any(rule.values.values())])
        rule = found.gaps[gap]
        key = rng.choice([key for key, text in rule.values.items() if text])
        text = rule.values[key]
        at = rng.randrange(len(text))
        spoilt = {**rule.values, key: text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]}
        wrong = replace(found, gaps={**found.gaps, gap: Rule(rule.features, spoilt)})
        with pytest.raises(NoFormat):
            proven(wrong, render, ())
    for kind, trims in found.trims.items():
        key = rng.choice(list(trims.values))
        others = [t for t in (KEPT, STRIPPED, Trim("\n", "")) if t != trims.values[key]]
        spoilt_trims = {**trims.values, key: rng.choice(others)}
        changed = {**found.trims, kind: Rule(trims.features, spoilt_trims)}
        with pytest.raises(NoFormat):
            proven(replace(found, trims=changed), render, ())


def test_white_space_is_lost_by_role_and_place() -> None:
    found = inferred(JINJA["llama-2"])
    assert found.trims[Kind.USER].constant == STRIPPED
    newest = inferred(JINJA["qwen3"]).trims[Kind.ASSISTANT]
    assert set(newest.values.values()) == {KEPT, Trim("\n", "")}


def test_where_the_system_message_stands() -> None:
    def place(name: str) -> SystemPlace | None:
        rule = LEARNED[name][0].system
        return None if rule is None else rule.constant

    assert place("llama-2") is SystemPlace.FIRST
    assert place("mistral-v3") is SystemPlace.LAST
    dropped = inferred(
        "{% set messages = messages | rejectattr('role', 'equalto', 'system') | list %}" + SPOKEN
    )
    assert dropped.system is not None
    assert dropped.system.constant is SystemPlace.DROPPED
    refusing = "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}"
    assert inferred(refusing + SPOKEN).system is None


def test_a_word_that_the_template_reacts_to_is_reserved() -> None:
    reacting = SPOKEN.replace("m.content", "m.content.split('</think>')[-1]")
    found = inferred(reacting, "</think>", "harmless")
    assert found.reserved == ("</think>",)
    assert found.reserves("a </think> b") == "</think>"
    assert found.reserves("a </ think> b") is None


def test_a_word_that_stands_beside_a_reserved_one_in_the_source_is_not_reserved() -> None:
    reacting = SPOKEN.replace("m.content", "m.content.split('</think>')[-1]")
    assert inferred(reacting, "content", "</think>", "content</think>").reserved == ("</think>",)


def test_a_word_that_is_reacted_to_in_small_letters_is_reserved_in_every_mixture() -> None:
    lowered = LOOP + "{% if 'urgent' in m.content | lower %}!{% endif %}" + ASKED
    found = inferred(lowered, "urgent", "URGENT")
    assert all(found.reserves(f"{word}: help") for word in ("Urgent", "uRGENT", "urgent"))
    assert found.reserves("Urge: help") is None
    exact = inferred(lowered.replace(" | lower", ""), "urgent", "URGENT")
    assert exact.reserves("Urgent: help") is None


@pytest.mark.parametrize(
    "reacting",
    [
        "{% if m == messages[0] %}{{ '(first)' }}{% endif %}",
        "{% if messages | selectattr('content', 'equalto', m.content) | list | length > 2 %}"
        "{{ '(thrice)' }}{% endif %}",
        "{% if not loop.first and m.content == messages[0].content %}{{ '(again)' }}{% endif %}",
    ],
    ids=["as the first", "thrice", "says the first"],
)
def test_a_template_that_takes_equal_messages_for_one_may_be_given_none(reacting: str) -> None:
    found = inferred(LOOP + reacting + ASKED)
    assert found.distinct
    assert found.carries([("user", "a"), ("assistant", "b"), ("user", "c")])
    assert not found.carries([("user", "a"), ("assistant", "b"), ("user", " a ")])
    assert not inferred(SPOKEN).distinct


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("{% set messages = messages[-20:] %}", ""),
        ("{% set messages = messages[-60:] %}", ""),
        ("{% if messages | length > 16 %}{{ 'long' }}{% endif %}", ""),
        ("{% if messages | length > 40 %}{{ 'long' }}{% endif %}", ""),
        ("", "{% if loop.index0 is divisibleby 13 and not loop.first %}!{% endif %}"),
        ("{% if messages | length > 14 %}{{ raise_exception('too long') }}{% endif %}", ""),
        ("", "{% if m.content.count('\n') > 9 %}!{% endif %}"),
        ("", "{% if m.content.split() | length > 500 %}!{% endif %}"),
        ("", "{% if m.content | int > 5000 %}!{% endif %}"),
        ("", "{% if m.content | int(0) in range(1990, 2031) %}!{% endif %}"),
        ("", "{% if m.content != m.content | truncate(1200, true) %}!{% endif %}"),
    ],
)
def test_what_shows_in_long_conversations_or_odd_contents_only_is_refused(
    head: str, body: str
) -> None:
    with pytest.raises(NoFormat):
        inferred(head + LOOP + body + ASKED)


@pytest.mark.parametrize(
    ("head", "body", "number"),
    [
        ("{% if messages | length > 150 %}{{ 'long' }}{% endif %}", "", 150),
        ("{% set messages = messages[-120:] %}", "", 120),
        ("", "{% if loop.index0 == 110 %}!{% endif %}", 110),
        ("", "{% if m.content.count('\n') > 60 %}!{% endif %}", 60),
        ("", "{% if m.content.split() | length > 900 %}!{% endif %}", 900),
        ("", "{% if m.content | int == 777 %}!{% endif %}", 777),
    ],
)
def test_a_number_of_the_source_is_tried_as_whatever_it_may_count(
    head: str, body: str, number: int
) -> None:
    render = rendering(head + LOOP + body + ASKED)
    with pytest.raises(NoFormat, match=f"of ({number}|{number + 1}) "):
        counted(learn(render), render, [number])
    counted(learn(render), render, [3])


@pytest.mark.parametrize(
    "reacting",
    [
        "{% if loop.previtem and m.content in loop.previtem.content %}!{% endif %}",
        "{% if loop.previtem and m.content | lower == loop.previtem.content | lower %}!{% endif %}",
    ],
)
def test_messages_that_are_nearly_equal_are_tried_too(reacting: str) -> None:
    with pytest.raises(NoFormat):
        inferred(LOOP + reacting + ASKED)


def test_of_two_words_that_are_reacted_to_together_the_first_is_reserved() -> None:
    reacting = LOOP + (
        "{% if m.content.startswith('<t>') and m.content.endswith('</t>') %}!{% endif %}" + ASKED
    )
    assert inferred(reacting, "<t>", "</t>", "<t></t>").reserved == ("<t>",)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (LOOP.replace("m.content", "m.content + m.content") + ASKED, "stands 2 times in its text"),
        ("{{ messages[0].content }}", "stands 0 times in its text"),
        ("{{ raise_exception('never') }}", "it gives no text: TemplateError: never"),
        ("{% for t in tools %}{{ t }}{% endfor %}" + SPOKEN, "it gives no text: TypeError"),
        (LOOP + "{{ loop.index }}" + ASKED, "follows no rule of place"),
        (LOOP + "{{ messages | length }}" + ASKED, "follows no rule of place"),
        (
            SPOKEN.replace("m.content", "m.content | replace(' ', '_')"),
            "its text is not the same around it|which no rule of white space explains",
        ),
        (SPOKEN.replace("m.content", "m.content | upper"), "stands 0 times in its text"),
        (SPOKEN.replace("in messages", "in messages | reverse"), "in another order"),
        (
            LOOP + "{% if loop.index == 9 %}!{% endif %}" + ASKED,
            "it says",
        ),
    ],
)
def test_what_no_rule_explains_is_refused(source: str, says: str) -> None:
    with pytest.raises(NoFormat, match=says):
        inferred(source)


def test_the_refusal_shows_the_smallest_conversation() -> None:
    with pytest.raises(NoFormat) as refused:
        inferred(LOOP + "{% if loop.index == 9 %}!{% endif %}" + ASKED)
    assert refused.value.turns is not None
    assert len(refused.value.turns) == 9


def test_a_template_that_counts_characters_is_refused() -> None:
    render = rendering(LOOP + "{% if m.content | length == 500 %}!{% endif %}" + ASKED)
    found = proven(learn(render), render, ())
    with pytest.raises(NoFormat, match="a content of 500 characters"):
        counted(found, render, [500])
    counted(found, render, [300])
