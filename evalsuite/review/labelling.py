"""A first golden set: queries of a log that people rewrite.

:func:`dump_labels` and :func:`load_labels` are an inverse pair.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from evalsuite.cases import Case, Expectation, Kind
from evalsuite.cases.casefiles import doubts
from evalsuite.errors import EvalsuiteError, InvalidInput, InvalidReview
from evalsuite.files.jsonl import first_fault
from evalsuite.files.problems import joined
from evalsuite.review.diverse import diverse
from evalsuite.review.drawing import allotted_evenly
from evalsuite.review.filled import Filled, read_filled
from evalsuite.review.kinds import propose_kind
from evalsuite.review.logs import Log, Logged
from evalsuite.review.sheet import Asked, Entry, Field, Sheet, code_of, shown, spoken
from evalsuite.runs.base import CLOSED

LABELS = "labels.json"
"""The file in the folder of labels that says which row is which conversation."""
FORMAT = "evalsuite.labels"
MOST = 20_000
"""Conversations that are compared; of more, so many are drawn first."""
REWRITE, STAYS, NAMES, KIND, COMMENT = "rewrite", "stays", "names", "kind", "comment"
YES, NO = "yes", "no"
_FIELDS = (Field("conversation", "Conversation"), Field("query", "Last question"))
_ASKED = (
    Asked(REWRITE, "The last question, so that it can be understood alone", needed=False),
    Asked(
        STAYS,
        "Must it stay as it is, since it stands alone already or nothing says what is meant?",
        (YES, NO),
        needed=False,
    ),
    Asked(NAMES, "Names that a good rewrite must hold, with ; between them", needed=False),
    Asked(KIND, "Kind", tuple(kind.value for kind in Kind)),
    Asked(COMMENT, "Comment", needed=False),
)
_LEAD = (
    "Write the last question of each conversation so that it can be understood alone: ask just "
    "what it asks, of what the conversation means, in its own words where you can.",
    "Where it must stay as it is, answer yes and write nothing. Leave a row empty to leave it out.",
    "The kind is a proposal made from words alone; correct it.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRow:
    """One row of the sheet."""

    __pydantic_config__ = CLOSED

    code: str
    kind: Kind
    """As proposed."""
    like: int
    """Conversations of the log that it stands for, itself among them."""
    logged: Logged


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What was drawn from a log."""

    __pydantic_config__ = CLOSED

    format: str = FORMAT
    version: int = 1
    draw: str
    log: str
    """Name of its file."""
    rows: tuple[LabelRow, ...]


_LABELS: TypeAdapter[Labels] = TypeAdapter(Labels)


def draw_labels(log: Log, name: str, *, n: int = 60, seed: int = 0) -> Labels:
    """Choose conversations whose queries differ, as many of each proposed kind as of the next.

    Raises:
        InvalidInput: ``n`` is below 1.
    """
    if n < 1:
        raise InvalidInput(f"n={n} draws nothing; draw at least 1 row, 60 is usual")
    rng = random.Random(f"label/{seed}")  # noqa: S311 - sampling, not security
    known = list(log.conversations)
    if len(known) > MOST:
        known = [known[at] for at in sorted(rng.sample(range(len(known)), MOST))]
    by_kind: dict[Kind, list[Logged]] = {}
    for one in known:
        by_kind.setdefault(propose_kind(one.history, one.query), []).append(one)
    kinds = [kind for kind in Kind if kind in by_kind]
    rng.shuffle(kinds)
    numbers = allotted_evenly([len(by_kind[kind]) for kind in kinds], n)
    digest = hashlib.sha256(repr(log.conversations).encode("utf-8", "replace")).hexdigest()
    draw = code_of(digest, seed, n, length=10)
    rows = [
        LabelRow(code=code_of(draw, one.line), kind=kind, like=like, logged=one)
        for kind, number in zip(kinds, numbers, strict=True)
        for one, like in _chosen(by_kind[kind], number, rng)
    ]
    return Labels(draw=draw, log=name, rows=tuple(sorted(rows, key=lambda row: row.logged.line)))


def _chosen(of: Sequence[Logged], n: int, rng: random.Random) -> Iterator[tuple[Logged, int]]:
    if n:
        found = diverse([one.query for one in of], n, rng.randrange(len(of)))
        yield from ((of[at], like) for at, like in found)


