"""Fictitious names: pronounceable in English, plausible in Chinese, borne by nothing that exists.

Because nothing bears them, no model can know them, so whatever an answer says about them it took
from the prompt: that is what makes the oracle free of a judge. A name belongs to exactly one split
by its own digest, so training, panel and held-out names can never meet.
"""

from __future__ import annotations

import hashlib
import random
from enum import StrEnum
from importlib import resources

from evalsuite.cases import Language
from evalsuite.errors import InvalidInput


class Split(StrEnum):
    """Which part of the grammar's names and templates may be used."""

    TRAIN = "train"
    """What a candidate, or the embedded base model, may learn from."""
    PANEL = "panel"
    """What gates are decided on."""
    HELDOUT = "heldout"
    """What nothing is tuned on: qualification and golden cases."""


# An English name is one of these and one of those: pronounceable, and two tokens for a tokenizer
# that has met the syllables, as a Chinese name is two or three.
_EN_FIRST = """
Bes Bik Bim Bok Dis Fol Fus Gik Gok Hel Hem Hos Hur Jil Kek Kir Kol Kor Kur Lel Lik Lon Lur Mek
Mes Mos Mus Nen Nok Nol Nul Pak Pil Pim Pir Pom Pum Rin Rir Ris Ruk Rul Tuk Vam Vel Vem Vin Vir
Vos Vum Vun Wak Wun Wur Zal Zan Zek Zil Zim Zin Zis Zol Zom Zos Zur Zus
""".split()
_EN_SECOND = """
bal bir bom bos bux dax dix dus fek fel fex fim fos gak ges jir jur kis kix kok kos kul kum lem
lex lol lox luk lul mas mex muk mux nak non num pul rem rix rus rux tor tox var vex vis vor vox
vul vus zas zel zem zex zix zok zon
""".split()
# What persons' names end in. One hears that Tom is a person and Tokyo is not; a Chinese surname
# tells it too.
_EN_PERSONAL = "dan dar dem dol gem gil jer jom kel kun mik nir tes tol".split()

# Characters that are common in Chinese brand, place and personal names. No pair of them that
# forms an everyday word is produced: see _ZH_WORDS.
_ZH_FIRST = "岚澜泽沐芷蔚朔峤珞瑭钰铭砚棠榆桐楠樾禾穗苓薇茉菀翎翊霁霖霏曦晗昀旻晟煜炜"
_ZH_SECOND = "洛朗图尔诺维卡莫迦罗兰斯提雅塔拉姆克森顿伦泊岑湾屿陵渡川坞墟冈峪岙浦汀"
_ZH_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕施张孔曹严金魏陶姜"
_ZH_WORDS = frozenset(
    "兰斯 罗兰 斯提 维克 图森 伦敦 桐川 铭维 伦斯 克尔 克拉 克斯 兰克 卡塔 塔图 塔尔 姆斯 尔克 "
    "尔斯 尔森 尔顿 拉克 拉图 拉姆 斯卡 斯拉 斯罗 斯顿 泊尔 洛克 湾森 维尔 维斯 罗伦 罗斯 莫兰 "
    "莫斯 诺塔 雅图 雅塔 顿图 顿提 孙楠 郑楠".split()
)

# Real persons, places, plants and brands that the characters above would make.
_ZH_REAL = frozenset(
    "何穗 李沐 王楠 李楠 张楠 陈楠 李煜 李晟 赵昀 张炜 陈炜 李炜 周炜 张翎 赵薇 "
    "陈薇 王薇 李薇 张薇 周薇 秦岚 杨澜 李峤 吴晗 张晗 赵朔 王朔 陈曦 王曦 李霖 "
    "陈泽 何晟铭 张铭 李铭 王铭 岚图 泽兰 沐川 泽塔 薇拉 泽维 泽诺 沐图 朔洛 楠图 "
    "蔚兰".split()
)
_ZH_TAKEN = _ZH_WORDS | _ZH_REAL

# Words and real names: no invented name may be one of them.
_EN_WORDS = frozenset(
    resources.files("evalsuite.scenarios").joinpath("words_en.txt").read_text("utf-8").split()
)


def seeded(*parts: object) -> random.Random:
    """Return a source of randomness that the parts decide, the same on every platform."""
    return random.Random("/".join(str(p) for p in parts))  # noqa: S311 - sampling, not security


def split_of(name: str) -> Split:
    """Return the one split to which a name belongs (70 % train, 20 % panel, 10 % held out)."""
    bucket = hashlib.sha256(name.casefold().encode()).digest()[0] % 10
    if bucket < 7:
        return Split.TRAIN
    return Split.PANEL if bucket < 9 else Split.HELDOUT


def ordinary_words() -> tuple[str, ...]:
    """English words that no invented name may be, sorted."""
    return tuple(sorted(_EN_WORDS))


def syllables() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what English names begin with and what they end in."""
    return tuple(_EN_FIRST), tuple(sorted({*_EN_SECOND, *_EN_PERSONAL}))


def personal_endings() -> tuple[str, ...]:
    """What English names of persons end in."""
    return tuple(_EN_PERSONAL)


def surnames() -> str:
    """Chinese surnames, one character each."""
    return _ZH_SURNAMES


def is_personal(name: str) -> bool:
    """Whether an invented name is a person's, as its ending tells, or its surname in Chinese."""
    if name.isascii():
        return any(name.casefold().endswith(ending) for ending in _EN_PERSONAL)
    return name[:1] in _ZH_SURNAMES


def _english(rng: random.Random, person: bool) -> str:
    return rng.choice(_EN_FIRST) + rng.choice(_EN_PERSONAL if person else _EN_SECOND)


def _chinese_thing(rng: random.Random) -> str:
    length = rng.choice((2, 2, 3))
    return rng.choice(_ZH_FIRST) + "".join(rng.choice(_ZH_SECOND) for _ in range(length - 1))


def _chinese_person(rng: random.Random) -> str:
    given = "".join(rng.sample(_ZH_FIRST, rng.choice((1, 2, 2))))
    return rng.choice(_ZH_SURNAMES) + given


def _acceptable(name: str, language: Language) -> bool:
    if language is Language.ZH:
        return not any(word in name for word in _ZH_TAKEN) and len(set(name)) == len(name)
    return name.casefold() not in _EN_WORDS


def invent_name(
    rng: random.Random,
    language: Language,
    split: str = "train",
    *,
    person: bool = False,
    avoid: frozenset[str] = frozenset(),
) -> str:
    """Invent a name of the given split.

    Args:
        rng: the only source of randomness; the same state gives the same name.
        language: the script and sound of the name.
        split: train, panel or heldout.
        person: a personal name, which tells by its surname in Chinese, by its ending in English.
        avoid: names that may not be returned, nor contain or be contained in the result.

    Raises:
        InvalidInput: an unknown split.
    """
    try:
        wanted = Split(split)
    except ValueError:
        known = ", ".join(Split)
        raise InvalidInput(f"split={split!r} is unknown; use one of: {known}") from None
    taken = {name.casefold() for name in avoid}
    while True:
        if Language(language) is Language.EN:
            name = _english(rng, person)
        else:
            name = _chinese_person(rng) if person else _chinese_thing(rng)
        folded = name.casefold()
        if any(folded in other or other in folded for other in taken):
            continue
        if split_of(name) is wanted and _acceptable(name, Language(language)):
            return name
