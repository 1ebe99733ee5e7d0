"""Words by which a name is a person's: given names of English, titles, surnames of Chinese.

Closed lists that a person can read. A name that stands in none of them is not taken for a person's.
"""

from __future__ import annotations

import re

GIVEN = frozenset(
    """
    aaron abigail abraham adam adrian agnes alan albert alec alex alexander alexandra alfred ali
    alice alicia alison allan allen amanda amber amelia amy ana andre andrea andrew andy angela
    anita ann anna anne annie anthony antonio april arnold arthur ashley audrey barack barbara
    barry beatrice becky ben benjamin bernard beth betty beverly bill billy bob bobby bonnie brad
    bradley brandon brenda brian britney bruce bryan caleb calvin cameron carl carla carlos carmen
    carol caroline carolyn carrie catherine cecil charles charlie charlotte chelsea cheryl chester
    chris christina christine christopher cindy claire clara clarence claude clifford colin connie
    craig cristina crystal curtis cynthia daisy dale dan daniel danielle danny darren dave david
    dawn dean debbie deborah debra denise dennis derek diana diane diego dolores don donald donna
    doris dorothy doug douglas duncan dwight dylan earl eddie edgar edith edna edward edwin eileen
    elaine eleanor elena eli elizabeth ella ellen elmer elsie elton elvis emily emma enrique eric
    erica erik ernest ethan ethel eugene eva evan evelyn felix fernando florence frances francis
    francisco frank franklin fred freddie frederick gabriel gail gary gene geoffrey george gerald
    gertrude gilbert gina gladys glen glenn gloria gordon graham grant greg gregory guy hannah
    harold harriet harry harvey hazel heather hector helen henry herbert herman hillary homer
    howard hugh hugo ian ida igor irene isaac isabel isabella ivan jack jackie jackson jacob
    jacqueline jaime jake james jamie jane janet janice jason javier jay jean jeff jeffrey jennifer
    jenny jeremy jerome jerry jesse jessica jill jim jimi jimmy joan joanna joanne joe joel john
    johnny jon jonathan jordan jorge jose joseph joshua joyce juan juanita judith judy julia julian
    julie june justin karen karl kate katherine kathleen kathryn kathy katie keith kelly ken
    kenneth kenny kevin kim kimberly kirk kristen kurt kyle larry laura lauren laurence lawrence
    leah lee leo leon leonard leonardo leslie lester lewis liam lillian lily linda lisa lloyd lois
    lou louis louise lucas lucy luis luke lydia lynn mabel madonna marc marcus margaret maria marie
    marilyn mario marion mark marlene marsha martha martin marvin mary matt matthew maureen maurice
    max meg megan melanie melissa melvin mercedes mia michael michelle miguel mike mildred miles
    mitchell molly monica morgan muriel nancy naomi natalie nathan neil nelson nicholas nick nicole
    nigel nina noah nora norman oliver olivia oscar otto pablo pamela patricia patrick patty paul
    paula pauline pedro peggy penny percy peter phil philip phillip phyllis rachel ralph ramon
    randy raymond rebecca regina reginald rene rhonda ricardo richard rick ricky rita rob robert
    roberto robin rodney roger roland ron ronald ronnie rosa rose rosemary ross roy ruby rudolf
    rudy russell ruth ryan sally sam samantha samuel sandra sara sarah scott sean sergio seth shane
    shannon sharon shaun shawn sheila sherry shirley sidney simon sonia sophia sophie stacy stanley
    stella stephanie stephen steve steven stuart sue susan suzanne sydney sylvia tamara tanya ted
    teresa terry thelma theodore theresa thomas tiffany tim timothy tina toby todd tom tommy tony
    tracy travis trevor tyler tyra ursula vanessa vera vernon veronica victor victoria vincent
    viola violet virginia vivian vladimir wallace walter wanda warren wayne wendy wesley wilbur
    will william willie winston xavier yolanda yvonne zachary
    """.split()
)
"""Given names, folded."""
_PLACES_TOO = frozenset(
    "april june florence virginia sydney victoria jordan carolina chelsea charlotte austin dallas "
    "jackson madison houston lincoln washington georgia paris brooklyn will mark grant rose dawn "
    "guy penny".split()
)
"""Given names that are as often something else; alone they are not taken for a person's."""
TITLES = frozenset(
    "mr mrs ms miss dr sir lady lord dame professor prof president senator governor king queen "
    "prince princess emperor empress pope saint judge captain colonel general coach".split()
)
"""What stands before a person's name."""
_SAINTS = frozenset(("st", "st.", "fort", "port", "mount", "lake", "new", "san", "los"))
"""What stands before the name of a place that was named after a person."""
_NO_PERSONS = frozenset(
    """
    university college school institute academy museum theatre theater hospital church cathedral
    hotel park street avenue road square bridge river lake island islands mountain mountains bay
    beach city county state states town airport station stadium league cup award awards prize medal
    war battle act band orchestra records company corporation group club united association society
    party house show times post magazine center centre bowl games festival day company inc ltd
    """.split()
)
"""Words that end names of something else."""

SURNAMES = (
    "欧阳|司马|诸葛|上官|东方|独孤|令狐|慕容|皇甫|尉迟|公孙|夏侯|端木|百里|司徒|"
    "[王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任"
    "沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔"
    "向汤鲍霍柳翁岳梅庄舒屈项祝阮蓝闵季颜骆樊凌俞章卓]"
)
"""Surnames of Chinese persons, compound ones first."""
PERSON_ZH = re.compile(
    f"(?:{SURNAMES})[\u4e00-\u9fff]{{0,1}}[^\\W代朝国省市县区镇村路山河湖江海岛年月日号人家店里们]"
)
"""A surname and one or two characters, of which the last makes no place, time or dynasty."""


def is_person(words: tuple[str, ...], *, before: str = "") -> bool:
    """Whether an English name is a person's.

    Args:
        words: of the name, folded.
        before: the word before it, folded.
    """
    if not words or words[-1] in _NO_PERSONS or {"of", "the"} & {*words} or before in _SAINTS:
        return False
    if words[0].rstrip(".") in TITLES or before.rstrip(".") in TITLES:
        return True
    return words[0] in GIVEN and (len(words) > 1 or words[0] not in _PLACES_TOO)
