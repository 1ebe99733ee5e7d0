"""Whether a model can be given the beginning of its answer, and stop where a prompt says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from evalsuite.errors import InvalidPrompt
from evalsuite.prompts.prompt import Prompt

_BEGINNINGS = ("How long is it?", "它什么时候开门？", "1990?", '"No"?')
"""Answers whose first characters tokenizers join with what stands before them, each in its way."""


class Answering(Protocol):
    """What a chat template knows of answers."""

    control_ids: Mapping[str, int]

    def answer_ids(self, text: str) -> tuple[int, ...]:
        """Return the ids of an answer, without the stop token."""

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids."""


def require_prefill(prompt: Prompt, template: Answering) -> None:
    """Refuse a prefill that a model which was trained on whole answers would never have read, and
    a stop string that hides what a model must not say.

    Raises:
        InvalidPrompt: either holds a control token of the template, or the tokenizer joins the
            prefill's end with what follows.
    """
    for stop in prompt.stop:
        for token in template.control_ids:
            if token in stop:
                raise InvalidPrompt(
                    f"prompt {prompt.name!r}: stop={stop!r} holds {token}, a token of the model's "
                    "own format: an answer ends at it anyway, and one in the middle of it is a "
                    "defect that this would hide; leave it out"
                )
    if not prompt.prefill:
        return
    said = f"prompt {prompt.name!r}: prefill={prompt.prefill!r}"
    for token in template.control_ids:
        if token in prompt.prefill:
            raise InvalidPrompt(
                f"{said} holds {token}, a token of the model's own format, which no text can "
                "become; leave it out"
            )
    begun = template.answer_ids(prompt.prefill)
    for probe in _BEGINNINGS:
        whole = template.answer_ids(prompt.write(probe))
        if whole[: len(begun)] != begun:
            told = [template.decode([token]) for token in begun[-2:]]
            joined = [template.decode([token]) for token in whole[len(begun) - 2 : len(begun) + 1]]
            raise InvalidPrompt(
                f"{said} ends in the tokens {told}, but in an answer the tokenizer joins its end "
                f"with what follows, {joined}; end it elsewhere, such as without its last blank"
            )
