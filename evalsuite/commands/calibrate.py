"""calibrate: what do the gates see on this base, and what can a policy ask?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from evalsuite.commands.console import Terminal
from evalsuite.commands.gate import from_here
from evalsuite.commands.options import (
    BY_CHECK,
    Subparsers,
    add_candidate,
    add_gate_options,
    check_result,
    command,
    gate_request,
    write_result,
)

if TYPE_CHECKING:
    from evalsuite.calibration import Calibration

POLICY = "policy.yaml"


def add(subparsers: Subparsers) -> None:
    """Declare the command."""
    calibrate = command(
        subparsers,
        "calibrate",
        _calibrate,
        help="measure a reference adapter on your base and propose limits and panel sizes",
        example="evalsuite calibrate --base-model smollm2 --adapter adapters/good --minutes 60",
        ends=BY_CHECK.replace("something is wrong", "nothing can be proposed"),
    )
    add_candidate(calibrate, "an adapter that you declare good", "reports/calibration")
    calibrate.add_argument(
        "--minutes", type=float, default=60.0, help="about how long it may take (default: 60)"
    )
    add_gate_options(calibrate, seed="of the panels (default: 0)")


def _calibrate(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.calibration import CalibrateRequest, calibrate
    from evalsuite.report import calibration_text

    def tell(what: str, done: int, total: int) -> None:
        terminal.progress(f"{what} {done}/{total}")

    check_result(args.out, "calibration.json")
    request = CalibrateRequest(
        gate=gate_request(args, ("evalsuite", *sys.argv[1:])),
        out=args.out,
        minutes=args.minutes,
        seed=args.seed or 0,
    )
    with terminal.working("calibrating"):
        found = calibrate(request, tell=tell)
    _write(found, args.out)
    terminal.say(calibration_text(found.to_json()))
    terminal.say("")
    if found.policy:
        terminal.say(f"policy: {from_here(args.out / POLICY)}")
    terminal.say(f"page: {from_here(args.out / 'index.html')}")
    return 0 if found.policy else 1


def _write(found: Calibration, out: Path) -> None:
    from evalsuite.errors import RunStorageError
    from evalsuite.files.storage import atomic_write, storage_errors
    from evalsuite.report import render_calibration

    data = found.to_json()
    write_result(out, "calibration.json", data, render_calibration(data))
    with storage_errors(out, RunStorageError):
        if found.policy:
            atomic_write(out / POLICY, found.policy.encode())
        else:
            # One of an earlier calibration would pass for this one's.
            (out / POLICY).unlink(missing_ok=True)
