"""How long things take for a user, as whole processes: import, gate and qualification.

A gate is timed without any known answer and with all of them; a qualification of the output layer
with all of them, because it plants its defects in answers that are known.

    python benchmarks/speed.py --adapter adapters/quickstart

Exit status 1 when a target is missed. How long a fresh machine needs is ``benchmarks/fresh.py``.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import RESULTS, ROOT, Bound, Figure, conclude, machine

from evalsuite.runs import Counts
from evalsuite.runs.folder import load_run

HEAVY = ("torch", "transformers", "peft", "bitsandbytes", "accelerate", "pandas")
"""What ``import evalsuite`` must not load."""
REPEATS = 7


@dataclass(frozen=True, slots=True)
class Gated:
    """One gate as a whole process."""

    seconds: float
    counts: Counts
    status: str


def seconds(*command: str, statuses: tuple[int, ...] = (0,)) -> float:
    """Run a command and return how long it took.

    Raises:
        SystemExit: it ended with another status than ``statuses``.
    """
    began = time.monotonic()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    took = time.monotonic() - began
    if done.returncode not in statuses:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return took


def gate(base: str, adapter: Path, work: Path, name: str) -> Gated:
    took = seconds(
        sys.executable, "-m", "evalsuite.cli", "gate", "--base-model", base,
        "--adapter", str(adapter), "--out", str(work / name), "--cases", str(ROOT / "cases"),
        "--cache", str(work / "outputs.sqlite3"), "--registry", str(work / "registry"),
        statuses=(0, 1, 2),
    )  # fmt: skip
    run = load_run(work / name)
    return Gated(took, run.info.counts, run.status.value)


def qualification(base: str, adapter: Path, work: Path) -> float:
    """Return how long the output layer takes, once the answers to its panels are known."""

    def qualify(name: str, *options: str) -> float:
        return seconds(
            sys.executable, "-m", "evalsuite.cli", "qualify", "--base-model", base,
            "--adapter", str(adapter), "--out", str(work / name), "--cases", str(ROOT / "cases"),
            "--cache", str(work / "outputs.sqlite3"),
            "--registry", str(work / "registry"), *options,
        )  # fmt: skip

    qualify("panels", "--mutants", "none")
    return qualify("mutants")


def python(code: str) -> float:
    """Return the median time of an interpreter that runs ``code``."""
    return statistics.median(seconds(sys.executable, "-c", code) for _ in range(REPEATS))


def heavy_modules() -> list[str]:
    """Return which of ``HEAVY`` are loaded after ``import evalsuite``."""
    code = f"import sys, evalsuite; print(*(m for m in {HEAVY} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.split()


def figures(result: Mapping[str, Any]) -> list[Figure]:
    """Return what has a target."""
    rows = (
        ("import evalsuite, interpreter included", "import_seconds", Bound.BELOW, 0.3, "s"),
        ("heavy modules that it loads", "import_heavy_modules", Bound.AT_MOST, 0, ""),
        ("gate, cold", "gate_cold_seconds", Bound.AT_MOST, 120, "s"),
        ("gate, from the cache", "gate_cached_seconds", Bound.AT_MOST, 10, "s"),
        ("model calls of a gate from the cache", "gate_cached_calls", Bound.AT_MOST, 0, ""),
        ("qualification, output layer, from the cache", "qualify_seconds", Bound.AT_MOST, 600, "s"),
    )
    values = {
        **result,
        "import_heavy_modules": len(result["import_heavy_modules"]),
        "gate_cached_calls": result["gate_cached_counts"]["model_calls"],
    }
    return [
        Figure(name=name, value=values[key], bound=bound, target=target, unit=unit)
        for name, key, bound, target, unit in rows
    ]


def report(base: str, adapter: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        cold = gate(base, adapter, Path(folder), "cold")
        cached = gate(base, adapter, Path(folder), "cached")
        qualified = qualification(base, adapter, Path(folder))
    return {
        "machine": machine(),
        "import_seconds": round(python("import evalsuite"), 3),
        "bare_python_seconds": round(python("pass"), 3),
        "import_heavy_modules": heavy_modules(),
        "gate_cold_seconds": round(cold.seconds, 1),
        "gate_cold_counts": _counts(cold),
        "gate_cached_seconds": round(cached.seconds, 1),
        "gate_cached_counts": _counts(cached),
        "qualify_seconds": round(qualified, 1),
        "status": {"cold": cold.status, "cached": cached.status},
    }


def _counts(gated: Gated) -> dict[str, int]:
    counts = gated.counts
    return {
        "model_calls": counts.model_calls,
        "cache_hits": counts.cache_hits,
        "cache_misses": counts.cache_misses,
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base-model", default="nano", help="default: nano")
    parser.add_argument("--adapter", type=Path, default=Path("adapters/quickstart"))
    parser.add_argument("--out", type=Path, default=RESULTS / "speed.json")
    args = parser.parse_args()
    result = report(args.base_model, args.adapter)
    return conclude(figures(result), result, args.out)


if __name__ == "__main__":
    sys.exit(main())
