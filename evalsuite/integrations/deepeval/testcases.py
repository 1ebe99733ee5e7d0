"""Answered cases as deepeval's test cases and goldens, and back.

What deepeval has a field for stands in that field, where its own metrics and people look; the whole
of it stands in the metadata as well. The two must agree when they are read: a field that was edited
afterwards is refused by name, except for the answer, which test cases are there to receive.
Test cases that evalsuite did not write are read by their fields alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from evalsuite.cases import Case, Expectation
from evalsuite.cases.importers import guess_kind, identifier
from evalsuite.conversation import Message, Role
from evalsuite.errors import EvalsuiteError, InvalidCase
from evalsuite.integrations.deepeval.answered import KEY, Answered, from_plain, to_plain
from evalsuite.integrations.deepeval.loading import load
from evalsuite.prompts.content import guess_language

if TYPE_CHECKING:
    from deepeval.dataset import ConversationalGolden, Golden
    from deepeval.test_case import ConversationalTestCase, LLMTestCase

TestCase: TypeAlias = "LLMTestCase | ConversationalTestCase | Golden | ConversationalGolden"
"""Of either shape, with an answer or without."""
_TURN = re.compile(r"(user|assistant): (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fields:
    """The fields of either shape that evalsuite reads."""

    query: str
    context: tuple[tuple[str, str], ...]
    """Role and content of the turns before the query."""
    expected: str | None
    answer: str | None
    name: str | None
    metadata: Mapping[str, object]

    @property
    def where(self) -> str:
        """Names the test case in errors."""
        return f"test case {self.name or self.query[:40]!r}"


def llm_test_case(answered: Answered) -> LLMTestCase:
    """Return an ``LLMTestCase``: the query as input, its history as context."""
    return load("test_case").LLMTestCase(
        actual_output=answered.text,
        metadata={KEY: to_plain(answered)},
        tags=list(answered.tags),
        **_single(answered),
    )


def golden(answered: Answered) -> Golden:
    """Return a ``Golden``, with the answer if there is one."""
    return load("dataset").Golden(
        actual_output=answered.text,
        additional_metadata={KEY: to_plain(answered)},
        **_single(answered),
    )


def conversational_test_case(answered: Answered) -> ConversationalTestCase:
    """Return a ``ConversationalTestCase``: history, query and answer as turns."""
    return load("test_case").ConversationalTestCase(
        metadata={KEY: to_plain(answered)},
        tags=list(answered.tags),
        **_turns(answered),
    )


def conversational_golden(answered: Answered) -> ConversationalGolden:
    """Return a ``ConversationalGolden``; its scenario is the query."""
    return load("dataset").ConversationalGolden(
        scenario=answered.query,
        additional_metadata={KEY: to_plain(answered)},
        **_turns(answered),
    )


def read(test_case: TestCase) -> Answered:
    """Return the answered case that a test case or golden of either shape holds.

    Of one that evalsuite did not write, the context must be turns (``user: ...``), the expected
    output or outcome is the accepted rewrite, and one that equals the query means that the query
    stays as it is; language and kind are guessed.

    Raises:
        InvalidCase: a field contradicts the metadata, or is missing or not readable; the case
            breaks its own rules.
    """
    fields = _fields(test_case)
    plain = fields.metadata.get(KEY)
    if plain is None:
        return Answered(item=_case(fields), answer=fields.answer)
    answered = from_plain(plain, fields.where)
    said = {
        "query": (fields.query, answered.query),
        "history": (fields.context, _pairs(answered.history)),
        "expected output": (fields.expected, answered.expected),
    }
    for what, (field, noted) in said.items():
        if field != noted:
            raise InvalidCase(
                f"{fields.where}: its {what} is {field!r:.80}, but metadata[{KEY!r}] says "
                f"{noted!r:.80}; change both, or remove the entry to have the fields read alone"
            )
    return answered.answering(fields.answer)


def _single(answered: Answered) -> dict[str, object]:
    context = [f"{turn.role}: {turn.content}" for turn in answered.history]
    return {
        "name": answered.name,
        "input": answered.query,
        "expected_output": answered.expected,
        "context": context or None,
    }


def _turns(answered: Answered) -> dict[str, object]:
    said = [*_pairs(answered.history), (Role.USER.value, answered.query)]
    if answered.text is not None:
        said.append((Role.ASSISTANT.value, answered.text))
    turn = load("test_case").Turn
    return {
        "name": answered.name,
        "turns": [turn(role=role, content=content) for role, content in said],
        "expected_outcome": answered.expected,
    }


def _pairs(history: Sequence[Message]) -> tuple[tuple[str, str], ...]:
    return tuple((turn.role.value, turn.content) for turn in history)


def _fields(test_case: TestCase) -> _Fields:
    if hasattr(test_case, "turns"):
        return _conversational(test_case)
    if not hasattr(test_case, "input"):
        raise InvalidCase(
            f"{type(test_case).__name__} is no test case; give an LLMTestCase, a "
            "ConversationalTestCase, or a golden of either"
        )
    name = test_case.name
    return _Fields(
        query=test_case.input,
        context=tuple(_labelled(text, name) for text in test_case.context or ()),
        expected=test_case.expected_output,
        answer=test_case.actual_output,
        name=name,
        metadata=_metadata(test_case),
    )


def _conversational(test_case: TestCase) -> _Fields:
    said = [(turn.role, turn.content) for turn in test_case.turns or ()]
    answer = said.pop()[1] if said and said[-1][0] == Role.ASSISTANT else None
    if not said or said[-1][0] != Role.USER:
        raise InvalidCase(
            f"test case {test_case.name!r}: its turns must end with the user, or with the user and "
            "one assistant turn that answers"
        )
    *history, (_, query) = said
    return _Fields(
        query=query,
        context=tuple(history),
        expected=test_case.expected_outcome,
        answer=answer,
        name=test_case.name,
        metadata=_metadata(test_case),
    )


def _metadata(test_case: TestCase) -> Mapping[str, object]:
    # A test case still answers to the golden's name for it, but with a deprecation warning.
    fields = type(test_case).model_fields
    name = "metadata" if "metadata" in fields else "additional_metadata"
    return getattr(test_case, name) or {}


def _labelled(text: str, name: str | None) -> tuple[str, str]:
    match = _TURN.fullmatch(text)
    if match is None:
        raise InvalidCase(
            f"test case {name!r}: context {text!r:.60} is no turn; write 'user: ...' or "
            "'assistant: ...', or use a ConversationalTestCase"
        )
    return match[1], match[2]


def _case(fields: _Fields) -> Case:
    expected = fields.expected
    if expected is None:
        raise InvalidCase(
            f"{fields.where}: says not what was expected; give expected_output (expected_outcome)"
        )
    unchanged = expected.strip() == fields.query.strip()
    told = "\0".join((*(part for turn in fields.context for part in turn), fields.query))
    digest = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    try:
        return Case(
            id=identifier("deepeval", fields.name or digest),
            language=guess_language(fields.query),
            kind=guess_kind(fields.query, unchanged=unchanged),
            cluster=f"deepeval-{digest}",
            history=tuple(Message(Role(role), content) for role, content in fields.context),
            query=fields.query,
            expect=Expectation(unchanged=True) if unchanged else Expectation(rewrites=(expected,)),
            source=f"deepeval:{fields.name or digest}",
        )
    except EvalsuiteError as problem:
        raise InvalidCase(f"{fields.where}: {problem}") from None
