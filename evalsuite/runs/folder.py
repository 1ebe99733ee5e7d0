"""The folder of one run: written by one process, all or nothing, and read back checked.

``run.json``, ``cases.jsonl``, ``outputs.jsonl``, ``scores.jsonl``, ``verdicts.json`` and what a
reader wants beside them (``demonstrations.jsonl``, ``tokens.jsonl``) are first written into
``unfinished/`` and moved up together when the run is finished, ``run.json`` last. So a full disk
or a killed process never costs the run that was there before, and a folder that holds
``unfinished/`` says by itself what happened. ``run.json`` holds the digests of the other files;
reports are derived from them and are not part of the evidence.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from pydantic import TypeAdapter, ValidationError

from evalsuite.errors import RunError, RunInUse, RunStorageError
from evalsuite.files.jsonl import first_fault, read_rows
from evalsuite.files.storage import FileLock, atomic_write, storage_errors, sync_folder
from evalsuite.gates.verdict import dump_verdicts, load_verdicts
from evalsuite.models import digest_file
from evalsuite.runs import (
    CaseRow,
    DemonstrationsRow,
    FileInfo,
    OutputRow,
    RunFile,
    RunInfo,
    ScoreRow,
    Side,
    Status,
    TokensRow,
    Verdict,
)

RUN_FILE = "run.json"
CASES, OUTPUTS, SCORES, VERDICTS = "cases.jsonl", "outputs.jsonl", "scores.jsonl", "verdicts.json"
EVIDENCE = (CASES, OUTPUTS, SCORES, VERDICTS)
"""What the verdict rests on: no run is without these."""
DEMONSTRATIONS, TOKENS = "demonstrations.jsonl", "tokens.jsonl"
ANNEX = (DEMONSTRATIONS, TOKENS)
"""What a reader wants to see beside it; runs of an older evalsuite lack these."""
REPORTS = ("report.html", "report.md", "junit.xml")
"""Derived from the evidence; removed when a new run replaces the old one."""
UNFINISHED = "unfinished"
LOCK = ".lock"

_RUN: TypeAdapter[RunFile] = TypeAdapter(RunFile)
_CASE: TypeAdapter[CaseRow] = TypeAdapter(CaseRow)
_OUTPUT: TypeAdapter[OutputRow] = TypeAdapter(OutputRow)
_SCORE: TypeAdapter[ScoreRow] = TypeAdapter(ScoreRow)
_DEMONSTRATIONS: TypeAdapter[DemonstrationsRow] = TypeAdapter(DemonstrationsRow)
_TOKENS: TypeAdapter[TokensRow] = TypeAdapter(TokensRow)

Row = TypeVar("Row")


@dataclass(frozen=True)
class Run:
    """A finished run, read-only."""

    folder: Path
    info: RunFile
    status: Status
    verdicts: tuple[Verdict, ...]
    cases: tuple[CaseRow, ...]
    outputs: tuple[OutputRow, ...]
    scores: tuple[ScoreRow, ...]
    demonstrations: tuple[DemonstrationsRow, ...] = ()
    tokens: tuple[TokensRow, ...] = ()
    """Of answers that somebody will want to look into."""

    @property
    def files(self) -> Mapping[str, FileInfo]:
        """The files beside ``run.json``, with the digests that it holds."""
        return {name: self.info.files[name] for name in recorded_files(self.info)}

    @cached_property
    def case_index(self) -> Mapping[tuple[str, str], CaseRow]:
        """Cases by ``(panel, case_id)``."""
        return {(row.panel, row.case_id): row for row in self.cases}

    @cached_property
    def output_index(self) -> Mapping[tuple[str, str, Side], tuple[OutputRow, ...]]:
        """Outputs by ``(panel, case_id, side)``, in the order in which they were written."""
        index: dict[tuple[str, str, Side], list[OutputRow]] = {}
        for row in self.outputs:
            index.setdefault((row.panel, row.case_id, row.side), []).append(row)
        return {place: tuple(rows) for place, rows in index.items()}


class RunWriter:
    """Writes one run into ``folder``; a context manager that keeps everybody else out.

    Rows may be added in several steps. Nothing of an older run in the folder changes before
    :meth:`finish`. Left without ``finish``, the folder tells that its run was not finished.

    Raises:
        RunInUse: another process writes into this folder.
        RunStorageError: the folder cannot be made or written.
        RunError: the folder holds something that is not a run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.created = datetime.now(UTC)
        """When the writer was opened; the usual ``RunInfo.created``."""
        with storage_errors(self.folder, RunStorageError):
            self.folder.mkdir(parents=True, exist_ok=True)
            _refuse_foreign(self.folder)
            self._lock = FileLock(self.folder / LOCK)
            if not self._lock.acquire():
                raise RunInUse(
                    f"process {self._lock.owner()} is writing a run into {str(self.folder)!r}; "
                    "wait until it ends, or name another folder with --out"
                )
        try:
            self._stage = _fresh_stage(self.folder)
        except BaseException:
            self._lock.release()
            raise

    def add_cases(self, rows: Iterable[CaseRow]) -> None:
        """Append cases. Raises RunStorageError when the disk refuses them."""
        self._append(CASES, _CASE, rows)

    def add_outputs(self, rows: Iterable[OutputRow]) -> None:
        """Append outputs. Raises RunStorageError when the disk refuses them."""
        self._append(OUTPUTS, _OUTPUT, rows)

    def add_scores(self, rows: Iterable[ScoreRow]) -> None:
        """Append scores. Raises RunStorageError when the disk refuses them."""
        self._append(SCORES, _SCORE, rows)

    def add_demonstrations(self, rows: Iterable[DemonstrationsRow]) -> None:
        """Append sets of demonstrations. Raises RunStorageError when the disk refuses them."""
        self._append(DEMONSTRATIONS, _DEMONSTRATIONS, rows)

    def add_tokens(self, rows: Iterable[TokensRow]) -> None:
        """Append token views. Raises RunStorageError when the disk refuses them."""
        self._append(TOKENS, _TOKENS, rows)

    def set_verdicts(self, verdicts: Sequence[Verdict], required: Collection[str]) -> None:
        """Write every verdict, and the overall status that follows from them.

        Args:
            verdicts: Of all gates that were judged.
            required: Gates that the policy demands; one that is absent makes the run
                inconclusive.

        Raises:
            RunStorageError: the disk refused them.
        """
        document = dump_verdicts(verdicts, required)
        data = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
        with storage_errors(self._stage / VERDICTS, RunStorageError):
            atomic_write(self._stage / VERDICTS, data.encode())

    def finish(self, info: RunInfo) -> Run:
        """Replace the folder's run by this one and return it as it now reads from the disk.

        Raises:
            RunError: no verdicts were set.
            RunStorageError: the disk refused; the older run, if any, is still there.
        """
        if not (self._stage / VERDICTS).is_file():
            raise RunError(f"the run in {str(self.folder)!r} has no verdicts; call set_verdicts")
        with storage_errors(self.folder, RunStorageError):
            # On the disk before run.json is: else a crash leaves digests of rows that are gone.
            for name in (*EVIDENCE, *ANNEX):
                _sync_file(self._stage / name)
            files = {
                name: FileInfo(
                    sha256=digest_file(self._stage / name),
                    size=(self._stage / name).stat().st_size,
                )
                for name in (*EVIDENCE, *ANNEX)
            }
            # Not asdict, which would take the nested records apart.
            values = {f.name: getattr(info, f.name) for f in dataclasses.fields(RunInfo)}
            record = RunFile(**values, files=files)
            document = with_digest(json.loads(_RUN.dump_json(record)))
            text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
            atomic_write(self._stage / RUN_FILE, text.encode())
            _move_up(self._stage, self.folder)
        return load_run(self.folder)

    def close(self) -> None:
        """Let others into the folder; a stage that nothing was written to leaves no trace."""
        if self._stage.is_dir() and not any(f.stat().st_size for f in self._stage.iterdir()):
            for file in self._stage.iterdir():
                file.unlink()
            self._stage.rmdir()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _append(self, name: str, adapter: TypeAdapter[Row], rows: Iterable[Row]) -> None:
        path = self._stage / name
        with storage_errors(path, RunStorageError), path.open("ab") as stream:
            for row in rows:
                try:
                    stream.write(adapter.dump_json(row) + b"\n")
                except ValueError as problem:
                    raise RunError(f"{name}: a row cannot be written: {problem}") from problem


