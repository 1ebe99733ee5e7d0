"""By what rule an answer to a skill item counts as right: plain values; detectors apply them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from evalsuite.errors import InvalidCase

Value = str | int | tuple[str, ...]
"""What an argument of an instruction holds."""


class Rule(StrEnum):
    """How an answer is compared with the right one."""

    EXACT = "exact"
    """The first line says it, up to case, width, spacing, quotes and final punctuation."""
    LAST_NUMBER = "last_number"
    """The number that the answer ends with has the same value."""
    CONTAINS = "contains"
    """It stands somewhere in the answer and is not denied there."""
    REGEX = "regex"
    """A regular expression is found in the answer."""
    CHOICE = "choice"
    """Nothing is written: of all options it is the likeliest."""
    CHOICE_LETTER = "choice_letter"
    """The options are listed by letters, and its letter is the likeliest, or the one that is
    written."""
    IFEVAL = "ifeval"
    """The answer keeps every instruction, as IFEval checks them."""
    DIVERGENCE = "divergence"
    """None is right or wrong: what the base answers is scored on both sides."""


class Normalise(StrEnum):
    """By what the log-probability of an option is divided before options are compared."""

    NONE = "none"
    """Nothing: ``acc`` of lm-eval."""
    CHARACTERS = "characters"
    """Its length in characters: ``acc_norm``."""
    BYTES = "bytes"
    """Its length in bytes of UTF-8: ``acc_bytes``."""

    def length(self, option: str) -> int:
        """The divisor of an option."""
        match self:
            case Normalise.NONE:
                return 1
            case Normalise.CHARACTERS:
                return len(option)
            case Normalise.BYTES:
                return len(option.encode())


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of IFEval, such as ``punctuation:no_comma``."""

    id: str
    kwargs: tuple[tuple[str, Value], ...] = ()
    """Its arguments, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRule:
    """A rule with what it needs.

    Raises:
        InvalidCase: a rule without the part that it compares by.
    """

    rule: Rule = Rule.EXACT
    pattern: str = ""
    """Of ``regex``."""
    listed: tuple[str, ...] = ()
    """Of ``choice_letter``: the texts of the options, in the order of their letters."""
    normalise: Normalise = Normalise.NONE
    """Of ``choice``."""
    instructions: tuple[Instruction, ...] = ()
    """Of ``ifeval``."""

    def __post_init__(self) -> None:
        needed = {
            Rule.REGEX: self.pattern,
            Rule.CHOICE_LETTER: self.listed,
            Rule.IFEVAL: self.instructions,
        }
        if not needed.get(self.rule, True):
            raise InvalidCase(f"the rule {self.rule.value!r} lacks what it compares by")


EXACTLY = AnswerRule()
"""The rule of items that name none."""
