"""What the gates of nano see of planted defects, and how often they stop a good candidate.

    python benchmarks/qualification.py                                     the quick one: 20 nulls
    python benchmarks/qualification.py --nulls 150 --retrained 20 --layers output adapter     all
    python benchmarks/qualification.py --document                          measures nothing

Trains ``--adapter`` first where it is not there, and goes on where it was interrupted. Then the
record is published: ``results/qualification-nano.json``, its summary beside the policy, and its
tables in ``docs/qualification.md``, which ``--document`` writes again from the committed record.
Both READMEs tell four of its figures: ``tests/test_results.py`` says which when they change.

Exit status 1 when a good candidate was FAILED, when a mutant is blocked 19 times out of 20 at no
share, or when a spoilt rewrite goes unseen; 3 when no panel could be passed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from figures import RESULTS, ROOT, Bound, Figure, conclude, write

from evalsuite.cli import main as evalsuite
from evalsuite.qualification import MUTANTS

RECORD = RESULTS / "qualification-nano.json"
SUMMARY = ROOT / "evalsuite" / "gates" / "policies" / "nano.qualification.json"
SUMMARISED = ("subject", "nulls", "gates")
"""What the report of a run tells of the record; it ships with the policy."""
SPOILT = ("answer-by-name", "ask-else", "drop-word", "add-word", "replace-word", "wrap")
"""Mutants that are wrong in every answer that they touch, and name what is meant."""
UNSEEN = 0.01
"""Share of the answers of such a mutant that may go unseen."""
BEGIN, END = "<!-- from the record -->\n", "<!-- so far -->\n"
"""Between these a document holds what :func:`told` writes."""


def percent(share: float | None) -> str:
    """A share with two telling digits."""
    return "-" if share is None else f"{100 * share:.2g} %"


def told(record: Mapping[str, Any]) -> str:
    """Everything that ``docs/qualification.md`` says of a record, as Markdown."""
    parts = (_subject(record), _seen_table(record), _parts_table(record), _nulls(record))
    return "\n".join((*parts, _alone(record)))


def _subject(record: Mapping[str, Any]) -> str:
    subject = record["subject"]
    layers = list(dict.fromkeys(row["layer"] for row in record["mutants"]))
    return (
        f"`{subject['adapter']}` on `{subject['base']}`, {subject['panels']} fresh panels, "
        f"{subject['repeats']} candidates for each mutant and severity; layers: "
        f"{', '.join(layers)}; {record['seconds'] / 60:.0f} minutes, with the answers that were "
        "remembered.\n"
    )


def _seen_table(record: Mapping[str, Any]) -> str:
    lines = ["| mutant | gate | θ50 | θ95 |", "|---|---|---|---|"]
    lines += [
        f"| `{curve['mutant']}` | `{curve['gate']}` | {percent(curve['theta50'])} | "
        f"{percent(curve['theta95'])} |"
        for curve in record["curves"]
        if curve["theta95"] is not None
    ]
    return "\n".join((*lines, ""))


def _parts_table(record: Mapping[str, Any]) -> str:
    """Which part of a rewrite saw each mutant."""
    seen = {c["mutant"]: c["seen"] for c in record["curves"] if "seen" in c}
    if not seen:
        return (
            "Measured before rewrites were judged by their parts, and without the mutants that "
            "name the right thing: what `pronoun_resolution` sees now is more.\n"
        )
    parts = list(dict.fromkeys(part for found in seen.values() for part in found["parts"]))
    lines = [
        "Of the right answers of the panels that a mutant spoilt, those that are refused, and the "
        "share that loses each part:\n",
        f"| mutant | spoilt | refused | {' | '.join(parts)} |",
        "|---|---|---|" + "---|" * len(parts),
    ]
    for name, found in seen.items():
        shares = [percent(found["parts"].get(p, 0) / found["answers"]) for p in parts]
        lines.append(
            f"| `{name}` | {found['answers']} | {found['refused']} | {' | '.join(shares)} |"
        )
    return "\n".join((*lines, ""))


def _nulls(record: Mapping[str, Any]) -> str:
    nulls = record["nulls"]
    runs, undecided = nulls["runs"], nulls["inconclusive"]
    trained = next((v for v in nulls["variations"] if v["name"] == "retrained"), None)
    others = ""
    if trained is not None:
        passed = trained["runs"] - trained["failed"] - trained["inconclusive"]
        others = (
            f" {trained['runs']} of them were trained anew by other recipes and seeds: {passed} "
            "PASSED."
        )
    blocked = ", ".join(f"`{gate}` {count}" for gate, count in nulls["blocked_by"].items())
    return (
        f"Of {runs} nulls {nulls['alarms']} were FAILED (with 95 % confidence fewer than "
        f"{100 * nulls['upper']:.1f} %) and {undecided} INCONCLUSIVE "
        f"({100 * undecided / runs:.1f} %; fewer than {100 * nulls['inconclusive_upper']:.1f} %); "
        f"blocked by: {blocked or 'no gate'}.{others}\n"
    )


def _alone(record: Mapping[str, Any]) -> str:
    alone = [
        f"`{gate['gate']}` of {', '.join(f'`{name}`' for name in gate['sole_killer_of'])}"
        for gate in record["gates"]
        if gate["sole_killer_of"]
    ]
    return f"Sole killers: {'; '.join(alone)}.\n"


def figures(record: Mapping[str, Any]) -> Iterator[Figure]:
    """Yield what has a target."""
    yield Figure(
        name="good candidates FAILED", value=record["nulls"]["alarms"], bound=Bound.AT_MOST,
        target=0,
    )  # fmt: skip
    dialled = {mutant.name for mutant in MUTANTS}
    for curve in record["curves"]:
        if curve["mutant"] in dialled:
            theta = curve["theta95"]
            yield Figure(
                name=f"{curve['mutant']}: blocked 19 times out of 20 from",
                value=float("nan") if theta is None else theta, bound=Bound.AT_MOST, target=1.0,
            )  # fmt: skip
        if curve["mutant"] in SPOILT:
            seen = curve["seen"]
            yield Figure(
                name=f"{curve['mutant']}: spoilt answers refused",
                value=seen["refused"] / seen["answers"], bound=Bound.AT_LEAST, target=1 - UNSEEN,
            )  # fmt: skip


def publish(record: Mapping[str, Any]) -> None:
    """Write the record, what ships of it, and the document."""
    write(RECORD, record)
    write(SUMMARY, {name: record[name] for name in SUMMARISED})
    document(record)


def document(record: Mapping[str, Any]) -> None:
    """Write into ``docs/qualification.md`` what the record says."""
    page = ROOT / "docs" / "qualification.md"
    before, rest = page.read_text("utf-8").split(BEGIN)
    _, after = rest.split(END)
    page.write_text(before + BEGIN + told(record) + END + after, "utf-8")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--adapter", type=Path, default=ROOT / "adapters" / "candidate")
    parser.add_argument("--recipe", default="dora", help="trains the adapter where it is missing")
    parser.add_argument("--nulls", type=int, default=20)
    parser.add_argument("--retrained", type=int, default=0)
    parser.add_argument("--layers", nargs="+", default=["output"])
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "qualification")
    parser.add_argument("--document", action="store_true", help="write the document alone")
    return parser.parse_args()


def measured(args: argparse.Namespace) -> dict[str, Any] | None:
    """Train, where need be, and qualify through the command line; None: it could not."""
    base = ["--base-model", "nano"]
    if not (args.adapter / "adapter_config.json").is_file():
        train = ["train", *base, "--recipe", args.recipe, "--out", str(args.adapter)]
        if evalsuite(train):
            return None
    status = evalsuite(
        ["qualify", *base, "--adapter", str(args.adapter), "--policy", "nano",
         "--registry", str(args.out / "registry"),
         "--nulls", str(args.nulls), "--retrained", str(args.retrained),
         "--layers", *args.layers, "--out", str(args.out), "--seed", "0"]
    )  # fmt: skip
    if status not in (0, 1):
        return None
    found: dict[str, Any] = json.loads((args.out / "qualification.json").read_bytes())
    return found


def main() -> int:
    """Measure, publish, compare with the targets."""
    args = arguments()
    if args.document:
        document(json.loads(RECORD.read_bytes()))
        return 0
    record = measured(args)
    if record is None:
        return 3
    publish(record)
    return conclude(list(figures(record)), record, None)


if __name__ == "__main__":
    sys.exit(main())
