"""Seeded samples of the grammar: panels for gates, demonstrations, and episodes for training."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evalsuite.cases import Case, Kind, Language, WorldName
from evalsuite.errors import InvalidInput
from evalsuite.prompts import Demonstration
from evalsuite.scenarios.grammar import LEXICONS
from evalsuite.scenarios.names import Split, seeded
from evalsuite.scenarios.worlds import GRAMMARS, Drawable

# What demonstrations show: the kinds whose antecedent is one thing, so that a lure can be made.
_LURING = (Kind.SINGLE, Kind.COMPARISON, Kind.TOPIC_SWITCH)
_SHOWN = (*_LURING, Kind.STANDALONE, Kind.PERSON, Kind.PLURAL)
_TRIES = 64
"""How often a demonstration is drawn that must not ask like others."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A reproducible sample of cases: the same seed gives the same cases, everywhere."""

    seed: int
    split: Split
    cases: tuple[Case, ...]

    @property
    def clusters(self) -> frozenset[str]:
        """The leads that occur; the unit of independent evidence."""
        return frozenset(case.cluster for case in self.cases)


@dataclass(frozen=True, slots=True)
class DemonstrationPair:
    """What a prompt shows, and its counterfactual: other questions, no entity in common."""

    name: str
    a: tuple[Demonstration, ...]
    b: tuple[Demonstration, ...] = ()

    @property
    def entities(self) -> frozenset[str]:
        """Every entity of both."""
        return frozenset(name for shown in (*self.a, *self.b) for name in shown.entities)


@dataclass(frozen=True, slots=True)
class ShownCase:
    """A case with the demonstrations that stand before it."""

    case: Case
    pair: DemonstrationPair


@dataclass(frozen=True, slots=True)
class Episode:
    """A case with the demonstrations that stand before it in a training prompt."""

    case: Case
    demonstrations: tuple[Demonstration, ...]


class _Sampler:
    """Makes one case after the other, going through the cells (language, kind) in turn.

    Within a cell every template is used once, in a shuffled order, before any comes again.
    """

    def __init__(self, seed: int, split: str, world: WorldName) -> None:
        self._split = Split(split)
        self._world = world
        self._grammar = GRAMMARS[world]
        self._seed = seed
        self._rng = seeded("panel", seed, self._split, *_marked(world))
        self._left: dict[tuple[Language, Kind], list[Drawable]] = {}
        self._made = 0

    def case(
        self,
        cells: Sequence[tuple[Language, Kind]],
        shown: Sequence[Demonstration],
        avoid: frozenset[str],
    ) -> Case:
        language, kind = cells[self._made % len(cells)]
        world = "".join(f"{mark}-" for mark in _marked(self._world))
        case_id = f"{world}{self._split}-{self._seed}-{language}-{kind}-{self._made:05d}"
        source = "/".join(("scenarios", *_marked(self._world), self._split, str(self._seed)))
        self._made += 1
        if kind is Kind.DEMONSTRATION_LURE:
            imitated = self._rng.choice([d for d in shown if d.language is language])
            return self._grammar.lure(self._rng, imitated, self._split, case_id, source, avoid)
        return self._template(language, kind).case(self._rng, case_id, source, avoid)

    def _template(self, language: Language, kind: Kind) -> Drawable:
        left = self._left.setdefault((language, kind), [])
        if not left:
            every = self._grammar.templates(language, kind, self._split)
            left += self._rng.sample(every, len(every))
        return left.pop()


def _marked(world: WorldName) -> tuple[str, ...]:
    """What ids and seeds hold of a world: nothing for the one that was there first."""
    return () if world is WorldName.NANO else (world.value,)


