"""What is asked about a drawn conversation, and the right answer, for each kind of reference."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from evalsuite.cases import Kind, Language
from evalsuite.scenarios.lexicon import Elliptic, EntityType, Lexicon, Pronoun


@dataclass(frozen=True, slots=True)
class Draw:
    """What was drawn for one case."""

    a: str
    b: str
    fresh: str
    """A name that the history does not hold."""
    type: EntityType
    attribute: str
    adjective: str
    comparative: str
    role: str
    female: bool
    first: bool
    """Whether, of the two entities, A is the one that is meant."""
    told: frozenset[str] = frozenset()
    """Slots of the opener: what the history says."""

    @property
    def noun(self) -> str:
        """What the history calls the things, or ''."""
        return self.type.noun if "type" in self.told else ""

    @property
    def calling(self) -> str:
        """What the history calls the person, or ''."""
        return self.role if "role" in self.told else ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A query with its right answer."""

    query: str
    rewrites: tuple[str, ...]
    named: tuple[str, ...]
    distractors: tuple[str, ...] = ()
    unchanged: bool = False


def fill_query(frame: str, forms: Pronoun, drawn: Draw, attribute: str | None = None) -> str:
    """Fill a query's slots; ``attribute`` replaces the drawn one."""
    return frame.format(
        P=forms.possessive,
        S=forms.subject,
        O=forms.object,
        attr=drawn.attribute if attribute is None else attribute,
        adj=drawn.adjective,
    )


def as_pronoun(lexicon: Lexicon, name: str) -> Pronoun:
    """A name in the three forms of a pronoun."""
    return Pronoun(name + lexicon.possessive_suffix, name, name)


def named(
    lexicon: Lexicon,
    frame: str,
    drawn: Draw,
    names: tuple[str, ...],
    *,
    noun: str = "",
    attribute: str | None = None,
) -> tuple[str, ...]:
    """Every way that the grammar knows to ask the query by name, the plainest first.

    Two names in either order, an attribute before or behind its owner, a name after what it is
    where ``noun`` says that.
    """
    found = []
    for phrase in _phrases(lexicon, names, noun):
        found.append(fill_query(frame, as_pronoun(lexicon, phrase), drawn, attribute))
        if lexicon.genitive and lexicon.possession in frame:
            behind = frame.replace(lexicon.possession, lexicon.genitive.replace("{N}", "{S}"))
            found.append(fill_query(behind, as_pronoun(lexicon, phrase), drawn, attribute))
    return tuple(found)


def _phrases(lexicon: Lexicon, names: tuple[str, ...], noun: str) -> tuple[str, ...]:
    orders = (names,) if len(names) == 1 else (names, names[::-1])
    plain = tuple(lexicon.conjunction.join(order) for order in orders)
    # One Chinese character before a name would read as a part of it.
    if len(noun) < 2 or len(names) > 1:
        return plain
    return (*plain, lexicon.apposition.format(noun=noun, N=names[0]))


def _refer(
    lexicon: Lexicon,
    frame: str,
    drawn: Draw,
    pronoun: Pronoun,
    names: tuple[str, ...],
    noun: str | None = None,
) -> Asked:
    """Ask with a pronoun; the rewrite names its antecedent, everything else stays.

    ``noun`` is what the history calls the antecedent; None: its type, if the history says that.
    """
    rewrites = named(lexicon, frame, drawn, names, noun=drawn.noun if noun is None else noun)
    others = tuple(n for n in (drawn.a, drawn.b) if n not in names)
    return Asked(fill_query(frame, pronoun, drawn), rewrites, names, others)


def _single(lex: Lexicon, frame: str, drawn: Draw, rng: random.Random) -> Asked:
    del rng
    asked = _refer(lex, frame, drawn, lex.thing, (drawn.a,))
    return replace(asked, distractors=())


def _comparison(lex: Lexicon, frame: str, drawn: Draw, rng: random.Random) -> Asked:
    del rng
    return _refer(lex, frame, drawn, lex.thing, (drawn.a if drawn.first else drawn.b,))


def _latest(lex: Lexicon, frame: str, drawn: Draw, rng: random.Random) -> Asked:
    del rng
    return _refer(lex, frame, drawn, lex.thing, (drawn.b,))


def _plural(lex: Lexicon, frame: str, drawn: Draw, rng: random.Random) -> Asked:
    del rng
    return _refer(lex, frame, drawn, lex.plural, (drawn.a, drawn.b))


