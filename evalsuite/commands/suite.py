"""suite import and suite check: suites of one's own, before a policy names them."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from evalsuite.commands.console import Terminal
from evalsuite.commands.options import BY_SUCCESS, Subparsers, command, require_apart

_TOLD = 20
"""Records that are left out and told; the others are counted."""


def add(subparsers: Subparsers) -> None:
    """Declare the commands."""
    suite = subparsers.add_parser("suite", help="suites of one's own for the gate forgetting")
    actions = suite.add_subparsers(required=True, metavar="ACTION")
    convert = command(
        actions,
        "import",
        _import,
        help="turn a published set into a suite",
        example="evalsuite suite import gsm8k test.jsonl --out suites/gsm8k.jsonl --limit 300",
        ends="exit status: 0 done, 1 broken records were skipped, 3 could not import, "
        "130 interrupted",
    )
    convert.add_argument(
        "format",
        metavar="FORMAT",
        help="gsm8k, mmlu, cmmlu, ceval, hellaswag, arc, ifeval, winogender, winobias, gap, "
        "mt_bench_101 or belle",
    )
    convert.add_argument("file", type=Path, metavar="FILE", help="the file as it was published")
    convert.add_argument("--out", type=Path, required=True, help="the JSONL file to write")
    convert.add_argument("--limit", type=int, metavar="N", help="stop after so many rows")
    convert.add_argument(
        "--skip-bad", action="store_true", help="leave broken records out, and say which"
    )
    check = command(
        actions,
        "check",
        _check,
        help="read suites and name everything that is wrong",
        example="evalsuite suite check suites/gsm8k.jsonl",
        ends=BY_SUCCESS,
    )
    check.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="JSONL files of rows, or case files"
    )


def _import(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.errors import RunStorageError
    from evalsuite.files.storage import storage_errors, write_named
    from evalsuite.suites import dump_suite
    from evalsuite.suites.importing import import_suite

    require_apart(args.out, args.file)
    found = import_suite(args.format, args.file, limit=args.limit, skip_bad=args.skip_bad)
    for said in found.bad[:_TOLD]:
        terminal.say(f"left out: {said}")
    if len(found.bad) > _TOLD:
        terminal.say(f"left out: {len(found.bad) - _TOLD} more that are broken")
    for reason, n in sorted(found.left_out.items()):
        terminal.say(f"left out: {n} records: {reason}")
    with storage_errors(args.out, RunStorageError):
        args.out.parent.mkdir(parents=True, exist_ok=True)
        write_named(args.out, dump_suite(found.header, found.rows).encode())
    terminal.say(f"wrote {len(found.rows)} of {found.records} records to {args.out}")
    return int(bool(found.bad))


def _check(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.pipeline.reading import read_suite_files

    items = read_suite_files(args.files)
    for (skill, language), n in sorted(Counter((i.skill, i.language) for i in items).items()):
        terminal.say(f"{skill} ({language}): {n} questions")
    terminal.say(f"{len(items)} questions, nothing wrong")
    return 0