def sample_panel(
    seed: int,
    n: int,
    split: str = "panel",
    *,
    world: WorldName = WorldName.NANO,
    languages: Sequence[Language] = tuple(Language),
    kinds: Sequence[Kind] = tuple(Kind),
    demonstrations: Sequence[Demonstration] = (),
) -> Panel:
    """Sample ``n`` cases, spread evenly over languages and kinds.

    Args:
        seed: decides everything; different seeds draw different names and fillings.
        n: number of cases in all.
        split: train, panel or heldout; names and questions of splits are disjoint.
        world: what is talked about, and how.
        languages: which languages to draw.
        kinds: which kinds to draw; lures are left out unless demonstrations are given.
        demonstrations: what the prompt will show; lures imitate these, no case uses their names.

    Raises:
        InvalidInput: a negative ``n``, an unknown split, nothing to draw from.
    """
    if n < 0:
        raise InvalidInput(f"n={n} must not be negative")
    luring = [d for d in demonstrations if can_lure(d)]
    cells = [
        (language, kind)
        for kind in kinds
        for language in languages
        if kind is not Kind.DEMONSTRATION_LURE or any(d.language is language for d in luring)
    ]
    if not cells:
        raise InvalidInput("languages and kinds leave nothing to draw from")
    sampler = _Sampler(seed, split, world)
    named = frozenset(name for d in demonstrations for name in d.entities)
    return Panel(seed, Split(split), tuple(sampler.case(cells, luring, named) for _ in range(n)))


