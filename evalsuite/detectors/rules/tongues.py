"""The language that a text is in, for the instruction that asks for one: by script, then by words.

Only to tell whether an instruction was followed, so it errs towards None where a text is short.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_SCRIPTS = {
    "HANGUL": ("ko",), "HIRAGANA": ("ja",), "KATAKANA": ("ja",), "CJK": ("zh",), "THAI": ("th",),
    "BENGALI": ("bn",), "GUJARATI": ("gu",), "GURMUKHI": ("pa",), "KANNADA": ("kn",),
    "MALAYALAM": ("ml",), "TAMIL": ("ta",), "TELUGU": ("te",), "HEBREW": ("he",),
    "GREEK": ("el",), "DEVANAGARI": ("hi", "mr", "ne"), "ARABIC": ("ar", "fa", "ur"),
    "CYRILLIC": ("ru", "uk", "bg"), "LATIN": ("en", "de", "fr", "es", "it", "pt", "nl", "fi", "sw",
    "vi", "pl", "sv"),
}  # fmt: skip
_COMMON = {
    "en": "the and of to is in that for it with you are on as be this was not have by my your we",
    "de": "der die und das ist nicht ein eine zu den mit ich sie auf für von dem im es sich auch",
    "fr": "le la les et est des une un que pour dans ce qui pas vous je en du sur avec il au",
    "es": "el la los las y es que de un una por para con no se del en al lo como su más",
    "it": "il la che di e un una per non con del è sono in i le della si da gli ma come",
    "pt": "o os a as e que de do da um uma para com não em é por mais dos no na se",
    "nl": "de het een en van is dat niet op te in zijn voor met aan er ook maar die ik",
    "fi": "ja on ei se että hän oli mutta ovat kun minä myös joka niin tai olen kanssa sen",
    "sw": "na ya wa kwa ni katika la za kuwa hii si ya kama yake hiyo cha huo wake vya",
    "vi": "và là của không có trong được cho một các với để người này những tôi đã từ khi",
    "pl": "i w nie na się z do jest to że jak po ale co za od przez dla tak był są",
    "sv": "och att det som en är på inte för av med till den ett jag har om så kan du",
    "hi": "है हैं में की के का को और से नहीं यह एक पर इस था लिए भी",
    "mr": "आहे आणि आहेत च्या मध्ये नाही हे एक साठी ते तो ती या की होते",
    "ne": "छ छन् र को मा हो लागि पनि यो एक गर्न हुन्छ छैन",
    "ar": "في من على إلى أن التي هذا هذه كان الذي مع عن لا ما هو و",
    "fa": "و در به از که است این را با می برای آن های یک شد خود",
    "ur": "ہے ہیں میں کی کے کا اور سے نہیں یہ کو ایک پر اس کہ",
    "ru": "и в не на что он с как это по но из у за то я бы мы",
    "uk": "і в не на що він з як це по але та у за то є ми й",
    "bg": "и в не на че той с като това по но от е за са да се си",
}
_WORDS = {language: frozenset(words.split()) for language, words in _COMMON.items()}
_RUN = re.compile(r"[^\W\d_]+(?:[\u0900-\u0dff\u0300-\u036f\u064b-\u0655]+[^\W\d_]*)*")
MOST = 0.7
"""Share of the letters that have to be of one script."""


def language_of(text: str) -> str | None:
    """The ISO 639-1 code of a text's language; None: it has no letters, or nobody can tell.

    Of languages that share a script the one whose most common words it has most of.
    """
    candidates = _by_script(text)
    if len(candidates) == 1:
        return candidates[0]
    said = Counter(word.lower() for word in _RUN.findall(text))
    if candidates and candidates[0] == "hi":
        said = Counter(re.findall(r"[\u0900-\u097f]+", text))
    found = {language: sum(said[word] for word in _WORDS[language]) for language in candidates}
    best = sorted(found.items(), key=lambda pair: -pair[1])[:2]
    return best[0][0] if best and best[0][1] > best[1][1] else None


def _by_script(text: str) -> tuple[str, ...]:
    """The languages of the script that most letters are of."""
    scripts: Counter[tuple[str, ...]] = Counter()
    for char, n in Counter(char for char in text if char.isalpha()).items():
        script = unicodedata.name(char, "").partition(" ")[0]
        scripts[_SCRIPTS.get(script, ())] += n
    if scripts[("ja",)]:
        scripts[("ja",)] += scripts.pop(("zh",), 0)  # Japanese is written in both
    if not scripts:
        return ()
    [(languages, n)] = scripts.most_common(1)
    return languages if n >= MOST * scripts.total() else ()
