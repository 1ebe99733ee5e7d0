"""compare: two runs, case by case."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalsuite.commands.console import Terminal
from evalsuite.commands.options import EXIT, Subparsers, command


def add(subparsers: Subparsers) -> None:
    """Declare the command."""
    compare = command(
        subparsers,
        "compare",
        _compare,
        help="compare two runs case by case: regressed, fixed, still failing, unchanged",
        example="evalsuite compare reports/champion reports/today --markdown comment.md",
        ends="exit status: 0 no worse, 1 worse, 2 undecided, 3 could not be compared",
    )
    compare.add_argument("before", type=Path, metavar="RUN_A", help="the earlier run's folder")
    compare.add_argument("after", type=Path, metavar="RUN_B", help="the later run's folder")
    compare.add_argument(
        "--shared",
        action="store_true",
        help="compare runs that were asked differently on the cases that both were asked",
    )
    compare.add_argument(
        "--margin",
        type=float,
        default=0.05,
        metavar="SHARE",
        help="by how much the share of defects of a gate may grow (default: 0.05)",
    )
    compare.add_argument(
        "--registry",
        type=Path,
        metavar="DIR",
        help="show the last promotions of the same base in this registry beneath",
    )
    compare.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write the comparison for a pull request"
    )


def _compare(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.errors import RunStorageError
    from evalsuite.files.storage import storage_errors, write_named
    from evalsuite.registry import history
    from evalsuite.report import (
        comparison_markdown,
        comparison_text,
        history_markdown,
        history_text,
    )
    from evalsuite.runs.comparison import compare
    from evalsuite.runs.folder import load_run

    found = compare(
        load_run(args.before), load_run(args.after), shared=args.shared, margin=args.margin
    )
    earlier = (
        None if args.registry is None else history(args.registry, found.after.info.base.digest)
    )
    attempt = found.after.info.attempt
    lineage = "" if attempt is None else attempt.lineage
    terminal.say(comparison_text(found))
    if earlier is not None:
        terminal.say("")
        terminal.say(history_text(earlier, lineage=lineage))
    if args.markdown is not None:
        with storage_errors(args.markdown, RunStorageError):
            args.markdown.parent.mkdir(parents=True, exist_ok=True)
            page = comparison_markdown(found)
            page += "" if earlier is None else f"\n{history_markdown(earlier, lineage=lineage)}"
            write_named(args.markdown, page.encode())
        terminal.say("")
        terminal.say(f"wrote {args.markdown}")
    return EXIT[found.status]
