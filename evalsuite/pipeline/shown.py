"""What the prompts of a run show: demonstrations of a file, drawn ones, or the nearest of these."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from evalsuite.cases import Case, Language, WorldName
from evalsuite.pipeline.inputs import SHOWN, GateRequest, Inputs
from evalsuite.prompts import POOL, Demonstration, Prompt
from evalsuite.scenarios import (
    DemonstrationPair,
    ShownCase,
    sample_chosen_panel,
    sample_demonstrations,
    sample_shown_panel,
)


def number_of(request: GateRequest) -> int:
    """How many demonstrations a prompt shows."""
    wanted = request.prompt.selection.number
    return request.shown if wanted is None else wanted


def sampled(
    inputs: Inputs, n: int, language: Language, avoid: frozenset[str]
) -> tuple[ShownCase, ...]:
    """Sample the panel of a language, each case with what its prompt shows."""
    request, world = inputs.request, inputs.policy.world
    if request.prompt.selection.drawn:
        return sample_shown_panel(
            inputs.seed,
            n,
            language,
            world=world,
            demonstrations=number_of(request),
            worded=request.worded,
            avoid=avoid,
        )
    pool = _pool(inputs, language, avoid)
    return sample_chosen_panel(
        inputs.seed, n, language, world=world, pool=pool, choose=_chooser(inputs, pool), avoid=avoid
    )


def shown_before(
    inputs: Inputs, name: str, cases: Sequence[Case], avoid: frozenset[str]
) -> tuple[ShownCase, ...]:
    """Give golden cases the demonstrations of the prompt, else of their set, else invented ones."""
    if not inputs.request.prompt.selection.drawn:
        pools = {language: _pool(inputs, language, avoid) for language in Language}
        chosen = {language: _chooser(inputs, pool) for language, pool in pools.items()}
        return tuple(ShownCase(case, chosen[case.language](case)) for case in cases)
    pairs = {
        language: inputs.demonstrations.get((name, language))
        or _invented(inputs, name, language, avoid)
        for language in Language
    }
    return tuple(ShownCase(case, pairs[case.language]) for case in cases)


def shown_alone(prompt: Prompt, case: Case, world: WorldName) -> DemonstrationPair:
    """Return what a prompt might show before a case that belongs to no run."""
    selection = prompt.selection
    number = SHOWN if selection.number is None else selection.number
    named = frozenset((*case.expect.must_name, *case.expect.must_not_name))
    pool = selection.pool or sample_demonstrations(
        "prompt", max(POOL, 2 * number), case.language, world=world, avoid=named
    )
    return DemonstrationPair("prompt", *selection.of(case, pool, number))


def _pool(inputs: Inputs, language: Language, avoid: frozenset[str]) -> tuple[Demonstration, ...]:
    held = inputs.request.prompt.selection.pool
    if held:
        return tuple(one for one in held if one.language is language)
    world = inputs.policy.world
    return sample_demonstrations(f"{inputs.seed}/pool", POOL, language, world=world, avoid=avoid)


def _chooser(inputs: Inputs, pool: Sequence[Demonstration]) -> Callable[[Case], DemonstrationPair]:
    selection, number = inputs.request.prompt.selection, number_of(inputs.request)

    def chosen(case: Case) -> DemonstrationPair:
        a, b = selection.of(case, pool, number)
        # By content, so that cases which show the same are known to stand and fall together.
        said = repr([(one.history, one.query, one.rewrite) for one in (*a, *b)])
        digest = hashlib.sha256(said.encode()).hexdigest()[:8]
        return DemonstrationPair(f"{case.language}-{digest}", a, b)

    return chosen


def _invented(
    inputs: Inputs, name: str, language: Language, avoid: frozenset[str]
) -> DemonstrationPair:
    """Demonstrations that name nothing of the set's cases, nor of ``avoid``."""
    n, seed, world = number_of(inputs.request), f"{inputs.seed}/{name}", inputs.policy.world
    said = avoid | frozenset(
        entity
        for case in inputs.goldens[name]
        for entity in (
            *case.expect.must_name,
            *case.expect.must_not_name,
            *case.expect.aliases,
        )
    )
    a = sample_demonstrations(f"{seed}/a", n, language, world=world, avoid=said)
    named = said | {entity for shown in a for entity in shown.entities}
    b = sample_demonstrations(f"{seed}/b", n, language, world=world, avoid=named, unlike=a)
    return DemonstrationPair(f"{name}-{language}", a, b)
