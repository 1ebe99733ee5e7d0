"""What a base's generation_config.json asks of a server, and a gate leaves out.

A gate takes the likeliest token, so that answers repeat. A server that follows the file may draw
them, or forbid repetitions: users then see other answers than those that were judged.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Final

from evalsuite.models.bases import BaseRef

FILE: Final = "generation_config.json"
_DRAWING: Final = MappingProxyType(
    {
        "temperature": (1.0,), "top_p": (1.0,), "top_k": (0, -1), "min_p": (0.0,),
        "typical_p": (1.0,), "epsilon_cutoff": (0.0,), "eta_cutoff": (0.0,), "top_h": (),
    }
)  # fmt: skip
"""Of interest where answers are drawn at all: key, and the values that change nothing."""
_ALWAYS: Final = MappingProxyType(
    {
        "repetition_penalty": (1.0,), "encoder_repetition_penalty": (1.0,),
        "no_repeat_ngram_size": (0,), "encoder_no_repeat_ngram_size": (0,), "num_beams": (1,),
        "penalty_alpha": (0.0,), "length_penalty": (1.0,), "bad_words_ids": ([],),
        "suppress_tokens": ([],), "begin_suppress_tokens": ([],), "forced_bos_token_id": (),
        "forced_eos_token_id": (), "exponential_decay_length_penalty": (), "sequence_bias": ({},),
        "min_length": (0,), "min_new_tokens": (0,), "guidance_scale": (1.0,),
        "watermarking_config": (),
    }
)  # fmt: skip


def decoding_of(base: BaseRef) -> tuple[str, ...]:
    """Return ``name=value`` of everything that changes an answer and that no gate applies.

    A file that is absent or broken asks for nothing; what is wrong with it the template says.
    """
    try:
        told = json.loads((base.path / FILE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return ()
    if not isinstance(told, dict):
        return ()
    drawn = told.get("do_sample") is True
    # Servers such as vLLM draw by these whatever do_sample says, unless the temperature is 0.
    watched = {**_ALWAYS, **_DRAWING}
    found = [
        f"{name}={json.dumps(value, ensure_ascii=False)[:80]}"
        for name, value in sorted(told.items())
        if name in watched and value is not None and value not in watched[name]
    ]
    return ("do_sample=true", *found) if drawn else tuple(found)
