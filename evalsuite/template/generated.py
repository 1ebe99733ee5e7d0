"""What a model says after a prompt, without its thoughts and without what the format puts there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Protocol

from evalsuite.template.notation import Block, Control, Literal, Slot
from evalsuite.template.pieces import Place, head
from evalsuite.template.spelling import THOUGHT


class Speaking(Protocol):
    """What is needed of the template that wrote the prompt."""

    control_ids: Mapping[str, int]
    """Every added token of the tokenizer."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids."""

    def led(self, place: Place) -> str:
        """The blank that the tokenizer puts in front of a text in this place."""

    def fixed(self, pieces: Block, place: Place) -> tuple[int, ...]:
        """The ids of pieces that hold no content."""


class Generated:
    """Reads generated ids.

    Args:
        template: that wrote the prompt.
        learned: what a model learned to say after a prompt, with the stop token.
        place: where the first of it stands.
        opened: whether the prompt ends within a thought.
    """

    def __init__(self, template: Speaking, learned: Block, place: Place, *, opened: bool) -> None:
        self._template = template
        self._learned = learned
        self._before = head(learned)
        self._place = place
        self._opened = opened

    def thought(self, ids: tuple[int, ...]) -> int:
        """Return how many ids at the start are thoughts, and no answer.

        Where an answer starts with tokens of its own, all in front of these: gpt-oss thinks in a
        message of another channel.
        """
        if self._opening:
            return _behind_last(self._opening, ids)
        begin, end = (self._template.control_ids.get(token) for token in THOUGHT)
        begun = self._opened or (bool(ids) and ids[0] == begin)
        if end is None or not begun:
            return 0
        return ids.index(end) + 1 if end in ids else len(ids)

    def answer(self, ids: tuple[int, ...]) -> str:
        """Return the text without thoughts and what the format puts around it."""
        start, before = self.thought(ids), self._before
        text = self._template.decode(ids[start:])
        thinks = not self._opening and any(isinstance(piece, Control) for piece in before)
        lead = before[-1].text if before and isinstance(before[-1], Literal) else ""
        if start and not thinks:
            text = text.lstrip("\n")
        elif start or not thinks:
            place = Place.AFTER_CONTROL if start else self._place
            text = text.removeprefix(self._template.led(place)).removeprefix(lead)
        at = next(i for i, piece in enumerate(self._learned) if isinstance(piece, Slot))
        rest = self._learned[at + 1]
        return text.removesuffix(rest.text) if isinstance(rest, Literal) else text

    @cached_property
    def _opening(self) -> tuple[int, ...]:
        """The ids that an answer starts with, up to a token that is none of a thought's."""
        controls = [piece for piece in self._before if isinstance(piece, Control)]
        if not controls or any(piece.text in THOUGHT for piece in controls):
            return ()
        end = max(at for at, piece in enumerate(self._before) if piece in controls)
        return self._template.fixed(self._before[: end + 1], self._place)


def _behind_last(opening: tuple[int, ...], ids: tuple[int, ...]) -> int:
    """Return where an answer begins behind the last of its openings.

    At the end, where something else was opened and no answer begins; at 0, where nothing was.
    """
    length = len(opening)
    for start in range(len(ids) - length, -1, -1):
        if ids[start : start + length] == opening:
            return start + length
    return len(ids) if ids[:1] == opening[:1] else 0