def sample_shown_panel(
    seed: int,
    n: int,
    language: Language,
    *,
    world: WorldName = WorldName.NANO,
    demonstrations: int = 2,
    share: int = 5,
    worded: str = Split.PANEL,
    avoid: frozenset[str] = frozenset(),
) -> tuple[ShownCase, ...]:
    """Sample ``n`` cases of one language, each ``share`` of them with demonstrations of their own.

    Whether a model copies from its prompt depends on what the prompt shows, so one set of
    demonstrations would be one piece of evidence, however many cases stand behind it.

    Args:
        seed: decides everything.
        n: number of cases.
        language: of cases and demonstrations.
        world: of cases and demonstrations.
        demonstrations: how many a prompt shows.
        share: how many cases show the same ones.
        worded: the split whose templates and names make the demonstrations.
        avoid: names that neither cases nor demonstrations use.
    """
    sampler = _Sampler(seed, Split.PANEL, world)
    made: list[ShownCase] = []
    for number in range(-(-n // share)):
        name = f"{language}-{number:03d}"
        a = sample_demonstrations(
            f"{seed}/{name}/a", demonstrations, language, worded, world=world, avoid=avoid
        )
        named = avoid | {entity for shown in a for entity in shown.entities}
        b = sample_demonstrations(
            f"{seed}/{name}/b",
            demonstrations,
            language,
            worded,
            world=world,
            avoid=named,
            unlike=a,
        )
        pair = DemonstrationPair(name, a, b)
        luring = [d for d in a if can_lure(d)]
        cells = [(language, k) for k in Kind if luring or k is not Kind.DEMONSTRATION_LURE]
        named = avoid | pair.entities
        made += [
            ShownCase(sampler.case(cells, luring, named), pair)
            for _ in range(min(share, n - len(made)))
        ]
    return tuple(made)


def sample_chosen_panel(
    seed: int,
    n: int,
    language: Language,
    *,
    world: WorldName = WorldName.NANO,
    pool: Sequence[Demonstration],
    choose: Callable[[Case], DemonstrationPair],
    avoid: frozenset[str] = frozenset(),
) -> tuple[ShownCase, ...]:
    """Sample ``n`` cases of one language whose demonstrations follow from the case.

    Args:
        seed: decides everything.
        n: number of cases.
        language: of the cases.
        world: of the cases.
        pool: all demonstrations that may be shown; lures imitate one of them, no case uses their
            names.
        choose: what a case's prompt shows.
        avoid: further names that no case uses.
    """
    sampler = _Sampler(seed, Split.PANEL, world)
    luring = [d for d in pool if d.language is language and can_lure(d)]
    cells = [(language, k) for k in Kind if luring or k is not Kind.DEMONSTRATION_LURE]
    named = avoid | {name for shown in pool for name in shown.entities}
    cases = (sampler.case(cells, luring, named) for _ in range(n))
    return tuple(ShownCase(case, choose(case)) for case in cases)


def can_lure(shown: Demonstration) -> bool:
    """Whether the demonstration resolves a reference to one thing of its history."""
    named = [n for n in shown.entities if n in shown.rewrite and n not in shown.query]
    thing = LEXICONS[shown.language].thing
    edge = r"\b" if shown.language is Language.EN else ""
    asks = re.search(rf"{edge}({thing.possessive}|{thing.subject}){edge}", shown.query)
    return (
        asks is not None and len(named) == 1 and any(named[0] in m.content for m in shown.history)
    )


def _demonstrate(case: Case) -> Demonstration:
    expect = case.expect
    # By the shortest form of its name, a leak is found in every form.
    named = (next((a for a in expect.aliases if a in name), name) for name in expect.must_name)
    return Demonstration(
        history=case.history,
        query=case.query,
        rewrite=case.reference or case.query,
        language=case.language,
        entities=(*named, *expect.must_not_name),
    )


def sample_demonstrations(
    seed: int | str,
    n: int,
    language: Language,
    split: str = "panel",
    *,
    world: WorldName = WorldName.NANO,
    avoid: frozenset[str] = frozenset(),
    unlike: Sequence[Demonstration] = (),
) -> tuple[Demonstration, ...]:
    """Sample ``n`` demonstrations in one language, of different kinds, with invented entities.

    The first ones are of kinds that a lure can imitate. No name of ``avoid`` is used, and none in
    two demonstrations. Those of ``unlike`` are answered by other questions: no query asks in
    their words, as far as the split has others, so that an answer which copies a question shows
    which of the two prompts it came from.
    """
    rng = seeded("demonstrations", seed, language, split, *_marked(world))
    shown: list[Demonstration] = []
    for index in range(n):
        kind = rng.choice(_LURING) if index % 2 == 0 else rng.choice(_SHOWN)
        used = avoid | {n for d in shown for n in d.entities}
        for _ in range(_TRIES):
            template = rng.choice(GRAMMARS[world].templates(language, kind, Split(split)))
            case = template.case(rng, f"demonstration-{index}", avoid=used)
            shows = _demonstrate(case)
            if index % 2 == 0 and not can_lure(shows):
                continue
            if not template.asks_like(case, unlike):
                break
        shown.append(shows)
    return tuple(shown)


def sample_episodes(
    seed: int,
    n: int,
    split: str = "train",
    *,
    world: WorldName = WorldName.NANO,
    languages: Sequence[Language] = tuple(Language),
    kinds: Sequence[Kind] = tuple(Kind),
    max_demonstrations: int = 4,
) -> tuple[Episode, ...]:
    """Sample ``n`` cases, each with its own fresh demonstrations (none to ``max_demonstrations``).

    Kinds may repeat in ``kinds`` to weigh more. A lure always has a demonstration to imitate.
    """
    rng = seeded("episodes", seed, split, *_marked(world))
    chosen = Split(split)
    episodes: list[Episode] = []
    for index in range(n):
        language, kind = rng.choice(tuple(languages)), rng.choice(tuple(kinds))
        lure = kind is Kind.DEMONSTRATION_LURE
        count = rng.randint(1 if lure else 0, max(max_demonstrations, int(lure)))
        shown = sample_demonstrations(f"{seed}/{index}", count, language, chosen, world=world)
        case_id = f"{chosen}-{seed}-{language}-{kind}-{index:06d}"
        named = frozenset(n for d in shown for n in d.entities)
        if lure:
            imitated = rng.choice([d for d in shown if can_lure(d)])
            case = GRAMMARS[world].lure(rng, imitated, chosen, case_id, "", named)
        else:
            template = rng.choice(GRAMMARS[world].templates(language, kind, chosen))
            case = template.case(rng, case_id, avoid=named)
        episodes.append(Episode(case, shown))
    return tuple(episodes)
