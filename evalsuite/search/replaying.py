"""A counterexample as a failing test."""

from __future__ import annotations

from collections.abc import Callable

from evalsuite.search.asker import Asker, Posed
from evalsuite.search.judging import judge
from evalsuite.search.loop import Counterexample


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
