"""Sentences beside the verdicts: how answers ended, and what servers would do otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalsuite.report.notes import notes_of
from evalsuite.runs import EndingsInfo
from evalsuite.runs.folder import Run


@pytest.mark.parametrize(
    ("own", "base", "said"),
    [
        ((652, 654), (0, 407), "652 of 654 answers of the candidate were cut off before they ended;"
         " of the base 0 of 407: it did not learn to emit the token that ends an answer."),
        ((3, 654), (1, 407), "3 of 654 answers of the candidate were cut off before they ended; of "
         "the base 1 of 407."),
        ((600, 654), (400, 407), "of the base 400 of 407."),
    ],
)  # fmt: skip
def test_they_are_told(own: tuple[int, int], base: tuple[int, int], said: str, passed: Run) -> None:
    endings = {
        side: EndingsInfo(cut=cut, answers=answers)
        for side, (cut, answers) in (("candidate", own), ("baseline", base))
    }
    run = replace(passed, info=replace(passed.info, endings=endings))
    assert any(said in str(note) for note in notes_of(run, stop_is_told=False))


def test_what_servers_apply_is_told(passed: Run) -> None:
    base = replace(passed.info.base, decoding=("repetition_penalty=1.05", "temperature=0.7"))
    run = replace(passed, info=replace(passed.info, base=base))
    told = " ".join(map(str, notes_of(run, stop_is_told=False)))
    assert "did not apply (repetition_penalty=1.05, temperature=0.7)" in told
