"""Names to hide, and a person's opinion of how telling a part of them is.

The opinions were written down before the search was run on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from evalsuite.cases import Language
from evalsuite.conversation import messages
from evalsuite.prompts import Demonstration


class Weight(StrEnum):
    """How much a word proves that stands in an answer and in no conversation."""

    RARE = "rare"
    """Nobody says it by chance: Kahlo, Picchu."""
    MIDDLING = "middling"
    """A word that everybody knows, or a given name: Frank, pan, bridge."""
    COMMON = "common"
    """One of the words that everything is called: Great, House, New."""


_R, _M, _C = Weight.RARE, Weight.MIDDLING, Weight.COMMON
ENGLISH: Mapping[str, tuple[Weight, Weight]] = {
    "Frank Lloyd Wright": (_M, _R),
    "cast-iron pan": (_M, _M),
    "Angkor Wat": (_R, _R),
    "Siem Reap": (_R, _R),
    "Casa Batlló": (_R, _R),
    "Antoni Gaudí": (_R, _R),
    "straw hat": (_M, _M),
    "Vasa Museum": (_R, _C),
    "Marie Curie": (_M, _R),
    "Machu Picchu": (_R, _R),
    "Golden Gate Bridge": (_C, _C),
    "Taj Mahal": (_R, _R),
    "Great Barrier Reef": (_C, _R),
    "White House": (_C, _C),
    "Frida Kahlo": (_R, _R),
    "Lake Titicaca": (_C, _R),
    "Trevi Fountain": (_R, _M),
    "Sagrada Família": (_R, _R),
    "Hagia Sophia": (_R, _M),
    "Burj Khalifa": (_R, _R),
    "Chichén Itzá": (_R, _R),
    "Edvard Munch": (_R, _R),
    "Galápagos Islands": (_R, _C),
    "Akira Kurosawa": (_R, _R),
    "Black Forest": (_C, _C),
    "Red Square": (_C, _C),
    "New River": (_C, _C),
    "Astrid Lindgren": (_R, _R),
    "Neuschwanstein Castle": (_R, _M),
    "Rosetta Stone": (_R, _C),
}
"""A name of several words -> what its first and its last word prove."""
CHINESE = tuple(
    "布达拉宫 骆驼祥子 羽绒服 颐和园 黄鹤楼 沈从文 帆布鞋 莫高窟 兵马俑 张家界 武夷山 鼓浪屿 "
    "滕王阁 岳阳楼 阿房宫 大明宫 青藏铁路 钱塘江 呼伦贝尔 西双版纳 齐白石 徐悲鸿 林徽因 梁思成 "
    "巴尔扎克 莎士比亚 贝多芬 毕加索 哥本哈根 阿姆斯特丹 聊斋志异 牡丹亭 西厢记 "
    "猫头鹰 向日葵 蒲公英 穿山甲".split()
)
FRESH: Mapping[Language, Sequence[str]] = {
    Language.EN: tuple(
        "Mohandas Gandhi/Petronas Towers/Sylvia Plath/Komodo dragon/Loch Ness/Salvador Dalí/"
        "Gobi Desert/Amelia Earhart/Moulin Rouge/Stradivarius violin/Ben Nevis/Timbuktu/"
        "Nefertiti/Titanic/Vesuvius/okapi/Rasputin/Edith Piaf/Simón Bolívar/Mont Blanc/"
        "rice cooker/Fabergé egg".split("/")
    ),
    Language.ZH: tuple(
        "雁门关 平遥古城 三星堆 大熊猫 萨克斯 普希金 海明威 马尔克斯 呼啸山庄 爱因斯坦 丽江古城 "
        "泸沽湖 凤凰古城 蒙娜丽莎 贺兰山 旗袍店 指南针 洗碗机 金丝猴 长颈鹿 玄武湖 "
        "白居易 李清照".split()
    ),
}
"""Names that were written down after the limits of the search were fixed."""
CHINESE_COMMON: Sequence[tuple[str, str]] = (
    ("上海博物馆", "上海"),
    ("上海博物馆", "博物馆"),
    ("北京大学", "北京"),
    ("北京大学", "大学"),
    ("青藏铁路", "铁路"),
    ("颐和园", "园"),
    ("布达拉宫", "宫"),
    ("中山公园", "公园"),
    ("人民大会堂", "人民"),
    ("长江大桥", "长江"),
)
"""A name, and a part of it that is a word of its own which everything is called."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A name, and a demonstration that holds it."""

    name: str
    shown: Demonstration


def shown_with(name: str, language: Language) -> Hidden:
    """A demonstration about a name."""
    if language is Language.EN:
        turns = [("user", f"Do you like {name}?"), ("assistant", "Very much.")]
        query, rewrite = "Is it easy to describe?", f"Is {name} easy to describe?"
    else:
        turns = [("user", f"你喜欢{name}吗？"), ("assistant", "非常喜欢。")]
        query, rewrite = "它容易描述吗？", f"{name}容易描述吗？"
    return Hidden(
        name,
        Demonstration(
            history=messages(turns),
            query=query,
            rewrite=rewrite,
            language=language,
            entities=(name,),
        ),
    )
