"""The English part of the scenario grammar. Templates of different splits share no sentence."""

from __future__ import annotations

from evalsuite.cases import Kind, Language
from evalsuite.scenarios.english_queries import ELLIPTIC, QUERIES
from evalsuite.scenarios.lexicon import EntityType, Lexicon, Opener, Pronoun
from evalsuite.scenarios.names import Split


def _openers(*texts: tuple[str, ...]) -> tuple[Opener, ...]:
    return tuple(Opener(t) for t in texts)


TYPES = (
    EntityType("phone", ("battery", "screen", "price", "camera", "weight"), ("faster", "lighter")),
    EntityType("car", ("engine", "top speed", "range", "price", "color"), ("faster", "cheaper")),
    EntityType("city", ("population", "climate", "history", "food", "area"), ("bigger", "older")),
    EntityType("river", ("length", "depth", "width", "source"), ("longer", "deeper")),
    EntityType("mountain", ("height", "age", "climate", "shape"), ("higher", "older")),
    EntityType(
        "language", ("syntax", "speed", "memory management", "license"), ("faster", "simpler")
    ),
    EntityType("company", ("founder", "revenue", "size", "history"), ("bigger", "older")),
    EntityType("book", ("author", "length", "ending", "plot", "title"), ("longer", "better")),
    EntityType("film", ("director", "length", "ending", "music", "plot"), ("longer", "newer")),
    EntityType("dish", ("taste", "price", "origin", "color"), ("cheaper", "better")),
    EntityType("team", ("coach", "history", "size", "record"), ("older", "better")),
    EntityType("animal", ("weight", "diet", "size", "speed"), ("faster", "bigger")),
    EntityType("plant", ("height", "color", "smell", "size"), ("higher", "older")),
    EntityType("dynasty", ("length", "capital", "founder", "art"), ("longer", "older")),
)

_TRAIN = {
    Kind.SINGLE: _openers(
        ("Tell me about {A}.", "{A} is a {type}."),
        ("What is {A}?", "It is a {type}."),
        ("I heard about the {type} {A}.", "Yes, {A} is famous."),
        ("Do you know {A}?", "Yes, a well known {type}."),
        ("My friend likes {A}.", "{A} is a good {type}."),
    ),
    Kind.COMPARISON: _openers(
        ("Which is {comp}, {A} or {B}?", "{W}."),
        ("Is {A} or {B} {comp}?", "{W} is {comp}."),
        ("Which {type} is {comp}, {A} or {B}?", "I think {W}."),
        ("Which one is {comp}: {A} or {B}?", "It is {W}."),
    ),
    Kind.TOPIC_SWITCH: _openers(
        ("Tell me about {A}.", "{A} is a {type}.", "And what is {B}?", "{B} is a {type} too."),
        ("What is {A}?", "A {type}.", "Now tell me about {B}.", "It is also a {type}."),
        ("I like {A}.", "{A} is nice.", "I also saw {B}.", "Yes, {B} is a {type}."),
    ),
    Kind.PLURAL: _openers(
        ("Tell me about {A} and {B}.", "Both are good."),
        ("Do you know {A} and {B}?", "Yes, I know them."),
        ("I saw {A} and {B}.", "Each is a {type}."),
    ),
    Kind.PERSON: _openers(
        ("Who is {A}?", "{A} is the {role} in {B}."),
        ("Who made {B}?", "The {role} {A} made {B}."),
        ("Do you know the {role} {A}?", "Yes, {A} likes {B}."),
        ("I met {A}.", "The {role}? {A} once lived near {B}."),
        ("What is {B}?", "{B} belongs to {A}, a {role}."),
        ("Name a {role}.", "{A}, known from {B}."),
        ("Is {A} a {role}?", "Yes, and {A} made {B}."),
        ("Why is {B} famous?", "Because the {role} {A} lives there."),
        ("My friend wrote about {A}.", "About the {role}? And about {B} too."),
    ),
    Kind.ORDINAL: _openers(
        ("Tell me about {A} and {B}.", "Both are good."),
        ("I saw {A} and {B}.", "Each is a {type}."),
        ("Compare {A} with {B}.", "Both have fans."),
        ("I like {A} and {B} alike.", "So do many people."),
        ("Here are {A} and {B}.", "Thank you."),
        ("Do you know {A} and {B}?", "Yes, a {type} each."),
        ("What are {A} and {B}?", "Two names of a {type}."),
    ),
    Kind.CORRECTION: _openers(
        ("Tell me about {A}.", "{A} is a {type}.", "No, I meant {B}.", "Ah, {B} is a {type}."),
        ("What is {A}?", "A {type}.", "Sorry, I mean {B}.", "I see, {B}."),
        ("Do you know {A}?", "Yes.", "Wait, not {A}, I meant {B}.", "All right."),
        ("My friend likes {A}.", "Good.", "It was {B} and not {A}.", "Thank you."),
        ("Do you know {A}?", "A {type}.", "I wrote {A} but meant {B}.", "Yes, {B} is a {type}."),
    ),
    Kind.UNANSWERABLE: _openers(
        ("Which is {comp}, {A} or {B}?",),
        ("Is {A} or {B} {comp}?",),
        ("Which {type} is {comp}, {A} or {B}?",),
        ("Hello.", "Hello, how can I help?", "Which one is {comp}: {A} or {B}?"),
        ("What is {comp}, {A} or {B}?",),
        ("Tell me which {type} is {comp}: {A} or {B}.",),
        ("Thank you.", "You are welcome.", "Is {A} {comp}, or {B}?"),
        ("Should I buy {A} or {B}?",),
    ),
}

