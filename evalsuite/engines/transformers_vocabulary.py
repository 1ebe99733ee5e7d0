"""Vocabularies that training resized: an adapter's file then holds the whole matrices.

peft saves the matrices at both ends of a model whose vocabulary was resized, or one of whose ends
is adapted. Rows that the file does not hold were learned and are lost, so that is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

import torch
from transformers import PreTrainedModel

from evalsuite.errors import AdapterUnfit
from evalsuite.models import AdapterRef

_PREFIX: Final = "base_model.model."
_FORMS: Final = (".weight", ".base_layer.weight", ".token_adapter.base_layer.weight")
_ROWS: Final = ".token_adapter.trainable_tokens_delta"


def _ends(model: PreTrainedModel) -> Iterator[str]:
    """The names of the modules at which token ids come in and go out."""
    ends = [e for e in (model.get_input_embeddings(), model.get_output_embeddings()) if e]
    for name, module in model.named_modules():
        if any(module is end for end in ends):
            yield name


def vocabulary_tensors(
    model: PreTrainedModel, weights: Mapping[str, torch.Tensor]
) -> dict[str, str]:
    """Return the tensors of a file that are whole matrices of the vocabulary: name -> module.

    Args:
        model: the base, without an adapter.
        weights: of the adapter.
    """
    return {
        f"{_PREFIX}{end}{form}": end
        for end in _ends(model)
        for form in _FORMS
        if f"{_PREFIX}{end}{form}" in weights
    }


def spare_copies(
    vocabulary: Mapping[str, str], places: Collection[str], weights: Mapping[str, torch.Tensor]
) -> set[str]:
    """Names of copies that peft saves beside trained parts of the vocabulary, and never loads.

    A copy that differs from what is loaded is none.

    Args:
        vocabulary: see :func:`vocabulary_tensors`.
        places: names of the tensors that peft has a place for.
        weights: of the adapter.
    """
    found = set()
    for name, end in vocabulary.items():
        own = f"{_PREFIX}{end}"
        if name in places:
            found.add(f"{own}.original_module.weight")
            found |= _same(f"{own}.modules_to_save.weight", (name,), weights)
        if f"{own}{_ROWS}" not in places:
            rows = [place for place in places if place.endswith(_ROWS)]
            found |= _same(f"{own}{_ROWS}", rows, weights)
    return found


def _same(name: str, others: Iterable[str], weights: Mapping[str, torch.Tensor]) -> set[str]:
    tensor = weights.get(name)
    known = (weights[other] for other in others if other in weights)
    equal = tensor is not None and any(torch.equal(tensor, one) for one in known)
    return {name} if equal else set()


def resize(
    model: PreTrainedModel, adapter: AdapterRef, weights: Mapping[str, torch.Tensor]
) -> None:
    """Give the base as many rows as the adapter's own matrices have.

    Args:
        model: the base, without an adapter.
        adapter: whose tensors these are.
        weights: of the adapter.

    Raises:
        AdapterUnfit: the file has rows for one end only, or for tokens that no end has.
    """
    ends = tuple(_ends(model))
    embedding: Any = model.get_input_embeddings()
    have = int(embedding.weight.shape[0])
    given = {
        end: int(weights[name].shape[0])
        for end in ends
        for name in (f"{_PREFIX}{end}{form}" for form in _FORMS)
        if name in weights
    }
    _check_token_ids(adapter, max([have, *given.values()]))
    rows = set(given.values()) - {have}
    if not rows:
        return
    tied = _tied(model)
    lacking = [] if tied else [end for end in ends if given.get(end) not in rows]
    if len(rows) > 1 or lacking or (tied and len(set(given.values())) > 1):
        raise AdapterUnfit(
            f"adapter {str(adapter.path)!r} was trained after the vocabulary was resized from "
            f"{have} to {sorted(rows)} rows, but its file holds the new rows of "
            f"{sorted(given)} only, not of {lacking or list(ends)}; save it with "
            "save_embedding_layers=True, or give the resized model as the base"
        )
    model.resize_token_embeddings(rows.pop(), mean_resizing=False)


def _tied(model: PreTrainedModel) -> bool:
    output: Any = model.get_output_embeddings()
    return output is None or output.weight is model.get_input_embeddings().weight


def _check_token_ids(adapter: AdapterRef, rows: int) -> None:
    trained = adapter.config.trainable_token_indices or ()
    named = trained.values() if isinstance(trained, dict) else [trained]
    beyond = sorted(i for ids in named for i in ids if i >= rows)
    if beyond:
        raise AdapterUnfit(
            f"adapter {str(adapter.path)!r}: trainable_token_indices={beyond[:3]} lie beyond the "
            f"{rows} rows of the base: it was trained after resize_token_embeddings; give the "
            "resized model as the base"
        )
