"""A local model as deepeval's judge, answering through evalsuite's engines.

Advisory only: no gate reads what a judge says. A small model often does not answer in the form that
a metric asks for; then nothing was measured, and that is an error and never a score.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

from pydantic import BaseModel

from evalsuite.conversation import Conversation
from evalsuite.engines import open_engine
from evalsuite.errors import InvalidInput, NotMeasured
from evalsuite.generation import Engine, Finish, Output, Request, Sampling
from evalsuite.integrations.deepeval.loading import load
from evalsuite.models import AdapterRef, BaseRef, resolve_base
from evalsuite.pipeline.inputs import default_cache
from evalsuite.report.safetext import one_line
from evalsuite.template import ChatTemplate, load_template

_models = load("models")
Schema: TypeAlias = type[BaseModel]
"""The form of an answer."""
_SAMPLING = Sampling(max_tokens=256)


class EngineJudge(_models.DeepEvalBaseLLM):  # type: ignore[misc, name-defined]  # deepeval's, untyped
    """Answers deepeval's prompts with an engine, each as one user message.

    Args:
        name: what deepeval calls the judge.
        open: builds the engine; called once.
        template: of the model behind it.
        adapter: digest of the adapter that judges; None: the bare base.
        sampling: how it answers; None: greedily, at most 256 tokens.
    """

    def __init__(
        self,
        name: str,
        open: Callable[[], Engine],
        template: ChatTemplate,
        *,
        adapter: str | None = None,
        sampling: Sampling | None = None,
    ) -> None:
        self.template = template
        self.adapter = adapter
        self.sampling = sampling or _SAMPLING
        self._open = open
        # deepeval measures in threads of its own; an engine and its cache belong to one thread.
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="evalsuite-judge")
        super().__init__(name)
        self.name = name

    def load_model(self, *_given: object, **_options: object) -> Engine:
        """Open the engine; a model is loaded when the first answer is missing in its cache."""
        return self._worker.submit(self._open).result()

    def get_model_name(self, *_given: object, **_options: object) -> str:
        """Return the judge's name."""
        return self.name

    def generate(self, prompt: str, schema: Schema | None = None) -> str | BaseModel:
        """Return the model's answer, or what it says in the form of ``schema``.

        Args:
            prompt: the text to answer.
            schema: a pydantic model; None: the text is wanted.

        Raises:
            InvalidInput: a prompt that is no text, or empty.
            TemplateError: a prompt that the model's template cannot carry.
            EngineError: a prompt longer than the context window; inference failed.
            NotMeasured: the answer is not of that schema.
        """
        return self._read(self._worker.submit(self._ask, [prompt]).result()[0], schema)

    async def a_generate(self, prompt: str, schema: Schema | None = None) -> str | BaseModel:
        """The same, while other tasks go on."""
        outputs = await asyncio.wrap_future(self._worker.submit(self._ask, [prompt]))
        return self._read(outputs[0], schema)

    def batch_generate(
        self, prompts: list[str], schemas: Sequence[Schema] | None = None
    ) -> list[str | BaseModel]:
        """Answer many prompts at once; ``schemas``, if given, holds one for each."""
        wanted: Sequence[Schema | None] = schemas or [None] * len(prompts)
        outputs = self._worker.submit(self._ask, prompts).result()
        return [self._read(*pair) for pair in zip(outputs, wanted, strict=True)]

    def _ask(self, prompts: list[str]) -> list[Output]:
        answers: list[Output] = self.model.infer([self._request(prompt) for prompt in prompts])
        return answers

    def _request(self, prompt: str) -> Request:
        if not isinstance(prompt, str) or not prompt.strip():
            raise InvalidInput(f"prompt={prompt!r:.60} must be a text; a judge reads no pictures")
        conversation = self.template.carried(Conversation.of(("user", prompt)))
        return Request(
            prompt=self.template.prompt(conversation),
            adapter=self.adapter,
            sampling=self.sampling,
            conversation=conversation,
        )

    def _read(self, output: Output, schema: Schema | None) -> str | BaseModel:
        if schema is None:
            return output.text
        text = output.text
        start, end = text.find("{"), text.rfind("}") + 1
        try:
            return schema.model_validate_json(text[start:end] if 0 <= start < end else text)
        except ValueError:
            cut = ", and was cut off" if output.finish is Finish.LENGTH else ""
            raise NotMeasured(
                f"the judge {self.name!r} was asked for a {schema.__name__} and answered "
                f'"{one_line(text, 120)}"{cut}; nothing was measured: use a larger model as judge'
            ) from None


def open_judge(
    base: str | Path | BaseRef,
    adapter: AdapterRef | None,
    *,
    sampling: Sampling | None,
    cache: Path | str | None,
) -> EngineJudge:
    """Return a judge over the transformers engine; arguments as of the package's ``judge``.

    Raises:
        ModelError: the base cannot be used.
    """
    ref = base if isinstance(base, BaseRef) else resolve_base(base)
    held = (adapter,) if adapter else ()
    name = f"evalsuite {ref.name}" + (f" with {adapter.digest[:12]}" if adapter else "")
    return EngineJudge(
        name,
        lambda: open_engine(ref, held, cache=cache or default_cache()),
        load_template(ref.path, family=ref.family),
        adapter=adapter.digest if adapter else None,
        sampling=sampling,
    )
