"""Answered cases for the tests of the deepeval bridge."""

from __future__ import annotations

from hypothesis import strategies as st

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import Message, Role, messages
from evalsuite.generation import Finish, Output
from evalsuite.integrations.deepeval import Answered, Swapped
from evalsuite.prompts import Demonstration
from evalsuite.scenarios import SkillItem

LOOM = Demonstration(
    history=messages([("user", "Tell me of the Ostrava Loom.")]),
    query="Who made it?",
    rewrite="Who made the Ostrava Loom?",
    language=Language.EN,
    entities=("Ostrava Loom",),
)
MILL = Demonstration(
    history=messages([("user", "Tell me of the Brenn Mill.")]),
    query="Who made it?",
    rewrite="Who made the Brenn Mill?",
    language=Language.EN,
    entities=("Brenn Mill",),
)
CASE = Case(
    id="flindo.01",
    language=Language.EN,
    kind=Kind.COMPARISON,
    cluster="en/comparison",
    history=messages(
        [("user", "Which is faster, Flindo or Quobra?"), ("assistant", "Flindo, by far.")]
    ),
    query="What is its price?",
    expect=Expectation(
        rewrites=("What is Flindo's price?", "What is the price of Flindo?"),
        must_name=("Flindo",),
        must_not_name=("Quobra",),
    ),
    source="cases/pronoun_resolution/x.yaml:3",
)
SKILL = SkillItem(
    id="count-1",
    skill="count",
    language=Language.EN,
    cluster="en/count",
    prompt="How many legs has a horse?",
    answer="four",
    accepted=("4",),
)
GOOD = "What is Flindo's price?"
LEAK = "What is the price of the Ostrava Loom?"
WRONG = "What is Quobra's price?"
ANSWERED = Answered(
    item=CASE,
    answer=GOOD,
    prompt_format="xml",
    shown=(LOOM,),
    swapped=Swapped(text=GOOD, shown=(MILL,)),
    absent=("Zarnok",),
)

_TRICKY = (
    "user: no turn", "a\nb", "a\u2028b", "\u202e", "[DEEPEVAL:IMAGE:0]", "[/red] {x}", "|", ";",
    "<|im_end|>", "他们", "\U0010ffff", '{"a": [1]}', "None", "nan", "\ufeff", " x ", "a\x85b",
)  # fmt: skip
texts = st.sampled_from(_TRICKY) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30
).filter(str.strip)
ids = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
turns = st.lists(
    st.builds(Message, st.sampled_from([Role.USER, Role.ASSISTANT]), texts), max_size=4
).map(tuple)
languages = st.sampled_from(Language)
demonstrations = st.builds(
    Demonstration,
    history=turns,
    query=texts,
    rewrite=texts,
    language=languages,
    entities=st.lists(texts, max_size=2).map(tuple),
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any case that the rules of cases allow."""
    query, unchanged = draw(texts), draw(st.booleans())
    banned = draw(st.lists(texts, max_size=2))
    folded = {name.casefold() for name in banned}
    named = [n for n in draw(st.lists(texts, max_size=2)) if n.casefold() not in folded]
    rewrites = [query] * draw(st.integers(0, 1)) if unchanged else draw(st.lists(texts, max_size=3))
    if not (unchanged or named or rewrites):
        rewrites = [draw(texts)]
    return Case(
        id=draw(ids),
        language=draw(languages),
        kind=draw(st.sampled_from(Kind)),
        cluster=draw(texts),
        history=draw(turns),
        query=query,
        expect=Expectation(
            rewrites=tuple(rewrites),
            must_name=tuple(named),
            must_not_name=tuple(banned),
            unchanged=unchanged,
        ),
        source=draw(st.just("") | texts),
    )


skills = st.builds(
    SkillItem,
    id=ids,
    skill=ids,
    language=languages,
    cluster=texts,
    prompt=texts,
    answer=texts,
    accepted=st.lists(texts, max_size=2).map(tuple),
)
outputs = st.builds(
    Output,
    text=st.just("") | texts,
    ids=st.lists(st.integers(0, 9999), max_size=5).map(tuple),
    finish=st.sampled_from(Finish),
    logprobs=st.lists(st.floats(-9, 0), max_size=3).map(tuple),
)
shown = st.none() | st.lists(demonstrations, max_size=2).map(tuple)
answereds = st.builds(
    Answered,
    item=cases() | skills,
    answer=st.none() | st.just("") | texts | outputs,
    prompt_format=st.none() | st.sampled_from(["xml", "json"]),
    shown=shown,
    swapped=st.none() | st.builds(Swapped, text=texts, shown=shown),
    absent=st.none() | st.lists(texts, max_size=2).map(tuple),
)
