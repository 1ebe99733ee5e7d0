"""An answer against what the conversation told: does it state the right fact, and no wrong one?

The facts are known by construction or written down by hand, so no model judges. A fact that is
denied is not stated. Where nothing told the fact, an answer has to say so, or to ask back; a guess
beside that is a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from unicodedata import normalize

from evalsuite.cases import Case, Language
from evalsuite.detectors.result import Span
from evalsuite.detectors.text import is_han, same
from evalsuite.rewrites.judgement import Finding
from evalsuite.rewrites.untold import asks_back, says_untold

# What may stand between a denial and what it denies: "is not in", "doesn't cost", but not "is not
# cheap at".
_BETWEEN = (
    r"(?:a|an|the|in|on|at|of|to|for|as|it|its|is|be|been|cost|costs|have|has|take|takes|weigh|weighs|"
    r"find|located|based|really|exactly|actually|about|price|play|plays|work|works|know)"
)
_EN_DENIES = re.compile(
    r"(?:\b(?:not|never|neither|nor|no|no longer|cannot|rather than|instead of|unlike|"
    r"anything but|outside(?: of)?|whether)|\w+n't)\b"
    # Of a day "does not open" says no less than "is closed".
    rf"(?!\W+(?:opens?|go|visit|come)\b)(?:\W+{_BETWEEN}){{0,4}}\W*$",
    re.IGNORECASE,
)
_ZH_DENIES = re.compile(
    r"(?:不是|并非|没有|(?<!差)不(?!开|要|能)|非|而非|没(?!错)|谁说|离)[^，。；！？,.;!?]{0,4}$"
)
_CLAUSE = re.compile(r"[,;:.!?，。；：！？、\n]|(?<!anything )\bbut\b|但是?|而是")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_ONES = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    "sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
)
_EN_NUMERAL = rf"(?:{_ONES}|hundred|thousand)"
_EN_WORDS = re.compile(
    rf"\b{_EN_NUMERAL}(?:(?:[ -]| and ){_EN_NUMERAL})+\b|\b(?:a|{_ONES}) (?:hundred|thousand)\b|"
    r"\b(?:ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)\b",
    re.IGNORECASE,
)
_HAN_DIGITS = "〇零一二三四五六七八九十百千万两"
_ZH_WORDS = re.compile(rf"[{_HAN_DIGITS}]{{2,}}|[二三四五六七八九]十")
_MARKS = str.maketrans({"’": "'", "‘": "'", "ʼ": "'"})


def stated(case: Case, answer: str) -> tuple[Finding, ...]:
    """Find what is wrong with an answer: a fact that is missing, a wrong one, a guess."""
    text = normalize("NFKC", answer).translate(_MARKS)
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
    else:
        yield from _guessed(case, text)
    yield from _wrong(case, text)


def _wrong(case: Case, text: str) -> Iterator[Finding]:
    for fact in case.expect.not_answers:
        spans = tuple(_stated(text, fact, case.language))
        if spans:
            yield Finding(f"The answer states {fact!r}, which is about something else.", spans)


def _stated(text: str, fact: str, language: Language) -> Iterator[Span]:
    """Every place where a text states a fact and does not deny it."""
    for match in _pattern(normalize("NFKC", fact).translate(_MARKS)).finditer(text):
        before = _CLAUSE.split(text[: match.start()])[-1]
        denies = _ZH_DENIES if language is Language.ZH else _EN_DENIES
        if not denies.search(before):
            yield Span(match.start(), match.end(), fact)


def _pattern(fact: str) -> re.Pattern[str]:
    """The fact as a whole: not a part of a longer word, name or number."""
    words = r"\s+".join(re.escape(word) for word in fact.split())
    if fact[0].isdigit() and fact[-1].isdigit():
        # A Chinese text has no blank before a number, and a currency may stand on either side.
        # Only groups of three digits are parted by a blank.
        apart = r"(?<![0-9] )" if len(fact) == 3 else ""
        before = rf"(?<![0-9])(?<![0-9][.,/]){apart}(?<![-/])"
        longer = r"[0-9]|[.,](?!0+\b)[0-9]| [0-9]{3}\b|%|/[0-9]|万|亿|s\b"
        after = rf"(?!{longer}| (?:hundred|thousand|million))"
        return re.compile(before + words + after, re.IGNORECASE)
    if re.fullmatch(rf"[{_HAN_DIGITS}]+", fact):
        return re.compile(rf"(?<![{_HAN_DIGITS}]){words}(?![{_HAN_DIGITS}亿])")
    if re.fullmatch(rf"(?:{_EN_NUMERAL}|and|[ -])+", fact, re.IGNORECASE):
        before = "".join(rf"(?<!{unit}{joint})" for unit, joint in _JOINTS)
        return re.compile(rf"{before}\b{words}\b(?!(?:[ -]| and ){_EN_NUMERAL})", re.IGNORECASE)
    left = r"\b" if _is_lettered(fact[0]) else ""
    right = r"\b" if _is_lettered(fact[-1]) else ""
    if len(fact) == 1 and is_han(fact):
        # 红 is 红色 or 红的, and 网红 is something else.
        right = r"(?=色|的|[，。！、\s]|$)"
    return re.compile(left + words + right, re.IGNORECASE)


_JOINTS = tuple(
    (unit, joint)
    for unit in (*_ONES.split("|"), "hundred", "thousand")
    for joint in (" ", "-", " and ")
)
"""What before a number in words makes it the end of a longer one; of fixed width, as a look behind
has to be."""


def _is_lettered(character: str) -> bool:
    return character.isalnum() and not is_han(character)


def _guessed(case: Case, text: str) -> Iterator[Finding]:
    """A number that nobody said is a guess, whatever stands around it."""
    said = normalize("NFKC", "\n".join((*(m.content for m in case.history), case.query)))
    known = {_plain(number) for number in _NUMBER.findall(said)}
    right = [form.casefold() for form in case.expect.answers]
    words = _ZH_WORDS if case.language is Language.ZH else _EN_WORDS
    for match in (*_NUMBER.finditer(text), *words.finditer(text)):
        number = match[0].casefold()
        if _plain(number) in known or any(number in form for form in right):
            continue
        if number in said.casefold():
            continue
        span = Span(match.start(), match.end(), "guessed")
        yield Finding(f"The answer guesses {match[0]!r}, which nobody said.", (span,))


def _plain(number: str) -> str:
    """A number without what adds nothing: ``347.00`` is ``347``."""
    return re.sub(r"[.,]0+$", "", number)


def _unsaid(case: Case, text: str) -> Iterator[Finding]:
    if not text.strip():
        yield Finding("The answer is empty.")
        return
    said = [case.query, *(turn.content for turn in case.history)]
    own = (normalize("NFKC", phrase).casefold() for phrase in case.expect.answers)
    if says_untold(text, case.language) or any(phrase in text.casefold() for phrase in own):
        return
    if asks_back(text, case.language) and not any(same(text, one) for one in said):
        return
    yield Finding("The answer does not say that this was never told.")
