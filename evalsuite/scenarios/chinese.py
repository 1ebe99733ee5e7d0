"""The Chinese part of the scenario grammar. Templates of different splits share no sentence."""

from __future__ import annotations

from evalsuite.cases import Kind, Language
from evalsuite.scenarios.chinese_queries import ELLIPTIC, QUERIES
from evalsuite.scenarios.lexicon import EntityType, Lexicon, Opener, Pronoun
from evalsuite.scenarios.names import Split


def _openers(*texts: tuple[str, ...]) -> tuple[Opener, ...]:
    return tuple(Opener(t) for t in texts)


TYPES = (
    EntityType("手机", ("电池", "屏幕", "价格", "相机", "重量"), ("更快", "更轻")),
    EntityType("汽车", ("发动机", "最高速度", "续航", "价格", "颜色"), ("更快", "更便宜")),
    EntityType("城市", ("人口", "气候", "历史", "美食", "面积"), ("更大", "更古老")),
    EntityType("河流", ("长度", "深度", "宽度", "源头"), ("更长", "更深")),
    EntityType("山", ("高度", "年龄", "气候", "形状"), ("更高", "更古老")),
    EntityType("编程语言", ("语法", "速度", "内存管理", "许可证"), ("更快", "更简单")),
    EntityType("公司", ("创始人", "收入", "规模", "历史"), ("更大", "更老")),
    EntityType("小说", ("作者", "篇幅", "结局", "情节", "书名"), ("更长", "更好看")),
    EntityType("电影", ("导演", "时长", "结局", "音乐", "情节"), ("更长", "更新")),
    EntityType("菜", ("味道", "价格", "产地", "颜色"), ("更便宜", "更好吃")),
    EntityType("球队", ("教练", "历史", "规模", "成绩"), ("更老", "更强")),
    EntityType("动物", ("体重", "食物", "大小", "速度"), ("更快", "更大")),
    EntityType("植物", ("高度", "颜色", "气味", "大小"), ("更高", "更老")),
    EntityType("朝代", ("时间", "首都", "开国皇帝", "艺术"), ("更长", "更早")),
)

_TRAIN = {
    Kind.SINGLE: _openers(
        ("说说{A}。", "{A}是一种{type}。"),
        ("{A}是什么？", "是一种{type}。"),
        ("我听说过{type}{A}。", "对，{A}很有名。"),
        ("你知道{A}吗？", "知道，有名的{type}。"),
        ("我朋友喜欢{A}。", "{A}是不错的{type}。"),
    ),
    Kind.COMPARISON: _openers(
        ("{A}和{B}哪个{comp}？", "{W}。"),
        ("{A}{comp}还是{B}{comp}？", "{W}{comp}。"),
        ("哪个{type}{comp}，{A}还是{B}？", "我觉得是{W}。"),
        ("哪一个{comp}：{A}或者{B}？", "是{W}。"),
    ),
    Kind.TOPIC_SWITCH: _openers(
        ("说说{A}。", "{A}是一种{type}。", "那{B}是什么？", "{B}也是{type}。"),
        ("{A}是什么？", "一种{type}。", "现在说说{B}。", "也是一种{type}。"),
        ("我喜欢{A}。", "{A}很好。", "我还看到了{B}。", "对，{B}是{type}。"),
    ),
    Kind.PLURAL: _openers(
        ("说说{A}和{B}。", "两个都很好。"),
        ("你知道{A}和{B}吗？", "知道，我很熟。"),
        ("我看到了{A}和{B}。", "都是{type}。"),
    ),
    Kind.PERSON: _openers(
        ("{A}是谁？", "{A}是{B}里的{role}。"),
        ("谁做了{B}？", "{role}{A}做了{B}。"),
        ("你知道{role}{A}吗？", "知道，{A}喜欢{B}。"),
        ("我见过{A}。", "那位{role}？{A}住在{B}附近。"),
        ("{B}是什么？", "{B}是{A}的，{A}是{role}。"),
        ("说一位{role}。", "{A}，因为{B}有名。"),
        ("{A}是{role}吗？", "是，{A}做了{B}。"),
        ("{B}为什么有名？", "因为{role}{A}在那里。"),
        ("我朋友写过{A}。", "写那位{role}？也写了{B}。"),
    ),
    Kind.ORDINAL: _openers(
        ("说说{A}和{B}。", "两个都很好。"),
        ("我看到了{A}和{B}。", "都是{type}。"),
        ("比较{A}和{B}。", "都有人喜欢。"),
        ("我喜欢{A}，也喜欢{B}。", "很多人都这样。"),
        ("这是{A}和{B}。", "谢谢。"),
        ("你知道{A}和{B}吗？", "知道，都是{type}。"),
        ("{A}和{B}是什么？", "两种{type}。"),
    ),
    Kind.CORRECTION: _openers(
        ("说说{A}。", "{A}是一种{type}。", "不对，我说的是{B}。", "哦，{B}是一种{type}。"),
        ("{A}是什么？", "一种{type}。", "抱歉，我是说{B}。", "明白了，{B}。"),
        ("你知道{A}吗？", "知道。", "等等，不是{A}，我指的是{B}。", "好的。"),
        ("我朋友喜欢{A}。", "很好。", "名字是{B}，不是{A}。", "谢谢。"),
        ("你知道{A}吗？", "一种{type}。", "我写了{A}，指的是{B}。", "对，{B}是{type}。"),
    ),
    Kind.UNANSWERABLE: _openers(
        ("{A}和{B}哪个{comp}？",),
        ("{A}{comp}还是{B}{comp}？",),
        ("哪个{type}{comp}，{A}还是{B}？",),
        ("你好。", "你好，有什么事？", "哪一个{comp}：{A}或者{B}？"),
        ("{A}与{B}谁{comp}？",),
        ("告诉我哪种{type}{comp}：{A}还是{B}。",),
        ("谢谢。", "不客气。", "{A}{comp}，还是{B}？"),
        ("我买{A}还是买{B}？",),
    ),
}

