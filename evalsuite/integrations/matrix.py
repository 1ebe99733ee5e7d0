"""The models and recipes that a project trains and gates: ``[tool.evalsuite.matrix]``.

One table in ``pyproject.toml`` says what is gated how; ``noxfile.py`` makes sessions of each entry.
It needs the standard library only, so that nox may read it from an environment of its own.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import TypeAlias

from evalsuite.errors import InvalidInput

PLACE = "tool.evalsuite.matrix"
ADAPTER, RUN = "adapters/{base}-{recipe}", "reports/{base}-{recipe}"
"""Where adapters and runs lie, unless the table says otherwise."""
_FOLDERS = ("adapter", "run")
_SHARED = ("recipes", *_FOLDERS)
"""Keys that a base may have of its own, and else takes from the table."""
_VALUES = {"dtype": ("auto", "float32", "bfloat16"), "device": ("auto", "cpu", "cuda")}
_TEXTS = ("model", "policy", *_VALUES, *_FOLDERS)
_LISTS = ("recipes", "options")
_OWN = (*_TEXTS, *_LISTS)
Value: TypeAlias = str | tuple[str, ...]
Row: TypeAlias = Mapping[str, Value]
"""What the table says of one base, checked."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One recipe on one base: what to train, and how to gate it."""

    base: str
    """Its name in the table; sessions and folders go by it."""
    recipe: str
    """Name of a recipe, or a YAML file."""
    model: str
    """``nano``, a folder, or a Hugging Face id."""
    adapter: str
    """Folder of the adapter."""
    run: str
    """Folder of the run."""
    gating: tuple[str, ...] = ()
    """Further options of ``evalsuite gate``."""

    def train_command(self) -> tuple[str, ...]:
        """The command that makes the adapter."""
        given = ("--base-model", self.model, "--recipe", self.recipe, "--out", self.adapter)
        return ("evalsuite", "train", *given)

    def gate_command(self, adapter: str | None = None) -> tuple[str, ...]:
        """The command that gates the adapter, or another one."""
        given = ("--base-model", self.model, "--adapter", adapter or self.adapter)
        return ("evalsuite", "gate", *given, "--out", self.run, *self.gating)


def load_matrix(path: Path, *, only: Sequence[str] = ()) -> tuple[Entry, ...]:
    """Read the table, and lay out every recipe on every base.

    Args:
        path: a ``pyproject.toml``.
        only: bases to take instead of all. One that the table does not name is a model itself,
            and takes what the table says for all.

    Raises:
        InvalidInput: no such file or table, or something in it is wrong; the key is named.
    """
    table = _table(path)
    _known(table, PLACE, (*_SHARED, "bases"))
    common = {key: _value(table, PLACE, key) for key in _SHARED if key in table}
    bases = table.get("bases")
    if not isinstance(bases, dict) or not bases:
        raise InvalidInput(f"{PLACE}.bases must be a table of bases; write [{PLACE}.bases.nano]")
    rows = {name: _row(name, row, common) for name, row in bases.items()}
    named = dict.fromkeys(only or rows)
    chosen = {name: rows.get(name) or {**common, "model": name} for name in named}
    entries = tuple(
        _entry(name, recipe, row) for name, row in chosen.items() for recipe in _recipes(name, row)
    )
    for key in _FOLDERS:
        _refuse_shared(entries, key)
    return entries


def _table(path: Path) -> Mapping[str, object]:
    try:
        document: object = tomllib.loads(path.read_text("utf-8"))
    except OSError as problem:
        raise InvalidInput(f"cannot read {str(path)!r}: {problem.strerror}") from None
    except ValueError as problem:  # not UTF-8, or not TOML
        raise InvalidInput(f"{str(path)!r} is not TOML: {problem}") from None
    for key in PLACE.split("."):
        document = document.get(key) if isinstance(document, dict) else None
    if not isinstance(document, dict):
        raise InvalidInput(f"{str(path)!r} has no table [{PLACE}]; docs/matrix.md shows one")
    return document


def _known(table: Mapping[str, object], place: str, keys: Sequence[str]) -> None:
    for key in table:
        if key not in keys:
            raise InvalidInput(f"{place}.{key} is not known; known are {', '.join(sorted(keys))}")


def _row(name: str, row: object, common: Row) -> Row:
    place = f"{PLACE}.bases.{name}"
    if not _NAME.match(name):
        raise InvalidInput(
            f"{place}: sessions and folders go by the name, so it takes letters, digits and ._-; "
            "the model's own name stands under model"
        )
    if not isinstance(row, dict):
        raise InvalidInput(f"{place}={row!r} must be a table; write [{place}]")
    _known(row, place, _OWN)
    if "model" not in row:
        raise InvalidInput(f"{place}.model is missing: nano, a folder, or a Hugging Face id")
    return {**common, **{key: _value(row, place, key) for key in row}}


def _value(table: Mapping[str, object], place: str, key: str) -> Value:
    value, where = table[key], f"{place}.{key}={table[key]!r}"
    if key in _LISTS:
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            raise InvalidInput(f"{where} must be a list of texts")
        if key == "recipes" and (not value or len(set(value)) < len(value)):
            raise InvalidInput(f"{where} must name at least one recipe, and none twice")
        return tuple(value)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{where} must be a text")
    if key in _VALUES and value not in _VALUES[key]:
        raise InvalidInput(f"{where} must be one of {', '.join(_VALUES[key])}")
    if key in _FOLDERS:
        _check_pattern(value, where)
    return value


def _check_pattern(pattern: str, where: str) -> None:
    try:
        fields = [part[1:] for part in Formatter().parse(pattern) if part[1] is not None]
    except ValueError as problem:
        raise InvalidInput(f"{where}: {problem}; braces stand around base and recipe") from None
    if any(field not in (("base", "", None), ("recipe", "", None)) for field in fields):
        raise InvalidInput(f"{where} may hold {{base}} and {{recipe}}, and no other braces")


def _recipes(name: str, row: Row) -> tuple[str, ...]:
    if "recipes" not in row:
        raise InvalidInput(
            f"{PLACE}.bases.{name}.recipes is missing; name recipes there, or for all bases as "
            f"{PLACE}.recipes"
        )
    return _texts(row, "recipes")


def _texts(row: Row, key: str) -> tuple[str, ...]:
    value = row.get(key, ())
    return (value,) if isinstance(value, str) else value


def _text(row: Row, key: str, default: str = "") -> str:
    return "".join(_texts(row, key)) or default


def _entry(base: str, recipe: str, row: Row) -> Entry:
    # A recipe of one's own is a file; folders go by its name.
    names = {"base": base, "recipe": Path(recipe).stem if "/" in recipe else recipe}
    given = [(key, _text(row, key)) for key in ("policy", *_VALUES) if key in row]
    return Entry(
        base=base,
        recipe=recipe,
        model=_text(row, "model"),
        adapter=_text(row, "adapter", ADAPTER).format(**names),
        run=_text(row, "run", RUN).format(**names),
        gating=(*(part for key, value in given for part in (f"--{key}", value)),
                *_texts(row, "options")),
    )  # fmt: skip


def _refuse_shared(entries: Sequence[Entry], key: str) -> None:
    owners: dict[str, Entry] = {}
    for entry in entries:
        folder = getattr(entry, key)
        other = owners.setdefault(str(Path(folder)), entry)
        if other is not entry:
            raise InvalidInput(
                f"{PLACE}: {key}={folder!r} is the folder of recipe {other.recipe!r} on "
                f"{other.base!r} and of {entry.recipe!r} on {entry.base!r}; put {{base}} and "
                "{recipe} into its pattern"
            )
