"""One item of a skill suite: an instruction, and what a right answer says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evalsuite.cases import Expectation, Language
from evalsuite.conversation import Conversation, Message, Role
from evalsuite.errors import InvalidCase
from evalsuite.scenarios.answerrule import EXACTLY, AnswerRule, Rule

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
    rule: AnswerRule = EXACTLY
    """By what an answer counts as right."""
    shown: tuple[Message, ...] = ()
    """Solved questions, each with its answer, that stand before everything else."""
    history: tuple[Message, ...] = ()
    """The turns before the question."""
    system: str = ""
    """The system message; empty: none where it is plain, else that of its language."""
    max_tokens: int | None = None
    """How long an answer may become; None: as long as results are."""
    floor: float | None = None
    """How much of what guessing leaves to know counts as having the skill; None: as the policy
    says."""
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
    def judged(self) -> bool:
        """Whether an answer to it can be right or wrong; else only its likelihood counts."""
        return self.rule.rule is not Rule.DIVERGENCE

    @property
    def guessed(self) -> float:
        """How often guessing finds the right one of its options; 0 where there are none."""
        if self.by_choice:
            return 1 / len(self.options)
        return 1 / len(self.rule.listed) if self.rule.rule is Rule.CHOICE_LETTER else 0.0

    @property
    def question(self) -> Conversation:
        """The conversation that asks; it ends with the user."""
        said = self.system or ("" if self.plain else SYSTEM[self.language])
        system = (Message(Role.SYSTEM, said),) if said else ()
        asked = Message(Role.USER, self.prompt)
        return Conversation((*system, *self.shown, *self.history, asked))

    @property
    def expectation(self) -> Expectation:
        """What is due, as a case says it."""
        return Expectation(rewrites=(self.answer, *self.accepted), must_not_name=self.others)

    @property
    def conversation(self) -> Conversation:
        """The conversation with its answer, as training data."""
        return self.question.then(Role.ASSISTANT, self.answer)
