"""How a whole model will be asked where it is served, beside how it was asked here."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from evalsuite.detectors import Detector, Score
from evalsuite.models import BaseRef, ModelRef
from evalsuite.pipeline.inputs import Inputs
from evalsuite.template import ChatTemplate, Property, PropertyStatus
from evalsuite.template.beside import same_words


@dataclass(frozen=True)
class _Served:
    """What the comparison hangs on."""

    base: BaseRef
    fingerprint: str
    candidate: str
    """Its digest."""
    folder: Path
    template: ChatTemplate = field(compare=False)


def own_words(inputs: Inputs) -> Score | None:
    """Whether a whole model's own folder speaks as the base does; None: it is an adapter.

    The score takes the place of that of :attr:`Property.TRAIN_EQUALS_SERVE`: loss 0, or unknown
    where the two contradict each other.
    """
    candidate = inputs.adapter
    if not isinstance(candidate, ModelRef):
        return None
    template = inputs.template
    return _compared(
        _Served(inputs.base, template.fingerprint, candidate.digest, candidate.path, template)
    )


@lru_cache(maxsize=4)
def _compared(asked: _Served) -> Score:
    # Every look of a policy needs it.
    name = Property.TRAIN_EQUALS_SERVE.value
    found = same_words(asked.template, asked.folder)
    said = PropertyStatus.HOLDS if found.agrees else PropertyStatus.UNTESTED
    return Score(
        Detector.TEMPLATE_ROUND_TRIP,
        name,
        0.0 if found.agrees else None,
        f"{name}: {said}: {found.detail}",
    )
