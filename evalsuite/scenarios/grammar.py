"""From one template of the grammar to one case with a known answer.

A template is a pair (how the conversation opens, how the query asks); it belongs to one split.
Cases whose query begins in the same words form a cluster. Everything else - names, type, attribute,
which of two is meant - is drawn, so the antecedent, the distractors and the right rewrite are known
by construction.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import Message, Role
from evalsuite.errors import InvalidInput
from evalsuite.prompts import Demonstration
from evalsuite.scenarios.chinese import CHINESE
from evalsuite.scenarios.english import ENGLISH
from evalsuite.scenarios.lexicon import Elliptic, Lexicon, Opener, lead
from evalsuite.scenarios.names import Split, invent_name
from evalsuite.scenarios.queries import ASKERS, Asked, Draw, elliptic, fill_query, named

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
    opening: Opener | None = None
    """An opener of one's own; None: the lexicon's."""
    elliptic: Elliptic | None = None
    """A question without a subject of one's own; None: the lexicon's."""

    @property
    def asked(self) -> str:
        """The query with its slots."""
        lexicon = LEXICONS[self.language]
        if self.frame is not None:
            return self.frame
        if self.kind is Kind.DROPPED_SUBJECT:
            return (self.elliptic or lexicon.elliptic[self.split][self.query]).bare
        return lexicon.queries[self.split][self.query]

    @property
    def cluster(self) -> str:
        """The cluster of every case that asks in these words, of whatever kind it is."""
        return cluster_of(self.split, self.language, self.asked)

    def case(
        self,
        rng: random.Random,
        case_id: str,
        source: str = "",
        avoid: frozenset[str] = frozenset(),
        distance: int | None = None,
    ) -> Case:
        """Make one case of the template; see :func:`make_case`."""
        return make_case(rng, self, case_id, source, avoid, distance)

    def asks_like(self, case: Case, shown: Sequence[Demonstration]) -> bool:
        """Whether a case shares its lead, its attribute or its adjective with one of these."""
        lexicon = LEXICONS[case.language]
        fillings = [
            word
            for word in (*(a for t in lexicon.types for a in t.attributes), *lexicon.adjectives)
            if f"{{{'adj' if word in lexicon.adjectives else 'attr'}}}" in self.asked
        ]
        theirs = [d.query for d in shown]
        shared = any(w in case.query and any(w in query for query in theirs) for w in fillings)
        return shared or any(lead(self.asked) in query for query in theirs)


def cluster_of(split: Split, language: Language, query: str) -> str:
    """Return the cluster id of a query with its slots."""
    return f"{split}/{language}/{lead(query)}"


def opens_like(kind: Kind) -> Kind:
    """The kind whose openers a kind shares."""
    return _OPENS_LIKE.get(kind, kind)


def openers(lexicon: Lexicon, kind: Kind, split: Split) -> tuple[Opener, ...]:
    """The ways in which a conversation of this kind may open."""
    return lexicon.openers[split][opens_like(kind)]


@cache
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


def _distance(lex: Lexicon, split: Split, rng: random.Random, n: int) -> tuple[Message, ...]:
    """``n`` exchanges that mention nothing, or as many as the split has."""
    fillers = lex.fillers[split]
    return tuple(
        Message(role, text)
        for pair in rng.sample(fillers, min(n, len(fillers)))
        for role, text in zip((Role.USER, Role.ASSISTANT), pair, strict=True)
    )


def make_case(
    rng: random.Random,
    template: Template,
    case_id: str,
    source: str = "",
    avoid: frozenset[str] = frozenset(),
    distance: int | None = None,
    between: tuple[Message, ...] | None = None,
) -> Case:
    """Make one case of a template; the state of ``rng`` decides everything that is drawn.

    Args:
        rng: the only source of randomness.
        template: how the conversation opens and how the query asks.
        case_id: the case's id.
        source: where the case comes from.
        avoid: names that are not used: a panel avoids what the prompt's demonstrations name,
            because a name in both could leak unseen.
        distance: for distant antecedents, exchanges in between; None draws two or three.
        between: for distant antecedents, the very messages in between.
    """
    lexicon = LEXICONS[template.language]
    drawn = draw(rng, template.language, template.kind, template.split, avoid)
    ways = openers(lexicon, template.kind, template.split)
    opener = template.opening or ways[template.opener]
    drawn = replace(drawn, told=opener.slots)
    history = _fill_history(opener, drawn)
    if template.kind is Kind.DISTANT:
        n = distance or rng.choice((2, 3))
        history += _distance(lexicon, template.split, rng, n) if between is None else between
    if template.kind is Kind.DROPPED_SUBJECT:
        supplied = template.elliptic or lexicon.elliptic[template.split][template.query]
        asked = elliptic(lexicon, supplied, drawn)
    else:
        asked = ASKERS[template.kind](lexicon, template.asked, drawn, rng)
    return _case(template, case_id, history, asked, source)


def _case(
    template: Template, case_id: str, history: tuple[Message, ...], asked: Asked, source: str
) -> Case:
    return Case(
        id=case_id,
        language=template.language,
        kind=template.kind,
        cluster=template.cluster,
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
    drawn = draw(rng, shown.language, Kind.SINGLE, split)
    frame = rng.choice(lexicon.queries[split])
    target = renamed[antecedents[0]]
    return Case(
        id=case_id,
        language=shown.language,
        kind=Kind.DEMONSTRATION_LURE,
        cluster=cluster_of(split, shown.language, frame),
        history=tuple(Message(m.role, renamed_text(m.content, renamed)) for m in shown.history),
        query=fill_query(frame, lexicon.thing, drawn),
        expect=Expectation(
            rewrites=named(lexicon, frame, drawn, (target,)),
            must_name=(target,),
            must_not_name=(
                *(v for k, v in renamed.items() if k != antecedents[0]),
                *shown.entities,
            ),
        ),
        source=source,
    )


def renamed_text(text: str, renamed: Mapping[str, str]) -> str:
    """The text with each name in the place of another."""
    for old, new in renamed.items():
        text = text.replace(old, new)
    return text
