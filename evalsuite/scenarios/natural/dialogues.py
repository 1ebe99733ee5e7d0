"""From one question of the natural world to one case with a known answer.

A template is a kind and a question; it belongs to one type of thing, or to none. Everything else is
drawn: names, how the conversation opens, what is asked in between, and how the query refers back.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import Conversation, Message, Role
from evalsuite.errors import InvalidInput
from evalsuite.prompts import Demonstration
from evalsuite.scenarios.grammar import LEXICONS
from evalsuite.scenarios.lexicon import Lexicon, Pronoun
from evalsuite.scenarios.names import Split
from evalsuite.scenarios.natural.content import (
    Answered,
    General,
    Hasty,
    Kindred,
    Left,
    content,
)
from evalsuite.scenarios.natural.naming import (
    Name,
    invent_core,
    name_person,
    name_thing,
    pick_called,
)
from evalsuite.scenarios.natural.questions import Question, places
from evalsuite.scenarios.natural.wording import fill, named, slots_of
from evalsuite.scenarios.queries import Asked

_FOLLOW_UPS = (0.45, 0.35, 0.2)
"""How often none, one or two other questions are asked and answered before the query."""
_GREETED = 0.1
_UNANSWERED = 0.12
"""Share of the histories that hold what the user said only, as some clients send them."""
_REFERENCES = {Language.EN: 0.2, Language.ZH: 0.35}
"""How often a query says "that ferry" where it could say "it"."""
_ORDINALS: Mapping[Language, tuple[tuple[str, str], ...]] = {
    Language.EN: (("the former", "the latter"), ("the first one", "the second one")),
    Language.ZH: (("前者", "后者"), ("第一个", "第二个")),
}
_ALTERNATIVES = re.compile(r"<([^<>|]+(?:\|[^<>|]+)+)>")
_ANSWERS_NEEDED = (Kind.COMPARISON, Kind.PERSON, Kind.DISTANT)
"""Kinds whose history says what is meant in an answer, or would be one long turn without any."""


class NaturalTemplate(Question):
    """A question about a type of thing, asked in a conversation of some kind."""

    __slots__ = ()

    def case(
        self,
        rng: random.Random,
        case_id: str,
        source: str = "",
        avoid: frozenset[str] = frozenset(),
        distance: int | None = None,
    ) -> Case:
        """Make one case; the state of ``rng`` decides everything that is drawn."""
        talk = _Talk(self, rng, avoid, distance)
        history, asked = _MAKERS[self.kind](talk)
        return Case(
            id=case_id,
            language=self.language,
            kind=self.kind,
            cluster=self.cluster,
            history=talk.sent(history),
            query=asked.query,
            expect=Expectation(
                rewrites=asked.rewrites,
                must_name=asked.named,
                must_not_name=asked.distractors,
                unchanged=asked.unchanged,
                aliases=() if asked.unchanged else talk.aliases(asked.named),
            ),
            source=source,
        )

    def asks_like(self, case: Case, shown: Sequence[Demonstration]) -> bool:
        """Whether the case's query shares half of its words with one of these."""
        names = (*case.expect.must_name, *case.expect.must_not_name)
        mine = _said_words(case.query, names, self.language)
        others = (_said_words(d.query, d.entities, self.language) for d in shown)
        return any(2 * len(mine & words) >= len(mine) for words in others)


def _said_words(text: str, names: Sequence[str], language: Language) -> frozenset[str]:
    """Longer words of a text, or pairs of ideographs, outside names."""
    for name in names:
        text = text.replace(name, " ")
    word = r"(?=([\u3400-\u9fff]{2}))" if language is Language.ZH else r"[a-z]{4,}"
    return frozenset(re.findall(word, text.casefold()))


