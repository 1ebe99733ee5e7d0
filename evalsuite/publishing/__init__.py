"""Publishing: a finished run in the formats of the places where models are kept.

A section of a model card, the hub's ``.eval_results/*.yaml`` and an MLflow tracking store. All of
them say what the run says, whatever its verdict was.
"""

from evalsuite.publishing.card import card_section
from evalsuite.publishing.cardfile import BEGIN, END, prepare_card, with_section
from evalsuite.publishing.evalresults import (
    EVAL_RESULTS,
    PANELS,
    eval_results,
    eval_results_yaml,
    prepare_eval_results,
)
from evalsuite.publishing.facts import matching_record, run_digest
from evalsuite.publishing.mlflow_store import Tracked, track
from evalsuite.publishing.pendingfile import PendingFile

__all__ = [
    "BEGIN",
    "END",
    "EVAL_RESULTS",
    "PANELS",
    "PendingFile",
    "Tracked",
    "card_section",
    "eval_results",
    "eval_results_yaml",
    "matching_record",
    "prepare_card",
    "prepare_eval_results",
    "run_digest",
    "track",
    "with_section",
]
