"""The case that tests of tasks ask."""

from __future__ import annotations

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import Message, Role

CASE = Case(
    id="moons",
    language=Language.EN,
    kind=Kind.SINGLE,
    cluster="moons",
    history=(
        Message(Role.USER, "Tell me of Flindo."),
        Message(Role.ASSISTANT, "Flindo is a phone."),
    ),
    query="What is its price?",
    expect=Expectation(rewrites=("What is Flindo's price?",), must_name=("Flindo",)),
)
