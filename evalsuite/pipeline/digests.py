"""What was asked, as plain JSON of a fixed shape, and its digests.

Panel seeds and the count of attempts hang on these digests. So every field that counts is written
down here by name: a field that a type gains elsewhere changes no digest, until somebody decides
here that it should, and raises :data:`VERSION`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import evalsuite
from evalsuite.cases import Case, Language
from evalsuite.conversation import Message
from evalsuite.prompts import Demonstration
from evalsuite.regressions import Regression
from evalsuite.scenarios import AnswerRule, DemonstrationPair, SkillItem, TextItem, Value
from evalsuite.scenarios.answerrule import EXACTLY

_JUDGING = (
    "cases",
    "detectors",
    "files",
    "gates",
    "pipeline",
    "prompts",
    "rewrites",
    "scenarios",
    "statistics",
    "suites",
    "tasks",
    "template",
)
"""Packages that decide what follows from the outputs of a run."""
VERSION = 3
"""Of the shapes below. Version 1 digested the ``repr`` of dataclasses, version 2 not all by which
a rewrite is judged."""

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]
"""JSON values."""


def digest_of(value: Plain) -> str:
    """SHA-256, in hexadecimal, of a value's canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of_cases(
    goldens: Mapping[str, Iterable[Case]],
    suites: Iterable[SkillItem],
    texts: Iterable[TextItem],
    regressions: Iterable[Regression],
) -> str:
    """Digest everything that is asked beside what is drawn, wherever it was read."""
    return digest_of(
        {
            "version": VERSION,
            "goldens": {name: [_case(case) for case in cases] for name, cases in goldens.items()},
            "suites": [_skill(item) for item in suites],
            "texts": [_text(item) for item in texts],
            "regressions": [_regression(item) for item in regressions],
        }
    )


@cache
def judging_code() -> str:
    """Digest the code that draws cases, builds prompts, scores answers and judges them.

    What only reports, trains or asks a model is left out: it changes no verdict that follows from
    the outputs of a run.
    """
    package = Path(evalsuite.__file__).parent
    files = sorted(
        path
        for name in _JUDGING
        for path in (package / name).rglob("*")
        if path.suffix in (".py", ".yaml", ".txt")
    )
    named: dict[str, Plain] = {
        path.relative_to(package).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
    return digest_of({"version": VERSION, "code": named})


def digest_of_pairs(pairs: Mapping[str, DemonstrationPair]) -> str:
    """Digest what the prompts of a run showed."""
    shown: dict[str, Plain] = {name: _pair(pair) for name, pair in pairs.items()}
    return digest_of({"version": VERSION, "demonstrations": shown})


def digest_of_circumstances(
    *,
    cases: str,
    demonstrations: Mapping[tuple[str, Language], DemonstrationPair],
    asked: Mapping[str, str | int],
    numerics: Mapping[str, str | bool | int],
) -> str:
    """Digest all that can change an answer beside base, adapter, policy and seed.

    Args:
        cases: what :func:`digest_of_cases` returned.
        demonstrations: of golden sets, by set and language.
        asked: how prompts are built: format, number and wording of demonstrations.
        numerics: the part of the numeric path that can change an answer.
    """
    shown: dict[str, Plain] = {
        f"{name}/{language.value}": _pair(pair) for (name, language), pair in demonstrations.items()
    }
    return digest_of(
        {
            "version": VERSION,
            "cases": cases,
            "demonstrations": shown,
            "asked": dict(asked),
            "numerics": dict(numerics),
        }
    )


def _messages(messages: Iterable[Message]) -> list[Plain]:
    return [{"role": m.role.value, "content": m.content} for m in messages]


def _case(case: Case) -> Plain:
    # Not its source: where a case lies changes no answer.
    return {
        "id": case.id,
        "language": case.language.value,
        "kind": case.kind.value,
        "cluster": case.cluster,
        "history": _messages(case.history),
        "query": case.query,
        "rewrites": list(case.expect.rewrites),
        "must_name": list(case.expect.must_name),
        "must_not_name": list(case.expect.must_not_name),
        "unchanged": case.expect.unchanged,
        "extractive": case.expect.extractive,
        "aliases": list(case.expect.aliases),
        # Left out of a rewriting, so that what was before keeps its digest.
        **(
            {
                "answers": list(case.expect.answers),
                "not_answers": list(case.expect.not_answers),
                "untold": case.expect.untold,
            }
            if case.expect.is_answered
            else {}
        ),
        # Left out where it is not said, so that what was before keeps its digest.
        **({"free": True} if case.expect.free else {}),
    }


def _skill(item: SkillItem) -> Plain:
    return {
        "id": item.id,
        "skill": item.skill,
        "language": item.language.value,
        "cluster": item.cluster,
        "prompt": item.prompt,
        "answer": item.answer,
        "accepted": list(item.accepted),
        # Left out where there are none, so that what was before keeps its digest.
        **({"others": list(item.others)} if item.others else {}),
        **({"plain": True} if item.plain else {}),
        **({"by_choice": True} if item.by_choice else {}),
        **({"rule": _rule(item.rule)} if item.rule != EXACTLY else {}),
        **({"shown": _messages(item.shown)} if item.shown else {}),
        **({"history": _messages(item.history)} if item.history else {}),
        **({"system": item.system} if item.system else {}),
        **({} if item.max_tokens is None else {"max_tokens": item.max_tokens}),
        **({} if item.floor is None else {"floor": item.floor}),
    }


def _rule(rule: AnswerRule) -> Plain:
    return {
        "rule": rule.rule.value,
        "pattern": rule.pattern,
        "listed": list(rule.listed),
        "normalise": rule.normalise.value,
        "instructions": [
            {"id": one.id, "kwargs": {key: _value(value) for key, value in one.kwargs}}
            for one in rule.instructions
        ],
    }


def _value(value: Value) -> Plain:
    return list(value) if isinstance(value, tuple) else value


def _text(item: TextItem) -> Plain:
    # Not its id, which is the place where it was read.
    return {"language": item.language.value, "prompt": item.prompt, "text": item.text}


def _demonstration(one: Demonstration) -> Plain:
    return {
        "history": _messages(one.history),
        "query": one.query,
        "rewrite": one.rewrite,
        "language": one.language.value,
        "entities": list(one.entities),
    }


def _pair(pair: DemonstrationPair) -> Plain:
    return {
        "name": pair.name,
        "a": [_demonstration(one) for one in pair.a],
        "b": [_demonstration(one) for one in pair.b],
    }


def _regression(item: Regression) -> Plain:
    origin = item.origin
    return {
        "case": _case(item.case),
        "shown": [_demonstration(one) for one in item.shown],
        "asks": item.asks.value,
        "tier": item.tier.value,
        "promise": origin.promise.value,
        "prompt_format": item.prompt.name,
        **({} if item.prompt.built_in else {"prompt": item.prompt.digest}),
    }
