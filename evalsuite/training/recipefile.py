"""Recipe files: found by name, laid over the recipe they extend, overridden, judged with lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from evalsuite.errors import InvalidInput, InvalidRecipe
from evalsuite.files.closedschema import LARGEST, explained, note_unread
from evalsuite.files.located import Located, located, without_file
from evalsuite.files.problems import Problems, joined, suggestion
from evalsuite.files.text import read_text
from evalsuite.training.recipe import Recipe, merged

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True, slots=True)
class RecipeInfo:
    """One line of the list of recipes."""

    name: str
    description: str
    path: Path


def list_recipes() -> tuple[RecipeInfo, ...]:
    """Return the recipes that come with the package, candidates first, mutants last."""
    infos = [
        RecipeInfo(recipe.name, recipe.description, path)
        for path in RECIPES.glob("*.yaml")
        for recipe in [load_recipe(path)]
    ]
    return tuple(sorted(infos, key=lambda i: (i.name.startswith("mutant"), i.name)))


def load_recipe(name_or_path: str | Path, overrides: Mapping[str, object] | None = None) -> Recipe:
    """Read a recipe and apply overrides, which win over ``base_overrides`` too.

    Args:
        name_or_path: a name from :func:`list_recipes`, or a YAML file.
        overrides: dotted key to value, as ``{"learning_rate": 1e-3, "data.samples": "500"}``; a
            text is read as YAML. Relative ``data.files`` count from the working directory here,
            and from the recipe's folder in a file.

    A file may say ``extends: lora`` (a name, or a path from its own folder) and then hold only what
    differs.

    Raises:
        InvalidRecipe: no such recipe, or a wrong value; names file and line, or the override.
    """
    data, read = _inherited(_find(name_or_path))
    changes = _nested(overrides or {})
    recipe = _validated(data, read)
    return override(recipe, changes) if changes else recipe


def _inherited(path: Path, below: tuple[Path, ...] = ()) -> tuple[dict[str, object], Located]:
    """Read a recipe's file and lay it over the recipe that it extends, if it names one."""
    read = _read(path)
    if not isinstance(read.data, dict):
        raise InvalidRecipe(f"{path}:1: a recipe is a mapping of keys to values")
    own = dict(_anchor_files(read.data, path.parent))
    if "extends" not in own:
        return own, read
    where, parent = read.where(("extends",)), own.pop("extends")
    if not isinstance(parent, str):
        raise InvalidRecipe(
            f"{where}: extends={parent!r}; name one recipe, or the path of its file"
        )
    beside = path.parent / parent
    found = (beside if beside.is_file() else _find(parent)).resolve()
    if found in (path.resolve(), *below):
        raise InvalidRecipe(f"{where}: extends={parent!r} leads back to this file; name another")
    inherited, _ = _inherited(found, (path.resolve(), *below))
    return _laid_over(inherited, own), read


def _laid_over(inherited: Mapping[str, object], own: Mapping[str, object]) -> dict[str, object]:
    """Lay a recipe over another: what it says holds for every base, as an override does.

    A base that only the new one names begins as the inherited ``default``.
    """
    result = merged(inherited, own)
    theirs, ours = inherited.get("base_overrides", {}), own.get("base_overrides", {})
    if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
        said = {key: value for key, value in own.items() if key not in _OWN_KEYS}
        bases: dict[str, object] = {}
        for base in {**theirs, **ours}:
            values = merged(theirs.get(base, theirs.get("default", {})), said)
            changes = ours.get(base, {})
            # What is no mapping stays as it is, for the validation to refuse.
            bases[base] = merged(values, changes) if isinstance(changes, Mapping) else changes
        result["base_overrides"] = bases
    return result


_OWN_KEYS = frozenset({"name", "description", "base_overrides"})


def _read(path: Path) -> Located:
    problems = Problems(str(path))
    try:
        read = located(read_text(path, str(path), most=LARGEST), problems)
    except InvalidInput as error:
        raise InvalidRecipe(str(error)) from None
    note_unread(Recipe, read, problems)
    if problems.found:
        raise InvalidRecipe(joined(problems.lines()))
    return read


def override(recipe: Recipe, changes: Mapping[str, object]) -> Recipe:
    """Return the recipe with (possibly dotted) changes applied, for every base.

    Raises:
        InvalidRecipe: an unknown key or a wrong value.
    """
    nested = _nested(changes)
    if "base_overrides" in nested:
        raise InvalidRecipe("override base_overrides: name the key itself; it holds for every base")
    plain = merged(recipe.model_dump(mode="json"), nested)
    plain["base_overrides"] = {
        base: merged(values, nested) for base, values in recipe.base_overrides.items()
    }
    return _validated(plain, without_file(nested, "override"))


def _validated(data: dict[str, object], read: Located) -> Recipe:
    try:
        recipe = Recipe.model_validate(data)
    except ValidationError as error:
        raise InvalidRecipe(explained(Recipe, read, error)) from None
    for base in {**recipe.base_overrides, "default": None}:
        for key in {"name", "base_overrides"} & set(recipe.base_overrides.get(base, {})):
            place = ("base_overrides", base, key)
            raise InvalidRecipe(f"{read.where(place)}: {key} cannot differ between bases")
        try:
            recipe.for_base(base)
        except ValidationError as error:
            prefix = ("base_overrides", base) if base in recipe.base_overrides else ()
            raise InvalidRecipe(explained(Recipe, read, error, prefix)) from None
    return recipe


def _find(name_or_path: str | Path) -> Path:
    known = {p.stem: p for p in sorted(RECIPES.glob("*.yaml"))}
    if str(name_or_path) in known:
        return known[str(name_or_path)]
    path = Path(name_or_path)
    if path.is_file():
        return path
    hint = suggestion(str(name_or_path), known, " (did you mean {near}?)")
    raise InvalidRecipe(
        f"recipe={str(name_or_path)!r} is neither a file nor one of: {', '.join(known)}{hint}"
    )


def _anchor_files(data: dict[str, object], folder: Path) -> dict[str, object]:
    section = data.get("data")
    files = section.get("files") if isinstance(section, dict) else None
    if not isinstance(section, dict) or not isinstance(files, list):
        return data
    anchored = [str(folder / f) if isinstance(f, str) else f for f in files]
    return {**data, "data": {**section, "files": anchored}}


def _nested(changes: Mapping[str, object]) -> dict[str, object]:
    nested: dict[str, object] = {}
    for dotted, value in changes.items():
        *sections, key = dotted.split(".")
        place: dict[str, object] = nested
        for section in sections:
            deeper = place.setdefault(section, {})
            if not isinstance(deeper, dict):
                raise InvalidRecipe(f"override {dotted!r}: {section!r} is given as a value too")
            place = deeper
        place[key] = _value(dotted, value)
    return nested


def _value(dotted: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError:
        raise InvalidRecipe(
            f"override {dotted}={value!r} cannot be read as YAML; write a number, a word or [a, b]"
        ) from None
