"""The table of formats."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from evalsuite.cases.importers.cast import cast, cast2019
from evalsuite.cases.importers.dialogues import alexa_cqr, canard, mudoco, qrecc, topiocqa
from evalsuite.cases.importers.drafts import Reader
from evalsuite.cases.importers.mapped import mapped_reader
from evalsuite.cases.importers.tables import tsv, tsv_turns

FORMATS: Mapping[str, Reader] = MappingProxyType(
    {
        "canard": canard,
        "qrecc": qrecc,
        "topiocqa": topiocqa,
        "cast2019": cast2019,
        "cast": cast,
        "alexa_cqr": alexa_cqr,
        "mudoco": mudoco,
        "tsv": tsv,
        "tsv_turns": tsv_turns,
        "jsonl": mapped_reader({"query": "query", "history": "history", "rewrite": "rewrite"}),
    }
)
"""Name of a format -> what reads it."""

__all__ = ["FORMATS", "mapped_reader"]