_PANEL = {
    Kind.SINGLE: _openers(
        ("你听过{A}吗？", "当然，{A}是一种{type}。"),
        ("今天我读到了{A}。", "那是有趣的{type}。"),
        ("请介绍{A}。", "{A}是受欢迎的{type}。"),
    ),
    Kind.COMPARISON: _openers(
        ("在{A}和{B}之间，哪个{comp}？", "{W}。"),
        ("我要{comp}的{type}：{A}还是{B}？", "选{W}。"),
        ("你觉得{A}{comp}，还是{B}？", "{W}吧。"),
    ),
    Kind.TOPIC_SWITCH: _openers(
        ("请介绍{A}。", "{A}是一种{type}。", "我们来谈{B}吧。", "好，{B}同样是{type}。"),
        ("今天我读到了{A}。", "不错。", "后来我读到了{B}。", "{B}是很大的{type}。"),
        ("你听过{A}吗？", "听过。", "那你听过{B}吗？", "听过，那种{type}。"),
    ),
    Kind.PLURAL: _openers(
        ("你听过{A}和{B}吗？", "当然，两个都受欢迎。"),
        ("请介绍{A}和{B}。", "都是有趣的{type}。"),
        ("今天我读到了{A}和{B}。", "选得好。"),
    ),
    Kind.PERSON: _openers(
        ("告诉我{A}是谁。", "{A}是{role}，在{B}工作。"),
        ("{B}背后是谁？", "是{role}{A}。"),
        ("你听过{A}吗？", "听过，买下{B}的{role}。"),
    ),
    Kind.ORDINAL: _openers(
        ("你听过{A}和{B}吗？", "当然，两个都受欢迎。"),
        ("请介绍{A}和{B}。", "都是有趣的{type}。"),
        ("我要在{A}和{B}里选。", "慢慢来。"),
    ),
    Kind.CORRECTION: _openers(
        ("请介绍{A}。", "{A}是受欢迎的{type}。", "不，我想的是{B}。", "那么{B}，也是{type}。"),
        ("你听过{A}吗？", "听过。", "对不起，我想说的是{B}。", "没关系。"),
        ("今天我读到了{A}。", "不错的{type}。", "我是指{B}，不是{A}。", "了解。"),
    ),
    Kind.UNANSWERABLE: _openers(
        ("在{A}和{B}之间，哪个{comp}？",),
        ("我要{comp}的{type}：{A}还是{B}？",),
        ("早上好。", "早上好。", "你觉得{A}{comp}，还是{B}？"),
    ),
}

