"""What of peft is refused, each with one sentence: why, and what to do instead.

A gate puts an adapter on the base that it was given, merges it, and asks both. What rewrites that
base before training, or is at work on some tokens only, would be measured as something else.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import PlainValidator

_MERGE: Final = "merge it with peft (merge_and_unload) and gate the merged folder as the candidate"
_CONVERTIBLE: Final = frozenset({"pissa", "corda", "olora"})
"""Starts that peft converts to plain LoRA when it saves."""
_REWRITING: Final = frozenset({*_CONVERTIBLE, "loftq", "lora_ga"})
_HARMLESS: Final = frozenset({"gaussian", "orthogonal", "eva", "mica"})
"""Starts that leave the base alone: what was learned since is plain LoRA."""
_OTHER_KINDS: Final = MappingProxyType(
    {
        "TRAINABLE_TOKENS": "rows of an embedding alone are read as trainable_token_indices of a "
        "LORA adapter",
        "PROMPT_TUNING": "virtual tokens cannot be merged into weights",
        "PREFIX_TUNING": "virtual tokens cannot be merged into weights",
        "P_TUNING": "virtual tokens cannot be merged into weights",
        "CPT": "virtual tokens cannot be merged into weights",
        "CARTRIDGE": "virtual tokens cannot be merged into weights",
        "MULTITASK_PROMPT_TUNING": "virtual tokens cannot be merged into weights",
    }
)
_REFUSED: Final = MappingProxyType(
    {
        "alora_invocation_tokens": "an activated LoRA is at work only after its invocation tokens, "
        "so it has no merged form and is not measured here; train a plain LoRA instead",
        "arrow_config": "Arrow routes among several adapters token by token, so there is no one "
        "adapter to gate; gate each of them by itself",
        "kasa_config": "KaSA cuts singular values off the base's own matrices before it adds "
        f"anything, so the base would be another one; {_MERGE}",
        "layer_replication": "it repeats layers of the base, so the base would be another model; "
        f"{_MERGE}",
        "megatron_config": "Megatron's parallel layers are not loaded here; save the adapter for "
        "plain linear layers",
        "monteclora_config": "MonteCLoRA draws its weights anew, so no answer would repeat; "
        f"{_MERGE}",
        "use_bdlora": "block-diagonal LoRA has matrices of another form; convert it to a plain "
        f"LoRA, or {_MERGE}",
        "use_qalora": "QA-LoRA pools the inputs of a quantised base, whose kernels are not run "
        f"here; {_MERGE}",
    }
)


def _start(value: object) -> bool | str:
    """Read ``init_lora_weights``; what a start left in the base decides, not its name alone."""
    name = value.lower() if isinstance(value, str) else value
    family = name.partition("_niter_")[0] if isinstance(name, str) else ""
    if isinstance(name, bool) or name in _HARMLESS:
        return name
    if family in _CONVERTIBLE:
        raise ValueError(
            "this start moves a part of the base's weights into the adapter, so it does not fit "
            "the base as it is published; save it as a plain LoRA with peft "
            "(save_pretrained(DIR, path_initial_model_for_weight_conversion=START)), or "
            f"{_MERGE}"
        )
    if family in _REWRITING:
        raise ValueError(
            "this start changes the base's weights, so the adapter does not fit the base as it is "
            "published; give the base that was saved with it and write init_lora_weights=true, "
            f"or {_MERGE}"
        )
    known = ", ".join(sorted(_HARMLESS))
    raise ValueError(
        f"this start is unknown; true, false, {known} leave the base as it is. {_MERGE}"
    )


def checked_kind(value: object) -> Literal["LORA"]:
    """Read ``peft_type``.

    Raises:
        ValueError: it is another method; says whether and how it can be gated.
    """
    if value == "LORA":
        return "LORA"
    why = _OTHER_KINDS.get(str(value))
    if why is None:
        raise ValueError(f"only LORA (LoRA, DoRA, rsLoRA) is put on a base here; {_MERGE}")
    if "virtual" in why:
        raise ValueError(f"only LORA is gated: {why}; train a LoRA instead")
    raise ValueError(f"only LORA is gated: {why}; or {_MERGE}")


def refused(key: str) -> PlainValidator:
    """Return a validator that takes a key as unset, or refuses it with its sentence."""

    def unset(value: object) -> None:
        if value:
            raise ValueError(_REFUSED[key])

    return PlainValidator(unset)


Start = Annotated[bool | str, PlainValidator(_start)]
