"""Conversations as people have them, each with answers that are right and answers that are not."""

from __future__ import annotations

import pytest

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import Message, Role
from evalsuite.rewrites import Part, judge


def case(
    *history: str,
    query: str,
    rewrites: tuple[str, ...],
    names: tuple[str, ...] = (),
    not_names: tuple[str, ...] = (),
    extractive: bool = False,
) -> Case:
    han = any("\u4e00" <= character <= "\u9fff" for character in query)
    return Case(
        id="case",
        language=Language.ZH if han else Language.EN,
        kind=Kind.SINGLE,
        cluster="case",
        history=tuple(
            Message((Role.USER, Role.ASSISTANT)[i % 2], text) for i, text in enumerate(history)
        ),
        query=query,
        expect=Expectation(
            rewrites=rewrites, must_name=names, must_not_name=not_names, extractive=extractive
        ),
    )


def refused(judged: Case, answer: str) -> set[Part]:
    """The parts that the answer loses."""
    return {part for part, findings in judge(judged, answer).findings.items() if findings}


# --- names with signs, in capitals, with numbers ---------------------------------------------

CPP = case(
    "Is C++ faster than C?",
    "About as fast, but C++ has classes.",
    query="Is it hard to learn?",
    rewrites=("Is C++ hard to learn?",),
    names=("C++",),
    not_names=("C",),
)
CPP_FREE = case(
    "What is C++?",
    "A language with classes.",
    query="Is it hard to learn?",
    rewrites=("Is C++ hard to learn?",),
)
DOTNET = case(
    "What is .NET?",
    "A platform for apps.",
    query="Does it run on Linux?",
    rewrites=("Does .NET run on Linux?",),
    names=(".NET",),
)
WHO = case(
    "WHO是什么？",
    "世界卫生组织。",
    query="总部在哪？",
    rewrites=("WHO的总部在哪？",),
    names=("WHO",),
)
HUAWEI = case(
    "华为Mate 60和小米14哪个好？",
    "华为Mate 60更好。",
    query="它多少钱？",
    rewrites=("华为Mate 60多少钱？",),
    names=("华为Mate 60",),
    not_names=("小米14",),
)
HUAWEI_EXTRACTIVE = case(
    "华为Mate 60怎么样？",
    "很好。",
    query="它多少钱？",
    rewrites=("华为Mate 60多少钱？",),
    extractive=True,
)
HUAWEI_FREE = case(
    "华为Mate 60怎么样？",
    "很好。",
    query="它多少钱？",
    rewrites=("华为Mate 60多少钱？",),
)


@pytest.mark.parametrize(
    ("judged", "answer"),
    [
        (CPP, "Is C++ hard to learn?"),
        (CPP, "Is it hard to learn C++?"),
        (CPP, "is c++ hard to learn"),
        (CPP_FREE, "Is learning C++ hard?"),
        (DOTNET, "Can .NET run on Linux?"),
        (DOTNET, "Does the .NET platform run on Linux?"),
        (WHO, "WHO总部在哪里？"),
        (WHO, "WHO的总部在哪里？"),
        (HUAWEI, "华为Mate60多少钱？"),
        (HUAWEI, "华为 Mate 60 多少钱"),
        (HUAWEI_EXTRACTIVE, "华为Mate60多少钱？"),
        (HUAWEI_FREE, "华为Mate60卖多少钱？"),
    ],
)
def test_a_name_may_be_spaced_otherwise_and_keeps_its_signs(judged: Case, answer: str) -> None:
    assert judge(judged, answer).right, judge(judged, answer).findings


@pytest.mark.parametrize(
    ("judged", "answer", "part"),
    [
        (CPP, "Is C hard to learn?", Part.NAMED),
        (CPP, "Is C# hard to learn?", Part.NAMED),
        (CPP_FREE, "Is C# hard to learn?", Part.NAMED),
        (DOTNET, "Does the net run on Linux?", Part.NAMED),
        (WHO, "WHO的总部是什么？", Part.KEPT),
        (WHO, "谁的总部在哪？", Part.NAMED),
        (HUAWEI, "华为Mate 50多少钱？", Part.NAMED),
        (HUAWEI, "华为Mate多少钱？", Part.NAMED),
        (HUAWEI_EXTRACTIVE, "华为Mate6多少钱？", Part.NAMED),
        (HUAWEI_FREE, "华为Mate 50多少钱？", Part.NAMED),
    ],
)
def test_a_name_without_its_sign_or_number_is_another(
    judged: Case, answer: str, part: Part
) -> None:
    assert part in refused(judged, answer)


