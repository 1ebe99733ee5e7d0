"""An engine that remembers: answers are looked up before any model is loaded.

The key is the content of the question: the inner engine's identity, the adapter's digest, the ids
and the sampling. Answers are stored batch by batch as they arrive, so a run that was killed goes
on where it stopped, and a run that is repeated loads no model at all.
"""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from evalsuite.engines.liveness import ChecksLiveness, LivenessReport
from evalsuite.engines.planning import effective_sampling
from evalsuite.engines.sealing import cache_key
from evalsuite.engines.store import Store
from evalsuite.errors import EngineError
from evalsuite.generation import Engine, Finish, Output, Request

CHUNK: Final = 256
"""Requests between two commits, for an engine that does not say when a batch is done."""


@runtime_checkable
class Streams(Protocol):
    """An engine that hands over answers as its batches finish."""

    def stream(
        self, requests: Sequence[Request], known: Collection[int] = frozenset()
    ) -> Iterator[tuple[tuple[int, ...], list[Output]]]:
        """Yield positions in ``requests`` and their outputs, at least those not ``known``."""


class CachingEngine:
    """Answers from a file, and asks another engine for the rest.

    Args:
        inner: The other engine, or a function that builds it; the function is called at most
            once, when the first answer is missing.
        path: The SQLite file.
        identity: The inner engine's identity; may be left out when ``inner`` is an engine.

    Raises:
        EngineError: a function without an identity.
        RunStorageError: the file cannot be used.
    """

    name = "cache"

    def __init__(
        self, inner: Engine | Callable[[], Engine], path: Path | str, identity: str | None = None
    ) -> None:
        self._inner: Engine | None = inner if isinstance(inner, Engine) else None
        self._build = inner if not isinstance(inner, Engine) else None
        if identity is None:
            if self._inner is None:
                raise EngineError("identity is missing; give the identity of the engine to build")
            identity = self._inner.identity
        self.identity = identity
        """The inner engine's: remembering changes no answer."""
        self.hits = 0
        """Requests answered from the file."""
        self.misses = 0
        """Requests that the inner engine answered."""
        self._released_calls = 0
        self.unsealed = 0
        """Requests answered from the file by entries without the seal of this machine's key."""
        self._store = Store(Path(path), cache_key())

    @property
    def calls(self) -> int:
        """Batches that a model has run in this process; 0 when everything was remembered."""
        return self._released_calls + int(getattr(self._inner, "calls", 0))

    @property
    def loaded(self) -> bool:
        """Whether the inner engine exists."""
        return self._inner is not None

    @property
    def remarks(self) -> tuple[str, ...]:
        """What people should know of how the answers were made; kept beside them."""
        key = self._remarks_key
        found = self._store.get([key]).get(key, [])
        if not isinstance(found, list):
            raise self._store.broken(f"remarks have the wrong form ({found!r} is no list)")
        return tuple(map(str, found))

    @property
    def _remarks_key(self) -> str:
        return _digest(["remarks", self.identity])

    def infer(self, requests: Sequence[Request]) -> list[Output]:
        """Answer every request, each distinct one at most once.

        Raises:
            EngineError: the inner engine failed; what it finished before is kept.
            RunStorageError: the file cannot be read or written.
        """
        keys = [request_key(self.identity, request) for request in requests]
        known = self._outputs(list(dict.fromkeys(keys)))
        self.hits += sum(key in known for key in keys)
        self.misses += sum(key not in known for key in keys)
        sealed = self._store.sealed(list(known))
        self.unsealed += sum(key in known and key not in sealed for key in keys)
        distinct = dict(zip(keys, requests, strict=True))
        if len(known) < len(distinct):
            known.update(self._ask(distinct, known))
        return [known[key] for key in keys]

    def liveness(self, adapter: str) -> LivenessReport:
        """Return the inner engine's report on an adapter, from the file when it is there.

        Raises:
            EngineError: the inner engine does not examine adapters, or does not hold this one.
        """
        key = _digest(["liveness", self.identity, adapter])
        found = self._store.get([key])
        if key not in found:
            inner = self._engine()
            if not isinstance(inner, ChecksLiveness):
                raise EngineError(f"engine {inner.name!r} does not examine adapters; use another")
            self._store.put({key: inner.liveness(adapter).to_json()})
            # Read back: of several processes the first answer stored is the one that all return.
            found = self._store.get([key])
        try:
            return LivenessReport.from_json(found[key])
        except (KeyError, TypeError, ValueError) as problem:
            told = f"a liveness report has the wrong form ({problem})"
            raise self._store.broken(told) from None

    def release(self) -> None:
        """Let the inner engine and its memory go; it is built again when an answer is missing."""
        if self._build is not None:
            # Counted on: a run tells how many batches a model ran, however often it was loaded.
            self._released_calls = self.calls
            self._inner = None
            gc.collect()

    def close(self) -> None:
        """Close the file; the engine cannot be used afterwards."""
        self._store.close()

    def _engine(self) -> Engine:
        if self._inner is None:
            assert self._build is not None
            built = self._build()
            if built.identity != self.identity:
                raise EngineError(
                    f"the engine {built.name!r} that was built has identity {built.identity}, the "
                    f"cache was opened for {self.identity}; build both from the same settings"
                )
            self._inner = built
        return self._inner

    def _ask(self, requests: Mapping[str, Request], known: Collection[str]) -> dict[str, Output]:
        answers: dict[str, Output] = {}
        keys = list(requests)
        places = {i for i, key in enumerate(keys) if key in known}
        for positions, outputs in _batches(self._engine(), list(requests.values()), places):
            batch = {keys[i]: o for i, o in zip(positions, outputs, strict=True)}
            made: dict[str, object] = {key: output_json(o) for key, o in batch.items()}
            said = getattr(self._inner, "remarks", ())
            self._store.put(made | ({self._remarks_key: list(said)} if said else {}))
            # Another process may have been first; its answer is the one on record.
            answers.update(self._outputs(list(batch)))
        return answers

    def _outputs(self, keys: list[str]) -> dict[str, Output]:
        try:
            return {k: output_from_json(v) for k, v in self._store.get(keys).items()}
        except (KeyError, TypeError, ValueError) as problem:
            raise self._store.broken(f"an answer has the wrong form ({problem})") from None


