"""Every file operation of gate and promote as the last one: what does a second run find?

    python benchmarks/crash_points.py --adapter adapters/quickstart

The process is killed right before its k-th operation inside run and registry, or the disk refuses
that operation, for every k; then the command runs again. It has to end as an undisturbed one: the
same verdicts, the attempt counted once, one record, a record that verifies, and nothing left over.
Results: ``results/crash_points.json``. Exit status 1 when a second run found something else.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from figures import RESULTS, ROOT, Bound, Figure, conclude, machine
from tampering import POLICY

COMMANDS = ("gate", "promote")
WAYS = {"kill": "killed before it", "full": "the disk refuses it"}


def tried(command: str, way: str, work: Path, args: argparse.Namespace) -> list[dict[str, Any]]:
    """What the second run found, for every operation."""
    (work / "policy.yaml").write_text(POLICY, "utf-8")
    asked = (args.adapter, work / "policy.yaml", ROOT / "cases", work / "cache.sqlite3")
    done = subprocess.run(
        [
            sys.executable, "-W", "ignore", "-m", "tests.registry.crashpoints", command,
            str(work / f"{command}-{way}"), *map(str, asked), str(args.every), way,
        ],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def main() -> int:
    """Try everything and compare with the try in which nothing happened."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--adapter", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="only each N-th operation")
    args = parser.parse_args()
    rows, wrong = [], []
    with tempfile.TemporaryDirectory() as work:
        for command in COMMANDS:
            for way in WAYS:
                found = tried(command, way, Path(work), args)
                due = {k: v for k, v in found[-1].items() if k not in ("step", "ended")}
                odd = [one for one in found if due != {k: one[k] for k in due}]
                rows.append(
                    {"command": command, "way": way, "points": len(found) - 1, "odd": len(odd)}
                )
                wrong += [{"command": command, "way": way, **one} for one in odd]
                print(rows[-1], file=sys.stderr)
    result = {"machine": machine(), "every": args.every, "rows": rows, "wrong": wrong}
    figures = [
        Figure(
            name="second runs that found something else",
            value=len(wrong),
            bound=Bound.AT_MOST,
            target=0,
        )
    ]
    return conclude(figures, result, RESULTS / "crash_points.json")


if __name__ == "__main__":
    sys.exit(main())
