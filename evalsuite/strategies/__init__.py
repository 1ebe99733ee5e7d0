"""Hypothesis strategies: conversations that a test can search, shrink and judge without a judge.

Cases come from the scenario grammar, so the right antecedent is known; operators then make the
history hostile without changing what is right, and put what they add into ``must_not_name``. Every
choice is drawn separately and simplest first: shrinking drops operators, then their exchanges, then
simplifies the grammar's choices. Nothing here calls a model, and no distribution is promised.
"""

from evalsuite.strategies.adversarial import adversarial_histories, attacks
from evalsuite.strategies.attack import (
    ANSWERABLE,
    Attack,
    Edit,
    Envelope,
    World,
    parse_attack,
    spell,
)
from evalsuite.strategies.basic import cases, contents, conversations, demonstrations, messages
from evalsuite.strategies.building import Built, build_attack, permuted, shown_by
from evalsuite.strategies.operators import OPERATORS, usable

__all__ = [
    "ANSWERABLE",
    "OPERATORS",
    "Attack",
    "Built",
    "Edit",
    "Envelope",
    "World",
    "adversarial_histories",
    "attacks",
    "build_attack",
    "cases",
    "contents",
    "conversations",
    "demonstrations",
    "messages",
    "parse_attack",
    "permuted",
    "shown_by",
    "spell",
    "usable",
]
