"""One answer after the other before :func:`evalsuite.tasks.score`, the judge that gates ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalsuite.answers.reading import Answer
from evalsuite.answers.workers import spread
from evalsuite.cases import Case
from evalsuite.detectors import Detector, Score
from evalsuite.detectors.text import forget
from evalsuite.generation import Finish, Output
from evalsuite.prompts import DEFAULT_PROMPT, Demonstration, Prompt
from evalsuite.rewrites import Part, Standard, standard_of
from evalsuite.rewrites.metrics import Compared, Splitting, Utterance, compared, rouge_scorer
from evalsuite.tasks import REFERENCES, Rewriting, answer_of, score

LEAK = "leak"
"""The loss of an answer that repeats a demonstration."""
LOSSES = (*(part.value for part in Part), LEAK)
"""The losses of an answer, in the order in which files and tables have them."""
_EMPTY = "The answer is empty."
_LONG = 20_000
"""Characters of an answer that is not worth remembering."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An answer, and what is wrong with it."""

    case: Case
    answer: Answer
    standard: Standard
    """By what the case can be judged."""
    right: bool | None
    """Whether no part that was asked is lost; None: that could not be measured."""
    losses: Mapping[str, float | None]
    """Each of :data:`LOSSES`: 1 lost, 0 not, None: not asked, or not measured."""
    words_lost: float | None
    """Share of the query's content words that the answer no longer asks."""
    words_new: float | None
    """Share of the answer's content words that nothing supplied."""
    reason: str
    """What is wrong, in sentences; empty: nothing is."""
    compared: Compared
    """How close it comes to an accepted rewrite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What every answer of a system is judged with; pure, so that any process may do it."""

    demonstrations: tuple[Demonstration, ...] = ()
    """What the system was shown; empty: nobody looks for leaks."""
    splitting: Splitting = Splitting.WORDS
    """How texts become tokens, for the metrics."""
    prompt: Prompt = DEFAULT_PROMPT
    """Reads the answer out of what a system wrote, with the prefill in front or without."""

    def __call__(self, pairs: Sequence[tuple[Case, Answer]]) -> list[Judged]:
        """Judge answers, each beside its case."""
        found = []
        for case, answer in pairs:
            found.append(self.judged(case, answer))
            if len(answer.text) > _LONG:
                forget()
        return found

    def judged(self, case: Case, answer: Answer) -> Judged:
        """Judge one answer; nobody knows how its generation ended, so it counts as whole."""
        leaks = {Detector.LITERAL_LEAK} if self.demonstrations else frozenset()
        text = answer.text.removeprefix(self.prompt.prefill)
        output = Output(text=text, ids=(), finish=Finish.STOP)
        task = Rewriting(case=case, demonstrations=self.demonstrations, prompt=self.prompt)
        found = {one.detector: one for one in score(task, output, detectors=REFERENCES | leaks)}
        wrong = 1.0 if answer.empty else _value(found, Detector.RIGHT)
        right = None if wrong is None else wrong == 0.0
        utterance = Utterance.of(case, answer_of(task, output), right=right is True)
        return Judged(
            case=case,
            answer=answer,
            standard=standard_of(case),
            right=right,
            losses={
                **{part.value: _value(found, part.detector) for part in Part},
                LEAK: _value(found, Detector.LITERAL_LEAK),
            },
            words_lost=_value(found, Detector.WORDS_LOST),
            words_new=_value(found, Detector.WORDS_NEW),
            reason=_EMPTY if answer.empty else _reason(found),
            compared=compared(utterance, self.splitting, rouge_scorer()),
        )


def judge_answers(
    cases: Sequence[Case],
    answers: Sequence[Answer],
    asking: Asking = Asking(),
    *,
    workers: int = 1,
) -> tuple[Judged, ...]:
    """Judge answers in their order.

    Args:
        cases: those that the answers name, and maybe others.
        answers: of one system.
        asking: what they are judged with.
        workers: processes that share the work where there is enough of it.
    """
    known = {case.id: case for case in cases}
    return tuple(spread(asking, [(known[one.id], one) for one in answers], workers=workers))


def _reason(found: Mapping[Detector, Score]) -> str:
    blamed = (found.get(name) for name in (Detector.RIGHT, Detector.LITERAL_LEAK))
    return " ".join(one.explanation for one in blamed if one is not None and one.value)


def _value(found: Mapping[Detector, Score], detector: Detector) -> float | None:
    return found[detector].value if detector in found else None
