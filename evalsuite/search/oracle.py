"""Answers to hostile histories, in batches, and the promises that every answer must keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from evalsuite.cases import Case, Language
from evalsuite.detectors.leakage import literal_leak
from evalsuite.generation import Engine, Output, Request, Sampling
from evalsuite.prompts import Demonstration, build, task_text
from evalsuite.template import ChatTemplate

_SAMPLING = Sampling(max_tokens=96)


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise that an answer broke."""

    promise: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Oracle:
    """Asks a candidate, remembers what it said, and judges it without another model.

    Two promises are absolute, whatever the history: nothing of a demonstration gets into the
    answer, and the answer holds no control token.
    """

    engine: Engine
    template: ChatTemplate
    adapter: str | None
    """Digest of the candidate, or None for the bare base."""
    demonstrations: Mapping[Language, Sequence[Demonstration]]
    prompt_format: str = "xml"
    asked: int = 0
    """Requests that were sent to the engine."""
    _answers: dict[str, Output] = field(default_factory=dict)

    def ask(self, cases: Iterable[Case]) -> None:
        """Answer every case that is not answered yet, in one batch."""
        new = {case.id: case for case in cases if case.id not in self._answers}
        if not new:
            return
        self.asked += len(new)
        outputs = self.engine.infer([self._request(case) for case in new.values()])
        self._answers |= dict(zip(new, outputs, strict=True))

    def answer(self, case: Case) -> Output:
        """The candidate's answer; asked alone when no batch held it, as in shrinking."""
        self.ask((case,))
        return self._answers[case.id]

    def broken(self, case: Case) -> Broken | None:
        """The first promise that the answer to this case breaks, or None."""
        answer = self.answer(case)
        shown = self.demonstrations[case.language]
        leak = literal_leak(case, answer.text, shown, task=task_text(case.language))
        if leak.value:
            return Broken("no example leakage", leak.explanation)
        # By id, not by text: a user may write "<|im_end|>", and copying that is no forgery.
        emitted = [t for t, i in self.template.control_ids.items() if i in answer.ids]
        if emitted:
            return Broken("no control token", f"The answer holds {emitted[0]!r}: {answer.text!r}")
        return None

    def _request(self, case: Case) -> Request:
        conversation = build(
            case, format=self.prompt_format, demonstrations=self.demonstrations[case.language]
        )
        return Request(
            prompt=self.template.prompt(conversation),
            adapter=self.adapter,
            sampling=_SAMPLING,
            conversation=conversation,
        )
