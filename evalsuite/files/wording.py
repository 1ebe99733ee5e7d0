"""In what words the faults of a kind of file are told: one template for each kind of fault.

A policy is told by dotted paths, a case by the names that people have for its parts, a file of a
program by its keys. The words stand beside the models of each file;
:mod:`evalsuite.files.sentences` fills them in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Templates of messages about one mapping of a file; an empty one stands for ``value``.

    They may name ``{path}`` (dotted, from the root), ``{key}``, ``{what}`` (the part by name),
    ``{known}`` and ``{choices}`` (what would be right), ``{near}`` (the nearest of these, if any),
    ``{hint}`` (the nearest, or all), ``{json}`` and ``{repr}`` (the value), ``{message}``
    (pydantic's), ``{count}`` (of entries), ``{either}`` (the choices), ``{first}`` (the line of the
    first of two keys), and ``{keys}``, by which all missing keys become one sentence.
    """

    unknown: str = "unknown key {path!r}{hint}"
    near: str = "; did you mean {near!r}?"
    missing: str = "{path!r} is missing; add it"
    twice: str = "key {key!r} stands twice; keep one"
    odd: str = "a key must be one word, not a list or a mapping"
    value: str = "{path}={json}: {message}"
    broken: str = "{path}: {message}"
    """What a rule of the schema says of a value, or of several."""
    shape: str = ""
    listed: str = ""
    length: str = ""
    choice: str = "{path}={json}: {message}{near}"
    flag: str = ""
    """Also for a boolean that is written as another word; without it, ``yes`` is true."""
    entry: str = "{path}"
    """The name of a part of a list."""
    noun: str = "{path}"
    """The name of any other part."""
    at_value: bool = False
    """Whether to tell the line on which a value begins, instead of its key's."""
    hints: Mapping[str, str] = field(default_factory=dict)
    """What to add for a key of the file's root."""


def wording_of(called: str) -> Wording:
    """Words for a mapping that people know by a name, such as ``a case``."""
    return Wording(
        unknown=f"unknown key {{key!r}} in {called}{{hint}}",
        missing="the key {key!r} is missing; add it",
        twice=f"duplicate key {{key!r}} in {called}, first on line {{first}}",
        odd=f"{called} has a key that is not text; use {{known}}",
        value="{what}={repr}: {message}",
        broken="{message}",
        shape=f"{called} must be a mapping with the keys: {{known}}",
        listed="{what} must be a list; start each entry with '- '",
        length="{what} is empty; write at least one entry",
        choice="{what}={repr} is unknown{hint}",
        flag="{what} must be true or false, without quotes",
        entry="an entry of {key}",
        noun="{key}",
        at_value=True,
    )
