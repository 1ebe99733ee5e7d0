"""Words that rewrites lose and add, in pairs: where no single rewrite shows that one is wrong.

People who worded accepted rewrites as they liked leave words out and put others in. How many a
candidate loses then says nothing; that it loses more than another on the same cases does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from evalsuite.detectors import Detector
from evalsuite.gates.criteria import CriterionFactory
from evalsuite.gates.evidence import ByDetector
from evalsuite.gates.part import Part, Topic
from evalsuite.gates.partverdicts import judge_mean
from evalsuite.gates.rules import Limit, PronounRule
from evalsuite.gates.verdict import Quantity, SliceVerdict, Tier

_SUBJECTS: Mapping[Detector, str] = {
    Detector.WORDS_LOST: "loses {0} of the query's words than",
    Detector.WORDS_NEW: "adds {0} of words that nobody said than",
}


def judge_words(
    ask: CriterionFactory, rule: PronounRule, sets: Mapping[str, ByDetector]
) -> Iterator[SliceVerdict]:
    """Judge how many more words than the other side's the candidate's rewrites lose and add.

    Args:
        ask: makes criteria; says whom the candidate is compared with.
        rule: with the margin.
        sets: cases by set; each with the loss of the opponent as that of the baseline.
    """
    # A policy that says nothing of words has them shown, against the margin of the whole.
    margin = rule.non_inferiority.limit if rule.words is None else rule.words.limit
    tier = Tier.ADVISORY if rule.words is None else rule.words.tier
    for name, by_detector in sorted(sets.items()):
        for detector, subject in _SUBJECTS.items():
            if detector in by_detector:
                part = Part(Topic(detector.value), golden_set=name)
                criterion = ask(part, subject, Limit(limit=margin), tier=tier)
                yield judge_mean(criterion, by_detector[detector], Quantity.WORDS)
