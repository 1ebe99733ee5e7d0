"""Whether the rule ``choice`` finds what lm-eval 0.4.13 finds: the same option of the same items.

    python -m venv beside && beside/bin/pip install "lm-eval[hf]==0.4.13" torch==2.13.0 \\
        transformers==5.23.0
    python benchmarks/suites_beside_lm_eval.py --lm-eval-python beside/bin/python

Run by hand: lm-eval is no dependency, and is taken from another environment, in which
``lm_eval_choices.py`` is run. The items are drawn from public sets where they lie
(``EVALSUITE_DATA``, or a folder ``data`` beside the checkout), evenly and without chance. Both
sides are asked in the model's chat format and without a system message of the item's own. lm-eval
runs twice: as it does by default, in the number format that the model's configuration names, and in
that of the gate on a processor. Exit status 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import isnan
from pathlib import Path
from time import perf_counter
from typing import Any

import lm_eval_choices
from figures import RESULTS, ROOT, Bound, Figure, conclude, machine

from evalsuite.detectors.retention import choice_score
from evalsuite.engines import open_engine, resolve_numerics
from evalsuite.generation import Output, Request
from evalsuite.models import BaseRef, resolve_base
from evalsuite.pipeline.questions import request_of
from evalsuite.scenarios import Normalise, SkillItem
from evalsuite.suites import SuiteHeader, SuiteRow, dump_suite, read_suites
from evalsuite.suites.importing import import_suite
from evalsuite.tasks import Choice
from evalsuite.template import load_template

TOLERANCE = 0.001
"""Nats by which the log-probability of an option may differ: both add up to some 300 of float32."""
NAMES: Mapping[str, Normalise] = {
    "acc": Normalise.NONE,
    "acc_norm": Normalise.CHARACTERS,
    "acc_bytes": Normalise.BYTES,
}
"""lm-eval's name of a normalisation -> the suite's."""
APART = "largest difference of a log-probability"
UNEXPLAINED = "items by which lm-eval's own count is another"
ASKS = {"en": 'Whom or what does "{}" mean?', "zh": "“{}”指的是谁或什么？"}
HEADER = SuiteHeader.model_validate({"skill": "beside", "language": "en", "rule": "choice"})


@dataclass(frozen=True, slots=True)
class Found:
    """What one side found for one item; options in the order of the row."""

    logprobs: Sequence[float]
    tokens: Sequence[Sequence[int]]
    """Of the prompt and each option."""
    chosen: Mapping[str, int | None]
    """Name of a normalisation -> the option; None where the likeliest are equal."""
    white_end: float = 0.0
    """What of each log-probability is that of the prompt's last line feed."""