def _person(lex: Lexicon, frame: str, drawn: Draw, rng: random.Random) -> Asked:
    """Mostly the person; sometimes the thing, so that "always the person" is not a way out."""
    if rng.random() < 0.3:
        return _refer(lex, frame, drawn, lex.thing, (drawn.b,), "")
    personal = replace(drawn, attribute=rng.choice(lex.person_attributes))
    form = lex.female if drawn.female else lex.male
    return _refer(lex, frame, personal, form, (drawn.a,), drawn.calling)


def _ordinal(lex: Lexicon, frame: str, drawn: Draw, rng: random.Random) -> Asked:
    del rng
    if drawn.first:
        return _refer(lex, frame, drawn, lex.former, (drawn.a,))
    return _refer(lex, frame, drawn, lex.latter, (drawn.b,))


def _standalone(lex: Lexicon, frame: str, drawn: Draw, rng: random.Random) -> Asked:
    name = drawn.a if rng.random() < 0.5 else drawn.fresh
    query = fill_query(frame, as_pronoun(lex, name), drawn)
    other = () if name == drawn.a else (drawn.a,)
    return Asked(query, (query,), (name,), other, unchanged=True)


def _unanswerable(lex: Lexicon, frame: str, drawn: Draw, rng: random.Random) -> Asked:
    del rng
    query = fill_query(frame, lex.thing, drawn)
    return Asked(query, (query,), (), (drawn.a, drawn.b), unchanged=True)


def elliptic(lexicon: Lexicon, asked: Elliptic, drawn: Draw) -> Asked:
    """Ask without a subject; the rewrite supplies it."""
    slots = {"attr": drawn.attribute, "adj": drawn.adjective}
    rewrites = tuple(
        full.format(**slots, N=phrase)
        for phrase in _phrases(lexicon, (drawn.a,), drawn.noun)
        for full in asked.full
    )
    return Asked(asked.bare.format(**slots), rewrites, (drawn.a,))


def misspell(word: str, rng: random.Random) -> str:
    """Double one inner letter, or swap two that differ."""
    if len(word) < 4:
        return word + word[-1:]
    at = rng.randrange(2, len(word) - 1)
    if rng.random() < 0.5 or word[at] == word[at - 1]:
        return word[:at] + word[at] + word[at:]
    return word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]


def _noisy(lex: Lexicon, frame: str, drawn: Draw, rng: random.Random) -> Asked:
    """The reference is ordinary, the text around it is not.

    The noise may stay as it is, or be mended: then the attribute is in the query's language, the
    word spelt as it should be.
    """
    names = (drawn.a,)
    if "{attr}" in frame and rng.random() < 0.5:
        foreign, own = rng.choice(tuple(lex.foreign_attributes.items()))
        query = fill_query(frame, lex.thing, drawn, foreign)
        kept, mended = (
            named(lex, frame, drawn, names, noun=drawn.noun, attribute=attribute)
            for attribute in (foreign, own)
        )
        return Asked(query, (*kept, *mended), names)
    noisy = _garbled(lex, frame, rng)
    kept, mended = (named(lex, f, drawn, names, noun=drawn.noun) for f in (noisy, frame))
    return Asked(fill_query(noisy, lex.thing, drawn), (*kept, *mended), names)


def _garbled(lexicon: Lexicon, frame: str, rng: random.Random) -> str:
    """Misspell the longest word before the slot, or double the marks in Chinese."""
    before, brace, after = frame.partition("{")
    if lexicon.language is Language.ZH:
        return before + brace + after.replace("？", "??").replace("。", "..")
    words = before.split(" ")
    longest = max(range(len(words)), key=lambda i: len(words[i]))
    words[longest] = misspell(words[longest], rng)
    return " ".join(words) + brace + after


ASKERS: Mapping[Kind, Callable[[Lexicon, str, Draw, random.Random], Asked]] = {
    Kind.SINGLE: _single,
    Kind.COMPARISON: _comparison,
    Kind.TOPIC_SWITCH: _latest,
    Kind.DISTANT: _single,
    Kind.PLURAL: _plural,
    Kind.PERSON: _person,
    Kind.ORDINAL: _ordinal,
    Kind.CORRECTION: _latest,
    Kind.STANDALONE: _standalone,
    Kind.UNANSWERABLE: _unanswerable,
    Kind.NOISY: _noisy,
}
