"""Asking again about histories that broke a candidate once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evalsuite.detectors.promises import Broken
from evalsuite.regressions import Regression
from evalsuite.search.asking import Asker, Posed
from evalsuite.search.hunting import Counterexample
from evalsuite.search.judging import judge


def replay(regressions: Sequence[Regression], asker: Asker) -> list[Broken | None]:
    """Ask about every regression in one batch.

    Returns:
        What each breaks now, in order; None where every promise is kept.
    """
    posed = [
        Posed(case=r.case, shown=r.shown, prompt_format=r.origin.prompt_format) for r in regressions
    ]
    answers = asker.ask(posed)
    return [judge(one, said, asker.template) for one, said in zip(posed, answers, strict=True)]


def as_property(found: Counterexample, asker: Asker) -> Callable[[], None]:
    """Return a test with the counterexample as its ``@example``.

    Calling it asks the candidate again, from what is remembered, and fails as a failing Hypothesis
    test does: with the falsifying example, once.
    """
    from hypothesis import Phase, example, given, settings
    from hypothesis import strategies as st

    @settings(phases=(Phase.explicit,), database=None, deadline=None)
    @example(found.posed)
    @given(st.just(found.posed))
    def keeps_its_promises(posed: Posed) -> None:
        (said,) = asker.ask([posed])
        broken = judge(posed, said, asker.template)
        if broken is not None:
            raise AssertionError(
                f"{broken.promise}: {broken.reason} The answer: {said.candidate.text!r}"
            )

    return keeps_its_promises
