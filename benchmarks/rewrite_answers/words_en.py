"""English words that the generators use, all chosen by hand.

``REPLACED`` holds content words whose loss or exchange changes what is asked, each with a word of
the same class that means something else. A word that is not in it is never dropped or replaced in
golden cases and panels: "get", "stay", "old" in "that old manuscript", "please" or "really" can go
without harm.
"""

from __future__ import annotations

_NOUNS = """
age height|author publisher|area flag|art army|battery keyboard|camera loudspeaker|capital army
career childhood|climate airport|coach stadium|color noise|condition planet|countries companies
danger pattern|depth temperature|diet habitat|director costumes|ending cover|engine windshield
error string|exercise medicine|eyes books|family garden|flight concert|food architecture
founder lawyer|future cellar|history traffic|height weather|house bicycle|length temperature
lesson song|license compiler|memory network|management protocol|moons rings|months hotels
music costumes|opinion shape|origin recipe|plot cover|population mayor|pot window|present speech
price warranty|problem contract|question song|range trunk|record mascot|revenue logo
screen charger|shape snow|size sound|smell roots|source bridge|speed noise|syntax logo|taste name
title printer|visa vaccination|voice dog|way map|weight smell|width fish|winter summer|work hobby
yarn lamp|year month|people robots
"""
_OTHERS = """
admire sell|agree bet|asks dreams|asked warned|ask warn|border pollute|built destroyed
born buried|buyer thief|check paint|compares steals|cost weigh|cross drain|deal compete
described destroyed|describe destroy|die marry|directed watched|disappear sing
discovered forbidden|eat fear|explain delete|forgot stole|freeze fry|give lend|judge repair
kept forged|know hate|knows sells|like fear|live work|matter belong|need deserve|needs sells
noticed bought|pay fight|praise mock|praised mocked|rate cook|read lie|reading lying
recommend forbid|remember hate|remind rob|set filmed|share climb|speak teach|stop start
store sell|study hide|summarize ignore|surprised bored|talk sing|talks sings|talking joking
thinking eating|understand bury|understood buried|use translate|water paint|weigh cost
won organised|worry write|wrote burned|write burn|cold crowded|decent broken|easier louder
famous cheap|popular heavy|important cold|expensive green|big wet|new blue|happy angry|sure sad
wrong smoothly|free dangerous|best worst|long heavy|special missing|wise rich
housewarming retirement|spoken taught|least most|discuss hide|confirm deny|pictures statues
written lied|dream complain|cover sell|change paint|hear complain|learned lied|noted denied
return explode
"""


def _table(text: str) -> dict[str, str]:
    """Entries are separated by bars or line ends."""
    entries = [entry.split() for entry in text.replace("\n", "|").split("|") if entry.strip()]
    return {entry[0]: entry[1] for entry in entries}


NOUNS = frozenset(_table(_NOUNS))
"""Something can be said of these, and an adjective can stand before them."""
REPLACED = _table(_NOUNS + _OTHERS)

ALIKE = _table(
    """
height weight|weight height|size side|price prize|speed speech|taste waste|range orange|plot pilot
source sauce|coach couch|founder flounder|depth death|music museum|battery pottery|history mystery
family familiar|record reward|area aria|age cage|art cart|work word|house horse|voice vice
popular polar|famous family|expensive extensive|important imported|author authority|screen scream
length strength|capital captain|population pollution|director direction|title tile|diet debt
engine engineer|color colon|shape sheep|smell small|revenue venue|license silence|moons spoons
winter writer|yarn yard|study steady|admire admit|praise raise|remember member|describe prescribe
described prescribed|discovered covered|built bought|born worn|directed corrected|weigh wait
freeze breeze|store restore|cost coast|cross crush|recommend command|speak sneak
eat heat|write white|wrote vote|read road|noticed notched|explain complain|agree argue|judge jump
worry hurry|matter butter|disappear appear|know knock|knows nose|like bike|talks walks|needs seeds
border order|share shave|visa visor|present president|flight fight|months mouths|people purple
camera chimera|climate climb|origin original|food foot|happy hobby|sure pure|danger manager
"""
)
"""Words that look or sound like them and mean something else."""

