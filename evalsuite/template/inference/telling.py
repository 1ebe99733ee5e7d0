"""An inferred format as JSON: for the process that infers, the one that asks, and the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias, TypeVar

from evalsuite.template.adversarial import sampled
from evalsuite.template.inference.formats import Format, Kind, SystemPlace
from evalsuite.template.inference.learning import NoFormat, Render, learn
from evalsuite.template.inference.proof import counted, proven
from evalsuite.template.inference.rules import Rule
from evalsuite.template.isolatedjob import FormatTold, InferenceTold, RuleTold
from evalsuite.template.wire import Trim

Value = TypeVar("Value")
Told = TypeVar("Told")
Rendering: TypeAlias = Callable[[bool, bool], Render]
"""Makes a render: whether it has a clock, and whether contents are lists of parts."""


def inferred(
    rendering: Rendering, words: Sequence[str], tokens: Sequence[str], numbers: Sequence[int]
) -> InferenceTold:
    """Infer a format and prove it.

    Args:
        rendering: makes renders of the template.
        words: of the template's source, all of which are tried.
        tokens: added tokens of the tokenizer; of those that only a number tells apart a few are
            tried.
        numbers: of the source, which it may compare something with.

    Raises:
        NoFormat: no rule explains the template, or one was refuted.
    """
    tried = list(dict.fromkeys((*words, *sampled(tokens))))
    spelled = dict.fromkeys(
        form for w in tried for form in (w.upper(), w.lower(), w.title(), w[::-1])
    )
    others = [form for form in spelled if form not in set(tried)]
    dated, parts, format = _learned(rendering)
    render = rendering(dated, parts)
    found = proven(replace(format, parts=parts), render, tried, others)
    counted(found, render, numbers)
    return {"format": to_json(found), "dated": dated}


def _learned(rendering: Rendering) -> tuple[bool, bool, Format]:
    """The first way of asking that gives texts: without a clock, with one, with parts."""
    first: NoFormat | None = None
    for dated, parts in ((False, False), (True, False), (False, True), (True, True)):
        try:
            return dated, parts, learn(rendering(dated, parts))
        except NoFormat as error:
            first = first or error
            if not error.silent:
                break
    assert first is not None
    raise first


def to_json(format: Format) -> FormatTold:
    """Return a format as JSON can hold it."""
    return {
        "gaps": [(a, b, _rule(rule, str)) for (a, b), rule in format.gaps.items()],
        "trims": [
            (kind, _rule(rule, lambda trim: (trim.left, trim.right)))
            for kind, rule in format.trims.items()
        ],
        "system": None if format.system is None else _rule(format.system, str),
        "parts": format.parts,
        "reserved": list(format.reserved),
        "distinct": format.distinct,
    }


def from_json(told: FormatTold) -> Format:
    """Return the format that :func:`to_json` gave."""
    return Format(
        gaps={(Kind(a), Kind(b)): _read(rule, str) for a, b, rule in told["gaps"]},
        trims={Kind(kind): _read(rule, lambda pair: Trim(*pair)) for kind, rule in told["trims"]},
        system=None if told["system"] is None else _read(told["system"], SystemPlace),
        parts=told["parts"],
        reserved=tuple(told["reserved"]),
        distinct=told["distinct"],
    )


def _rule(rule: Rule[Value], tell: Callable[[Value], Told]) -> RuleTold[Told]:
    values = [(list(key), tell(value)) for key, value in rule.values.items()]
    return {"features": list(rule.features), "values": values}


def _read(told: RuleTold[Told], value: Callable[[Told], Value]) -> Rule[Value]:
    return Rule(tuple(told["features"]), {tuple(k): value(v) for k, v in told["values"]})
