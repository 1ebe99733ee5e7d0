"""An engine whose answers are a function of the request: for tests and demonstrations."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from evalsuite.errors import EngineError
from evalsuite.generation import Finish, Output, Request
from evalsuite.template import ChatTemplate


class ScriptedEngine:
    """Answers with what a function says, encoded by a template.

    Args:
        answer: Returns the text for a request; called once per request, in order.
        template: Encodes and decodes the texts.
        score: Returns the log-probability of each target token of a scored request; without it,
            scored requests are an error.
        label: Part of the identity; change it when ``answer`` changes, or a cache will not notice.
    """

    name = "scripted"

    def __init__(
        self,
        answer: Callable[[Request], str],
        template: ChatTemplate,
        *,
        score: Callable[[Request], Sequence[float]] | None = None,
        label: str = "scripted",
    ) -> None:
        self.answer = answer
        self.template = template
        self.score = score
        self.label = label
        self.calls = 0
        """Requests answered."""

    @property
    def identity(self) -> str:
        """Digest over the label and the template."""
        facts = f"scripted\n{self.label}\n{self.template.fingerprint}"
        return hashlib.sha256(facts.encode()).hexdigest()

    def infer(self, requests: Sequence[Request]) -> list[Output]:
        """Answer every request.

        Raises:
            EngineError: a scored request, and no ``score``; or as many scores as there should not
                be.
        """
        return [self._one(index, request) for index, request in enumerate(requests)]

    def _one(self, index: int, request: Request) -> Output:
        self.calls += 1
        if request.target is not None:
            return self._scored(index, request, request.target)
        ids = tuple(self.template.answer_ids(self.answer(request)))
        fits = len(ids) < request.sampling.max_tokens
        ids = ids[: request.sampling.max_tokens]
        return Output(
            text=self.template.answer(ids),
            ids=ids,
            finish=Finish.STOP if fits else Finish.LENGTH,
            logprobs=(0.0,) * (len(ids) + fits),
        )

    def _scored(self, index: int, request: Request, target: tuple[int, ...]) -> Output:
        if self.score is None:
            raise EngineError(
                f"request {index} asks for a score; give this scripted engine score=..."
            )
        values = tuple(float(v) for v in self.score(request))
        if len(values) != len(target):
            raise EngineError(
                f"score returned {len(values)} values for the {len(target)} target tokens of "
                f"request {index}; return one each"
            )
        text = self.template.answer(target)
        return Output(text=text, ids=target, finish=Finish.SCORED, logprobs=values)
