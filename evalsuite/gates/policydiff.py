"""Two policies, key by key: what makes the second looser, what makes it stricter, and why.

Where a rule decides in neither policy, nothing in it can make one looser; where it decides in one
of them only, that is the difference, and what else differs in it is no limit against a limit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, JsonValue
from pydantic_core import to_jsonable_python

from evalsuite.files.located import Place
from evalsuite.gates.directions import DIRECTIONS, Change, Direction, Shape, key_of
from evalsuite.gates.policy import Policy
from evalsuite.gates.rules import GateRule, GoldenRule, SliceLimit, WordsRule
from evalsuite.gates.slicegroups import applying, groups_of
from evalsuite.gates.verdict import Tier


class Absent:
    """What a policy says of a key that it does not have."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = Absent()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One key that two policies answer differently."""

    path: str
    key: str
    """The row of :data:`evalsuite.gates.directions.DIRECTIONS` that is about it."""
    change: Change
    """What the second policy does against the first."""
    a: JsonValue | Absent
    b: JsonValue | Absent
    why: str
    place: Place
    """In the second policy; in the first, where the second has none."""

    @property
    def only(self) -> str:
        """``A`` or ``B``, where one policy alone has it; else empty."""
        return "A" if self.b is ABSENT else "B" if self.a is ABSENT else ""

    def to_json(self) -> dict[str, object]:
        """Return JSON data; a policy that lacks the key has no value there."""
        values = {
            side: value for side, value in (("a", self.a), ("b", self.b)) if value is not ABSENT
        }
        return {
            "path": self.path,
            "change": self.change.value,
            "only": self.only or None,
            **values,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class _At:
    """Where a comparison has come to."""

    path: str = ""
    a: Place = ()
    b: Place = ()
    decides: tuple[bool, bool] = (True, True)
    """Whether what is compared decides, in each of the policies."""

    def below(self, name: str) -> _At:
        path = f"{self.path}.{name}" if self.path else name
        return replace(self, path=path, a=(*self.a, name), b=(*self.b, name))

    def inside(self, a: object, b: object) -> _At:
        """Within two rules, which may decide or not."""
        mine, theirs = self.decides
        return replace(self, decides=(mine and _decides(a), theirs and _decides(b)))


def diff_policies(a: Policy, b: Policy) -> tuple[Difference, ...]:
    """Return how ``b`` differs from ``a``, in the order of the schema; names and descriptions do
    not count."""
    return tuple(_models(a, b, _At(), (*{*a.languages, *b.languages},)))


def _decides(rule: object) -> bool:
    """Whether a rule, taken by itself, can keep a candidate from passing."""
    if isinstance(rule, GateRule):
        return rule.enabled and rule.tier is Tier.BLOCKING
    if isinstance(rule, WordsRule | SliceLimit):
        return rule.tier is Tier.BLOCKING
    if isinstance(rule, GoldenRule):
        return Tier.BLOCKING in rule.sets.values()
    return rule is not None


def _models(
    a: BaseModel, b: BaseModel, at: _At, languages: Collection[str]
) -> Iterator[Difference]:
    """Compare two rules of one kind, key by key."""
    inside = at.inside(a, b)
    for name in type(a).model_fields:
        key = key_of(type(a), name)
        mine, theirs, here = getattr(a, name), getattr(b, name), inside.below(name)
        match DIRECTIONS[key].shape:
            case Shape.PART | Shape.SHOWN:
                yield from _parts(key, mine, theirs, here, languages)
            case Shape.RULES:
                yield from _slices(key, mine, theirs, here, languages)
            case Shape.BY_KEY if mine != theirs:
                yield from _by_key(key, mine, theirs, here)
            case Shape.LABEL | Shape.GROUPS:
                continue
            case _ if mine != theirs:
                yield _difference(key, mine, theirs, here)


def _parts(key: str, a: Any, b: Any, at: _At, languages: Collection[str]) -> Iterator[Difference]:
    if DIRECTIONS[key].shape is Shape.SHOWN:
        at = replace(at, decides=(False, False))
    if a is not None and b is not None:
        yield from _models(a, b, at, languages)
    elif a is not None or b is not None:
        yield _one_sided(key, a, b, at.inside(a, b))


def _one_sided(key: str, a: Any, b: Any, at: _At) -> Difference:
    """What one of the policies does not have."""
    direction = DIRECTIONS[key]
    change = Change.LOOSER if b is None else Change.STRICTER
    decides = at.decides[0] if b is None else at.decides[1]
    why = direction.why(change)
    if not (decides or direction.asks):
        change, why = Change.OTHER, "decides nothing where it stands"
    return Difference(
        path=at.path,
        key=key,
        change=change,
        a=ABSENT if a is None else _json(a),
        b=ABSENT if b is None else _json(b),
        why=why,
        place=at.a if b is None else at.b,
    )


def _difference(key: str, a: Any, b: Any, at: _At) -> Difference:
    """Two values of one key."""
    direction = DIRECTIONS[key]
    change, why = _compared(direction, a, b, at.decides)
    if direction.shape is not Shape.TIER and not direction.asks and change is not Change.OTHER:
        change, why = _if_it_decides(change, why, at.decides)
    return Difference(
        path=at.path, key=key, change=change, a=_json(a), b=_json(b), why=why, place=at.b
    )


def _if_it_decides(change: Change, why: str, decides: tuple[bool, bool]) -> tuple[Change, str]:
    match decides:
        case (True, True):
            return change, why
        case (False, False):
            return Change.OTHER, f"decides nothing in either; otherwise {change}"
        case (mine, _):
            return Change.OTHER, f"decides in {'A' if mine else 'B'} only; otherwise {change}"


def _compared(
    direction: Direction, a: Any, b: Any, decides: tuple[bool, bool]
) -> tuple[Change, str]:
    """What a difference does, if what it is about decides, and why."""
    match direction.shape:
        case Shape.NUMBER:
            change = direction.more if b > a else direction.more.opposite
        case Shape.RANK:
            looser = direction.order.index(b) > direction.order.index(a)
            change = Change.LOOSER if looser else Change.STRICTER
        case Shape.TIER:
            if decides[0] == decides[1]:
                return Change.OTHER, "decides nothing in either"
            change = Change.LOOSER if decides[0] else Change.STRICTER
        case Shape.LIST:
            return _lists(direction, a, b)
        case _:
            return Change.OTHER, direction.looser
    return change, direction.why(change)


def _lists(direction: Direction, a: Sequence[object], b: Sequence[object]) -> tuple[Change, str]:
    """Compare two lists by what one holds and the other does not."""
    gone = [str(one) for one in a if one not in b]
    added = [str(one) for one in b if one not in a]
    if gone and added:
        return Change.OTHER, f"without {', '.join(gone)}; with {', '.join(added)}"
    if not gone and not added:
        return Change.OTHER, "the same in another order"
    change = direction.more if added else direction.more.opposite
    told = f"with {', '.join(added)}" if added else f"without {', '.join(gone)}"
    return change, f"{direction.why(change)}: {told}"


def _by_key(key: str, a: Mapping[Any, Any], b: Mapping[Any, Any], at: _At) -> Iterator[Difference]:
    """Compare two mappings, entry by entry."""
    direction = DIRECTIONS[key]
    for name in sorted({*a, *b}):
        here = at.below(str(name))
        mine, theirs = a.get(name), b.get(name)
        if mine == theirs:
            continue
        tiers = mine is Tier.BLOCKING, theirs is Tier.BLOCKING
        if mine is None or theirs is None:
            shown = key == "GoldenRule.sets" and not any(tiers)
            found = _one_sided(key, mine, theirs, here)
            yield replace(found, change=Change.OTHER, why="decides nothing") if shown else found
        elif key == "GoldenRule.sets":
            change = Change.LOOSER if tiers[0] else Change.STRICTER
            yield _told(key, (mine, theirs), here, change, direction.why(change))
        elif isinstance(mine, tuple):
            change, why = _lists(direction, mine, theirs)
            yield _told(key, (mine, theirs), here, change, why)
        else:
            change = direction.more if theirs > mine else direction.more.opposite
            yield _told(key, (mine, theirs), here, change, direction.why(change))


def _told(key: str, values: tuple[Any, Any], at: _At, change: Change, why: str) -> Difference:
    a, b = map(_json, values)
    return Difference(path=at.path, key=key, change=change, a=a, b=b, why=why, place=at.b)


def _slices(
    key: str,
    a: Sequence[SliceLimit],
    b: Sequence[SliceLimit],
    at: _At,
    languages: Collection[str],
) -> Iterator[Difference]:
    """Compare the rules of groups by what each group has to keep, however they are put."""
    for by, group in groups_of((*a, *b), languages):
        mine, theirs = applying(a, by, group), applying(b, by, group)
        name = f"[{by}{' ' + group if group else ''}]"
        here = replace(at, path=f"{at.path}{name}")
        if len(mine) == len(theirs) == 1:
            (i, one), (j, other) = mine[0], theirs[0]
            both = replace(here, a=(*at.a, i), b=(*at.b, j))
            yield from _named(one, other, both.inside(one, other))
            yield from _models(one, other, both, languages)
            continue
        said, others = ([_limits(rule) for _, rule in some] for some in (mine, theirs))
        for i, rule in mine:
            if _limits(rule) not in others:
                place = replace(here, a=(*at.a, i))
                yield _one_sided(key, rule, None, place.inside(rule, None))
        for j, rule in theirs:
            if _limits(rule) not in said:
                place = replace(here, b=(*at.b, j))
                yield _one_sided(key, None, rule, place.inside(None, rule))


def _named(a: SliceLimit, b: SliceLimit, at: _At) -> Iterator[Difference]:
    """Whether a group is named: one that is, and has no case, does not pass."""
    if bool(a.only) != bool(b.only) and all(at.decides):
        direction = DIRECTIONS["SliceLimit.only"]
        change = Change.LOOSER if a.only else Change.STRICTER
        values = list(a.only), list(b.only)
        yield _told("SliceLimit.only", values, at.below("only"), change, direction.why(change))


def _limits(rule: SliceLimit) -> SliceLimit:
    """A rule without what it is about."""
    return rule.model_copy(update={"only": ()})


def _json(value: Any) -> JsonValue:
    """A value as a person would write it: of a rule what is not the default."""
    found: JsonValue = to_jsonable_python(value)
    if isinstance(value, BaseModel):
        found = value.model_dump(mode="json", exclude_defaults=True)
    return found