# --- what is denied, and how the words stand to each other -----------------------------------

SCHOOL = case(
    "What should pupils not bring to the trip?",
    "Phones.",
    query="Why must they not bring it, if they do not bring money either?",
    rewrites=("Why must pupils not bring a phone, if they do not bring money either?",),
    names=("phone",),
)
SALTY = case(
    "我昨天去了海底捞。",
    "怎么样？",
    query="它太贵了，服务倒是不错。",
    rewrites=("海底捞太贵了，服务倒是不错。",),
    names=("海底捞",),
)
EASTER = case(
    "When is Easter in 2027?",
    "On 28 March.",
    query="Is the day after it a public holiday?",
    rewrites=("Is the day after Easter a public holiday?",),
    names=("Easter",),
)
AIRPORT = case(
    "What should I see in Kyoto?",
    "The gardens.",
    query="How do I get there from the airport?",
    rewrites=("How do I get to Kyoto from the airport?",),
    names=("Kyoto",),
)
兵马俑 = case(
    "西安有什么好玩的？",
    "兵马俑不能错过。",
    query="从机场怎么去那里？",
    rewrites=("从机场怎么去兵马俑？",),
    names=("兵马俑",),
)
法国队 = case(
    "2018年世界杯冠军是谁？",
    "法国队。",
    query="谁给他们进球了？",
    rewrites=("谁给法国队进球了？",),
    names=("法国队",),
)
JUPITER = case(
    "Which planet has the Great Red Spot?",
    "Jupiter.",
    query="Is Saturn larger than it?",
    rewrites=("Is Saturn larger than Jupiter?",),
    names=("Jupiter",),
)


@pytest.mark.parametrize(
    ("judged", "answer"),
    [
        (SCHOOL, "Why can't pupils bring a phone, if they don't bring money either?"),
        (SALTY, "海底捞太贵了，服务倒不错。"),
        (EASTER, "Is the day after Easter in 2027 a public holiday?"),
        (AIRPORT, "How do I get from the airport to Kyoto?"),
        (AIRPORT, "From the airport, how can I get to Kyoto?"),
        (兵马俑, "怎么从机场去兵马俑？"),
        (兵马俑, "从西安机场怎么到兵马俑？"),
        (法国队, "给法国队进球的是谁？"),
        (JUPITER, "Is the planet Saturn larger than Jupiter?"),
    ],
)
def test_the_words_may_stand_in_another_order(judged: Case, answer: str) -> None:
    assert Part.KEPT not in refused(judged, answer), judge(judged, answer).findings


@pytest.mark.parametrize(
    ("judged", "answer", "reason"),
    [
        (SCHOOL, "Why must pupils bring a phone, if they do not bring money either?", "less often"),
        (SALTY, "海底捞不太贵了，服务倒是不错。", "more often"),
        (EASTER, "Is the day before Easter a public holiday?", '"after" was asked'),
        (AIRPORT, "How do I get from Kyoto to the airport?", 'behind "from"'),
        (兵马俑, "从兵马俑怎么去机场？", 'behind "从"'),
        (法国队, "法国队给谁进球了？", 'behind "给"'),
        (JUPITER, "Is Jupiter larger than Saturn?", 'behind "than"'),
    ],
)
def test_a_negation_lost_or_two_places_exchanged_ask_something_else(
    judged: Case, answer: str, reason: str
) -> None:
    found = judge(judged, answer).findings[Part.KEPT]
    assert any(reason in finding.reason for finding in found), found


# --- form: fragments, repetition, length -----------------------------------------------------

