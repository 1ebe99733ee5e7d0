"""What the judge of a rewrite says: four losses with their reasons, and what follows from them.

A rewrite can go wrong in four ways that a person would mend differently, so they are told apart:
it may name the wrong thing, ask something else, not be a query any more, or touch what had to stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from evalsuite.cases import Case
from evalsuite.detectors import Detector, Score, Span


class Part(StrEnum):
    """What is asked of a rewrite, each a loss of its own."""

    NAMED = "named"
    """The antecedent stands there whole, and nothing that is not meant."""
    KEPT = "kept"
    """Every content word of the query but the reference is still asked, and nothing is added."""
    FORM = "form"
    """Still one query of the same language and sentence type, and nothing around it."""
    UNTOUCHED = "untouched"
    """What had to stay as it was is equal to it, up to Unicode normalisation."""

    @property
    def detector(self) -> Detector:
        """The detector under whose name the loss stands in files."""
        return Detector(self.value)


class Standard(StrEnum):
    """By what a case can be judged, which depends on what is known about its right answers."""

    STAYS = "stays"
    """The query stands alone: only ``untouched`` is asked."""
    AUTHORED = "authored"
    """The case says what must be named, and its author knows the accepted rewrites: golden cases
    and panels. All of named, kept and form decide."""
    EXTRACTIVE = "extractive"
    """Imported; its rewrites only put back words that the history holds (``extractive: true``).
    All of named, kept and form decide; what must be named is read off the accepted rewrites."""
    FREE = "free"
    """Imported; people worded its rewrites as they liked (``free: true`` where it says names too).
    Named and form decide. Words that were lost or added are counted, and mean something only when
    two systems are compared."""
    ANSWERED = "answered"
    """The query is to be answered: only ``named`` is asked, of the fact that the answer states."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason for a loss."""

    reason: str
    """A plain sentence."""
    spans: tuple[Span, ...] = ()
    """What it is about, in the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What was found about one answer.

    A part that is missing in ``findings`` was not asked: of a query that has to stay, only whether
    it did; of a free rewrite, not whether its words were kept.
    """

    standard: Standard
    findings: Mapping[Part, tuple[Finding, ...]]
    """Why each part that was asked is lost; empty: it is not."""
    words_lost: float | None = None
    """Share of the query's content words that the answer no longer asks, 0 to 1; None where the
    query holds none beside its reference, or had to stay."""
    words_new: float | None = None
    """Share of the answer's content words that neither query, accepted rewrites nor history hold,
    0 to 1; None where the answer holds no content word, or the query had to stay."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "findings", MappingProxyType(dict(self.findings)))

    @property
    def right(self) -> bool:
        """Whether no part that was asked is lost."""
        return not any(self.findings.values())

    def loss(self, part: Part) -> float | None:
        """1.0 lost, 0.0 not, None: not asked."""
        found = self.findings.get(part)
        return None if found is None else float(bool(found))

    def scores(self, case: Case) -> Iterator[Score]:
        """The judgement as scores: whether the rewrite is right, its parts, and shares of words."""
        yield _score(Detector.RIGHT, case, [f for found in self.findings.values() for f in found])
        for part in Part:
            if part in self.findings:
                yield _score(part.detector, case, self.findings[part])
        shares = (
            (Detector.WORDS_LOST, self.words_lost, "of the query's content words are lost"),
            (Detector.WORDS_NEW, self.words_new, "of the answer's content words are new"),
        )
        for detector, share, what in shares:
            if share is not None:
                yield Score(detector, case.id, share, f"{share:.0%} {what}.")


_PRAISE: Mapping[Detector, str] = MappingProxyType(
    {
        Detector.RIGHT: "The rewrite is right.",
        Detector.NAMED: "The answer names what is meant and nothing that is not.",
        Detector.KEPT: "The answer asks what the query asks and nothing else.",
        Detector.FORM: "The answer is one query and nothing else.",
        Detector.UNTOUCHED: "The query is unchanged, as it must be.",
    }
)


def _score(detector: Detector, case: Case, findings: tuple[Finding, ...] | list[Finding]) -> Score:
    if not findings:
        return Score(detector, case.id, 0.0, _PRAISE[detector])
    reasons = dict.fromkeys(finding.reason for finding in findings)
    # Each once, and at one place in the order of the findings: a set would order them by chance.
    found = dict.fromkeys(span for finding in findings for span in finding.spans)
    spans = sorted(found, key=lambda span: (span.start, span.end))
    return Score(detector, case.id, 1.0, " ".join(reasons), tuple(spans))
