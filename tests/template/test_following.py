"""Whatever a chat template decides by is found: words, however they are written, places, clocks."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import TemplateError

from evalsuite.conversation import Conversation
from evalsuite.detectors.roundtrip import check as check_properties
from evalsuite.gates import Check, Status
from evalsuite.gates.part import Part, Topic
from evalsuite.gates.partverdicts import judge_checks
from evalsuite.template import PropertyStatus, load_template
from evalsuite.template.following import Follower, clock_decision
from evalsuite.template.instrument import instrumented
from evalsuite.template.isolated import own_template
from evalsuite.template.isolated_main import _environment
from evalsuite.template.isolatedjob import Reaction
from evalsuite.template.sourcewords import words
from tests.template.makers import JINJA
from tests.template.tiny_tokenizer import WriteFolder

CHATML, LLAMA = JINJA["chatml"], JINJA["llama-3"]
PLANTED = "{% if CONDITION %}{{ 'Obey.' }}{% endif %}"


def planted(source: str, condition: str) -> str:
    """A template in which one condition on a message ``m`` says something else."""
    start = "{% for m in messages %}"
    assert source.count(start) == 1
    return source.replace(start, start + PLANTED.replace("CONDITION", condition))


def followed(source: str) -> tuple[list[Reaction], str | None]:
    """What contents do to a template, and what it decides by the clock."""
    environment = _environment(clock=datetime.datetime.now())
    template, recorder = instrumented(environment, source)

    def text(roles: Sequence[str], contents: Sequence[str]) -> str | None:
        pairs = zip(roles, contents, strict=True)
        messages = [{"role": role, "content": content} for role, content in pairs]
        asks = roles[-1] == "user"
        tokens = {"bos_token": "<s>", "eos_token": "</s>"}
        try:
            return template.render(messages=messages, add_generation_prompt=asks, **tokens)
        except TemplateError:  # a role that it does not take
            return None

    found = Follower(text, recorder).follow(words(environment, source))
    return found, clock_decision(text, recorder, environment.globals)


TRIGGERS = {
    "a word": "'zebra' in m.content",
    "a word in three pieces": "('ze' ~ 'b' ~ 'ra') in m.content",
    "a joined word": "['ze', 'br', 'a'] | join in m.content",
    "a reversed word": "'arbez' | reverse in m.content",
    "a replaced word": "'zxbrx' | replace('xb', 'eb') | replace('rx', 'ra') in m.content",
    "two words": "'zebra' in m.content and 'lion' in m.content",
    "three words": "'zebra' in m.content and 'lion' in m.content and 'ape' in m.content",
    "characters in places": "m.content[3] == 'x' and m.content[7] == 'q'",
    "characters from the end": "m.content[-2] == 'x' and m.content[-5] == 'q'",
    "a slice": "m.content[2:5] == 'abc'",
    "an order": "(m.content | first) < 'c'",
    "another case": "'zebra' in m.content | lower and m.content | upper != m.content",
    "a length": "m.content | length == 37",
    "a computed length": "(m.content | length * 7) % 83 == 5",
    "a number of words": "m.content.split() | length == 6",
    "a place found": "m.content.find('ze' ~ 'bra') > 0",
    "a word gone": "(m.content | replace('ze' ~ 'bra', '')) | length < m.content | length",
    "a word twice": "m.content.count('ze' ~ 'b') == 2",
    "both ends": "m.content.startswith('ze' ~ 'b') and m.content.endswith('ra' ~ 'x')",
    "digits": "m.content.isdigit()",
    "a key": "{'ze' ~ 'bra': true}.get(m.content)",
    "a whole message": "m == {'role': 'user', 'content': 'ze' ~ 'bra'}",
    "a list": "m.content in ['ze' ~ 'bra', 'lion']",
    "the system alone": "m.role == 'system' and ('ze' ~ 'bra') in m.content",
    "an answer alone": "m.role == 'assistant' and ('ze' ~ 'bra') in m.content",
    "the third turn alone": "loop.index == 5 and ('ze' ~ 'bra') in m.content",
    "the ninth turn alone": "loop.index == 9 and 'zebra' in m.content",
    "a test": "m.content is eq('ze' ~ 'bra')",
}


@pytest.mark.parametrize(
    ("source", "trigger"),
    [*((CHATML, one) for one in TRIGGERS), (LLAMA, "two words"), (LLAMA, "characters in places")],
)
def test_a_trigger_is_found(source: str, trigger: str) -> None:
    found, clock = followed(planted(source, TRIGGERS[trigger]))
    assert any("content" in one for one in found), found[:3]
    assert clock is None


@pytest.mark.parametrize("name", sorted(JINJA))
def test_what_makers_write_does_nothing_to_contents(name: str) -> None:
    found, clock = followed(JINJA[name])
    assert (found, clock) == ([], None)


CLOCKS = {
    "an hour": "strftime_now('%H') == '03'",
    "a weekday": "strftime_now('%A') in ['Monday', 'Friday']",
    "a month": "strftime_now('%m') | int > 13",
    "an hour within": "'T03' in strftime_now('%Y-%m-%dT%H')",
    "a digit": "strftime_now('%Y')[3] == '7'",
    "minutes and a word": "strftime_now('%M') | int < 5 and 'zebra' in m.content",
}


@pytest.mark.parametrize("trigger", CLOCKS)
def test_a_decision_by_the_clock_is_found(trigger: str) -> None:
    _, clock = followed(planted(CHATML, CLOCKS[trigger]))
    assert clock is not None
    assert "decides by it" in clock


def test_a_date_that_is_only_written_decides_nothing() -> None:
    _, clock = followed("{{ strftime_now('%d %B %Y') }}" + CHATML)
    assert clock is None


@settings(max_examples=15, deadline=None)
@given(
    word=st.text("abcdefghij要改写", min_size=2, max_size=12),
    cuts=st.sets(st.integers(1, 11), max_size=4),
    role=st.sampled_from(["user", "assistant", "system"]),
)
def test_a_word_is_found_in_whatever_pieces(word: str, cuts: set[int], role: str) -> None:
    ends = [0, *sorted(cut for cut in cuts if cut < len(word)), len(word)]
    pieces = " ~ ".join(f"'{word[a:b]}'" for a, b in pairwise(ends))
    found, _ = followed(planted(CHATML, f"m.role == '{role}' and ({pieces}) in m.content"))
    assert any("content" in one for one in found)


def test_what_cannot_be_turned_is_told() -> None:
    hard = "(m.content[1:] | wordcount) * 1000 + m.content | length == 123456"
    found, _ = followed(planted(CHATML, hard))
    assert any("no content was found that turns" in one.get("problem", "") for one in found)


@pytest.mark.parametrize("trigger", ["a word in three pieces", "two words", "a slice"])
def test_a_folder_whose_template_has_a_trigger_is_refuted(
    write_folder: WriteFolder, trigger: str
) -> None:
    template = load_template(write_folder(jinja=CHATML), family="chatml")
    assert own_template(template, _asked()).status is PropertyStatus.HOLDS
    folder = write_folder(jinja=planted(CHATML, TRIGGERS[trigger]))
    found = own_template(load_template(folder, family="chatml"), _asked())
    assert found.status is PropertyStatus.VIOLATED
    assert "it does something else when a message" in found.detail


def test_what_is_untested_does_not_pass(write_folder: WriteFolder) -> None:
    padding = ", ".join(f"'pad{number}word'" for number in range(600))
    jinja = f"{{% set padding = [{padding}] %}}" + planted(CHATML, "'zebra' in m.content")
    template = load_template(write_folder(jinja=jinja), family="chatml")
    scores = check_properties(template, _asked())
    checks = [
        Check(s.case_id, None if s.value is None else s.value == 0.0, s.explanation) for s in scores
    ]
    named = [check for check in checks if "own template" in check.name]
    assert [check.ok for check in named] == [None]
    verdict = judge_checks(Part(Topic.PROPERTIES), "properties", named, 1)
    assert verdict.status is Status.INCONCLUSIVE
    assert "more than 2000 words to try" in verdict.reason


def _asked() -> list[Conversation]:
    return [Conversation.of(("user", "Who?"), ("assistant", "He."), ("user", "Why?"))]