def main() -> int:
    """Ask both, compare, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lm-eval-python", type=Path, required=True)
    parser.add_argument("--base-model", default="smollm2")
    parser.add_argument("--out", type=Path, default=RESULTS / "suites_beside_lm_eval.json")
    args = parser.parse_args()
    data = Path(os.environ.get("EVALSUITE_DATA") or ROOT.parent / "data")
    base = resolve_base(args.base_model)
    rows = drawn(data)
    with tempfile.TemporaryDirectory() as folder:
        ours, seconds = asked_here(base, rows, Path(folder))
        theirs = {
            name: asked_there(args.lm_eval_python, base, rows, Path(folder), dtype)
            for name, dtype in (("as it is", None), ("float32", "float32"))
        }
    result = {
        "machine": machine(),
        "base": args.base_model,
        "tolerance": TOLERANCE,
        "seconds": seconds,
        "sources": sources(rows),
        "lm_eval": {name: summary(rows, ours, told) for name, told in theirs.items()},
        "accuracy": {name: accuracy(rows, ours, name) for name in NAMES},
        "parted_by_length": sum(one.chosen["acc"] != one.chosen["acc_norm"] for one in ours),
        "items": [
            {"id": row.id, "right": place(row), "evalsuite": shown(one), "lm_eval": shown(other)}
            for row, one, other in zip(rows, ours, found_there(theirs["float32"]), strict=True)
        ],
    }
    show(result)
    return conclude(figures_of(result["lm_eval"]["float32"]), result, args.out)


def drawn(data: Path) -> tuple[SuiteRow, ...]:
    """A hundred rows of five sets."""
    sets: Sequence[tuple[int, Iterator[SuiteRow]]] = (
        (15, published("winobias", data / "winobias/pro_stereotyped_type1.txt.dev")),
        (15, published("winobias", data / "winobias/anti_stereotyped_type2.txt.test")),
        (10, published("winogender", data / "winogender/all_sentences.tsv")),
        (20, published("gap", data / "gap/gap-development.tsv")),
        (14, xwinograd(data / "xwinograd_en_zh/dataset.en_zh.tsv", "en")),
        (6, xwinograd(data / "xwinograd_en_zh/dataset.en_zh.tsv", "zh")),
        (20, solutions(data / "gsm8k/example_model_solutions.jsonl")),
    )
    return tuple(row for n, rows in sets for row in evenly(list(rows), n))


def evenly(rows: Sequence[SuiteRow], n: int) -> list[SuiteRow]:
    """So many of the rows, from first to last: where any can, those whose options differ in length.

    Of equal lengths, ``acc`` and ``acc_norm`` are the same.
    """
    fit = [row for row in rows if len({len(option) for option in row.options}) > 1] or rows
    return [fit[at * len(fit) // n] for at in range(n)] if len(fit) > n else [*fit]


def published(format: str, file: Path) -> Iterator[SuiteRow]:
    """The rows of a set that ``evalsuite suite import`` reads."""
    yield from import_suite(format, file).rows


def xwinograd(file: Path, language: str) -> Iterator[SuiteRow]:
    """Winograd sentences of one language: whom or what of two a pronoun means."""
    for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
        said, _, _, sentence, _, pronoun, candidates = line.split("\t")
        named = json.loads(candidates)
        if said == language and sum(right for *_, right in named) == 1:
            question = f"{sentence}\n\n{ASKS[language].format(json.loads(pronoun)[0])}"
            options = [text for text, *_ in named]
            answer = next(text for text, *_, right in named if right)
            yield row_of(f"xwinograd-{number}", language, question, options, answer)


def solutions(file: Path) -> Iterator[SuiteRow]:
    """Questions of GSM8K with one right and all wrong solutions of four models, of many lines."""
    for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
        record = json.loads(line)
        given = [one for one in record.values() if isinstance(one, dict)]
        right = sorted({one["solution"].strip() for one in given if one["is_correct"]})[:1]
        wrong = {one["solution"].strip() for one in given if not one["is_correct"]}
        if right and len(wrong) > 1:
            options = sorted([*right, *wrong])
            yield row_of(f"solutions-{number}", "en", record["question"], options, right[0])


def row_of(
    name: str, language: str, question: str, options: Sequence[str], answer: str
) -> SuiteRow:
    """A row by choice."""
    said = {"id": name, "language": language, "question": question.strip(), "answer": answer}
    return SuiteRow.model_validate_json(json.dumps({**said, "options": options}), strict=True)


def place(row: SuiteRow) -> int:
    """Which of a row's options is the right one."""
    (answer,) = row.answer or ()
    return row.options.index(answer)


def asked_here(base: BaseRef, rows: Sequence[SuiteRow], folder: Path) -> tuple[list[Found], float]:
    """Ask as the gate does: a suite file is read, and every option scored after the question."""
    file = folder / "beside.jsonl"
    file.write_text(dump_suite(HEADER, rows), "utf-8")
    items = read_suites([file])
    template = load_template(base.path, family=base.family)
    asked = [
        request_of(template, Choice(item=item, option=at))
        for item in items
        for at in range(len(item.options))
    ]
    numerics = resolve_numerics("float32", "cpu")
    engine = open_engine(base, cache=folder / "answers.sqlite3", numerics=numerics)
    started = perf_counter()
    answered = iter(zip(asked, engine.infer(asked), strict=True))
    seconds = perf_counter() - started
    return [
        found_here(item, row, list(islice(answered, len(item.options))))
        for item, row in zip(items, rows, strict=True)
    ], seconds


def found_here(item: SkillItem, row: SuiteRow, answered: Sequence[tuple[Request, Output]]) -> Found:
    """What was found for one item, its options in the order of the row again."""
    at = [item.options.index(option) for option in row.options]
    asked, said = [answered[one][0] for one in at], [answered[one][1] for one in at]
    return Found(
        logprobs=[one.logprob for one in said],
        tokens=[(*one.prompt, *(one.target or ())) for one in asked],
        chosen={name: chosen(item, row.options, said, by) for name, by in NAMES.items()},
    )


def chosen(
    item: SkillItem, options: Sequence[str], said: Sequence[Output], by: Normalise
) -> int | None:
    """The option that the detector calls right when it is said to be the right one; None: none."""
    for at, option in enumerate(options):
        order = [at, *(other for other in range(len(options)) if other != at)]
        asked = replace(
            item,
            answer=option,
            others=tuple(options[one] for one in order[1:]),
            rule=replace(item.rule, normalise=by),
        )
        if choice_score(asked, [said[one].logprobs for one in order]).value == 0.0:
            return at
    return None


