"""Hostile histories with a known truth."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from hypothesis.strategies import DrawFn, SearchStrategy

from evalsuite.cases import Case, Kind, Language, WorldName
from evalsuite.prompts import Demonstration
from evalsuite.scenarios import WRITTEN_SKILLS, Split
from evalsuite.strategies.arguments import (
    check_instance,
    check_items,
    check_members,
    check_sizes,
    check_strategy,
)
from evalsuite.strategies.attack import (
    ANSWERABLE,
    ORDERS,
    PLACES,
    SEEDS,
    SIZES,
    Attack,
    Edit,
    Envelope,
    World,
)
from evalsuite.strategies.basic import cases
from evalsuite.strategies.operators import OPERATORS, applied, usable

_NEEDS = {
    "lookalike": "demonstrations holds none in these languages that names its one antecedent in "
    "its history and in its rewrite; give some",
    "window": "nobody measures prompts; give room",
}
_TEMPLATES = 256


def adversarial_histories(
    *,
    base: SearchStrategy[Case] | None = None,
    operators: Collection[str] | None = None,
    demonstrations: Sequence[Demonstration] = (),
    room: Callable[[Case, Sequence[Demonstration]], int] | None = None,
    world: str = WorldName.NANO,
    min_size: int = 0,
    max_size: int = 4,
) -> SearchStrategy[Case]:
    """A case whose history was made hostile up to ``max_size`` times.

    The case carries the truth: ``must_name`` holds the antecedent, ``must_not_name`` every name
    that an operator brought in. Its id is a digest of its content; its cluster names the operators.

    Args:
        base: harmless cases, such as ``cases(languages=["zh"], kinds=["single"])``, or your own;
            their truth must hold when exchanges that name other things are put before them, or
            after them and ruled out. None: every kind of the grammar for which that is so.
        operators: names out of :data:`OPERATORS`; None: all that can be used.
        demonstrations: what the prompt shows; no case of the grammar uses their names, and the
            operator ``lookalike`` imitates them.
        room: tokens that the prompt of a case may still grow by, which shows these demonstrations;
            for the operator ``window``.
        world: ``nano`` or ``natural``: where harmless cases and what operators say come from.
        min_size: fewest edits to try; one that cannot be made leaves the case as it is.
        max_size: most edits; one operator may be at work several times.
    """
    check_items("demonstrations", demonstrations, Demonstration)
    if room is not None:
        check_instance("room", room, Callable)  # type: ignore[arg-type]  # a type to isinstance()
    by_language = {x: tuple(d for d in demonstrations if d.language is x) for x in Language}
    drawn_from = check_members("world", (world,), WorldName)[0]
    used = World(Split.PANEL, by_language, room, drawn_from)
    names = check_operators(operators, used)
    if base is None:
        named = frozenset(name for d in demonstrations for name in d.entities)
        base = cases(kinds=ANSWERABLE, world=drawn_from, avoid=named)
    check_strategy("base", base)
    check_sizes(min_size, max_size, smallest=0)
    if not names:
        return base
    several = st.lists(edits(names), min_size=min_size, max_size=max_size)

    @st.composite
    def build(draw: DrawFn) -> Case:
        case = draw(base)
        return applied(case, draw(several), used)[0]

    return build()


def attacks(
    envelope: Envelope | None = None, *, world: World | None = None, min_size: int = 0
) -> SearchStrategy[Attack]:
    """An attack: a hostile history as the numbers that it is made of, and what the prompt shows.

    Args:
        envelope: what may be drawn; None: everything that ``world`` lets be used.
        world: what operators may use; None: no demonstrations, and nobody measures prompts.
        min_size: fewest edits to try.
    """
    held = Envelope() if envelope is None else envelope
    check_instance("envelope", held, Envelope)
    used = World() if world is None else world
    check_instance("world", used, World)
    tongues = check_members("languages", held.languages, Language)
    chosen = _check_kinds(held.kinds)
    names = check_operators(held.operators or None, used)
    check_sizes(min_size, held.max_edits, smallest=0, names=("min_size", "max_edits"))
    check_sizes(0, held.max_demonstrations, smallest=0, names=("0", "max_demonstrations"))
    several = st.lists(edits(names), min_size=min_size, max_size=held.max_edits)
    return st.builds(
        Attack,
        language=st.sampled_from(tongues),
        kind=st.sampled_from(chosen),
        skill=st.sampled_from(("", *_check_skills(held.skills))),
        template=st.integers(0, _TEMPLATES - 1),
        seed=st.integers(0, SEEDS - 1),
        edits=several.map(tuple),
        shown=st.integers(0, held.max_demonstrations),
        order=st.integers(0, ORDERS - 1),
    )


def edits(operators: Sequence[str]) -> SearchStrategy[Edit]:
    """One use of one of ``operators``, which are names out of :data:`OPERATORS`."""
    return st.builds(
        Edit,
        operator=st.sampled_from(operators),
        seed=st.integers(0, SEEDS - 1),
        place=st.integers(0, PLACES - 1),
        size=st.integers(0, SIZES - 1),
    )


def _check_kinds(kinds: Collection[Kind]) -> tuple[Kind, ...]:
    chosen = check_members("kinds", kinds, Kind)
    unsettled = sorted(set(chosen) - set(ANSWERABLE))
    if unsettled:
        raise InvalidArgument(
            f"kinds holds {unsettled}: what is put around these changes what is meant; use "
            f"{', '.join(ANSWERABLE)}"
        )
    return chosen


def _check_skills(skills: Collection[str]) -> tuple[str, ...]:
    """Return the skills that are asked for, in the grammar's order.

    Raises:
        InvalidArgument: a name that does not exist.
    """
    known = isinstance(skills, Collection) and not isinstance(skills, str)
    if not known or not set(skills) <= set(WRITTEN_SKILLS):
        raise InvalidArgument(
            f"skills={skills!r} must be a collection out of: {', '.join(WRITTEN_SKILLS)}"
        )
    return tuple(skill for skill in WRITTEN_SKILLS if skill in skills)


def check_operators(operators: Collection[str] | None, world: World) -> tuple[str, ...]:
    """Return the operators that are asked for, in the table's order.

    Raises:
        InvalidArgument: a name that does not exist, or an operator that lacks what it needs.
    """
    can = usable(world)
    if operators is None:
        return can
    known = ", ".join(OPERATORS)
    if isinstance(operators, str) or not isinstance(operators, Collection):
        raise InvalidArgument(f"operators={operators!r} must be a collection out of: {known}")
    for name in operators:
        if name not in OPERATORS:
            raise InvalidArgument(f"operators holds {name!r}; use any of: {known}")
        if name not in can:
            raise InvalidArgument(f"operators holds {name!r}, but {_NEEDS[name]}")
    return tuple(name for name in OPERATORS if name in operators)
