"""How long things take for a user, as whole processes: import, gate cold, gate from the cache.

python benchmarks/speed.py --adapter adapters/quickstart
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RESULT = Path(__file__).parent / "results" / "speed.json"


def seconds(*command: str) -> float:
    began = time.monotonic()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode == 3:
        raise SystemExit(done.stderr)
    return time.monotonic() - began


def gate(adapter: Path, work: Path, name: str) -> tuple[float, dict[str, int]]:
    took = seconds(
        sys.executable, "-m", "evalsuite.cli", "gate", "--adapter", str(adapter),
        "--out", str(work / name), "--cache", str(work / "outputs.sqlite3"),
    )  # fmt: skip
    run = json.loads((work / name / "run.json").read_text("utf-8"))
    return took, run["counts"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--adapter", type=Path, default=Path("adapters/quickstart"))
    parser.add_argument("--out", type=Path, default=RESULT)
    args = parser.parse_args()
    bare = statistics.median(seconds(sys.executable, "-c", "pass") for _ in range(7))
    imported = statistics.median(
        seconds(sys.executable, "-c", "import evalsuite") for _ in range(7)
    )
    with tempfile.TemporaryDirectory() as folder:
        cold, cold_counts = gate(args.adapter, Path(folder), "cold")
        cached, cached_counts = gate(args.adapter, Path(folder), "cached")
    result = {
        "cores": os.cpu_count(),
        "import_seconds": round(imported, 3),
        "bare_python_seconds": round(bare, 3),
        "gate_cold_seconds": round(cold, 1),
        "gate_cold_counts": cold_counts,
        "gate_cached_seconds": round(cached, 1),
        "gate_cached_counts": cached_counts,
    }
    print(json.dumps(result, indent=2))
    args.out.write_text(json.dumps(result, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
