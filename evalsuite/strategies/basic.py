"""Messages, conversations, demonstrations and harmless cases."""

from __future__ import annotations

import random
from collections.abc import Collection
from functools import cache

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from hypothesis.strategies import DrawFn, SearchStrategy

from evalsuite.cases import Case, Kind, Language, WorldName
from evalsuite.conversation import Conversation, Message, Role
from evalsuite.prompts import Demonstration
from evalsuite.scenarios import GRAMMARS, Split, sample_demonstrations
from evalsuite.scenarios.worlds import Drawable
from evalsuite.strategies.arguments import (
    check_bool,
    check_items,
    check_members,
    check_sizes,
    check_strategy,
)
from evalsuite.strategies.operators import sealed

GRAMMATICAL = tuple(kind for kind in Kind if kind is not Kind.DEMONSTRATION_LURE)
"""Kinds that need no demonstration."""
_SEEDS = st.integers(0, 2**16 - 1)
"""Seeds of the scenario grammar's choices; they shrink towards 0."""


@cache
def template_choices(
    language: Language, kind: Kind, split: Split, world: WorldName = WorldName.NANO
) -> SearchStrategy[Drawable]:
    """Any template of a world; remembered: building a strategy costs more than a draw."""
    return st.sampled_from(GRAMMARS[world].templates(language, kind, split))


def contents(*, min_size: int = 1, max_size: int = 80) -> SearchStrategy[str]:
    """Any text that a message may hold: at least one visible character, no lone surrogates."""
    check_sizes(min_size, max_size, smallest=1)
    alphabet = st.characters(codec="utf-8")
    return st.text(alphabet, min_size=min_size, max_size=max_size).filter(_is_visible)


def messages(
    *,
    roles: Collection[Role] = (Role.USER, Role.ASSISTANT),
    contents: SearchStrategy[str] | None = None,
) -> SearchStrategy[Message]:
    """One message of one of ``roles``."""
    chosen = check_members("roles", roles, Role)
    return st.builds(Message, st.sampled_from(chosen), _contents_or_default(contents))


def conversations(
    *,
    alternating: bool = True,
    system: bool | None = None,
    last: Role | None = None,
    contents: SearchStrategy[str] | None = None,
    min_size: int = 1,
    max_size: int = 6,
) -> SearchStrategy[Conversation]:
    """A conversation of ``min_size`` to ``max_size`` turns, not counting the system message.

    Args:
        alternating: user and assistant take turns and the user begins; False: any order.
        system: whether there is a system message; None: sometimes.
        last: whose turn comes last; None: anyone's.
        contents: what the messages say.
        min_size: fewest turns.
        max_size: most turns.
    """
    check_bool("alternating", alternating)
    if system is not None:
        check_bool("system", system)
    check_sizes(min_size, max_size, smallest=1)
    wanted = None if last is None else check_members("last", (last,), Role)[0]
    if wanted is Role.SYSTEM:
        raise InvalidArgument("last=system: a system message comes first; use user or assistant")
    texts = _contents_or_default(contents)
    turns = _alternating(texts, wanted, min_size, max_size) if alternating else _any_order(
        texts, wanted, min_size, max_size
    )  # fmt: skip
    opening = {
        None: st.none() | messages(roles=(Role.SYSTEM,), contents=texts),
        True: messages(roles=(Role.SYSTEM,), contents=texts),
        False: st.none(),
    }[system]
    return st.builds(_join, opening, turns)


def demonstrations(
    *,
    languages: Collection[Language] = tuple(Language),
    split: str = Split.PANEL,
    world: str = WorldName.NANO,
) -> SearchStrategy[Demonstration]:
    """A demonstration about invented things; its ``entities`` are the names that could leak."""
    chosen = check_members("languages", languages, Language)
    part = check_members("split", (split,), Split)[0]
    drawn_from = check_members("world", (world,), WorldName)[0]

    def sample(seed: int, language: Language, index: int) -> Demonstration:
        return sample_demonstrations(seed, index + 1, language, part, world=drawn_from)[index]

    return st.builds(sample, _SEEDS, st.sampled_from(chosen), st.integers(0, 1))


def cases(
    *,
    languages: Collection[Language] = tuple(Language),
    kinds: Collection[Kind] = GRAMMATICAL,
    split: str = Split.PANEL,
    world: str = WorldName.NANO,
    avoid: Collection[str] = frozenset(),
) -> SearchStrategy[Case]:
    """A case of a world, unharmed; it uses no name of ``avoid``."""
    check_items("avoid", avoid, str)
    named = frozenset(avoid)
    tongues = check_members("languages", languages, Language)
    chosen = check_members("kinds", kinds, Kind)
    part = check_members("split", (split,), Split)[0]
    drawn_from = check_members("world", (world,), WorldName)[0]
    if Kind.DEMONSTRATION_LURE in chosen:
        raise InvalidArgument(
            "kinds holds demonstration_lure, which needs a demonstration; use "
            "adversarial_histories(operators=['lookalike'], demonstrations=...)"
        )

    cells = st.tuples(st.sampled_from(chosen), st.sampled_from(tongues))

    @st.composite
    def build(draw: DrawFn) -> Case:
        kind, language = draw(cells)
        template = draw(template_choices(language, kind, part, drawn_from))
        rng = random.Random(draw(_SEEDS))  # noqa: S311 - sampling, not security
        distance = draw(st.integers(2, 3))
        return sealed(template.case(rng, "drawn", avoid=named, distance=distance), ())

    return build()


def _alternating(
    texts: SearchStrategy[str], last: Role | None, min_size: int, max_size: int
) -> SearchStrategy[list[Message]]:
    def roles(said: list[str]) -> list[Message]:
        return [Message((Role.USER, Role.ASSISTANT)[i % 2], text) for i, text in enumerate(said)]

    if last is None:
        return st.lists(texts, min_size=min_size, max_size=max_size).map(roles)
    alone = 1 if last is Role.USER else 0
    fewest, most = -(-(min_size - alone) // 2), (max_size - alone) // 2
    if most < max(fewest, 1 - alone):
        raise InvalidArgument(
            f"min_size={min_size}, max_size={max_size}: no alternating conversation of that size "
            f"ends with the {last}; the user begins"
        )
    pairs = st.lists(st.tuples(texts, texts), min_size=max(fewest, 1 - alone), max_size=most)
    tail = st.lists(texts, min_size=alone, max_size=alone)
    return st.builds(lambda p, t: roles([text for pair in p for text in pair] + t), pairs, tail)


def _any_order(
    texts: SearchStrategy[str], last: Role | None, min_size: int, max_size: int
) -> SearchStrategy[list[Message]]:
    anyone = messages(contents=texts)
    if last is None:
        return st.lists(anyone, min_size=min_size, max_size=max_size)
    before = st.lists(anyone, min_size=min_size - 1, max_size=max_size - 1)
    return st.builds(
        lambda turns, end: [*turns, end], before, messages(roles=(last,), contents=texts)
    )


def _join(opening: Message | None, turns: list[Message]) -> Conversation:
    return Conversation((*((opening,) if opening else ()), *turns))


def _contents_or_default(given: SearchStrategy[str] | None) -> SearchStrategy[str]:
    if given is None:
        return contents()
    check_strategy("contents", given)
    return given


def _is_visible(text: str) -> bool:
    return bool(text.strip())
