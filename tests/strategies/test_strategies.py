"""Strategies give what they promise, refuse what they cannot, and shrink to what a person reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from evalsuite.cases import Case, Kind, Language
from evalsuite.conversation import Conversation, Message, Role
from evalsuite.detectors import literal_leak
from evalsuite.detectors.text import mentions
from evalsuite.prompts import FORMATS, Demonstration, build
from evalsuite.rewrites import judge
from evalsuite.scenarios import Split, sample_demonstrations, split_of
from evalsuite.strategies import (
    OPERATORS,
    Envelope,
    adversarial_histories,
    attacks,
    cases,
    contents,
    conversations,
    demonstrations,
    messages,
)

SHOWN = sample_demonstrations(1, 2, Language.EN) + sample_demonstrations(1, 2, Language.ZH)


@given(contents(min_size=2, max_size=5))
def test_contents_have_the_size_and_something_to_read(text: str) -> None:
    assert 2 <= len(text) <= 5
    assert text.strip()
    assert Message(Role.USER, text).content == text


@given(messages(roles=[Role.ASSISTANT], contents=st.just("hello")))
def test_messages_have_the_roles_and_contents_asked_for(message: Message) -> None:
    assert message == Message(Role.ASSISTANT, "hello")


@given(st.data(), st.integers(1, 4), st.integers(0, 3), st.sampled_from([None, *Role][:3]))
def test_alternating_conversations_alternate_and_keep_their_bounds(
    data: st.DataObject, min_size: int, more: int, last: Role | None
) -> None:
    last = None if last is Role.SYSTEM else last
    max_size = min_size + more
    try:
        strategy = conversations(last=last, system=False, min_size=min_size, max_size=max_size)
    except InvalidArgument:
        wanted = 1 if last is Role.USER else 0
        assert all(n % 2 != wanted or n == 0 for n in range(min_size, max_size + 1))
        return
    drawn = data.draw(strategy)
    drawn.require_alternating()
    assert min_size <= len(drawn.turns) <= max_size
    assert last is None or drawn.messages[-1].role is last


@given(conversations(alternating=False, last=Role.USER, system=True, min_size=2, max_size=3))
def test_conversations_in_any_order_still_end_as_asked(drawn: Conversation) -> None:
    assert drawn.system is not None
    assert 2 <= len(drawn.turns) <= 3
    assert drawn.messages[-1].role is Role.USER


def test_conversations_in_any_order_can_break_the_order() -> None:
    def broken(drawn: Conversation) -> bool:
        return len({m.role for m in drawn.turns}) == 1 and len(drawn.turns) > 1

    found = find(conversations(alternating=False), broken)
    assert [m.role for m in found.messages] == [Role.USER, Role.USER]


@given(demonstrations(languages=[Language.ZH], split="heldout"))
def test_demonstrations_say_which_names_could_leak(shown: Demonstration) -> None:
    assert shown.language is Language.ZH
    said = " ".join([*(m.content for m in shown.history), shown.query, shown.rewrite])
    assert shown.entities
    assert all(mentions(said, name) for name in shown.entities)
    assert all(split_of(name) is Split.HELDOUT for name in shown.entities)


@given(cases(languages=[Language.EN], kinds=[Kind.PLURAL], split="train"))
def test_cases_are_of_the_kind_and_split_asked_for(case: Case) -> None:
    assert (case.language, case.kind) == (Language.EN, Kind.PLURAL)
    assert case.cluster.startswith("train/")
    assert len(case.expect.must_name) == 2


@given(adversarial_histories(demonstrations=SHOWN))
def test_hostile_histories_keep_their_truth(case: Case) -> None:
    assert case.reference is not None
    assert judge(case, case.reference).right
    assert literal_leak(case, case.reference, SHOWN).value == 0.0
    said = " ".join((*(m.content for m in case.history), case.query))
    assert all(mentions(said, name) for name in case.expect.must_name)
    alternating = not {"duplicate", "drop_assistant"} & set(added(case).split("+"))
    if alternating:
        Conversation((*case.history, Message(Role.USER, case.query))).require_alternating()


@given(adversarial_histories(min_size=1, max_size=2))
def test_an_intruder_named_instead_is_a_defect(case: Case) -> None:
    assert case.reference is not None
    for intruder in case.expect.must_not_name:
        if not case.expect.unchanged:
            wrong = case.reference.replace(case.expect.must_name[0], intruder)
            assert not judge(case, wrong).right


@given(adversarial_histories(demonstrations=SHOWN), st.sampled_from(tuple(FORMATS)))
@settings(max_examples=60)
def test_hostile_histories_survive_every_prompt_format(case: Case, name: str) -> None:
    parts = FORMATS[name].parse(build(case, format=name, demonstrations=SHOWN))
    assert (parts.history, parts.query) == (case.history, case.query)


@given(adversarial_histories(demonstrations=SHOWN))
def test_the_id_tells_conversations_apart_and_the_cluster_names_known_operators(
    case: Case,
) -> None:
    other = replace(case, history=case.history[2:])
    assert case.id.startswith(("drawn-", "adversarial-"))
    assert other.history != case.history
    if case.id.startswith("adversarial-"):
        assert set(case.cluster.rsplit("/", 1)[1].split("+")) <= set(OPERATORS)


def added(case: Case) -> str:
    return case.cluster.rsplit("/", 1)[1]


def test_a_switched_off_operator_never_works() -> None:
    @given(adversarial_histories(operators=["gap"]))
    @settings(max_examples=50)
    def body(case: Case) -> None:
        assert not any("<|" in m.content for m in case.history)
        assert case.cluster.endswith("/gap") or case.id.startswith("drawn-")

    body()


def test_without_operators_the_base_comes_through() -> None:
    @given(adversarial_histories(operators=[], base=cases(kinds=[Kind.PLURAL])))
    @settings(max_examples=10)
    def body(case: Case) -> None:
        assert case.kind is Kind.PLURAL

    body()


@pytest.mark.parametrize(
    ("fails", "turns"),
    [
        (lambda c: True, 2),
        (lambda c: bool(c.expect.must_not_name), 2),
        (lambda c: len(c.history) >= 6, 6),
        (lambda c: any("<|im_end|>" in m.content for m in c.history), 2),
        (lambda c: c.kind is Kind.TOPIC_SWITCH and "distractor" in c.cluster, 6),
    ],
)
def test_counterexamples_shrink_to_the_fewest_turns(
    fails: Callable[[Case], bool], turns: int
) -> None:
    quick = settings(max_examples=1000, database=None, suppress_health_check=list(HealthCheck))
    histories = adversarial_histories(operators=("control_tokens", "gap", "distractor"))
    assert len(find(histories, fails, settings=quick).history) == turns


def test_operators_that_do_not_matter_are_shrunk_away() -> None:
    def fails(case: Case) -> bool:
        return any("<end_of_turn>" in m.content for m in case.history)

    quick = settings(max_examples=2000, database=None, suppress_health_check=list(HealthCheck))
    shrunk = find(adversarial_histories(demonstrations=SHOWN, min_size=1), fails, settings=quick)
    assert added(shrunk) == "control_tokens"
    assert len(shrunk.history) == 2
    assert "<end_of_turn>" in shrunk.history[0].content


def untyped(value: object) -> Any:
    """A value that the types would not let through."""
    return value


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: contents(min_size=0), "min_size=0 must be a whole number of at least 1"),
        (lambda: contents(min_size=5, max_size=2), "min_size=5 must not exceed max_size=2"),
        (lambda: contents(max_size=True), "max_size=True"),
        (lambda: messages(roles=[]), r"roles=\[\] must be a collection"),
        (lambda: messages(roles=untyped("user")), "roles='user' must be a collection"),
        (lambda: messages(roles=untyped(["tool"])), "may hold only: system, user, assistant"),
        (lambda: messages(contents=untyped("x")), "contents='x' must be a strategy"),
        (lambda: conversations(alternating=untyped(1)), "alternating=1 must be True or False"),
        (lambda: conversations(system=untyped("no")), "system='no'"),
        (lambda: conversations(last=Role.SYSTEM), "a system message comes first"),
        (lambda: conversations(last=Role.ASSISTANT, max_size=1), "the user begins"),
        (
            lambda: demonstrations(languages=untyped(["fr"])),
            r"languages=\['fr'\] may hold only: en, zh",
        ),
        (lambda: demonstrations(split="test"), "train, panel, heldout"),
        (lambda: cases(kinds=[]), r"kinds=\[\]"),
        (lambda: cases(kinds=[Kind.DEMONSTRATION_LURE]), "needs a demonstration"),
        (lambda: attacks(Envelope(kinds=(Kind.UNANSWERABLE,))), "changes what is meant"),
        (lambda: attacks(Envelope(kinds=(Kind.DEMONSTRATION_LURE,))), "changes what is meant"),
        (lambda: attacks(Envelope(max_demonstrations=-1)), "max_demonstrations=-1 must be a whole"),
        (lambda: attacks(Envelope(max_edits=2), min_size=3), "min_size=3 must not exceed max_edi"),
        (lambda: attacks(Envelope(skills=("nap",))), "must be a collection out of: copy"),
        (lambda: attacks(Envelope(skills=untyped(5))), "skills=5 must be a collection"),
        (lambda: attacks(untyped(5)), "envelope=5 must be of the type Envelope"),
        (lambda: attacks(world=untyped("x")), "world='x' must be of the type World"),
        (lambda: cases(avoid="Zorvak"), "avoid='Zorvak' must be a collection of str"),
        (
            lambda: adversarial_histories(demonstrations=untyped(5)),
            "demonstrations=5 must be a collection",
        ),
        (
            lambda: adversarial_histories(demonstrations=untyped(["x"])),
            "must be a collection of Demonst",
        ),
        (lambda: adversarial_histories(room=untyped(5)), "room=5 must be of the type Callable"),
        (lambda: adversarial_histories(operators=untyped(5)), "operators=5 must be a collection"),
        (lambda: adversarial_histories(operators="gap"), "must be a collection"),
        (lambda: adversarial_histories(operators=["nag"]), "operators holds 'nag'; use any of"),
        (lambda: adversarial_histories(operators=["lookalike"]), "give some"),
        (lambda: adversarial_histories(operators=["window"]), "nobody measures prompts"),
        (lambda: adversarial_histories(base=untyped(3)), "base=3 must be a strategy"),
        (lambda: adversarial_histories(min_size=9), "must not exceed max_size=4"),
        (lambda: adversarial_histories(min_size=-1), "min_size=-1"),
    ],
)
def test_wrong_arguments_are_refused_by_name(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        make()
