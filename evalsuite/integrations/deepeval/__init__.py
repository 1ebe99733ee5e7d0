"""evalsuite in deepeval: detectors as metrics, cases and runs as test cases, a local judge.

Importing this package does not import deepeval; the functions do, when they are called. It does set
the variables that keep deepeval quiet (:mod:`evalsuite.integrations.deepeval.loading`), because
people import deepeval's own names right after ours. Metrics read the same detectors as the gates do
and need neither a judge nor a network.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from evalsuite.generation import Sampling
from evalsuite.integrations.deepeval.answered import Answered, Recorded, Swapped
from evalsuite.integrations.deepeval.datasets import (
    answers_of,
    cases_of,
    dataset_of_cases,
    dataset_of_run,
    write_cases,
)
from evalsuite.integrations.deepeval.loading import hush
from evalsuite.integrations.deepeval.scoring import DETECTORS, Known, scorer
from evalsuite.integrations.deepeval.testcases import (
    conversational_golden,
    conversational_test_case,
    golden,
    llm_test_case,
    read,
)
from evalsuite.models import AdapterRef, BaseRef

if TYPE_CHECKING:
    from evalsuite.integrations.deepeval.judgemodel import EngineJudge
    from evalsuite.integrations.deepeval.metrics import (
        ConversationalDetectorMetric,
        DetectorMetric,
    )

__all__ = [
    "DETECTORS",
    "Answered",
    "Known",
    "Recorded",
    "Swapped",
    "answers_of",
    "cases_of",
    "conversational_golden",
    "conversational_metric",
    "conversational_test_case",
    "dataset_of_cases",
    "dataset_of_run",
    "golden",
    "judge",
    "llm_test_case",
    "metric",
    "read",
    "write_cases",
]

hush(os.environ, imported="deepeval" in sys.modules)


def metric(name: str, *, known: Known | None = None, threshold: float = 1.0) -> DetectorMetric:
    """Return a detector as a deepeval metric for single-turn test cases.

    Args:
        name: one of :data:`DETECTORS`.
        known: what test cases do not say themselves, such as the chat template.
        threshold: the least score that passes; 1 tolerates no defect.

    Returns:
        A :class:`~evalsuite.integrations.deepeval.metrics.DetectorMetric`.

    Raises:
        InvalidInput: no detector of that name, or a threshold outside 0 to 1.
        MissingDependency: deepeval is not installed.
    """
    from evalsuite.integrations.deepeval.metrics import DetectorMetric

    return DetectorMetric(scorer(name, known), threshold)


def conversational_metric(
    name: str, *, known: Known | None = None, threshold: float = 1.0
) -> ConversationalDetectorMetric:
    """Return a detector as a deepeval metric for conversational test cases; see :func:`metric`."""
    from evalsuite.integrations.deepeval.metrics import ConversationalDetectorMetric

    return ConversationalDetectorMetric(scorer(name, known), threshold)


def judge(
    base: str | Path | BaseRef = "nano",
    adapter: AdapterRef | None = None,
    *,
    sampling: Sampling | None = None,
    cache: Path | str | None = None,
) -> EngineJudge:
    """Return a local model as a judge for deepeval's own metrics. Advisory: no gate reads it.

    Args:
        base: the judging model, as ``--base-model`` names it.
        adapter: an adapter of it that judges.
        sampling: how it answers; None: greedily, at most 256 tokens.
        cache: SQLite file of answers; None: the user's own.

    Returns:
        An :class:`~evalsuite.integrations.deepeval.judgemodel.EngineJudge`.

    Raises:
        ModelError: the base cannot be used.
        MissingDependency: deepeval is not installed.
    """
    from evalsuite.integrations.deepeval.judgemodel import open_judge

    return open_judge(base, adapter, sampling=sampling, cache=cache)
