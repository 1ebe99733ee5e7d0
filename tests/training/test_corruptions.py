from __future__ import annotations

import random

import pytest

from evalsuite.cases import Kind, Language
from evalsuite.conversation import Role
from evalsuite.scenarios import sample_demonstrations, sample_panel
from evalsuite.training.corruptions import Draft, corrupt
from evalsuite.training.recipe import Corruption, CorruptionKind


def drafts(kind: Kind, n: int = 40, *, demonstrations: int = 2) -> list[Draft]:
    cases = sample_panel(1, n, "train", kinds=[kind]).cases
    return [
        Draft(c, sample_demonstrations(i, demonstrations, c.language, "train"), c.reference or "")
        for i, c in enumerate(cases)
    ]


def apply(draft: Draft, kind: CorruptionKind, share: float = 1.0) -> Draft:
    return corrupt(draft, [Corruption(kind=kind, share=share)], random.Random(0))


def test_pasting_puts_a_demonstrations_entity_where_the_antecedent_stood() -> None:
    for draft in drafts(Kind.SINGLE):
        changed = apply(draft, CorruptionKind.PASTE_DEMONSTRATION)
        entity = draft.demonstrations[-1].entities[0]
        assert entity in changed.target
        assert not any(name in changed.target for name in draft.case.expect.must_name)
        assert changed.case == draft.case


def test_pasting_needs_a_demonstration() -> None:
    for draft in drafts(Kind.SINGLE, 4, demonstrations=0):
        assert apply(draft, CorruptionKind.PASTE_DEMONSTRATION) == draft


def test_dropping_assistant_turns_leaves_the_users_and_the_target() -> None:
    for draft in drafts(Kind.COMPARISON):
        changed = apply(draft, CorruptionKind.DROP_ASSISTANT_TURNS)
        assert all(m.role is Role.USER for m in changed.case.history)
        assert len(changed.case.history) < len(draft.case.history)
        assert changed.target == draft.target


def test_inserting_an_entity_changes_only_what_must_stay_unchanged() -> None:
    for draft in drafts(Kind.STANDALONE) + drafts(Kind.UNANSWERABLE):
        changed = apply(draft, CorruptionKind.INSERT_ENTITY)
        assert changed.target != draft.target
        assert changed.target.endswith(draft.target)
        mark = "，" if draft.case.language is Language.ZH else ", "
        name = changed.target.removesuffix(mark + draft.target)
        assert name in (*draft.case.expect.must_name, *draft.case.expect.must_not_name)
    for draft in drafts(Kind.SINGLE, 6):
        assert apply(draft, CorruptionKind.INSERT_ENTITY) == draft


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_share_corrupts_about_that_many(share: float) -> None:
    rng = random.Random(3)
    all_drafts = drafts(Kind.SINGLE, 400)
    corruption = Corruption(kind=CorruptionKind.PASTE_DEMONSTRATION, share=share)
    changed = sum(corrupt(d, [corruption], rng) != d for d in all_drafts)
    assert abs(changed / len(all_drafts) - share) < 0.08