def dump_labels(labels: Labels) -> str:
    """Return the text of the file of labels."""
    data = _LABELS.dump_python(labels, mode="json")
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def load_labels(folder: Path) -> Labels:
    """Read which row is which conversation.

    Raises:
        InvalidReview: no such file there, or none that this version reads.
    """
    path = Path(folder) / LABELS
    try:
        found = _LABELS.validate_json(path.read_bytes())
    except OSError as error:
        raise InvalidReview(
            f"{str(path)!r} cannot be read ({error.strerror}); name the folder that evalsuite "
            "label --out wrote"
        ) from None
    except (ValidationError, EvalsuiteError) as error:
        why = first_fault(error, "the file") if isinstance(error, ValidationError) else str(error)
        raise InvalidReview(f"{path}: {why}; draw again") from None
    if (found.format, found.version) != (FORMAT, 1):
        raise InvalidReview(f"{path}: holds no labels in version 1; draw again")
    return found


def label_sheet(labels: Labels) -> Sheet:
    """Return the sheet of all rows, in the order of the log."""
    return Sheet(
        id=f"{labels.draw}-l",
        title="Questions to rewrite",
        lead=_LEAD,
        fields=_FIELDS,
        asked=_ASKED,
        entries=tuple(
            Entry(
                row.code,
                {
                    "conversation": spoken(row.logged.history) or "(none)",
                    "query": shown(row.logged.query),
                },
                {KIND: row.kind.value},
            )
            for row in labels.rows
        ),
    )


def read_labels(labels: Labels, path: Path) -> tuple[Case, ...]:
    """Make cases of a filled sheet; rows that nobody answered are left out.

    Raises:
        InvalidReview: everything that is wrong with the sheet, ``file:line: problem and fix``.
    """
    sheet = label_sheet(labels)
    problems: list[str] = []
    filled = read_filled(path, {sheet.id: sheet}, problems)
    cases: list[Case] = []
    if filled is not None:
        cases = [case for row in labels.rows for case in _cases(row, labels, filled, problems)]
    if not problems and not cases:
        problems.append(f"{path}: nobody answered a row; write rewrites, or say yes under 'stays'")
    if problems:
        raise InvalidReview(joined(problems))
    return tuple(cases)


def _cases(row: LabelRow, labels: Labels, filled: Filled, problems: list[str]) -> Iterator[Case]:
    """The case of a row, if somebody answered it; what is wrong with it goes to ``problems``."""
    said = filled.answers[row.code]
    if not said[REWRITE] and not said[STAYS]:
        return
    place = f"{filled.file}:{filled.lines[row.code]}: row {row.code!r}:"
    try:
        kind = Kind(said[KIND])
        case = Case(
            id=f"label-{labels.draw}-{row.code}",
            language=row.logged.language,
            kind=kind,
            cluster=f"label-{row.code}",
            history=row.logged.history,
            query=row.logged.query,
            expect=_expected(row, said[REWRITE], said[STAYS], _listed(said[NAMES])),
            source=f"{labels.log}:{row.logged.line}{_remark(said[COMMENT])}",
        )
        problems += [f"{place} {doubt}" for doubt in doubts(case)]
        yield case
    except EvalsuiteError as error:
        problems.append(f"{place} {error}")


def _expected(row: LabelRow, rewrite: str, stays: str, names: tuple[str, ...]) -> Expectation:
    """What the answers of a row ask for.

    Raises:
        InvalidInput: they contradict each other.
    """
    query = row.logged.query
    if stays != YES:
        if not rewrite:
            raise InvalidInput("stays=no, and there is no rewrite; write it, or leave both empty")
        if rewrite == query:
            raise InvalidInput("the rewrite is the question itself; say yes under 'stays'")
        return Expectation(rewrites=(rewrite,), must_name=names)
    if rewrite not in ("", query):
        raise InvalidInput("stays=yes, and the rewrite differs from the question; keep one of both")
    return Expectation(unchanged=True, must_name=names)


def _listed(names: str) -> tuple[str, ...]:
    parts = (part.strip() for part in names.replace("；", ";").split(";"))
    return tuple(dict.fromkeys(part for part in parts if part))


def _remark(comment: str) -> str:
    return f" ({' '.join(comment.split())[:300]})" if comment else ""
