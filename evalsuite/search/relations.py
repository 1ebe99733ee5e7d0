"""Metamorphic relations: how two answers must be related, whatever the right answer is.

A change of the prompt whose effect on the answer is known in advance needs no oracle (Chen, Cheung,
Yiu, Metamorphic testing, 1998). What is counted here is told, and drawn, and decides nothing.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from evalsuite.cases import Case, Kind, Language, WorldName
from evalsuite.conversation import Message, Role
from evalsuite.detectors.text import find_names, same
from evalsuite.prompts import others
from evalsuite.scenarios import (
    GRAMMARS,
    LEXICONS,
    Split,
    is_personal,
    sample_demonstrations,
    seeded,
)
from evalsuite.search.asker import Asker, Posed
from evalsuite.strategies.operators import sealed
from evalsuite.tasks import answer_of

_TRIES = 60
"""Other cases to look at for one of the same shape."""
EXAMPLES = 3
"""Violations of a relation that are told, the shortest ones."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A changed prompt, and whether its answer is related as it must be."""

    posed: Posed
    agree: Callable[[str, str], bool] = same
    """Takes the answer to the unchanged prompt, and this one's."""


Relation = Callable[[Posed, random.Random, WorldName], Variant | None]
"""Changes a posed case of a world; None where the relation says nothing about it."""


def rename_entities(posed: Posed, rng: random.Random, world: WorldName) -> Variant | None:
    """Renaming everything consistently renames the answer, and changes nothing else."""
    names = _names(posed.case)
    if not names:
        return None
    renamed = _fresh_names(posed, names, rng, world)
    case = _renamed(posed.case, renamed)
    return Variant(
        replace(posed, case=case),
        lambda before, after: same(_replace(before, renamed), after),
    )


def swap_demonstrations(posed: Posed, rng: random.Random, world: WorldName) -> Variant | None:
    """Demonstrations of other things leave the answer as it is."""
    if not posed.shown:
        return None
    avoid = frozenset((*_names(posed.case), *(n for d in posed.shown for n in d.entities)))
    others = sample_demonstrations(
        f"swapped/{rng.random()}",
        len(posed.shown),
        posed.case.language,
        world=world,
        avoid=avoid,
        unlike=posed.shown,
    )
    return Variant(replace(posed, shown=others))


def permute_demonstrations(posed: Posed, rng: random.Random, world: WorldName) -> Variant | None:
    """The order of the demonstrations leaves the answer as it is."""
    del world
    if len(posed.shown) < 2:
        return None
    others = posed.shown
    while others == posed.shown:
        others = tuple(rng.sample(posed.shown, len(posed.shown)))
    return Variant(replace(posed, shown=others))


def add_earlier_exchange(posed: Posed, rng: random.Random, world: WorldName) -> Variant | None:
    """An earlier exchange about nothing leaves the answer as it is."""
    if not posed.case.history:
        return None
    asked, answered = rng.choice(GRAMMARS[world].fillers(posed.case.language, Split.PANEL))
    earlier = (Message(Role.USER, asked), Message(Role.ASSISTANT, answered))
    return Variant(_with_history(posed, (*earlier, *posed.case.history)))


def change_format(posed: Posed, rng: random.Random, world: WorldName) -> Variant | None:
    """The other prompt formats say the same and get the same answer."""
    del world
    found = others(posed.prompt)
    return Variant(replace(posed, prompt=rng.choice(found))) if found else None


def swap_gender(posed: Posed, rng: random.Random, world: WorldName) -> Variant | None:
    """Swapping he and she, king and queen consistently swaps only these in the answer."""
    del rng, world
    if posed.case.kind is not Kind.PERSON or _says_her(posed.case):
        return None
    words = _opposites(posed.case.language)
    case = _mapped(posed.case, lambda text: _swap_words(text, words, posed.case))
    if case == posed.case:
        return None
    return Variant(
        replace(posed, case=case),
        lambda before, after: same(_swap_words(before, words, posed.case), after),
    )


def translate_frame(posed: Posed, rng: random.Random, world: WorldName) -> Variant | None:
    """The same things talked about in the other language: the answer names the same of them."""
    case = posed.case
    names = _names(case)
    if (
        not names
        or not case.expect.must_name
        or case.kind not in LEXICONS[case.language].openers[Split.PANEL]
    ):
        return None
    other = next(language for language in Language if language is not case.language)
    others = GRAMMARS[world].templates(other, case.kind, Split.PANEL)
    for _ in range(_TRIES):
        made = rng.choice(others).case(rng, "translated")
        if _shape(made) == _shape(case):
            break
    else:
        return None
    theirs, ours = made.expect, case.expect
    renamed = dict(
        zip(
            (*theirs.must_name, *theirs.must_not_name),
            (*ours.must_name, *ours.must_not_name),
            strict=True,
        )
    )
    return Variant(
        Posed(
            case=_renamed(made, renamed),
            shown=sample_demonstrations(
                f"translated/{rng.random()}",
                len(posed.shown),
                other,
                world=world,
                avoid=frozenset(names),
            ),
            prompt=posed.prompt,
        ),
        lambda before, after: _named(before, names) == _named(after, names),
    )


