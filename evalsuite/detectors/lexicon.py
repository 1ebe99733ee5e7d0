"""Words that carry no content, in English and Chinese: closed classes only."""

from __future__ import annotations

_FUNCTION_WORDS = """
    's a about above after again all also am an and any anything are as at be because been
    before being below between both but by came can come could d did do does doing don down
    during each even ever few find for from further get gets give gives go goes got had has have
    having he her here hers him his how i if in into is it its just know let like ll long m made
    make makes many may me might more most much must my need no nor not now of off on once one
    ones only or other our out over own per please put re really s said same say shall she
    should so some something still such t take takes tell than that the their them then there
    these they this those through to too took under until up us use used ve very want was we
    went were what when where which while who whom whose why will with would yet you your
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())

HAN_FUNCTION_CHARACTERS = frozenset(
    "的是了在有和与跟及或什么哪个怎样多少谁为何几吗呢吧啊呀嘛请问这那它他她们一不没也都就要能会可以"
    "把被让给对从到于之其而且但又很太更最还再里上下中来去过着得地说想我你您知道如果因所时候样些点"
)


def carries_content(token: str) -> bool:
    """Whether a folded token says what a text is about, rather than how it is put together."""
    return token not in FUNCTION_WORDS and token not in HAN_FUNCTION_CHARACTERS
