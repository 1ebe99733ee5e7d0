"""Can a reader tell the natural world's queries from people's?

    python benchmarks/blind_pairs.py draw --out pairs          # pairs.json for readers, key.json
    python benchmarks/blind_pairs.py score pairs ANSWERS.json ...  # a list of "A" or "B" a reader

Each pair shows one query of a panel and one of CANARD (English) or KdConv (Chinese), each with the
user's two turns before it, in random order; the reader says which one a program made. What the
other side answered is left out: CANARD's answers are cut out of articles, and in KdConv both sides
ask and answer. Names are hidden on both sides, because those of a panel are invented.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from figures import RESULTS, Bound, Figure, conclude, machine
from rewrite_answers.sets import data

from evalsuite.cases import Case, Kind, Language, WorldName
from evalsuite.conversation import Role
from evalsuite.scenarios import sample_panel
from evalsuite.statistics.rates import binomial_bounds

EACH = 50
"""Pairs of each language."""
SEED = 2020
TOLD_APART = 0.65
_HIDDEN = "___"
_BEFORE = 2

# Kinds whose query people ask as well; a standalone one alone would show nothing of its history.
_KINDS = tuple(k for k in Kind if k not in (Kind.DEMONSTRATION_LURE, Kind.UNANSWERABLE))

Excerpt = list[str]


def panel(language: Language) -> Iterator[Excerpt]:
    """The user's last turns of panel cases, names hidden."""
    drawn = sample_panel(
        SEED, 3 * EACH, world=WorldName.NATURAL, languages=[language], kinds=_KINDS
    )
    rng = random.Random(SEED)
    for case in rng.sample(drawn.cases, len(drawn.cases)):
        turns = [m.content for m in case.history if m.role is Role.USER][-_BEFORE:]
        yield [_hide(turn, _names(case)) for turn in (*turns, case.query)]


def _names(case: Case) -> list[str]:
    expect = case.expect
    return [*expect.must_name, *expect.must_not_name, *expect.aliases]


def _hide(text: str, names: list[str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(re.escape(name), _HIDDEN, text, flags=re.IGNORECASE)
    # What else is written like a name: in a sentence, with a capital, or between title marks.
    text = re.sub("《[^》]*》", _HIDDEN, text)
    text = re.sub(r"(?<=[a-z,] )[A-Z][\w'-]+(?:\s+[A-Z0-9][\w'-]*)*", _HIDDEN, text)
    return re.sub(rf"{_HIDDEN}(?:[\s,]*{_HIDDEN})+", _HIDDEN, text)


def canard() -> Iterator[Excerpt]:
    """The same of CANARD."""
    rows = json.loads((data() / "canard" / "dev.json").read_text("utf-8"))
    for row in _spread(rows, "QuAC_dialog_id"):
        asked = row["History"][2::2][-_BEFORE:]
        subject = row["History"][0].split()
        yield [
            _hide(text, [w for w in subject if len(w) > 2]) for text in (*asked, row["Question"])
        ]


def kdconv() -> Iterator[Excerpt]:
    """The same of KdConv: one side of the talk."""
    for name in ("music_dev.json", "travel_dev.json"):
        talks = json.loads((data() / "kdconv" / name).read_text("utf-8"))
        random.Random(SEED).shuffle(talks)
        for talk in talks[: 2 * EACH]:
            said = [message["message"] for message in talk["messages"]]
            names = {
                attr["name"] for message in talk["messages"] for attr in message.get("attrs", ())
            }
            mine = said[0::2]
            asking = [i for i in range(1, len(mine)) if mine[i].rstrip().endswith(("?", "？"))]
            if asking:
                at = asking[len(asking) // 2]
                yield [_hide(text, list(names)) for text in mine[max(0, at - _BEFORE) : at + 1]]


def _spread(rows: list[dict[str, Any]], key: str) -> Iterator[dict[str, Any]]:
    """One row of each conversation, in random order."""
    rng = random.Random(SEED)
    seen = set()
    for row in rng.sample(rows, len(rows)):
        if row[key] not in seen and len(row["History"]) > 4:
            seen.add(row[key])
            yield row


def draw(out: Path) -> int:
    """Write the pairs, and what is what."""
    rng = random.Random(SEED)
    pairs, key = [], []
    for language, people in ((Language.EN, canard()), (Language.ZH, kdconv())):
        made = panel(language)
        for _ in range(EACH):
            both = [("program", next(made)), ("person", next(people))]
            rng.shuffle(both)
            pairs.append({"A": both[0][1], "B": both[1][1]})
            key.append({"language": language.value, "program": "AB"[both[1][0] == "program"]})
    out.mkdir(parents=True, exist_ok=True)
    (out / "pairs.json").write_text(json.dumps(pairs, indent=1, ensure_ascii=False), "utf-8")
    (out / "key.json").write_text(json.dumps(key, indent=1), "utf-8")
    print(f"{len(pairs)} pairs: {out / 'pairs.json'}")
    return 0


def score(out: Path, readers: list[Path]) -> int:
    """Count how often readers were right."""
    key = json.loads((out / "key.json").read_text("utf-8"))
    rows, figures = [], []
    for language in (*Language, None):
        places = [i for i, k in enumerate(key) if language in (None, k["language"])]
        found = []
        for reader in readers:
            said = json.loads(reader.read_text("utf-8"))
            if len(said) != len(key):
                sys.exit(f"{reader}: {len(said)} answers for {len(key)} pairs")
            found.append(sum(said[i] == key[i]["program"] for i in places))
        n = len(places) * len(readers)
        lower, upper = binomial_bounds(sum(found), n, 0.025)
        name = "both" if language is None else language.value
        rows.append({"language": name, "right": found, "pairs": len(places),
                     "interval": [lower, upper]})  # fmt: skip
        print(f"{name}: told apart {sum(found)} of {n} [{lower:.0%}, {upper:.0%}], readers {found}")
        if language is None:
            figures.append(
                Figure(name="told apart", value=sum(found) / n, bound=Bound.AT_MOST,
                       target=TOLD_APART)
            )  # fmt: skip
    record = {"rows": rows, "machine": machine()}
    return conclude(figures, record, RESULTS / "blind_pairs.json")


def main() -> int:
    """Draw or score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    drawing = commands.add_parser("draw")
    drawing.add_argument("--out", type=Path, default=Path("pairs"))
    scoring = commands.add_parser("score")
    scoring.add_argument("out", type=Path)
    scoring.add_argument("readers", type=Path, nargs="+")
    args = parser.parse_args()
    return draw(args.out) if args.command == "draw" else score(args.out, args.readers)


if __name__ == "__main__":
    sys.exit(main())
