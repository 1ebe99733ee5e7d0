"""What English queries ask. No two splits share a lead, so none shares a sentence.

Many queries of few pieces: a model that met only a dozen would learn them by heart instead of
copying what it is asked, and a panel of a dozen would be a sample of twelve sentences.
"""

from __future__ import annotations

from evalsuite.scenarios.lexicon import Elliptic, Parts, composed
from evalsuite.scenarios.names import Split

_THING = ("{P} {attr}", "{O}")

_TRAIN = (
    Parts(
        (
            "What is ",
            "Do you know ",
            "Can you describe ",
            "And what about ",
            "Who asked about ",
            "Did you mention ",
            "Why do you hate ",
            "When can we discuss ",
            "Have you seen ",
            "Where can I find ",
            "Is this about ",
            "Would you buy ",
            "Who has ",
            "How long did you look for ",
            "Do shops still sell ",
            "Does anything depend on ",
            "Who in this room knows ",
        ),
        _THING,
        ("?", " today?", " at the market?", " or not?", " for me?", " so often?"),
    ),
    Parts(
        (
            "Tell me about ",
            "I want to know ",
            "Please explain ",
            "I must see ",
            "Nobody explained ",
            "We all like ",
            "I wrote about ",
            "Show me ",
            "Give me details of ",
            "We begin with ",
            "We could talk about ",
            "I forgot about ",
            "There is talk of ",
            "I once bought ",
        ),
        _THING,
        (".", " again.", " for me.", " in a few words.", " this morning.", " without a reason."),
    ),
    Parts(
        ("Why did ", "When did ", "Can ", "How could ", "Must ", "Where did ", "Why does "),
        ("{S}",),
        (
            " become {adj}?",
            " get {adj}?",
            " be {adj}?",
            " look {adj} to Max?",
            " change?",
            " seem so {adj}?",
            " win?",
            " go to the park?",
            " turn {adj} in the end?",
        ),
    ),
    Parts(
        ("Is ", "Has ", "Was ", "Because "),
        ("{P} {attr}",),
        (" good?", " changed?", " gone?", " been on the list?"),
    ),
)
_PANEL = (
    Parts(
        (
            "How would you rate ",
            "Could you say more about ",
            "What is the general opinion of ",
            "Where did you read about ",
            "Is anybody sure about ",
            "May I ask you about ",
            "Why is everyone talking about ",
            "How would one judge ",
            "Would you pay for ",
            "Let me ask: who needs ",
            "Who described ",
            "Could we go back to ",
            "Should I worry about ",
            "Was there a question about ",
            "How much do we know about ",
            "What surprised you in ",
            "Who else can speak about ",
            "Does everybody agree on ",
            "Is there a problem with ",
            "Do you see a danger in ",
            "What went wrong with ",
            "Are you happy with ",
            "Since when do you study ",
            "Will we ever deal with ",
        ),
        _THING,
        ("?", " now?", " these days?", " in the future?", " in your view?"),
    ),
    Parts(
        (
            "I was asked about ",
            "I am reading about ",
            "You helped me understand ",
            "I never understood ",
            "Our lesson was about ",
            "Maybe you remember ",
            "Next week I study ",
            "Nobody noticed ",
            "I really admire ",
            "Somebody should check ",
            "A wise buyer compares ",
            "Then we described ",
            "You always praise ",
            "I cannot stop thinking of ",
            "Suppose somebody asks about ",
            "Here I summarize what we know about ",
        ),
        _THING,
        (".", " now.", " these days.", " as you may know."),
    ),
    Parts(
        (
            "Will ",
            "Would ",
            "How can ",
            "Why should ",
            "Could ",
            "In which year did ",
            "Until when will ",
            "From what day on did ",
            "On what condition would ",
            "In whose eyes did ",
            "How often did ",
            "With whose help could ",
        ),
        ("{S}",),
        (" stay {adj}?", " become so {adj}?", " matter to us?", " grow more {adj}?", " disappear?"),
    ),
)
_HELDOUT = (
    Parts(
        (
            "Where can I check ",
            "Why do you like ",
            "Has anybody written about ",
            "Can anyone confirm ",
            "Do you ever discuss ",
            "What would you change about ",
            "Did we cover ",
            "Are there pictures of ",
            "When did you first hear of ",
            "How often do you dream of ",
        ),
        _THING,
        ("?", " at all?", " in this case?"),
    ),
    Parts(
        ("Yesterday I learned about ", "Let us look into ", "You noted "),
        _THING,
        (".", " once more.", " in detail."),
    ),
    Parts(
        ("Should ", "Why must ", "How soon could ", "Where might "),
        ("{S}",),
        (" be more {adj}?", " remain {adj}?", " return?"),
    ),
)

QUERIES = composed({Split.TRAIN: _TRAIN, Split.PANEL: _PANEL, Split.HELDOUT: _HELDOUT})


def _elliptic(*frames: str) -> tuple[Elliptic, ...]:
    of, possessive = "the {attr} of {N}", "{N}'s {attr}"
    return tuple(
        Elliptic(frame.format("the {attr}"), (frame.format(of), frame.format(possessive)))
        for frame in frames
    )


ELLIPTIC = {
    Split.TRAIN: _elliptic(
        "And {}?",
        "What about {}?",
        "What is {}?",
        "Tell me {}.",
        "Is {} good?",
        "Who likes {}?",
        "Show me {} again.",
        "Did you mention {}?",
        "Please give me {}.",
        "When did you see {}?",
        "We forgot {}.",
        "Why do you hate {}?",
        "First {}, then we go.",
        "Where was {} today?",
    ),
    Split.PANEL: _elliptic(
        "How about {}?",
        "Now {}?",
        "Please describe {}.",
        "Could you explain {}?",
        "Who praised {}?",
        "Remind me of {}.",
        "How important is {}?",
        "Then {}, please.",
        "Who described {}?",
        "Say more about {}.",
        "Does anybody talk about {}?",
        "Will {} stay the same?",
    ),
    Split.HELDOUT: _elliptic(
        "Also {}?",
        "Can you explain {}?",
        "Does {} matter?",
        "Let us look into {}.",
        "Next comes {}?",
    ),
}
