"""One answer beside the accepted rewrites of its query, and the one of them that it is measured by.

Published sets have one reference an utterance. Where a case accepts several rewrites, one of them
stands for all columns, the best for the answer: first one that it equals, then one that restores
something, then by F of restored single tokens, pairs and triples, then by F of all tokens. The
first in the order of the case wins what is still a tie.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from evalsuite.cases import Case, Expectation, Language
from evalsuite.rewrites.metrics.bleu import Matches, matches
from evalsuite.rewrites.metrics.libraries import Rouge
from evalsuite.rewrites.metrics.needs import differs
from evalsuite.rewrites.metrics.restoration import Counts, Restored, restored
from evalsuite.rewrites.metrics.tokens import Splitting, cread_equal, tokens_of

Rank = tuple[bool, bool, float, float, float, float]
RougeOf = Callable[[Sequence[str], Sequence[str]], Rouge]


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """A query, what is accepted as its rewrite, and what a system answered."""

    language: Language
    query: str
    accepted: tuple[str, ...]
    """The query itself where it must stay; empty where nobody wrote a rewrite down."""
    needed: bool
    """Whether the query needs rewriting."""
    answer: str
    right: bool
    """Whether the judge of a rewrite found nothing wrong with the answer."""

    @classmethod
    def of(cls, case: Case, answer: str, *, right: bool) -> Self:
        """An answer to a case."""
        return cls.to(case.query, case.language, case.expect, answer, right=right)

    @classmethod
    def to(
        cls, query: str, language: Language, expect: Expectation, answer: str, *, right: bool
    ) -> Self:
        """An answer to a query of which this is expected."""
        return cls(
            language=language,
            query=query,
            accepted=(query,) if expect.unchanged else expect.rewrites,
            needed=not expect.unchanged,
            answer=answer,
            right=right,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """An answer, measured by one reference."""

    utterance: Utterance
    differs: bool
    """Whether the answer is another text than the query."""
    reference: str | None
    """None: the case has none, and only its cell is counted."""
    exact: bool = False
    """RUN's exact match: the same tokens."""
    exact_cread: bool = False
    """CREAD's, with any of the accepted rewrites."""
    restored: Restored | None = None
    """None: the reference restores nothing, so the utterance is skipped."""
    matches: Matches | None = None
    """What it adds to the corpus' BLEU."""
    rouge: Rouge | None = None
    """None: rouge-score is not installed."""


def compared(
    utterance: Utterance,
    splitting: Splitting = Splitting.WORDS,
    rouge: RougeOf | None = None,
) -> Compared:
    """Measure an answer by the accepted rewrite that it comes closest to.

    Args:
        utterance: what was asked and answered.
        splitting: how texts become tokens.
        rouge: computes ROUGE of two token lists; None: nobody does.
    """
    changed = differs(utterance.query, utterance.answer)
    if not utterance.accepted:
        return Compared(utterance=utterance, differs=changed, reference=None)
    query, given = (
        tokens_of(text, utterance.language, splitting)
        for text in (utterance.query, utterance.answer)
    )
    references = [
        (text, tokens_of(text, utterance.language, splitting)) for text in utterance.accepted
    ]
    reference, wanted = references[0]
    if len(references) > 1:
        reference, wanted = max(references, key=lambda one: _rank(query, one[1], given))
    return Compared(
        utterance=utterance,
        differs=changed,
        reference=reference,
        exact=wanted == given,
        exact_cread=_exact_cread(utterance),
        restored=restored(query, wanted, given),
        matches=matches(wanted, given),
        rouge=None if rouge is None else rouge(wanted, given),
    )


def _exact_cread(utterance: Utterance) -> bool:
    return any(cread_equal(text, utterance.answer) for text in utterance.accepted)


def _rank(query: Sequence[str], wanted: Sequence[str], given: Sequence[str]) -> Rank:
    found = restored(query, wanted, given)
    one, two, three = found or (Counts(), Counts(), Counts())
    shared = (Counter(wanted) & Counter(given)).total()
    overlap = 2 * shared / (len(wanted) + len(given)) if shared else 0.0
    restores = found is not None
    fs = one.shares.f1, two.shares.f1, three.shares.f1
    return wanted == given, restores, *fs, overlap
