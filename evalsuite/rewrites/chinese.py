"""Closed classes of Chinese words, as patterns over a text of simplified characters."""

from __future__ import annotations

import re
from collections.abc import Mapping

MEASURES = "座部本款位家条只张首件台辆栋颗"
"""Measure words of things that a query refers back to: 那部剧, 这颗行星."""
_FUNCTION = (
    # Courtesy and frames first: the longest alternative has to be tried before its beginning.
    "我想请问一下|我想问一下|我想知道|请问一下|能不能告诉我|可以告诉我|能告诉我|请告诉我|告诉我|"
    "你知道(?=.*[谁什哪怎多几吗])|请问|请|麻烦你|麻烦您|麻烦|帮我|帮忙|谢谢|不好意思|"
    "话说|那么|然后|另外|其实|现在呢|"
    "还是|或者|以及|并且|而且|但是|不过|因为|所以|如果|的话|虽然|"
    "可不可以|能不能|会不会|是不是|有没有|要不要|该不该|应不应该|"
    "一共|总共|大概|大约|一般|通常|具体|到底|究竟|分别|主要|"
    "应该|可以|能够|可能|需要|必须|"
    "[上下进出回过起](?=[去来])|(?<=月)份|(?<=过)些(?=什么)|曾经?|[上里中](?=的|哪|有|最)|比较(?=[好大多少长短高低快慢贵重难容合便]|小(?!说))|一下|一些|一点|有点|"
    "的时候|点(?=什么)|位于|设在|坐落[于在]|距(?=离)|"
    "关于|对于|根据|除了|"
    "它们|他们|她们|我们|你们|咱们|自己|"
    f"[这那](?:[个些种{MEASURES}门里儿边]|两[个种位])?|"
    "[它他她我你您其]|"
    "[的了着过地得之]|[吗呢吧啊呀嘛啦哦哈噢哟么]|"
    "[是在有会能要该把被给对从到于让跟和与及或比为向往按由以]|"
    "[也就才又再还很太挺真更]|(?<![首成古京国故])都|"
    f"(?<=[一二两三四五六七八九十百千几多少哪每第半整])[个种{MEASURES}些所名头匹棵朵片根支枝把间幅篇]|"
    "(?<=叫什么)名字|(?<=叫啥)名字|(?<![第十百千零])一(?=[座部本款家条只张首件台辆栋])|"
    "[去来]"
)
FUNCTION = re.compile(_FUNCTION)
"""What a rewrite may add or lose without asking anything else."""

QUESTION_WORDS: Mapping[str, re.Pattern[str]] = {
    "reason": re.compile("为什么|为何|为啥|咋(?!样|么样)|怎么会|凭什么|何以"),
    "time": re.compile("什么时候|何时|几时|啥时候|哪[一]?[年天月日]|几[月号点]|多久|多长时间"),
    "place": re.compile(
        # 在哪 is 在哪里; 在哪个 and 在哪家 ask which.
        f"哪里|哪儿|何处|什么地方|哪边|(?<=[在去到从来住])哪(?![个些种{MEASURES}所门间年天月日一两几])"
    ),
    "way": re.compile("怎么样|怎样|怎么|如何|咋样"),
    "number": re.compile("多少|几(?![乎何])"),
    "measure": re.compile("多(?=[大高长远重深宽快厚久])(?!久|长时间)"),
    "person": re.compile("谁|哪位|什么人"),
    "thing": re.compile("什么(?!时候|地方|人|的$)|哪(?![里儿年天月日边位])|啥(?!时候)|何(?=种|者)"),
}
"""What is asked for -> how, in the order in which they are looked for."""

NEGATION = re.compile("没有|不是|不|没|别|未|非|无法|从未")
A_NOT_A = re.compile(r"(.)不\1|有没有|没有?(?=[？?吗]?$)|不(?=[？?]?$)|(?<=[好对行])不[好对行]")
"""Where 不 and 没 ask instead of denying: 好不好, 有没有."""
NOT_DENYING = re.compile(
    "不好意思|不过|不管|不同(?!意)|不仅|不但|差不多|不锈钢|非常|非洲|未来|别人|别墅|特别|区别|分别|性别|类别|级别"
)

DIRECTIONS = frozenset("从到去往向给被比对")
"""Words that cannot change what they govern for something else without asking otherwise."""
JOINING = frozenset("和与跟及或")
"""What puts a second thing beside the first."""
PERSONS_ASKED = frozenset("谁")
"""Question words that stand where a name could stand."""

ANSWER_OPENERS = re.compile(
    "(?:是的|好的|当然|没错|对的|可以的|不是的|没有的|好呀|好啊|嗯|抱歉|对不起|很抱歉|根据|答案是|"
    "不客气|没问题|不是|不对|对|是|好|有|没有|可以|不可以|能|不能|会|不会)(?=[，,。.！!、 ])"
)

COURTESY = re.compile("^(?:请问|请你|请您|请|麻烦你|麻烦您|麻烦|帮我|帮忙)+")
POLITE = re.compile("(?:请问)?[你您]?(?:能不能|可不可以|能|可以)(?:请)?(?:帮我|给我|帮忙)")
"""How a question begins that asks to do something."""
COMMAND = re.compile(
    "^(?:帮|给|多?说|告诉|说说|说一|讲|介绍|推荐|列|写|查|描述|解释|总结|比较|分析|谈|聊|看看|"
    "找|翻译|播放|打开|换|来|再)"
)

DOUBLED = re.compile("[讲说谈聊看听想写读试找查算数问学练走玩吃用等]")
"""Verbs that people say twice to ask for a little of it: 讲讲."""

CLASSES = (
    "电影|影片|电视剧|动画片|纪录片|小说|书|诗|歌|歌曲|专辑|歌剧|音乐剧|话剧|游戏|软件|网站|语言|公司|企业|品牌|"
    "乐队|球队|俱乐部|学校|城市|国家|河流|湖|山|岛|行星|植物|动物|菜|药|药物|手机|电脑|汽车|"
    "诗人|作家|作者|画家|导演|演员|歌手|作曲家|科学家|球员|总统|皇帝|餐厅|酒店|博物馆"
)
"""Nouns that say what sort of thing a name behind them is."""
CLASSES_BEHIND = "市|县|公司|先生|女士"
"""The same, of a name before them."""

PARTICLES = re.compile(r"[吗呢吧么](?=[\W]*$)")
"""What makes a statement a question at its end."""
ALTERNATIVE = re.compile(r"(.)不\1|有没有|是否|还是")
"""What makes a statement a question wherever it stands."""
POINTING = re.compile(f"[这那](?:[个些种{MEASURES}门]|两[个种位])")
"""A demonstrative with its measure: the noun behind it is the reference."""

NUMERALS: Mapping[str, int] = {c: i for i, c in enumerate("零一二三四五六七八九")} | {
    "〇": 0,
    "两": 2,
}
UNITS: Mapping[str, int] = {"十": 10, "百": 100, "千": 1000}
NUMBER = re.compile("[零〇一二两三四五六七八九十百千]+")
