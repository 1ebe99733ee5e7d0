"""Judging what was asked, without another model."""

from __future__ import annotations

from evalsuite.detectors.promises import Broken, Promise
from evalsuite.regressions import broken_in
from evalsuite.search.asker import Answers, Posed
from evalsuite.template import ChatTemplate


def judge(posed: Posed, answers: Answers, template: ChatTemplate) -> Broken | None:
    """The first promise that the candidate's answer, or its very prompt, breaks; or None."""
    return next(iter(judge_all(posed, answers, template)), None)


def judge_all(posed: Posed, answers: Answers, template: ChatTemplate) -> tuple[Broken, ...]:
    """Every promise that is broken, absolute ones first."""
    return broken_in(
        posed.case,
        posed.shown,
        posed.prompt_format,
        candidate=answers.candidate,
        baseline=answers.baseline.text,
        template=template,
    )


__all__ = ["Broken", "Promise", "judge", "judge_all"]
