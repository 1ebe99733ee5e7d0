"""Proof that an adapter is at work in the model that will be scored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import torch

from evalsuite.conversation import Conversation, Message, Role
from evalsuite.engines.liveness import OF_ADAPTERS, Check, LivenessCheck, LivenessReport
from evalsuite.engines.numerics import Numerics
from evalsuite.engines.transformers_decoding import Model
from evalsuite.engines.transformers_loading import Evidence, Prompts, load_candidate
from evalsuite.errors import AdapterUnfit, BaseMismatch, UnsafeAdapter
from evalsuite.models import AdapterRef, BaseRef
from evalsuite.template import ChatTemplate

MIN_CHANGE: Final = 1e-3
"""Logits that move less than this on every probe do not move. In standard deviations of the base's
logits, in fp32, where noise is about 1e-5."""
MERGE_TOLERANCE: Final = 1e-2
"""Merging in fp32 moves logits by far less (same unit); a wrong merge by far more."""

# In both languages, and one of the kind that an adapter for this task must react to.
_PROBES: Final = (
    "Who wrote it, and when was it finished?",
    "它的长度是多少？",
    "Rewrite the last question so that it stands alone: What about the second one?",
)


@dataclass(frozen=True, slots=True)
class Examined:
    """A report, and the merged model when there is one and it is wanted."""

    report: LivenessReport
    model: Model | None


def examine(
    base: BaseRef, adapter: AdapterRef, numerics: Numerics, template: ChatTemplate
) -> Examined:
    """Load an adapter with its evidence and judge it.

    Makes every check of an adapter, in order. What cannot be checked because an earlier step
    failed has ``ok`` None.

    Raises:
        ModelError, EngineError: what says nothing about the adapter, such as a lack of memory or a
            broken base. A report is remembered; these are not.
    """
    recorded = _base_as_recorded(base, adapter)
    try:
        # Only merging shows whether the adapter can be merged, however it will run.
        merged = replace(numerics, merged=True)
        model, evidence = load_candidate(base, adapter, merged, probes_of(template))
    except (AdapterUnfit, BaseMismatch, UnsafeAdapter) as problem:
        unknown = [
            Check(name, None, "the adapter did not load")
            for name in OF_ADAPTERS
            if name not in (LivenessCheck.LOAD_RESULT_CLEAN, LivenessCheck.BASE_AS_RECORDED)
        ]
        failed = Check(LivenessCheck.LOAD_RESULT_CLEAN, False, str(problem))
        return Examined(LivenessReport(adapter.digest, (failed, recorded, *unknown)), None)
    loaded = Check(
        LivenessCheck.LOAD_RESULT_CLEAN, True, "every weight found its place, and every place one"
    )
    checks = (loaded, recorded, finite(model), *_measured(evidence))
    report = LivenessReport(adapter.digest, checks)
    return Examined(report, model if numerics.merged else None)


def probes_of(template: ChatTemplate) -> Prompts:
    """Return the prompts on which a change is measured."""
    return tuple(template.prompt(Conversation((Message(Role.USER, text),))) for text in _PROBES)


def _base_as_recorded(base: BaseRef, adapter: AdapterRef) -> Check:
    name = LivenessCheck.BASE_AS_RECORDED
    if adapter.provenance is None:
        return Check(name, None, "the adapter folder does not record the base it was trained on")
    recorded = adapter.provenance.base_digest
    if recorded == base.digest:
        return Check(name, True, f"trained on {base.digest}")
    return Check(name, False, f"trained on {recorded}, loaded into {base.digest}")


def finite(model: Model, where: str = "after merging") -> Check:
    """Whether every weight of a model is a number."""
    for name, weight in model.named_parameters():
        if not bool(torch.isfinite(weight).all()):
            return Check(
                LivenessCheck.WEIGHTS_FINITE,
                False,
                f"{name} holds NaN or an infinity {where}",
            )
    return Check(LivenessCheck.WEIGHTS_FINITE, True, "all weights of the merged model are finite")


def _measured(evidence: Evidence | None) -> tuple[Check, ...]:
    if evidence is None:
        return ()
    change, error = evidence.change, evidence.merge_error
    return (
        Check(
            LivenessCheck.LOGITS_DIFFER,
            change > MIN_CHANGE,
            f"largest change on {len(_PROBES)} probes {change:.3g} standard deviations of the "
            f"base's logits, required above {MIN_CHANGE:g}",
        ),
        Check(
            LivenessCheck.DETACHING_RESTORES_BASE,
            evidence.detached_exactly,
            _detaching(evidence),
        ),
        Check(
            LivenessCheck.MERGE_FAITHFUL,
            error <= MERGE_TOLERANCE,
            f"merging in fp32 moved logits by {error:.3g} standard deviations, allowed "
            f"{MERGE_TOLERANCE:g}",
        ),
    )


def _detaching(evidence: Evidence) -> str:
    if not evidence.detached_exactly:
        return "logits without the adapter differ from the base's"
    said = "logits without the adapter equal the base's bit by bit"
    if not evidence.replaced:
        return said
    names = ", ".join(evidence.replaced[:3])
    return (
        f"{said}, once {len(evidence.replaced)} weights of the base are put back that its file "
        f"holds anew ({names}); serve it merged: a server that switches adapters keeps them"
    )
