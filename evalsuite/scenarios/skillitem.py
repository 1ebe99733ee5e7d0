"""One item of a skill suite: an instruction, and what a right answer says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evalsuite.cases import Expectation, Language
from evalsuite.conversation import Conversation, Role
from evalsuite.errors import InvalidCase

SYSTEM: Mapping[Language, str] = {
    Language.EN: "Answer with the result only.",
    Language.ZH: "只回答结果。",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillItem:
    """One instruction with its one right answer.

    Raises:
        InvalidCase: an empty prompt or answer.
    """

    id: str
    skill: str
    language: Language
    cluster: str
    """Skill, language, wording and size: items that share it are not independent evidence."""
    prompt: str
    answer: str
    accepted: tuple[str, ...] = ()
    """Other spellings of the answer."""
    others: tuple[str, ...] = ()
    """What a wrong answer would name. With these an answer may be a sentence that names the right
    one and none of them; without, it is compared as a whole line."""
    by_choice: bool = False
    """Whether nothing is written: of ``answer`` and ``others`` the model has to find ``answer``
    likeliest."""
    plain: bool = False
    """Whether it is asked as people ask, without a system message that wants the result only."""
    source: str = field(default="scenarios/skills", compare=False, repr=False)
    """Where it was read."""

    def __post_init__(self) -> None:
        if not self.prompt.strip():
            raise InvalidCase(f"skill item {self.id!r}: the prompt is empty")
        if self.by_choice and not self.others:
            raise InvalidCase(f"skill item {self.id!r}: is by choice, and has one answer only")
        for text in (self.answer, *self.accepted):
            if not text.strip():
                raise InvalidCase(f"skill item {self.id!r}: an answer is empty; nothing to compare")

    @property
    def options(self) -> tuple[str, ...]:
        """The answers of which the likeliest counts, the right one first; none: one is written."""
        return (self.answer, *self.others) if self.by_choice else ()

    @property
    def guessed(self) -> float:
        """How often guessing finds the right one of its options; 0 where an answer is written."""
        return 1 / len(self.options) if self.by_choice else 0.0

    @property
    def question(self) -> Conversation:
        """The conversation that asks; it ends with the user."""
        asked = ("user", self.prompt)
        if self.plain:
            return Conversation.of(asked)
        return Conversation.of(("system", SYSTEM[self.language]), asked)

    @property
    def expectation(self) -> Expectation:
        """What is due, as a case says it."""
        return Expectation(rewrites=(self.answer, *self.accepted), must_not_name=self.others)

    @property
    def conversation(self) -> Conversation:
        """The conversation with its answer, as training data."""
        return self.question.then(Role.ASSISTANT, self.answer)
