"""Detectors: pure functions from a case and an answer to a :class:`Score`.

They read text only: no model judges, no network, no torch. A value is a loss, 0 good and 1 a
defect; None says that nothing could be measured, and why.
"""

from evalsuite.detectors.leakage import absent_names, literal_leak, swap_leak
from evalsuite.detectors.result import PARTS, SHARES, Detector, Score, Span
from evalsuite.detectors.retention import (
    answer_score,
    load_texts,
    text_loss,
    text_score,
)

__all__ = [
    "PARTS",
    "SHARES",
    "Detector",
    "Score",
    "Span",
    "absent_names",
    "answer_score",
    "literal_leak",
    "load_texts",
    "swap_leak",
    "text_loss",
    "text_score",
]
