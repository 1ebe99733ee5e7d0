"""Closed classes of English words: what is never content, what asks, what denies.

Lists of this length are read by people; a word that belongs to two classes stands in the one whose
reading is the more common in a query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

FUNCTION_WORDS = frozenset(
    """
    's a an the this that these those such some any each every either neither both i me my
    mine myself you your yours yourself he him his himself she her hers herself it its itself
    we us our ours ourselves they them their theirs themselves one ones am is are was were be
    been being do does did done doing have has had having can could may might must shall
    should will would ought of in on at by for from to into onto with without within about
    over under between among through during before after since until till against across along
    around near off out up down upon as than per via besides except beside and or but nor so
    yet if whether because while though although unless there here then also too just even
    still only again already really very quite rather another other apart same total possible
    exactly approximately roughly please kindly thanks thank ok okay well oh hey hi um uh now
    actually anyway else how what which who whom whose when where why not never no let lets get
    got gets getting go goes going able unable
    """.split()
)
"""Words that a rewrite may add or lose without asking anything else."""

CLASSES = frozenset(
    """
    film films movie movies series show book books novel novels story poem song songs track album
    albums band singer actor actress author writer poet painter director composer player politician
    president scientist game games app software website language company firm brand club team
    school university museum theatre city town village state country region river lake mountain
    island planet star bird animal plant dish drug medicine phone laptop car musical play opera
    painting magazine newspaper hotel restaurant
    """.split()
)
"""Nouns that say what sort of thing a name is."""

CLASSES_BEHIND = frozenset(
    """
    film films movie movies series show song songs album albums band game games app software website
    language company brand city town village state country region river lake mountain island planet
    star bird animal plant dish drug medicine phone laptop car painting musical
    """.split()
)
"""The same, of a name before them; not where the two name something else: Oslo University."""

CASED = frozenset({"us", "it", "who"})
"""Function words that in capitals are names: the US, IT, the WHO."""

QUESTION_WORDS: Mapping[str, str] = {
    "who": "person",
    "whom": "person",
    "whose": "person",
    "what": "thing",
    "which": "thing",
    "when": "time",
    "where": "place",
    "why": "reason",
    "how": "way",
}
"""Question word -> what it asks for."""

MEASURES = frozenset(
    "many much long far often old big large tall high deep wide fast soon late early heavy hot "
    "cold expensive".split()
)
"""What makes "how" ask for a measure: "how many" is another question than "how"."""

UNITS: Mapping[str, str] = {
    short: unit
    for entry in "m metre|meter metre|meters metre|km kilometre|kilometer kilometre|kilometers "
    "kilometre|cm centimetre|kg kilogram|kgs kilogram|g gram|ft foot|lb pound|lbs pound|"
    "h hour|hrs hour|min minute|mins minute|sec second|mph mile".split("|")
    for short, unit in [entry.split()]
}
"""A unit behind a number, as it is shortened or spelt in America -> as it is in full."""

AUXILIARIES = frozenset(
    "am is are was were do does did have has had can could may might must shall should will would "
    "ought".split()
)

DESCRIBING = frozenset(
    "located situated called named known titled based using being including regarding concerning "
    "nearby away closest nearest further farther which that".split()
)
"""Words that lead over from a name to what describes it: "the Westin, located 4 miles away"."""

JOINING = frozenset(("and", "or"))
"""What puts a second thing beside the first."""

NEGATIONS = frozenset("not never no nobody nothing none neither without unable".split())

_OPPOSITES = """
    before after | for against | with against | above below | over under | up down | on off |
    into from | to from | until since
"""
OPPOSITES: Mapping[str, frozenset[str]] = {
    word: frozenset(
        other
        for pair in _OPPOSITES.split("|")
        for other in pair.split()
        if word in pair.split() and other != word
    )
    for word in _OPPOSITES.replace("|", " ").split()
} | {"or": frozenset(("and",))}
"""A preposition -> those that say the opposite; "or" where both were asked of. Not "and" for "or":
which of the piano and the drums, is the piano or the drums."""

DIRECTIONS = frozenset("from to into than after before by against".split())
"""Prepositions that cannot change what they govern for something else without asking otherwise."""

ANSWER_OPENERS = (
    "yes",
    "yeah",
    "yep",
    "no",
    "nope",
    "sure",
    "certainly",
    "of course",
    "absolutely",
    "indeed",
    "okay",
    "ok",
    "sorry",
    "unfortunately",
    "i think",
    "i believe",
    "i am sorry",
    "as an ai",
    "the answer is",
    "according to",
)
"""How answers begin, and queries that are not answers do not."""

COMMANDS = frozenset(
    """
    tell describe explain show give list name find compare summarize summarise write make suggest
    recommend help let define discuss say talk remind set schedule navigate get take play check
    search look call send book order remove add cancel delete turn open start stop put pick direct
    read translate calculate convert report share provide outline state mention introduce consider
    imagine suppose display change locate drive route save remember update bring keep choose select
    """.split()
)
"""Verbs with which a command begins."""

ASKING_FRAME = re.compile(
    r"(?:(?:^|\b(?:you|please|kindly|just) )(?:tell|remind) (?:me|us)"
    r"|\blet me know|\bany idea|\b(?:may|can|could) i ask"
    r"|\b(?:do|would) you (?:happen to )?know"
    r"|\bi (?:(?:would|really|just|also|do) )*(?:want|like|need|wish|love) to "
    r"(?:know|ask|find out|learn)"
    r"|\bi (?:(?:am|was|have|been|just) )*(?:wonder|wondering))"
    r"(?= (?:(?:in|on|at|for|to|by|from|with|of|under) )?"
    r"(?:who|whom|whose|what|which|when|where|why|how|if|whether)\b)"
)
"""Words, one blank apart, that lead to a question and ask nothing themselves."""
FRAMING = frozenset("tell remind know idea ask find learn wonder wondering".split())
"""Of these words every frame has one."""

_FORMS = """
    be: am is are was were been being | go: went gone | do: did done | have: has had
    see: saw seen | make: made | take: took taken | give: gave given | get: got gotten
    come: came | become: became | know: knew known | think: thought | say: said | tell: told
    find: found | write: wrote written | win: won | begin: began begun | grow: grew grown
    build: built | buy: bought | bring: brought | teach: taught | sell: sold | hold: held
    lead: led | lose: lost | leave: left | meet: met | pay: paid | run: ran | sing: sang sung
    speak: spoke spoken | spend: spent | stand: stood | choose: chose chosen
    drive: drove driven | eat: ate eaten | fall: fell fallen | fly: flew flown
    draw: drew drawn | break: broke broken | wear: wore worn | rise: rose risen
    ride: rode ridden | feel: felt | keep: kept | mean: meant | send: sent | sit: sat
    sleep: slept | fight: fought | catch: caught | hear: heard | steal: stole stolen
    swim: swam swum | throw: threw thrown | die: died dying | lie: lay lain | man: men
    woman: women | child: children | person: people | foot: feet | tooth: teeth | mouse: mice
    goose: geese | wife: wives | life: lives | knife: knives | leaf: leaves | wolf: wolves
    freeze: froze frozen | hide: hid hidden | forget: forgot forgotten | bite: bit bitten
    shake: shook shaken | wake: woke woken | drink: drank drunk | ring: rang rung
    sink: sank sunk | tear: tore torn | blow: blew blown | show: shown | hang: hung
    shoot: shot | lend: lent | feed: fed | dig: dug | half: halves
    good: better best | bad: worse worst | far: further farther
    phenomenon: phenomena | criterion: criteria | medium: media | datum: data