_HELDOUT = {
    Kind.SINGLE: _openers(
        ("昨天我们谈过{A}。", "对，那种{type}。"),
        ("给我一些{A}的资料。", "{A}是很多人知道的{type}。"),
    ),
    Kind.COMPARISON: _openers(
        ("你会说{A}还是{B}{comp}？", "显然是{W}。"),
        ("{A}还是{B}：哪种{type}{comp}？", "{comp}的是{W}。"),
    ),
    Kind.TOPIC_SWITCH: _openers(
        ("昨天我们谈过{A}。", "对。", "下一个话题：{B}。", "{B}是{type}。"),
        ("给我一些{A}的资料。", "一种{type}。", "算了，解释{B}。", "也是{type}。"),
    ),
    Kind.PLURAL: _openers(
        ("昨天我们谈过{A}和{B}。", "对，我记得。"),
        ("给我一些{A}和{B}的资料。", "很多人知道这两个。"),
    ),
    Kind.PERSON: _openers(
        ("给我一些{A}的资料。", "{A}曾是{role}，写过{B}。"),
        ("谁开了{B}？", "那是{A}，一位{role}。"),
    ),
    Kind.ORDINAL: _openers(
        ("昨天我们谈过{A}和{B}。", "对，我记得。"),
        ("我的单子上有{A}和{B}。", "单子很短。"),
    ),
    Kind.CORRECTION: _openers(
        ("给我一些{A}的资料。", "{A}是一种{type}。", "我说{B}，不是{A}。", "抱歉，{B}。"),
        ("昨天我们谈过{A}。", "是吗？", "我错了，是{B}。", "现在明白了。"),
    ),
    Kind.UNANSWERABLE: _openers(
        ("你会说{A}还是{B}{comp}？",),
        ("{A}还是{B}：哪种{type}{comp}？",),
    ),
}

FILLERS = {
    Split.TRAIN: (
        ("谢谢。", "不客气。"),
        ("等一下。", "当然。"),
        ("今天天气很好。", "对，非常好。"),
        ("我有点累。", "请休息。"),
        ("抱歉，电话响了。", "没事。"),
        ("晚上有客人来。", "祝你愉快。"),
        ("我说到哪里了？", "你有个问题。"),
        ("请等一秒。", "可以。"),
        ("好，我写下来了。", "很好。"),
        ("茶冷了。", "再泡一杯。"),
        ("哦，已经很晚了。", "是的。"),
        ("现在可以继续了。", "请说。"),
    ),
    Split.PANEL: (
        ("听到这个很高兴。", "我也高兴。"),
        ("我去喝点水。", "不急。"),
        ("这里在下雨。", "别淋湿。"),
        ("有人打电话给我。", "你先接。"),
        ("我喜欢和你聊天。", "我也是。"),
        ("给我一分钟。", "两分钟也行。"),
        ("今天真忙。", "快结束了。"),
        ("对，我懂了。", "太好了。"),
    ),
    Split.HELDOUT: (
        ("我的火车又晚了。", "真可惜。"),
        ("有人在门口。", "我可以等。"),
    ),
}

CHINESE = Lexicon(
    language=Language.ZH,
    types=TYPES,
    adjectives=("有名", "流行", "重要", "贵", "大", "新", "好"),
    person_attributes=("年龄", "家人", "工作", "声音", "房子", "经历"),
    female_roles=("女演员", "女王", "公主", "女商人"),
    male_roles=("男演员", "国王", "王子", "男商人"),
    thing=Pronoun("它的", "它", "它"),
    plural=Pronoun("它们的", "它们", "它们"),
    female=Pronoun("她的", "她", "她"),
    male=Pronoun("他的", "他", "他"),
    former=Pronoun("前者的", "前者", "前者"),
    latter=Pronoun("后者的", "后者", "后者"),
    conjunction="和",
    possessive_suffix="的",
    possession="{P}{attr}",
    genitive="",
    apposition="{noun}{N}",
    queries=QUERIES,
    elliptic=ELLIPTIC,
    openers={Split.TRAIN: _TRAIN, Split.PANEL: _PANEL, Split.HELDOUT: _HELDOUT},
    fillers=FILLERS,
    foreign_attributes={"price": "价格", "history": "历史", "color": "颜色", "size": "大小"},
)
