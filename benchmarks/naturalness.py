"""Do natural conversations look like people's to a model, and are they as varied?

    python benchmarks/naturalness.py --base-model smollm2

Median nats a token of queries and of user turns under a real base, as plain text; and how many
different words and different queries there are in samples of the same size, names apart. Compared
with CANARD and with the everyday golden cases. A low loss does not show sense; see docs/natural.md
for what readers said.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from figures import RESULTS, Bound, Figure, conclude, machine
from rewrite_answers.sets import ROOT, data

from evalsuite.cases import Case, Language, WorldName
from evalsuite.cases.casefiles import load_cases
from evalsuite.conversation import Role
from evalsuite.engines import open_engine
from evalsuite.generation import Request
from evalsuite.models import resolve_base
from evalsuite.scenarios import sample_panel
from evalsuite.template import load_template

N = 200
WORDS = 1000
"""Words of a sample whose different ones are counted."""
SEED = 31
WITHIN = 0.1

Texts = Mapping[str, list[str]]


def of_cases(cases: list[Case]) -> Texts:
    """Queries, and what users said before, names hidden."""
    rng = random.Random(SEED)
    chosen = rng.sample(cases, min(N, len(cases)))
    turns = [m.content for case in chosen for m in case.history if m.role is Role.USER]
    return {
        "queries": [case.query for case in chosen],
        "user turns": rng.sample(turns, min(N, len(turns))),
        "hidden": [_hidden(case) for case in chosen],
    }


def _hidden(case: Case) -> str:
    text = case.query
    for name in (*case.expect.must_name, *case.expect.must_not_name, *case.expect.aliases):
        text = text.replace(name, "NAME")
    return text


def panel(world: WorldName) -> Texts:
    """A panel of a world."""
    return of_cases(list(sample_panel(SEED, 2 * N, world=world, languages=[Language.EN]).cases))


def goldens() -> Texts:
    """The everyday golden cases."""
    found = load_cases([ROOT / "cases" / "pronoun_resolution", ROOT / "cases" / "example_leakage"])
    everyday = [c for c in found if "everyday" in c.source and c.language is Language.EN]
    return of_cases(everyday)


def canard() -> Texts:
    """Questions of CANARD, which people asked about articles."""
    rows = json.loads((data() / "canard" / "dev.json").read_text("utf-8"))
    rng = random.Random(SEED)
    chosen = [row for row in rng.sample(rows, len(rows)) if len(row["History"]) > 3][:N]
    return {
        "queries": [row["Question"] for row in chosen],
        "user turns": [row["History"][-2] for row in chosen],
        "hidden": [row["Question"] for row in chosen],
    }


SETS: Mapping[str, Callable[[], Texts]] = {
    "natural panel": lambda: panel(WorldName.NATURAL),
    "nano panel": lambda: panel(WorldName.NANO),
    "everyday goldens": goldens,
    "CANARD": canard,
}


def losses(base_model: str, texts: list[str]) -> float:
    """Median over texts of the mean nats a token, after the token that begins a text."""
    base = resolve_base(base_model)
    template = load_template(base.path)
    begin = template.encode("\n")
    requests = [Request(prompt=tuple(begin), target=tuple(template.encode(text))) for text in texts]
    with tempfile.TemporaryDirectory() as folder:
        scored = open_engine(base, cache=Path(folder) / "cache.sqlite3").infer(requests)
    return median(-out.logprob / len(out.logprobs) for out in scored)


def different_words(texts: list[str]) -> int:
    """How many of the first words of a sample are different."""
    said = [w for text in texts for w in re.findall(r"[a-z']+", text.casefold())][:WORDS]
    return len(set(said)) if len(said) == WORDS else 0


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base-model", default="smollm2")
    parser.add_argument("--out", type=Path, default=RESULTS / "naturalness.json")
    args = parser.parse_args()
    rows = {}
    for name, make in SETS.items():
        texts = make()
        rows[name] = {
            "queries": losses(args.base_model, texts["queries"]),
            "user turns": losses(args.base_model, texts["user turns"]),
            "words": different_words(texts["hidden"]),
            "different queries": len(set(texts["hidden"])) / len(texts["hidden"]),
        }
        print(name, rows[name], flush=True)
    human = max(rows["CANARD"]["queries"], rows["everyday goldens"]["queries"])
    figures = [
        Figure(
            name="median loss of queries above people's",
            value=rows["natural panel"]["queries"] - human,
            bound=Bound.AT_MOST,
            target=WITHIN,
            unit="nats",
        ),
        Figure(
            name=f"different words in {WORDS:,}, against CANARD's",
            value=rows["natural panel"]["words"] / rows["CANARD"]["words"],
            bound=Bound.AT_LEAST,
            target=1.0,
        ),
        Figure(
            name="different queries, against CANARD's",
            value=rows["natural panel"]["different queries"] / rows["CANARD"]["different queries"],
            bound=Bound.AT_LEAST,
            target=1.0,
        ),
    ]
    return conclude(figures, {"sets": rows, "machine": machine()}, args.out)


if __name__ == "__main__":
    sys.exit(main())
