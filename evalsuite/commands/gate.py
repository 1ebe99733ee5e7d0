"""gate, report, promote, verify, rollback: from a candidate to a record."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from evalsuite.commands.console import Terminal
from evalsuite.commands.evidence import recomputed_findings, require_evidence
from evalsuite.commands.options import (
    BY_EVIDENCE,
    BY_STATUS,
    EXIT,
    HELP,
    Once,
    Subparsers,
    add_base,
    add_champion,
    add_gate_options,
    add_lineage,
    add_registry,
    command,
    gate_request,
)
from evalsuite.commands.progress import LONG, Milestones, Pace, status_line
from evalsuite.commands.several import gate_each, refuse_what_is_about_one
from evalsuite.errors import InvalidInput

if TYPE_CHECKING:
    from evalsuite.pipeline import Event, GateRequest
    from evalsuite.registry import Finding, PolicyException
    from evalsuite.runs.folder import Run


QUICK = "compare digests alone; do not compute the verdict again"
MOST_ASKED = 100_000
"""Answers that are asked for again at most."""


def add(subparsers: Subparsers) -> None:
    """Declare the commands."""
    gate = command(
        subparsers,
        "gate",
        _gate,
        help="run every gate on a candidate and write a run folder",
        example="evalsuite gate --base-model nano --adapter adapters/candidate --out reports/today",
        ends=BY_STATUS,
    )
    add_base(gate)
    candidate = gate.add_mutually_exclusive_group(required=True)
    candidate.add_argument("--adapter", action=Once, type=Path, metavar="DIR", help=HELP["adapter"])
    candidate.add_argument(
        "--candidate", action=Once, type=Path, metavar="DIR", help=HELP["candidate"]
    )
    candidate.add_argument(
        "--adapters", action=Once, type=Path, nargs="+", metavar="DIR", help=HELP["adapters"]
    )
    gate.add_argument(
        "--out",
        type=Path,
        default=Path("reports/run"),
        help="the run folder; a run that is there is replaced (default: reports/run)",
    )
    gate.add_argument("--waivers", type=Path, help=HELP["waivers"])
    gate.add_argument(
        "--plan",
        action="store_true",
        help="say how many prompts and tokens each side would be asked, and ask nothing",
    )
    add_gate_options(gate)
    add_registry(gate)
    add_lineage(gate)
    add_champion(gate)
    _add_report(subparsers)
    _add_tables(subparsers)
    _add_promote(subparsers)
    _add_verify(subparsers)
    _add_rollback(subparsers)


def _add_report(subparsers: Subparsers) -> None:
    report = command(
        subparsers,
        "report",
        _report,
        help="write the reports of a run again",
        example="evalsuite report reports/today",
        ends=BY_STATUS,
    )
    report.add_argument("run_folder", type=Path, metavar="RUN")
    report.add_argument("--junit", action="store_true", help="write junit.xml too")
    report.add_argument(
        "--language", default="en", metavar="en|zh", help="of the page's own words (default: en)"
    )
    report.add_argument(
        "--search",
        type=Path,
        metavar="DIR",
        help="show what evalsuite search found out about the same adapter",
    )
    report.add_argument(
        "--qualification",
        type=Path,
        metavar="DIR",
        help="show what evalsuite qualify measured under the same policy (default: what ships)",
    )
    report.add_argument(
        "--github",
        action="store_true",
        help="in GitHub Actions: mark failed cases in their files, and add to the job's summary",
    )


def _add_tables(subparsers: Subparsers) -> None:
    tables = command(
        subparsers,
        "tables",
        _tables,
        help="write a run as tables: cases, outputs, scores and verdicts",
        example="evalsuite tables reports/today --out tables",
    )
    tables.add_argument("run_folder", type=Path, metavar="RUN")
    tables.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="the folder of the tables"
    )
    tables.add_argument(
        "--parquet", action="store_true", help="Parquet instead of CSV (needs pyarrow)"
    )


def _add_promote(subparsers: Subparsers) -> None:
    promote = command(
        subparsers,
        "promote",
        _promote,
        help="make the adapter of a passed run the champion",
        example="evalsuite promote reports/today --registry registry",
    )
    promote.add_argument("run_folder", type=Path, metavar="RUN")
    add_registry(promote)
    promote.add_argument(
        "--reask",
        type=int,
        metavar="N",
        help="ask the model again for so many answers, without the cache (default: 48); 0: none, "
        "where every answer was the model's own or of a sealed cache",
    )
    promote.add_argument("--quick", action="store_true", help=QUICK)
    promote.add_argument(
        "--exception",
        metavar="REASON",
        help="promote a run by another policy than the registry's; with --by and --until",
    )
    promote.add_argument("--by", metavar="NAME", help="who makes the exception")
    promote.add_argument(
        "--until", metavar="DATE", type=date.fromisoformat, help="its last day, as 2026-12-31"
    )


def _add_verify(subparsers: Subparsers) -> None:
    verify = command(
        subparsers,
        "verify",
        _verify,
        help="compute digests and verdict of a promotion record again, and name what changed",
        example="evalsuite verify registry/records/000001-0a1b2c3d4e5f.json",
        ends=BY_EVIDENCE,
    )
    verify.add_argument("record", type=Path, metavar="RECORD", help="a file of registry/records/")
    verify.add_argument("--adapter", type=Path, help="where the adapter lies now")
    verify.add_argument(
        "--run-folder", type=Path, help="another copy of the run (default: the registry's own)"
    )
    verify.add_argument("--base-model", help="where the base lies now: a folder, or a hub id")
    verify.add_argument("--cases", type=Path, help="where the golden cases of the run lie now")
    verify.add_argument("--quick", action="store_true", help=QUICK)


def _add_rollback(subparsers: Subparsers) -> None:
    rollback = command(
        subparsers,
        "rollback",
        _rollback,
        help="make the adapter of an earlier record the champion again",
        example="evalsuite rollback 1 --registry registry",
    )
    rollback.add_argument("record", metavar="RECORD", help="a record's file or number")
    add_registry(rollback)


def from_here(path: Path) -> Path:
    """A path as a person would type it: relative to the working directory, where it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def run_gate(request: GateRequest, terminal: Terminal) -> Run:
    """Evaluate, write the reports, say the verdict; shared by gate and quickstart."""
    from evalsuite.pipeline import evaluate
    from evalsuite.report import summary, write_reports

    milestones, pace = Milestones(LONG, pace=Pace()), Pace()

    def tell(event: Event) -> None:
        if event.note:
            terminal.note(event.note)
            return
        terminal.progress(status_line(event, pace=pace(event)))
        line = milestones.line(event)
        if line is not None:
            terminal.log(line)

    with terminal.working("gating"):
        run = evaluate(request, tell=tell)
        html, *_ = write_reports(run)
    terminal.say(summary(run))
    terminal.say("")
    terminal.say(f"report: {html}")
    return run