STOMACH = case(
    "Can I take ibuprofen with coffee?",
    "Yes.",
    query="And on an empty stomach?",
    rewrites=("Can I take ibuprofen on an empty stomach?",),
    names=("ibuprofen",),
)
FRAGMENT = case(
    "How many people live in Lyon?",
    "Half a million.",
    query="And its area?",
    rewrites=("And the area of Lyon?",),
    names=("Lyon",),
)
飞机 = case(
    "北京到上海高铁多久？",
    "四个半小时。",
    query="飞机呢？",
    rewrites=("北京到上海飞机多久？",),
    names=("北京", "上海"),
)
WISHES = (
    "We arrive on a Tuesday in late November, my wife walks with a stick, the children are small "
    "and we have a tight budget; which quiet gardens {} would you recommend, and how long should "
    "we stay in each?"
)
人口 = case(
    "澳大利亚的首都是哪里？",
    "堪培拉。",
    query="它的人口是多少？",
    rewrites=("堪培拉的人口是多少？",),
    names=("堪培拉",),
)
GARDENS = case(
    "I am planning a trip to Kyoto.",
    "Great choice!",
    query=WISHES.format("there"),
    rewrites=(WISHES.format("in Kyoto"),),
    names=("Kyoto",),
)
梅耶 = case(
    "马斯克的妈妈是谁？",
    "梅耶·马斯克。",
    query="她多大了？",
    rewrites=("梅耶·马斯克多大了？",),
    names=("梅耶·马斯克",),
)
GARDENS_TWICE = GARDENS.expect.rewrites[0].replace("November", "November in Kyoto")


@pytest.mark.parametrize(
    ("judged", "answer"),
    [
        (STOMACH, "And can I take ibuprofen on an empty stomach?"),
        (STOMACH, "And ibuprofen on an empty stomach?"),
        (FRAGMENT, "And Lyon's area?"),
        (飞机, "北京到上海飞机呢？"),
        (飞机, "北京到上海飞机要多久呢？"),
        (GARDENS, GARDENS_TWICE.replace("in each", "in the gardens, each")),
        (SALTY, "海底捞太贵了，海底捞服务倒是不错。"),
        (梅耶, "马斯克的妈妈梅耶·马斯克多大了？"),
        (JUPITER, "Is Saturn larger than Jupiter?" + " " * 5000),
    ],
)
def test_a_name_may_be_said_again_and_a_fragment_stay_where_a_rewrite_does(
    judged: Case, answer: str
) -> None:
    assert judge(judged, answer).right, judge(judged, answer).findings


@pytest.mark.parametrize(
    ("judged", "answer"),
    [
        (人口, "堪培拉呢？"),
        (人口, "堪培拉的人口呢？"),
        (GARDENS, f"{GARDENS_TWICE} {GARDENS_TWICE}"),
        (JUPITER, "Is Saturn larger than Jupiter?" + " " * 5000 + "Saturn, of course."),
        (SALTY, "海底捞太贵了，服务倒是不错，海底捞太贵了。"),
        (JUPITER, "Is Saturn larger than Jupiter, Saturn than Jupiter?"),
    ],
)
def test_a_fragment_an_echo_and_a_tail_have_no_good_form(judged: Case, answer: str) -> None:
    assert Part.FORM in refused(judged, answer)


# --- what describes a name, and what belongs to it -------------------------------------------

