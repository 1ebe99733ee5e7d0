"""What a model can do on fresh panels: general skills, and rewriting by kind and language.

python benchmarks/nano.py                                   the shipped base
python benchmarks/nano.py --base-model DIR --adapter DIR    anything else
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from evalsuite.cases import Case, Language
from evalsuite.detectors.pronouns import resolve
from evalsuite.detectors.retention import answer_score
from evalsuite.detectors.text import same
from evalsuite.engines import open_engine
from evalsuite.generation import Output, Request, Sampling
from evalsuite.models import read_adapter, resolve_base
from evalsuite.prompts import build
from evalsuite.scenarios import sample_shown_panel, sample_skills
from evalsuite.template import load_template

Table = dict[str, dict[str, float]]


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def table(rows: Iterable[tuple[str, Language, float]]) -> Table:
    cells: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for name, language, value in rows:
        cells[name][language].append(value)
    return {n: {k: round(mean(v), 3) for k, v in by.items()} for n, by in cells.items()}


def accepted(case: Case, text: str) -> float:
    return float(any(same(text, r) for r in (*case.expect.rewrites, case.reference or "")))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--base-model", default="nano")
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--seed", type=int, default=90_001)
    parser.add_argument("--skills", type=int, default=800)
    parser.add_argument("--rewriting", type=int, default=624)
    parser.add_argument("--shown", type=int, default=2)
    parser.add_argument("--format", default="xml")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--wrong", type=int, default=0, help="show so many wrong answers")
    args = parser.parse_args()
    base = resolve_base(args.base_model)
    adapters = (read_adapter(args.adapter, base),) if args.adapter else ()
    side = adapters[0].digest if adapters else None
    template = load_template(base.path)
    panel = [
        shown
        for language in Language
        for shown in sample_shown_panel(
            args.seed, args.rewriting // 2, language, demonstrations=args.shown
        )
    ]
    cases = [shown.case for shown in panel]
    skills = sample_skills(args.seed, args.skills)
    prompts = [
        template.prompt(build(s.case, format=args.format, demonstrations=s.pair.a)) for s in panel
    ] + [template.prompt(item.question) for item in skills]
    requests = [Request(prompt=p, adapter=side, sampling=Sampling(max_tokens=64)) for p in prompts]
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(base, adapters, cache=Path(folder) / "answers.sqlite3")
        began = time.monotonic()
        outputs = engine.infer(requests)
        seconds = time.monotonic() - began
        engine.close()
    report(args, cases, skills, outputs, seconds)


def report(
    args: argparse.Namespace,
    cases: Sequence[Case],
    skills: Sequence[object],
    outputs: Sequence[Output],
    seconds: float,
) -> None:
    answers = [output.text for output in outputs]
    rewriting = list(zip(cases, answers, strict=False))
    asked = list(zip(skills, answers[len(cases) :], strict=True))
    resolved = [1.0 - (resolve(c, a).value or 0.0) for c, a in rewriting]
    done = [1.0 - (answer_score(i, a).value or 0.0) for i, a in asked]
    result = {
        "base_model": args.base_model,
        "adapter": str(args.adapter) if args.adapter else None,
        "seed": args.seed,
        "seconds": round(seconds, 1),
        "rewriting_exact": round(mean([accepted(c, a) for c, a in rewriting]), 3),
        "rewriting_resolved": round(mean(resolved), 3),
        "kinds": table(
            (c.kind, c.language, r) for (c, _), r in zip(rewriting, resolved, strict=True)
        ),
        "skills_macro": None,
        "skills": table((i.skill, i.language, d) for (i, _), d in zip(asked, done, strict=True)),
    }
    cells = [v for by in result["skills"].values() for v in by.values()]
    result["skills_macro"] = round(mean(cells), 3)
    print(f"{args.base_model} {args.adapter or ''}: {len(answers)} answers in {seconds:.1f} s")
    print(f"rewriting: resolved {result['rewriting_resolved']}, exact {result['rewriting_exact']}")
    for name in ("kinds", "skills"):
        for row, by in sorted(result[name].items()):
            print(f"  {row:20}" + "  ".join(f"{k} {v:.3f}" for k, v in sorted(by.items())))
    print(f"skills, macro: {result['skills_macro']}")
    wrong = [(c.kind, c.query, a) for (c, a), r in zip(rewriting, resolved, strict=True) if r < 1]
    for row in wrong[: args.wrong]:
        print(*row, sep=" | ")
    if args.out:
        args.out.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
