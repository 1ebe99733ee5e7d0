"""Cases whose history is a demonstration's own, with its entities renamed."""

from __future__ import annotations

import random
import re

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import Message
from evalsuite.errors import InvalidInput
from evalsuite.prompts import Demonstration
from evalsuite.scenarios.grammar import LEXICONS, renamed_text
from evalsuite.scenarios.names import Split
from evalsuite.scenarios.natural.content import content
from evalsuite.scenarios.natural.naming import QUOTES, Name, invent_core
from evalsuite.scenarios.natural.wording import fill, named, slots_of


def make_lure(
    rng: random.Random,
    shown: Demonstration,
    split: Split,
    case_id: str,
    source: str = "",
    avoid: frozenset[str] = frozenset(),
) -> Case:
    """Make a case whose history is a demonstration's own, with its entities renamed.

    The query fits anything, because nobody knows what a prompt's own demonstration is about. Names
    of ``avoid`` are not used.

    Raises:
        InvalidInput: the demonstration names no entity in its history.
    """
    language, lexicon = shown.language, LEXICONS[shown.language]
    renamed: dict[str, str] = {}
    for entity in shown.entities:
        taken = avoid | {*shown.entities, *renamed.values()}
        renamed[entity] = invent_core(rng, language, split, avoid=taken)
    antecedents = [n for n in shown.entities if n in shown.rewrite]
    if not antecedents or not any(n in m.content for n in antecedents for m in shown.history):
        raise InvalidInput(f"demonstration {shown.query!r} names no entity that could tempt")
    place = rng.randrange(len(content(language, split).general.asks))
    frame = content(language, split).general.asks[place]
    history = tuple(Message(m.role, renamed_text(m.content, renamed)) for m in shown.history)
    meant = renamed[antecedents[0]]
    name = _as_written(meant, " ".join(m.content for m in history), language)
    return Case(
        id=case_id,
        language=language,
        kind=Kind.DEMONSTRATION_LURE,
        cluster=f"natural/{split}/{language}/general/{place}",
        history=history,
        query=fill(frame, **slots_of(lexicon.thing)),
        expect=Expectation(
            rewrites=tuple(named(frame, lexicon, (name,), "")),
            must_name=(name.full,),
            aliases=name.alias,
            must_not_name=(
                *(fresh for old, fresh in renamed.items() if old != antecedents[0]),
                *shown.entities,
            ),
        ),
        source=source,
    )


def _as_written(core: str, said: str, language: Language) -> Name:
    """The whole name around an invented word, as far as it has a shape that the world knows."""
    shapes = {
        shape
        for split in Split
        for kindred in content(language, split).types.values()
        for shape in kindred.names
    }
    found = [written for shape in shapes if (written := shape.format(core=core)) in said]
    written = max([core, *found], key=lambda name: (len(name), name))
    article = "the " if re.search(rf"\b[Tt]he {re.escape(written)}", said) else ""
    return Name(core, written.strip(QUOTES), article + written)