@cache
def templates(language: Language, kind: Kind, split: Split) -> tuple[NaturalTemplate, ...]:
    """Every question of a kind, in a fixed order.

    Raises:
        InvalidInput: the kind exists only relative to a demonstration.
    """
    if kind is Kind.DEMONSTRATION_LURE:
        raise InvalidInput("kind=demonstration_lure has no templates of its own; use lure()")
    return tuple(
        NaturalTemplate(language, kind, split, *place) for place in places(language, kind, split)
    )


class _Talk:
    """One conversation that is being made up."""

    def __init__(
        self,
        template: NaturalTemplate,
        rng: random.Random,
        avoid: frozenset[str],
        distance: int | None,
    ) -> None:
        self.template = template
        self.rng = rng
        self.distance = distance
        self.language = template.language
        self.lexicon: Lexicon = LEXICONS[template.language]
        part = content(template.language, template.split)
        self.general: General = part.general
        self.kindred: Kindred = part.types[template.type or rng.choice(sorted(part.types))]
        # "the ferry Varnholm", but not "the dog dachshund".
        self.noun = self.kindred.noun if self.kindred.names else ""
        self._avoid = avoid
        self._known: dict[str, Name] = {}
        self.a = self.thing()
        self.b = self.thing()

    def _core(self, *, person: bool = False) -> str:
        taken = self._avoid | {name.core for name in self._known.values()}
        return invent_core(self.rng, self.language, self.template.split, person=person, avoid=taken)

    def _know(self, name: Name) -> Name:
        self._known[name.full] = name
        return name

    def thing(self) -> Name:
        """Something new of the conversation's type."""
        if self.kindred.called:
            taken = self._avoid | set(self._known)
            return self._know(pick_called(self.rng, self.kindred, taken, self.language))
        return self._know(name_thing(self.rng, self.kindred, self._core(), self.language))

    def forms(self) -> Pronoun:
        """The pronouns of the conversation's type."""
        match self.kindred.pronoun:
            case "female":
                return self.lexicon.female
            case "male":
                return self.lexicon.male
        return self.lexicon.thing

    def person(self, gender: str) -> Name:
        """Somebody new."""
        while True:
            core = self._core(person=True)
            name = name_person(self.rng, self.general, gender, core, self.language)
            if not any(name.core in other or other in name.core for other in self._avoid):
                return self._know(name)

    def aliases(self, named: Sequence[str]) -> tuple[str, ...]:
        """Shorter names of those that must be named."""
        return tuple(alias for full in named for alias in self._known[full].alias)

    def told(self, text: str, **names: object) -> str:
        """Fill a sentence of the history and settle on its alternatives."""
        chosen = _ALTERNATIVES.sub(lambda m: self.rng.choice(m.group(1).split("|")), text)
        return fill(chosen, **names)

    def exchange(self, user: str, assistant: str, **names: object) -> tuple[Message, Message]:
        """What a user and the assistant say."""
        return (
            Message(Role.USER, self.told(user, **names)),
            Message(Role.ASSISTANT, self.told(assistant, **names)),
        )

    def small_talk(self, n: int) -> list[Message]:
        """Exchanges about nothing."""
        chosen = self.rng.sample(self.general.fillers, min(n, len(self.general.fillers)))
        return [message for pair in chosen for message in self.exchange(*pair)]

    def opened(self, name: Name) -> list[Message]:
        """How a conversation about a thing begins."""
        opening = self.rng.choice(self.kindred.openers)
        before: list[Message] = []
        if self.rng.random() < _GREETED:
            before += self.exchange(*self.rng.choice(self.general.greetings))
        return [*before, *self.exchange(opening.user, opening.assistant, A=name)]

    def followed(self, forms: Pronoun, asks: Sequence[Answered], most: int = 2) -> list[Message]:
        """Other questions about what was spoken of, each answered."""
        n = min(self.rng.choices((0, 1, 2), _FOLLOW_UPS)[0], most, len(asks))
        return [
            message
            for answered in self.rng.sample(asks, n)
            for message in self.exchange(answered.ask, answered.answer, **slots_of(forms))
        ]

    def other_asks(self) -> list[Answered]:
        """A question about each aspect but the query's."""
        return [
            self.rng.choice(asks)
            for aspect, asks in self.kindred.aspects.items()
            if aspect != self.template.topic
        ]

    def about(self, name: Name) -> list[Message]:
        """A conversation about one thing."""
        return [*self.opened(name), *self.followed(self.forms(), self.other_asks())]

    def turned(self, said: str, name: Name, former: Name) -> tuple[Message, Message]:
        """The user turns to another thing and is told about it."""
        introduction = self.rng.choice(self.kindred.introductions)
        return (
            Message(Role.USER, self.told(said, A=former, B=name)),
            Message(Role.ASSISTANT, self.told(introduction, A=name)),
        )

    def sent(self, history: Sequence[Message]) -> tuple[Message, ...]:
        """The history as a client sends it: a few leave out what the assistant said."""
        kept = tuple(history)
        if self.template.kind in _ANSWERS_NEEDED or self.rng.random() >= _UNANSWERED:
            return kept
        return tuple(message for message in kept if message.role is Role.USER)

    def it(self) -> Pronoun:
        """How the query refers to a thing: mostly by a pronoun."""
        if self.rng.random() >= _REFERENCES[self.language]:
            return self.forms()
        said = self.rng.choice(self.kindred.references)
        return Pronoun(said + self.lexicon.possessive_suffix, said, said)

    def refer(self, forms: Pronoun, meant: Sequence[Name], others: Sequence[Name] = ()) -> Asked:
        """Ask with a reference; the rewrite names what is meant, everything else stays."""
        frame = self.template.frame
        noun = "" if forms in (self.lexicon.female, self.lexicon.male) else self.noun
        return Asked(
            fill(frame, **slots_of(forms)),
            tuple(named(frame, self.lexicon, meant, noun)),
            tuple(name.full for name in meant),
            tuple(name.core for name in others),
        )


