"""Words that refer back, and which of them a rewrite may still hold.

Where a word is ambiguous ("that", 其, 这个) the pattern takes the readings that clearly refer back
and leaves the others: an overlooked pronoun is still caught by the missing antecedent, a wrongly
accused one would fail a good answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache

from evalsuite.cases import Language
from evalsuite.detectors.result import Span
from evalsuite.detectors.text import fold
from evalsuite.rewrites.chinese import MEASURES


class Family(StrEnum):
    """Pronouns that stand for the same sort of antecedent."""

    THING = "thing"
    MALE = "male"
    FEMALE = "female"
    PLURAL = "plural"
    NEAR = "near"
    FAR = "far"
    ORDINAL = "ordinal"
    PLACE = "place"
    ONE = "one"


# What follows a demonstrative or ordinal that stands alone: the end, a mark, a linking word.
_EN_ALONE = (
    r"(?=\s*(?:$|[^\w\s'-])|'s\b|\s+(?:is|was|are|were|has|had|have|do|does|did|can|could|will|"
    r"would|should|and|or|too|also|as|in|on|at|for|than|with|to|from|instead|work|cost)\b)"
)
_EN_BEFORE_FAR = (
    r"(?:^|(?<=[.?!,;:]\s)|(?<=\b(?:is|at|to|in|on|of|by|do)\s)|(?<=\b(?:was|are|for|did|and|can)\s)"
    r"|(?<=\b(?:does|with|from|like|than|will|into|make|made|used|find)\s)|(?<=\babout\s)"
    r"|(?<=\bafter\s)|(?<=\bbefore\s)|(?<=\bcould\s)|(?<=\bwould\s))"
)
_EN_CLAUSE = r"(?!\s+(?:the|a|an|it|he|she|they|we|you|i|there|is|was|are|were|who|which)\b)"
# Nouns before which "former" is an adjective.
_EN_OFFICES = (
    "president|minister|prime|king|queen|chief|head|director|ceo|member|player|champion|wife|"
    "husband|name|teacher|student|owner|mayor|governor|capital|soviet|yugoslavia"
)
_TIME = r"(?!\s+(?:year|month|week|weekend|morning|afternoon|evening|time|days|way)s?\b)"

_EN: Mapping[Family, str] = {
    Family.THING: r"\b(?:it|its)\b",
    Family.MALE: r"\b(?:he|him|his)\b",
    Family.FEMALE: r"\b(?:she|her|hers)\b",
    Family.PLURAL: r"\b(?:they|them|their|theirs)\b",
    Family.NEAR: rf"\b(?:this|these)\b{_TIME}",
    Family.FAR: (
        rf"\bthat\b{_EN_ALONE}(?!\s+(?:is|was|are|were|has|had|have|does|did|can|could|will|would)\b)"
        rf"|{_EN_BEFORE_FAR}\bthat\b{_EN_CLAUSE}{_TIME}"
        rf"|{_EN_BEFORE_FAR}\bthat(?=\s+(?:is|was)\b)"
        rf"|\bthose\b(?!\s+(?:who|that|which|of|with)\b){_TIME}"
    ),
    Family.ORDINAL: (
        rf"\bthe\s+latter\b|\bthe\s+former\b(?!\s+(?:{_EN_OFFICES})\b)"
        r"|\bthe\s+(?:first|second|third|last|other)\s+one\b"
        r"|\bthe\s+(?:first|second|third)\b(?=\s*(?:$|[^\w\s'-])|'s\b)"
    ),
    # Not "there is" and "are there", which refer to nothing.
    Family.PLACE: (
        r"(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )(?<!\bbe )\bthere\b"
        r"(?!\s*(?:'s|is|are|was|were|be|been|will|would|any|anything|seems?|exists?)\b)"
    ),
    Family.ONE: r"\b(?:a|an)\s+\w+\s+one\b",
}

# Adjectives that say something of the thing itself: "is it able to fly".
_EN_OF_THINGS = (
    "able|unable|going|supposed|allowed|known|likely|unlikely|ready|willing|meant|designed|used|due|"
    "made|built|set|about|available|related|compared|similar|close|next|opposed|sure|certain|bound"
)
_EN_IT_IS = r"\bit(?:'s|\s+(?:is|was|be|will\s+be|would\s+be))"
_EN_IS_IT = r"\b(?:is|was|be|isn't|wasn't)\s+it"
_EN_DEGREE = r"\s+(?:(?:not|still|always|more|less|so|that|too)\s+)*"
_EN_THAT_FOLLOWS = (
    rf"(?!(?:{_EN_OF_THINGS})\b)[a-z]+\s+(?:for\s+(?:\w+\s+){{1,4}}?)?(?:to|that|if)\b"
)
_EN_WEATHER = (
    "raining|snowing|hailing|drizzling|cold|hot|warm|chilly|freezing|sunny|cloudy|rainy|snowy|stormy|"
    "overcast|dry|humid|misty|foggy|windy|late|early"
)
# "It" that refers to nothing: weather, time, clauses that follow ("is it easier to learn ...").
_EN_EXPLETIVE = re.compile(
    rf"(?:{_EN_IT_IS}|{_EN_IS_IT}){_EN_DEGREE}(?:{_EN_THAT_FOLLOWS}|(?:{_EN_WEATHER})\b)"
    rf"|\b(?:will|would)\s+it\s+be\s+(?:{_EN_WEATHER})\b"
    rf"|{_EN_IT_IS}\s+(?:said|believed|worth)\b"
    r"|\bhow\s+(?:cold|hot|warm|wet|dry|windy|humid|dark|late)\s+(?:does|did|will)\s+it\s+get\b"
    r"|\bit\s+(?:rains?|snows?|hails?|drizzles?|seems?|appears?|turns\s+out|takes?|took)\b"
    r"|\b(?:does|did|will|would)\s+it\s+"
    r"(?:rain|snow|hail|drizzle|(?:take|cost)(?=[^.?!]*\bto\b)|matter(?=\s+(?:if|that|whether)\b))"
    r"|\bwhat\s+time\s+is\s+it\b|\bwhat\s+is\s+it\s+like\s+to\b|\bmakes?\s+it\s+\w+\s+to\b",
    re.ASCII,
)

_ZH: Mapping[Family, str] = {
    Family.THING: r"(?<!其)它(?!们)|(?<![尤极与何耳名马])其(?![他它她中实次余间所])",
    Family.MALE: r"(?<![其吉维犹耳排])他(?![们人乡国杀日汀])",
    Family.FEMALE: r"(?<!其)她(?!们)",
    Family.PLURAL: r"[它他她]们",
    Family.NEAR: (
        rf"这(?:[{MEASURES}]|[个些种](?!月|星期|周|季|礼拜|时候|学期|世纪)|两[个者位种]|里|儿)"
        r"|这(?=是)"
    ),
    Family.FAR: (
        rf"那(?:[{MEASURES}]|[个些种](?!月|星期|周|季|礼拜|时候|学期|世纪)|两[个者位种]|里|儿)"
    ),
    Family.ORDINAL: (
        r"[前后]者|(?:第[一二三]|最后一)[个种座部本款位家条](?=[的呢吗是有更会能怎为要可在多几需]|[^\w]|$)"
    ),
}

_PATTERNS: Mapping[Language, Mapping[Family, re.Pattern[str]]] = {
    # In ASCII mode a Han character ends an English word: spaces between the two do not survive.
    Language.EN: {family: re.compile(pattern, re.ASCII) for family, pattern in _EN.items()},
    Language.ZH: {family: re.compile(pattern) for family, pattern in _ZH.items()},
}


@lru_cache(maxsize=8192)
def pronoun_ranges(folded: str) -> tuple[tuple[int, int, Family], ...]:
    """Ranges of a folded text that refer back, in either language (queries mix them).

    Expletive "it", conjunctions and words that merely contain a pronoun's character are left out.
    """
    idle = [match.span() for match in _EN_EXPLETIVE.finditer(folded)]
    found = [
        (*match.span(), family)
        for patterns in _PATTERNS.values()
        for family, pattern in patterns.items()
        for match in pattern.finditer(folded)
        if not (family is Family.THING and any(s <= match.start() < e for s, e in idle))
    ]
    return tuple(sorted(found))


def referring(text: str, names: Sequence[Span] = ()) -> tuple[tuple[Span, Family], ...]:
    """Pronouns of a text outside ``names``, places in it, in order."""
    folded = fold(text)
    found = (
        (Span(*folded.origin(start, end), "pronoun"), family)
        for start, end, family in pronoun_ranges(folded.text)
    )
    return tuple(
        (span, family)
        for span, family in found
        if not any(span.start < name.end and name.start < span.end for name in names)
    )


_POINTING = re.compile(r"this|that|these|those|[这那][^里儿]", re.IGNORECASE)
_WITHIN = re.compile(r"[\s\w-]{0,24}")


def _points_at(text: str, pronoun: Span, names: Sequence[Span]) -> bool:
    """Whether a demonstrative stands in one phrase with a name: that old Voynich manuscript."""
    han = text[pronoun.start] in "这那"
    for name in names:
        between = text[pronoun.end : name.start]
        if (han and name.end == pronoun.start) or (
            pronoun.end < name.start and _WITHIN.fullmatch(between) and between.count(" ") in (1, 2)
        ):
            return True
    return False


_LOCATIVE = frozenset(("那里", "那儿", "这里", "这儿"))
"""Behind a name they say that it is a place: 泽陵那里."""
_APART = re.compile(
    r"[.,;:?!，。；：？！]|\b(?:who|what|which|when|where|why|how)\b", re.IGNORECASE
)


def bound(text: str, pronoun: Span, names: Sequence[Span]) -> bool:
    """Whether a name before the pronoun, in its clause, is what it stands for.

    "When did the Avengers make their first appearance" stands alone. "Jupiter, how many moons does
    it have" and "Jupiter it has" do not: between the two lies a mark or a question, or nothing.
    """
    said = text[pronoun.start : pronoun.end]
    if _POINTING.fullmatch(said) and _points_at(text, pronoun, names):
        return True
    return any(
        name.end <= pronoun.start and _binds(text[name.end : pronoun.start], said) for name in names
    )


def _binds(between: str, said: str) -> bool:
    if not between.strip(" 's’的"):
        return said in _LOCATIVE
    return not _APART.search(between)
