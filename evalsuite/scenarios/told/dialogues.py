"""One conversation that tells facts and asks for one: the right answer follows from how it is made.

Two things are told of, each with values of its own, so that an answer which repeats what was said
states a wrong fact too. Everything is drawn; the state of the source of chance decides.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import Message, Role
from evalsuite.prompts import Demonstration
from evalsuite.scenarios.grammar import LEXICONS
from evalsuite.scenarios.lexicon import Pronoun
from evalsuite.scenarios.names import Split, seeded
from evalsuite.scenarios.natural.content import content as natural_content
from evalsuite.scenarios.natural.naming import invent_core, name_person
from evalsuite.scenarios.natural.wording import fill
from evalsuite.scenarios.told.content import (
    Exchange,
    Fact,
    Value,
    content,
    draw_values,
    every_form,
)

_UNTOLD = 0.5
"""Share of ``unanswerable`` in which nobody can tell which thing is meant; else the fact was not
told."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A thing or a person with what is told of it."""

    name: str
    forms: Pronoun
    values: Mapping[str, Value]


class _Talk:
    """One conversation that is being made up."""

    def __init__(
        self, rng: random.Random, language: Language, kind: Kind, avoid: frozenset[str]
    ) -> None:
        self.rng, self.language, self.kind = rng, language, kind
        self.content, self.lexicon = content(language), LEXICONS[language]
        self.avoid = set(avoid)
        if kind is Kind.PERSON:
            people = rng.sample(self.content.people, 2)
            self.asked, self.other = rng.sample(people[0].facts, 2)
            names = [self._person(female=one.female) for one in people]
            shapes = [self.lexicon.female if one.female else self.lexicon.male for one in people]
        else:
            sort = self.content.things[rng.choice(sorted(self.content.things))]
            self.asked, self.other = rng.sample(sort.facts, 2)
            names = [self._thing(sort.names) for _ in "ab"]
            shapes = [self.lexicon.thing, self.lexicon.thing]
        drawn = self._drawn()
        self.a, self.b = (
            _Known(name, forms, {key: values[at] for key, values in drawn.items()})
            for at, (name, forms) in enumerate(zip(names, shapes, strict=True))
        )

    def _drawn(self) -> dict[str, tuple[Value, ...]]:
        """Values of both facts for both things, no form of one in a form of another."""
        while True:
            drawn = {
                key: draw_values(self.rng, self.content.facts[key], self.language)
                for key in (self.asked, self.other)
            }
            forms = [value.forms for values in drawn.values() for value in values]
            if not any(a in b for one, other in permutations(forms, 2) for a in one for b in other):
                return drawn

    def _thing(self, shapes: Sequence[str]) -> str:
        core = invent_core(self.rng, self.language, Split.PANEL, avoid=frozenset(self.avoid))
        self.avoid.add(core)
        return self.rng.choice(shapes).format(core=core)

    def _person(self, *, female: bool) -> str:
        core = invent_core(
            self.rng, self.language, Split.PANEL, person=True, avoid=frozenset(self.avoid)
        )
        self.avoid.add(core)
        general = natural_content(self.language, Split.PANEL).general
        gender = "female" if female else "male"
        return str(name_person(self.rng, general, gender, core, self.language))

    @property
    def fact(self) -> Fact:
        """What is asked for."""
        return self.content.facts[self.asked]

    def told(self, known: _Known, key: str = "") -> str:
        """A sentence that tells a fact of a thing: what is asked for, or another."""
        key = key or self.asked
        value = known.values[key].said
        return fill(self.rng.choice(self.content.facts[key].tell), A=known.name, V=value)

    def said(self, exchange: Exchange, **parts: str) -> list[Message]:
        """What a user and the assistant say."""
        return [
            Message(Role.USER, fill(exchange.user, **parts)),
            Message(Role.ASSISTANT, fill(exchange.assistant, **parts)),
        ]

    def opened(self, known: _Known, *keys: str) -> list[Message]:
        """The user comes up with a thing, and its facts are told."""
        joint = "" if self.language is Language.ZH else " "
        facts = joint.join(self.told(known, key) for key in keys or (self.asked,))
        return self.said(self.rng.choice(self.content.openings), A=known.name, T=facts)

    def turned(self, exchanges: Sequence[Exchange], known: _Known, *keys: str) -> list[Message]:
        """The user turns to a thing, and its facts are told."""
        joint = "" if self.language is Language.ZH else " "
        facts = joint.join(self.told(known, key) for key in keys or (self.asked,))
        return self.said(self.rng.choice(exchanges), B=known.name, T=facts)

    def paired(self, key: str = "") -> list[Message]:
        """Both are told of at once, the first one first."""
        exchange = self.rng.choice(self.content.pairs)
        told = {"T": self.told(self.a, key), "U": self.told(self.b, key)}
        return self.said(exchange, A=self.a.name, B=self.b.name, **told)

    def fillers(self, n: int) -> list[Message]:
        """Exchanges about nothing."""
        chosen = self.rng.sample(self.content.fillers, n)
        return [message for exchange in chosen for message in self.said(exchange)]

    def question(self, forms: Pronoun) -> str:
        """The question, with a reference."""
        slots = {"S": forms.subject, "O": forms.object, "P": forms.possessive}
        return fill(self.rng.choice(self.fact.ask), **slots)