_Made = tuple[list[Message], Asked]


def _single(talk: _Talk) -> _Made:
    return talk.about(talk.a), talk.refer(talk.it(), (talk.a,))


def _distant(talk: _Talk) -> _Made:
    n = talk.distance or talk.rng.choice((2, 3))
    return [*talk.about(talk.a), *talk.small_talk(n)], talk.refer(talk.it(), (talk.a,))


def _comparison(talk: _Talk) -> _Made:
    first = talk.rng.random() < 0.5
    won, lost = (talk.a, talk.b) if first else (talk.b, talk.a)
    choice = talk.rng.choice(talk.kindred.choices)
    history = [*talk.exchange(choice.user, choice.assistant, A=talk.a, B=talk.b, W=won, L=lost)]
    history += talk.followed(talk.forms(), talk.other_asks(), most=1)
    return history, talk.refer(talk.it(), (won,), (lost,))


def _topic_switch(talk: _Talk) -> _Made:
    said = talk.rng.choice(talk.general.switches)
    history = [*talk.about(talk.a), *talk.turned(said, talk.b, talk.a)]
    return history, talk.refer(talk.it(), (talk.b,), (talk.a,))


def _correction(talk: _Talk) -> _Made:
    said = talk.rng.choice(talk.general.corrections)
    history = [*talk.opened(talk.a), *talk.turned(said, talk.b, talk.a)]
    return history, talk.refer(talk.it(), (talk.b,), (talk.a,))


def _paired(talk: _Talk) -> list[Message]:
    pair = talk.rng.choice(talk.kindred.pairs)
    return [*talk.exchange(pair.user, pair.assistant, A=talk.a, B=talk.b)]


def _plural(talk: _Talk) -> _Made:
    return _paired(talk), talk.refer(talk.lexicon.plural, (talk.a, talk.b))


def _ordinal(talk: _Talk) -> _Made:
    first = talk.rng.random() < 0.5
    said = talk.rng.choice(_ORDINALS[talk.language])[0 if first else 1]
    forms = Pronoun(said + talk.lexicon.possessive_suffix, said, said)
    meant, other = (talk.a, talk.b) if first else (talk.b, talk.a)
    return _paired(talk), talk.refer(forms, (meant,), (other,))


