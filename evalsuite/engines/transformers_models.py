"""Whole models as candidates: loaded beside their base, and proof that they are no copy of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from evalsuite.engines.liveness import OF_MODELS, Check, LivenessCheck, LivenessReport
from evalsuite.engines.numerics import Device, Dtype, Numerics
from evalsuite.engines.transformers_liveness import MIN_CHANGE, Examined, finite, probes_of
from evalsuite.engines.transformers_loading import (
    Prompts,
    distance,
    load_base,
    load_whole,
    logits_of,
    ready,
)
from evalsuite.errors import AdapterUnfit, ModelError, UnsafeAdapter
from evalsuite.models import BaseRef, ModelRef, read_model
from evalsuite.template import ChatTemplate
from evalsuite.template.beside import same_vocabulary

_MEASURED = Numerics(Device.CPU, Dtype.FLOAT32)
"""As adapters are measured: what differs is the weights, and no rounding."""


@dataclass(frozen=True, slots=True)
class _Compared:
    """A candidate, and how far it is from its base."""

    model: PreTrainedModel
    change: float
    """Largest change of a logit, in standard deviations of the base's."""


def load_model(candidate: ModelRef, numerics: Numerics) -> PreTrainedModel:
    """Load a whole model, every weight of its files into a place of its own.

    Raises:
        ModelError: the files changed, or do not load.
        AdapterUnfit: a weight has no place.
        EngineError: it cannot be done on this machine, now.
    """
    if read_model(candidate.path).digest != candidate.digest:
        raise ModelError(
            f"candidate {str(candidate.path)!r} changed since it was read; read it again"
        )
    model, unplaced = load_whole(candidate.model, numerics, called="candidate")
    if unplaced:
        raise AdapterUnfit(
            f"candidate {str(candidate.path)!r}: {len(unplaced)} weights have no place in its "
            f"architecture, such as {unplaced[0]}{_hint(unplaced)}"
        )
    return model


def _hint(unplaced: tuple[str, ...]) -> str:
    if any("lora_" in name or "base_layer" in name for name in unplaced):
        return "; it was saved before its adapter was merged: merge_and_unload() it and save again"
    return "; save it again from the class that its config.json names"


def examine_model(
    base: BaseRef, candidate: ModelRef, numerics: Numerics, template: ChatTemplate
) -> Examined:
    """Load a whole model with its evidence and judge it.

    Makes every check of :data:`~evalsuite.engines.liveness.OF_MODELS`. What cannot be checked
    because an earlier step failed has ``ok`` None.

    Raises:
        EngineError: what says nothing about the candidate, such as a lack of memory.
    """
    vocabulary = _vocabulary(base, candidate, template)
    rows_missing = vocabulary.ok is False
    try:
        found = None if rows_missing else _compare(base, candidate, probes_of(template))
    except (ModelError, UnsafeAdapter) as problem:
        return _not_loaded(candidate, str(problem), vocabulary)
    if found is None:
        return _not_loaded(candidate, None, vocabulary)
    checks = (
        Check(
            LivenessCheck.LOAD_RESULT_CLEAN,
            True,
            "every weight found its place, and every place one",
        ),
        finite(found.model, "in the candidate's files"),
        Check(
            LivenessCheck.LOGITS_DIFFER,
            found.change > MIN_CHANGE,
            f"largest change on the probes {found.change:.3g} standard deviations of the base's "
            f"logits, required above {MIN_CHANGE:g}",
        ),
        vocabulary,
    )
    return Examined(LivenessReport(candidate.digest, checks), ready(found.model, numerics))


def _compare(base: BaseRef, candidate: ModelRef, probes: Prompts) -> _Compared:
    """Ask base and candidate the probes, one after the other: two in fp32 may not fit."""
    before = logits_of(load_base(base, _MEASURED), probes)
    model = load_model(candidate, _MEASURED)
    after = logits_of(model, probes)
    rows = min(before[0].shape[0], after[0].shape[0])
    change = distance([b[:rows] for b in before], [a[:rows] for a in after])
    return _Compared(model, change / float(torch.stack(before).std()))


def _not_loaded(candidate: ModelRef, problem: str | None, vocabulary: Check) -> Examined:
    why = "the candidate did not load" if problem else "the candidate was not loaded"
    loaded = Check(LivenessCheck.LOAD_RESULT_CLEAN, None if problem is None else False,
                   problem or why)  # fmt: skip
    known = {LivenessCheck.LOAD_RESULT_CLEAN: loaded, LivenessCheck.SAME_VOCABULARY: vocabulary}
    checks = tuple(known.get(name, Check(name, None, why)) for name in OF_MODELS)
    return Examined(LivenessReport(candidate.digest, checks), None)


def _vocabulary(base: BaseRef, candidate: ModelRef, template: ChatTemplate) -> Check:
    """Whether the ids of the base's tokenizer mean to the candidate what they mean to the base.

    No where it has too few rows to be asked at all; not known where its own tokenizer has other
    ids, since nobody can say by which of the two it was trained.
    """
    name = LivenessCheck.SAME_VOCABULARY
    rows = _rows(candidate)
    if rows is not None and rows < template.vocab_size:
        return Check(
            name,
            False,
            f"its config.json says vocab_size={rows}, but the base's tokenizer has "
            f"{template.vocab_size} ids; name the base that it was made from",
        )
    found = same_vocabulary(base.path, candidate.path)
    return Check(name, True if found.agrees else None, found.detail)


def _rows(candidate: ModelRef) -> int | None:
    from transformers import PreTrainedConfig

    told, _ = PreTrainedConfig.get_config_dict(candidate.path, local_files_only=True)
    text = told.get("text_config")
    value = (text if isinstance(text, dict) else told).get("vocab_size")
    return value if isinstance(value, int) else None