def load_run(folder: Path) -> Run:
    """Read a finished run, and check that every file is the one that was written.

    Raises:
        RunError: no run there, a run that was not finished, a file that is missing or changed.
    """
    folder = Path(folder)
    _require_finished(folder)
    try:
        info = read_run_file(folder)
        _check_files(folder, info)
        status, verdicts = _read_verdicts(folder / VERDICTS)
        return Run(
            folder=folder,
            info=info,
            status=status,
            verdicts=verdicts,
            cases=read_rows(folder / CASES, _CASE),
            outputs=read_rows(folder / OUTPUTS, _OUTPUT),
            scores=read_rows(folder / SCORES, _SCORE),
            demonstrations=_read_annex(folder, info, DEMONSTRATIONS, _DEMONSTRATIONS),
            tokens=_read_annex(folder, info, TOKENS, _TOKENS),
        )
    except OSError as problem:
        raise RunError(
            f"cannot read {problem.filename!r}: {problem.strerror}; check its permissions"
        ) from problem


def read_run_file(folder: Path) -> RunFile:
    """Read ``run.json`` alone, without looking at the files beside it.

    Raises:
        RunError: it is not a run's, or from a version that this one does not read.
        OSError: it cannot be read.
    """
    path = folder / RUN_FILE
    data = path.read_bytes()
    # Looked at before the whole is checked: a run of another version deserves to be told so, not to
    # be told of keys that are unknown.
    head = _peek(data)
    if head.get("format") != "evalsuite.run":
        raise RunError(f"{str(path)!r} was not written by evalsuite; name the folder of a run")
    if head.get("version") not in (1, 2, 3, 4, 5, 6):
        raise RunError(
            f"{str(path)!r} has version={head.get('version')!r}, this evalsuite reads 1 to 6; "
            "use the evalsuite that wrote it, or run the gate again"
        )
    try:
        read = _RUN.validate_json(data)
    except ValidationError as problem:
        raise RunError(f"{path}: {first_fault(problem)}; run the gate again") from problem
    if read.digest and read.digest != with_digest(head)["digest"]:
        raise RunError(
            f"{path} was changed: its digest is {with_digest(head)['digest']}, it says "
            f"{read.digest}; restore it or run the gate again"
        )
    return read