def _unanswerable(talk: _Talk) -> _Made:
    if talk.rng.random() < 0.3:
        choice = talk.rng.choice(talk.kindred.choices)
        history = [Message(Role.USER, talk.told(choice.user, A=talk.a, B=talk.b))]
    else:
        history = _paired(talk)
    query = fill(talk.template.frame, **slots_of(talk.forms()))
    return history, Asked(query, (query,), (), (talk.a.core, talk.b.core), unchanged=True)


def _person(talk: _Talk) -> _Made:
    role = {person.role: person for person in talk.kindred.people}
    about_thing = talk.template.topic not in role
    person = talk.rng.choice(talk.kindred.people) if about_thing else role[talk.template.topic]
    somebody = talk.person(person.gender)
    opening = talk.rng.choice(person.openers)
    history = [*talk.exchange(opening.user, opening.assistant, A=somebody, B=talk.b)]
    forms = talk.lexicon.female if person.gender == "female" else talk.lexicon.male
    if about_thing:
        return history, talk.refer(talk.lexicon.thing, (talk.b,), (somebody,))
    others = [a for i, a in enumerate(person.asks) if i != talk.template.place]
    history += talk.followed(forms, others, most=1)
    return history, talk.refer(forms, (somebody,), (talk.b,))


def _standalone(talk: _Talk) -> _Made:
    history = talk.about(talk.a)
    if not talk.template.type:
        query = talk.template.frame
        return history, Asked(query, (query,), (), (talk.a.core,), unchanged=True)
    meant = talk.a if talk.rng.random() < 0.5 else talk.thing()
    others = () if meant is talk.a else (talk.a.core,)
    (query, *_) = named(talk.template.frame, talk.lexicon, (meant,), "")
    return history, Asked(query, (query,), (meant.full,), others, unchanged=True)


def _dropped_subject(talk: _Talk) -> _Made:
    left = talk.template.entry
    if not isinstance(left, Left):
        raise TypeError(f"{talk.template} leaves nothing out")
    rewrites = dict.fromkeys(
        rewrite for full in left.full for rewrite in named(full, talk.lexicon, (talk.a,), talk.noun)
    )
    return talk.about(talk.a), Asked(left.bare, tuple(rewrites), (talk.a.full,))


def _noisy(talk: _Talk) -> _Made:
    """The noise may stay as it is, or be mended."""
    hasty = talk.template.entry
    if not isinstance(hasty, Hasty):
        raise TypeError(f"{talk.template} holds no noise")
    asked = talk.refer(talk.forms(), (talk.a,))
    mended = named(hasty.clean, talk.lexicon, (talk.a,), talk.noun)
    return talk.about(talk.a), replace(asked, rewrites=(*asked.rewrites, *mended))


_MAKERS: Mapping[Kind, Callable[[_Talk], _Made]] = {
    Kind.SINGLE: _single,
    Kind.COMPARISON: _comparison,
    Kind.TOPIC_SWITCH: _topic_switch,
    Kind.DISTANT: _distant,
    Kind.PLURAL: _plural,
    Kind.PERSON: _person,
    Kind.ORDINAL: _ordinal,
    Kind.CORRECTION: _correction,
    Kind.STANDALONE: _standalone,
    Kind.UNANSWERABLE: _unanswerable,
    Kind.DROPPED_SUBJECT: _dropped_subject,
    Kind.NOISY: _noisy,
}


def make_chat(rng: random.Random, language: Language, split: Split) -> Conversation:
    """Make a conversation about one thing that ends with an answer, and asks for no rewrite."""
    template = rng.choice(templates(language, Kind.SINGLE, split))
    talk = _Talk(template, rng, frozenset(), None)
    return Conversation(tuple(talk.about(talk.a)))
