"""Seeded panels of questions to be answered from what a conversation told."""

from __future__ import annotations

from evalsuite.cases import Language
from evalsuite.scenarios.names import Split, seeded
from evalsuite.scenarios.panels import DemonstrationPair, ShownCase
from evalsuite.scenarios.told.dialogues import TOLD_KINDS, sample_told_demonstrations, told_case


def sample_told_panel(
    seed: int,
    n: int,
    language: Language,
    *,
    demonstrations: int = 2,
    share: int = 5,
    avoid: frozenset[str] = frozenset(),
) -> tuple[ShownCase, ...]:
    """Sample ``n`` cases of one language, spread over the kinds, with what their prompts show.

    Args:
        seed: decides everything.
        n: number of cases.
        language: of cases and demonstrations.
        demonstrations: how many a prompt shows.
        share: how many cases show the same ones.
        avoid: names that neither cases nor demonstrations use.
    """
    rng = seeded("told", seed, Split.PANEL, language)
    made: list[ShownCase] = []
    for number in range(-(-n // share)):
        name = f"told-{language}-{number:03d}"
        a = sample_told_demonstrations(f"{seed}/{name}/a", demonstrations, language, avoid)
        named = avoid | {entity for shown in a for entity in shown.entities}
        b = sample_told_demonstrations(f"{seed}/{name}/b", demonstrations, language, named)
        pair = DemonstrationPair(name, a, b)
        for _ in range(min(share, n - len(made))):
            kind = TOLD_KINDS[len(made) % len(TOLD_KINDS)]
            case_id = f"told-{seed}-{language}-{kind}-{len(made):05d}"
            source = f"scenarios/told/{seed}"
            case = told_case(rng, language, kind, case_id, source, avoid | pair.entities)
            made.append(ShownCase(case, pair))
    return tuple(made)
