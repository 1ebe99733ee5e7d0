"""Does the query need rewriting? Four cells, and the classification that they imply.

CREAD classifies with a head of its own; a rewriter decides by what it writes. An answer that is not
the query, both after NFC and without white space around them, says that rewriting was needed, and a
case says whether it was. Precision, recall, F1 and the rate of matches are then CREAD's
(``get_binary_res`` of its ``evaluate.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from unicodedata import normalize


def differs(query: str, answer: str) -> bool:
    """Whether an answer says that the query needed rewriting."""
    return normalize("NFC", answer.strip()) != normalize("NFC", query.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """How many answers are in each cell."""

    right: int = 0
    """Rewriting was needed, and the answer is right."""
    wrong: int = 0
    """It was needed, and the answer is not."""
    untouched: int = 0
    """It was not needed, and the query came back as it was."""
    changed: int = 0
    """It was not needed, and the query was changed."""
    rewritten: int = 0
    """Of those that needed it, the answers that differ from the query."""

    @classmethod
    def of(cls, answers: Iterable[tuple[bool, bool, bool]]) -> Needs:
        """Count answers, each told as: it was needed, the answer differs, the answer is right."""
        seen = list(answers)
        return cls(
            right=sum(needed and right for needed, _, right in seen),
            wrong=sum(needed and not right for needed, _, right in seen),
            untouched=sum(not needed and not differ for needed, differ, _ in seen),
            changed=sum(not needed and differ for needed, differ, _ in seen),
            rewritten=sum(needed and differ for needed, differ, _ in seen),
        )

    @property
    def needed(self) -> int:
        """Answers to queries that need rewriting."""
        return self.right + self.wrong

    @property
    def n(self) -> int:
        """All answers."""
        return self.needed + self.untouched + self.changed

    @property
    def precision(self) -> float | None:
        """Of what was rewritten, the share that needed it; None: nothing was rewritten."""
        return _share(self.rewritten, self.rewritten + self.changed)

    @property
    def recall(self) -> float | None:
        """Of what needed rewriting, the share that was rewritten; None: nothing needed it."""
        return _share(self.rewritten, self.needed)

    @property
    def f1(self) -> float | None:
        """Their harmonic mean; None where one of them is."""
        precision, recall = self.precision, self.recall
        if precision is None or recall is None:
            return None
        both = precision + recall
        return 2 * precision * recall / both if both else 0.0

    @property
    def accuracy(self) -> float | None:
        """The share of answers that say rightly whether rewriting was needed."""
        return _share(self.rewritten + self.untouched, self.n)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
