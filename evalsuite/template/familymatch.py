"""Which families a folder's own template speaks, token by token, and where it departs from others.

The maker's template is the truth about a model. A family that gives the same tokens for every
harmless conversation is that template; of the others, the first token that differs is what a person
has to look at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evalsuite.conversation import Conversation
from evalsuite.template.adversarial import adversarial_conversations
from evalsuite.template.agreement import first_difference, is_harmless, spoken
from evalsuite.template.families import FAMILIES
from evalsuite.template.isolated import own_ids
from evalsuite.template.rendering import WireTemplate
from evalsuite.template.shrinking import describe, size
from evalsuite.template.tokenizerfolder import read_tokenizer
from evalsuite.template.wire import fits


@dataclass(frozen=True, slots=True)
class FamilyMatch:
    """How one family compares with a folder's own template."""

    family: str
    compared: int
    """Conversations for which both have tokens."""
    same: int
    """Of these, how many are the same tokens."""
    departure: str | None
    """The smallest conversation where they part, and the first token that differs; None: none."""

    @property
    def whole(self) -> bool:
        """Whether the family is the folder's own template, as far as it was compared."""
        return self.compared > 0 and self.same == self.compared


def family_matches(folder: Path | str) -> list[FamilyMatch]:
    """Compare a folder's own template with every family that its tokenizer has the tokens of.

    Returns:
        The closest first; empty where the folder ships no template, or none that gives a text.

    Raises:
        TemplateError: a broken tokenizer.
    """
    files = read_tokenizer(folder)
    fitting = [WireTemplate(wire, files) for wire in FAMILIES.values() if fits(wire, files)]
    # In text with tokens in it the maker's template may do otherwise, which is no other family.
    tried = [c for c in adversarial_conversations(()) if is_harmless(c, files.added)]
    spoken_by: dict[tuple[tuple[str, bool], ...], list[tuple[int, ...] | None]] = {}
    for arguments in {template.wire.arguments for template in fitting}:
        own = own_ids(files.folder, tried, dict(arguments))
        if own is None:
            return []
        spoken_by[arguments] = own
    found = [
        _family_match(template, list(zip(tried, spoken_by[template.wire.arguments], strict=True)))
        for template in fitting
    ]
    return sorted((f for f in found if f.compared), key=lambda f: f.same, reverse=True)


def _family_match(
    template: WireTemplate, pairs: Sequence[tuple[Conversation, tuple[int, ...] | None]]
) -> FamilyMatch:
    carried = [(c, ids) for c, ids in pairs if ids is not None and template.refusal(c) is None]
    parted = [(c, ids) for c, ids in carried if ids not in (spoken(template, c), template.uncut(c))]
    departure = None
    if parted:
        smallest, ids = min(parted, key=lambda pair: size(pair[0]))
        where = first_difference(template, ids, spoken(template, smallest))
        departure = f"{where}, in: {describe(smallest)}"
    return FamilyMatch(template.family, len(carried), len(carried) - len(parted), departure)