_PANEL = {
    Kind.SINGLE: _openers(
        ("Have you heard of {A}?", "Of course, {A} is a {type}."),
        ("Today I read about {A}.", "That is an interesting {type}."),
        ("Please introduce {A}.", "{A} is a popular {type}."),
    ),
    Kind.COMPARISON: _openers(
        ("Between {A} and {B}, which is {comp}?", "{W}."),
        ("I need a {comp} {type}: {A} or {B}?", "Take {W}."),
        ("Do you find {A} {comp}, or {B}?", "{W}, I would say."),
    ),
    Kind.TOPIC_SWITCH: _openers(
        (
            "Please introduce {A}.",
            "{A} is a {type}.",
            "Let us talk about {B} now.",
            "Fine, {B} is a {type} as well.",
        ),
        ("Today I read about {A}.", "Good.", "Then I read about {B}.", "{B} is a big {type}."),
        ("Have you heard of {A}?", "Yes.", "And have you heard of {B}?", "Yes, that {type} too."),
    ),
    Kind.PLURAL: _openers(
        ("Have you heard of {A} and {B}?", "Of course, both are popular."),
        ("Please introduce {A} and {B}.", "Each is an interesting {type}."),
        ("Today I read about {A} and {B}.", "Good choice."),
    ),
    Kind.PERSON: _openers(
        ("Tell me who {A} is.", "{A} is a {role} and works for {B}."),
        ("Who is behind {B}?", "It was the {role} {A}."),
        ("Have you heard of {A}?", "Yes, the {role} who bought {B}."),
    ),
    Kind.ORDINAL: _openers(
        ("Have you heard of {A} and {B}?", "Of course, both are popular."),
        ("Please introduce {A} and {B}.", "Each is an interesting {type}."),
        ("I must choose between {A} and {B}.", "Take your time."),
    ),
    Kind.CORRECTION: _openers(
        (
            "Please introduce {A}.",
            "{A} is a popular {type}.",
            "Oh no, I was thinking of {B}.",
            "Then {B}, a {type} as well.",
        ),
        ("Have you heard of {A}?", "Yes.", "I am sorry, I wanted to say {B}.", "No problem."),
        ("Today I read about {A}.", "A good {type}.", "I mean {B}, not {A}.", "I understand."),
    ),
    Kind.UNANSWERABLE: _openers(
        ("Between {A} and {B}, which is {comp}?",),
        ("I need a {comp} {type}: {A} or {B}?",),
        ("Good morning.", "Good morning.", "Do you find {A} {comp}, or {B}?"),
    ),
}

