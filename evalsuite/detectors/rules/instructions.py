"""Instructions of IFEval that a program can check: one pure function for each.

Written for this project after what the instructions say (Zhou et al., 2023, arXiv:2311.07911), and
checked strictly: an answer counts when it keeps all of its item's instructions, and an empty answer
keeps none. Where an instruction is not about English it holds for Chinese too: full-width commas
are commas, Chinese quotation marks are quotation marks, and every Han character is a word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from evalsuite.detectors.result import Detector, Score, Span
from evalsuite.detectors.rules import counts
from evalsuite.detectors.rules.tongues import language_of
from evalsuite.files.problems import suggestion
from evalsuite.scenarios.answerrule import Instruction, Value
from evalsuite.scenarios.skillitem import SkillItem

Kwargs = Mapping[str, Value]
_LESS, _LEAST = "less than", "at least"
_QUOTES = {'"': '"', "“": "”", "„": "“", "「": "」", "『": "』", "«": "»"}
_FENCE = re.compile(r"\A```[A-Za-z]*\s*(.*?)\s*```\Z", re.DOTALL)
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Check:
    """How one instruction is checked, and which arguments it takes."""

    keeps: Callable[[str, Kwargs], bool]
    """Whether an answer, without white space around it, keeps the instruction."""
    takes: Mapping[str, str]
    """Name of an argument -> ``count``, ``text``, ``texts`` or ``relation``."""


def no_comma(text: str, _: Kwargs) -> bool:
    """There is no comma, of any script; the Chinese enumeration mark is none."""
    return not re.search("[,，﹐､،]", text)


def keyword_frequency(text: str, kwargs: Kwargs) -> bool:
    """A keyword occurs less than, or at least, so often; inside longer words too, as published."""
    return _related(_times(text, str(kwargs["keyword"])), kwargs["relation"], kwargs["frequency"])


def number_sentences(text: str, kwargs: Kwargs) -> bool:
    """There are less than, or at least, so many sentences."""
    n = counts.sentences(text)
    return _related(n, kwargs["relation"], kwargs["num_sentences"])


def forbidden_words(text: str, kwargs: Kwargs) -> bool:
    """None of some words occurs as a word; Han words nowhere."""
    return not any(_whole_word(text, word) for word in _texts(kwargs["forbidden_words"]))


def existing_keywords(text: str, kwargs: Kwargs) -> bool:
    """Every keyword occurs, inside longer words too, as published."""
    return all(_times(text, word) for word in _texts(kwargs["keywords"]))


def number_words(text: str, kwargs: Kwargs) -> bool:
    """There are less than, or at least, so many words."""
    return _related(counts.words(text), kwargs["relation"], kwargs["num_words"])


def repeat_prompt(text: str, kwargs: Kwargs) -> bool:
    """The request is repeated word for word before anything else."""
    return text.casefold().startswith(str(kwargs["prompt_to_repeat"]).strip().casefold())


def quotation(text: str, _: Kwargs) -> bool:
    """The whole answer stands in double quotation marks, which hold something."""
    return len(text) > 2 and _QUOTES.get(text[0]) == text[-1]


def letter_frequency(text: str, kwargs: Kwargs) -> bool:
    """A letter, small or capital, occurs less than, or at least, so often."""
    n = text.lower().count(str(kwargs["letter"]).lower())
    return _related(n, kwargs["let_relation"], kwargs["let_frequency"])


def number_highlights(text: str, kwargs: Kwargs) -> bool:
    """At least so many parts are emphasised."""
    return counts.highlights(text) >= _count(kwargs["num_highlights"])


def postscript(text: str, kwargs: Kwargs) -> bool:
    """A postscript begins with its marker at the beginning of a line or behind a sentence."""
    marker = str(kwargs["postscript_marker"])
    letters = re.findall(r"\w", marker)
    spaced = r"\.?\s?".join(map(re.escape, letters))
    return re.search(rf"(?:^|\n|[.!?。！？]\s*)\s*\W*{spaced}\b", text, re.IGNORECASE) is not None


def english_lowercase(text: str, _: Kwargs) -> bool:
    """It is English without a capital letter."""
    return text.islower() and language_of(text) in ("en", None)


def english_capital(text: str, _: Kwargs) -> bool:
    """It is English in capital letters."""
    return text.isupper() and language_of(text) in ("en", None)


def title(text: str, _: Kwargs) -> bool:
    """There is a title in double angular brackets."""
    return re.search(r"<<[^<>\n]*[^<>\s][^<>\n]*>>", text) is not None


def number_bullets(text: str, kwargs: Kwargs) -> bool:
    """There are exactly so many bullet points of Markdown."""
    return counts.bullets(text) == _count(kwargs["num_bullets"])


def response_language(text: str, kwargs: Kwargs) -> bool:
    """It is in a language (ISO 639-1)."""
    return language_of(text) == str(kwargs["language"]).partition("-")[0]


def capital_word_frequency(text: str, kwargs: Kwargs) -> bool:
    """Words in capital letters occur less than, or at least, so often."""
    n = counts.capital_words(text)
    return _related(n, kwargs["capital_relation"], kwargs["capital_frequency"])


def number_placeholders(text: str, kwargs: Kwargs) -> bool:
    """There are at least so many placeholders in square brackets."""
    return counts.placeholders(text) >= _count(kwargs["num_placeholders"])


def end_phrase(text: str, kwargs: Kwargs) -> bool:
    """It ends with a phrase; a quotation mark or an asterisk may follow."""
    phrase = str(kwargs["end_phrase"]).strip().casefold()
    return text.rstrip(" \n\"”'*」").casefold().endswith(phrase.rstrip(" \n\"”'*」"))


def json_format(text: str, _: Kwargs) -> bool:
    """It is one JSON object or array, with or without a fence of Markdown."""
    fenced = _FENCE.match(text)
    try:
        return isinstance(json.loads(fenced[1] if fenced else text), dict | list)
    except (ValueError, RecursionError):
        return False


def number_paragraphs(text: str, kwargs: Kwargs) -> bool:
    """``***`` divides it into exactly so many paragraphs."""
    return counts.divided(text) == _count(kwargs["num_paragraphs"])


_RELATED = {"relation": "relation"}
CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "punctuation:no_comma": Check(no_comma, {}),
        "keywords:frequency": Check(
            keyword_frequency, {"keyword": "text", "frequency": "count", **_RELATED}
        ),
        "length_constraints:number_sentences": Check(
            number_sentences, {"num_sentences": "count", **_RELATED}
        ),
        "keywords:forbidden_words": Check(forbidden_words, {"forbidden_words": "texts"}),
        "keywords:existence": Check(existing_keywords, {"keywords": "texts"}),
        "length_constraints:number_words": Check(number_words, {"num_words": "count", **_RELATED}),
        "combination:repeat_prompt": Check(repeat_prompt, {"prompt_to_repeat": "text"}),
        "startend:quotation": Check(quotation, {}),
        "keywords:letter_frequency": Check(
            letter_frequency,
            {"letter": "text", "let_frequency": "count", "let_relation": "relation"},
        ),
        "detectable_format:number_highlighted_sections": Check(
            number_highlights, {"num_highlights": "count"}
        ),
        "detectable_content:postscript": Check(postscript, {"postscript_marker": "text"}),
        "change_case:english_lowercase": Check(english_lowercase, {}),
        "detectable_format:title": Check(title, {}),
        "detectable_format:number_bullet_lists": Check(number_bullets, {"num_bullets": "count"}),
        "language:response_language": Check(response_language, {"language": "text"}),
        "change_case:english_capital": Check(english_capital, {}),
        "change_case:capital_word_frequency": Check(
            capital_word_frequency,
            {"capital_frequency": "count", "capital_relation": "relation"},
        ),
        "detectable_content:number_placeholders": Check(
            number_placeholders, {"num_placeholders": "count"}
        ),
        "startend:end_checker": Check(end_phrase, {"end_phrase": "text"}),
        "detectable_format:json_format": Check(json_format, {}),
        "length_constraints:number_paragraphs": Check(
            number_paragraphs, {"num_paragraphs": "count"}
        ),
    }
)
"""The twenty instructions that IFEval gives most often, and one more that is as frequent as the
twentieth."""


def faults(instruction: Instruction) -> Iterator[str]:
    """Say what is wrong with an instruction: its id, or its arguments."""
    check = CHECKS.get(instruction.id)
    if check is None:
        near = suggestion(instruction.id, CHECKS) or f"; known are: {', '.join(CHECKS)}"
        yield f"the instruction {instruction.id!r} is not known here{near}"
        return
    kwargs = dict(instruction.kwargs)
    for name in sorted({*kwargs} - {*check.takes}):
        takes = ", ".join(check.takes) or "none"
        yield f"{instruction.id}: takes no argument {name!r}; its arguments: {takes}"
    for name, kind in check.takes.items():
        wrong = "is missing" if name not in kwargs else _unfit(kind, kwargs[name])
        if wrong:
            yield f"{instruction.id}: {name} {wrong}"


def kept(instruction: Instruction, text: str) -> bool:
    """Whether an answer keeps an instruction; an empty one keeps none."""
    said = text.strip()
    return bool(said) and CHECKS[instruction.id].keeps(said, dict(instruction.kwargs))


def instructions_score(item: SkillItem, text: str) -> Score:
    """Loss 0 when the answer keeps all instructions of the item, else 1."""
    detector = Detector.SKILL_ANSWER
    broken = [one.id for one in item.rule.instructions if not kept(one, text)]
    every = len(item.rule.instructions)
    if not broken:
        return Score(detector, item.id, 0.0, f"The answer keeps all {every} instructions.")
    whole = (Span(0, len(text), "wrong answer"),) if text.strip() else ()
    said = f"The answer breaks {len(broken)} of {every} instructions: {', '.join(broken)}."
    return Score(detector, item.id, 1.0, said, whole)


def _unfit(kind: str, value: Value) -> str:
    match kind:
        case "count":
            good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
            return "" if good else f"is {value!r}; write a whole number"
        case "texts":
            good = isinstance(value, tuple) and bool(value) and all(map(str.strip, value))
            return "" if good else f"is {value!r}; write a list of words"
        case "relation":
            return "" if value in (_LESS, _LEAST) else f"is {value!r}; write {_LESS} or {_LEAST}"
        case _:
            good = isinstance(value, str) and bool(value.strip())
            return "" if good else f"is {value!r}; write a text"


def _related(n: int, relation: Value, limit: Value) -> bool:
    return n < _count(limit) if relation == _LESS else n >= _count(limit)


def _count(value: Value) -> int:
    return value if isinstance(value, int) else int(str(value))


def _texts(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (str(value),)


def _times(text: str, word: str) -> int:
    return text.casefold().count(word.strip().casefold())


def _whole_word(text: str, word: str) -> bool:
    edge = "" if _HAN.search(word) else r"\b"
    return re.search(rf"{edge}{re.escape(word.strip())}{edge}", text, re.IGNORECASE) is not None