RELATIONS: Mapping[str, Relation] = MappingProxyType(
    {
        "rename": rename_entities,
        "swap_demonstrations": swap_demonstrations,
        "permute_demonstrations": permute_demonstrations,
        "earlier_exchange": add_earlier_exchange,
        "format": change_format,
        "gender": swap_gender,
        "translate": translate_frame,
    }
)
"""Relations by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """Two answers that are not related as they must be."""

    posed: Posed
    answer: str
    varied: Posed
    varied_answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationCheck:
    """How often a relation was looked at, and how often it did not hold."""

    relation: str
    promise: str
    """What it says."""
    n: int
    violated: int
    examples: tuple[Violation, ...]
    """The shortest violations."""


def check_relations(
    posed: Sequence[Posed],
    asker: Asker,
    *,
    seed: int = 0,
    world: WorldName = WorldName.NANO,
) -> list[RelationCheck]:
    """Ask about every case and all its variants in one batch, and compare the answers.

    Args:
        posed: cases that fit.
        asker: asks the candidate.
        seed: of the changes.
        world: where the cases were drawn from, and what is new in the variants.
    """
    asked: list[tuple[str, Posed, Variant]] = []
    for number, one in enumerate(posed):
        for name, relation in RELATIONS.items():
            rng = seeded(seed, number, name)
            variant = relation(one, rng, world)
            if variant is not None and asker.room(variant.posed) >= 0:
                asked.append((name, one, variant))
    both = [p for _, one, variant in asked for p in (one, variant.posed)]
    answers = zip(both, asker.ask(both), strict=True)
    said = [answer_of(one.task, answer.candidate) for one, answer in answers]
    found: dict[str, list[Violation]] = {name: [] for name in RELATIONS}
    counts = dict.fromkeys(RELATIONS, 0)
    for (name, one, variant), before, after in zip(asked, said[::2], said[1::2], strict=True):
        counts[name] += 1
        if not variant.agree(before, after):
            found[name].append(
                Violation(posed=one, answer=before, varied=variant.posed, varied_answer=after)
            )
    return [
        RelationCheck(
            relation=name,
            promise=str(RELATIONS[name].__doc__).splitlines()[0],
            n=counts[name],
            violated=len(found[name]),
            examples=tuple(sorted(found[name], key=_length)[:EXAMPLES]),
        )
        for name in RELATIONS
    ]


def _length(violation: Violation) -> int:
    return sum(len(m.content) for m in violation.posed.case.history)


def _names(case: Case) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*case.expect.must_name, *case.expect.must_not_name)))


def _named(answer: str, names: Sequence[str]) -> frozenset[str]:
    return frozenset(span.label for span in find_names(answer, names))


def _shape(case: Case) -> tuple[int, int, int]:
    return len(case.expect.must_name), len(case.expect.must_not_name), len(case.history)


def _fresh_names(
    posed: Posed, names: Sequence[str], rng: random.Random, world: WorldName
) -> dict[str, str]:
    """Another name of the same sort for each."""
    taken = {*names, *(n for d in posed.shown for n in d.entities)}
    renamed: dict[str, str] = {}
    for name in names:
        language = Language.ZH if any("\u4e00" <= c <= "\u9fff" for c in name) else Language.EN
        fresh = GRAMMARS[world].invent(
            rng,
            language,
            Split.PANEL,
            person=is_personal(name),
            avoid=frozenset((*taken, *renamed.values())),
        )
        renamed[name] = fresh
    return renamed


def _replace(text: str, renamed: Mapping[str, str]) -> str:
    """Rename all at once, longer names first, so that no new name is renamed again."""
    names = sorted(renamed, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, names)), re.IGNORECASE)
    folded = {name.casefold(): fresh for name, fresh in renamed.items()}
    return pattern.sub(lambda match: folded.get(match.group().casefold(), match.group()), text)


def _renamed(case: Case, renamed: Mapping[str, str]) -> Case:
    return _mapped(case, lambda text: _replace(text, renamed))


def _mapped(case: Case, change: Callable[[str], str]) -> Case:
    expect = case.expect
    return sealed(
        replace(
            case,
            history=tuple(Message(m.role, change(m.content)) for m in case.history),
            query=change(case.query),
            expect=replace(
                expect,
                rewrites=tuple(map(change, expect.rewrites)),
                must_name=tuple(map(change, expect.must_name)),
                must_not_name=tuple(map(change, expect.must_not_name)),
                aliases=tuple(map(change, expect.aliases)),
            ),
        ),
        (),
    )


def _with_history(posed: Posed, history: tuple[Message, ...]) -> Posed:
    return replace(posed, case=sealed(replace(posed.case, history=history), posed.operators))


def _says_her(case: Case) -> bool:
    """Whether a word stands there that could become "his" as well as "him"."""
    said = (*(m.content for m in case.history), case.query)
    return case.language is Language.EN and any(
        re.search(r"\bher\b", text, re.IGNORECASE) for text in said
    )


def _opposites(language: Language) -> dict[str, str]:
    lexicon = LEXICONS[language]
    her, him = lexicon.female, lexicon.male
    pairs = [
        (her.subject, him.subject),
        (her.object, him.object),
        (her.possessive, him.possessive),
        *zip(lexicon.female_roles, lexicon.male_roles, strict=True),
    ]
    return {a: b for pair in pairs for a, b in (pair, pair[::-1])}


def _swap_words(text: str, words: Mapping[str, str], case: Case) -> str:
    """Swap words outside names; a word of letters only where it stands alone."""
    names = "|".join(map(re.escape, sorted(_names(case), key=len, reverse=True)))
    listed = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    edges = (r"\b", r"\b") if case.language is Language.EN else ("", "")
    pattern = re.compile(f"(?:{names or '(?!)'})|{edges[0]}(?:{listed}){edges[1]}", re.IGNORECASE)

    def swap(match: re.Match[str]) -> str:
        found = match.group()
        other = words.get(found.casefold(), found)
        return other[:1].upper() + other[1:] if found[:1].isupper() else other

    return pattern.sub(swap, text)
