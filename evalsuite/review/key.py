"""The key of a review: which row is which answer. Raters do not get it.

It holds all that reading the sheets back needs, so that the run may lie elsewhere by then.
:func:`dump_key` and :func:`load_key` are an inverse pair.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from evalsuite.errors import EvalsuiteError, InvalidInput, InvalidReview
from evalsuite.files.jsonl import first_fault
from evalsuite.files.problems import suggestion
from evalsuite.models import digest_file
from evalsuite.review.drawing import Drawn, drawn
from evalsuite.review.population import Subject, Told, subjects_of
from evalsuite.review.sheet import code_of
from evalsuite.runs.base import CLOSED
from evalsuite.runs.folder import RUN_FILE, Run

KEY = "key.json"
"""The key's file in the folder of a review."""
FORMAT = "evalsuite.review"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunName:
    """Which run was drawn from."""

    __pydantic_config__ = CLOSED

    folder: str
    digest: str
    """SHA-256 of its ``run.json``."""
    base: str
    adapter: str
    """Digest of the candidate; empty: the run names none."""
    policy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StratumRow:
    """Answers that had the same chance to be drawn."""

    __pydantic_config__ = CLOSED

    right: Told
    copied: Told
    kind: str
    """Empty: any."""
    language: str
    """Empty: any."""
    size: int
    """Answers of it in the run."""
    drawn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """One row of the sheets."""

    __pydantic_config__ = CLOSED

    code: str
    """As the sheets name it."""
    stratum: int
    """Index of its stratum."""
    probability: float
    """With which it was to be drawn."""
    subject: Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What was drawn, and from where."""

    __pydantic_config__ = CLOSED

    format: str = FORMAT
    version: int = 1
    draw: str
    """Name of the draw, which its sheets bear."""
    run: RunName
    seed: int
    panels: tuple[str, ...]
    """What was drawn from; empty: all panels and golden sets."""
    strata: tuple[StratumRow, ...]
    rows: tuple[KeyRow, ...]
    elsewhere: int
    """Answers of the run of which a copy was found under other demonstrations alone."""


_KEY: TypeAdapter[Key] = TypeAdapter(Key)


def draw(run: Run, *, n: int = 120, seed: int = 0, panels: Sequence[str] = ()) -> Key:
    """Draw answers of a run's candidate to be read by people.

    Args:
        run: a finished run.
        n: rows to read.
        seed: another one draws other rows.
        panels: the panel and golden sets to draw from, as the run names them; empty: all.

    Raises:
        RunError: the run has no rewrites.
        InvalidInput: ``n`` is too small, or there is no such panel.
    """
    digest = digest_file(run.folder / RUN_FILE)
    subjects = _of(subjects_of(run), panels)
    strata = drawn(subjects, n, f"{digest}/{seed}")
    name = code_of(digest, seed, n, *sorted(panels), length=10)
    return Key(
        draw=name,
        run=RunName(
            folder=run.folder.name,
            digest=digest,
            base=run.info.base.name,
            adapter="" if run.info.adapter is None else run.info.adapter.digest,
            policy=run.info.policy.name,
        ),
        seed=seed,
        panels=tuple(panels),
        strata=tuple(map(_stratum, strata)),
        rows=_rows(name, strata),
        elsewhere=sum(one.elsewhere for one in subjects),
    )


def _of(subjects: Sequence[Subject], panels: Sequence[str]) -> tuple[Subject, ...]:
    known = sorted({one.panel for one in subjects})
    for panel in panels:
        if panel not in known:
            hint = suggestion(panel, known) or f"; use one of: {', '.join(known)}"
            raise InvalidInput(f"panel={panel!r} has no rewrites in this run{hint}")
    return tuple(one for one in subjects if not panels or one.panel in panels)


def _stratum(drawn: Drawn) -> StratumRow:
    right, copied, kind, language = drawn.key
    return StratumRow(
        right=Told(right),
        copied=Told(copied),
        kind=kind,
        language=language,
        size=drawn.size,
        drawn=len(drawn.subjects),
    )


def _rows(name: str, strata: Sequence[Drawn]) -> tuple[KeyRow, ...]:
    rows = (
        KeyRow(
            code=code_of(name, one.panel, one.case_id),
            stratum=at,
            probability=stratum.probability,
            subject=one,
        )
        for at, stratum in enumerate(strata)
        for one in stratum.subjects
    )
    return tuple(sorted(rows, key=lambda row: row.code))


def dump_key(key: Key) -> str:
    """Return the text of a key's file."""
    data = _KEY.dump_python(key, mode="json")
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def load_key(folder: Path) -> Key:
    """Read the key in the folder of a review.

    Raises:
        InvalidReview: no key there, or none that this version reads.
    """
    path = Path(folder) / KEY
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidReview(
            f"{str(path)!r} cannot be read ({error.strerror}); name the folder that "
            "evalsuite review draw --out wrote, with its key"
        ) from None
    return parse_key(data, str(path))


def parse_key(data: bytes, name: str) -> Key:
    """Read a key; ``name`` stands for its file in messages.

    Raises:
        InvalidReview: it is no key, or of another version.
    """
    try:
        head = json.loads(data)
    except ValueError as error:
        raise InvalidReview(f"{name}: is not JSON ({error}); restore it, or draw again") from None
    known = isinstance(head, dict) and head.get("format") == FORMAT
    if not known or head.get("version") != 1:
        raise InvalidReview(
            f"{name}: is no key of a review in version 1; name the folder that evalsuite review "
            "draw --out wrote"
        )
    try:
        key = _KEY.validate_json(data)
        _require_whole(key)
    except ValidationError as error:
        raise InvalidReview(f"{name}: {first_fault(error, 'the key')}; draw again") from None
    except EvalsuiteError as error:
        raise InvalidReview(f"{name}: {error}; draw again") from None
    return key


def _require_whole(key: Key) -> None:
    """Refuse a key whose rows and strata do not belong together."""
    for at, stratum in enumerate(key.strata):
        rows = sum(row.stratum == at for row in key.rows)
        if rows != stratum.drawn or not 0 < stratum.drawn <= stratum.size:
            raise InvalidReview(
                f"strata.{at} says drawn={stratum.drawn} of {stratum.size}, and has {rows} rows"
            )
    if len({row.code for row in key.rows}) < len(key.rows):
        raise InvalidReview("rows: a code stands twice")
    if any(not 0 <= row.stratum < len(key.strata) for row in key.rows):
        raise InvalidReview("rows: one is of a stratum that is not there")