SHADOWS = case(
    "Have you seen What We Do in the Shadows?",
    "Yes, it is about vampires who share a flat.",
    query="Who directed it?",
    rewrites=("Who directed What We Do in the Shadows?",),
    names=("What We Do in the Shadows",),
)
IPHONE = case(
    "Which has the better camera, the iPhone 15 or the Pixel 8?",
    "The iPhone 15.",
    query="How much does it weigh?",
    rewrites=("How much does the iPhone 15 weigh?",),
    names=("iPhone 15",),
    not_names=("Pixel 8",),
)
流浪地球 = case(
    "你看过《流浪地球》吗？",
    "看过，特效很好。",
    query="它的导演是谁？",
    rewrites=("《流浪地球》的导演是谁？",),
    names=("流浪地球",),
)
堪培拉 = case(
    "澳大利亚的首都是哪里？",
    "堪培拉。",
    query="人口是多少？",
    rewrites=("堪培拉的人口是多少？",),
    names=("堪培拉",),
)
小说 = case(
    "四大名著里哪两部最早？",
    "《水浒传》和《三国演义》。",
    query="它们的作者分别是谁？",
    rewrites=("《水浒传》和《三国演义》的作者分别是谁？",),
    names=("水浒传", "三国演义"),
)
KOTLIN = case(
    "Kotlin和Java哪个更现代？",
    "Kotlin。",
    query="它的空指针处理怎么样？",
    rewrites=("Kotlin的空指针处理怎么样？",),
    names=("Kotlin",),
    not_names=("Java",),
)
按摩椅 = case(
    "有什么适合送爸爸的礼物？",
    "第一，茶叶；第二，按摩椅。",
    query="第二个大概什么价位？",
    rewrites=("按摩椅大概什么价位？",),
    names=("按摩椅",),
    not_names=("茶叶",),
)
续航 = case(
    "比亚迪汉和特斯拉哪个续航长？",
    "比亚迪汉更长。",
    query="冬天会缩水吗？",
    rewrites=("比亚迪汉冬天会缩水吗？",),
    names=("比亚迪汉",),
)


@pytest.mark.parametrize(
    ("judged", "answer"),
    [
        (SHADOWS, "Who directed the film What We Do in the Shadows?"),
        (SHADOWS, 'Who directed the series "What We Do in the Shadows"?'),
        (SHADOWS, "Who is the director of What We Do in the Shadows?"),
        (IPHONE, "How much does the iPhone 15 phone weigh?"),
        (流浪地球, "电影《流浪地球》的导演是谁？"),
        (流浪地球, "《流浪地球》这部电影的导演是谁？"),
        (小说, "《水浒传》和《三国演义》这两本书的作者分别是谁？"),
        (KOTLIN, "Kotlin 语言的空指针处理怎么样？"),
        (堪培拉, "堪培拉市的人口是多少？"),
        (堪培拉, "澳大利亚的首都堪培拉的人口是多少？"),
        (续航, "比亚迪汉的续航冬天会缩水吗？"),
    ],
)
def test_what_sort_of_thing_a_name_is_may_be_said_beside_it(judged: Case, answer: str) -> None:
    assert judge(judged, answer).right, judge(judged, answer).findings


@pytest.mark.parametrize(
    ("judged", "answer", "part"),
    [
        (SHADOWS, "Who directed the costumes of What We Do in the Shadows?", Part.KEPT),
        (SHADOWS, "Who directed What We Do in the Shadows and the film?", Part.KEPT),
        (SHADOWS, "Which film directed What We Do in the Shadows?", Part.KEPT),
        (IPHONE, "How much does the iPhone 15's camera weigh?", Part.KEPT),
        (流浪地球, "《流浪地球》的特效的导演是谁？", Part.KEPT),
        (流浪地球, "《流浪地球》的电影的导演是谁？", Part.KEPT),
        (小说, "《水浒传》和《三国演义》两本书的封面的作者分别是谁？", Part.KEPT),
        (KOTLIN, "Kotlin的语言的空指针处理怎么样？", Part.KEPT),
        (堪培拉, "澳大利亚和堪培拉的人口是多少？", Part.KEPT),
        (按摩椅, "第二个按摩椅大概什么价位？", Part.NAMED),
    ],
)
def test_what_belongs_to_a_name_or_is_joined_to_it_is_another_thing(
    judged: Case, answer: str, part: Part
) -> None:
    assert part in refused(judged, answer)


# --- the same question in other words --------------------------------------------------------