def _batches(
    engine: Engine, requests: Sequence[Request], known: Collection[int]
) -> Iterator[tuple[tuple[int, ...], list[Output]]]:
    if isinstance(engine, Streams):
        # It gets the known ones too: answers in low precision depend on what is batched together.
        yield from engine.stream(requests, known)
        return
    missing = [i for i in range(len(requests)) if i not in known]
    for start in range(0, len(missing), CHUNK):
        chunk = tuple(missing[start : start + CHUNK])
        yield chunk, engine.infer([requests[i] for i in chunk])


def request_key(identity: str, request: Request) -> str:
    """Return the SHA-256 of everything that decides the answer to a request."""
    sampling = effective_sampling(request)
    return _digest(
        [
            "output",
            identity,
            request.adapter,
            request.prompt,
            request.target,
            [sampling.max_tokens, sampling.temperature, sampling.seed],
        ]
    )


def _digest(content: list[object]) -> str:
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


def output_json(output: Output) -> dict[str, object]:
    """Return plain JSON values; :func:`output_from_json` is the inverse."""
    return {
        "text": output.text,
        "ids": list(output.ids),
        "finish": str(output.finish),
        "logprobs": list(output.logprobs),
    }


def output_from_json(value: object) -> Output:
    """Build an output from what :func:`output_json` returned.

    Raises:
        KeyError, TypeError, ValueError: it is something else.
    """
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no object")
    return Output(
        text=str(value["text"]),
        ids=tuple(map(int, _numbers(value["ids"]))),
        finish=Finish(value["finish"]),
        logprobs=tuple(map(float, _numbers(value["logprobs"]))),
    )


def _numbers(value: object) -> list[int | float]:
    if not isinstance(value, list) or not all(isinstance(n, int | float) for n in value):
        raise TypeError(f"{value!r} is no list of numbers")
    return value
