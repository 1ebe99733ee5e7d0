"""The engine that runs models in this process, with transformers and torch.

It owns the loaded models and the order of work; what runs together is decided in
:mod:`evalsuite.engines.planning`, one batch is run in :mod:`.transformers_decoding`, and models are
loaded in :mod:`.transformers_loading`. Nothing is loaded before the first request.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Final

import torch

from evalsuite.engines.liveness import LivenessReport
from evalsuite.engines.numerics import Device, Numerics, resolve_numerics, transformers_identity
from evalsuite.engines.planning import Batch, Limits, Memory, items_of, plan
from evalsuite.engines.transformers_alone import answer_alone
from evalsuite.engines.transformers_architecture import (
    Architecture,
    examine_architecture,
    together,
)
from evalsuite.engines.transformers_decoding import Answer, Model, Prefixes, generate, score
from evalsuite.engines.transformers_liveness import examine
from evalsuite.engines.transformers_loading import (
    enough_memory,
    load_base,
    load_candidate,
    out_of_memory,
)
from evalsuite.engines.transformers_models import examine_model, load_model
from evalsuite.errors import EngineError
from evalsuite.generation import Finish, Output, Request
from evalsuite.models import BaseRef, ModelRef, Tuned
from evalsuite.template import load_template, read_tokenizer

BATCH_TOKENS: Final = {Device.CPU: 65_536, Device.CUDA: 262_144}
# What the library's own code raises where a model cannot do what it is asked.
_REFUSALS: Final = (ValueError, TypeError, AttributeError, IndexError, KeyError)
# Bytes of keys and values in one batch, beside the weights of two models; a choice.
_MEMORY: Final = {Device.CPU: 4 * 2**30, Device.CUDA: 16 * 2**30}
# A pass over more tokens is no faster: on a processor its activations leave the caches.
_READING: Final = {Device.CPU: 4096, Device.CUDA: 65_536}
# What one more pass costs, in tokens: little on a processor, a launch of many kernels on CUDA.
_LAUNCH: Final = {Device.CPU: 64, Device.CUDA: 2048}

Progress = Callable[[int, int], None]
"""Called with (requests answered, requests in all) after each batch."""


class TransformersEngine:
    """Answers requests with a base model and merged copies of it, one per adapter.

    Args:
        base: The base model.
        adapters: The adapters, and whole models, that requests may name by digest.
        numerics: Where and how models run; None: as
            :func:`~evalsuite.engines.numerics.resolve_numerics` chooses. Its size of a batch is
            halved, and remembered, whenever memory runs out.
        progress: Called after each batch.
    """

    name = "transformers"

    def __init__(
        self,
        base: BaseRef,
        adapters: Sequence[Tuned] = (),
        numerics: Numerics | None = None,
        *,
        progress: Progress | None = None,
    ) -> None:
        self.base = base
        self.numerics = numerics or resolve_numerics()
        self.template = load_template(base.path, family=base.family)
        self._models: dict[str | None, Model] = {}
        self.serve(adapters, progress)

    def serve(self, adapters: Sequence[Tuned], progress: Progress | None = None) -> None:
        """Begin anew with other adapters; of what is loaded, what they still need is kept.

        Raises:
            TemplateError: a whole model's folder does not say what ends an answer.
        """
        self.adapters = {adapter.digest: adapter for adapter in adapters}
        self.calls = 0
        """Batches that a model has run; 0 as long as no model was needed."""
        self.progress = progress
        where = self.numerics.device
        self.limits = Limits(
            tokens=self.numerics.batch_tokens or BATCH_TOKENS[where],
            reading=_READING[where],
            launch=_LAUNCH[where],
        )
        self.remarks: tuple[str, ...] = ()
        """What people should know of how the model had to be asked; known once it was."""
        self._architectures: dict[str | None, Architecture] = {}
        """Of the base, under None, and of each whole model."""
        wanted = {None, *self.adapters}
        self._models = {name: model for name, model in self._models.items() if name in wanted}
        self._reports: dict[str, LivenessReport] = {}
        own = self.template.generation_stops or ()
        self._stops: dict[str | None, frozenset[int]] = {
            None: frozenset({self.template.stop_id, *own})
        }
        self._stops.update((ref.digest, self._stops_of(ref)) for ref in adapters)

    @property
    def identity(self) -> str:
        """Digest of everything but the request that can change an answer."""
        return transformers_identity(self.base, self.template.fingerprint, self.numerics)

    def infer(self, requests: Sequence[Request]) -> list[Output]:
        """Answer every request; ``result[i]`` belongs to ``requests[i]``.

        Raises:
            EngineError: a prompt is empty, too long or of foreign ids; an adapter is unknown; a
                single row does not fit into memory; inference failed.
            ModelError: the base or an adapter does not load.
        """
        answers: dict[int, Output] = {}
        for indices, outputs in self.stream(requests):
            answers.update(zip(indices, outputs, strict=True))
        return [answers[i] for i in range(len(requests))]

    def stream(
        self, requests: Sequence[Request], known: Collection[int] = frozenset()
    ) -> Iterator[tuple[tuple[int, ...], list[Output]]]:
        """Yield the answers batch by batch: positions in ``requests``, and their outputs.

        Batches are planned over all requests, ``known`` ones included, and a model runs those in
        which an answer of its own is missing: what is remembered never changes what a prompt is
        batched with. A batch that was asked of several models is yielded when all of them ran it.
        """
        wanted = {r.adapter for i, r in enumerate(requests) if i not in known}
        if not wanted:
            return
        self._check_adapters(requests)
        # All models are resident before the first batch, so that the batch size that fits the
        # first of them fits the last one too.
        configs = [self._model(adapter).config for adapter in sorted(wanted, key=str)]
        architecture = self._examined(wanted)
        # An adapter may have brought more tokens than its base has; a prompt may use none of them.
        sizes = [int(config.get_text_config(decoder=True).vocab_size) for config in configs]
        _check_prompts(requests, architecture.context, min(sizes))
        done = 0
        for batch, answers in self._batches(requests, known, max(sizes)):
            indices: list[int] = []
            outputs: list[Output] = []
            for item_no, item in enumerate(batch.items):
                for adapter, places in item.indices:
                    if adapter in answers:
                        output = self._output(answers[adapter][item_no], scoring=batch.scoring)
                        indices.extend(places)
                        outputs.extend([output] * len(places))
            done += sum(place not in known for place in indices)
            if self.progress is not None:
                self.progress(done, len(requests) - len(known))
            if indices:
                yield tuple(indices), outputs

    def liveness(self, adapter: str) -> LivenessReport:
        """Examine an adapter once; see :func:`.transformers_liveness.examine`.

        Raises:
            EngineError: no adapter has this digest.
        """
        if adapter not in self.adapters:
            raise EngineError(f"adapter={adapter!r} is not loaded; have {sorted(self.adapters)}")
        if adapter not in self._reports:
            ref = self.adapters[adapter]
            if isinstance(ref, ModelRef):
                examined = examine_model(self.base, ref, self.numerics, self.template)
            else:
                examined = examine(self.base, ref, self.numerics, self.template)
            self._reports[adapter] = examined.report
            if examined.model is not None:
                self._models[adapter] = examined.model
        return self._reports[adapter]

    def _stops_of(self, tuned: Tuned) -> frozenset[int]:
        """What ends an answer: of a whole model what its own folder says, as a server reads it."""
        if not isinstance(tuned, ModelRef):
            return self._stops[None]
        own = read_tokenizer(tuned.path).stops
        return self._stops[None] if own is None else frozenset({self.template.stop_id, *own})

    def _check_adapters(self, requests: Sequence[Request]) -> None:
        for index, request in enumerate(requests):
            if request.adapter is not None and request.adapter not in self.adapters:
                raise EngineError(
                    f"request {index} names adapter {request.adapter!r}, which this engine does "
                    f"not hold; have {sorted(self.adapters)}"
                )

    def _model(self, adapter: str | None) -> Model:
        if adapter not in self._models:
            if adapter is None:
                self._models[None] = load_base(self.base, self.numerics)
            elif isinstance(ref := self.adapters[adapter], ModelRef):
                self._models[adapter] = load_model(ref, self.numerics)
            else:
                self._models[adapter] = load_candidate(self.base, ref, self.numerics)[0]
        return self._models[adapter]

    def _examined(self, wanted: Collection[str | None]) -> Architecture:
        """How these models are asked, all of them the same batches.

        With an adapter a model is of its base's architecture; a whole model has its own.
        """
        forms = {self._form(adapter): adapter for adapter in sorted(wanted, key=str)}
        for form, adapter in forms.items():
            if form not in self._architectures:
                with enough_memory("a trial of the model"):
                    self._architectures[form] = examine_architecture(self._model(adapter))
        found = together([self._architectures[form] for form in forms])
        memory = None
        if found.layers and self.numerics.batch_tokens is None:
            memory = Memory(_MEMORY[self.numerics.device], found.layers)
        self.limits = replace(self.limits, memory=memory, steady=found.steady)
        self.remarks = tuple(dict.fromkeys((*self.remarks, *found.remarks)))
        return found

    def _form(self, adapter: str | None) -> str | None:
        return adapter if isinstance(self.adapters.get(adapter or ""), ModelRef) else None

    def _batches(
        self, requests: Sequence[Request], known: Collection[int], vocab_size: int
    ) -> Iterator[tuple[Batch, dict[str | None, list[Answer]]]]:
        waiting = plan(items_of(requests), self.limits, vocab_size)
        prefixes: dict[str | None, Prefixes] = {}
        while waiting:
            batch = waiting[0]
            answers: dict[str | None, list[Answer]] | None = None
            try:
                answers = {a: self._run(batch, a, prefixes) for a in _missing(batch, known)}
            except (RuntimeError, MemoryError, *_REFUSALS) as problem:
                self._shrink(batch, problem)
            if answers is None:
                # Only here, after the exception and its frames are gone, is their memory free.
                prefixes.clear()
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
                items = [item for later in waiting for item in later.items]
                waiting = plan(items, self.limits, vocab_size)
                continue
            yield batch, answers
            waiting = waiting[1:]

    def _run(
        self, batch: Batch, adapter: str | None, prefixes: dict[str | None, Prefixes]
    ) -> list[Answer]:
        self.calls += 1
        try:
            model = self._model(adapter)
            if batch.alone:
                return [answer_alone(batch.items[0], model, self._stops[adapter])]
            known = prefixes.setdefault(adapter, Prefixes(model))
            known.keep({chunk.prefix for chunk in batch.chunks})
            if batch.scoring:
                return score(batch, known)
            return generate(batch, known, self._stops[adapter])
        except BaseException:
            # Whatever happened inside, this copy and what it computed are not trusted again.
            self._models.pop(adapter, None)
            prefixes.pop(adapter, None)
            raise

    def _shrink(self, batch: Batch, problem: BaseException) -> None:
        if not out_of_memory(problem):
            raise EngineError(
                f"inference of {len(batch.items)} prompts failed: {problem}"
            ) from problem
        if len(batch.items) == 1:
            raise EngineError(
                f"one prompt of {len(batch.items[0].inputs)} tokens does not fit into memory on "
                f"{self.numerics.device}; shorten it or use a larger machine"
            ) from problem
        self.limits = self.limits.halved(batch)

    def _output(self, answer: Answer, *, scoring: bool) -> Output:
        ids = tuple(answer.ids)
        finish = Finish.STOP if answer.stopped else Finish.LENGTH
        return Output(
            text=self.template.answer(ids),
            ids=ids,
            finish=Finish.SCORED if scoring else finish,
            logprobs=tuple(answer.logprobs),
        )


def _missing(batch: Batch, known: Collection[int]) -> tuple[str | None, ...]:
    """The models of a batch of whose answers one is not known yet."""
    wanted = {
        adapter
        for item in batch.items
        for adapter, places in item.indices
        if any(place not in known for place in places)
    }
    return tuple(adapter for adapter in batch.adapters if adapter in wanted)


def _check_prompts(requests: Sequence[Request], window: int, vocab_size: int) -> None:
    for index, request in enumerate(requests):
        target = request.target or ()
        length = len(request.prompt) + max(1, len(target))
        if not request.prompt:
            raise EngineError(f"request {index} has an empty prompt; give at least one token")
        if request.target is not None and not target:
            raise EngineError(f"request {index} has an empty target; give at least one token")
        if length > window:
            raise EngineError(
                f"request {index} does not fit: its prompt has {len(request.prompt)} tokens and "
                f"its target {len(target)}, the context window has {window} and one must stay "
                "free for an answer; shorten the conversation"
            )
        ids = request.prompt + target
        if min(ids) < 0 or max(ids) >= vocab_size:
            raise EngineError(
                f"request {index} holds token ids outside 0..{vocab_size - 1}; it was rendered "
                "with another tokenizer"
            )