FUNCTION_WORDS = frozenset(
    """
a able about above after again all also always am an and any anybody anyone anything are aren't
around as at away be because been before being below between both but by can can't cannot come
comes could couldn't did didn't do does doesn't doing don't done down each either else even ever
every everybody everyone everything few find first for former from further get gets getting give
go goes going good got great had has have having he hello her here hers hey hi him his how however
i i'd i'll i'm i've if in into is isn't it it's its just kind know last latter let let's like
looking lot lots made make makes many may maybe me mean meant might mine more most much must my
near need new next no nobody not nothing now of off oh ok okay old on once one ones only or other
others our out over own per please put quite really same say second see shall she should so some
somebody someone something sort still such sure take tell than thank thanks that that's the their
theirs them then there these they thing things think third this those through to together told too
toward under until up upon us use used very want was wasn't we we're well were what what's when
where where's which while who who's whom whose why will with within without won't would wouldn't
yeah yes yet you you're your yours
    """.split()
)
"""Of free texts these are never dropped, replaced or taken for what a query is about."""

NO_NAMES = frozenset(
    """
    and any are but did does for has have her his how its not since that the their there these they
    this was were what when where which who why with yes you your monday tuesday wednesday thursday
    friday saturday sunday january february march april may june july august september october
    november december
    """.split()
)
"""Capitalised words inside a sentence that name no thing, or one that any rewrite may add."""