def _gate(args: argparse.Namespace, terminal: Terminal) -> int:
    request = gate_request(args, ("evalsuite", *sys.argv[1:]))
    if args.adapters:
        refuse_what_is_about_one(args)
        return gate_each(request, args.adapters, terminal)
    if args.plan:
        return _plan(request, terminal)
    return EXIT[run_gate(request, terminal).status]


def _plan(request: GateRequest, terminal: Terminal) -> int:
    """Say what a gate would ask."""
    from rich.table import Table

    from evalsuite.pipeline import plan

    with terminal.working("drawing panels"):
        planned = plan(request)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("side")
    table.add_column("part")
    for name in ("prompts", "tokens to read", "tokens to write at most"):
        table.add_column(name, justify="right")
    for share in planned:
        table.add_row(
            share.side,
            share.panel,
            *(f"{number:,}" for number in (share.prompts, share.read, share.written)),
        )
    terminal.say(table)
    totals = (sum(s.prompts for s in planned), sum(s.read for s in planned))
    terminal.say("")
    terminal.say(
        f"{totals[0]:,} prompts of {totals[1]:,} tokens in all; nothing was asked. What the cache "
        "knows is not asked again, and a policy that looks early may stop before the end"
    )
    return 0


def _report(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.report import interface, read_attachments, summary, write_reports
    from evalsuite.runs.folder import load_run

    language = interface(args.language)
    run = load_run(args.run_folder)
    attachments = read_attachments(run, search=args.search, qualification=args.qualification)
    for path in write_reports(run, junit=args.junit, language=language, attachments=attachments):
        terminal.say(f"wrote {path}")
    if args.github:
        _to_github(run, terminal)
    else:
        terminal.say(summary(run))
    return EXIT[run.status]


def _to_github(run: Run, terminal: Terminal) -> None:
    """Print workflow commands, and append the report to the file that GitHub names."""
    from evalsuite.errors import RunStorageError
    from evalsuite.files.storage import storage_errors
    from evalsuite.report import render_markdown, workflow_commands

    for line in workflow_commands(run):
        terminal.raw(f"{line}\n")
    named = os.environ.get("GITHUB_STEP_SUMMARY")
    if named:
        path = Path(named)
        with storage_errors(path, RunStorageError), path.open("a", encoding="utf-8") as stream:
            stream.write(f"{render_markdown(run)}\n")


def _tables(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.runs.tables import load_tables

    tables = load_tables(args.run_folder)
    write = tables.write_parquet if args.parquet else tables.write_csv
    for path in write(args.out):
        terminal.say(f"wrote {path}")
    return 0


def _promote(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.registry import promote

    if args.reask is not None and not 0 <= args.reask <= MOST_ASKED:
        raise InvalidInput(f"--reask {args.reask} must be a number from 0 to {MOST_ASKED}")
    if not args.quick:
        require_evidence(args.run_folder, terminal, reask=args.reask)
    record = promote(
        args.run_folder, args.registry, now=datetime.now(UTC), exception=_exception(args)
    )
    path = from_here(record.path)
    terminal.say(f"promoted {from_here(record.adapter_path)}. record: {path}")
    terminal.say(f"check it with: evalsuite verify {path}")
    return 0


def _exception(args: argparse.Namespace) -> PolicyException | None:
    from evalsuite.registry import PolicyException

    given = (args.exception, args.by, args.until)
    if not any(given):
        return None
    if not all(given):
        raise InvalidInput("an exception needs all of --exception REASON, --by NAME, --until DATE")
    return PolicyException(reason=args.exception, by=args.by, expires=args.until)


def _verify(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.registry import Check, verify

    found = verify(args.record, adapter=args.adapter, run=args.run_folder, base=args.base_model)
    again: tuple[Finding, ...] = ()
    # What has changed says nothing of the verdict: it is not what the record names.
    if found.ok and not args.quick:
        again = tuple(recomputed_findings(found, vars(args)))
        found = replace(found, findings=(*found.findings, *again))
    for finding in found.findings:
        detail = f": {finding.detail}" if finding.detail else ""
        terminal.say(f"{finding.check:9} {finding.subject}{detail}")
    terminal.say("")
    if found.ok:
        open_ = sum(finding.check is Check.UNCHECKED for finding in found.findings)
        unseen = f"; {open_} of {len(found.findings)} could not be checked" if open_ else ""
        if any(finding.check is Check.UNCHECKED for finding in again):
            terminal.say("digests alone verified: the verdict could not be computed again here")
            return 2
        follows = ", and the verdict follows from its evidence" if again else ""
        terminal.say(f"verified: nothing that was checked has changed{follows}{unseen}")
        return 0
    problems, all_ = len(found.problems), len(found.findings)
    terminal.say(f"NOT verified: {problems} of {all_} things changed or are missing")
    return 1


def _rollback(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.registry import rollback

    record = rollback(args.registry, args.record, now=datetime.now(UTC))
    terminal.say(f"rolled back. record: {from_here(record.path)}")
    return 0
