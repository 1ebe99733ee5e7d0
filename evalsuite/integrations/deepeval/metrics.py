"""The two adapters: any detector as a metric for test cases, and for conversational test cases.

Importing this module imports deepeval, because the classes derive from its own; ask for metrics
through :func:`evalsuite.integrations.deepeval.metric`.
"""

from __future__ import annotations

from evalsuite.detectors import Score
from evalsuite.errors import EvalsuiteError, InvalidInput, NotMeasured
from evalsuite.integrations.deepeval.loading import load
from evalsuite.integrations.deepeval.scoring import Scorer
from evalsuite.integrations.deepeval.testcases import TestCase, read
from evalsuite.report.safetext import one_line, visible

_metrics = load("metrics")


class _Measuring:
    """What both shapes do: read the test case, ask the detector, say what it said."""

    def __init__(self, detector: Scorer, threshold: float = 1.0) -> None:
        if not 0.0 <= threshold <= 1.0:
            raise InvalidInput(f"threshold={threshold} must lie between 0 and 1")
        # deepeval copies a metric by calling its class with the attributes that are parameters.
        self.detector = detector
        self.threshold = threshold
        self.score: float | None = None
        self.reason: str | None = None
        self.error: str | None = None
        self.success: bool | None = None
        self.skipped = False
        self.score_breakdown: dict[str, float] | None = None
        self.verbose_logs: str | None = None

    @property
    def __name__(self) -> str:
        return f"evalsuite {self.detector.name}"

    def measure(self, test_case: TestCase, *_given: object, **_options: object) -> float:
        """Return 1 minus the detector's loss; the reason is the detector's explanation.

        Raises:
            NotMeasured: the detector could not judge. The score stays None, ``error`` holds the
                reason and ``is_successful()`` is false. ``evaluate`` goes on to the next test case
                only with ``ErrorConfig(ignore_errors=True)``; no option turns this into a skip,
                since deepeval counts a conversation whose metrics were all skipped as passed.
            InvalidCase: the test case cannot be read.
        """
        self._clear()
        try:
            score = self.detector.score(read(test_case))
            if score.value is None:
                raise NotMeasured(f"{self.detector.name} was not measured: {score.explanation}")
        except EvalsuiteError as problem:
            self.error = visible(str(problem))
            self.success = False
            raise
        return self._take(score, score.value)

    async def a_measure(self, test_case: TestCase, *_given: object, **_options: object) -> float:
        """The same; a detector waits for nothing."""
        return self.measure(test_case)

    def is_successful(self) -> bool:
        """Whether the last test case was measured and its score reaches the threshold."""
        measured = self.error is None and self.score is not None
        self.success = measured and self.score is not None and self.score >= self.threshold
        return self.success

    def _clear(self) -> None:
        self.score = self.reason = self.error = self.success = None
        self.score_breakdown = self.verbose_logs = None
        self.skipped = False

    def _take(self, score: Score, loss: float) -> float:
        self.score = 1.0 - loss
        self.reason = visible(score.explanation)
        self.score_breakdown = {score.detector: self.score}
        self.verbose_logs = "\n".join(
            f"{span.start}-{span.end}: {one_line(span.label)}" for span in score.spans
        )
        self.is_successful()
        return self.score


class DetectorMetric(_Measuring, _metrics.BaseMetric):  # type: ignore[misc, name-defined]  # deepeval's, untyped
    """A detector as a metric for ``LLMTestCase``."""


class ConversationalDetectorMetric(
    _Measuring,
    _metrics.BaseConversationalMetric,  # type: ignore[misc, name-defined]  # deepeval's, untyped
):
    """A detector as a metric for ``ConversationalTestCase``: the last turn is what it judges."""
