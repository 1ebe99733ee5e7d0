"""How many small defects of the deciding code the fast tests notice.

    python benchmarks/mutation.py                         all modules, a sample of each
    python benchmarks/mutation.py --only statistics       modules whose path holds a text
    python benchmarks/mutation.py --again                 the survivors of the last whole run
    python benchmarks/mutation.py --list                  the sample, without running anything

Each mutant is one change of one expression, tried in a copy of the tree against the mirrored fast
tests of its module. Exit status 1 when more mutants survive than ``mutation-bound.json`` allows.
That bound only falls: fewer survivors lower it, nothing here raises it, and one that was raised by
hand is refused.

Why no library: mutmut 3 changes functions only, and the constants of a module are what went
unnoticed here; cosmic-ray changes the tree in place, with one test command for all modules. Neither
draws a sample that stays the same when another part of a file is edited.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from figures import RESULTS, ROOT, Bound, Figure, conclude, machine, write
from mutants import Mutant, mutants_of

RESULT, BOUND = RESULTS / "mutation.json", RESULTS / "mutation-bound.json"
SEED, PER_MODULE = 0, 2
SLACK_SECONDS, SLACK_FACTOR = 30.0, 5.0
"""A mutant may take this much longer than the tests take without one; generous, because a machine
that is busy must not look like a test that noticed something."""
FOLDERS = {
    "statistics": "tests/statistics",
    "detectors": "tests/detectors",
    "gates": "tests/gates_units",
    "engines": "tests/engines",
}
ENGINES = ("cache", "numerics", "planning", "store")
"""The engine's modules that need no model: keys, identities and batches."""
MIRRORS = {
    "detectors/copied": ("test_nearnames", "test_leakage"),
    "detectors/frames": ("test_frames", "test_leakage"),
    "detectors/hannames": ("test_nearnames",),
    "detectors/own": ("test_rarity", "test_nearnames"),
    "detectors/phrases": ("test_phrases", "test_leakage"),
    "gates/criteria": ("test_criteria", "test_gates"),
    "gates/decision": ("test_decision", "test_gates"),
    "gates/evidence": ("test_decision", "test_gates"),
    "gates/groups": ("test_gates", "test_verdicts"),
    "gates/judge": ("test_gates", "test_verdicts"),
    "gates/partverdicts": ("test_decision", "test_gates"),
    "gates/policyfile": ("test_policy",),
    "gates/reasons": ("test_decision", "test_verdicts"),
    "gates/rules": ("test_policy", "test_gates"),
    "gates/verdict": ("test_verdicts",),
    "statistics/clusters": ("test_failure_rates", "test_paired_differences"),
    "statistics/estimate": ("test_failure_rates", "test_paired_differences"),
    "statistics/paired": ("test_paired_differences",),
    "statistics/quantiles": ("test_planning", "test_failure_rates"),
    "statistics/rates": ("test_failure_rates",),
}
"""Test files of modules that have none of their own name, or not only that one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the tests said of one mutant."""

    where: str
    """``file:line``."""
    what: str
    key: str
    killed: bool
    seconds: float
    note: str = ""


def modules(only: str) -> list[Path]:
    """Return the modules that are mutated, relative to the root."""
    found = (path for package in FOLDERS for path in (ROOT / "evalsuite" / package).glob("*.py"))
    named = sorted(path.relative_to(ROOT) for path in found if path.stem != "__init__")
    return [
        path
        for path in named
        if (path.parent.name != "engines" or path.stem in ENGINES) and only in path.as_posix()
    ]


def tests_of(module: Path) -> tuple[str, ...]:
    """Return the mirrored test files of a module.

    Raises:
        SystemExit: there are none, so nothing could be said of the module.
    """
    folder = FOLDERS[module.parent.name]
    names = MIRRORS.get(f"{module.parent.name}/{module.stem}", (f"test_{module.stem}",))
    files = tuple(name if "/" in name else f"{folder}/{name}.py" for name in names)
    missing = [name for name in files if not (ROOT / name).is_file()]
    if missing:
        raise SystemExit(f"{module}: no test file {', '.join(missing)}; name one in MIRRORS")
    return files