def asked_there(
    python: Path, base: BaseRef, rows: Sequence[SuiteRow], folder: Path, dtype: str | None
) -> dict[str, Any]:
    """Ask lm-eval in its own environment."""
    items, out = folder / "items.jsonl", folder / "found.json"
    lines = (
        {"id": row.id, "question": row.question, "options": row.options, "gold": place(row)}
        for row in rows
    )
    items.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    script = Path(lm_eval_choices.__file__)
    given = ["--dtype", dtype] if dtype else []
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hub")}
    subprocess.run(
        [str(python), str(script), str(items), str(base.path), str(out), *given],
        check=True, env={**os.environ, **offline},
    )  # fmt: skip
    told: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return told


def found_there(told: Mapping[str, Any]) -> list[Found]:
    """What lm-eval found for each item."""
    return [
        Found(one["logprobs"], one["tokens"], one["chosen"], one["white_end"])
        for one in told["items"]
    ]


def summary(
    rows: Sequence[SuiteRow], ours: Sequence[Found], told: Mapping[str, Any]
) -> dict[str, Any]:
    """How often both sides agree, and by how much they differ."""
    theirs = found_there(told)
    pairs = list(zip(ours, theirs, strict=True))
    apart = [
        (abs(one - other), abs(one - (other - there.white_end)))
        for here, there in pairs
        for one, other in zip(here.logprobs, there.logprobs, strict=True)
    ]
    same = [
        list(one) == list(other)
        for here, there in pairs
        for one, other in zip(here.tokens, there.tokens, strict=True)
    ]
    return {
        "packages": told["packages"],
        "dtype": told["dtype"],
        "seconds": told["seconds"],
        "items": len(pairs),
        "options": len(same),
        "same_tokens": sum(same),
        "same_option": {
            name: sum(here.chosen[name] == there.chosen[name] for here, there in pairs)
            for name in NAMES
        },
        "accuracy": {name: accuracy(rows, theirs, name) for name in NAMES},
        "counted_by_lm_eval": {
            name: sum(one["right"][name] for one in told["items"]) for name in NAMES
        },
        "equals": sum(len(set(there.logprobs)) < len(there.logprobs) for there in theirs),
        "white_end": max(abs(there.white_end) for there in theirs),
        "apart": largest([whole for whole, _ in apart]),
        "apart_without_white_end": largest([rest for _, rest in apart]),
    }


def largest(values: Sequence[float]) -> float:
    """The largest value; NaN where one is, which ``max`` may pass over."""
    return float("nan") if any(map(isnan, values)) else max(values)


def accuracy(rows: Sequence[SuiteRow], found: Sequence[Found], name: str) -> int:
    """How many items are answered right."""
    return sum(one.chosen[name] == place(row) for row, one in zip(rows, found, strict=True))


def sources(rows: Sequence[SuiteRow]) -> dict[str, int]:
    """How many rows are of each set."""
    names = [(row.id or "").partition("-")[0] for row in rows]
    return {name: names.count(name) for name in dict.fromkeys(names)}


def shown(found: Found) -> dict[str, Any]:
    """What the result keeps of an item."""
    return {
        "logprobs": [round(one, 4) for one in found.logprobs],
        "chosen": {**found.chosen},
    }


def figures_of(found: Mapping[str, Any]) -> list[Figure]:
    """What has a target."""
    counts = [
        ("items", found["items"], 100),
        ("options with the same tokens", found["same_tokens"], found["options"]),
        *(
            (f"the same option by {name}", found["same_option"][name], found["items"])
            for name in NAMES
        ),
    ]
    unexplained = max(
        abs(n - found["accuracy"][name]) for name, n in found["counted_by_lm_eval"].items()
    )
    apart = found["apart_without_white_end"]
    return [
        *(
            Figure(name=name, value=value, bound=Bound.AT_LEAST, target=target)
            for name, value, target in counts
        ),
        Figure(name=UNEXPLAINED, value=unexplained, bound=Bound.AT_MOST, target=0),
        Figure(name=APART, value=apart, bound=Bound.AT_MOST, target=TOLERANCE, unit="nats"),
    ]


def show(result: Mapping[str, Any]) -> None:
    """Print how both runs of lm-eval compare."""
    print("| lm-eval | format | same option | right there | right here | apart | line feed |")
    print("|---|---|---|---|---|---|---|")
    for name, one in result["lm_eval"].items():
        same, right, here = (
            " · ".join(str(counts[metric]) for metric in NAMES)
            for counts in (one["same_option"], one["accuracy"], result["accuracy"])
        )
        sizes = f"{one['apart_without_white_end']:.2g} | {one['white_end']:.2g}"
        print(f"| {name} | {one['dtype']} | {same} | {right} | {here} | {sizes} |")
    print()


if __name__ == "__main__":
    raise SystemExit(main())
