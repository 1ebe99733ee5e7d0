"""Which rewrites of a candidate are wrong: shares by kind and language, and the answers themselves.

    python benchmarks/rewriting_errors.py --run reports/quickstart            as a gate asked
    python benchmarks/rewriting_errors.py --adapter DIR --seeds 5,6           the gate's panel anew
    python benchmarks/rewriting_errors.py --adapter DIR --development         sentences to tune on

Two measures stand side by side: the judge of rewrites, which gates use, and the list of accepted
rewrites, which the grammar knows (case, width, spacing and final punctuation aside). What the judge
accepts beyond the list should be read now and then: ``--accepted`` shows it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unicodedata import normalize

from development import development_panel
from figures import machine, write

from evalsuite.cases import Case, Kind, Language, WorldName
from evalsuite.detectors.text import same
from evalsuite.engines import open_engine
from evalsuite.generation import Finish, Request, Sampling
from evalsuite.models import BaseRef, read_adapter, resolve_base
from evalsuite.prompts import build
from evalsuite.rewrites import judge
from evalsuite.runs import PANEL, CaseRow, Side
from evalsuite.runs.folder import load_run
from evalsuite.scenarios import ShownCase, sample_shown_panel
from evalsuite.template import load_template

EVERY = "all"


@dataclass(frozen=True, slots=True)
class Answered:
    """A case with what came back."""

    case: Case
    answer: str
    finish: Finish

    @property
    def listed(self) -> bool:
        """Whether the answer is one that the grammar lists."""
        if self.case.expect.unchanged:
            return normalize("NFC", self.answer.strip()) == normalize(
                "NFC", self.case.query.strip()
            )
        return any(same(self.answer, rewrite) for rewrite in self.case.expect.rewrites)

    @property
    def right(self) -> bool:
        """Whether the judge of rewrites accepts it."""
        return judge(self.case, self.answer, self.finish).right


@dataclass(frozen=True, slots=True)
class Share:
    """Wrong answers of a group."""

    n: int
    wrong: int
    """By the judge."""
    unlisted: int
    """By the list."""

    @classmethod
    def of(cls, answers: Sequence[Answered]) -> Share:
        wrong = sum(not a.right for a in answers)
        return cls(len(answers), wrong, sum(not a.listed for a in answers))

    def __str__(self) -> str:
        return f"{self.wrong:4} {self.unlisted:4} of {self.n:4} = {self.wrong / self.n:6.1%}"


def shares(answers: Iterable[Answered]) -> dict[str, dict[str, Share]]:
    """Count by kind and language, with a row and a column of all."""
    cells: dict[str, dict[str, list[Answered]]] = defaultdict(lambda: defaultdict(list))
    for answered in answers:
        for kind in (EVERY, answered.case.kind.value):
            for language in (EVERY, answered.case.language.value):
                cells[kind][language].append(answered)
    kinds = [kind for kind in (EVERY, *(k.value for k in Kind)) if kind in cells]
    return {k: {lang: Share.of(cells[k][lang]) for lang in sorted(cells[k])} for k in kinds}


def answers_of_run(folder: Path) -> list[Answered]:
    """Return what a run's candidate answered to the panel."""
    run = load_run(folder)
    found = []
    for row in run.cases:
        outputs = run.output_index.get((row.panel, row.case_id, Side.CANDIDATE), ())
        if row.panel == PANEL and outputs:
            found.append(Answered(_case(row), outputs[0].text, Finish(outputs[0].finish)))
    return found


def _case(row: CaseRow) -> Case:
    if row.expect is None:
        raise SystemExit(f"case {row.case_id} of the run says nothing of what was expected")
    return Case(
        id=row.case_id,
        language=Language(row.language),
        kind=Kind(row.kind),
        cluster=row.cluster,
        history=row.history,
        query=row.query,
        expect=row.expect,
    )


def ask(shown: Sequence[ShownCase], base: BaseRef, adapter: Path | None) -> list[Answered]:
    """Ask a candidate, or the bare base, greedily."""
    template = load_template(base.path)
    asked = read_adapter(adapter, base) if adapter else None
    requests = [
        Request(
            prompt=template.prompt(build(s.case, format="xml", demonstrations=s.pair.a)),
            adapter=asked.digest if asked else None,
            sampling=Sampling(max_tokens=64),
        )
        for s in shown
    ]
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "answers.sqlite3"
        engine = open_engine(base, (asked,) if asked else (), cache=cache)
        outputs = engine.infer(requests)
        engine.close()
    pairs = zip(shown, outputs, strict=True)
    return [Answered(s.case, output.text, output.finish) for s, output in pairs]


def drawn(
    seed: int, n: int, languages: Sequence[Language], world: WorldName, *, development: bool
) -> list[ShownCase]:
    """Draw ``n`` cases, as many in each language."""
    each = n // len(languages)
    if development:
        return [
            shown for language in languages for shown in development_panel(seed, each, language)
        ]
    return [
        shown
        for language in languages
        for shown in sample_shown_panel(seed, each, language, world=world)
    ]


def show(title: str, table: dict[str, dict[str, Share]]) -> None:
    """Print one line for each kind: wrong and unlisted of n, by language."""
    print(f"{title}: wrong by the judge, not in the list, of n")
    for kind, by in table.items():
        print(f"  {kind:20}" + "   ".join(f"{lang} {share}" for lang, share in by.items()))


def tell(answers: Iterable[Answered], *, accepted: bool, most: int) -> None:
    """Print answers that are wrong; with ``accepted``, those that are right and not in the list."""
    told = [a for a in answers if (a.right and not a.listed if accepted else not a.right)]
    for a in told[:most]:
        print(f"  {a.case.kind} {a.case.language} | {a.case.query} => {a.answer!r}", end="")
        print(f" instead of {a.case.reference}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, help="a run folder, asked already")
    parser.add_argument("--base-model", default="nano", help="default: nano")
    parser.add_argument("--adapter", type=Path, help="default: the bare base")
    parser.add_argument("--seeds", default="77", help="of the panels, as 5,6 (default: 77)")
    parser.add_argument("-n", type=int, default=520, help="cases of each seed (default: 520)")
    parser.add_argument("--languages", default="en,zh", help="of the cases (default: en,zh)")
    parser.add_argument(
        "--world", type=WorldName, default=WorldName.NANO, help="nano (default) or natural"
    )
    parser.add_argument("--development", action="store_true", help="ask sentences to tune on")
    parser.add_argument("--show", type=int, default=0, help="print so many wrong answers")
    parser.add_argument("--accepted", action="store_true", help="print accepted ones instead")
    parser.add_argument("--out", type=Path, help="the counts, as JSON")
    return parser.parse_args()


def main() -> int:
    args = _arguments()
    answered: dict[str, list[Answered]] = {}
    if args.run:
        answered[str(args.run)] = answers_of_run(args.run)
    else:
        base = resolve_base(args.base_model)
        languages = [Language(language) for language in args.languages.split(",")]
        for seed in map(int, args.seeds.split(",")):
            shown = drawn(seed, args.n, languages, args.world, development=args.development)
            answered[f"seed {seed}"] = ask(shown, base, args.adapter)
    result: dict[str, Any] = {"machine": machine(), "panels": {}}
    for name, answers in answered.items():
        table = shares(answers)
        show(name, table)
        tell(answers, accepted=args.accepted, most=args.show)
        result["panels"][name] = {
            kind: {lang: asdict(share) for lang, share in by.items()} for kind, by in table.items()
        }
    if args.out:
        write(args.out, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
