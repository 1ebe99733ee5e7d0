"""What the judge of rewrites refuses of wrong answers and accuses of good ones.

    python benchmarks/rewrite_judge.py
    python benchmarks/rewrite_judge.py --sets goldens,panel --misses "content word dropped"
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

from rewrite_answers.kinds import Kind
from rewrite_answers.sampling import Answer, sample
from rewrite_answers.sets import goldens, of, panel

from evalsuite.cases import Case, Language
from evalsuite.rewrites import judge
from evalsuite.statistics.estimate import Sides
from evalsuite.statistics.rates import clopper_pearson

SETS = {"goldens": goldens, "panel": panel}


def cell(answers: Sequence[Answer]) -> tuple[str, list[Answer]]:
    if not answers:
        return "-", []
    judged = [(a, judge(a.case, a.text)) for a in answers]
    missed = [a for a, j in judged if j.right]
    e = clopper_pearson(len(answers) - len(missed), len(answers), sides=Sides.TWO)
    parts = Counter(p.value for _, j in judged for p in j.findings if j.loss(p))
    caught = " ".join(f"{p}:{n * 100 // len(answers)}" for p, n in parts.most_common())
    return f"{e.value:.1%} [{e.lower:.1%}, {e.upper:.1%}] {len(answers)} ({caught})", missed


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", default="goldens,panel")
    parser.add_argument("--kinds", default="")
    parser.add_argument("--limit", type=int, default=300)
    parser.add_argument("--misses", default="")
    args = parser.parse_args()
    kinds = [k for k in Kind if not args.kinds or k in args.kinds.split(",")]
    for kind in kinds:
        for name in args.sets.split(","):
            for language in Language:
                cases: tuple[Case, ...] = of(SETS[name], language)
                text, missed = cell(sample(kind, cases, args.limit))
                print(f"{kind:32} {name:8} {language} {text}")
                if args.misses and kind in args.misses.split(","):
                    for a in missed[:20]:
                        print(f"      {a.case.id}: {a.case.query!r} -> {a.text!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
