"""What the source of a chat template holds: texts and numbers that it may look for in a content."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jinja2 import Environment

_MAX_WORD: Final = 400
_MAX_WORDS: Final = 2000
_MAX_LENGTH: Final = 20_000
"""Of a content that is tried because a source compares a length with a number."""


def words(environment: Environment, source: str) -> list[str]:
    """What a source may look for in a content: its texts, alone, in company and put together.

    Raises:
        ValueError: it holds more than are tried.
    """
    found, numbers = source_words(environment, source), source_numbers(environment, source)
    lengths = {"x" * (number + more) for number in numbers for more in (-1, 0, 1)} - {""}
    spelled = {f for w in found for f in (w, f"x {w} y", w.upper(), w.lower(), w[::-1])}
    if len(spelled | lengths) > _MAX_WORDS:
        raise ValueError(f"its source holds more than {_MAX_WORDS} words to try")
    return sorted(spelled | lengths)


def source_words(environment: Environment, source: str) -> list[str]:
    """The texts of a source, and each two that follow each other, for a word in two halves."""
    from jinja2 import nodes

    tree = environment.parse(source)
    texts = [node.value for node in tree.find_all(nodes.Const) if isinstance(node.value, str)]
    texts += [first + second for first, second in itertools.pairwise(texts)]
    found = {text.strip() for text in texts if 0 < len(text.strip()) <= _MAX_WORD}
    # Letters and digits by themselves are in every content.
    return sorted(text for text in found if len(text) > 1 or not text.isalnum())


def source_numbers(environment: Environment, source: str) -> list[int]:
    """The numbers of a source with which it may compare a length."""
    from jinja2 import nodes

    values = [node.value for node in environment.parse(source).find_all(nodes.Const)]
    numbers = [v for v in values if isinstance(v, int) and not isinstance(v, bool)]
    return sorted({number for number in numbers if 0 < number < _MAX_LENGTH})
