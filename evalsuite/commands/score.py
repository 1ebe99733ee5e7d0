"""score: answers of any system, judged without a model."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evalsuite.commands.console import Terminal
from evalsuite.commands.options import EXIT, Subparsers, command

if TYPE_CHECKING:
    from evalsuite.answers import Answer, AnswerFile, Asking, Pairing
    from evalsuite.cases import Case
    from evalsuite.report.answers import Piece, Scored

WARNINGS = 20
"""Contradictions between cases that are told; the others are counted."""


def add(subparsers: Subparsers) -> None:
    """Declare the command."""
    score = command(
        subparsers,
        "score",
        _score,
        help="judge answers of any system, or compare those of two, without a model",
        example="evalsuite score cases answers.jsonl --json judged.jsonl",
        ends="exit status: 0 judged, or no worse than ANSWERS_B; 1 worse than it; 2 undecided; "
        "3 could not be scored; 130 interrupted",
    )
    score.add_argument("cases", type=Path, metavar="CASES", help="a case file, or a folder of them")
    score.add_argument(
        "answers",
        type=Path,
        metavar="ANSWERS",
        help='a line for each case: {"id": ..., "answer": ...}, or the id, a tab and the answer',
    )
    score.add_argument(
        "against",
        type=Path,
        nargs="?",
        metavar="ANSWERS_B",
        help="another system's answers to the same cases, which ANSWERS is compared with",
    )
    score.add_argument(
        "--json", type=Path, metavar="OUT", help="write a row of JSON for each answer of ANSWERS"
    )
    score.add_argument(
        "--demonstrations",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="what the system was shown, so that leaks of it are looked for; may be given again",
    )
    score.add_argument(
        "--prompt",
        metavar="FILE",
        help="the prompt that the system was asked with: its rule reads the answers "
        "(docs/prompts.md; default: all of a text is the answer)",
    )
    score.add_argument(
        "--margin",
        type=float,
        default=0.05,
        metavar="SHARE",
        help="by how much the share of wrong answers may exceed that of ANSWERS_B (default: 0.05)",
    )
    score.add_argument(
        "--tokenised",
        action="store_true",
        help="for the metrics: split texts at blanks alone, since they are tokenised already",
    )
    score.add_argument(
        "--shown", type=int, default=5, metavar="N", help="wrong answers to show (default: 5)"
    )


def _score(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.answers import pair, require_margin

    named = [args.answers] if args.against is None else [args.answers, args.against]
    require_margin(args.margin)
    cases, files = _inputs(args.cases, named)
    if args.json is not None:
        _require_place(args.json, [*named, *args.demonstrations, *_files_of(cases)])
    asking = _asking(args)
    with terminal.working("judging"):
        scored = [_scored(file.name, cases, file.answers, asking) for file in files]
        pairing = pair(*(one.judged for one in scored), margin=args.margin) if scored[1:] else None
    if args.json is not None:
        _write(args.json, scored[0])
    _show(cases, scored, pairing, terminal, shown=args.shown)
    if args.json is not None:
        terminal.say("")
        terminal.say(f"wrote {args.json}")
    return 0 if pairing is None else EXIT[pairing.status]


def _inputs(cases: Path, answers: Sequence[Path]) -> tuple[Sequence[Case], list[AnswerFile]]:
    """Read cases and files of answers, and check that the ones belong to the others.

    Raises:
        InvalidCase: the cases cannot be read.
        InvalidAnswers: the answers cannot be read, or are not those of the cases.
    """
    from evalsuite.answers import read_answers, require_answers
    from evalsuite.cases.casefiles import load_cases
    from evalsuite.errors import InvalidCase

    files = [read_answers(path) for path in answers]
    try:
        known = load_cases(cases)
    except InvalidCase as error:
        require_answers(None, files, str(error).splitlines())
        raise
    require_answers(known, files)
    return known, files


def _asking(args: argparse.Namespace) -> Asking:
    """What every answer is judged with."""
    from evalsuite.answers import Asking
    from evalsuite.prompts import DEFAULT_PROMPT, load_demonstrations, prompt_named
    from evalsuite.rewrites.metrics import Splitting

    return Asking(
        demonstrations=tuple(
            one for path in args.demonstrations for one in load_demonstrations(path)
        ),
        splitting=Splitting.BLANKS if args.tokenised else Splitting.WORDS,
        prompt=prompt_named(args.prompt) if args.prompt else DEFAULT_PROMPT,
    )


def _show(
    cases: Sequence[Case],
    scored: Sequence[Scored],
    pairing: Pairing | None,
    terminal: Terminal,
    *,
    shown: int,
) -> None:
    """Say what was found: of each file, in the field's metrics, and of the pairs."""
    from evalsuite.answers import contradictions
    from evalsuite.report.answers import answers_text, metrics_text, pairing_text, warnings_text

    _told(warnings_text(list(contradictions(cases)), WARNINGS), terminal)
    for one in scored:
        _told(answers_text(one, shown=shown if pairing is None else 0), terminal)
        terminal.say("")
    _told(metrics_text(scored), terminal)
    if pairing is not None:
        terminal.say("")
        ours, theirs = scored
        _told(pairing_text(pairing, (ours.name, theirs.name), shown=shown), terminal)


def _told(pieces: Iterable[Piece], terminal: Terminal) -> None:
    for piece in pieces:
        terminal.say(piece)


def _scored(name: str, cases: Sequence[Case], answers: Sequence[Answer], asking: Asking) -> Scored:
    """Judge one file of answers, and sum it up."""
    from evalsuite.answers import available, judge_answers, summarise
    from evalsuite.report.answers import Scored

    judged = judge_answers(cases, answers, asking, workers=available())
    return Scored(name, judged, summarise(judged, asking.splitting))


def _require_place(out: Path, inputs: Sequence[Path]) -> None:
    """Refuse a file for results before any work is done.

    Raises:
        RunStorageError: its folder is missing, or a folder or an input stands in its place.
    """
    from evalsuite.errors import RunStorageError

    if not out.parent.is_dir():
        raise RunStorageError(
            f"--json={str(out)!r}: the folder {str(out.parent)!r} does not exist; make it, or name "
            "another"
        )
    if out.is_dir():
        raise RunStorageError(f"--json={str(out)!r} is a folder; name a file in it")
    for path in inputs:
        if out.exists() and path.exists() and out.samefile(path):
            raise RunStorageError(
                f"--json={str(out)!r} is the input {str(path)!r}, which would be lost; name "
                "another file"
            )


def _files_of(cases: Sequence[Case]) -> list[Path]:
    """The files that the cases were read from."""
    names = dict.fromkeys(case.source.rpartition(":")[0] for case in cases)
    return [Path(name) for name in names if name]


def _write(out: Path, scored: Scored) -> None:
    from evalsuite.answers import rows_text
    from evalsuite.errors import RunStorageError
    from evalsuite.files.storage import storage_errors, write_named

    with storage_errors(out, RunStorageError):
        write_named(out, rows_text(scored.judged).encode())
