"""Operators on characters: what people type, paste and smuggle. Names stay as they are."""

from __future__ import annotations

import random
from collections.abc import Callable

from evalsuite.cases import Case, Language
from evalsuite.strategies.attack import Edit, World
from evalsuite.strategies.operators.editing import appended, names_of, outside_names, rewritten

_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_HALF_WIDTH = str.maketrans("，。？！：；（）", ",.?!:;()")
# Simplified characters of everyday talk, and how they are written in Hong Kong and Taiwan.
_TRADITIONAL = str.maketrans(
    "个们说这种对为还过里问听欢读谈后来国时会么样钱买卖东车马长门间开关见觉话语认识让请谁"
    "谢应该动应边远进运连选难题电脑价历颜体无论书画写师学习岁龙凤鸟鱼飞机场图广业经济头发现实给点几从众难"
    "与当旧钟",
    "個們說這種對為還過裡問聽歡讀談後來國時會麼樣錢買賣東車馬長門間開關見覺話語認識讓請誰"
    "謝應該動應邊遠進運連選難題電腦價歷顏體無論書畫寫師學習歲龍鳳鳥魚飛機場圖廣業經濟頭發現實給點幾從眾難"
    "與當舊鐘",
)
_SLIPS = {"的": "得", "在": "再", "做": "作", "吗": "嘛", "那": "哪", "是": "事", "有": "友"}
_INVISIBLE = ("\u200b", "\u200d", "\u200c", "\u2060", "\ufeff", "\u00ad")
_BIDI = (("\u202e", "\u202c"), ("\u2067", "\u2069"), ("\u202b", "\u202c"), ("\u200f", "\u200e"))
_COMBINING = ("\u0301", "\u0308", "\u0338", "\u20dd", "\u0e49")
_EMOJI = ("😀", "👩\u200d👩\u200d👧", "🇪🇺", "👍🏽", "❤\ufe0f", "🏴\u200d☠\ufe0f", "1\ufe0f\u20e3")
_RIGHT_TO_LEFT = ("مرحبا، كيف حالك؟", "שלום, מה שלומך?", "این یک جمله است.", "یہ ایک جملہ ہے۔")


def _through(case: Case, edit: Edit, change: Callable[[str], str]) -> Case:
    """Change what is said in one turn, or in all turns from size 2 on, names apart."""
    names = names_of(case)

    def apart(said: str) -> str:
        return outside_names(said, names, change)

    for place in range(len(case.history)) if edit.size > 1 else (edit.place,):
        case = rewritten(case, place, apart)
    return case


def mistype(case: Case, edit: Edit, world: World) -> Case:
    """Swap neighbouring letters of words, or write a Chinese character that sounds the same."""
    rng = edit.rng
    slip = _slip_chinese if case.language is Language.ZH else _slip_english
    return _through(case, edit, lambda text: slip(text, rng))


def _slip_english(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    for index, word in enumerate(words):
        if len(word) > 3 and word.isalpha() and rng.random() < 0.5:
            at = rng.randrange(1, len(word) - 2)
            words[index] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


def _slip_chinese(text: str, rng: random.Random) -> str:
    return "".join(_SLIPS.get(c, c) if rng.random() < 0.5 else c for c in text)


def change_width(case: Case, edit: Edit, world: World) -> Case:
    """Type full-width letters, or half-width punctuation between Chinese characters."""
    if case.language is Language.ZH:
        return _through(case, edit, lambda text: text.translate(_HALF_WIDTH))
    return _through(case, edit, lambda text: text.translate(_FULL_WIDTH))


def write_traditional(case: Case, edit: Edit, world: World) -> Case:
    """Write traditional characters in a Chinese history."""
    if case.language is not Language.ZH:
        return case
    return _through(case, edit, lambda text: text.translate(_TRADITIONAL))


def _scattered(
    marks: tuple[str, ...], edit: Edit, wanted: Callable[[str], bool]
) -> Callable[[str], str]:
    rng, share = edit.rng, 0.1 * 2**edit.size

    def scatter(text: str) -> str:
        return "".join(
            c + rng.choice(marks) if wanted(c) and rng.random() < share else c for c in text
        )

    return scatter


def hide_characters(case: Case, edit: Edit, world: World) -> Case:
    """Scatter characters that nobody sees: zero-width spaces and joiners, soft hyphens."""
    return _through(case, edit, _scattered(_INVISIBLE, edit, str.isalpha))


def stack_marks(case: Case, edit: Edit, world: World) -> Case:
    """Put combining marks on letters."""
    return _through(case, edit, _scattered(_COMBINING, edit, str.isalpha))


def turn_direction(case: Case, edit: Edit, world: World) -> Case:
    """Set a turn between marks that turn the direction of writing, and sometimes leave it so."""
    opening, closing = _BIDI[edit.seed % len(_BIDI)]
    closing = closing if edit.size % 2 == 0 else ""
    return rewritten(case, edit.place, lambda said: f"{opening}{said}{closing}")


def add_emoji(case: Case, edit: Edit, world: World) -> Case:
    """End a turn with emoji, some of several code points."""
    rng = edit.rng
    return appended(case, edit.place, "".join(rng.choices(_EMOJI, k=1 + edit.size)))


def write_right_to_left(case: Case, edit: Edit, world: World) -> Case:
    """End a turn with a sentence that is written from right to left."""
    return appended(case, edit.place, _RIGHT_TO_LEFT[edit.seed % len(_RIGHT_TO_LEFT)])


def switch_language(case: Case, edit: Edit, world: World) -> Case:
    """End a turn with a sentence in the other language that mentions nothing."""
    other = next(language for language in Language if language is not case.language)
    fillers = world.grammar.fillers(other, world.split)
    chosen = edit.rng.sample(fillers, min(1 + edit.size, len(fillers)))
    return appended(case, edit.place, " ".join(asked for asked, _ in chosen))
