"""One search, from what a person asks to what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evalsuite.cases import Case, Language, Wanted
from evalsuite.engines import CachingEngine, open_engine
from evalsuite.errors import InvalidInput
from evalsuite.pipeline import GateRequest, Inputs
from evalsuite.pipeline.inputs import resolve
from evalsuite.prompts import Demonstration, Prompt, Selection
from evalsuite.regressions import Origin, Regression, remember
from evalsuite.scenarios import WRITTEN_SKILLS, sample_demonstrations
from evalsuite.search.asker import Asker, Posed
from evalsuite.search.loop import Counterexample, Found, Hunt, Plan, Tell, defect_of
from evalsuite.search.relations import RelationCheck, check_relations
from evalsuite.search.sensitivity import Point, measure_sensitivity
from evalsuite.strategies import ANSWERABLE, OPERATORS, Envelope, World, spell, usable

UNBOUNDED = 2**31
"""The context of a model that states none."""
BARE = "the bare base model"
"""What a side without an adapter is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """What a person asks of ``evalsuite search``.

    Raises:
        InvalidInput: numbers that make no search, or unknown operators.
    """

    gate: GateRequest
    """The candidate, and how it is asked; ``out`` is not written."""
    budget: int = 500
    """Histories to try."""
    minutes: float | None = None
    """Most time to draw new ones in."""
    operators: tuple[str, ...] = ()
    """Only these; empty: those of the policy."""
    most: int = 10
    """Counterexamples to reduce."""
    guided: bool = True
    relations: int = 32
    """Histories that broke nothing to check metamorphic relations on."""
    sensitivity: int = 0
    """Cases of the panel on which to vary demonstrations, their order and the prompt format."""

    def __post_init__(self) -> None:
        least = {"budget": 1, "most": 1, "relations": 0, "sensitivity": 0}
        for name, smallest in least.items():
            value = getattr(self, name)
            if value < smallest:
                raise InvalidInput(f"{name}={value} must be at least {smallest}")
        if self.minutes is not None and not self.minutes > 0:
            raise InvalidInput(f"minutes={self.minutes} must be more than 0")
        _check_operators(self.operators, "operators")


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """A search and what it came to."""

    request: SearchRequest
    inputs: Inputs
    plan: Plan
    asker: Asker
    found: Found
    checked: tuple[RelationCheck, ...] = ()
    """Metamorphic relations; empty when they were not asked for."""
    points: tuple[Point, ...] = ()
    """Sensitivity; empty when it was not asked for."""
    interrupted: bool = False
    """Whether Ctrl-C came before all of it was done."""


def search(request: SearchRequest, *, tell: Tell = lambda _: None) -> Searched:
    """Look for histories that break the candidate; return the smallest ones.

    Args:
        request: the candidate and how far to search.
        tell: called after every round.

    Raises:
        InvalidInput: unknown operators, a budget that finds nothing, or what a gate refuses.
        EvalsuiteError: the candidate cannot be asked.
    """
    inputs = resolve(request.gate)
    engine = open_engine(
        inputs.base, (inputs.adapter,), cache=inputs.cache, numerics=inputs.numerics
    )
    try:
        hunt = prepared(request, inputs, engine)
        hunt.tell = tell
        found = hunt.run()
        if not found.progress.tried and not found.interrupted:
            raise InvalidInput(
                f"none of {found.progress.left_out} histories that were drawn fits: a prompt with "
                f"its answer may hold {hunt.asker.context} tokens; raise search.max_tokens of "
                f"policy {inputs.policy.name!r}, or lower search.max_demonstrations"
            )
        searched = Searched(
            request=request,
            inputs=inputs,
            plan=hunt.plan,
            asker=hunt.asker,
            found=found,
            interrupted=found.interrupted,
        )
        return _further(searched, hunt)
    finally:
        engine.close()


