"""What a model can do on fresh panels: general skills, and rewriting by kind and language.

    python benchmarks/nano.py                                   the shipped base
    python benchmarks/nano.py --base-model DIR --adapter DIR    anything else

The embedded base alone has targets: its skills, and rewriting that leaves an adapter something to
do. The exit status is 1 when one is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import Bound, Figure, conclude

from evalsuite.cases import Case, Language
from evalsuite.detectors.result import Score
from evalsuite.detectors.retention import answer_score
from evalsuite.detectors.text import same
from evalsuite.engines import open_engine
from evalsuite.gates import load_policy
from evalsuite.generation import Request, Sampling
from evalsuite.models import AdapterRef, BaseRef, read_adapter, resolve_base
from evalsuite.prompts import build
from evalsuite.rewrites import judge
from evalsuite.scenarios import ShownCase, SkillItem, sample_shown_panel, sample_skills
from evalsuite.template import load_template

Table = dict[str, dict[str, float]]
MEGABYTES = 16


@dataclass(frozen=True, slots=True)
class Panel:
    """What is asked."""

    rewriting: tuple[ShownCase, ...]
    skills: tuple[SkillItem, ...]


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def table(rows: Iterable[tuple[str, Language, float]]) -> Table:
    cells: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for name, language, value in rows:
        cells[name][language].append(value)
    return {n: {k: round(mean(v), 3) for k, v in by.items()} for n, by in cells.items()}


def macro(skills: Table, names: Collection[str]) -> float:
    """Return the mean over skills and languages of the skills ``names``."""
    return round(mean([v for name in names for v in skills[name].values()]), 3)


def accepted(case: Case, text: str) -> float:
    return float(any(same(text, r) for r in (*case.expect.rewrites, case.reference or "")))


def success(score: Score) -> float:
    """Return 1 minus the loss; what could not be measured is no success."""
    return 0.0 if score.value is None else 1.0 - score.value


def draw(args: argparse.Namespace) -> Panel:
    rewriting = tuple(
        shown
        for language in Language
        for shown in sample_shown_panel(
            args.seed, args.rewriting // 2, language, demonstrations=args.shown
        )
    )
    return Panel(rewriting, sample_skills(args.seed, args.skills))


def ask(
    panel: Panel, base: BaseRef, adapter: AdapterRef | None, prompt_format: str
) -> tuple[list[str], float]:
    """Return the answers, rewriting first, and the seconds that they took."""
    template = load_template(base.path)
    conversations = [
        build(s.case, format=prompt_format, demonstrations=s.pair.a) for s in panel.rewriting
    ] + [item.question for item in panel.skills]
    requests = [
        Request(
            prompt=template.prompt(conversation),
            adapter=adapter.digest if adapter else None,
            sampling=Sampling(max_tokens=64),
        )
        for conversation in conversations
    ]
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(
            base, (adapter,) if adapter else (), cache=Path(folder) / "answers.sqlite3"
        )
        began = time.monotonic()
        outputs = engine.infer(requests)
        seconds = time.monotonic() - began
        engine.close()
    return [output.text for output in outputs], seconds


def score(panel: Panel, answers: Sequence[str], wrong: int) -> dict[str, Any]:
    """Return every figure; print ``wrong`` of the rewrites that do not resolve their reference."""
    cases = [shown.case for shown in panel.rewriting]
    rewrites, replies = answers[: len(cases)], answers[len(cases) :]
    resolved = [float(judge(c, a).right) for c, a in zip(cases, rewrites, strict=True)]
    done = [success(answer_score(i, a)) for i, a in zip(panel.skills, replies, strict=True)]
    skills = table((i.skill, i.language, d) for i, d in zip(panel.skills, done, strict=True))
    gated = load_policy("nano").gates.forgetting.skills.seeded
    failures = [
        (c.kind, c.query, a) for c, a, r in zip(cases, rewrites, resolved, strict=True) if r < 1
    ]
    for row in failures[:wrong]:
        print(*row, sep=" | ")
    return {
        "rewriting_exact": round(
            mean([accepted(c, a) for c, a in zip(cases, rewrites, strict=True)]), 3
        ),
        "rewriting_resolved": round(mean(resolved), 3),
        "kinds": table((c.kind, c.language, r) for c, r in zip(cases, resolved, strict=True)),
        "skills_macro": macro(skills, skills),
        "skills_macro_gated": macro(skills, gated),
        "skills_gated": list(gated),
        "skills": skills,
    }


def figures(result: Mapping[str, Any], base: BaseRef) -> list[Figure]:
    """Return what has a target for the embedded base as it is."""
    weakest = min(value for by in result["skills"].values() for value in by.values())
    gated = len(result["skills_gated"])
    rewriting = result["rewriting_resolved"]
    rows = (
        (f"skills, macro of all {len(result['skills'])}", result["skills_macro"],
         Bound.AT_LEAST, 0.90, ""),
        (f"skills, macro of the {gated} that the policy nano uses", result["skills_macro_gated"],
         Bound.AT_LEAST, 0.90, ""),
        ("weakest skill in one language", weakest, Bound.ABOVE, 0, ""),
        ("references resolved as shipped", rewriting, Bound.AT_LEAST, 0.2, ""),
        ("references resolved as shipped", rewriting, Bound.AT_MOST, 0.6, ""),
        ("weights", (base.path / "model.safetensors").stat().st_size / 1e6,
         Bound.AT_MOST, MEGABYTES, "MB"),
    )  # fmt: skip
    return [
        Figure(name=name, value=value, bound=bound, target=target, unit=unit)
        for name, value, bound, target, unit in rows
    ]


def show(result: Mapping[str, Any]) -> None:
    print(f"rewriting: resolved {result['rewriting_resolved']}, exact {result['rewriting_exact']}")
    for name in ("kinds", "skills"):
        for row, by in sorted(result[name].items()):
            print(f"  {row:20}" + "  ".join(f"{k} {v:.3f}" for k, v in sorted(by.items())))
    print(
        f"skills, macro: {result['skills_macro']} of all, {result['skills_macro_gated']} of the "
        f"{len(result['skills_gated'])} that the policy nano uses\n"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base-model", default="nano", help="default: nano")
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--seed", type=int, default=90_001)
    parser.add_argument("--skills", type=int, default=800, help="items (default: 800)")
    parser.add_argument("--rewriting", type=int, default=624, help="cases (default: 624)")
    parser.add_argument("--shown", type=int, default=2, help="demonstrations (default: 2)")
    parser.add_argument("--format", default="xml")
    parser.add_argument(
        "--out", type=Path, help="JSON; the shipped figures: results/nano-base.json"
    )
    parser.add_argument("--wrong", type=int, default=0, help="show so many wrong answers")
    args = parser.parse_args()
    base = resolve_base(args.base_model)
    adapter = read_adapter(args.adapter, base) if args.adapter else None
    panel = draw(args)
    answers, seconds = ask(panel, base, adapter, args.format)
    print(f"{args.base_model} {args.adapter or ''}: {len(answers)} answers in {seconds:.1f} s")
    result = {
        "base_model": args.base_model,
        "base": base.digest,
        "adapter": str(args.adapter) if args.adapter else None,
        "seed": args.seed,
        "seconds": round(seconds, 1),
        **score(panel, answers, args.wrong),
    }
    show(result)
    due = figures(result, base) if base.embedded and adapter is None else []
    return conclude(due, result, args.out)


if __name__ == "__main__":
    sys.exit(main())
