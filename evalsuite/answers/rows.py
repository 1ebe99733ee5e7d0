"""What was found of each answer as rows of JSON, for other programs."""

from __future__ import annotations

import json
from collections.abc import Iterable

from evalsuite.answers.judging import LOSSES, Judged


def rows_text(found: Iterable[Judged]) -> str:
    """One object a line, in the order of the answers.

    ``{"id": ..., "right": true|false|null, "losses": {"named": ..., "kept": ..., "form": ...,
    "untouched": ..., "leak": ...}}``; each loss is 0, 1, or null where it was not asked.
    """
    return "".join(f"{json.dumps(_row(one), ensure_ascii=False)}\n" for one in found)


def _row(one: Judged) -> dict[str, object]:
    losses = {name: _whole(one.losses[name]) for name in LOSSES}
    return {"id": one.answer.id, "right": one.right, "losses": losses}


def _whole(loss: float | None) -> int | None:
    return None if loss is None else int(loss >= 0.5)
