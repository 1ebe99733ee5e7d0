"""A base that stays loaded while its candidates come and go."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evalsuite.engines.numerics import Numerics
from evalsuite.generation import Engine
from evalsuite.models import BaseRef, Tuned


class Resident:
    """Hands out one engine again and again, with other candidates each time.

    What is handed out answers as a fresh engine would: no candidate, and no batch size that an
    earlier one needed, is left in it.
    """

    def __init__(self) -> None:
        self._engine: Engine | None = None

    def engine(
        self,
        base: BaseRef,
        candidates: Sequence[Tuned],
        numerics: Numerics,
        progress: Callable[[int, int], None] | None,
    ) -> Engine:
        """Return an engine with this base and these candidates; the base is loaded once.

        Raises:
            ModelError, EngineError, TemplateError: it cannot be made.
        """
        # Imported here: it loads torch.
        from evalsuite.engines.transformers import TransformersEngine

        engine = self._engine
        if isinstance(engine, TransformersEngine) and (engine.base, engine.numerics) == (
            base,
            numerics,
        ):
            engine.serve(candidates, progress)
            return engine
        self._engine = None  # before another one is loaded beside it
        self._engine = TransformersEngine(base, candidates, numerics, progress=progress)
        return self._engine

    def release(self) -> None:
        """Let the base and its memory go; it is loaded again when somebody asks."""
        self._engine = None
