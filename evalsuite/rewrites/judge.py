"""One answer against one case: which parts are asked, and what each of them finds."""

from __future__ import annotations

from unicodedata import normalize

from evalsuite.cases import Case
from evalsuite.detectors.result import Span
from evalsuite.detectors.text import same
from evalsuite.generation import Finish
from evalsuite.rewrites.facts import stated
from evalsuite.rewrites.form import form
from evalsuite.rewrites.judgement import Finding, Judgement, Part, Standard
from evalsuite.rewrites.kept import kept, shares
from evalsuite.rewrites.named import named
from evalsuite.rewrites.words import MOST
from evalsuite.rewrites.wrapping import wrapping

_CUT_OFF = Finding("The answer did not end: it ran into the length limit.")
_EMPTY = Finding("The answer is empty.")


def standard_of(case: Case) -> Standard:
    """By what a rewrite of the case is judged."""
    expect = case.expect
    if expect.is_answered:
        return Standard.ANSWERED
    if expect.unchanged:
        return Standard.STAYS
    if expect.must_name and not expect.free:
        return Standard.AUTHORED
    return Standard.EXTRACTIVE if expect.extractive else Standard.FREE


def judge(case: Case, answer: str, finish: Finish | None = None) -> Judgement:
    """Judge one rewrite, or one answer where the case asks for one.

    Pure, and linear in the length of the answer.

    Args:
        case: what was asked, and what is known about right answers.
        answer: what came back, as it came.
        finish: why the model stopped; an answer that ran into its length limit has no good form.
            None: not known.
    """
    standard = standard_of(case)
    if standard is Standard.ANSWERED:
        # A long answer may be cut off: what it states, it states.
        return Judgement(standard=standard, findings={Part.NAMED: stated(case, answer[:MOST])})
    cut_off = (_CUT_OFF,) if finish is Finish.LENGTH else ()
    if standard is Standard.STAYS:
        findings = {Part.UNTOUCHED: (*_touched(case, answer), *cut_off)}
        return Judgement(standard=standard, findings=findings)
    if not answer.strip():
        return _judged(case, answer, standard, (_EMPTY,), (_EMPTY,), (_EMPTY,))
    if _accepted(case, answer):
        return _judged(case, answer, standard, (), (), cut_off)
    return _judged(
        case,
        answer,
        standard,
        named(case, answer[:MOST], standard),
        () if standard is Standard.FREE else kept(case, answer[:MOST], standard),
        (*form(case, answer, standard), *cut_off),
    )


def _judged(
    case: Case,
    answer: str,
    standard: Standard,
    names: tuple[Finding, ...],
    words: tuple[Finding, ...],
    shape: tuple[Finding, ...],
) -> Judgement:
    lost, new = shares(case, answer)
    findings = {Part.NAMED: names, Part.KEPT: words, Part.FORM: shape}
    if standard is Standard.FREE:
        del findings[Part.KEPT]
    return Judgement(standard=standard, findings=findings, words_lost=lost, words_new=new)


def _accepted(case: Case, answer: str) -> bool:
    """Whether the answer is an accepted rewrite, on one line and as bare as that is."""
    return any(same(answer, rewrite) for rewrite in case.expect.rewrites) and not any(
        wrapping(case, answer)
    )


def _touched(case: Case, answer: str) -> tuple[Finding, ...]:
    """What differs from a query that had to stay, once both are normalised and stripped."""
    due, told = (normalize("NFC", text.strip()) for text in (case.query, answer))
    if due == told:
        return ()
    start = next((i for i, (a, b) in enumerate(zip(due, told, strict=False)) if a != b), len(due))
    # Offsets are those of the answer as it came; up to the first difference nothing moved but what
    # was stripped before it.
    at = min(start + len(answer) - len(answer.lstrip()), max(len(answer) - 1, 0))
    spans = (Span(at, len(answer), "changed"),) if at < len(answer) else ()
    return (Finding("The query had to stay unchanged, but it was changed.", spans),)
