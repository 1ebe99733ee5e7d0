"""Planted defects: how a mutant's training data differs from a candidate's.

A mutant trains like any candidate, on data that teaches one wrong habit. Corruptions change what
a sample shows or what it asks for, before the prompt is built, so a mutant's prompt looks exactly
like an honest one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from evalsuite.cases import Case, Language
from evalsuite.conversation import Role
from evalsuite.prompts import Demonstration
from evalsuite.training.recipe import Corruption, CorruptionKind


@dataclass(frozen=True, slots=True)
class Draft:
    """A rewriting sample before its prompt is built."""

    case: Case
    demonstrations: tuple[Demonstration, ...]
    target: str


def corrupt(draft: Draft, corruptions: Sequence[Corruption], rng: random.Random) -> Draft:
    """Apply each corruption to its share of the drafts it can be applied to."""
    for corruption in corruptions:
        changed = _APPLY[corruption.kind](draft)
        if changed is not None and rng.random() < corruption.share:
            draft = changed
    return draft


def _paste_demonstration(draft: Draft) -> Draft | None:
    entities = draft.demonstrations[-1].entities if draft.demonstrations else ()
    if not entities:
        return None
    antecedent = next((n for n in draft.case.expect.must_name if n in draft.target), None)
    if antecedent is None:
        return replace(draft, target=_prefixed(entities[0], draft.target, draft.case.language))
    return replace(draft, target=draft.target.replace(antecedent, entities[0]))


def _drop_assistant_turns(draft: Draft) -> Draft | None:
    kept = tuple(m for m in draft.case.history if m.role is not Role.ASSISTANT)
    if len(kept) == len(draft.case.history):
        return None
    return replace(draft, case=replace(draft.case, history=kept))


def _insert_entity(draft: Draft) -> Draft | None:
    expect = draft.case.expect
    names = (*expect.must_not_name, *expect.must_name)
    if not expect.unchanged or not names:
        return None
    return replace(draft, target=_prefixed(names[0], draft.target, draft.case.language))


def _prefixed(name: str, text: str, language: Language) -> str:
    return f"{name}，{text}" if language is Language.ZH else f"{name}, {text}"


_APPLY: Mapping[CorruptionKind, Callable[[Draft], Draft | None]] = {
    CorruptionKind.PASTE_DEMONSTRATION: _paste_demonstration,
    CorruptionKind.DROP_ASSISTANT_TURNS: _drop_assistant_turns,
    CorruptionKind.INSERT_ENTITY: _insert_entity,
}
