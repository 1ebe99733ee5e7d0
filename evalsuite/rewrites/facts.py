"""An answer against what the conversation told: does it state the right fact, and no wrong one?

The facts are known by construction or written down by hand, so no model judges. A fact that is
denied is not stated. Where nothing told the fact, an answer has to say so, or to ask back; a guess
beside that is a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from unicodedata import normalize

from evalsuite.cases import Case, Language
from evalsuite.detectors.result import Span
from evalsuite.detectors.text import is_han, same
from evalsuite.rewrites.judgement import Finding

_EN_DENIES = re.compile(
    r"\b(?:not|never|neither|nor|(?:is|are|was|were|do|does|did)n'?t|rather than|instead of|unlike)"
    # Of a day "does not open" says no less than "is closed".
    r"\b(?!\W+opens?\b)(?:\W+\w+){0,3}\W*$",
    re.IGNORECASE,
)
_ZH_DENIES = re.compile(r"(?:不是|并非|没有|不(?!开)|非|而非|没)[^，。；！？,.;!?]{0,4}$")
_CLAUSE = re.compile(r"[,;:.!?，。；：！？、\n]|\bbut\b|但是?|而是")
_TELLS_NOT = {
    Language.EN: re.compile(
        r"\b(?:"
        r"(?:do|does|did|have|has|had|was|were|is|are|can|could|would)(?:n'?t| not)\b"
        r"(?:\W+\w+){0,6}?\W+(?:know|mention\w*|told|tell|sa(?:y|id)|state[ds]?|specif\w+|given?|"
        r"provided?|includ\w+|described?|shared?|see|find|sure|clear|certain|answer)|"
        r"(?:no|any) (?:information|mention|details?|idea)|not (?:mentioned|told|said|stated|given|"
        r"specified|provided|sure|known|clear|included)|unknown|unclear|cannot "
        r"(?:tell|say|know|answer|determine)|unable to|never (?:mentioned|told|said|stated)|"
        r"(?:nobody|no one) (?:said|told|mentioned)|"
        r"nothing (?:was|is|has been) (?:said|told|mentioned)|isn'?t in the conversation"
        r")",
        re.IGNORECASE,
    ),
    Language.ZH: re.compile(
        r"不知道|不清楚|不确定|不了解|无法(?:确定|得知|判断|回答|知道)|不能确定|没有?(?:提到|提及|提过|说|说明|说过|"
        r"告诉|给出|提供|相关|写|讲)|未(?:提及|提到|说明|给出|告知|提供)|没法(?:确定|回答)|没人(?:提|说)|"
        r"看不出|不详|未知"
    ),
}
_ASKS_BACK = {
    Language.EN: re.compile(
        r"\b(?:you|your|which|tell me|clarify|more (?:details?|information|context))\b",
        re.IGNORECASE,
    ),
    Language.ZH: re.compile(r"你|您|请问|哪|告诉|提供|指的"),
}
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def stated(case: Case, answer: str) -> tuple[Finding, ...]:
    """Find what is wrong with an answer: a fact that is missing, a wrong one, a guess."""
    text = normalize("NFKC", answer)
    found = tuple(_found(case, text))
    # Places are those of the answer as it came; where normalising moved them, none is shown.
    return found if len(text) == len(answer) else tuple(Finding(one.reason) for one in found)


def _found(case: Case, text: str) -> Iterator[Finding]:
    if case.expect.untold:
        yield from _guessed(case, text)
        yield from _unsaid(case, text)
    elif not any(True for fact in case.expect.answers for _ in _stated(text, fact, case.language)):
        due = " or ".join(repr(fact) for fact in case.expect.answers[:3])
        yield Finding(f"The answer does not state {due}.")
    yield from _wrong(case, text)


def _wrong(case: Case, text: str) -> Iterator[Finding]:
    for fact in case.expect.not_answers:
        spans = tuple(_stated(text, fact, case.language))
        if spans:
            yield Finding(f"The answer states {fact!r}, which is about something else.", spans)


def _stated(text: str, fact: str, language: Language) -> Iterator[Span]:
    """Every place where a text states a fact and does not deny it."""
    for match in _pattern(normalize("NFKC", fact)).finditer(text):
        before = _CLAUSE.split(text[: match.start()])[-1]
        denies = _ZH_DENIES if language is Language.ZH else _EN_DENIES
        if not denies.search(before):
            yield Span(match.start(), match.end(), fact)


def _pattern(fact: str) -> re.Pattern[str]:
    """The fact as a whole: not a part of a longer word or number."""
    words = r"\s+".join(re.escape(word) for word in fact.split())
    before = r"(?<![\w.,])" if fact[0].isdigit() else r"\b" if _is_lettered(fact[0]) else ""
    after = r"(?!\w|[.,]\d)" if fact[-1].isdigit() else r"\b" if _is_lettered(fact[-1]) else ""
    if fact[0].isdigit():
        # A Chinese text has no blank before a number.
        before = r"(?<![0-9A-Za-z])(?<!\d[.,])"
        after = r"(?![0-9]|[.,]\d)" if fact[-1].isdigit() else after
    return re.compile(before + words + after, re.IGNORECASE)


def _is_lettered(character: str) -> bool:
    return character.isalnum() and not is_han(character)


def _guessed(case: Case, text: str) -> Iterator[Finding]:
    """A number that nobody said is a guess, whatever stands around it."""
    said = normalize("NFKC", "\n".join((*(m.content for m in case.history), case.query)))
    known = set(_NUMBER.findall(said))
    for match in _NUMBER.finditer(text):
        if match[0] not in known:
            span = Span(match.start(), match.end(), "guessed")
            yield Finding(f"The answer guesses {match[0]!r}, which nobody said.", (span,))


def _unsaid(case: Case, text: str) -> Iterator[Finding]:
    if not text.strip():
        yield Finding("The answer is empty.")
    elif not (_says_so(case, text) or _asks_back(case, text)):
        yield Finding("The answer does not say that this was never told.")


def _says_so(case: Case, text: str) -> bool:
    own = (normalize("NFKC", phrase).casefold() for phrase in case.expect.answers)
    return bool(_TELLS_NOT[case.language].search(text)) or any(
        phrase in text.casefold() for phrase in own
    )


def _asks_back(case: Case, text: str) -> bool:
    """Whether it ends with a question of its own; the query again, or a turn, is none."""
    said: Sequence[str] = (case.query, *(turn.content for turn in case.history))
    last = re.split(r"(?<=[.!。！\n])\s*", text.strip())[-1]
    asks = last.endswith("?") and _ASKS_BACK[case.language].search(last)
    return bool(asks) and not any(same(last, one) or same(text, one) for one in said)
