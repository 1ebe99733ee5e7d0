"""What the natural world is made of: files of types, and what is said whatever one talks about.

The files are the package's own, written by hand; docs/natural.md describes them. They are checked
as they are read, so that a slot which nothing fills is found here and not in a panel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Annotated, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from evalsuite.cases import Language
from evalsuite.scenarios.names import Split

SLOT = re.compile(r"\{(\w+)\}")
_FORMS = frozenset({"S", "O", "P"})


def _holding(*allowed: frozenset[str]) -> AfterValidator:
    """A text whose set of slots is one of these."""

    def check(text: str) -> str:
        found = frozenset(SLOT.findall(text))
        if found not in allowed:
            wanted = " or ".join(
                "{" + "} {".join(sorted(a)) + "}" if a else "none" for a in allowed
            )
            raise ValueError(f"{text!r} has the slots {sorted(found)}; wanted: {wanted}")
        return text

    return AfterValidator(check)


def _one_reference(text: str) -> str:
    found = SLOT.findall(text)
    if len(found) != 1 or found[0] not in _FORMS:
        raise ValueError(
            f"{text!r} has the slots {found}; wanted: one of {{S}}, {{O}}, {{P}}, once"
        )
    return text


_A = frozenset("A")
_B = frozenset("B")
_AB = frozenset("AB")
Plain = Annotated[str, Field(min_length=1), _holding(frozenset())]
Named = Annotated[str, _holding(_A)]
Replying = Annotated[str, _holding(frozenset(), _A)]
Asking = Annotated[str, AfterValidator(_one_reference)]
Turning = Annotated[str, _holding(_B, _AB)]


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Opening(_Content):
    """A user's first words about one thing, and their answer."""

    user: Named
    assistant: Replying


class Pair(_Content):
    """Two things, neither of which is preferred."""

    user: Annotated[str, _holding(_AB)]
    assistant: Plain


class Choice(_Content):
    """Two things, of which the assistant settles on one."""

    user: Annotated[str, _holding(_AB)]
    assistant: Annotated[str, _holding(frozenset("W"), frozenset("WL"))]


class Answered(_Content):
    """A question about what was spoken of, with its answer."""

    ask: Asking
    answer: Plain


class PersonOpening(_Content):
    """How a person comes up with a thing."""

    user: Annotated[str, _holding(_A, _B, _AB, frozenset())]
    assistant: Annotated[str, _holding(_A, _B, _AB, frozenset())]


class Person(_Content):
    """Somebody who belongs to things of a type."""

    role: Plain
    gender: Literal["female", "male"]
    openers: tuple[PersonOpening, ...]
    asks: tuple[Answered, ...]


class Left(_Content):
    """A question that leaves its thing out."""

    bare: Plain
    full: Annotated[tuple[Asking, ...], Field(min_length=1)]


class Hasty(_Content):
    """A question as somebody in a hurry types it, and mended."""

    noisy: Asking
    clean: Asking


class Kindred(_Content):
    """One type of thing and all that is said about it."""

    noun: Plain
    article: str = ""
    names: tuple[Annotated[str, _holding(frozenset({"core"}))], ...] = ()
    """Shapes of invented names."""
    called: tuple[Plain, ...] = ()
    """In their place: what things of this type are really called, common nouns or names."""
    pronoun: Literal["thing", "female", "male"] = "thing"
    references: tuple[Plain, ...]
    openers: tuple[Opening, ...]
    introductions: tuple[Named, ...]
    pairs: tuple[Pair, ...]
    choices: tuple[Choice, ...]
    aspects: Mapping[str, tuple[Answered, ...]]
    people: tuple[Person, ...]
    both: tuple[Asking, ...]
    elliptic: tuple[Left, ...]
    noisy: tuple[Hasty, ...]

    @model_validator(mode="after")
    def _named_in_one_way(self) -> Self:
        if bool(self.names) == bool(self.called):
            raise ValueError("either `names` or `called` has to hold something, and not both")
        return self


class General(_Content):
    """What is said whatever one talks about."""

    corrections: tuple[Turning, ...]
    switches: tuple[Annotated[str, _holding(_B)], ...]
    fillers: tuple[tuple[Plain, Plain], ...]
    greetings: tuple[tuple[Plain, Plain], ...]
    asks: tuple[Asking, ...]
    standalone: tuple[Plain, ...]
    female_names: tuple[Plain, ...]
    male_names: tuple[Plain, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """The content of one language and split."""

    types: Mapping[str, Kindred]
    general: General


def _files(language: Language, split: Split) -> Iterator[tuple[str, str]]:
    folder = resources.files("evalsuite.scenarios.natural").joinpath(language.value, split.value)
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".yaml"):
            yield file.name.removesuffix(".yaml"), file.read_text("utf-8")


@cache
def content(language: Language, split: Split) -> Part:
    """Read and check what a language and split hold."""
    read = {name: yaml.safe_load(text) for name, text in _files(language, split)}
    general = General.model_validate(read.pop("general"))
    return Part({name: Kindred.model_validate(value) for name, value in read.items()}, general)
