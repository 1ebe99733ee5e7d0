"""Who is promoted and who is caught: every recipe at several seeds, and every mutant.

    python benchmarks/outcomes.py                          all of it, about an hour and a half
    python benchmarks/outcomes.py --only dora:0,lora:1     these
    python benchmarks/outcomes.py --only mutant-leaky,dora all usual seeds of these

Each candidate is trained and gated through the command line, as a user would, and offered to a
scratch registry. The result is written after every row, so an interrupted call goes on when it is
repeated: adapters that training would make again are taken again, and so are the model's answers.

Exit status 1, naming what, when a good candidate is not promoted, when a mutant is not FAILED by
the gate that it is made for, or when a training took longer than its target.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from candidates import Candidate, NotMade, Trained, command, made, resolved
from figures import RESULTS, ROOT, machine, write

from evalsuite.errors import EvalsuiteError
from evalsuite.files.storage import FileLock
from evalsuite.models import BaseRef, resolve_base
from evalsuite.qualification.organisms import HABITS
from evalsuite.registry import promote, verify
from evalsuite.runs import Status
from evalsuite.runs.folder import Run, load_run

SEEDS = (0, 1, 2)
SECONDS = {"lora": 120.0, "dora": 120.0, "qlora": 360.0, "qdora": 360.0}
"""The good recipes, and how long each may train on the embedded base with two cores."""
CAUGHT_BY = {habit.recipe: habit.gate.value for habit in HABITS}
NOT_RUN = "not run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """What the scratch registry made of a run."""

    record: str | None = None
    """File name of the promotion record; None when it was refused."""
    verified: bool = False
    reason: str = ""
    """Why there is no record, or what of it does not verify."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of one candidate."""

    recipe: str
    seed: int
    expected: str
    """``promoted``, or the gate that has to fail."""
    base: str
    recipe_digest: str
    measured: str
    """When, in UTC."""
    status: str
    """Of the run, or ``not run``."""
    problems: tuple[str, ...]
    """What is not as it should be; empty for a row that is."""
    late: str = ""
    """By how much training missed its target of time; empty when it did not."""
    data_digest: str = ""
    adapter: str = ""
    policy: str = ""
    reused: bool = False
    """Whether the adapter is an earlier call's; the times of training are that call's."""
    train_seconds: float | None = None
    train_command_seconds: float | None = None
    gate_seconds: float | None = None
    model_calls: int | None = None
    gates: dict[str, str] | None = None
    failed_gates: tuple[str, ...] = ()
    reasons: dict[str, str] | None = None
    promotion: Promotion | None = None


# --- one candidate ------------------------------------------------------------------------------


