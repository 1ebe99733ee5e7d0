"""Samples: conversations whose assistant turns are to be learned, and where they come from.

Rewriting samples and the replay of general skills are drawn from the scenario grammar's training
split, so nothing that a gate asks later can be among them. Own data is read by
:mod:`evalsuite.training.userdata`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from evalsuite.cases import Case, Kind, Language
from evalsuite.conversation import Conversation, Role
from evalsuite.errors import InvalidInput
from evalsuite.prompts import Demonstration, Prompt, built_in, put_in
from evalsuite.scenarios import Episode, sample_anchors, sample_episodes, sample_skills
from evalsuite.scenarios.frames import FRAMED, framed_case
from evalsuite.training.corruptions import Draft, corrupt
from evalsuite.training.recipe import Corruption, DataRecipe

_KIND_SLOTS = 60


@dataclass(frozen=True, slots=True)
class Sample:
    """One conversation that ends with the assistant.

    Raises:
        InvalidInput: the last message is not the assistant's.
    """

    conversation: Conversation
    cluster: str
    """Samples of one cluster go to training or to validation together."""
    group: str
    """Slice in the counts: ``rewriting/single/en``, ``replay/copy/zh``, ``own/...``."""
    source: str
    """Where it came from: ``file:line``, or the grammar's id."""
    anchor: bool = False
    """Whether the adapter has to predict all of it as its base does, and learns nothing from it."""

    def __post_init__(self) -> None:
        if self.conversation.messages[-1].role is not Role.ASSISTANT:
            raise InvalidInput(
                f"{self.source}: the conversation ends with the "
                f"{self.conversation.messages[-1].role}; the last message must be the assistant's"
            )


def draw_samples(recipe: DataRecipe, seed: int, prompt: Prompt | None = None) -> tuple[Sample, ...]:
    """Draw the recipe's rewriting samples and its replay; the same seed draws the same.

    Args:
        recipe: what is drawn, and how much of it.
        seed: decides everything.
        prompt: asks for every rewrite; None: the built-in ones, in the recipe's formats.
    """
    taught = 1.0 - recipe.replay - recipe.anchors
    replay = round(recipe.samples * recipe.replay / taught)
    anchors = round(recipe.samples * recipe.anchors / taught)
    return (
        *rewriting_samples(recipe, seed, prompt),
        *replay_samples(replay, seed, recipe.languages),
        *anchor_samples(anchors, seed, recipe.languages),
    )


def rewriting_samples(
    recipe: DataRecipe, seed: int, prompt: Prompt | None = None
) -> tuple[Sample, ...]:
    """Draw ``recipe.samples`` query-rewriting samples with fresh demonstrations each."""
    usual = recipe.demonstrations
    most = usual if prompt is None else prompt.shows(usual)
    episodes = sample_episodes(
        seed,
        recipe.samples,
        "train",
        world=recipe.world,
        languages=recipe.languages,
        kinds=_weighted_kinds(recipe, most),
        max_demonstrations=most,
    )
    drawn = (_rewriting(e, recipe, f"rewriting/{seed}/{i}", prompt) for i, e in enumerate(episodes))
    return tuple(sample for sample in drawn if sample is not None)


def _rewriting(
    episode: Episode, recipe: DataRecipe, seed: str, prompt: Prompt | None
) -> Sample | None:
    # Its own source of chance: a mutant's sample differs from the honest one in its defect alone.
    rng = random.Random(seed)  # noqa: S311 - sampling, not security
    case = _reframed(episode.case, recipe.framed, rng)
    return case_sample(
        case, episode.demonstrations, recipe, rng, corruptions=recipe.corruptions, prompt=prompt
    )


def _reframed(case: Case, share: float, rng: random.Random) -> Case:
    """Replace a share of the cases by one of the same kind that asks in random words."""
    if case.kind not in FRAMED or rng.random() >= share:
        return case
    return framed_case(rng, case.language, case.kind, case.id)


def case_sample(
    case: Case,
    demonstrations: Sequence[Demonstration],
    recipe: DataRecipe,
    rng: random.Random,
    *,
    corruptions: Sequence[Corruption] = (),
    prompt: Prompt | None = None,
) -> Sample | None:
    """Build the sample of one case; None for a case without a reference answer.

    Where the prompt does not show what the answer follows from, the query is to be copied, as where
    a reference cannot be settled: to learn the answer would be to learn to guess.

    Args:
        case: what is asked.
        demonstrations: what the prompt shows, unless it brings its own.
        recipe: the weights of the built-in prompts' formats.
        rng: draws a format and a defect.
        corruptions: planted defects.
        prompt: None: a built-in one.
    """
    if case.reference is None:
        return None
    names, weights = list(recipe.formats), list(recipe.formats.values())
    form = rng.choices(names, weights)[0]
    asks, shown = prompt or built_in(form), tuple(demonstrations)
    if asks.selection.pool:
        shown, _ = asks.selection.of(case, asks.selection.pool, asks.shows(len(shown)))
    right = case.query if asks.window.hides(case) else case.reference
    draft = corrupt(Draft(case, shown, right), corruptions, rng)
    named = put_in(draft.case.expect.must_name, draft.case.query, draft.target)
    return Sample(
        conversation=asks.build(draft.case, draft.demonstrations).then(
            Role.ASSISTANT, asks.write(draft.target, named)
        ),
        cluster=case.cluster,
        group=f"rewriting/{case.kind}/{case.language}",
        source=case.source or case.id,
    )


def replay_samples(
    n: int, seed: int, languages: Sequence[Language] = tuple(Language)
) -> tuple[Sample, ...]:
    """Draw ``n`` samples of what the base can already do.

    One wording of each skill stays unrehearsed, for the gate to ask, and general text altogether:
    to rehearse a part of it teaches that the rest does not occur, which costs the rest more than no
    rehearsal does (docs/training.md has the figures).
    """
    return tuple(
        Sample(item.conversation, item.cluster, f"replay/{item.skill}/{item.language}", item.id)
        for item in sample_skills(seed, n, "train", languages=languages, rehearsed=True)
    )


def anchor_samples(
    n: int, seed: int, languages: Sequence[Language] = tuple(Language)
) -> tuple[Sample, ...]:
    """Draw ``n`` general conversations on which the adapter has to predict as its base does."""
    return tuple(
        Sample(one.conversation, one.cluster, f"anchor/{one.sort}/{one.language}", one.id, True)
        for one in sample_anchors(seed, n, languages)
    )


def _weighted_kinds(recipe: DataRecipe, shown: int) -> tuple[Kind, ...]:
    """Repeat each kind in proportion to its weight, for a sampler that draws evenly."""
    kinds = [k for k in Kind if shown or k is not Kind.DEMONSTRATION_LURE]
    weights = {kind: recipe.kinds.get(kind, 1.0) for kind in kinds}
    largest = max(weights.values())
    if not largest:
        raise InvalidInput("data.kinds gives every kind the weight 0; leave one above 0")
    return tuple(kind for kind, weight in weights.items() for _ in range(_slots(weight, largest)))


def _slots(weight: float, largest: float) -> int:
    return max(1, round(_KIND_SLOTS * weight / largest)) if weight else 0
