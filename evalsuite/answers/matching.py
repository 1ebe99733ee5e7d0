"""Answers beside their cases: one answer to each case and nothing else, or nothing is scored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evalsuite.answers.reading import Answer, AnswerFile
from evalsuite.cases import Case
from evalsuite.errors import InvalidAnswers
from evalsuite.files.problems import joined, suggestion

_NEAR = " (did you mean {near!r}?)"
SHOWN = 20
"""Problems that are told; the others are counted."""


def require_answers(
    cases: Sequence[Case] | None, files: Sequence[AnswerFile], wrong: Sequence[str] = ()
) -> None:
    """Check that every file answers every case once, and nothing else.

    Args:
        cases: each with an id of its own; None: they could not be read, so nobody can say which
            answers are missing.
        files: of one system each.
        wrong: what is wrong with the cases.

    Raises:
        InvalidAnswers: a line for each problem of all files, at most :data:`SHOWN`; what is more
            is counted.
    """
    problems = [*wrong]
    for file in files:
        problems += file.problems
        if cases is not None and file.readable:
            problems += _mismatches({case.id: case for case in cases}, file)
    if problems:
        raise InvalidAnswers(joined(problems, most=SHOWN))


def _mismatches(known: Mapping[str, Case], file: AnswerFile) -> Iterator[str]:
    first: dict[str, Answer] = {}
    strange = 0
    for answer in file.answers:
        twin = first.setdefault(answer.id, answer)
        where = f"{file.name}:{answer.line}"
        if twin is not answer:
            yield (
                f"{where}: id={_short(answer.id)} is answered twice, first on line {twin.line}; "
                "keep one answer"
            )
        elif answer.id not in known:
            # Among many ids the nearest takes its time, so only what is told is looked for.
            near = suggestion(answer.id[:80], known, _NEAR) if strange < SHOWN else ""
            strange += 1
            yield (
                f"{where}: id={_short(answer.id)} is no case{near}; remove the line, or add "
                "the case"
            )
    for name, case in known.items():
        if name not in first and name not in file.mentioned:
            yield (
                f"{file.name}: case {name!r} ({case.source}) has no answer; add a line for it, "
                'with an empty answer ("") where the system gave none'
            )


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")