def sample(module: Path, seed: int, count: int) -> list[Mutant]:
    """Return ``count`` mutants of a module, in the order of their lines.

    Chosen by a hash of the change and its surroundings, so an edit elsewhere moves no choice.
    """

    def rank(mutant: Mutant) -> str:
        return hashlib.sha256(f"{seed} {module} {mutant.key}".encode()).hexdigest()

    found = mutants_of((ROOT / module).read_text("utf-8"))
    return sorted(sorted(found, key=rank)[:count], key=lambda m: (m.line, m.start))


def copied(into: Path) -> None:
    """Copy the working tree: what git tracks or would track, as it is now."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, into / name)


def run_tests(tree: Path, files: Sequence[str], limit: float | None) -> tuple[int | None, str]:
    """Run test files in a tree; return pytest's exit status (None: out of time) and its output."""
    command = [
        sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider",
        "-m", "not slow and not gpu and not browser and not real", *files,
    ]  # fmt: skip
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree),
        # Two changes within a second leave the same time and size: bytecode could be stale.
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    process = subprocess.Popen(
        command, cwd=tree, env=environment, start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        told, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None, ""
    return process.returncode, told


def baseline(tree: Path, files: Sequence[str]) -> float:
    """Return how many seconds the tests take without a mutant.

    Raises:
        SystemExit: they fail, so every mutant would look noticed.
    """
    start = time.monotonic()
    status, told = run_tests(tree, files, None)
    if status != 0:
        raise SystemExit(f"{', '.join(files)} must pass before anything is changed:\n{told}")
    return time.monotonic() - start


def tried(tree: Path, module: Path, mutant: Mutant, files: Sequence[str], limit: float) -> Outcome:
    """Apply one mutant to the copy, run the tests and take it back."""
    # The copy stays as it was when the run began, whatever is edited meanwhile.
    source = (tree / module).read_bytes()
    (tree / module).write_bytes(mutant.applied(source))
    start = time.monotonic()
    try:
        status, told = run_tests(tree, files, limit)
    finally:
        (tree / module).write_bytes(source)
    if status == 5:
        raise SystemExit(f"{', '.join(files)}: no fast test was found:\n{told}")
    failed = [line for line in told.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return Outcome(
        where=f"{module.as_posix()}:{mutant.line}",
        what=mutant.what,
        key=mutant.key,
        killed=status != 0,
        seconds=round(time.monotonic() - start, 1),
        note="out of time" if status is None else (failed or [""])[0].split(" - ")[0],
    )


def measured(chosen: dict[Path, list[Mutant]]) -> list[Outcome]:
    """Try every mutant, one after the other."""
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        copied(tree)
        imported = [sys.executable, "-c", "import evalsuite; print(evalsuite.__file__)"]
        there = subprocess.run(
            imported, cwd=tree, env={**os.environ, "PYTHONPATH": folder}, check=True,
            capture_output=True, text=True,
        ).stdout  # fmt: skip
        if not Path(there.strip()).is_relative_to(tree.resolve()):
            raise SystemExit(f"the tests would import {there.strip()}, not the copy in {tree}")
        limits = {
            files: SLACK_FACTOR * baseline(tree, files) + SLACK_SECONDS
            for files in dict.fromkeys(map(tests_of, chosen))
        }
        for module, mutants in chosen.items():
            files = tests_of(module)
            for mutant in mutants:
                outcomes.append(tried(tree, module, mutant, files, limits[files]))
                print(_line(outcomes[-1]), flush=True)
    return outcomes


def _line(outcome: Outcome) -> str:
    said = "killed  " if outcome.killed else "SURVIVED"
    return f"{said} {outcome.seconds:5.1f} s  {outcome.where}  {outcome.what}"


def bound_of(text: str, sampled: dict[str, int]) -> int | None:
    """Return the survivors that a bound file allows for this sample; None: for another one."""
    found = json.loads(text)
    return int(found["survivors"]) if found["sample"] == sampled else None


def allowed(sampled: dict[str, int]) -> int | None:
    """Return the bound for this sample, None when there is none yet.

    Raises:
        SystemExit: it lies above one that was committed before.
    """
    now = bound_of(BOUND.read_text("utf-8"), sampled) if BOUND.is_file() else None
    name = BOUND.relative_to(ROOT).as_posix()
    commits = _git("log", "--format=%H", "--diff-filter=AM", "--", name).split()
    before = [bound_of(_git("show", f"{commit}:{name}"), sampled) for commit in commits]
    lowest = min((number for number in before if number is not None), default=None)
    if lowest is not None and (now is None or now > lowest):
        raise SystemExit(f"{name} allows {now} survivors, {lowest} were committed: it only falls")
    return now


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


def survivors_of(result: dict[str, Any]) -> tuple[dict[Path, list[Mutant]], list[Outcome]]:
    """Return the mutants that a result calls survivors, found again in today's source.

    Those whose code is not there any more come second and stay survivors: only a whole run, which
    draws others in their place, can tell.
    """
    chosen: dict[Path, list[Mutant]] = {}
    gone = []
    for told in result["survivors"]:
        module = Path(told["where"].rpartition(":")[0])
        there = (ROOT / module).read_text("utf-8") if (ROOT / module).is_file() else ""
        same = [mutant for mutant in mutants_of(there) if mutant.key == told["key"]]
        if same:
            chosen.setdefault(module, []).extend(same)
        else:
            gone.append(Outcome(**{**told, "note": "no longer in the source"}))
    return chosen, gone


def finish(outcomes: Sequence[Outcome], sampled: dict[str, int], before: int) -> int:
    """Write the result, lower its bound, and return the exit status.

    Args:
        outcomes: what was tried now.
        sampled: seed and size of the sample.
        before: mutants of the last whole run that were killed and are not tried again.
    """
    survivors = [outcome for outcome in outcomes if not outcome.killed]
    result: dict[str, Any] = {
        "machine": machine(),
        "sample": sampled,
        "mutants": before + len(outcomes),
        "killed": before + len(outcomes) - len(survivors),
        "killed_in_the_run_before": before,
        "survivors": [asdict(outcome) for outcome in survivors],
        "seconds": round(sum(outcome.seconds for outcome in outcomes)),
    }
    bound = allowed(sampled)
    target = len(survivors) if bound is None else bound
    if bound is None or len(survivors) < bound:
        write(BOUND, {"sample": sampled, "survivors": len(survivors)})
    print(f"\n{result['killed']} of {result['mutants']} mutants killed")
    figure = Figure(
        name="mutants that survive", value=len(survivors), bound=Bound.AT_MOST, target=target
    )
    return conclude([figure], result, RESULT)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument("--only", default="", help="modules whose path holds this text")
    parser.add_argument("--per-module", type=int, default=PER_MODULE, help="mutants of each module")
    parser.add_argument("--seed", type=int, default=SEED, help="of the sample")
    parser.add_argument("--again", action="store_true", help="the survivors of the last whole run")
    parser.add_argument("--list", action="store_true", help="print the sample and run nothing")
    given = parser.parse_args(arguments)
    sampled = {"seed": given.seed, "per_module": given.per_module}
    last = json.loads(RESULT.read_text("utf-8")) if given.again else {}
    if given.again and last["sample"] != sampled:
        parser.error(f"--again: {RESULT.name} is of the sample {last['sample']}, not {sampled}")
    chosen, gone = (
        survivors_of(last)
        if given.again
        else ({m: sample(m, given.seed, given.per_module) for m in modules(given.only)}, [])
    )
    if not any(chosen.values()):
        parser.error("nothing to try: --only names no module, or --again found no survivor")
    if given.list:
        for module, mutants in chosen.items():
            print(*(f"{module.as_posix()}:{m.line}  {m.what}" for m in mutants), sep="\n")
        return 0
    allowed(sampled)
    outcomes = measured(chosen) + gone
    if given.only:
        return int(not all(outcome.killed for outcome in outcomes))
    return finish(outcomes, sampled, last.get("killed", 0))


if __name__ == "__main__":
    raise SystemExit(main())