_HELDOUT = {
    Kind.SINGLE: _openers(
        ("We spoke about {A} yesterday.", "Right, the {type}."),
        ("Give me some facts on {A}.", "{A} is a {type} that many know."),
    ),
    Kind.COMPARISON: _openers(
        ("Would you call {A} or {B} {comp}?", "Clearly {W}."),
        ("{A} or {B}: which {type} is {comp}?", "{W} is the {comp} one."),
    ),
    Kind.TOPIC_SWITCH: _openers(
        ("We spoke about {A} yesterday.", "Right.", "Next topic: {B}.", "{B} is a {type}."),
        ("Give me some facts on {A}.", "A {type}.", "Forget that, explain {B}.", "A {type} too."),
    ),
    Kind.PLURAL: _openers(
        ("We spoke about {A} and {B} yesterday.", "Right, I remember."),
        ("Give me some facts on {A} and {B}.", "Many people know both."),
    ),
    Kind.PERSON: _openers(
        ("Give me some facts on {A}.", "{A} was a {role} and wrote about {B}."),
        ("Who opened {B}?", "That was {A}, the {role}."),
    ),
    Kind.ORDINAL: _openers(
        ("We spoke about {A} and {B} yesterday.", "Right, I remember."),
        ("My list has {A} and {B}.", "A short list."),
    ),
    Kind.CORRECTION: _openers(
        ("Give me some facts on {A}.", "{A} is a {type}.", "I said {B}, not {A}.", "Sorry, {B}."),
        ("We spoke about {A} yesterday.", "Did we?", "My mistake, it was {B}.", "Now I see."),
    ),
    Kind.UNANSWERABLE: _openers(
        ("Would you call {A} or {B} {comp}?",),
        ("{A} or {B}: which {type} is {comp}?",),
    ),
}

FILLERS = {
    Split.TRAIN: (
        ("Thank you.", "You are welcome."),
        ("Wait a moment.", "Of course."),
        ("The weather is nice today.", "Yes, very nice."),
        ("I am a little tired.", "Please take a rest."),
        ("Sorry, the phone rang.", "Never mind."),
        ("We have guests tonight.", "Enjoy the evening."),
        ("Where was I?", "You had a question."),
        ("One second, please.", "Sure."),
        ("Good, I wrote that down.", "Very well."),
        ("My tea is cold.", "Make a new one."),
        ("Oh, it is late already.", "Indeed."),
        ("Now I can go on.", "Please do."),
    ),
    Split.PANEL: (
        ("That is good to hear.", "I am glad."),
        ("Let me drink some water.", "No hurry."),
        ("It is raining here.", "Stay dry."),
        ("Somebody called me.", "Take your call."),
        ("I like talking to you.", "So do I."),
        ("Give me a minute.", "Take two."),
        ("What a long day.", "It will end soon."),
        ("Right, I see.", "Wonderful."),
    ),
    Split.HELDOUT: (
        ("My train is late again.", "I am sorry."),
        ("Somebody is at the door.", "I can wait."),
    ),
}

ENGLISH = Lexicon(
    language=Language.EN,
    types=TYPES,
    adjectives=("famous", "popular", "important", "expensive", "big", "new", "good"),
    person_attributes=("age", "family", "work", "voice", "house", "career"),
    female_roles=("actress", "queen", "princess", "businesswoman"),
    male_roles=("actor", "king", "prince", "businessman"),
    thing=Pronoun("its", "it", "it"),
    plural=Pronoun("their", "they", "them"),
    female=Pronoun("her", "she", "her"),
    male=Pronoun("his", "he", "him"),
    former=Pronoun("the former's", "the former", "the former"),
    latter=Pronoun("the latter's", "the latter", "the latter"),
    conjunction=" and ",
    possessive_suffix="'s",
    possession="{P} {attr}",
    genitive="the {attr} of {N}",
    apposition="the {noun} {N}",
    queries=QUERIES,
    elliptic=ELLIPTIC,
    openers={Split.TRAIN: _TRAIN, Split.PANEL: _PANEL, Split.HELDOUT: _HELDOUT},
    fillers=FILLERS,
    foreign_attributes={"价格": "price", "历史": "history", "颜色": "color", "大小": "size"},
)
