"""Hostile histories with a known truth."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from hypothesis.strategies import DrawFn, SearchStrategy

from evalsuite.cases import Case, Kind, Language
from evalsuite.prompts import Demonstration
from evalsuite.scenarios import SKILLS, Split
from evalsuite.strategies.arguments import check_members, check_sizes, check_strategy
from evalsuite.strategies.attack import PLACES, SEEDS, SIZES, Attack, Edit, World
from evalsuite.strategies.basic import GRAMMATICAL, cases
from evalsuite.strategies.operators import OPERATORS, applied, usable

ANSWERABLE = tuple(kind for kind in GRAMMATICAL if kind is not Kind.UNANSWERABLE)
"""Kinds whose history settles what is meant, whatever is put around it."""
_NEEDS = {
    "lookalike": "demonstrations holds none in these languages that names its one antecedent in "
    "its history and in its rewrite; give some",
    "window": "nobody measures prompts; give room",
}
_TEMPLATES = 256
_ORDERS = 24


def adversarial_histories(
    *,
    languages: Collection[Language] = tuple(Language),
    kinds: Collection[Kind] = ANSWERABLE,
    operators: Collection[str] | None = None,
    demonstrations: Sequence[Demonstration] = (),
    room: Callable[[Case, Sequence[Demonstration]], int] | None = None,
    base: SearchStrategy[Case] | None = None,
    min_size: int = 0,
    max_size: int = 4,
) -> SearchStrategy[Case]:
    """A case whose history was made hostile ``min_size`` to ``max_size`` times.

    The case carries the truth: ``must_name`` holds the antecedent, ``must_not_name`` every name
    that an operator brought in. Its id is a digest of its content; its cluster names the operators.

    Args:
        languages: which languages to draw.
        kinds: what the harmless part of the history is about; see :func:`cases`.
        operators: names out of :data:`OPERATORS`; None: all that can be used.
        demonstrations: what the prompt shows; no case uses their names, and the operator
            ``lookalike`` imitates them.
        room: tokens that the prompt of a case may still grow by, which shows these demonstrations;
            for the operator ``window``.
        base: harmless cases of your own; their truth must hold when exchanges that name other
            things are put before them, or after them and ruled out. None: the scenario grammar.
        min_size: fewest edits; one operator may be at work several times.
        max_size: most edits.
    """
    tongues = check_members("languages", languages, Language)
    by_language = {x: tuple(d for d in demonstrations if d.language is x) for x in tongues}
    world = World(Split.PANEL, by_language, room)
    names = check_operators(operators, world)
    if base is None:
        named = frozenset(name for d in demonstrations for name in d.entities)
        base = cases(languages=tongues, kinds=_check_kinds(kinds), avoid=named)
    check_strategy("base", base)
    check_sizes(min_size, max_size, smallest=0)
    if not names:
        return base
    several = st.lists(edits(names), min_size=min_size, max_size=max_size)

    @st.composite
    def build(draw: DrawFn) -> Case:
        case = draw(base)
        return applied(case, draw(several), world)[0]

    return build()


def attacks(
    *,
    languages: Collection[Language] = tuple(Language),
    kinds: Collection[Kind] = ANSWERABLE,
    skills: Collection[str] = (),
    operators: Collection[str] | None = None,
    world: World | None = None,
    min_size: int = 0,
    max_size: int = 4,
    max_demonstrations: int = 2,
) -> SearchStrategy[Attack]:
    """An attack: a hostile history as the numbers that it is made of, and what the prompt shows.

    Args:
        languages: which languages to draw.
        kinds: what the harmless part of the history is about.
        skills: general skills that some attacks ask for, in a chat; empty: rewrites only.
        operators: names out of :data:`OPERATORS`; None: all that ``world`` lets be used.
        world: what operators may use; None: no demonstrations, and nobody measures prompts.
        min_size: fewest edits.
        max_size: most edits.
        max_demonstrations: most demonstrations in the prompt.
    """
    tongues = check_members("languages", languages, Language)
    chosen = _check_kinds(kinds)
    check_sizes(min_size, max_size, smallest=0)
    if not isinstance(max_demonstrations, int) or max_demonstrations < 0:
        raise InvalidArgument(f"max_demonstrations={max_demonstrations!r} must be at least 0")
    names = check_operators(operators, world or World())
    several = st.lists(edits(names), min_size=min_size, max_size=max_size) if names else st.just([])
    return st.builds(
        Attack,
        language=st.sampled_from(tongues),
        kind=st.sampled_from(chosen),
        skill=st.sampled_from(("", *check_skills(skills))),
        template=st.integers(0, _TEMPLATES - 1),
        seed=st.integers(0, SEEDS - 1),
        edits=several.map(tuple),
        shown=st.integers(0, max_demonstrations),
        order=st.integers(0, _ORDERS - 1),
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


def check_skills(skills: Collection[str]) -> tuple[str, ...]:
    """Return the skills that are asked for, in the grammar's order.

    Raises:
        InvalidArgument: a name that does not exist.
    """
    if isinstance(skills, str) or not set(skills) <= set(SKILLS):
        raise InvalidArgument(f"skills={skills!r} must be a collection out of: {', '.join(SKILLS)}")
    return tuple(skill for skill in SKILLS if skill in skills)


def check_operators(operators: Collection[str] | None, world: World) -> tuple[str, ...]:
    """Return the operators that are asked for, in the table's order.

    Raises:
        InvalidArgument: a name that does not exist, or an operator that lacks what it needs.
    """
    can = usable(world)
    if operators is None:
        return can
    known = ", ".join(OPERATORS)
    if isinstance(operators, str):
        raise InvalidArgument(f"operators={operators!r} must be a collection out of: {known}")
    for name in operators:
        if name not in OPERATORS:
            raise InvalidArgument(f"operators holds {name!r}; use any of: {known}")
        if name not in can:
            raise InvalidArgument(f"operators holds {name!r}, but {_NEEDS[name]}")
    return tuple(name for name in OPERATORS if name in operators)
