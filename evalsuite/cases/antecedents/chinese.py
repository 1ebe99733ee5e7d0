"""Names of Chinese histories that a rewriter could take for what was meant: others of its sort.

Nothing parts words there. So a name is taken only where something parts it from its surroundings: a
mark, a function word, a conjunction, the marks of a title.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from evalsuite.cases.antecedents.people import PERSON_ZH

_TITLE = re.compile("《([^《》]{1,20})》")
_JOINS = "还是|或者|以及|和|与|跟|及|或|、"
_ENDS = (
    "的|了|着|是|在|有|会|能|都|也|就|谁|哪|什么|怎么|为什么|多少|几|吗|呢|吧|比|更|最|被|把|给|对|过|里|中|从|到|"
    "听过|知道|喜欢|介绍|比较|关于|读到|看过|之间|里选|想问|请问|推荐|说|叫|讲|唱|演|写|出生|位于|属于|主演|导演|创作|你|我|他|她|它|这|那|个|位|们|不|没|很|太|请|问|听|看"
)
_PARTS = re.compile(rf"[^\u4e00-\u9fffA-Za-z0-9·]|{_JOINS}|{_ENDS}")
_OFF_BY = 1
"""Characters by which two names of a pair may differ in length."""


def other_names(meant: str, history: Sequence[str], accepted: Sequence[str]) -> tuple[str, ...]:
    """The names of the history that are of the sort of ``meant`` and are not it.

    Of persons: other surnames with a given name, alone between marks or function words. Of titles
    in 《》: other titles. Of everything: what a conjunction joins to it.

    Args:
        meant: what is meant.
        history: what was said, a text a turn.
        accepted: the query and its accepted rewrites; what they say is not wrong.
    """
    found: list[str] = []
    titles = [title for text in history for title in _TITLE.findall(text)]
    if meant in titles:
        found += titles
    elif PERSON_ZH.fullmatch(meant):
        found += [part for text in history for part in _alone(text) if PERSON_ZH.fullmatch(part)]
    found += [name for text in history for name in _joined(meant, text)]
    return tuple(
        name
        for name in dict.fromkeys(found)
        if not (name in meant or meant in name)
        and not any(name in text for text in accepted)
        and not _one_thing(meant, name, history)
    )


def _alone(text: str) -> Iterator[str]:
    return (part for part in _PARTS.split(text) if part)


def _joined(meant: str, text: str) -> Iterator[str]:
    """What stands on the other side of a conjunction beside what is meant.

    Nothing says where it begins or ends but its surroundings, so it has to be about as long.
    """
    said = re.compile(rf"[《“]?{re.escape(meant)}[》”]?")
    for part in re.split(rf"[^\u4e00-\u9fffA-Za-z0-9·、《》“”]|{_ENDS}", text):
        sides = re.split(_JOINS, part)
        if any(said.fullmatch(side) for side in sides):
            yield from (
                name
                for side in sides
                if (name := side.strip("《》“”"))
                if len(name) > 1 and abs(len(name) - len(meant)) <= _OFF_BY
            )


def _one_thing(meant: str, name: str, history: Sequence[str]) -> bool:
    """Whether a text gives the two as names of one thing: 周树人，笔名鲁迅."""
    same = "(?:[，,]?(?:又|也|亦|本|原|真|艺|笔|别|小|外|全|简|俗)?[名称叫]|[(（])"
    one, other = re.escape(meant), re.escape(name)
    pattern = re.compile(rf"{one}[^，。]{{0,4}}{same}.{{0,4}}{other}|"
                         rf"{other}[^，。]{{0,4}}{same}.{{0,4}}{one}")  # fmt: skip
    return any(pattern.search(text) for text in history)
