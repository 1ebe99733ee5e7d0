"""What the judge of rewrites says of a recorded run, beside what the run said itself.

    python benchmarks/rejudged.py RUN [--read]

For a run of a version before 4, which recorded whether references were resolved, the answers that
turn from right to wrong are what that detector accepted; ``--read`` prints them, to be read. The
run is only read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from figures import RESULTS

from evalsuite.cases import Case, Kind, Language
from evalsuite.detectors import Detector
from evalsuite.rewrites import Judgement, Part, judge
from evalsuite.runs import CaseRow, OutputRow, Side
from evalsuite.runs.folder import Run, load_run

VERDICTS = (Detector.RIGHT, Detector.PRONOUN_RESOLUTION)


@dataclass(frozen=True, slots=True)
class Rejudged:
    """One answer of the candidate."""

    case: Case
    text: str
    accepted: bool
    """Whether the run called it right."""
    judgement: Judgement


def rejudge(run: Run) -> Iterator[Rejudged]:
    """Judge every rewrite of the candidate again, those under the counterfactual set left out."""
    cases = {(row.panel, row.case_id): row for row in run.cases}
    said = {
        (row.panel, row.case_id): row.value
        for row in run.scores
        if row.detector in VERDICTS and row.side is Side.CANDIDATE
    }
    for output in run.outputs:
        place = output.panel, output.case_id
        if place in said and output.side is Side.CANDIDATE and not _swapped(output):
            case = _case(cases[place])
            yield Rejudged(case, output.text, said[place] == 0.0, judge(case, output.text))


def _swapped(output: OutputRow) -> bool:
    return output.demonstrations.endswith("b")


def _case(row: CaseRow) -> Case:
    assert row.expect is not None
    return Case(
        id=row.case_id,
        language=Language(row.language),
        kind=Kind(row.kind),
        cluster=row.cluster,
        history=row.history,
        query=row.query,
        expect=row.expect,
        source=row.panel,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--read", action="store_true", help="print the answers that turned")
    parser.add_argument("--out", type=Path, default=RESULTS / "rejudged.json")
    args = parser.parse_args()
    judged = list(rejudge(load_run(args.run)))
    result: dict[str, object] = {}
    for panel in dict.fromkeys(found.case.source for found in judged):
        rows = [found for found in judged if found.case.source == panel]
        wrong = [found for found in rows if not found.judgement.right]
        parts = Counter(p.value for f in wrong for p in Part if f.judgement.loss(p))
        result[panel] = {
            "answers": len(rows),
            "wrong by the run": sum(not found.accepted for found in rows),
            "wrong now": len(wrong),
            "turned wrong": sum(found.accepted for found in wrong),
            "turned right": sum(f.judgement.right and not f.accepted for f in rows),
            "lost parts": dict(sorted(parts.items())),
        }
    print(json.dumps(result, indent=2, ensure_ascii=False))
    if args.read:
        for found in judged:
            if found.accepted != found.judgement.right:
                reasons = [f.reason for fs in found.judgement.findings.values() for f in fs]
                turned = "right" if found.judgement.right else "wrong"
                print(f"{turned}: {found.case.query!r} -> {found.text!r}: {' '.join(reasons)}")
    args.out.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