def measure(candidate: Candidate, base: BaseRef, work: Path, *, fresh: bool) -> Row:
    """Train, gate and promote one candidate; what goes wrong on the way is a row too."""
    known: dict[str, Any] = {
        "recipe": candidate.recipe,
        "seed": candidate.seed,
        "expected": CAUGHT_BY.get(candidate.recipe, "promoted"),
        "base": base.digest,
        "recipe_digest": resolved(candidate, base).digest,
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        trained = made(candidate, base, work, fresh=fresh)
        known |= _training(trained, candidate, base)
        run, seconds = _gated(candidate, trained, base, work)
    except (NotMade, EvalsuiteError) as problem:
        return Row(**known, status=NOT_RUN, problems=(str(problem),))
    promotion = _promoted(run, _registry(candidate, work))
    return Row(
        **known,
        status=run.status.value,
        problems=tuple(_problems(candidate, run, promotion)),
        policy=run.info.policy.digest,
        gate_seconds=round(seconds, 1),
        model_calls=run.info.counts.model_calls,
        gates={v.gate: v.status.value for v in run.verdicts},
        failed_gates=tuple(v.gate for v in run.verdicts if v.status is Status.FAILED),
        reasons={v.gate: v.reason for v in run.verdicts if v.status is not Status.PASSED},
        promotion=promotion,
    )


def _training(trained: Trained, candidate: Candidate, base: BaseRef) -> dict[str, Any]:
    target = SECONDS.get(candidate.recipe) if base.embedded else None
    late = target is not None and trained.waited > target
    whole = trained.command_seconds
    return {
        "data_digest": trained.provenance.data_digest,
        "adapter": trained.adapter.digest,
        "reused": trained.reused,
        "train_seconds": round(trained.seconds, 1),
        "train_command_seconds": None if whole is None else round(whole, 1),
        "late": f"training took {trained.waited:.0f} s, target {target:.0f} s" if late else "",
    }


def _gated(candidate: Candidate, trained: Trained, base: BaseRef, work: Path) -> tuple[Run, float]:
    folder = work / "runs" / candidate.name
    status, seconds = command(
        "gate", "--base-model", base.name, "--adapter", str(trained.adapter.path),
        "--out", str(folder), "--cases", str(ROOT / "cases"),
        "--cache", str(work / "outputs.sqlite3"), "--registry", str(_registry(candidate, work)),
    )  # fmt: skip
    if status not in (0, 1, 2):
        raise NotMade(f"the gate of {candidate.name} ended with status {status}")
    return load_run(folder), seconds


def _registry(candidate: Candidate, work: Path) -> Path:
    """A registry for each candidate: seeds of one recipe are no attempts at one release here."""
    return work / "registries" / candidate.name


def _promoted(run: Run, registry: Path) -> Promotion:
    try:
        record = promote(run.folder, registry, now=datetime.now(UTC))
    except EvalsuiteError as refusal:
        return Promotion(reason=_without_places(refusal, run.folder, registry))
    try:
        verify(record.path).require_ok()
    except EvalsuiteError as problem:
        return Promotion(
            record=record.path.name, reason=_without_places(problem, run.folder, registry)
        )
    return Promotion(record=record.path.name, verified=True)


def _without_places(error: EvalsuiteError, *folders: Path) -> str:
    """What an error says, with the names of folders instead of where they lie on this machine."""
    told = str(error)
    for folder in folders:
        told = told.replace(str(folder), folder.name)
    return told


def _problems(candidate: Candidate, run: Run, promotion: Promotion) -> Iterator[str]:
    due = Status.FAILED if candidate.recipe in CAUGHT_BY else Status.PASSED
    if run.status is not due:
        yield f"is {run.status.value}, not {due.value}"
    if due is Status.PASSED:
        if not promotion.verified:
            yield f"no verified promotion: {promotion.reason}"
        return
    gate = CAUGHT_BY[candidate.recipe]
    found = {v.gate: v.status for v in run.verdicts}.get(gate)
    if found is not Status.FAILED:
        yield f"{gate} is {found.value if found else 'missing'}, not failed"
    if promotion.record:
        yield f"was promoted: {promotion.record}"


# --- all of them --------------------------------------------------------------------------------


def usual(recipe: str) -> Iterator[Candidate]:
    """Yield a recipe at its usual seeds: three for a good one, one for a mutant."""
    for seed in SEEDS if recipe in SECONDS else SEEDS[:1]:
        yield Candidate(recipe, seed)


def named(text: str) -> tuple[Candidate, ...]:
    """Read ``recipe[:seed],...``.

    Raises:
        argparse.ArgumentTypeError: an unknown recipe, or a seed that is no number.
    """
    found: dict[Candidate, None] = {}
    for part in text.split(","):
        recipe, colon, seed = part.strip().partition(":")
        if recipe not in (*SECONDS, *CAUGHT_BY):
            known = ", ".join((*SECONDS, *CAUGHT_BY))
            raise argparse.ArgumentTypeError(f"recipe={recipe!r} is none of: {known}")
        if colon and not (seed.isascii() and seed.isdigit()):
            raise argparse.ArgumentTypeError(f"{part!r}: write the seed as a number: {recipe}:0")
        found |= dict.fromkeys([Candidate(recipe, int(seed))] if colon else usual(recipe))
    return tuple(found)


EVERYTHING = tuple(c for recipe in (*SECONDS, *CAUGHT_BY) for c in usual(recipe))


def earlier(out: Path, base: BaseRef, asked: Sequence[Candidate]) -> list[Row]:
    """Return the rows of earlier calls that still tell of this base and these recipes."""
    try:
        rows = [read_row(data) for data in json.loads(out.read_bytes())["rows"]]
    except (OSError, ValueError, LookupError, TypeError):
        return []
    return [
        row
        for row in rows
        for candidate in [Candidate(row.recipe, row.seed)]
        if row.recipe in (*SECONDS, *CAUGHT_BY)
        and candidate not in asked
        and (row.base, row.recipe_digest) == (base.digest, resolved(candidate, base).digest)
    ]


def read_row(data: Mapping[str, Any]) -> Row:
    """Read what :func:`document` wrote."""
    tuples = {name: tuple(data[name]) for name in ("problems", "failed_gates")}
    promotion = data["promotion"]
    return Row(**{**data, **tuples, "promotion": promotion and Promotion(**promotion)})


def document(rows: Sequence[Row], base: BaseRef) -> dict[str, Any]:
    """Return the result as JSON data; :func:`read_row` reads a row back."""
    return {
        "base": {"name": base.name, "digest": base.digest},
        "machine": machine(),
        "rows": [asdict(row) for row in rows],
    }


def ordered(rows: Sequence[Row]) -> list[Row]:
    """Sort by recipe as in ``EVERYTHING``, then by seed."""
    place = {recipe: i for i, recipe in enumerate((*SECONDS, *CAUGHT_BY))}
    return sorted(rows, key=lambda row: (place[row.recipe], row.seed))


def table(rows: Sequence[Row]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| recipe | seed | expected | status | not passed | promotion | training s | gate s "
        "| calls | as expected | measured |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = (
            row.recipe, row.seed, row.expected, row.status, _not_passed(row), _promotion(row),
            _waited(row), _shown(row.gate_seconds), _shown(row.model_calls),
            "**no**" if row.problems else "yes", row.measured,
        )  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def _not_passed(row: Row) -> str:
    return ", ".join(f"{g} {s}" for g, s in (row.gates or {}).items() if s != "passed") or "-"


def _promotion(row: Row) -> str:
    if row.promotion is None:
        return "-"
    if row.promotion.record is None:
        return "refused"
    return "verified" if row.promotion.verified else "**does not verify**"


def _waited(row: Row) -> str:
    seconds = row.train_command_seconds or row.train_seconds
    return f"**{seconds}**" if row.late else _shown(seconds)


def _shown(value: float | None) -> str:
    return "-" if value is None else str(value)


def complaints(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what is wrong, verdicts first, missed times after them."""
    for row in rows:
        for problem in row.problems:
            yield f"NOT AS EXPECTED  {row.recipe} seed {row.seed}: {problem}"
    for row in rows:
        if row.late:
            yield f"TARGET MISSED    {row.recipe} seed {row.seed}: {row.late}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base-model", default="nano", help="default: nano")
    parser.add_argument(
        "--only",
        type=named,
        default=EVERYTHING,
        metavar="RECIPE[:SEED],...",
        help="train and gate these; rows of earlier calls stay in the table",
    )
    parser.add_argument("--fresh", action="store_true", help="train again whatever is there")
    parser.add_argument(
        "--work",
        type=Path,
        default=ROOT / "build" / "outcomes",
        help="adapters, runs, answers and the scratch registry (default: build/outcomes)",
    )
    parser.add_argument(
        "--out", type=Path, default=RESULTS / "outcomes.json", help="the result, as JSON"
    )
    return parser.parse_args()


def main() -> int:
    args = _arguments()
    base = resolve_base(args.base_model)
    work = args.work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    lock = FileLock(work / "lock")
    if not lock.acquire():
        raise SystemExit(f"process {lock.owner()} is at work in {work}; wait, or name another")
    with lock:
        rows = earlier(args.out, base, args.only)
        for candidate in args.only:
            rows = ordered([*rows, measure(candidate, base, work, fresh=args.fresh)])
            write(args.out, document(rows, base))
            (row,) = (r for r in rows if Candidate(r.recipe, r.seed) == candidate)
            print(*table([row]).splitlines()[2:], sep="\n", flush=True)
    print(f"\n{table(rows)}\n\nwritten to {args.out}")
    open_ = set(EVERYTHING) - {Candidate(row.recipe, row.seed) for row in rows}
    if open_:
        print(f"not measured yet: {', '.join(sorted(c.name for c in open_))}")
    wrong = list(complaints(rows))
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return int(bool(wrong))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted; repeat the call to go on", file=sys.stderr)
        sys.exit(130)