def with_digest(document: Mapping[str, object]) -> dict[str, object]:
    """Return a document of ``run.json`` with the digest of all else in it."""
    content = {key: value for key, value in document.items() if key != "digest"}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return content | {"digest": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()}


def write_derived(run: Run, name: str, text: str) -> Path:
    """Write a report beside the evidence, atomically, and return its path.

    Raises:
        RunStorageError: the disk refused; an older report is still there.
    """
    path = run.folder / name
    with storage_errors(path, RunStorageError):
        atomic_write(path, text.encode("utf-8", "backslashreplace"))
    return path


def _peek(data: bytes) -> Mapping[str, object]:
    try:
        head = json.loads(data)
    except ValueError:
        return {}
    return head if isinstance(head, dict) else {}


def _refuse_foreign(folder: Path) -> None:
    # A typing error in --out must not cost a folder of something else.
    names = {entry.name for entry in folder.iterdir()}
    if not names:
        return
    if RUN_FILE in names:
        if _peek((folder / RUN_FILE).read_bytes()).get("format") == "evalsuite.run":
            return
    elif names <= {LOCK, UNFINISHED, RUN_FILE, *EVIDENCE, *ANNEX, *REPORTS} and LOCK in names:
        return
    shown = ", ".join(sorted(names)[:3])
    raise RunError(
        f"the folder {str(folder)!r} holds something else than a run ({shown}); "
        "name a new or empty folder with --out"
    )


