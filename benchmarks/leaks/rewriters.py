"""Public rewrites by systems and people that never saw the demonstrations of a prompt."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.cases.importers import import_cases
from evalsuite.conversation import messages
from evalsuite.detectors.text import same


@dataclass(frozen=True, slots=True)
class Rewritten:
    """An innocent answer."""

    case: Case
    """What the prompt held; nothing that the answer says is accepted beforehand."""
    answer: str
    source: str


def _case(name: str, history: list[str], query: str, language: Language = Language.EN) -> Case:
    """A case that knows its conversation alone."""
    return Case(
        id=name.lower(),
        language=language,
        kind=Kind.SINGLE,
        cluster=name.rpartition("-")[0],
        history=messages(("user", text) for text in history),
        query=query,
        expect=Expectation(unchanged=True),
    )


def cast(data: Path) -> Iterator[Rewritten]:
    """Every output of the published CAsT rewriters, of people among them."""
    for year in sorted((data / "cast_rewriter_outputs").iterdir()):
        tables = {f.stem.partition("_")[2]: _table(f) for f in sorted(year.glob("*.tsv"))}
        topic, history = "", list[str]()
        for key, row in tables["Human"].items():
            if row["conversation_id"] != topic:
                topic, history = row["conversation_id"], []
            case = _case(f"cast{year.name}-{key.replace('_', '-')}", history, row["original"])
            for system, table in tables.items():
                if key in table:
                    yield Rewritten(case, table[key]["query"], f"{year.name}/{system}")
            history = [*history, row["original"]]


def gpt2(data: Path) -> Iterator[Rewritten]:
    """Every output of a published few-shot rewriter."""
    for file in sorted((data / "cast_gpt2_rewriter_outputs").glob("*.jsonlines")):
        for line in file.read_text("utf-8").splitlines():
            row = json.loads(line)
            *history, query = row["input"]
            name = f"gpt2-{row['topic_number']}-{row['query_number']}"
            yield Rewritten(_case(name, history, query), row["output"], file.stem)


def people(data: Path) -> Iterator[Rewritten]:
    """Rewrites by people: CANARD's, and each of Alexa's beside the others' of the same query."""
    for case in import_cases("canard", data / "canard" / "dev.json", names=False):
        for text in case.expect.rewrites:
            yield Rewritten(replace(case, expect=Expectation(unchanged=True)), text, "canard")
    for file in sorted((data / "alexa_cqr").glob("*.json")):
        for case in import_cases("alexa_cqr", file, names=False):
            for text in case.expect.rewrites:
                others = tuple(r for r in case.expect.rewrites if not same(r, text))
                expect = Expectation(rewrites=others) if others else Expectation(unchanged=True)
                yield Rewritten(replace(case, expect=expect), text, "alexa_cqr")


def chinese(data: Path) -> Iterator[Rewritten]:
    """Turns of Chinese dialogues as answers to the turns before: longer and freer than rewrites."""
    for file in sorted((data / "kdconv").glob("*.json")):
        for number, dialogue in enumerate(json.loads(file.read_text("utf-8"))):
            said = [turn["message"] for turn in dialogue["messages"]]
            for at in range(1, len(said)):
                name = f"{file.stem}-{number}-{at}".replace("_", "-")
                case = _case(name, said[: at - 1], said[at - 1], Language.ZH)
                yield Rewritten(case, said[at], file.stem)


def _table(file: Path) -> dict[str, dict[str, str]]:
    with file.open(encoding="utf-8") as lines:
        return {
            row["id"]: row for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        }
