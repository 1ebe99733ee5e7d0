"""What becomes of real tokenizer folders: their format, how many conversations agree, and seconds.

    python benchmarks/real_tokenizers.py qwen3=path/to/qwen3 smollm2=smollm2 ...

Folders are yours: makers' files are not part of this repository. Compared is every harmless
conversation of ``template check``, token by token, with the folder's own template.
"""

from __future__ import annotations

import argparse
import resource
from dataclasses import asdict, dataclass
from pathlib import Path

from figures import RESULTS, Bound, Figure, conclude, machine

from evalsuite.errors import EvalsuiteError
from evalsuite.models import resolve_base
from evalsuite.template import Property, PropertyStatus, check, load_template


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one folder."""

    name: str
    family: str
    """Of its format; empty: refused."""
    own: str
    """How the tokens compare with its own template's."""
    violated: tuple[str, ...]
    """Properties that do not hold, with the reason."""
    vocabulary: int
    processor_seconds: float
    """To load, infer and check, with every process."""


def processor_seconds() -> float:
    """Seconds that this process and its children used."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def outcome(name: str, folder: str) -> Outcome:
    """Load a folder and check its format."""
    began = processor_seconds()
    try:
        path = Path(folder) if Path(folder).is_dir() else resolve_base(folder).path
        template = load_template(path)
    except EvalsuiteError as error:
        told = str(error).replace(folder, name)
        return Outcome(name, "", told, (), 0, processor_seconds() - began)
    results = check(template)
    [own] = [r for r in results if r.name is Property.OWN_TEMPLATE]
    violated = tuple(
        f"{r.name.number}: {r.detail}" for r in results if r.status is PropertyStatus.VIOLATED
    )
    taken = processor_seconds() - began
    told = f"{own.status}: {own.detail}"
    return Outcome(name, template.family, told, violated, template.vocab_size, taken)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--out", type=Path, default=RESULTS / "real_tokenizers.json")
    args = parser.parse_args()
    found = []
    for given in args.folders:
        name, _, folder = given.partition("=")
        one = outcome(name, folder)
        found.append(one)
        told = f"{one.family or 'refused':18} {one.processor_seconds:5.1f} s  {one.own[:150]}"
        print(f"{one.name:14} {told}")
        for problem in one.violated:
            print(f"{'':14} {problem[:200]}", flush=True)
    slowest = max(one.processor_seconds for one in found)
    figures = [
        Figure(
            name="slowest tokenizer, processor seconds",
            value=slowest,
            bound=Bound.AT_MOST,
            target=20.0,
            unit="s",
        )
    ]
    result = {"machine": machine(), "outcomes": [asdict(one) for one in found]}
    return conclude(figures, result, args.out)


if __name__ == "__main__":
    raise SystemExit(main())