_Made = tuple[list[Message], str, _Known | None]
"""History, query, and whose fact is the answer; None: it was never told."""


def _switched(talk: _Talk) -> _Made:
    history = [*talk.opened(talk.a), *talk.turned(talk.content.turns, talk.b)]
    return history, talk.question(talk.b.forms), talk.b


def _single(talk: _Talk) -> _Made:
    # Of the other thing another fact is told, in passing, before.
    history = [*talk.opened(talk.b, talk.other), *talk.turned(talk.content.turns, talk.a)]
    return history, talk.question(talk.a.forms), talk.a


def _distant(talk: _Talk) -> _Made:
    history, query, known = _switched(talk)
    return [*history, *talk.fillers(talk.rng.choice((2, 3)))], query, known


def _comparison(talk: _Talk) -> _Made:
    won = talk.rng.choice((talk.a, talk.b))
    exchange = talk.rng.choice(talk.content.choices)
    parts = {"A": talk.a.name, "B": talk.b.name, "W": won.name}
    history = talk.said(exchange, T=talk.told(talk.a), U=talk.told(talk.b), **parts)
    return history, talk.question(won.forms), won


def _correction(talk: _Talk) -> _Made:
    history = [*talk.opened(talk.a), *talk.turned(talk.content.corrections, talk.b)]
    return history, talk.question(talk.b.forms), talk.b


def _ordinal(talk: _Talk) -> _Made:
    which = talk.rng.randrange(2)
    said = talk.rng.choice(talk.content.ordinals)[which]
    forms = Pronoun(said + talk.lexicon.possessive_suffix, said, said)
    return talk.paired(), talk.question(forms), (talk.a, talk.b)[which]


def _person(talk: _Talk) -> _Made:
    known = talk.rng.choice((talk.a, talk.b))
    history = [*talk.opened(talk.a), *talk.turned(talk.content.turns, talk.b)]
    return history, talk.question(known.forms), known


def _dropped(talk: _Talk) -> _Made:
    history, _, known = _switched(talk)
    return history, talk.rng.choice(talk.fact.bare), known


def _untold(talk: _Talk) -> _Made:
    if talk.rng.random() < _UNTOLD:
        history = talk.paired()
    else:
        history = [*talk.opened(talk.a), *talk.turned(talk.content.turns, talk.b, talk.other)]
    return history, talk.question(talk.b.forms), None


_MAKERS: Mapping[Kind, Callable[[_Talk], _Made]] = {
    Kind.SINGLE: _single,
    Kind.COMPARISON: _comparison,
    Kind.TOPIC_SWITCH: _switched,
    Kind.DISTANT: _distant,
    Kind.PERSON: _person,
    Kind.ORDINAL: _ordinal,
    Kind.CORRECTION: _correction,
    Kind.UNANSWERABLE: _untold,
    Kind.DROPPED_SUBJECT: _dropped,
}
TOLD_KINDS = tuple(_MAKERS)
"""The kinds of question that a conversation of facts can ask."""


def told_case(
    rng: random.Random,
    language: Language,
    kind: Kind,
    case_id: str,
    source: str = "",
    avoid: frozenset[str] = frozenset(),
) -> Case:
    """Make one case; the state of ``rng`` decides everything that is drawn.

    Args:
        rng: the source of chance.
        language: of the conversation.
        kind: one of :data:`TOLD_KINDS`.
        case_id: of the case.
        source: where it comes from, for people.
        avoid: names that it must not use.
    """
    talk = _Talk(rng, language, kind, avoid)
    history, query, known = _MAKERS[kind](talk)
    right = () if known is None else known.values[talk.asked].forms
    said = "\n".join(message.content for message in history)
    others = [
        value
        for owner in (talk.a, talk.b)
        for value in owner.values.values()
        if owner is not known and value.said in said
    ]
    wrong = [form for value in others for form in value.forms]
    if known is None:
        # Whatever it is, nobody told it.
        wrong += every_form(talk.fact)
    return Case(
        id=case_id,
        language=language,
        kind=kind,
        cluster=f"told/{language.value}/{kind.value}/{talk.asked}",
        history=tuple(history),
        query=query,
        expect=Expectation(
            answers=right,
            not_answers=tuple(dict.fromkeys(form for form in wrong if form not in right)),
            untold=known is None,
        ),
        source=source,
    )


def sample_told_demonstrations(
    seed: int | str, n: int, language: Language, avoid: frozenset[str] = frozenset()
) -> tuple[Demonstration, ...]:
    """Sample solved questions about invented things, none of whose names another one has."""
    rng = seeded("told demonstrations", seed, language)
    shown: list[Demonstration] = []
    used = set(avoid)
    for _ in range(n):
        kind = rng.choice((Kind.TOPIC_SWITCH, Kind.COMPARISON, Kind.ORDINAL))
        talk = _Talk(rng, language, kind, frozenset(used))
        history, query, known = _MAKERS[kind](talk)
        if known is None:
            raise TypeError(f"{kind} tells nothing")
        used |= talk.avoid
        shown.append(
            Demonstration(
                history=tuple(history),
                query=query,
                rewrite=fill(talk.fact.tell[0], A=known.name, V=known.values[talk.asked].said),
                language=language,
                entities=(talk.a.name, talk.b.name),
            )
        )
    return tuple(shown)
