"""The field's metrics of rewriting: how close answers come to references. They decide nothing.

Two scorers are the measure here, RUN's of incomplete utterance rewriting (microsoft/ContextualSP,
``incomplete_utterance_rewriting/src/data_utils.py``) and CREAD's (apple/ml-cread,
``modeling/utils/evaluate.py``), so that figures can stand beside published ones. docs/score.md
gives every definition. BLEU and ROUGE of other scorers need the extra ``metrics``.
"""

from evalsuite.rewrites.metrics.corpus import (
    Line,
    Metrics,
    lines_of,
    measure,
    metrics_of,
)
from evalsuite.rewrites.metrics.libraries import (
    INSTALL,
    missing_libraries,
    rouge_name,
    rouge_scorer,
)
from evalsuite.rewrites.metrics.needs import Needs
from evalsuite.rewrites.metrics.restoration import Counts, Shares, restored
from evalsuite.rewrites.metrics.tokens import Splitting, cread_words, tokens_of
from evalsuite.rewrites.metrics.utterance import Compared, Utterance, compared

__all__ = [
    "INSTALL",
    "Compared",
    "Counts",
    "Line",
    "Metrics",
    "Needs",
    "Shares",
    "Splitting",
    "Utterance",
    "compared",
    "cread_words",
    "lines_of",
    "measure",
    "metrics_of",
    "missing_libraries",
    "restored",
    "rouge_name",
    "rouge_scorer",
    "tokens_of",
]
