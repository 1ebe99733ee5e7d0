"""From one template of the grammar to one case with a known answer.

A template is a pair (how the conversation opens, how the query asks); it belongs to one split and
is the case's cluster. Everything else - names, type, attribute, which of two is meant - is drawn,
so the antecedent, the distractors and the right rewrite are known by construction.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import Message, Role
from evalsuite.errors import InvalidInput
from evalsuite.prompts import Demonstration
from evalsuite.scenarios.chinese import CHINESE
from evalsuite.scenarios.english import ENGLISH
from evalsuite.scenarios.lexicon import EntityType, Lexicon, Opener, Pronoun
from evalsuite.scenarios.names import Split, invent_name

LEXICONS: Mapping[Language, Lexicon] = {Language.EN: ENGLISH, Language.ZH: CHINESE}

_ARTICLE = re.compile(r"\ba (?=[aeiou])")

# Kinds that open like another kind and differ in what follows.
_OPENS_LIKE: Mapping[Kind, Kind] = {
    Kind.DISTANT: Kind.SINGLE,
    Kind.DROPPED_SUBJECT: Kind.SINGLE,
    Kind.STANDALONE: Kind.SINGLE,
    Kind.NOISY: Kind.SINGLE,
}


@dataclass(frozen=True, slots=True)
class Template:
    """An opener and a query, by their places in the lexicon."""

    language: Language
    kind: Kind
    split: Split
    opener: int
    query: int
    frame: str | None = None
    """A query of one's own, with one slot; None: the lexicon's."""

    @property
    def id(self) -> str:
        """The cluster id of every case made from this template."""
        return f"{self.split}/{self.language}/{self.kind}/o{self.opener}q{self.query}"


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
class _Asked:
    """A query with its right answer."""

    query: str
    rewrites: tuple[str, ...]
    named: tuple[str, ...]
    distractors: tuple[str, ...] = ()
    unchanged: bool = False


def openers(lexicon: Lexicon, kind: Kind, split: Split) -> tuple[Opener, ...]:
    """The ways in which a conversation of this kind may open."""
    return lexicon.openers[split][_OPENS_LIKE.get(kind, kind)]


def templates(language: Language, kind: Kind, split: Split) -> tuple[Template, ...]:
    """Every template of a kind, in a fixed order.

    Raises:
        InvalidInput: the kind exists only relative to a demonstration.
    """
    if kind is Kind.DEMONSTRATION_LURE:
        raise InvalidInput("kind=demonstration_lure has no templates of its own; use lure()")
    lexicon = LEXICONS[language]
    asked = lexicon.elliptic if kind is Kind.DROPPED_SUBJECT else lexicon.queries
    return tuple(
        Template(language, kind, split, opener, query)
        for query in range(len(asked[split]))
        for opener in range(len(openers(lexicon, kind, split)))
    )


def draw(
    rng: random.Random,
    language: Language,
    kind: Kind,
    split: Split,
    avoid: frozenset[str] = frozenset(),
) -> Draw:
    """Draw names, none of ``avoid``, and fillings for one case."""
    lexicon = LEXICONS[language]
    a = invent_name(rng, language, split, person=kind is Kind.PERSON, avoid=avoid)
    b = invent_name(rng, language, split, avoid=avoid | {a})
    fresh = invent_name(rng, language, split, avoid=avoid | {a, b})
    entity = rng.choice(lexicon.types)
    female = rng.random() < 0.5
    return Draw(
        a=a,
        b=b,
        fresh=fresh,
        type=entity,
        attribute=rng.choice(entity.attributes),
        adjective=rng.choice(lexicon.adjectives),
        comparative=rng.choice(entity.comparatives),
        role=rng.choice(lexicon.female_roles if female else lexicon.male_roles),
        female=female,
        first=rng.random() < 0.5,
    )


def _fill_history(opener: Opener, drawn: Draw) -> tuple[Message, ...]:
    slots = {
        "A": drawn.a,
        "B": drawn.b,
        "W": drawn.a if drawn.first else drawn.b,
        "type": drawn.type.noun,
        "comp": drawn.comparative,
        "role": drawn.role,
    }
    roles = (Role.USER, Role.ASSISTANT)
    texts = [_ARTICLE.sub("an ", text.format(**slots)) for text in opener.texts]
    return tuple(Message(roles[i % 2], text) for i, text in enumerate(texts))


def _fill_query(frame: str, forms: Pronoun, drawn: Draw, attribute: str | None = None) -> str:
    return frame.format(
        P=forms.possessive,
        S=forms.subject,
        O=forms.object,
        attr=drawn.attribute if attribute is None else attribute,
        adj=drawn.adjective,
    )


def _named(lexicon: Lexicon, name: str) -> Pronoun:
    return Pronoun(name + lexicon.possessive_suffix, name, name)


def _refer(
    lexicon: Lexicon, frame: str, drawn: Draw, pronoun: Pronoun, names: tuple[str, ...]
) -> _Asked:
    """Ask with a pronoun; the rewrite names its antecedent, everything else stays."""
    joined = lexicon.conjunction.join(names)
    rewrite = _fill_query(frame, _named(lexicon, joined), drawn)
    others = tuple(n for n in (drawn.a, drawn.b) if n not in names)
    return _Asked(_fill_query(frame, pronoun, drawn), (rewrite,), names, others)


def _single(lex: Lexicon, frame: str, drawn: Draw, rng: random.Random) -> _Asked:
    del rng
    asked = _refer(lex, frame, drawn, lex.thing, (drawn.a,))
    return _Asked(asked.query, asked.rewrites, asked.named)


def _comparison(lex: Lexicon, frame: str, drawn: Draw, rng: random.Random) -> _Asked:
    del rng
    return _refer(lex, frame, drawn, lex.thing, (drawn.a if drawn.first else drawn.b,))


def _latest(lex: Lexicon, frame: str, drawn: Draw, rng: random.Random) -> _Asked:
    del rng
    return _refer(lex, frame, drawn, lex.thing, (drawn.b,))


def _plural(lex: Lexicon, frame: str, drawn: Draw, rng: random.Random) -> _Asked:
    del rng
    return _refer(lex, frame, drawn, lex.plural, (drawn.a, drawn.b))


def _person(lex: Lexicon, frame: str, drawn: Draw, rng: random.Random) -> _Asked:
    """Mostly the person; sometimes the thing, so that "always the person" is not a way out."""
    if rng.random() < 0.3:
        return _refer(lex, frame, drawn, lex.thing, (drawn.b,))
    personal = replace(drawn, attribute=rng.choice(lex.person_attributes))
    return _refer(lex, frame, personal, lex.female if drawn.female else lex.male, (drawn.a,))


def _ordinal(lex: Lexicon, frame: str, drawn: Draw, rng: random.Random) -> _Asked:
    del rng
    if drawn.first:
        return _refer(lex, frame, drawn, lex.former, (drawn.a,))
    return _refer(lex, frame, drawn, lex.latter, (drawn.b,))


def _standalone(lex: Lexicon, frame: str, drawn: Draw, rng: random.Random) -> _Asked:
    name = drawn.a if rng.random() < 0.5 else drawn.fresh
    query = _fill_query(frame, _named(lex, name), drawn)
    return _Asked(query, (query,), (name,), unchanged=True)


def _unanswerable(lex: Lexicon, frame: str, drawn: Draw, rng: random.Random) -> _Asked:
    del rng
    query = _fill_query(frame, lex.thing, drawn)
    return _Asked(query, (query,), (), (drawn.a, drawn.b), unchanged=True)


def _typo(word: str, rng: random.Random) -> str:
    """Double one inner letter, or swap two."""
    if len(word) < 4:
        return word + word[-1:]
    at = rng.randrange(2, len(word) - 1)
    if rng.random() < 0.5:
        return word[:at] + word[at] + word[at:]
    return word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]


def _noisy(lex: Lexicon, frame: str, drawn: Draw, rng: random.Random) -> _Asked:
    """The reference is ordinary, the text around it is not; the noise may stay as it is."""
    if "{attr}" in frame and rng.random() < 0.5:
        foreign = rng.choice(lex.foreign_attributes)
        named = _fill_query(frame, _named(lex, drawn.a), drawn, foreign)
        return _Asked(_fill_query(frame, lex.thing, drawn, foreign), (named,), (drawn.a,))
    before, brace, after = frame.partition("{")
    if lex.language is Language.EN:
        words = before.split(" ")
        longest = max(range(len(words)), key=lambda i: len(words[i]))
        words[longest] = _typo(words[longest], rng)
        noisy = " ".join(words) + brace + after
    else:
        noisy = before + brace + after.replace("？", "??").replace("。", "..")
    return _Asked(
        _fill_query(noisy, lex.thing, drawn),
        (
            _fill_query(noisy, _named(lex, drawn.a), drawn),
            _fill_query(frame, _named(lex, drawn.a), drawn),
        ),
        (drawn.a,),
    )


_ASKERS: Mapping[Kind, Callable[[Lexicon, str, Draw, random.Random], _Asked]] = {
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


def _elliptic(lex: Lexicon, template: Template, drawn: Draw) -> _Asked:
    bare, full = lex.elliptic[template.split][template.query]
    slots = {"attr": drawn.attribute, "adj": drawn.adjective, "N": drawn.a}
    return _Asked(bare.format(**slots), (full.format(**slots),), (drawn.a,))


def _distance(lex: Lexicon, split: Split, rng: random.Random) -> tuple[Message, ...]:
    """Two or three exchanges that mention nothing."""
    chosen = rng.sample(
        lex.fillers[split], 2 if len(lex.fillers[split]) < 3 else rng.choice((2, 3))
    )
    return tuple(
        Message(role, text)
        for pair in chosen
        for role, text in zip((Role.USER, Role.ASSISTANT), pair, strict=True)
    )


def make_case(
    rng: random.Random,
    template: Template,
    case_id: str,
    source: str = "",
    avoid: frozenset[str] = frozenset(),
) -> Case:
    """Make one case of a template; the state of ``rng`` decides everything that is drawn.

    Names of ``avoid`` are not used: a panel avoids what the prompt's demonstrations name, because
    a name in both could leak unseen.
    """
    lexicon = LEXICONS[template.language]
    drawn = draw(rng, template.language, template.kind, template.split, avoid)
    history = _fill_history(openers(lexicon, template.kind, template.split)[template.opener], drawn)
    if template.kind is Kind.DISTANT:
        history += _distance(lexicon, template.split, rng)
    if template.kind is Kind.DROPPED_SUBJECT:
        asked = _elliptic(lexicon, template, drawn)
    else:
        frame = template.frame or lexicon.queries[template.split][template.query]
        asked = _ASKERS[template.kind](lexicon, frame, drawn, rng)
    return _case(template, case_id, history, asked, source)


def _case(
    template: Template, case_id: str, history: tuple[Message, ...], asked: _Asked, source: str
) -> Case:
    return Case(
        id=case_id,
        language=template.language,
        kind=template.kind,
        cluster=template.id,
        history=history,
        query=asked.query,
        expect=Expectation(
            rewrites=asked.rewrites,
            must_name=asked.named,
            must_not_name=asked.distractors,
            unchanged=asked.unchanged,
        ),
        source=source,
    )


def make_lure(
    rng: random.Random,
    shown: Demonstration,
    split: Split,
    case_id: str,
    source: str = "",
    avoid: frozenset[str] = frozenset(),
) -> Case:
    """Make a case whose history is a demonstration's own, with its entities renamed.

    Names of ``avoid`` are not used.

    Raises:
        InvalidInput: the demonstration names no entity in its history.
    """
    lexicon = LEXICONS[shown.language]
    renamed: dict[str, str] = {}
    for name in shown.entities:
        taken = avoid | {*shown.entities, *renamed.values()}
        renamed[name] = invent_name(rng, shown.language, split, avoid=taken)
    antecedents = [n for n in shown.entities if n in shown.rewrite]
    if not antecedents or not any(n in m.content for n in antecedents for m in shown.history):
        raise InvalidInput(f"demonstration {shown.query!r} names no entity that could tempt")
    query = rng.randrange(len(lexicon.queries[split]))
    drawn = draw(rng, shown.language, Kind.SINGLE, split)
    frame = lexicon.queries[split][query]
    target = renamed[antecedents[0]]
    return Case(
        id=case_id,
        language=shown.language,
        kind=Kind.DEMONSTRATION_LURE,
        cluster=f"{split}/{shown.language}/{Kind.DEMONSTRATION_LURE}/{shown.query[:24]}/q{query}",
        history=tuple(Message(m.role, _rename(m.content, renamed)) for m in shown.history),
        query=_fill_query(frame, lexicon.thing, drawn),
        expect=Expectation(
            rewrites=(_fill_query(frame, _named(lexicon, target), drawn),),
            must_name=(target,),
            must_not_name=(
                *(v for k, v in renamed.items() if k != antecedents[0]),
                *shown.entities,
            ),
        ),
        source=source,
    )


def _rename(text: str, renamed: Mapping[str, str]) -> str:
    for old, new in renamed.items():
        text = text.replace(old, new)
    return text
