"""label: a first golden set out of a team's own logs."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalsuite.commands.console import Terminal
from evalsuite.commands.gate import from_here
from evalsuite.commands.options import Subparsers, check_result, command, require_new
from evalsuite.commands.review import SHEETS, write_sheets

_READ = "read"


def add(subparsers: Subparsers) -> None:
    """Declare the command."""
    label = command(
        subparsers,
        "label",
        _label,
        help="start a golden set out of logs, offline: a sheet of diverse queries, and its cases",
        example="evalsuite label logs.jsonl --out labels",
    )
    label.add_argument(
        "what",
        nargs="+",
        metavar="LOG | read DIR SHEET",
        help="a file with a conversation a line to draw from; or the word read, the folder of "
        "labels and the filled sheet; nothing is sent anywhere",
    )
    label.add_argument(
        "--out",
        type=Path,
        required=True,
        help="a new folder for the sheet; with read, the YAML file of cases to write",
    )
    label.add_argument("--n", type=int, default=60, help="rows to label (default: 60)")
    label.add_argument("--seed", type=int, default=0, help="of the draw (default: 0)")


def _label(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.errors import InvalidInput

    match args.what:
        case [_read, folder, sheet] if _read == _READ:
            return _to_cases(Path(folder), Path(sheet), args.out, terminal)
        case [log] if log != _READ:
            return _to_sheet(Path(log), args, terminal)
    raise InvalidInput(
        f"label {' '.join(args.what)}: write label LOG --out DIR, or label read DIR SHEET --out "
        "FILE (a log that is called read: ./read)"
    )


def _to_sheet(log: Path, args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.errors import RunStorageError
    from evalsuite.files.storage import storage_errors, write_once
    from evalsuite.review.labelling import LABELS, draw_labels, dump_labels, label_sheet
    from evalsuite.review.logs import read_log

    check_result(args.out)
    found = read_log(log)
    with terminal.working("comparing queries"):
        labels = draw_labels(found, log.name, n=args.n, seed=args.seed)
    with storage_errors(args.out, RunStorageError):
        args.out.mkdir(parents=True, exist_ok=True)
        write_once(args.out / LABELS, dump_labels(labels).encode())
    ((csv, page),) = write_sheets(args.out / SHEETS, [label_sheet(labels)])
    repeated = f" ({found.repeated:,} repeated)" if found.repeated else ""
    terminal.say(
        f"{len(labels.rows)} of {len(found.conversations):,} conversations{repeated}, of "
        f"{len({row.kind for row in labels.rows})} proposed kinds"
    )
    terminal.say(f"to fill: {from_here(page)} or {from_here(csv)}")
    terminal.say("Nothing was sent anywhere. The sheet holds what people said: mind who gets it.")
    return 0


def _to_cases(folder: Path, sheet: Path, out: Path, terminal: Terminal) -> int:
    from evalsuite.cases.casefiles import dump_cases
    from evalsuite.errors import RunStorageError
    from evalsuite.files.storage import storage_errors, write_named
    from evalsuite.review.labelling import load_labels, read_labels

    require_new(out)
    labels = load_labels(folder)
    cases = read_labels(labels, sheet)
    with storage_errors(out, RunStorageError):
        write_named(out, dump_cases(cases).encode())
    left = len(labels.rows) - len(cases)
    terminal.say(f"cases: {out} ({len(cases)}; {left} rows were left out)")
    return 0
