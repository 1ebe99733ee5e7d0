"""Right questions about the wrong thing."""

from __future__ import annotations

import random
import re
import string

from evalsuite.cases import Case, Language
from evalsuite.cases import Kind as CaseKind
from evalsuite.scenarios.names import Split, invent_name, is_personal
from rewrite_answers import words_en, words_zh
from rewrite_answers.kinds import Kind, makes, words_of
from rewrite_answers.known import authored, known
from rewrite_answers.texts import HAN, history_text, joined, plain


def renamed(base: str, name: str, other: str, case: Case) -> str | None:
    """``base`` with another name; None when nothing changed."""
    if case.language is Language.EN:
        made = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", lambda _: other, base)
    else:
        made = base.replace(name, other)
    return None if plain(made) == plain(base) else made


@makes(Kind.HALF_NAME)
def half_name(case: Case, rng: random.Random) -> str | None:
    """The first or the last part of a name, or one of two things that are both meant."""
    facts = known(case)
    if facts is None:
        return None
    options = [(n, half) for n in facts.names for half in halves(n, case)]
    if authored(case).expect.must_name and len(facts.names) == 2:
        for both in (joined(pair, case.language) for pair in (facts.names, facts.names[::-1])):
            options += [(both, one) for one in facts.names if both in facts.base]
    if not options:
        return None
    return renamed(facts.base, *rng.choice(options), case)


def halves(name: str, case: Case) -> list[str]:
    """What may be taken for half of a name, without those that are names of the same thing."""
    parts = name.split(" ")
    if len(parts) > 1:
        found = [" ".join(parts[:-1]), " ".join(parts[1:])]
    elif re.fullmatch(f"[{HAN}]{{2,}}", name):
        found = [name[:-1], name[1:]]
        if len(name) > 3:
            found += [name[:2], name[-2:]]
    else:
        return []
    also = {plain(text) for text in (*case.expect.aliases, *words_of(case).ALSO_CALLED)}
    lost = {h: set(name.casefold().split()) - set(h.casefold().split()) for h in found}
    found = [h for h in found if not lost[h] <= words_en.COMMON_IN_NAMES | _LINKS]
    return [h for h in found if plain(h) not in also and plain(h) not in _LINKS]


_LINKS = frozenset("the a an of and la de 的 了 一 子".split())


@makes(Kind.NAME_MISSPELT)
def name_misspelt(case: Case, rng: random.Random) -> str | None:
    """A proper name with one character lost, changed or swapped.

    A slip in a common noun ("buttre") is a slip; it makes nothing else of butter.
    """
    facts = known(case)
    names = [n for n in facts.names if not n.islower()] if facts else []
    if facts is None or not names:
        return None
    name = rng.choice(names)
    other = _misspelt_zh(name, rng) if re.search(f"[{HAN}]", name) else _misspelt(name, rng)
    return other and renamed(facts.base, name, other, case)


def _misspelt(name: str, rng: random.Random) -> str | None:
    """One letter wrong; never the plural, and no letter at the front, where case is."""
    places = [i for i, c in enumerate(name) if i and c.isascii() and c.isalpha()]
    if len(places) < 3:
        return None
    at = rng.choice(places)
    way = rng.randrange(3)
    if way == 0 and name[at].casefold() != "s":
        made = name[:at] + name[at + 1 :]
    elif way == 1 and at > 1 and name[at - 1].isalpha():
        made = name[: at - 1] + name[at] + name[at - 1] + name[at + 1 :]
    else:
        other = rng.choice([c for c in string.ascii_lowercase if c not in (name[at].lower(), "s")])
        made = name[:at] + (other.upper() if name.isupper() else other) + name[at + 1 :]
    return None if plain(made) == plain(name) else made


def _misspelt_zh(name: str, rng: random.Random) -> str:
    places = [i for i, c in enumerate(name) if re.match(f"[{HAN}]", c)]
    at = rng.choice(places)
    return name[:at] + rng.choice([c for c in words_zh.SIMILAR if c not in name]) + name[at + 1 :]


@makes(Kind.SAME_SORT)
def same_sort(case: Case, rng: random.Random) -> str | None:
    """Another name of the history, or one that nobody mentioned, in place of the right one."""
    facts = known(case)
    if facts is None or not facts.names:
        return None
    name = rng.choice(facts.names)
    return renamed(facts.base, name, other_name(case, name, rng), case)


@makes(Kind.RIGHT_AND_WRONG)
def right_and_wrong(case: Case, rng: random.Random) -> str | None:
    """The right name and another one, joined."""
    facts = known(case)
    if facts is None or not facts.names:
        return None
    name = rng.choice(facts.names)
    en = case.language is Language.EN
    joints = (
        (" and ", " or ", ", ", "/", " as well as ")
        if en
        else ("和", "、", "与", "跟", "以及", "/")
    )
    both = [name, other_name(case, name, rng)]
    if rng.random() < 0.5:
        both.reverse()
    return renamed(facts.base, name, rng.choice(joints).join(both), case)


def other_name(case: Case, name: str, rng: random.Random) -> str:
    """A wrong name: of the history where there is one, mostly, else of the same sort."""
    facts = known(case)
    accepted = plain(" ".join((case.query, *case.expect.rewrites)))
    wrong = [w for w in (facts.wrong if facts else ()) if plain(w) not in accepted]
    # In talk that nobody here wrote, two names may be one thing's: fewer of these.
    share = 0.8 if authored(case).expect.must_name else 0.4
    if wrong and rng.random() < share:
        return rng.choice(wrong)
    if case.id.startswith(("panel", "nano", "heldout")):
        said = " ".join((history_text(case), *case.expect.rewrites))
        taken = frozenset(re.findall(r"\w+", said))
        split = rng.choice((Split.TRAIN, Split.PANEL))
        return invent_name(rng, case.language, split, person=is_personal(name), avoid=taken)
    if case.language is Language.EN and name.islower():
        sort = "common"
    else:
        sort = "person" if case.kind is CaseKind.PERSON else "thing"
    return rng.choice([n for n in words_of(case).SAME_SORT[sort] if plain(n) not in accepted])


@makes(Kind.REFERENCE_LEFT)
def reference_left(case: Case, rng: random.Random) -> str | None:
    """The query as it was, and the name behind it."""
    facts = known(case)
    if facts is None or not facts.names or not facts.pronouns:
        return None
    asked = case.query.rstrip("?.。？!！ ")
    end = case.query[len(asked) :].strip()
    name = joined(facts.names, case.language)
    if case.language is Language.EN:
        frames = ("{q} {n}{e}", "{q}{e} {n}", "{q}, {n}{e}", "{q} ({n}){e}", "{q}{e} {n}{e}")
    else:
        frames = ("{q}{n}{e}", "{q}{e}{n}", "{q}，{n}{e}", "{q}（{n}）{e}", "{q}{e}{n}{e}")
    return rng.choice(frames).format(q=asked, n=name, e=end)
