"""Right questions about the wrong thing."""

from __future__ import annotations

import random
import re
import string
import unicodedata

from evalsuite.cases import Case, Language
from evalsuite.scenarios.names import invent_name, is_personal
from rewrite_answers import words_zh
from rewrite_answers.kinds import Kind, words_of, wrong
from rewrite_answers.known import history_text, known, plain


def renamed(base: str, name: str, other: str, case: Case) -> str | None:
    """``base`` with another name; None when nothing changed."""
    if case.language is Language.EN:
        made = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", lambda _: other, base)
    else:
        made = base.replace(name, other)
    return None if plain(made) == plain(base) else made


@wrong(Kind.HALF_NAME)
def half_name(case: Case, rng: random.Random) -> str | None:
    """The first or the last part of a name of several words or ideographs."""
    facts = known(case)
    if facts is None:
        return None
    options = [(n, half) for n in facts.names for half in halves(n, case)]
    if not options:
        return None
    name, half = rng.choice(options)
    return renamed(facts.base, name, half, case)


def halves(name: str, case: Case) -> list[str]:
    """What may be taken for half of a name, without those that are names of the same thing."""
    parts = name.split(" ")
    if len(parts) > 1:
        found = [" ".join(parts[:-1]), " ".join(parts[1:])]
    elif case.language is Language.ZH and re.fullmatch(r"[\u3400-\u9fff]{2,}", name):
        found = [name[:-1], name[1:]]
        if len(name) > 3:
            found += [name[:2], name[-2:]]
    else:
        return []
    aliases = {plain(a) for a in case.expect.aliases}
    return [h for h in found if plain(h) not in aliases]


@wrong(Kind.NAME_MISSPELT)
def name_misspelt(case: Case, rng: random.Random) -> str | None:
    """A name with one character lost, doubled or changed."""
    facts = known(case)
    if facts is None or not facts.names:
        return None
    name = rng.choice(facts.names)
    other = _misspelt_zh(name, rng) if re.search(r"[\u3400-\u9fff]", name) else _misspelt(name, rng)
    return other and renamed(facts.base, name, other, case)


def _misspelt(name: str, rng: random.Random) -> str | None:
    """One letter of an alphabetic name lost, changed or swapped, never its plural or accent."""
    places = [i for i, c in enumerate(name) if i and c.isascii() and c.isalpha()]
    if len(places) < 3:
        return None
    at = rng.choice(places)
    way = rng.randrange(3)
    if way == 0 and not name[at:].casefold().startswith("s"):
        made = name[:at] + name[at + 1 :]
    elif way == 1 and name[at - 1].isalpha():
        made = name[: at - 1] + name[at] + name[at - 1] + name[at + 1 :]
    else:
        other = rng.choice([c for c in string.ascii_lowercase if c not in (name[at].casefold(), "s")])
        made = name[:at] + (other.upper() if name.isupper() else other) + name[at + 1 :]
    return None if plain(made) == plain(name) else made


def _misspelt_zh(name: str, rng: random.Random) -> str:
    places = [i for i, c in enumerate(name) if unicodedata.category(c) == "Lo"]
    at = rng.choice(places)
    other = rng.choice([c for c in words_zh.SIMILAR if c not in name])
    return name[:at] + other + name[at + 1 :]


@wrong(Kind.SAME_SORT)
def same_sort(case: Case, rng: random.Random) -> str | None:
    """Another name of the history, or one that nobody mentioned, in place of the right one."""
    facts = known(case)
    if facts is None or not facts.names:
        return None
    name = rng.choice(facts.names)
    return renamed(facts.base, name, _other(case, name, rng), case)


@wrong(Kind.RIGHT_AND_WRONG)
def right_and_wrong(case: Case, rng: random.Random) -> str | None:
    """The right name and another one, joined."""
    facts = known(case)
    if facts is None or not facts.names:
        return None
    name = rng.choice(facts.names)
    joints = (" and ", " or ") if case.language is Language.EN else ("和", "、", "与", "跟")
    both = [name, _other(case, name, rng)]
    if rng.random() < 0.5:
        both.reverse()
    return renamed(facts.base, name, rng.choice(joints).join(both), case)


def _other(case: Case, name: str, rng: random.Random) -> str:
    """A wrong name: of the history where there is one, mostly, else of the same sort."""
    facts = known(case)
    wrong_ones = [w for w in (facts.wrong if facts else ()) if not _overlap(w, name)]
    if wrong_ones and rng.random() < 0.8:
        return rng.choice(wrong_ones)
    sorts = words_of(case).SAME_SORT
    if case.id.startswith(("panel", "nano", "heldout")):
        taken = frozenset(re.findall(r"\w+", " ".join((history_text(case), *case.expect.rewrites))))
        split = "train" if rng.random() < 0.5 else "panel"
        return invent_name(rng, case.language, split, person=is_personal(name), avoid=taken)
    common = case.language is Language.EN and name.islower()
    sort = "common" if common else ("person" if case.kind == "person" else "thing")
    return rng.choice([n for n in sorts[sort] if not _overlap(n, name)])


def _overlap(one: str, other: str) -> bool:
    a, b = plain(one), plain(other)
    return a in b or b in a


@wrong(Kind.REFERENCE_LEFT)
def reference_left(case: Case, rng: random.Random) -> str | None:
    """The query as it was, and the name behind it."""
    facts = known(case)
    if facts is None or not facts.names or not facts.pronouns:
        return None
    query = case.query.rstrip("?.。？!！ ")
    end = case.query[len(query) :].strip()
    name = (" and " if case.language is Language.EN else "和").join(facts.names)
    if case.language is Language.EN:
        frames = ("{q} {n}{e}", "{q}{e} {n}", "{q}, {n}{e}", "{q} ({n}){e}", "{n}: {q}{e}")
    else:
        frames = ("{q}{n}{e}", "{q}{e}{n}", "{q}，{n}{e}", "{q}（{n}）{e}", "{n}，{q}{e}")
    return rng.choice(frames).format(q=query, n=name, e=end)
