"""How close a rewrite is to an accepted one: information for people, never a verdict by itself.

Most words of a rewrite are copied from the query, so whole-string overlap flatters every system.
Restoration scores look only at n-grams that hold a restored word, one that the query lacks
(Pan et al., 2019, "Improving Open-Domain Dialogue Systems via Multi-Turn Incomplete Utterance
Restoration").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evalsuite.cases import Case
from evalsuite.detectors.result import Detector, Score
from evalsuite.detectors.text import same, tokens


@dataclass(frozen=True, slots=True)
class RewriteMetrics:
    """Agreement with the best accepted rewrite; every value lies in [0, 1], more is better."""

    exact: float
    """1.0 when the answer equals an accepted rewrite up to case, width, spacing, final marks."""
    f1: float
    """Restoration F-score over single words (Han characters)."""
    f2: float
    """Over bigrams that hold a restored word."""
    f3: float
    """Over trigrams that hold a restored word."""
    added_precision: float | None
    """Which part of the words added to the query the rewrite adds too; None: nothing was added."""

    def as_scores(self, case_id: str) -> tuple[Score, ...]:
        """One loss ``1 - metric`` per metric, named ``rewrite_exact``, ``restoration_f1``, ..."""
        rows = (
            (Detector.REWRITE_EXACT, self.exact, "equality with an accepted rewrite"),
            (Detector.RESTORATION_F1, self.f1, "F1 of restored words"),
            (Detector.RESTORATION_F2, self.f2, "F2: bigrams with a restored word"),
            (Detector.RESTORATION_F3, self.f3, "F3: trigrams with a restored word"),
            (Detector.ADDED_PRECISION, self.added_precision, "precision of added words"),
        )
        return tuple(
            Score(
                name,
                case_id,
                None if value is None else 1.0 - value,
                "The answer adds no word to the query."
                if value is None
                else f"{what.capitalize()}: {value:.3f}.",
            )
            for name, value, what in rows
        )


def rewrite_metrics(case: Case, answer: str) -> RewriteMetrics | None:
    """Compare with every accepted rewrite and return the best; None where a case has none.

    Best means: first exact equality, then F1, F2, F3. Of a case that must stay unchanged the query
    is the accepted rewrite. Where neither side restores anything, an F-score is 1.
    """
    accepted = (case.query,) if case.expect.unchanged else case.expect.rewrites
    if not accepted:
        return None
    measured = [_against(case.query, rewrite, answer) for rewrite in accepted]
    return max(measured, key=lambda m: (m.exact, m.f1, m.f2, m.f3))


def _against(query: str, rewrite: str, answer: str) -> RewriteMetrics:
    asked, wanted, given = _words(query), _words(rewrite), _words(answer)
    f1, f2, f3 = (_restoration(asked, wanted, given, n) for n in (1, 2, 3))
    added = Counter(given) - Counter(asked)
    right = added & (Counter(wanted) - Counter(asked))
    return RewriteMetrics(
        exact=1.0 if same(answer, rewrite) else 0.0,
        f1=f1,
        f2=f2,
        f3=f3,
        added_precision=right.total() / added.total() if added else None,
    )


def _words(text: str) -> list[str]:
    return [token.text for token in tokens(text)]


def _restoration(
    asked: Sequence[str], wanted: Sequence[str], given: Sequence[str], n: int
) -> float:
    known = frozenset(asked)
    reference, answer = _restored(wanted, known, n), _restored(given, known, n)
    if not reference and not answer:
        return 1.0
    return 2 * (reference & answer).total() / (reference.total() + answer.total())


def _restored(words: Sequence[str], known: frozenset[str], n: int) -> Counter[tuple[str, ...]]:
    """N-grams that hold a word which the query lacks."""
    grams = (tuple(words[i : i + n]) for i in range(len(words) - n + 1))
    return Counter(gram for gram in grams if not known.issuperset(gram))