def _fresh_stage(folder: Path) -> Path:
    """Return an empty ``unfinished/``, dropping what an interrupted run left there."""
    stage = folder / UNFINISHED
    with storage_errors(stage, RunStorageError):
        if stage.is_symlink():
            raise RunError(f"{str(stage)!r} is a link, which no run makes; remove it")
        if stage.is_dir():
            for entry in stage.iterdir():
                known = {RUN_FILE, *EVIDENCE, *ANNEX}
                # ``.tmp`` is what an atomic write leaves when its process is killed.
                if entry.name not in known and not entry.name.endswith(".tmp"):
                    raise RunError(f"{str(entry)!r} is not part of a run; move it away")
                entry.unlink()
        else:
            stage.mkdir()
        # A run that liveness stops has no rows, and yet every file.
        for name in (CASES, OUTPUTS, SCORES, *ANNEX):
            (stage / name).touch()
    return stage


def _sync_file(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _move_up(stage: Path, folder: Path) -> None:
    """Move every staged file into place, ``run.json`` last, and drop reports of the older run."""
    for name in REPORTS:
        (folder / name).unlink(missing_ok=True)
    for name in (*EVIDENCE, *ANNEX, RUN_FILE):
        (stage / name).replace(folder / name)
    sync_folder(folder)
    # Last: as long as it is there, a reader knows that the move is not over.
    stage.rmdir()


def _require_finished(folder: Path) -> None:
    if not folder.is_dir():
        raise RunError(
            f"there is no run folder {str(folder)!r}; make one with: evalsuite gate --out {folder}"
        )
    if (folder / UNFINISHED).exists():
        # A staged run.json means that the move had begun: what lies here may be of both runs.
        older = (folder / RUN_FILE).is_file() and not (folder / UNFINISHED / RUN_FILE).exists()
        kept = f"; the older run is kept, delete {UNFINISHED}/ to go back to it" if older else ""
        raise RunError(
            f"the run in {str(folder)!r} was not finished; run the same command again, "
            f"answers in the cache are not computed twice{kept}"
        )
    if not (folder / RUN_FILE).is_file():
        raise RunError(
            f"{str(folder)!r} is not a run folder: it has no {RUN_FILE}; "
            "name the folder that evalsuite gate --out wrote"
        )


def recorded_files(info: RunFile) -> tuple[str, ...]:
    """The files that lie beside a ``run.json``; no name in it but these is ever followed."""
    return (*EVIDENCE, *(name for name in ANNEX if name in info.files))


def _check_files(folder: Path, info: RunFile) -> None:
    for name in recorded_files(info):
        path, recorded = folder / name, info.files.get(name)
        if recorded is None or not path.is_file():
            raise RunError(f"{str(path)!r} is missing; run the gate again")
        actual = digest_file(path)
        if actual != recorded.sha256:
            raise RunError(
                f"{str(path)!r} was changed after the run: sha256 is {actual}, "
                f"run.json says {recorded.sha256}; restore it or run the gate again"
            )


def _read_annex(
    folder: Path, info: RunFile, name: str, adapter: TypeAdapter[Row]
) -> tuple[Row, ...]:
    return read_rows(folder / name, adapter) if name in info.files else ()


def _read_verdicts(path: Path) -> tuple[Status, tuple[Verdict, ...]]:
    try:
        return load_verdicts(json.loads(path.read_bytes()))
    except ValueError as problem:
        raise RunError(f"{path}: is not JSON ({problem}); run the gate again") from problem
    except RunError as problem:
        raise RunError(f"{path}: {problem}; run the gate again") from problem
