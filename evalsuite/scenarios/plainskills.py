"""Skills that models have which people talk to: questions whose answer may be a sentence.

The skills of :mod:`~evalsuite.scenarios.skills` want the bare result, as the embedded base gives
it. A real model says "The capital of France is Paris."; so each item here lists what else could be
named in place of the answer, and an answer has to name the right one and none of the others
(:func:`evalsuite.detectors.retention.answer_score`). ``repeat`` and ``join`` want a form, and are
compared as a whole line: a model that begins to chat loses these first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from evalsuite.cases import Language

EN, ZH = Language.EN, Language.ZH
_LARGEST = 40
"""Numbers below this are listed as wrong sums; an answer may name no other number either."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """One question without its wording."""

    key: str
    """What is asked; exercises that share it are one piece of evidence."""
    slots: Mapping[str, str]
    answer: str
    others: tuple[str, ...] = ()
    """What a wrong answer would name; none: the answer is compared as a line."""
    accepted: tuple[str, ...] = ()
    """Other words for the answer."""


@dataclass(frozen=True, slots=True)
class PlainSkill:
    """A skill: how its exercises are drawn, and how they are worded."""

    draw: Callable[[Random, Language], Exercise]
    wordings: Mapping[Language, tuple[str, ...]]


CAPITALS: Mapping[Language, Mapping[str, str]] = {
    EN: {
        "France": "Paris", "Germany": "Berlin", "Italy": "Rome", "Spain": "Madrid",
        "Japan": "Tokyo", "China": "Beijing", "Russia": "Moscow", "England": "London",
        "Greece": "Athens", "Egypt": "Cairo", "Portugal": "Lisbon", "Austria": "Vienna",
        "Poland": "Warsaw", "Ireland": "Dublin", "Norway": "Oslo", "Cuba": "Havana",
        "Thailand": "Bangkok", "Kenya": "Nairobi", "Peru": "Lima", "Sweden": "Stockholm",
        "Hungary": "Budapest", "Canada": "Ottawa", "Finland": "Helsinki", "Iraq": "Baghdad",
        "Denmark": "Copenhagen", "Belgium": "Brussels", "Turkey": "Ankara", "Iran": "Tehran",
        "Argentina": "Buenos Aires", "Australia": "Canberra", "Vietnam": "Hanoi",
        "Romania": "Bucharest", "Bulgaria": "Sofia", "Croatia": "Zagreb", "Lebanon": "Beirut",
        "Nepal": "Kathmandu", "Jordan": "Amman", "Chile": "Santiago", "Colombia": "Bogota",
        "Iceland": "Reykjavik",
    },
    ZH: {
        "法国": "巴黎", "德国": "柏林", "意大利": "罗马", "西班牙": "马德里", "日本": "东京",
        "中国": "北京", "俄罗斯": "莫斯科", "英国": "伦敦", "希腊": "雅典", "埃及": "开罗",
        "葡萄牙": "里斯本", "奥地利": "维也纳", "波兰": "华沙", "爱尔兰": "都柏林",
        "挪威": "奥斯陆", "古巴": "哈瓦那", "泰国": "曼谷", "肯尼亚": "内罗毕", "秘鲁": "利马",
        "瑞典": "斯德哥尔摩", "匈牙利": "布达佩斯", "加拿大": "渥太华", "芬兰": "赫尔辛基",
        "伊拉克": "巴格达", "丹麦": "哥本哈根", "比利时": "布鲁塞尔", "土耳其": "安卡拉",
        "伊朗": "德黑兰", "阿根廷": "布宜诺斯艾利斯", "澳大利亚": "堪培拉", "越南": "河内",
        "罗马尼亚": "布加勒斯特", "保加利亚": "索非亚", "克罗地亚": "萨格勒布",
        "黎巴嫩": "贝鲁特", "尼泊尔": "加德满都", "约旦": "安曼", "智利": "圣地亚哥",
        "哥伦比亚": "波哥大", "冰岛": "雷克雅未克",
    },
}  # fmt: skip
OPPOSITES: Mapping[Language, Sequence[str]] = {
    EN: (
        "hot cold|big small|wide narrow|fast slow|happy sad|deep shallow|full empty|rich poor|"
        "first last|wet dry|early late|strong weak|loud quiet|up down|north south|day night|"
        "win lose|buy sell|love hate|true false|thick thin|clean dirty|black white|brave cowardly"
    ).split("|"),
    ZH: (
        "热 冷|大 小|宽 窄|快 慢|高兴 难过|深 浅|满 空|富有 贫穷|开始 结束|湿 干|早 晚|强 弱|"
        "吵闹 安静|上 下|南 北|白天 夜晚|赢 输|买 卖|爱 恨|真 假|厚 薄|干净 肮脏|黑 白|勇敢 胆小"
    ).split("|"),
}
_ALSO: Mapping[str, Sequence[str]] = {
    "small": ("little", "tiny"), "big": ("large",), "cold": ("cool",), "sad": ("unhappy",),
    "fast": ("quick",), "quiet": ("silent", "soft"), "loud": ("noisy",), "hate": ("dislike",),
    "false": ("untrue",), "dirty": ("unclean", "filthy"), "poor": ("broke",), "lose": ("lost",),
    "night": ("nighttime",), "day": ("daytime",), "weak": ("feeble",), "dry": ("arid",),
    "wide": ("broad",), "cowardly": ("timid", "fearful"), "brave": ("courageous",),
    "narrow": ("slim",), "thin": ("slim",), "last": ("final",),
    "难过": ("伤心", "悲伤", "不高兴"), "高兴": ("开心", "快乐"), "夜晚": ("黑夜", "晚上"),
    "肮脏": ("脏",), "干净": ("清洁", "洁净"), "安静": ("宁静", "寂静"), "吵闹": ("喧闹",),
    "贫穷": ("穷", "贫困"), "富有": ("富裕", "有钱"), "胆小": ("懦弱", "胆怯"), "假": ("虚假",),
    "冷": ("寒冷",), "热": ("炎热",), "结束": ("终止",), "干": ("干燥",), "湿": ("潮湿",),
    "中文": ("汉语", "华语"), "英语": ("英文",), "法语": ("法文",), "德语": ("德文",),
    "日语": ("日文",), "俄语": ("俄文",), "西班牙语": ("西班牙文",), "意大利语": ("意大利文",),
    "Chinese": ("Mandarin",),
    "星期一": ("周一",), "星期二": ("周二",), "星期三": ("周三",), "星期四": ("周四",),
    "星期五": ("周五",), "星期六": ("周六",), "星期日": ("周日", "星期天"),
}  # fmt: skip
"""Other words for the same answer."""
_NUMBERS: Mapping[Language, Sequence[str]] = {
    EN: (
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen"
    ).split(),
    ZH: "零 一 二 三 四 五 六 七 八 九 十 十一 十二 十三 十四 十五 十六 十七 十八".split(),
}
_KINDS: Mapping[Language, Mapping[str, Sequence[str]]] = {
    EN: {
        "animal": "dog cat horse eagle shark lion sheep rabbit duck bear".split(),
        "food": "bread rice cheese soup cake pasta butter pizza salad sausage".split(),
        "tool": "hammer saw screwdriver wrench drill pliers axe shovel rake chisel".split(),
        "vehicle": "car bus train bicycle truck motorcycle airplane tram ferry taxi".split(),
        "instrument": "piano guitar violin flute drum trumpet cello harp clarinet banjo".split(),
    },
    ZH: {
        "动物": "狗 猫 马 老鹰 鲨鱼 狮子 绵羊 兔子 鸭子 熊".split(),
        "食物": "面包 米饭 奶酪 馄饨 蛋糕 面条 黄油 比萨 包子 香肠".split(),
        "工具": "锤子 锯子 螺丝刀 扳手 电钻 钳子 斧头 铁锹 耙子 凿子".split(),
        "交通工具": "汽车 公交车 火车 自行车 卡车 摩托车 飞机 电车 渡轮 出租车".split(),
        "乐器": "钢琴 吉他 小提琴 长笛 鼓 小号 大提琴 竖琴 单簧管 二胡".split(),
    },
}
_REVIEWS: Mapping[Language, Mapping[str, Sequence[str]]] = {
    EN: {
        "positive": (
            "I loved every minute of the {x}.",
            "The {x} was wonderful and I would recommend it to anyone.",
            "What a great {x}, we will be back soon.",
            "The {x} made my whole week better.",
            "Excellent {x}, friendly people and a fair price.",
            "I was surprised how good the {x} was.",
        ),
        "negative": (
            "I hated every minute of the {x}.",
            "The {x} was terrible and I want my money back.",
            "What an awful {x}, we will never return.",
            "The {x} ruined my whole week.",
            "Horrible {x}, rude people and far too expensive.",
            "I was shocked how bad the {x} was.",
        ),
    },
    ZH: {
        "正面": (
            "这次的{x}我非常喜欢。",
            "{x}太棒了，我会推荐给所有朋友。",
            "这么好的{x}，我们很快还会再来。",
            "{x}让我一整个星期都很开心。",
            "{x}很好，人热情，价格也公道。",
            "没想到{x}这么好，真惊喜。",
        ),
        "负面": (
            "这次的{x}我非常讨厌。",
            "{x}太糟糕了，我要求退钱。",
            "这么差的{x}，我们再也不来了。",
            "{x}毁了我一整个星期。",
            "{x}很差，人粗鲁，价格还贵得离谱。",
            "没想到{x}这么烂，真失望。",
        ),
    },
}
_REVIEWED: Mapping[Language, Sequence[str]] = {
    EN: "film restaurant hotel concert book course museum trip game meal".split(),
    ZH: "电影 餐厅 酒店 音乐会 书 课程 博物馆 旅行 游戏 晚饭".split(),
}
PEOPLE: Mapping[Language, Sequence[str]] = {
    EN: "Anna Peter Maria David Laura James Sarah Kevin Julia Martin".split(),
    ZH: "小明 小红 小刚 小丽 小华 小军 小芳 小强 小玲 小龙".split(),
}
BOUGHT: Mapping[Language, Sequence[str]] = {
    EN: "lamp chair carpet mirror clock kettle blanket vase radio basket".split(),
    ZH: "台灯 椅子 地毯 镜子 闹钟 水壶 毯子 花瓶 收音机 篮子".split(),
}
DAYS: Mapping[Language, Sequence[str]] = {
    EN: "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    ZH: "星期一 星期二 星期三 星期四 星期五 星期六 星期日".split(),
}
_MONTHS: Mapping[Language, Sequence[str]] = {
    EN: (
        "January February March April May June July August September October November December"
    ).split(),
    ZH: "一月 二月 三月 四月 五月 六月 七月 八月 九月 十月 十一月 十二月".split(),
}
_SPOKEN: Mapping[str, Sequence[str]] = {
    "English": ("Good morning, how are you today?", "Where is the train station, please?",
                "The children are playing in the garden.", "I would like a cup of tea."),
    "French": ("Bonjour, comment allez-vous aujourd'hui ?", "Où est la gare, s'il vous plaît ?",
               "Les enfants jouent dans le jardin.", "Je voudrais une tasse de thé."),
    "German": ("Guten Morgen, wie geht es Ihnen heute?", "Wo ist bitte der Bahnhof?",
               "Die Kinder spielen im Garten.", "Ich hätte gern eine Tasse Tee."),
    "Spanish": ("Buenos días, ¿cómo está usted hoy?", "¿Dónde está la estación de tren?",
                "Los niños juegan en el jardín.", "Me gustaría una taza de té."),
    "Italian": ("Buongiorno, come sta oggi?", "Dov'è la stazione, per favore?",
                "I bambini giocano in giardino.", "Vorrei una tazza di tè."),
    "Chinese": ("早上好，你今天怎么样？", "请问火车站在哪里？",
                "孩子们在花园里玩。", "我想要一杯茶。"),
    "Japanese": ("おはようございます、お元気ですか。", "駅はどこですか。",
                 "子供たちは庭で遊んでいます。", "お茶を一杯ください。"),
    "Russian": ("Доброе утро, как у вас дела?", "Где находится вокзал?",
                "Дети играют в саду.", "Я хотел бы чашку чая."),
}  # fmt: skip
_LANGUAGES_ZH: Mapping[str, str] = {
    "English": "英语", "French": "法语", "German": "德语", "Spanish": "西班牙语",
    "Italian": "意大利语", "Chinese": "中文", "Japanese": "日语", "Russian": "俄语",
}  # fmt: skip
SENTENCES: Mapping[Language, Sequence[str]] = {
    EN: (
        "The train leaves at nine in the morning.", "My sister works in a small bakery.",
        "We painted the kitchen wall yellow.", "It rained all night long.",
        "Please put the keys on the table.", "He forgot his umbrella again.",
        "The library closes early on Sundays.", "Two birds sat on the old fence.",
        "She writes letters to her grandmother.", "The soup needs a little more salt.",
        "Our neighbours moved away last spring.", "There is a letter for you.",
        "The lift is out of order today.", "He sold his car to a student.",
        "Nobody heard the telephone ring.", "The bridge was built a long time ago.",
        "I left my coat at the office.", "They grow tomatoes behind the house.",
        "The children fell asleep on the bus.", "Her flight was late by three hours.",
        "You can pay at the second counter.", "The dog slept under the kitchen table.",
        "We met in front of the theatre.", "Snow covered the whole valley.",
        "The shop sells bread and milk.", "My uncle repairs old clocks.",
        "The river is high this week.", "She found a coin under the mat.",
        "We will have dinner at seven.", "The window does not close well.",
        "A stranger asked me the way.", "The baker opens at half past five.",
        "His answer came two weeks later.", "They sang until the lamp went out.",
        "The road to the lake is closed.", "Our teacher lost her glasses.",
        "The cat brought a mouse home.", "I have never been to the coast.",
        "The coffee machine is broken again.", "He counted the steps in the tower.",
    ),
    ZH: (
        "火车早上九点开。", "我姐姐在一家小面包店上班。", "我们把厨房的墙刷成了黄色。",
        "雨下了整整一夜。", "请把钥匙放在桌子上。", "他又忘了带雨伞。", "图书馆星期天关门早。",
        "两只鸟站在旧篱笆上。", "她常给奶奶写信。", "这碗汤还要加点盐。",
        "我们的邻居去年春天搬走了。", "有你的一封信。", "电梯今天坏了。", "他把车卖给了一个学生。",
        "谁也没听见电话响。", "这座桥是很久以前建的。", "我把大衣落在办公室了。",
        "他们在屋后种西红柿。", "孩子们在车上睡着了。", "她的航班晚了三个小时。",
        "请到第二个柜台付款。", "狗睡在厨房的桌子下面。", "我们在剧院门口见面。",
        "大雪盖住了整个山谷。", "那家店卖面包和牛奶。", "我叔叔修旧钟表。", "这个星期河水涨了。",
        "她在垫子下面捡到一枚硬币。", "我们七点吃晚饭。", "这扇窗户关不严。",
        "一个陌生人向我问路。", "面包师五点半就开门。", "他的回信两个星期后才到。",
        "他们一直唱到灯灭。", "去湖边的路封了。", "我们老师的眼镜丢了。",
        "猫叼了一只老鼠回家。", "我从来没去过海边。", "咖啡机又坏了。", "他数了数塔里的台阶。",
    ),
}  # fmt: skip


def _capital(rng: Random, language: Language) -> Exercise:
    country = rng.choice(list(CAPITALS[language]))
    every = CAPITALS[language]
    return _among(country, {"country": country}, every[country], every.values())


def _opposite(rng: Random, language: Language) -> Exercise:
    word, answer = rng.sample(rng.choice(OPPOSITES[language]).split(), 2)
    every = [one for pair in OPPOSITES[language] for one in pair.split() if one != word]
    return _among(word, {"word": word}, answer, every)


def _belonging(rng: Random, language: Language) -> Exercise:
    labels = rng.sample(sorted(_KINDS[language]), 3)
    label = rng.choice(labels)
    comma, last = (", ", " or ") if language is EN else ("、", "还是")
    told = comma.join(labels[:-1]) + last + labels[-1]
    word = rng.choice(_KINDS[language][label])
    return _among(word, {"word": word, "labels": told}, label, labels)


def _sentiment(rng: Random, language: Language) -> Exercise:
    label = rng.choice(sorted(_REVIEWS[language]))
    review = rng.choice(_REVIEWS[language][label])
    told = review.format(x=rng.choice(_REVIEWED[language]))
    return _among(review, {"review": told}, label, _REVIEWS[language])


def _reading(rng: Random, language: Language) -> Exercise:
    who = rng.choice(PEOPLE[language])
    days, things = rng.sample(DAYS[language], 3), rng.sample(BOUGHT[language], 3)
    at = rng.randrange(3)
    if language is EN:
        pairs = zip(days, things, strict=True)
        passage = " ".join(f"On {day} {who} bought a {thing}." for day, thing in pairs)
    else:
        told = [f"{day}{who}买了{thing}" for day, thing in zip(days, things, strict=True)]
        passage = "，".join(told) + "。"
    slots = {"passage": passage, "who": who, "day": days[at]}
    return _among(f"{passage} {days[at]}", slots, things[at], things)


def _sequence(rng: Random, language: Language) -> Exercise:
    names = rng.choice((DAYS, _MONTHS))[language]
    at = rng.randrange(len(names) - 1)
    others = [name for name in names if name != names[at]]
    return _among(names[at], {"name": names[at]}, names[at + 1], others)


def _sum(rng: Random, language: Language) -> Exercise:
    a, b = rng.randint(1, 9), rng.randint(1, 9)
    asked = {str(a), str(b)}
    wrong = [str(n) for n in range(_LARGEST) if str(n) not in asked]
    made = _among(f"{min(a, b)} {max(a, b)}", {"a": str(a), "b": str(b)}, str(a + b), wrong)
    return replace(made, accepted=(_NUMBERS[language][a + b],))


def _language(rng: Random, language: Language) -> Exercise:
    name = rng.choice(sorted(_SPOKEN))
    names = _LANGUAGES_ZH if language is ZH else {one: one for one in _SPOKEN}
    said = rng.choice(_SPOKEN[name])
    return _among(said, {"said": said}, names[name], names.values())


def _repeat(rng: Random, language: Language) -> Exercise:
    said = rng.choice(SENTENCES[language])
    return Exercise(said, {"said": said}, said)


def _join(rng: Random, language: Language) -> Exercise:
    words = rng.sample(BOUGHT[language], 3)
    comma, last = (", ", " and ") if language is EN else ("、", "和")
    told = comma.join(words[:-1]) + last + words[-1]
    return Exercise(told, {"words": told}, "; ".join(words))


def _among(key: str, slots: Mapping[str, str], answer: str, every: Iterable[str]) -> Exercise:
    """An exercise whose answer is one of several names.

    A name within a word that is asked about is none: who says that word has not named it.
    """
    also = tuple(_ALSO.get(answer, ()))
    said = [text for text in slots.values() if answer not in text]
    others = dict.fromkeys(
        one for one in every if one not in (answer, *also) and not any(one in text for text in said)
    )
    return Exercise(key, slots, answer, tuple(others), also)


PLAIN: Mapping[str, PlainSkill] = {
    "capital": PlainSkill(_capital, {
        EN: ("What is the capital of {country}?", "Which city is the capital of {country}?",
             "Name the capital city of {country}."),
        ZH: ("{country}的首都是哪里？", "哪个城市是{country}的首都？", "请说出{country}的首都。"),
    }),
    "opposite": PlainSkill(_opposite, {
        EN: ('What is the opposite of "{word}"?', 'Which word means the opposite of "{word}"?',
             'Give one word that is the opposite of "{word}".'),
        ZH: ("“{word}”的反义词是什么？", "哪个词和“{word}”意思相反？", "请写出“{word}”的反义词。"),
    }),
    "belonging": PlainSkill(_belonging, {
        EN: ("What is a {word}: {labels}?", "Which of these is a {word}: {labels}?",
             "Choose the right category for {word}: {labels}."),
        ZH: ("{word}是什么：{labels}？", "{word}属于哪一类：{labels}？",
             "请为{word}选出正确的类别：{labels}。"),
    }),
    "sentiment": PlainSkill(_sentiment, {
        EN: ('Is this review positive or negative? "{review}"',
             'Review: "{review}" Is the writer\'s opinion positive or negative?',
             'Classify the sentiment as positive or negative: "{review}"'),
        ZH: ("这条评论是正面还是负面？“{review}”", "评论：“{review}”这是正面评价还是负面评价？",
             "请判断情感是正面还是负面：“{review}”"),
    }),
    "reading": PlainSkill(_reading, {
        EN: ("{passage} What did {who} buy on {day}?", "{passage} On {day}, what did {who} buy?",
             "Read this: {passage} Which thing was bought on {day}?"),
        ZH: ("{passage}{day}{who}买了什么？", "{passage}{who}在{day}买的是什么？",
             "请读：{passage}哪样东西是{day}买的？"),
    }),
    "sequence": PlainSkill(_sequence, {
        EN: ("What comes after {name}?", "Which one follows {name} in the calendar?",
             "Name the one that comes right after {name}."),
        ZH: ("{name}的后面是什么？", "日历上{name}之后是哪个？", "请说出紧接在{name}后面的那个。"),
    }),
    "sum": PlainSkill(_sum, {
        EN: ("What is {a} plus {b}?", "Add {a} and {b}.", "How much is {a} + {b}?"),
        ZH: ("{a}加{b}等于多少？", "请计算{a}加{b}。", "{a} + {b} 是多少？"),
    }),
    "language": PlainSkill(_language, {
        EN: ('Which language is this? "{said}"', 'In what language is this written: "{said}"?',
             'Name the language of this sentence: "{said}"'),
        ZH: ("这是哪种语言？“{said}”", "这句话是用什么语言写的：“{said}”？",
             "请说出这句话的语言：“{said}”"),
    }),
    "repeat": PlainSkill(_repeat, {
        EN: ("Repeat this sentence exactly, and say nothing else: {said}",
             "Say exactly this and nothing more: {said}",
             "Write the following sentence again, word for word, without anything else: {said}"),
        ZH: ("请原样重复这句话，不要说别的：{said}", "只说这句话，一个字也不要多：{said}",
             "请一字不差地再写一遍下面的句子，别加别的：{said}"),
    }),
    "join": PlainSkill(_join, {
        EN: ("Write the words {words} on one line, separated by semicolons, and nothing else.",
             "Put semicolons between these words and write only that: {words}."),
        ZH: ("把{words}写在一行，用英文分号加空格隔开，只写这一行。",
             "请在这些词之间加上英文分号和空格，只写结果：{words}。"),
    }),
}  # fmt: skip