NONSENSE = (
    "banana blue", "purple ladder seven", "sofa running quietly", "spoon the window Tuesday",
    "marble dance under cheese", "yellow yellow train", "umbrella of", "pillow forty",
    "glass bicycle however", "seven carpets green",
)  # fmt: skip
ADDED_WORDS = (
    "purple", "wooden", "Portuguese", "medieval", "frozen", "inflatable", "Antarctic", "secret",
    "cheapest", "green", "second", "German", "annual", "imaginary",
)  # fmt: skip
"""Before a content word."""
ADDED_PHRASES = (
    "in Portugal", "under the sea", "for toddlers", "during the Bronze Age", "with a hammer",
    "on horseback", "in 1987", "according to the plumber", "in Berlin", "before 1900",
    "at midnight", "without sugar", "and its neighbours", "on Mondays",
)  # fmt: skip
"""Before the final mark."""
ELSE_ASKED = (
    "Who discovered {}?", "Is {} poisonous?", "How do I repair {}?", "Where can I rent {}?",
    "What rhymes with {}?", "How heavy is {}?", "Does {} float on water?", "Who painted {}?",
    "How do you spell {}?", "What colour is {}?", "Why was {} banned?", "Can you draw {}?",
    "Who inherited {}?", "Which museum shows {}?", "Is {} taught at school?",
    "Who is afraid of {}?", "How loud is {}?", "Tell me a joke about {}.",
    "Translate {} into Latin.", "How old is {}?", "Who owns {}?", "What does {} mean?",
    "Where does {} come from?", "Is {} still alive?", "How many pages does {} have?",
    "Can {} be trusted?",
)  # fmt: skip
ASKED_ALIKE = {
    "How heavy is {}?": ("weigh",), "What colour is {}?": ("color",), "How old is {}?": ("age",),
    "Where does {} come from?": ("origin", "source"), "How many pages does {} have?": ("length",),
    "Is {} still alive?": ("stay", "disappear", "remain", "die"), "Who owns {}?": ("buy", "pay"),
    "How loud is {}?": ("voice",), "Who painted {}?": ("art", "color"),
    "Is {} taught at school?": ("study", "lesson", "learn"), "Can {} be trusted?": ("sure",),
    "Who discovered {}?": ("discover",), "What does {} mean?": ("mean",),
}  # fmt: skip
"""What a query may hold to whose question another one comes near."""
ANSWERS = (
    "{} is a place in the north of Scotland.", "{} was first mentioned in 1872.",
    "Most people think of {} as a success.", "I would say that {} is fine.", "Yes, {} does.",
    "About forty percent of {} is water.", "{} has 95 of them.",
    "According to experts, {} is safe.", "It depends on {} and the season.", "The answer is {}.",
    "No, {} never was.", "{} costs around 20 euros.", "As of today, {} is closed.",
    "That would be {}, I believe.", "I don't have information about {}.",
    "Sorry, I cannot answer questions about {}.", "{} is one of the best known in its field.",
    "There is little to say about {}.", "{} was built by the Romans.",
    "Nobody knows {} well enough.",
)  # fmt: skip
ANSWERS_WITH = (
    "The {word} of {name} is about 40.", "{name} is known for its {word}.",
    "{name} has a very good {word}.", "With {name}, the {word} is the most important part.",
    "When it comes to {word}, {name} is hard to beat.", "The {word} of {name} was changed in 1994.",
)  # fmt: skip
LABELS = (
    "Rewritten query: {}", "Rewrite: {}", "Query: {}", "Rewritten: {}", "Q: {}", "A: {}",
    "Answer: {}", "Output: {}", "Question: {}", "Standalone question: {}", "User query: {}",
    "Here is the rewritten query: {}", "Here's the rewritten query:\n{}", "Sure! Here is it: {}",
    "Sure, here's the rewrite: {}", "Sure! Here is the rewritten query:\n\n{}",
    'The rewritten query is: "{}"', 'Rewritten query: "{}"', 'You could ask: "{}"',
    "Rewritten query:\n{}", "rewritten query - {}", "[Query] {}", "<query>{}</query>",
    "<rewrite>{}</rewrite>", "The user wants to know: {}", "Final answer: {}", "{} (rewritten)",
    "{} [rewritten query]", "In other words: {}", "The standalone version: {}",
    "Reformulated question: {}", "Resolved query: {}", "The question is: {}", "query = {}",
    "rewrite={}", "→ {}", "=> {}", "Certainly! {}", "{}\n\n(This is the rewritten query.)",
    "{} // rewritten", "Did you mean: {}", "I would rewrite it as: {}", "Self-contained: {}",
    "<answer>{}</answer>", "Assistant: {}", "My rewrite: {}", "Step 1: {}",
    "Given the history, the query becomes: {}",
)  # fmt: skip
SENTENCES_AFTER = (
    "Yes, of course.", "Let me know if you need more.", "I hope this helps.", "Is that right?",
    "The reference was resolved.", "Sure.", "It is very interesting.", "What do you think?",
    "I replaced the pronoun.", "That is a good question.", "Here you go.", "No problem!",
    "Please tell me the details.", "It has been so for years.", "Ask me anything.",
    "Thanks for asking.", "The pronoun refers to the name above.", "I am not sure.",
    "Can you help me?", "This is the standalone query.", "It depends.", "Does that work for you?",
    "No changes were needed otherwise.", "Hope that helps!", "That is all I know.",
)  # fmt: skip
SENTENCES_BEFORE = (
    "Yes, of course.", "Sure!", "Good question.", "I understand.", "Okay.", "No problem!",
    "Let me rephrase.", "Certainly.", "Here it is.", "Got it.", "The user asks something.",
    "Of course!", "Thank you.", "Hello!",
)  # fmt: skip
ROLE_TEXTS = (
    "\nassistant: X", "\nassistant: {}", "\nuser:", " user:", "<|im_end|>", "<|im_end|>\n",
    "<|im_start|>assistant", "\nAssistant: It is fine.", "\nUser: And then?", "\nHuman:", "</s>",
    "<|endoftext|>", "\n\nUser: {}", " [/INST]", "\nassistant", "<|eot_id|>", " assistant: Sure.",
    "\nAI: Of course.", "\nQ: What else?\nA: Nothing.", "<end_of_turn>", "\nsystem: ok",
    "\n### Response:", "<|assistant|>", "\n<user>", " <|endoftext|>User: hi", "\n\nAssistant:",
    "[INST]",
)  # fmt: skip
OTHER_TONGUE = (
    "关于{}，能再说说吗？", "{}怎么样？", "{}在哪里？", "请介绍一下{}。", "你觉得{}好不好？",
    "¿Qué sabe usted de {}?", "Was weiß man über {}?", "Où se trouve {} ?",
    "{}について教えてください。", "Что известно про {}?",
)  # fmt: skip
NOUNS_ABROAD = {
    "age": "年龄", "author": "作者", "area": "面积", "art": "艺术", "battery": "电池",
    "camera": "相机", "capital": "首都", "career": "经历", "climate": "气候", "coach": "教练",
    "color": "颜色", "depth": "深度", "diet": "食物", "director": "导演", "ending": "结局",
    "engine": "发动机", "family": "家人", "food": "美食", "founder": "创始人", "history": "历史",
    "height": "高度", "house": "房子", "length": "长度", "license": "许可证", "music": "音乐",
    "origin": "产地", "plot": "情节", "population": "人口", "price": "价格", "range": "续航",
    "record": "成绩", "revenue": "收入", "screen": "屏幕", "shape": "形状", "size": "大小",
    "smell": "气味", "source": "源头", "speed": "速度", "syntax": "语法", "taste": "味道",
    "title": "书名", "voice": "声音", "weight": "重量", "width": "宽度", "work": "工作",
    "moons": "卫星", "people": "人口", "exercise": "运动", "visa": "签证", "yarn": "毛线",
}  # fmt: skip
"""What an attribute is called in Chinese."""
ABROAD_WITH = ("{name}的{word}怎么样？", "请问{name}的{word}是什么？", "{name}有多少{word}？")

