"""Does a change of the code leave verdicts, numbers and scores as they were?

    python benchmarks/unchanged.py --before DIR --adapter DIR --mutant DIR

``--before`` is a checkout of the code before the change; this one is after it. Both gate the
adapter and the mutant and search the adapter, with the same seed, a registry of their own and
copies of one cache, in which the first answers land. Then everything that decides or is shown is
compared: cases, outputs, scores, verdicts, and what a search found. Times, paths and versions are
left out, and so are digests of what was asked, whose scheme may change with a version. Exit status
1 when anything differs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import RESULTS, ROOT, Bound, Figure, conclude

SEED, BUDGET, SENSITIVITY = 20261129, 256, 24
ROWS = {
    "cases.jsonl": ("panel", "case_id"),
    "outputs.jsonl": ("side", "panel", "case_id", "demonstrations"),
    "scores.jsonl": ("detector", "side", "panel", "case_id"),
}
"""A run's files of rows, and what tells a row from every other."""
KEPT = ("counterexamples", "relations", "sensitivity", "progress", "envelope", "plan")
"""What ``search.json`` says of a search beside its subject and its time."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """One state of the code, run as a person runs it."""

    root: Path
    home: Path

    def run(self, *arguments: str) -> int:
        """Run one command; the status of a verdict is no failure."""
        code = "import sys; from evalsuite.cli import main; sys.exit(main())"
        environment = os.environ | {
            "PYTHONPATH": str(self.root),
            "XDG_CACHE_HOME": str(self.home / "cache"),
        }
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], cwd=self.root, env=environment, check=False,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode not in (0, 1, 2):
            raise SystemExit(f"{self.root}: evalsuite {' '.join(arguments)} could not run")
        return done.returncode

    def gate(self, adapter: Path, name: str) -> Path:
        """Gate an adapter into a folder of this name and return it."""
        out = self.home / name
        self.run(
            "gate", "--adapter", str(adapter), "--out", str(out), "--seed", str(SEED),
            "--registry", str(self.home / f"registry-{name}"),
        )  # fmt: skip
        return out

    def search(self, adapter: Path) -> Path:
        """Search an adapter and return the folder of the result."""
        out = self.home / "search"
        self.run(
            "search", "--adapter", str(adapter), "--out", str(out), "--seed", str(SEED),
            "--budget", str(BUDGET), "--sensitivity", str(SENSITIVITY), "--no-save",
        )  # fmt: skip
        return out


def rows(folder: Path, name: str) -> dict[tuple[str, ...], str]:
    """The rows of a file by what identifies them."""
    found: dict[tuple[str, ...], str] = {}
    for line in (folder / name).read_text("utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        # Two marks at one place had no order of their own before.
        row["spans"] = sorted(row.get("spans", []), key=lambda span: sorted(map(str, span.items())))
        key = tuple(str(row.get(part, "")) for part in ROWS[name])
        found[key] = json.dumps(row, sort_keys=True, ensure_ascii=False)
    return found


def of_runs(before: Path, after: Path) -> Iterator[str]:
    """Everything in which two runs differ, a line each."""
    for name in ROWS:
        old, new = rows(before, name), rows(after, name)
        for key in sorted({*old, *new}):
            if old.get(key) != new.get(key):
                yield f"{name}: {'/'.join(key)}: {old.get(key)} -> {new.get(key)}"
    old_verdicts, new_verdicts = (
        json.loads((folder / "verdicts.json").read_text("utf-8")) for folder in (before, after)
    )
    yield from differences("verdicts.json", old_verdicts, new_verdicts)


def of_searches(before: Path, after: Path) -> Iterator[str]:
    """Everything in which two searches differ, a line each."""
    old, new = (json.loads((f / "search.json").read_text("utf-8")) for f in (before, after))
    for key in KEPT:
        yield from differences(f"search.json: {key}", old[key], new[key])


def differences(where: str, old: Any, new: Any) -> Iterator[str]:
    """Compare JSON values part by part; numbers exactly."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from differences(f"{where}.{key}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for place, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from differences(f"{where}[{place}]", one, other)
    elif old != new:
        yield f"{where}: {old!r} -> {new!r}"


def compared(args: argparse.Namespace, work: Path) -> dict[str, list[str]]:
    """Run both states of the code and return the differences of each part."""
    first = Checkout(args.before.resolve(), work / "before")
    adapters = {"quickstart": args.adapter.resolve(), "mutant": args.mutant.resolve()}
    old = {name: first.gate(adapter, name) for name, adapter in adapters.items()}
    old_search = first.search(adapters["quickstart"])
    second = Checkout(ROOT, work / "after")
    shutil.copytree(first.home / "cache", second.home / "cache")
    found = {
        name: list(of_runs(old[name], second.gate(adapter, name)))
        for name, adapter in adapters.items()
    }
    return found | {"search": list(of_searches(old_search, second.search(adapters["quickstart"])))}


def main(argv: Sequence[str] | None = None) -> int:
    """Compare, print and write the result."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--before", type=Path, required=True, help="checkout of the code before")
    parser.add_argument("--adapter", type=Path, required=True, help="a good candidate")
    parser.add_argument("--mutant", type=Path, required=True, help="one with a planted defect")
    parser.add_argument("--out", type=Path, default=RESULTS / "unchanged.json")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        found = compared(args, work)
        counts = {
            name: {file: len(rows(work / "after" / name, file)) for file in ROWS}
            for name in ("quickstart", "mutant")
        }
    lines = [line for part in found.values() for line in part]
    print("\n".join(lines))
    commit = subprocess.run(
        ["git", "-C", str(args.before), "rev-parse", "HEAD"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    result = {"before": commit, "compared": counts, "differences": found}
    figures = [
        Figure(
            name="differences",
            value=len(lines),
            bound=Bound.AT_MOST,
            target=0,
        )
    ]
    return conclude(figures, result, args.out)


if __name__ == "__main__":
    sys.exit(main())
