"""What such conversations are made of: things, their facts, and how both are told and asked for."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from evalsuite.cases import Language
from evalsuite.scenarios.told.numerals import numeral


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Exchange(_Content):
    """What a user and the assistant say; {T} and {U} stand for what is told of A and of B."""

    user: str
    assistant: str


class Sort(_Content):
    """A sort of thing: the shapes of its names, and the facts it has."""

    names: tuple[str, ...] = Field(min_length=1)
    facts: tuple[str, ...] = Field(min_length=3)


class People(_Content):
    """People of one gender, and the facts they have."""

    female: bool
    facts: tuple[str, ...] = Field(min_length=3)


class Fact(_Content):
    """One thing to know: a number of a range or one of some values."""

    range: tuple[int, int] | None = None
    values: tuple[str, ...] = ()
    unit: str = "{V}"
    """How the value is said."""
    tell: tuple[str, ...] = Field(min_length=2)
    ask: tuple[str, ...] = Field(min_length=4)
    bare: tuple[str, ...] = Field(min_length=2)
    """Questions that leave the thing out."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.range is None) == (not self.values):
            raise ValueError("either range or values")
        return self


class Content(_Content):
    """All that one language says."""

    things: Mapping[str, Sort]
    people: tuple[People, ...]
    facts: Mapping[str, Fact]
    openings: tuple[Exchange, ...]
    turns: tuple[Exchange, ...]
    corrections: tuple[Exchange, ...]
    pairs: tuple[Exchange, ...]
    choices: tuple[Exchange, ...]
    fillers: tuple[Exchange, ...]
    ordinals: tuple[tuple[str, str], ...]

    @model_validator(mode="after")
    def _facts_exist(self) -> Self:
        owned = [owner.facts for owner in self.things.values()]
        owned += [owner.facts for owner in self.people]
        unknown = {fact for facts in owned for fact in facts} - set(self.facts)
        if unknown:
            raise ValueError(f"no such facts: {sorted(unknown)}")
        return self


@cache
def content(language: Language) -> Content:
    """Read and check what a language holds."""
    file = resources.files("evalsuite.scenarios.told").joinpath(f"{language.value}.yaml")
    return Content.model_validate(yaml.safe_load(file.read_text("utf-8")))


@dataclass(frozen=True, slots=True)
class Value:
    """A fact's value: how it is said, and every way to write it that counts as stating it."""

    said: str
    forms: tuple[str, ...]


def draw_values(
    rng: random.Random, fact: Fact, language: Language, n: int = 2
) -> tuple[Value, ...]:
    """Draw different values of one fact; no form of one stands in a form of another."""
    if fact.range is None:
        return tuple(_value(value, fact.unit, ()) for value in rng.sample(fact.values, n))
    chosen: list[int] = []
    while len(chosen) < n:
        number = rng.randint(*fact.range)
        if not any(_overlap(number, other, language) for other in chosen):
            chosen.append(number)
    return tuple(_value(str(one), fact.unit, numeral(one, language)) for one in chosen)


def every_form(fact: Fact) -> tuple[str, ...]:
    """Every way to write any value of a fact that has no range of numbers."""
    return tuple(form for value in fact.values for form in _value(value, fact.unit, ()).forms)


def _overlap(one: int, other: int, language: Language) -> bool:
    """Whether a form of one number stands in a form of another."""
    forms = [(str(number), *numeral(number, language)) for number in (one, other)]
    return any(a in b or b in a for a in forms[0] for b in forms[1])


def _value(value: str, unit: str, more: tuple[str, ...]) -> Value:
    forms = [value, *more]
    if value.endswith("days"):
        forms.append(value.removesuffix("s"))
    if value.startswith("星期"):
        forms += [value.replace("星期", "周"), value.replace("星期", "礼拜")]
    if value.endswith("色"):
        forms.append(value.removesuffix("色"))
    return Value(unit.replace("{V}", value), tuple(forms))
