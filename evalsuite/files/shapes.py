"""What a closed schema allows at a place of its file, read off the annotations of its models."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, RootModel

from evalsuite.files.located import Place


def owner_at(model: type[BaseModel], place: Place) -> type[BaseModel]:
    """The innermost model that a place lies in."""
    for end in range(len(place), -1, -1):
        for annotation in allowed_at(model, place[:end]):
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                return annotation
    return model


def allowed_at(model: type[BaseModel], place: Place) -> tuple[Any, ...]:
    """What the schema allows at a place: the members of its annotation; none if unknown."""
    found = _members(model)
    for part in place:
        found = tuple(member for inside in found for member in _inside(inside, part))
    return found


def _members(annotation: Any) -> tuple[Any, ...]:
    """An annotation without what pydantic adds to it; the members of a union one by one."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return tuple(member for one in get_args(annotation) for member in _members(one))
    return (annotation,)


def may_be_mapping(annotation: Any) -> bool:
    """Whether an annotation allows a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return not issubclass(annotation, RootModel)
    return annotation in (Any, object) or get_origin(annotation) is dict


def _inside(annotation: Any, part: str | int) -> tuple[Any, ...]:
    """What an annotation allows at one key or position."""
    if annotation in (Any, object):
        return (annotation,)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, RootModel):
        root = _members(annotation.model_fields["root"].annotation)
        return tuple(member for inside in root for member in _inside(inside, part))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        known = {f.alias or name: f.annotation for name, f in annotation.model_fields.items()}
        return _members(known[str(part)]) if part in known else ()
    if origin in (tuple, list) and isinstance(part, int):
        return _members(arguments[0])
    if origin is dict and isinstance(part, str):
        return _members(arguments[1])
    return ()


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys of a mapping, as a file writes them."""
    return [f.alias or name for name, f in model.model_fields.items()]


def choices_of(allowed: Sequence[Any]) -> list[str]:
    """The texts that an enumeration or a literal allows."""
    found: list[str] = []
    for annotation in allowed:
        if get_origin(annotation) is Literal:
            found += [str(value) for value in get_args(annotation) if isinstance(value, str)]
        elif isinstance(annotation, type) and issubclass(annotation, Enum):
            found += [str(member.value) for member in annotation]
    return found
