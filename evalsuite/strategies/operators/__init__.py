"""Operators: each makes a history more hostile and leaves the right answer as it is.

An operator is a function from a case, an edit and a world to a case. All that it chooses it takes
from the edit's three numbers, so it can be drawn, bred, reduced and written down; the names that it
brings in go into ``must_not_name``. Where it cannot be applied it returns the very case. A new
operator is a function of that shape and one line in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from evalsuite.cases import Case
from evalsuite.strategies.attack import Edit, World
from evalsuite.strategies.operators import characters, forging, reference, turns
from evalsuite.strategies.operators.editing import sealed
from evalsuite.strategies.operators.reference import imitable

Operator = Callable[[Case, Edit, World], Case]

OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        "control_tokens": forging.forge_control_tokens,
        "instruction": forging.instruct,
        "template_syntax": forging.write_template_syntax,
        "markup": forging.write_markup,
        "delimiters": forging.forge_delimiters,
        "role_confusion": forging.quote_another,
        "typos": characters.mistype,
        "width": characters.change_width,
        "traditional": characters.write_traditional,
        "zero_width": characters.hide_characters,
        "combining": characters.stack_marks,
        "bidi": characters.turn_direction,
        "emoji": characters.add_emoji,
        "right_to_left": characters.write_right_to_left,
        "code_switching": characters.switch_language,
        "drop_assistant": turns.drop_assistant,
        "duplicate": turns.duplicate,
        "long_turn": turns.lengthen,
        "empty_turn": turns.insert_empty_looking,
        "gap": turns.open_gap,
        "recency_trap": reference.set_trap,
        "near_name": reference.confuse_names,
        "mismatch": reference.mismatch,
        "correction": reference.correct,
        "distractor": turns.insert_distractors,
        "drift": turns.drift,
        "window": turns.fill_window,
        "lookalike": reference.imitate_demonstration,
    }
)
"""Operators by name; the first add the fewest turns, so shrinking prefers them."""

_LAST = ("drop_assistant", "duplicate", "window")
"""These look at the whole history, so they come after all others."""


def applied(case: Case, edits: Sequence[Edit], world: World) -> tuple[Case, tuple[Edit, ...]]:
    """Make the edits and return the case, sealed, with those that changed something.

    A look-alike comes first because it replaces the case; what looks at the whole history last.
    """
    used: list[Edit] = []
    for edit in sorted(edits, key=_turn):
        made = OPERATORS[edit.operator](case, edit, world)
        if made is not case:
            used.append(edit)
            case = made
    names = {edit.operator for edit in used}
    return sealed(case, [name for name in OPERATORS if name in names]), tuple(used)


def _turn(edit: Edit) -> int:
    if edit.operator == "lookalike":
        return -1
    return 1 + _LAST.index(edit.operator) if edit.operator in _LAST else 0


def usable(world: World) -> tuple[str, ...]:
    """The operators that have what they need: a demonstration to imitate, a window to fill."""
    lures = any(imitable(shown) for shown in world.demonstrations.values())
    needs = {"lookalike": lures, "window": world.room is not None}
    return tuple(name for name in OPERATORS if needs.get(name, True))


__all__ = ["OPERATORS", "Operator", "applied", "sealed", "usable"]