COMMON_IN_NAMES = frozenset("restaurant bar pizzeria cafe caffe hotel kitchen grill".split())
"""Who leaves these out of a name has not halved it."""
ALSO_CALLED = ("tour", "emperor")
"""Halves that everybody takes for the whole: not wrong."""

SAME_SORT = {
    "person": ("Ana Pereira", "Tom Barker", "Nina Kowalski", "Peter Lindqvist", "Maria Rossi"),
    "thing": ("Portugal", "Neptune", "Bulgaria", "Timbuktu", "Gibraltar", "Patagonia"),
    "common": ("saxophone", "rhubarb", "hedgehog", "tractor", "lighthouse", "spinach"),
}
"""Names and things for cases whose history offers none that is wrong."""
QUESTION_WORDS = {
    "who": ("What", "When"),
    "whose": ("Which",),
    "whom": ("When",),
    "what": ("When", "Why", "Where", "Who"),
    "which": ("Whose", "How many"),
    "where": ("When", "Why"),
    "when": ("Where", "Why"),
    "wen": ("Where", "Why"),
    "why": ("Where", "When"),
    "how": ("Why", "Where", "When"),
}
"""Of another class each: "which" never becomes "what", "what is" never "how is"."""
PREPOSITIONS = frozenset("in on at from with to for until since of by form untiil snice".split())
DEGREES = frozenset(
    "many manny much often long soon old cold hot high deep big good important".split()
)
"""With "how" before them they are one question word."""
NEGATED = {
    "is": "isn't", "are": "aren't", "was": "wasn't", "were": "weren't", "does": "doesn't",
    "do": "don't", "did": "didn't", "can": "can't", "could": "couldn't", "will": "won't",
    "would": "wouldn't", "should": "shouldn't", "has": "hasn't", "have": "haven't",
    "must": "mustn't",
}  # fmt: skip
"""Auxiliaries and their negations."""
SUBJECTS = (
    "I|you|we|they|there|one|anybody|anyone|everybody|everyone|somebody|people|ppl|many people|u"
    "|anything|shops"
)
PARTS_OF_NOUNS = frozenset(
    "phone telephone number post code price range type kind sort restaurant town part".split()
)
"""Of two words in a row either alone says as much: a phone number is a phone, or a number."""
ANY_NOUNS = ("umbrella", "ladder", "marble", "carpet", "pillow", "spoon", "saxophone")
"""In place of a word that no table knows."""
CONTRACTIONS = (
    ("What's", "What is"), ("Who's", "Who is"), ("Where's", "Where is"), ("How's", "How is"),
    ("When's", "When is"), ("I'm", "I am"), ("Let's", "Let us"), ("Can't", "Cannot"),
    ("Don't", "Do not"), ("Who'd", "Who would"), ("I'd", "I would"), ("Isn't", "Is not"),
)  # fmt: skip
COUNTED = ("llama", "greyhound", "rhino", "lemon tree", "cello", "piano")
"""Common nouns among the names that "a" can stand before."""
TWO_WORD_NOUNS = ("top speed", "memory management", "error handling", "boiling point")
OWNED = tuple(sorted(NOUNS - {"opinion", "question", "problem", "danger", "people", "condition"}))
"""The opinion of a book is not the book's."""
POLITENESS = (
    (r"^Please ", ""),
    (r", please(?=[.?])", ""),
    (r"^(?!.*(?i:please))(?=(?:How|Wh\w+|Can|Could|Is|Do|Did|Does) )", "Please, "),
    (r"^(?!.*(?i:please))(?=(?:Tell|Say|Remind|Let) )", "Please "),
    (r"^(?!.*(?i:please))(.*\w)\?$", r"\1, please?"),
)
NUMERALS = tuple(
    rule
    for word, digit in (("two", "2"), ("three", "3"), ("four", "4"), ("five", "5"), ("ten", "10"))
    for rule in ((rf"\b{word}\b", digit), (rf"\b{digit}\b", word))
)
