"""What wrong rewrites are made of, in both languages: hand-written words that the grammar lacks.

The judge of rewrites knows nothing of these tables, nor they of its own: whether a word carries
what is asked was decided by reading the grammar's queries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from evalsuite.cases import Language


@dataclass(frozen=True, slots=True)
class Wording:
    """The pieces of one language."""

    others: tuple[tuple[re.Pattern[str], str], ...]
    """A content word of the grammar's queries, and one of its class that means something else."""
    carrying: re.Pattern[str]
    """What carries a question where none of the above occurs, as in the natural world."""
    strangers: tuple[str, ...]
    """Things that no query of any world asks for, to stand in the place of such a word."""
    modifiers: tuple[str, ...]
    """Stand before a noun and are said by nobody."""
    circumstances: tuple[str, ...]
    """Stand at the end of an English query, in front of a Chinese one."""
    of_attribute: tuple[str, ...]
    """Statements about ``{attr}`` of ``{name}``."""
    of_thing: tuple[str, ...]
    """The same about a thing that is a ``{noun}``."""
    of_any: tuple[str, ...]
    """The same where neither is known."""
    of_many: tuple[str, ...]
    """The same of several names."""
    wrappers: tuple[str, ...]
    """What may stand around ``{}``, an answer: a label, a fence, an introduction with quotes."""
    sentences: tuple[str, ...]
    """What may follow an answer that ends with a mark."""
    mark: str
    """What an answer without one is ended with."""


def _pairs(text: str, edge: str = "") -> tuple[tuple[re.Pattern[str], str], ...]:
    """Entries are separated by bars or line ends; each is a pattern and another word."""
    entries = (entry.split() for entry in text.replace("\n", "|").split("|") if entry.strip())
    return tuple((re.compile(edge + pattern + edge), other) for pattern, other in entries)


_ENGLISH = Wording(
    others=_pairs(
        r"""
        admire avoid | agree bet | asks dreams | asked warned | ask warn | buyer thief
        change paint | check paint | compares steals | confirm deny | cover sell
        danger pattern | deal compete | describe hide | described stole | disappear melt
        discuss hide | dream complain | explain bury | eyes books | future cellar
        happy angry | hear complain | helped forbade | help money | judge repair
        learned lied | lesson song | matter belong | needs sells | noted denied
        noticed bought | opinion shape | pay fight | pictures statues | praise mock
        praised mocked | problem contract | question poem | rate cook | reading joking
        read lie | remember hate | return explode | speak sing | study hide
        summarize ignore | surprised bored | talking joking | talk sing | thinking eating
        understand bury | understood buried | wise rich | worry write | written lied
        wrong smoothly | year month
        """,
        r"\b",
    ),
    # Long words of the lower case but for those that an answer may leave out or reword.
    carrying=re.compile(
        r"\b(?!(?:about|actual|along|anywhere|might|getting|going|already|always|another|anybody|anyone|anything|around|because|before|"
        r"being|better|between|cannot|coming|could|during|either|enough|everything|having|instead|maybe|myself|"
        r"neither|nothing|perhaps|please|pretty|rather|really|should|somebody|someone|something|"
        r"somewhere|their|there|these|those|though|through|together|usually|where|which|while|within|"
        r"without|wonder|wondering|would)\b)"
        r"[a-z]{5,}(?<!ly)\b"
    ),
    strangers=("harpsichord", "beehive", "lighthouse", "wheelbarrow"),
    modifiers=("wooden", "medieval", "inflatable", "frozen"),
    circumstances=("in Portugal", "under water", "for toddlers", "on horseback"),
    of_attribute=(
        "The {attr} of {name} is well known.",
        "Yes, many people know {name}'s {attr}.",
        "{name} is known for its {attr}.",
    ),
    of_thing=(
        "{name} is the {noun} that many people know.",
        "Yes, {name} is that {noun}.",
        "{name} is known as a good {noun}.",
    ),
    of_any=("{name} is well known.", "Yes, many people know {name}."),
    of_many=("Both {name} are well known.", "Yes, many people know {name}."),
    wrappers=(
        "Rewritten query: {}",
        "```\n{}\n```",
        'Here is the rewritten query: "{}"',
    ),
    sentences=(" I hope this helps.", " The pronoun is replaced."),
    mark="?",
)

_CHINESE = Wording(
    others=_pairs(
        """
        一提 收藏 | (?<=以前)一样 相反 | 以前 冬天 | 从前 明天 | 担心 出租 | 分析 破坏 | 同意 嘲笑
        回到 炸毁 | 图片 雕像 | 将来 昨晚 | 形容 伪造 | 忘记 偷走 | 总结 撕毁 | 报道 修理
        描述 破坏 | 提到 涂掉 | 比较 修理 | 满意 绝望 | 熟悉 讨厌 | 相信 折断 | 看看 拆掉
        看重 撕毁 | 研究 出售 | 细看 烧掉 | 记得 讨厌 | 评价 隐藏 | 讲讲 闻闻 | 读到 偷到
        问起 梦见 | 问题 证书 | 顾客 医生 | 写到 烧掉 | (?<=人)夸 骂 | (?<=我要)学 拆
        (?<=一直在)想 画 | (?<=特别)爱 怕 | (?<=正在)读 烧 | (?<=再)聊 烧 | 查(?=一下) 烧
        (?<=不太)懂 卖 | (?<=几时)教 修
        """
    ),
    carrying=re.compile(
        "电池|镜头|屏幕|快门|对焦|防抖|闪光灯|存储卡|讲解|展品|文创|导览|行李|退票|改签|机票|餐食|"
        "晚点|里程|积分|升舱|值机|选座|规则|卡牌|扩展|说明书|演员|配乐|主题曲|字幕|片尾|彩蛋|续集|"
        "备份|许可证|文档|集群|索引|驱动|监控|集市|方言|学校|医院|民宿|特产|甲板|船票|宠物|自行车|"
        "停车|轮椅|寄存|拍照|餐厅|厕所|咖啡|充电|插座"
    ),
    strangers=("蜂箱", "灯塔", "手推车", "羽管键琴"),
    modifiers=("木头的", "中世纪的", "充气的", "冷冻的"),
    circumstances=("在葡萄牙，", "潜水的时候，", "对婴儿来说，", "骑马的时候，"),
    of_attribute=(
        "{name}的{attr}很出名。",
        "是的，很多人知道{name}的{attr}。",
        "{name}以{attr}闻名。",
    ),
    of_thing=(
        "{name}是很多人知道的{noun}。",
        "是的，{name}就是那种{noun}。",
        "{name}算是不错的{noun}。",
    ),
    of_any=("{name}很出名。", "是的，很多人知道{name}。"),
    of_many=("{name}都很出名。", "是的，很多人知道{name}。"),
    wrappers=("改写：{}", "```\n{}\n```", "改写后的问题是：“{}”"),
    sentences=("希望对你有帮助。", "代词已经替换。"),
    mark="？",
)

WORDINGS: Mapping[Language, Wording] = MappingProxyType(
    {Language.EN: _ENGLISH, Language.ZH: _CHINESE}
)
