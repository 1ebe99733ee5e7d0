"""qualify: how well do the gates see?"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from evalsuite.commands.console import Terminal
from evalsuite.commands.gate import from_here
from evalsuite.commands.options import (
    BY_CHECK,
    Subparsers,
    add_candidate,
    add_gate_options,
    add_lineage,
    add_registry,
    check_result,
    command,
    gate_request,
    write_result,
)

if TYPE_CHECKING:
    from evalsuite.qualification import Qualification, QualifyRequest


def add(subparsers: Subparsers) -> None:
    """Declare the command."""
    qualify = command(
        subparsers,
        "qualify",
        _qualify,
        help="plant defects in a good candidate and count which of them the gates block",
        example="evalsuite qualify --adapter adapters/candidate --repeats 20",
        ends=BY_CHECK.replace("something is wrong", "a good candidate was FAILED"),
    )
    add_candidate(qualify, "a candidate that passes", "reports/qualification")
    _add_mutants(qualify)
    _add_nulls(qualify)
    add_registry(qualify)
    add_lineage(qualify)
    add_gate_options(qualify, seed="of panels, mutants and trainings (default: 0)")


def _add_mutants(qualify: argparse.ArgumentParser) -> None:
    qualify.add_argument(
        "--layers", nargs="+", default=["output"],
        help="output: corrupted answers; adapter: broken folders; weights: blended with badly "
        "trained ones; training: on poisoned data; all but output take hours (default: output)",
    )  # fmt: skip
    qualify.add_argument("--gates", nargs="+", metavar="GATE", help="only these gates' mutants")
    qualify.add_argument(
        "--mutants", nargs="+", metavar="MUTANT", default=[], help="only these; none: nulls alone"
    )
    qualify.add_argument(
        "--repeats", type=int, default=20, help="for each mutant and severity (default: 20)"
    )
    qualify.add_argument(
        "--panels", type=int, default=3, help="fresh panels to plant defects in (default: 3)"
    )
    qualify.add_argument(
        "--organisms",
        type=Path,
        help="folder of the adapters that are trained here, kept and taken again "
        "(default: adapters below --out)",
    )


def _add_nulls(qualify: argparse.ArgumentParser) -> None:
    qualify.add_argument(
        "--nulls", type=int, help="null runs, these panels among them (default: as many as panels)"
    )
    qualify.add_argument(
        "--retrained", type=int, default=0, metavar="N",
        help="further nulls: N good candidates of other recipes and seeds, trained here",
    )  # fmt: skip


def _qualify(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.gates import Status
    from evalsuite.qualification import alarms, qualify
    from evalsuite.report import qualification_text

    def tell(what: str, done: int, total: int) -> None:
        terminal.progress(f"{what} {done}/{total}")

    request = _request(args)
    check_result(args.out, "qualification.json", "nulls.jsonl", "adapters")
    with terminal.working("qualifying"):
        found = qualify(request, tell=tell, save=lambda so_far: _write(so_far, args.out))
    _write(found, args.out)
    terminal.say(qualification_text(found.to_json()))
    terminal.say("")
    terminal.say(f"page: {from_here(args.out / 'index.html')}")
    terminal.say(f"it counts as an attempt of this candidate in {from_here(args.registry)}")
    return 1 if alarms(found.nulls, Status.FAILED) else 0


def _request(args: argparse.Namespace) -> QualifyRequest:
    from evalsuite.errors import InvalidInput
    from evalsuite.gates import Gate
    from evalsuite.qualification import QualifyRequest

    unknown = sorted(set(args.gates or ()) - {gate.value for gate in Gate})
    if unknown:
        raise InvalidInput(f"--gates {' '.join(unknown)}: use any of {', '.join(Gate)}")
    return QualifyRequest(
        # Panels here are compared with the base, whoever the champion is.
        gate=replace(gate_request(args, ("evalsuite", *sys.argv[1:])), registry=None, lineage=""),
        registry=args.registry,
        lineage=args.lineage,
        out=args.out,
        gates=tuple(map(Gate, args.gates)) if args.gates else tuple(Gate),
        layers=tuple(args.layers),
        mutants=tuple(args.mutants),
        repeats=args.repeats,
        panels=args.panels,
        nulls=args.panels if args.nulls is None else args.nulls,
        retrained=args.retrained,
        organisms=args.organisms,
        seed=args.seed or 0,
    )


def _write(found: Qualification, out: Path) -> None:
    from evalsuite.report import render_qualification

    data = found.to_json()
    write_result(out, "qualification.json", data, render_qualification(data))
