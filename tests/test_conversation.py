"""Messages and conversations refuse what no model may be given."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.conversation import Conversation, Message, Role, messages
from evalsuite.errors import InvalidConversation


def test_a_role_may_be_given_by_name() -> None:
    assert Message("user", "Hello").role is Role.USER  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ["tool", "human", "User", "", 7])
def test_an_unknown_role_is_refused_with_the_known_ones(role: object) -> None:
    with pytest.raises(InvalidConversation, match=r"use one of: system, user, assistant"):
        Message(role, "Hello")  # type: ignore[arg-type]


@pytest.mark.parametrize("content", ["", " \n\t", "\u3000", None, 3])
def test_a_message_without_a_visible_character_is_refused(content: object) -> None:
    with pytest.raises(InvalidConversation, match="at least one visible character"):
        Message(Role.USER, content)  # type: ignore[arg-type]


def test_a_message_cannot_be_changed() -> None:
    message = Message(Role.USER, "Hello")
    with pytest.raises(dataclasses.FrozenInstanceError):
        message.content = "Bye"  # type: ignore[misc]


def test_a_conversation_without_messages_is_refused() -> None:
    with pytest.raises(InvalidConversation, match="at least one message"):
        Conversation(())


def test_a_system_message_stands_first_or_nowhere() -> None:
    with pytest.raises(InvalidConversation, match="message 1 is a system message"):
        Conversation.of(("user", "Hello"), ("system", "Be brief."))


def test_a_list_of_messages_becomes_a_tuple() -> None:
    conversation = Conversation([Message(Role.USER, "Hello")])  # type: ignore[arg-type]
    assert isinstance(conversation.messages, tuple)
    assert hash(conversation) == hash(Conversation.of(("user", "Hello")))


def test_the_system_text_is_no_turn() -> None:
    conversation = Conversation.of(("system", "Be brief."), ("user", "Hello"))
    assert conversation.system == "Be brief."
    assert conversation.turns == messages([("user", "Hello")])


def test_a_conversation_without_system_text_consists_of_turns() -> None:
    conversation = Conversation.of(("user", "Hello"))
    assert conversation.system is None
    assert conversation.turns == conversation.messages


@pytest.mark.parametrize(
    ("turns", "told"),
    [
        ([("assistant", "Hi")], "message 0 is from the assistant"),
        ([("user", "a"), ("user", "b")], "message 1 is from the user"),
        ([("system", "s"), ("user", "a"), ("user", "b")], "message 2 is from the user"),
        ([("system", "s")], "a user turn is due"),
    ],
)
def test_turns_out_of_order_are_named_when_order_is_asked_for(
    turns: list[tuple[str, str]], told: str
) -> None:
    conversation = Conversation.of(*turns)
    with pytest.raises(InvalidConversation, match=told):
        conversation.require_alternating()


@given(st.integers(1, 9), st.booleans())
def test_alternating_turns_are_accepted_with_and_without_system_text(n: int, system: bool) -> None:
    turns = [(("user", "assistant")[i % 2], f"turn {i}") for i in range(n)]
    conversation = Conversation.of(*([("system", "s")] if system else []), *turns)
    conversation.require_alternating()
    assert len(conversation.turns) == n


def test_then_leaves_the_shorter_conversation_alone() -> None:
    before = Conversation.of(("user", "Hello"))
    after = before.then(Role.ASSISTANT, "Hi")
    assert len(before.messages) == 1
    assert after.messages[:1] == before.messages
    assert after.messages[1] == Message(Role.ASSISTANT, "Hi")


def test_no_turns_make_no_messages() -> None:
    assert messages([]) == ()
