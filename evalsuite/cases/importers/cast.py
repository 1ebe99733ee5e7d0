"""TREC CAsT: 2019, whose resolved turns lie in a file beside the topics, and 2020 to 2022.

Sources: Dalton et al., 2020, and the overviews of the following years; https://www.treccast.ai.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalsuite.cases.importers.drafts import Draft, Found, Problem, drafts, text_of
from evalsuite.cases.importers.records import array, lines
from evalsuite.conversation import Message, Role, messages
from evalsuite.errors import InvalidInput

_QUERY = ("raw_utterance", "utterance")
_RESPONSE = ("passage", "response")
_REWRITE = "manual_rewritten_utterance"


def cast2019(file: Path) -> Found:
    """CAsT 2019: topics with user turns only; turns without a resolved text are left out."""
    resolved_file = _resolved_file(file)
    resolved = dict[str, tuple[int, str]]()
    for found in _resolved_turns(resolved_file):
        if isinstance(found, Problem):
            yield found
        else:
            resolved[found[0]] = found[1:]

    def read(line: int, record: Any) -> Iterator[Draft]:
        said: list[str] = []
        for turn in record["turn"]:
            query = text_of(turn["raw_utterance"], "raw_utterance").strip()
            key = f"{record['number']}_{turn['number']}"
            if key in resolved:
                yield Draft(
                    line=line,
                    name=key,
                    cluster=str(record["number"]),
                    history=messages((Role.USER, text) for text in said),
                    query=query,
                    rewrites=(resolved.pop(key)[1],),
                )
            said.append(query)

    yield from drafts(file, array(file), read)
    for key, (line, _) in resolved.items():
        yield Problem(
            f"{resolved_file.as_posix()}:{line}: turn {key} is in no topic of {file.name}"
        )


def cast(file: Path) -> Found:
    """CAsT 2020 to 2022: topics whose turns hold their manual rewrite.

    What the system said is the passage (2021) or response (2022) of a turn, where the file has its
    text; 2020 has user turns only. Trees (2022) are walked from each user turn to its root, and a
    turn that a flattened file repeats on every path is taken once. Turns without a manual rewrite
    are left out: automatic ones were made by a model.
    """
    seen: set[str] = set()

    def read(line: int, record: Any) -> Iterator[Draft]:
        before = _before(record["turn"])
        for turn in record["turn"]:
            name = f"{record['number']}_{turn['number']}"
            if _REWRITE not in turn or _query(turn) is None or name in seen:
                continue
            seen.add(name)
            yield Draft(
                line=line,
                name=name,
                cluster=str(record["number"]),
                history=before[str(turn["number"])],
                query=text_of(_query(turn), "the utterance"),
                rewrites=(text_of(turn[_REWRITE], _REWRITE),),
            )

    return drafts(file, array(file), read)


def _query(turn: Mapping[str, Any]) -> Any:
    return next((turn[key] for key in _QUERY if key in turn), None)


def _before(turns: list[Any]) -> dict[str, tuple[Message, ...]]:
    """What was said before each turn, by its number: along its parents, or in the file's order."""
    tree = any("parent" in turn for turn in turns)
    before: dict[str, tuple[Message, ...]] = {}
    after: dict[str, tuple[Message, ...]] = {}
    last: tuple[Message, ...] = ()
    for turn in turns:
        number = str(turn["number"])
        if tree and "parent" in turn and str(turn["parent"]) not in after:
            raise InvalidInput(
                f"turn {number} has the parent {turn['parent']!r}, which does not stand before it"
            )
        came = after[str(turn["parent"])] if "parent" in turn else () if tree else last
        before[number] = came
        after[number] = last = (*came, *_said(turn))
    return before


def _said(turn: Mapping[str, Any]) -> Iterator[Message]:
    query = _query(turn)
    response = next((turn[key] for key in _RESPONSE if key in turn), None)
    for role, value in ((Role.USER, query), (Role.ASSISTANT, response)):
        if value is not None and text_of(value, "an utterance").strip():
            yield Message(role, value.strip())


def _resolved_file(file: Path) -> Path:
    if file.suffix != ".json":
        raise InvalidInput(
            f"{file}: give the JSON file of topics; the resolved file lies beside it"
        )
    prefix = file.name.partition("_")[0]
    found = sorted(file.parent.glob(f"{prefix}_*resolved*.tsv"))
    if len(found) != 1:
        raise InvalidInput(
            f"{file}: {len(found)} files {prefix}_*resolved*.tsv lie beside it; exactly one is due"
        )
    return found[0]


def _resolved_turns(file: Path) -> Iterator[tuple[str, int, str] | Problem]:
    seen: dict[str, int] = {}
    for number, line in lines(file):
        key, _, text = line.partition("\t")
        place = f"{file.as_posix()}:{number}"
        if not re.fullmatch(r"\d+_\d+", key) or not text.strip():
            yield Problem(f"{place}: {line[:60]!r} is not topic_turn<TAB>text; correct the line")
        elif key in seen:
            yield Problem(
                f"{place}: turn {key} was already resolved on line {seen[key]}; remove one"
            )
        else:
            seen[key] = number
            yield key, number, text.strip()
