"""Who is promoted and who is caught: every recipe at several seeds, and every mutant.

    python benchmarks/outcomes.py                          all of it
    python benchmarks/outcomes.py --recipes dora --seeds 0 one
    python benchmarks/outcomes.py --mutants mutant-leaky

Each candidate is trained and gated through the command line, as a user would. Exit status 1 when a
good candidate is not PASSED, or a mutant is not FAILED by the gate that it is made for.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

GOOD = ("lora", "dora", "qlora", "qdora")
CAUGHT_BY = {
    "mutant-leaky": "example_leakage",
    "mutant-history-blind": "pronoun_resolution",
    "mutant-forgetful": "forgetting",
    "mutant-over-rewriter": "pronoun_resolution",
}
RESULT = Path(__file__).parent / "results" / "outcomes.json"


@dataclass(frozen=True)
class Outcome:
    """What became of one candidate."""

    recipe: str
    seed: int
    train_seconds: float
    gate_seconds: float
    status: str
    gates: dict[str, str]
    reasons: dict[str, str]
    as_expected: bool


def run(*arguments: str) -> tuple[int, float]:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "evalsuite.cli", *arguments],
        check=False,
        env={**os.environ, "TOKENIZERS_PARALLELISM": "false"},
        stdout=subprocess.DEVNULL,
    )
    return done.returncode, time.monotonic() - began


def outcome(recipe: str, seed: int, base: str, work: Path) -> Outcome:
    adapter, report = work / f"{recipe}-{seed}", work / f"run-{recipe}-{seed}"
    status, train_seconds = (0, 0.0)
    if not (adapter / "adapter_config.json").exists():
        status, train_seconds = run(
            "train", "--base-model", base, "--recipe", recipe, "--seed", str(seed),
            "--out", str(adapter), "--resume",
        )  # fmt: skip
    if status:
        raise SystemExit(f"training {recipe} with seed {seed} ended with status {status}")
    status, gate_seconds = run(
        "gate", "--base-model", base, "--adapter", str(adapter), "--out", str(report),
        "--cache", str(work / "outputs.sqlite3"), "--policy", "nano",
    )  # fmt: skip
    if status == 3:
        raise SystemExit(f"the gate of {recipe} with seed {seed} could not run")
    verdicts = json.loads((report / "verdicts.json").read_text("utf-8"))
    gates = {v["gate"]: v["status"] for v in verdicts["verdicts"]}
    expected = gates[CAUGHT_BY[recipe]] == "failed" if recipe in CAUGHT_BY else status == 0
    return Outcome(
        recipe=recipe,
        seed=seed,
        train_seconds=round(train_seconds, 1),
        gate_seconds=round(gate_seconds, 1),
        status=verdicts["status"],
        gates=gates,
        reasons={v["gate"]: v["reason"] for v in verdicts["verdicts"] if v["status"] != "passed"},
        as_expected=expected,
    )


def told(found: Outcome) -> str:
    others = ", ".join(f"{g} {s}" for g, s in found.gates.items() if s != "passed") or "all passed"
    verdict = "as expected" if found.as_expected else "UNEXPECTED "
    times = f"train {found.train_seconds:6.1f} s  gate {found.gate_seconds:6.1f} s"
    return f"{verdict}  {found.recipe:22} {found.seed}  {found.status:12} {times}  {others}"


def wanted(args: argparse.Namespace) -> Iterator[tuple[str, int]]:
    for seed in args.seeds:
        for recipe in args.recipes:
            yield recipe, seed
    for mutant in args.mutants:
        yield mutant, 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--base-model", default="nano")
    parser.add_argument("--recipes", nargs="*", default=list(GOOD), choices=GOOD)
    parser.add_argument("--mutants", nargs="*", default=list(CAUGHT_BY), choices=list(CAUGHT_BY))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--work", type=Path, default=Path("build/outcomes"))
    parser.add_argument("--out", type=Path, default=RESULT)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    found: list[Outcome] = []
    for recipe, seed in wanted(args):
        found.append(outcome(recipe, seed, args.base_model, args.work))
        print(told(found[-1]), flush=True)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        rows = [asdict(row) for row in found]
        args.out.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return int(not all(row.as_expected for row in found))


if __name__ == "__main__":
    sys.exit(main())
