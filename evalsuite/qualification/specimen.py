"""One answer of the candidate, as mutants see and change it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from evalsuite.cases import Case
from evalsuite.conversation import Conversation
from evalsuite.pipeline import Answered
from evalsuite.prompts import Demonstration
from evalsuite.scenarios import SkillItem
from evalsuite.tasks import Rewriting, Skill, answer_of
from evalsuite.template import ChatTemplate


@dataclass(frozen=True, slots=True)
class Specimen:
    """One answer of the candidate, and what a mutant needs to corrupt it."""

    answer: Answered
    template: ChatTemplate

    @property
    def text(self) -> str:
        """What was answered, as the prompt's rule reads it."""
        return answer_of(self.answer.question.task, self.answer.output)

    @property
    def case(self) -> Case | None:
        """The case, where the answer is a rewrite."""
        task = self.answer.question.task
        return task.case if isinstance(task, Rewriting) else None

    @property
    def skill(self) -> SkillItem | None:
        """The skill item, where the answer follows an instruction."""
        task = self.answer.question.task
        return task.item if isinstance(task, Skill) else None

    @property
    def shown(self) -> tuple[Demonstration, ...]:
        """The demonstrations in this answer's own prompt."""
        task = self.answer.question.task
        return task.demonstrations if isinstance(task, Rewriting) else ()

    def saying(self, text: str) -> Answered:
        """The same answer with another text, written as the prompt asks for it."""
        task = self.answer.question.task
        if isinstance(task, Rewriting):
            text = task.prompt.write(text).removeprefix(task.prompt.prefill)
        return replace(self.answer, output=replace(self.answer.output, text=text))

    def prompted(self, conversation: Conversation) -> Answered:
        """The same answer to a prompt that was rendered from another conversation."""
        question = self.answer.question
        prompt = self.template.prompt(conversation)
        request = replace(question.request, prompt=prompt, begun=0)
        return replace(self.answer, question=replace(question, request=request))
