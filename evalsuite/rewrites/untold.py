"""Saying that something was never told, and asking back, as people and models put it."""

from __future__ import annotations

import re

from evalsuite.cases import Language

_NOT = r"(?:\w+n't|not|never|no longer|cannot|didn't|unable to)"
_KNOWING = (
    r"(?:know|tell|say|said|says|told|mention\w*|state[ds]?|specif\w+|given?|gives|gave|provid\w+|"
    r"includ\w+|describ\w+|shar\w+|see|find|found|sure|clear|certain|answer|determin\w+|discuss\w*|"
    r"talk\w*|come up|cover\w*|in the (?:conversation|text|chat)|aware)"
)
_THINGS = (
    r"(?:information|mention|details?|idea|data|record|word|price|date|year|day|name|answer|"
    r"number|age|colour|height|weight|address|town)"
)
_UNTOLD = {
    Language.EN: re.compile(
        rf"\b{_NOT}\b(?:\W+\w+){{0,5}}?\W+{_KNOWING}\b"
        rf"|\b(?:no|any|that|more|enough)\s+(?:\w+\s+)?{_THINGS}\b(?=.*\b(?:{_NOT}|no)\b|"
        r".*\b(?:given|mentioned|available|provided|stated))"
        rf"|\b(?:no|without)\s+(?:\w+\s+)?{_THINGS}\b"
        rf"|\b(?:don't|do not) have (?:that|this|the|any|enough) (?:\w+ )?{_THINGS}"
        r"|\b(?:unknown|unclear|uncertain|unspecified|unmentioned)\b"
        r"|\b(?:nobody|no one|nothing) (?:was |is |has been |has )?(?:said|told|mentioned|known)\b"
        r"|\bonly (?:know|told|said|mentioned)\b",
        re.IGNORECASE,
    ),
    Language.ZH: re.compile(
        r"不(?:太|是很|怎么)?(?:知道|清楚|确定|了解|好说|详|明)|(?:无法|不能|没法|难以)(?:确定|得知|判断|回答|知道)"
        r"|(?:没有?|未|还没有?|没人|从未)(?:\w{0,4})(?:提|说|讲|聊|谈|写明|告诉|告知|给出|提供|说明|相关信息|这方面|信息|资料)"
        r"|暂无|看不出|未知|只知道"
    ),
}
_ASKS = {
    Language.EN: re.compile(
        r"\b(?i:which (?:one|of|\w+)|do you mean|you mean|are you (?:asking|referring|talking)|"
        r"did you mean|clarify|specify|more (?:details?|information|context)|"
        r"tell me (?:which|what|more|the))\b|\bor (?:the )?[A-Z]",
    ),
    Language.ZH: re.compile(
        r"哪一?(?:个|家|座|位|款|台|艘|间|只)|指的?是|告诉我|说明一下|还是|请问(?:是|您)|更多信息"
    ),
}
_IDLE = re.compile(
    r"\b(?:anything|something|more|else|other)\b.{0,30}\b(?:know|help|questions?|like)\b|"
    r"\b(?:want|like) to know\b|还(?:有|想)|其他|别的|you ask\?"
)
"""What stands at the end of any answer."""
_FRAGMENT = re.compile(r"(?<=[.!?。！？\n])\s*")


def says_untold(text: str, language: Language) -> bool:
    """Whether some sentence says so, that is itself no question and no idle phrase.

    ``没说的`` and ``没写错`` praise, and say nothing of what was told.
    """
    plain = re.sub(r"没说的|没写错|没有写错|没话说|without question|given away", "", text)
    return any(
        _UNTOLD[language].search(one)
        for one in _FRAGMENT.split(plain)
        if one.strip() and not one.rstrip().endswith("?")
    )


def asks_back(text: str, language: Language) -> bool:
    """Whether it is nothing but a question about what is meant, courtesies aside."""
    parts = [one for one in _FRAGMENT.split(text.strip()) if one.strip()]
    asked = [one for one in parts if _ASKS[language].search(one) and not _IDLE.search(one)]
    beside = [one for one in parts if one not in asked]
    asserted = [one for one in beside if len(one.split()) > 4 or _han(one) > 5]
    if not asked or asserted:
        return False
    return any(one.rstrip().endswith("?") for one in asked) or bool(
        re.search(r"please|请", text, re.IGNORECASE)
    )


def _han(text: str) -> int:
    """How many Chinese characters a text holds."""
    return sum("\u3400" <= character <= "\u9fff" for character in text)
