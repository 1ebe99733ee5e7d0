"""import: somebody else's data as case files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from evalsuite.commands.console import Terminal
from evalsuite.commands.options import Subparsers, command, require_apart

if TYPE_CHECKING:
    from evalsuite.cases.importers import Imported, Wishes

_LISTED = 50
"""Records that are named at most of those that were left out."""


def add(subparsers: Subparsers) -> None:
    """Declare the command."""
    convert = command(
        subparsers,
        "import",
        _import,
        help="turn somebody else's data into cases",
        example="evalsuite import tsv rewrites.tsv --out my-cases/imported_en.yaml",
        ends="exit status: 0 done, 1 written without the records that were skipped, 3 could not "
        "run, 130 interrupted",
    )
    convert.add_argument(
        "format",
        metavar="FORMAT",
        help="canard, qrecc, topiocqa, cast2019, cast, alexa_cqr, mudoco, tsv, tsv_turns or jsonl "
        "(docs/cases.md)",
    )
    convert.add_argument(
        "file", type=Path, metavar="FILE", help="the file to read; for cast2019 the topics"
    )
    convert.add_argument(
        "--out",
        type=Path,
        required=True,
        help="the YAML file to write; many cases go into several, numbered behind its name",
    )
    convert.add_argument("--limit", type=int, help="stop after so many cases")
    convert.add_argument(
        "--map",
        metavar="NAME=FIELD,...",
        help="of jsonl: where query, history, rewrite (and id, cluster) stand, as "
        "query=turn.text,history=context,rewrite=gold (default: under these names)",
    )
    convert.add_argument(
        "--skip-bad",
        action="store_true",
        help="leave out records that cannot be read, and name them, instead of writing nothing",
    )
    convert.add_argument(
        "--extractive",
        action="store_true",
        help="the rewrites only put back words of the history: judge them word by word",
    )
    convert.add_argument(
        "--no-names",
        action="store_true",
        help="do not read off the rewrites what must and what must not be named",
    )


def _import(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.cases.importers import imported
    from evalsuite.cases.importers.written import case_files
    from evalsuite.errors import RunStorageError
    from evalsuite.files.storage import storage_errors, write_named

    require_apart(args.out, args.file)
    found = imported(args.format, args.file, _wishes(args))
    files = case_files(found.cases, args.out)
    for path, _ in files:
        require_apart(path, args.file)
    with storage_errors(args.out, RunStorageError):
        args.out.parent.mkdir(parents=True, exist_ok=True)
        for path, text in files:
            write_named(path, text.encode())
    _tell(found, terminal)
    where = f"{args.out}" if len(files) == 1 else f"{files[0][0]} to {files[-1][0].name}"
    terminal.say(f"wrote {len(found.cases)} cases to {where}")
    return int(bool(found.skipped))


def _wishes(args: argparse.Namespace) -> Wishes:
    from evalsuite.cases.importers import Wishes
    from evalsuite.cases.importers.mapped import fields_of

    return Wishes(
        limit=args.limit,
        extractive=args.extractive,
        names=not args.no_names,
        skip_bad=args.skip_bad,
        fields={} if args.map is None else fields_of(args.map),
    )


def _tell(found: Imported, terminal: Terminal) -> None:
    """Name what was left out, and count what stood twice and what is known of names."""
    for what, lines in (("skipped", found.skipped), ("the same conversation", found.merged)):
        for line in lines[:_LISTED]:
            terminal.say(f"{what}: {line}")
        if len(lines) > _LISTED:
            terminal.say(f"{what}: ... and {len(lines) - _LISTED} more")
    if found.skipped:
        terminal.say(f"skipped {len(found.skipped)} records that cannot be read")
    named = sum(bool(case.expect.must_name) for case in found.cases)
    others = sum(bool(case.expect.must_not_name) for case in found.cases)
    terminal.say(f"{named} cases say what must be named, {others} what must not")