BASED = case(
    "What is the WHO?",
    "An agency of the United Nations.",
    query="Where is it?",
    rewrites=("Where is the WHO?",),
    names=("WHO",),
)
RECORD = case(
    "Who is faster, Bolt or Gatlin?",
    "Bolt.",
    query="What is his record over 200 metres?",
    rewrites=("What is Bolt's record over 200 metres?",),
    names=("Bolt",),
    not_names=("Gatlin",),
)
OSLO = case(
    "I am going to Oslo.",
    "Have fun!",
    query="What is it like?",
    rewrites=("What is Oslo like?",),
    names=("Oslo",),
)
生日 = case(
    "我姐姐小美和她老公阿强住在成都。",
    "真好。",
    query="他生日我送什么好？",
    rewrites=("阿强生日我送什么好？",),
    names=("阿强",),
    not_names=("小美",),
)
LATTER = case(
    "Compare the Nile and the Loire.",
    "The Nile is longer.",
    query="May I ask you about the latter's color in spring?",
    rewrites=("May I ask you about the Loire's color in spring?",),
    names=("Loire",),
    not_names=("Nile",),
)
PLUTO = case(
    "Is Pluto a planet?",
    "No.",
    query="Why is it not a planet?",
    rewrites=("Why is Pluto not a planet?",),
    names=("Pluto",),
)
SONNET = case(
    "What is a sonnet?",
    "A poem of fourteen lines.",
    query="Write one about autumn.",
    rewrites=("Write a sonnet about autumn.",),
    names=("sonnet",),
)
藏头诗 = case(
    "什么是藏头诗？",
    "每句第一个字连起来成一句话的诗。",
    query="帮我写一首给妈妈的。",
    rewrites=("帮我写一首给妈妈的藏头诗。",),
    names=("藏头诗",),
)
专辑 = case(
    "周杰伦和林俊杰谁先出道？",
    "周杰伦。",
    query="他的专辑叫什么？",
    rewrites=("周杰伦的专辑叫什么？",),
    names=("周杰伦",),
    not_names=("林俊杰",),
)


@pytest.mark.parametrize(
    ("judged", "answer"),
    [
        (BASED, "In which city is the WHO?"),
        (BASED, "Where is the WHO located?"),
        (PLUTO, "Why is Pluto no longer a planet?"),
        (PLUTO, "For what reason is Pluto not a planet?"),
        (SONNET, "Can you write a sonnet about autumn?"),
        (SONNET, "Could you please write a sonnet about autumn?"),
        (藏头诗, "帮我写首给妈妈的藏头诗"),
        (藏头诗, "能帮我写一首给妈妈的藏头诗吗？"),
        (专辑, "周杰伦的专辑叫什么名字？"),
        (WHO, "WHO的总部位于哪里？"),
        (RECORD, "What is Bolt's record over 200 m?"),
        (RECORD, "What is Bolt's record over 200 meters?"),
        (OSLO, "How is Oslo?"),
        (LATTER, "May I ask you about the color of the Loire in spring?"),
        (生日, "阿强生日的时候我送点什么好？"),
    ],
)
def test_a_question_may_be_spelt_out_and_a_command_be_polite(judged: Case, answer: str) -> None:
    assert judge(judged, answer).right, judge(judged, answer).findings


@pytest.mark.parametrize(
    ("judged", "answer", "part"),
    [
        (BASED, "In which year is the WHO?", Part.KEPT),
        (PLUTO, "Why is Pluto a planet?", Part.KEPT),
        (SONNET, "Can you find a sonnet about autumn?", Part.KEPT),
        (SONNET, "Did you write a sonnet about autumn?", Part.FORM),
        (藏头诗, "帮我写两首给妈妈的藏头诗。", Part.KEPT),
        (藏头诗, "你写了一首给妈妈的藏头诗吗？", Part.FORM),
        (专辑, "周杰伦的名字叫什么？", Part.KEPT),
        (WHO, "WHO的总部位于哪个国家的城市？", Part.KEPT),
        (RECORD, "What is Bolt's record over 200 km?", Part.KEPT),
        (OSLO, "What is Oslo?", Part.KEPT),
        (LATTER, "Spring you about color may in the Loire I ask?", Part.KEPT),
        (生日, "阿强什么时候送我什么好？", Part.KEPT),
    ],
)
def test_another_question_stays_another(judged: Case, answer: str, part: Part) -> None:
    assert part in refused(judged, answer)


def test_a_reason_says_in_words_what_was_asked_and_what_is() -> None:
    (finding,) = judge(JUPITER, "Why is Saturn larger than Jupiter?").findings[Part.KEPT]
    assert finding.reason == 'The answer asks "why" where the query asks yes or no.'
