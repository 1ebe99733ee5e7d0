"""One byte changed anywhere in a registry, a run or a sealed cache: is it noticed?

    python benchmarks/tampering.py --changes 1000 --adapter adapters/quickstart

Gates an adapter of nano on small panels, promotes it, and then changes one byte at a time, chosen
by chance over files and places, and puts it back. A change has to be noticed, by ``verify``
(digests alone) or by whoever reads the file, or to be without effect: the file is the same as
canonical JSON, or the cache gives the same values under a seal. Results:
``results/tampering.json``.

Exit status 1 when a change went unnoticed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from figures import RESULTS, Bound, Figure, conclude, machine

from evalsuite.engines.sealing import KEY
from evalsuite.engines.store import Store
from evalsuite.errors import EvalsuiteError
from evalsuite.pipeline import GateRequest, evaluate
from evalsuite.registry import add_lineage, promote, verify
from evalsuite.runs.folder import load_run

POLICY = """
name: tampering
confidence: 0.95
power: 0.9
attempts: spend
gates:
  liveness: {minimum: 4}
  template_round_trip:
    minimum_properties: 8
    minimum_conversations: 20
    assumed_icc: 0.3
    answers: {limit: 0.2}
  example_leakage:
    panel: {en: 26, zh: 26}
    assumed_icc: 0.0
    literal: {limit: 0.5}
    swap: {limit: 0.5}
    control: {limit: 0.5}
    goldens: {sets: {nano: advisory, everyday: advisory}, limit: 1.0, minimum: 1}
  pronoun_resolution:
    panel: {en: 26, zh: 26}
    assumed_icc: 0.0
    failure_rate: {limit: 1.0}
    non_inferiority: {limit: 0.999}
    goldens: {sets: {nano: advisory, everyday: advisory}, limit: 1.0, minimum: 1}
  forgetting:
    panel: {en: 20, zh: 20}
    assumed_icc: 0.0
    skills:
      seeded: [copy, count]
      macro: {limit: 0.999}
      single: {limit: 1.0, proof: value}
    text: {limit: 5.0, harm: 10.0, panel: {en: 8, zh: 8}}
"""
SECRET = "0123456789abcdef0123456789abcdef"  # of a cache that lives for a minute


def main() -> int:
    """Measure and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--changes", type=int, default=1000)
    parser.add_argument("--adapter", type=Path, default=Path("adapters/quickstart"))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    os.environ[KEY] = SECRET
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found, missed = tried(Path(folder), args)
    result = {
        "machine": machine(),
        "changes": args.changes,
        "outcomes": found,
        "missed": missed,
        "seconds": round(time.monotonic() - began),
    }
    figures = [
        Figure(
            name="changes that went unnoticed",
            value=len(missed),
            bound=Bound.AT_MOST,
            target=0,
        )
    ]
    return conclude(figures, result, RESULTS / "tampering.json")


def tried(folder: Path, args: argparse.Namespace) -> tuple[dict[str, dict[str, int]], list[str]]:
    """What became of every change, by the sort of file, and those that nobody noticed."""
    (folder / "policy.yaml").write_text(POLICY, "utf-8")
    run = evaluate(
        GateRequest(
            adapter=args.adapter,
            policy=str(folder / "policy.yaml"),
            out=folder / "run",
            cache=folder / "cache.sqlite3",
            registry=folder / "registry",
        )
    )
    for name in ("en", "zh"):
        add_lineage(folder / "registry", name, by="Ann", reason="A product.", now=datetime.now(UTC))
    record = promote(run.folder, folder / "registry", now=datetime.now(UTC)).path
    checks: dict[Path, tuple[str, Callable[[], object]]] = {}
    for path in sorted((folder / "registry").rglob("*.json*")):
        checks[path] = "registry", lambda: verify(record).require_ok()
    for path in sorted(folder.glob("run/*.json*")):
        checks[path] = "run", lambda: load_run(folder / "run")
    values = cached(folder / "cache.sqlite3")
    checks[folder / "cache.sqlite3"] = "cache", lambda: require_cached(folder, values)
    rng = random.Random(args.seed)
    outcomes: dict[str, Counter[str]] = {}
    missed: list[str] = []
    for number in range(args.changes):
        path = rng.choice(list(checks))
        sort, check = checks[path]
        told = outcome(path, check, rng)
        outcomes.setdefault(sort, Counter())[told.partition(":")[0]] += 1
        if told.startswith("missed"):
            missed.append(told)
        if number % 50 == 49:
            print(f"{number + 1} of {args.changes}: {len(missed)} missed", file=sys.stderr)
    return {sort: dict(counts) for sort, counts in outcomes.items()}, missed


def outcome(path: Path, check: Callable[[], object], rng: random.Random) -> str:
    """Change one byte of a file, look, and put it back."""
    data = path.read_bytes()
    at = rng.randrange(len(data))
    changed = bytearray(data)
    changed[at] = rng.choice([byte for byte in range(256) if byte != data[at]])
    path.chmod(0o644)
    path.write_bytes(changed)
    try:
        check()
    except EvalsuiteError:
        return "noticed"
    finally:
        path.write_bytes(data)
        for left in path.parent.glob(f"{path.name}-*"):
            left.unlink()  # the log that a database keeps beside itself
    if path.suffix == ".sqlite3" or canonical(bytes(changed)) == canonical(data):
        return "without effect"
    return f"missed: {path.name}, byte {at}: {data[at]} -> {changed[at]}"


def canonical(data: bytes) -> Any:
    """The content of a file of JSON, or of JSON lines; None where it is none."""
    try:
        text = data.decode()
        try:
            return json.loads(text)
        except ValueError:
            return [json.loads(line) for line in text.splitlines()]
    except ValueError:
        return None


def cached(path: Path) -> dict[str, Any]:
    """Every entry of a cache."""
    store = Store(path, SECRET.encode())
    keys = [key for (key,) in store._connection.execute("SELECT key FROM entries")]
    values = store.get(keys)
    store.close()
    return values


def require_cached(folder: Path, values: dict[str, Any]) -> None:
    """Every entry that still carries a seal says what it said."""
    store = Store(folder / "cache.sqlite3", SECRET.encode())
    try:
        found, sealed = store.get(list(values)), store.sealed(list(values))
        for key in sealed:
            if found[key] != values[key]:
                raise AssertionError(f"a sealed entry says something else: {key}")
        if len(sealed) < len(values):
            raise EvalsuiteError("an entry lost its seal: it is asked for again")
    finally:
        store.close()


if __name__ == "__main__":
    sys.exit(main())
