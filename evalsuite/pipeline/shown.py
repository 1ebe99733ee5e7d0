"""What the prompts of a run show: demonstrations of a file, drawn ones, or the nearest of these."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from evalsuite.cases import Case, Language, Wanted, WorldName
from evalsuite.pipeline.inputs import Inputs
from evalsuite.pipeline.request import SHOWN
from evalsuite.prompts import POOL, Demonstration, Prompt
from evalsuite.scenarios import (
    DemonstrationPair,
    ShownCase,
    sample_chosen_panel,
    sample_demonstrations,
    sample_shown_panel,
)
from evalsuite.scenarios.told import sample_told_demonstrations, sample_told_panel


def sampled(
    inputs: Inputs, wanted: Wanted, n: int, language: Language, avoid: frozenset[str]
) -> tuple[ShownCase, ...]:
    """Sample the panel of a language, each case with what its prompt shows.

    Args:
        inputs: of the run.
        wanted: what is wanted of the queries.
        n: number of cases.
        language: of the cases.
        avoid: names that nothing uses.
    """
    request, world = inputs.request, inputs.policy.world
    prompt = request.answer_prompt if wanted is Wanted.ANSWER else request.prompt
    number = prompt.shows(request.shown)
    if wanted is Wanted.ANSWER:
        panel = sample_told_panel(inputs.seed, n, language, demonstrations=number, avoid=avoid)
        if prompt.selection.drawn:
            return panel
        choose = _chooser(inputs, prompt, _pool(inputs, prompt, language, avoid))
        return tuple(ShownCase(shown.case, choose(shown.case)) for shown in panel)
    if prompt.selection.drawn:
        return sample_shown_panel(
            inputs.seed,
            n,
            language,
            world=world,
            demonstrations=number,
            worded=request.worded,
            avoid=avoid,
        )
    pool = _pool(inputs, prompt, language, avoid)
    choose = _chooser(inputs, prompt, pool)
    return sample_chosen_panel(
        inputs.seed, n, language, world=world, pool=pool, choose=choose, avoid=avoid
    )


def shown_before(
    inputs: Inputs, name: str, cases: Sequence[Case], avoid: frozenset[str]
) -> tuple[ShownCase, ...]:
    """Give golden cases the demonstrations of the prompt, else of their set, else invented ones.

    Those of a set show rewrites, so a query that is to be answered gets invented ones.
    """
    found: dict[tuple[Wanted, Language], Callable[[Case], DemonstrationPair]] = {}
    for case in cases:
        key = (case.wanted, case.language)
        if key not in found:
            found[key] = _before(inputs, name, case, avoid)
    return tuple(ShownCase(case, found[case.wanted, case.language](case)) for case in cases)


def _before(
    inputs: Inputs, name: str, like: Case, avoid: frozenset[str]
) -> Callable[[Case], DemonstrationPair]:
    """What stands before the cases of a set that are of the task and language of ``like``."""
    prompt, language = inputs.request.prompt_for(like), like.language
    if not prompt.selection.drawn:
        return _chooser(inputs, prompt, _pool(inputs, prompt, language, avoid))
    own = None if like.wanted is Wanted.ANSWER else inputs.demonstrations.get((name, language))
    pair = own or _invented(inputs, name, prompt, language, avoid)
    return lambda _: pair


def pool_size(number: int) -> int:
    """How many demonstrations are drawn for the nearest to be chosen of: both prompts' worth."""
    return max(POOL, 2 * number)


def shown_alone(prompt: Prompt, case: Case, world: WorldName) -> DemonstrationPair:
    """Return what a prompt might show before a case that belongs to no run."""
    selection, number = prompt.selection, prompt.shows(SHOWN)
    named, size = frozenset(case.expect.named), pool_size(number)
    pool = selection.pool
    if not pool and prompt.wanted is Wanted.ANSWER:
        pool = sample_told_demonstrations("prompt", size, case.language, named)
    elif not pool:
        pool = sample_demonstrations("prompt", size, case.language, world=world, avoid=named)
    return DemonstrationPair("prompt", *selection.of(case, pool, number))


def _pool(
    inputs: Inputs, prompt: Prompt, language: Language, avoid: frozenset[str]
) -> tuple[Demonstration, ...]:
    held = prompt.selection.pool
    if held:
        return tuple(one for one in held if one.language is language)
    size = pool_size(prompt.shows(inputs.request.shown))
    return _drawn(inputs, prompt, f"{inputs.seed}/pool", size, language, avoid)


def _drawn(
    inputs: Inputs,
    prompt: Prompt,
    seed: str,
    n: int,
    language: Language,
    avoid: frozenset[str],
    unlike: Sequence[Demonstration] = (),
) -> tuple[Demonstration, ...]:
    """Invented demonstrations of what the prompt asks for."""
    if prompt.wanted is Wanted.ANSWER:
        return sample_told_demonstrations(seed, n, language, avoid)
    world = inputs.policy.world
    return sample_demonstrations(seed, n, language, world=world, avoid=avoid, unlike=unlike)


def _chooser(
    inputs: Inputs, prompt: Prompt, pool: Sequence[Demonstration]
) -> Callable[[Case], DemonstrationPair]:
    number = prompt.shows(inputs.request.shown)

    def chosen(case: Case) -> DemonstrationPair:
        a, b = prompt.selection.of(case, pool, number)
        # By content, so that cases which show the same are known to stand and fall together.
        said = repr([(one.history, one.query, one.rewrite) for one in (*a, *b)])
        digest = hashlib.sha256(said.encode()).hexdigest()[:8]
        return DemonstrationPair(f"{case.language}-{digest}", a, b)

    return chosen


def _invented(
    inputs: Inputs, name: str, prompt: Prompt, language: Language, avoid: frozenset[str]
) -> DemonstrationPair:
    """Demonstrations that name nothing of the set's cases, nor of ``avoid``."""
    n, seed = prompt.shows(inputs.request.shown), f"{inputs.seed}/{name}"
    said = avoid | frozenset(
        entity for case in inputs.goldens[name] for entity in case.expect.named
    )
    a = _drawn(inputs, prompt, f"{seed}/a", n, language, said)
    named = said | {entity for shown in a for entity in shown.entities}
    b = _drawn(inputs, prompt, f"{seed}/b", n, language, named, a)
    what = "" if prompt.wanted is Wanted.REWRITE else f"-{prompt.wanted}"
    return DemonstrationPair(f"{name}-{language}{what}", a, b)