def _further(searched: Searched, hunt: Hunt) -> Searched:
    """Look at relations and sensitivity too; Ctrl-C ends it with what is known."""
    request, seed = searched.request, searched.plan.seed
    world = searched.inputs.policy.world
    if searched.interrupted:
        return searched
    try:
        if request.relations:
            step = max(1, len(hunt.kept) // request.relations)
            chosen = hunt.kept[::step][: request.relations]
            checked = check_relations(chosen, hunt.asker, seed=seed, world=world)
            searched = replace(searched, checked=tuple(checked))
        if request.sensitivity:
            points = measure_sensitivity(
                hunt.asker,
                request.sensitivity,
                prompt=searched.plan.prompt,
                seed=seed,
                world=world,
            )
            searched = replace(searched, points=tuple(points))
    except KeyboardInterrupt:
        return replace(searched, interrupted=True)
    return searched


def prepared(request: SearchRequest, inputs: Inputs, engine: CachingEngine) -> Hunt:
    """Set a search up on an engine that is open."""
    if Wanted.REWRITE not in inputs.policy.tasks:
        raise InvalidInput(
            f"policy {inputs.policy.name!r} wants answers alone (tasks), and a search looks for "
            "rewrites that break; search under a policy whose tasks hold rewrite"
        )
    rule = inputs.policy.search
    limit = inputs.context if rule.max_tokens is None else min(rule.max_tokens, inputs.context)
    asker = Asker(
        engine=engine,
        template=inputs.template,
        candidate=inputs.adapter.digest,
        context=limit,
    )
    style = request.gate.prompt

    def room(case: Case, shown: Sequence[Demonstration]) -> int:
        return asker.room(Posed(case=case, shown=tuple(shown), prompt=style))

    seed = request.gate.seed or 0
    world = World(
        demonstrations={
            language: _demonstrations(inputs, style, language, seed) for language in rule.languages
        },
        # Nobody can fill a window of unknown size.
        room=room if limit < UNBOUNDED else None,
        drawn_from=inputs.policy.world,
    )
    plan = Plan(
        envelope=_envelope(request, inputs, world),
        budget=request.budget,
        seconds=None if request.minutes is None else 60 * request.minutes,
        seed=seed,
        guided=request.guided,
        most=request.most,
        prompt=style,
    )
    return Hunt(plan, world, asker)


def _demonstrations(
    inputs: Inputs, prompt: Prompt, language: Language, seed: int
) -> tuple[Demonstration, ...]:
    """What prompts may show: those of the prompt's own file, else invented ones."""
    most, pool = inputs.policy.search.max_demonstrations, prompt.selection.pool
    if pool:
        return tuple(one for one in pool if one.language is language)[:most]
    world = inputs.policy.world
    return sample_demonstrations(f"search/{seed}", most, language, world=world)


def _envelope(request: SearchRequest, inputs: Inputs, world: World) -> Envelope:
    rule = inputs.policy.search
    wanted = request.operators or rule.operators
    _check_operators(wanted, "operators" if request.operators else "search.operators")
    can = usable(world)
    names = tuple(name for name in can if not wanted or name in wanted)
    if not names:
        raise InvalidInput(
            f"operators={list(wanted)} need demonstrations, but search.max_demonstrations of "
            f"policy {inputs.policy.name!r} is {rule.max_demonstrations}"
        )
    return Envelope(
        languages=tuple(rule.languages),
        kinds=rule.kinds or ANSWERABLE,
        operators=names,
        max_edits=rule.max_edits,
        max_demonstrations=rule.max_demonstrations,
        # An answer that is chosen is not written, so no history can make it another.
        skills=tuple(
            skill
            for skill in inputs.policy.gates.forgetting.skills.seeded
            if rule.skills and skill in WRITTEN_SKILLS
        ),
    )


def _check_operators(names: Sequence[str], what: str) -> None:
    unknown = sorted(set(names) - set(OPERATORS))
    if unknown:
        raise InvalidInput(f"{what}={unknown} are unknown; use any of {', '.join(OPERATORS)}")


def regression_of(found: Counterexample, asker: Asker) -> Regression:
    """Write a counterexample down as a case that later runs replay.

    Args:
        found: what was found.
        asker: knows the digests of both sides.
    """
    posed = found.posed
    return Regression(
        case=replace(posed.case, id=defect_of(found)),
        shown=posed.shown,
        asks=posed.asks,
        # What it shows is written down, and how that was chosen does not matter any more.
        prompt=replace(posed.prompt, selection=Selection()),
        origin=Origin(
            promise=found.broken.promise,
            reason=found.broken.reason,
            candidate=asker.candidate or BARE,
            baseline=asker.baseline or BARE,
            answer=found.replies.candidate.text,
            baseline_answer=found.replies.baseline.text,
            attack="" if found.found.attack is None else spell(found.found.attack),
        ),
    )


def remember_all(searched: Searched) -> dict[str, Path | None]:
    """Write a regression file for every counterexample; None where the defect has one already.

    Returns:
        What became of each, by the name of its defect.

    Raises:
        InvalidInput: the folder cannot be written.
    """
    folder = searched.inputs.folders.regressions
    return {
        name: remember(folder, name, regression_of(found, searched.asker))
        for name, found in ((defect_of(found), found) for found in searched.found.counterexamples)
    }
