"""Hostile histories with a known truth."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from hypothesis.strategies import DrawFn, SearchStrategy

from evalsuite.cases import Case, Kind, Language
from evalsuite.prompts import Demonstration
from evalsuite.scenarios import Split
from evalsuite.strategies.arguments import check_members, check_sizes, check_strategy
from evalsuite.strategies.basic import GRAMMATICAL, cases
from evalsuite.strategies.operators import OPERATORS, Edit, World, apply

ANSWERABLE = tuple(kind for kind in GRAMMATICAL if kind is not Kind.UNANSWERABLE)
"""Kinds whose history settles what is meant, whatever is put around it."""


def adversarial_histories(
    *,
    languages: Collection[Language] = tuple(Language),
    kinds: Collection[Kind] = ANSWERABLE,
    operators: Collection[str] | None = None,
    demonstrations: Sequence[Demonstration] = (),
    base: SearchStrategy[Case] | None = None,
    split: str = Split.PANEL,
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
        demonstrations: what the prompt shows; the operator ``lookalike`` imitates these.
        base: harmless cases of your own; their truth must hold when exchanges that name other
            things are put before them. None: the scenario grammar.
        split: whose names and templates the operators may use.
        min_size: fewest edits; one operator may be at work several times.
        max_size: most edits.
    """
    tongues = check_members("languages", languages, Language)
    part = check_members("split", (split,), Split)[0]
    world = World(part, _imitable(demonstrations, tongues))
    names = _check_operators(operators, world)
    if base is None:
        base = cases(languages=tongues, kinds=kinds, split=part)
    check_strategy("base", base)
    check_sizes(min_size, max_size, smallest=0)
    if not names:
        return base

    @st.composite
    def build(draw: DrawFn) -> Case:
        case = draw(base)
        edits = st.lists(_edits(names, case.language, world), min_size=min_size, max_size=max_size)
        return apply(case, draw(edits))

    return build()


@st.composite
def _edits(
    draw: DrawFn, names: tuple[str, ...], language: Language, world: World
) -> tuple[str, Edit]:
    name = draw(st.sampled_from(names))
    return name, OPERATORS[name](draw, language, world)


def _imitable(
    shown: Sequence[Demonstration], languages: Collection[Language]
) -> tuple[Demonstration, ...]:
    """Demonstrations whose one antecedent stands in their history: only these make a lure."""

    def tempts(demonstration: Demonstration) -> bool:
        named = [n for n in demonstration.entities if n in demonstration.rewrite]
        return len(named) == 1 and any(named[0] in m.content for m in demonstration.history)

    return tuple(d for d in shown if d.language in languages and tempts(d))


def _check_operators(operators: Collection[str] | None, world: World) -> tuple[str, ...]:
    usable = tuple(name for name in OPERATORS if name != "lookalike" or world.demonstrations)
    if operators is None:
        return usable
    known = ", ".join(OPERATORS)
    if isinstance(operators, str):
        raise InvalidArgument(f"operators={operators!r} must be a collection out of: {known}")
    for name in operators:
        if name not in OPERATORS:
            raise InvalidArgument(f"operators holds {name!r}; use any of: {known}")
        if name not in usable:
            raise InvalidArgument(
                "operators holds 'lookalike', but demonstrations holds none in these languages "
                "that names its one antecedent in its history and in its rewrite; give some"
            )
    return tuple(name for name in OPERATORS if name in operators)
