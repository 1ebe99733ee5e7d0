"""The rule that looks for a regular expression in an answer."""

from __future__ import annotations

from evalsuite.detectors.result import Detector, Score, Span
from evalsuite.files.patterns import ANSWER_LIMIT, found
from evalsuite.scenarios.skillitem import SkillItem


def pattern_score(item: SkillItem, text: str) -> Score:
    """Loss 0 when the pattern is found in the answer, else 1; 1 too where that takes too long."""
    detector, pattern = Detector.SKILL_ANSWER, item.rule.pattern
    try:
        where = found(pattern, text)
    except TimeoutError:
        why = (
            f"The pattern takes more than {ANSWER_LIMIT:g} s on this answer, which counts as wrong"
        )
        return Score(detector, item.id, 1.0, f"{why}: {pattern!r}.")
    if where is None:
        whole = (Span(0, len(text), "no match"),) if text else ()
        return Score(detector, item.id, 1.0, f"The answer does not match {pattern!r}.", whole)
    shown = text[slice(*where)]
    return Score(detector, item.id, 0.0, f'The answer is right: "{shown[:80]}" matches.')