"""
IRREGULAR: Mapping[str, str] = {
    form: base.strip()
    for entry in _FORMS.replace("\n", "|").split("|")
    if ":" in entry
    for base, forms in [entry.split(":")]
    for form in forms.split()
}
"""Irregular form -> its base, where no rule about endings finds it."""

SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "can't": ("can", "not"),
    "cannot": ("can", "not"),
    "won't": ("will", "not"),
    "shan't": ("shall", "not"),
    "ain't": ("is", "not"),
    "n't": ("not",),
    "let's": ("let", "us"),
    "dont": ("do", "not"),
    "doesnt": ("does", "not"),
    "didnt": ("did", "not"),
    "cant": ("can", "not"),
    "isnt": ("is", "not"),
    "wasnt": ("was", "not"),
    "im": ("i", "am"),
    "whats": ("what", "is"),
    "hows": ("how", "is"),
    "wheres": ("where", "is"),
    "whos": ("who", "is"),
    "thats": ("that", "is"),
    "u": ("you",),
    "ur": ("your",),
    "r": ("are",),
    "n": ("and",),
    "&": ("and",),
    "pls": ("please",),
    "plz": ("please",),
    "ppl": ("people",),
    "wen": ("when",),
    "wat": ("what",),
    "wanna": ("want", "to"),
    "gonna": ("going", "to"),
    "gotta": ("got", "to"),
    "tv": ("television",),
    "ave": ("avenue",),
    "blvd": ("boulevard",),
    "dr": ("drive",),
    "pl": ("place",),
    "rd": ("road",),
    "st": ("street",),
}
"""One spelling -> the words that it stands for: contractions, and what chats make of words."""

SUFFIXES: Mapping[str, str] = {
    "'m": "am",
    "'re": "are",
    "'ve": "have",
    "'ll": "will",
    "'d": "would",
}

NUMBERS: Mapping[str, str] = {
    word: str(value)
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
    # "One" is a pronoun more often than a number.
    if word != "one"
} | {
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "seventy": "70",
    "eighty": "80",
    "ninety": "90",
    "hundred": "100",
    "thousand": "1000",
    "second": "2nd",
    "third": "3rd",
    "fourth": "4th",
    "fifth": "5th",
}

OTHER_LANGUAGES: Mapping[str, frozenset[str]] = {
    "French": frozenset(
        "le la les des une est que qui dans pour avec sur pas combien quel quelle quels quelles se "
        "trouve sait savez connaissez peut puis-je moi vous nous je tu son sa leur sont été fait "
        "comment où quand pourquoi elle il sont il du au aux t-il et ce cette ses ou".split()
    ),
    "German": frozenset(
        "der die das ein eine einen ist sind wie wer wann wo warum welche welcher viele hat haben "
        "von mit für und nicht den dem es sich auf wurde wird zu weiß man über kann ich du sie wo "
        "gibt sagen bitte mir viel kostet liegt heißt welches".split()
    ),
    "Spanish": frozenset(
        "el la los las una es que quién cuándo dónde por para con cuántas cuántos qué cómo cuál "
        "tiene son del al y se en su fue sabe usted puede puedo decir dime me está hay cuesta más "
        "cuándo cuánto cuánta llama queda".split()
    ),
    "Italian": frozenset(
        "il lo gli una è che chi quando dove perché quanti quante come quale ha sono della del di "
        "con per nel si sa lei può posso dire mi trova quanto costa".split()
    ),
    "Portuguese": frozenset(
        "o os uma é que quem quando onde por para com quantas quantos qual tem são da do dos das "
        "não em foi sabe você pode posso fica custa".split()
    ),
    "Dutch": frozenset(
        "weet u kan mij hij zij ligt kost het een is wie wanneer waar waarom hoeveel hoe "
        "welke heeft zijn van met voor niet de en wat".split()
    ),
}
"""Common words of other languages in the same script. English has some of them too, so two are
needed that English has not."""
