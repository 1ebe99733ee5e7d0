"""What is asked about a drawn conversation, and the right answer, for each kind of reference."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from evalsuite.cases import Kind, Language
from evalsuite.scenarios.lexicon import EntityType, Lexicon, Pronoun


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


def _refer(
    lexicon: Lexicon, frame: str, drawn: Draw, pronoun: Pronoun, names: tuple[str, ...]
) -> Asked:
    """Ask with a pronoun; the rewrite names its antecedent, everything else stays."""
    joined = lexicon.conjunction.join(names)
    rewrite = fill_query(frame, as_pronoun(lexicon, joined), drawn)
    others = tuple(n for n in (drawn.a, drawn.b) if n not in names)
    return Asked(fill_query(frame, pronoun, drawn), (rewrite,), names, others)


def _single(lex: Lexicon, frame: str, drawn: Draw, rng: random.Random) -> Asked:
    del rng
    asked = _refer(lex, frame, drawn, lex.thing, (drawn.a,))
    return Asked(asked.query, asked.rewrites, asked.named)


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
        return _refer(lex, frame, drawn, lex.thing, (drawn.b,))
    personal = replace(drawn, attribute=rng.choice(lex.person_attributes))
    return _refer(lex, frame, personal, lex.female if drawn.female else lex.male, (drawn.a,))


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


def _typo(word: str, rng: random.Random) -> str:
    """Double one inner letter, or swap two."""
    if len(word) < 4:
        return word + word[-1:]
    at = rng.randrange(2, len(word) - 1)
    if rng.random() < 0.5:
        return word[:at] + word[at] + word[at:]
    return word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]


def _noisy(lex: Lexicon, frame: str, drawn: Draw, rng: random.Random) -> Asked:
    """The reference is ordinary, the text around it is not; the noise may stay as it is."""
    if "{attr}" in frame and rng.random() < 0.5:
        foreign = rng.choice(lex.foreign_attributes)
        named = fill_query(frame, as_pronoun(lex, drawn.a), drawn, foreign)
        return Asked(fill_query(frame, lex.thing, drawn, foreign), (named,), (drawn.a,))
    before, brace, after = frame.partition("{")
    if lex.language is Language.EN:
        words = before.split(" ")
        longest = max(range(len(words)), key=lambda i: len(words[i]))
        words[longest] = _typo(words[longest], rng)
        noisy = " ".join(words) + brace + after
    else:
        noisy = before + brace + after.replace("？", "??").replace("。", "..")
    return Asked(
        fill_query(noisy, lex.thing, drawn),
        (
            fill_query(noisy, as_pronoun(lex, drawn.a), drawn),
            fill_query(frame, as_pronoun(lex, drawn.a), drawn),
        ),
        (drawn.a,),
    )


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
