"""What Chinese queries ask. No two splits share a lead: see english_queries.py."""

from __future__ import annotations

from evalsuite.scenarios.lexicon import Elliptic, Parts, composed
from evalsuite.scenarios.names import Split

_THING = ("{P}{attr}", "{O}")

_TRAIN = (
    Parts(
        (
            "你知道",
            "能介绍一下",
            "你想看",
            "你见过",
            "你会推荐",
            "我们说的是",
            "市场上有",
            "我喜欢",
            "学校里讲",
            "大家要买",
        ),
        _THING,
        ("吗？", "好不好？", "，对吗？", "还是算了？"),
    ),
    Parts(
        (
            "谁问过",
            "什么时候谈",
            "哪里能找到",
            "怎样多了解",
            "那",
            "为什么要讲",
            "几个人看过",
            "在哪写过",
        ),
        _THING,
        ("？", "啊？", "，再说？", "才好？"),
    ),
    Parts(
        (
            "说说",
            "我想知道",
            "请解释",
            "我提过",
            "没人解释过",
            "我写过",
            "给我看",
            "昨天谈过",
            "故事里说到",
            "先不谈",
            "我们都要了解",
            "早上我看了",
        ),
        _THING,
        ("。", "，简单点。", "，再说。", "，好的。"),
    ),
    Parts(
        ("为什么", "什么时候", "怎样", "哪里", ""),
        ("{S}",),
        (
            "很{adj}？",
            "变得{adj}？",
            "可以{adj}吗？",
            "看起来{adj}？",
            "变了？",
            "有了？",
            "去玩？",
        ),
    ),
    Parts(("", "这次"), ("{P}{attr}",), ("是什么？", "好不好？", "变了吗？", "没了？", "呢？")),
)
_PANEL = (
    Parts(
        (
            "你怎么评价",
            "大家怎么看",
            "你从哪里读到",
            "谁最熟悉",
            "该如何分析",
            "顾客怎么形容",
            "你为何看重",
            "哪本书写到",
            "该怎么报道",
            "几时教",
            "你用什么比较",
            "世界上谁在研究",
        ),
        _THING,
        ("？", "呢？", "，请问？", "，现在？"),
    ),
    Parts(
        (
            "可以再讲讲",
            "有人研究",
            "能回到",
            "你担心",
            "还会问起",
            "你相信",
            "你同意",
            "你满意",
            "值得花钱买",
            "你先看看",
            "你记得",
            "今后还会有",
        ),
        _THING,
        ("吗？", "吧？", "，行吗？", "，真的吗？"),
    ),
    Parts(
        (
            "我忘记了",
            "帮我查一下",
            "我不太懂",
            "请总结",
            "很多人夸",
            "下周我要学",
            "我一直在想",
            "我特别爱",
            "麻烦你描述",
            "我正在读",
            "假如有人问起",
            "有空再聊",
        ),
        _THING,
        ("。", "，谢谢。", "，你知道的。", "，用一句话。"),
    ),
    Parts(
        ("将来", "难道", "听说", "是不是", "为何", "以后", "在你看来", "从前", "万一", "究竟"),
        ("{S}",),
        ("会一直{adj}吗？", "越来越{adj}？", "这么{adj}？", "还在吗？", "不再{adj}？"),
    ),
    Parts(
        ("",),
        ("{P}{attr}", "{S}"),
        ("有问题吗？", "怎么变得这么{adj}？", "让你满意吗？", "和以前一样吗？", "值得一提吗？"),
    ),
)
_HELDOUT = (
    Parts(
        (
            "在哪里可以查到",
            "你为什么喜欢",
            "你何时头一次听说",
            "有没有图片介绍",
            "你打算怎么改",
            "昨天你学到",
        ),
        _THING,
        ("？", "，究竟？"),
    ),
    Parts(("我梦见", "笔记里提到", "我们细看"), _THING, ("。", "，一次就够。")),
    Parts(("必须让", "最早"), ("{S}",), ("更{adj}吗？", "回来吗？", "保持{adj}吗？")),
    Parts(("",), ("{P}{attr}", "{S}"), ("特别在哪？", "应该更{adj}吗？", "算什么？")),
)

QUERIES = composed({Split.TRAIN: _TRAIN, Split.PANEL: _PANEL, Split.HELDOUT: _HELDOUT})


_ADVERBS = ("为什么", "什么时候", "怎么")
"""What may as well stand before the subject."""


def _elliptic(*frames: str) -> tuple[Elliptic, ...]:
    """The subject stands before the attribute, or before everything when none is asked for."""
    return tuple(Elliptic(frame, _supplied(frame)) for frame in frames)


def _supplied(frame: str) -> tuple[str, ...]:
    if "{attr}" in frame:
        return (frame.replace("{attr}", "{N}的{attr}"),)
    behind = (a + "{N}" + frame.removeprefix(a) for a in _ADVERBS if frame.startswith(a))
    return ("{N}" + frame, *behind)


ELLIPTIC = {
    Split.TRAIN: _elliptic(
        "{attr}呢？",
        "{attr}是什么？",
        "{attr}好不好？",
        "为什么很{adj}？",
        "{attr}变了吗？",
        "什么时候变得{adj}？",
        "{attr}给我看。",
        "可以{adj}吗？",
        "先说{attr}。",
        "谁喜欢{attr}？",
        "我提过{attr}。",
        "看起来{adj}？",
        "那{attr}在哪里？",
        "请解释{attr}。",
    ),
    Split.PANEL: _elliptic(
        "{attr}怎么样？",
        "{attr}有问题吗？",
        "会一直{adj}吗？",
        "再讲讲{attr}。",
        "大家怎么看{attr}？",
        "麻烦你描述{attr}。",
        "越来越{adj}？",
        "{attr}让你满意吗？",
        "谁最熟悉{attr}？",
        "{attr}和以前一样吗？",
        "我忘记了{attr}。",
        "怎么变得这么{adj}？",
    ),
    Split.HELDOUT: _elliptic(
        "{attr}特别在哪？",
        "应该更{adj}吗？",
        "我们细看{attr}。",
        "昨天你学到{attr}？",
        "保持{adj}吗？",
    ),
}
