"""One answer against one case: which parts are asked, and what each of them finds."""

from __future__ import annotations

from unicodedata import normalize

from evalsuite.cases import Case
from evalsuite.generation import Finish
from evalsuite.rewrites.judgement import Finding, Judgement, Part, Standard
from evalsuite.rewrites.named import unresolved

_CUT_OFF = "The answer did not end: it ran into the length limit."


def standard_of(case: Case) -> Standard:
    """By what a rewrite of the case is judged."""
    expect = case.expect
    if expect.unchanged:
        return Standard.STAYS
    if expect.must_name:
        return Standard.AUTHORED
    return Standard.EXTRACTIVE if expect.extractive else Standard.FREE


def judge(case: Case, answer: str, finish: Finish | None = None) -> Judgement:
    """Judge one rewrite; pure, and linear in the length of the answer.

    Args:
        case: what was asked, and what is known about right answers.
        answer: what came back, as it came.
        finish: why the model stopped; an answer that ran into its length limit has no good form.
            None: not known.
    """
    standard = standard_of(case)
    if standard is Standard.STAYS:
        same = normalize("NFC", answer.strip()) == normalize("NFC", case.query.strip())
        found = () if same else (Finding("The query had to stay unchanged, but it was changed."),)
        return Judgement(standard=standard, findings={Part.UNTOUCHED: found})
    cut_off = (Finding(_CUT_OFF),) if finish is Finish.LENGTH else ()
    findings = {Part.NAMED: tuple(unresolved(case, answer)), Part.FORM: cut_off}
    return Judgement(standard=standard, findings=findings)
