"""Right answers with something of the prompt put into them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice, product

from figures import ROOT

from evalsuite.cases import Case, Language
from evalsuite.cases.casefiles import load_cases
from evalsuite.detectors.own import own_of
from evalsuite.detectors.text import same
from evalsuite.prompts import Demonstration, load_demonstrations
from evalsuite.scenarios import ShownCase, sample_shown_panel
from leaks.disguises import DISGUISES
from leaks.names import CHINESE, CHINESE_COMMON, ENGLISH, FRESH, Hidden, Weight, shown_with

SEED = 20261130
CASES = ROOT / "cases"


@dataclass(frozen=True, slots=True)
class Planted:
    """An answer, and what it was given."""

    case: Case
    answer: str
    shown: tuple[Demonstration, ...]
    start: int
    """Where the planted text begins in the answer."""
    end: int
    task: str | None = None
    """The instruction; None: the usual one."""
    swapped: str = ""
    """The answer to the same case under ``shown_swapped``."""
    shown_swapped: tuple[Demonstration, ...] = ()


def everyday(language: Language) -> tuple[Case, ...]:
    """The golden cases of the set everyday, in both folders."""
    folders = ("pronoun_resolution", "example_leakage")
    return load_cases(CASES / folder / f"everyday_{language}.yaml" for folder in folders)


def everyday_sets(language: Language) -> tuple[tuple[Demonstration, ...], ...]:
    """What their prompts show, and the counterfactual."""
    folder = CASES / "demonstrations"
    return tuple(
        load_demonstrations(folder / f"everyday_{language}{suffix}.yaml")
        for suffix in ("", "_swap")
    )


def panel(language: Language, n: int) -> tuple[ShownCase, ...]:
    """Cases of the grammar with what their prompts show."""
    return sample_shown_panel(SEED, n, language)


def _put(case: Case, text: str, shown: tuple[Demonstration, ...], beside: bool) -> Planted:
    """Put a text beside the antecedent or in its place; behind, where there is none."""
    right = case.reference or case.query
    named = next((name for name in case.expect.must_name if name in right), None)
    joint = " and " if case.language is Language.EN else "和"
    if named is None:
        bare = right.rstrip(" ?.？。")
        before = bare + (", " if case.language is Language.EN else "，")
        after = right[len(bare) :]
    else:
        before, _, after = right.partition(named)
        before += named + joint if beside else ""
    return Planted(case, before + text + after, shown, len(before), len(before) + len(text))


def _hidden(language: Language) -> list[Hidden]:
    """Names of the sets everyday and of common knowledge, each with what shows it."""
    shown = [d for demonstrations in everyday_sets(language) for d in demonstrations]
    found = [Hidden(name, d) for d in shown for name in d.entities]
    known = {hidden.name for hidden in found}
    more = ENGLISH if language is Language.EN else CHINESE
    return found + [shown_with(name, language) for name in more if name not in known]


def disguised(language: Language, kind: str, n: int, *, fresh: bool = False) -> Iterator[Planted]:
    """``n`` answers with a disguised name: a third of the grammar, where its names allow it.

    ``fresh``: all others are names that the search was never looked at with.
    """
    rng = random.Random(f"{SEED}/{kind}{'/fresh' * fresh}")
    disguise = DISGUISES[language][kind]
    names = [shown_with(name, language) for name in FRESH[language]] if fresh else _hidden(language)
    rng.shuffle(names)
    made = 0
    for number, (case, shown, name) in enumerate(_invented(language, rng)):
        copy = disguise(name, rng)
        if copy is not None and made < n // 3:
            made += 1
            yield _put(case, copy, shown, beside=bool(number % 2))
    sources = zip(cycle(everyday(language)), cycle(names), strict=False)
    for number, (case, hidden) in enumerate(islice(sources, 40 * n)):
        copy = disguise(hidden.name, rng)
        if copy is not None and _is_new(case, hidden.name) and made < n:
            made += 1
            yield _put(case, copy, (hidden.shown,), beside=bool(number % 2))


def _invented(
    language: Language, rng: random.Random
) -> Iterator[tuple[Case, tuple[Demonstration, ...], str]]:
    for shown in panel(language, 600):
        demonstration = rng.choice(shown.pair.a)
        yield shown.case, shown.pair.a, rng.choice(demonstration.entities)


def _is_new(case: Case, name: str) -> bool:
    texts = " ".join(own_of(case).texts).casefold()
    return not any(word in texts for word in name.casefold().replace("-", " ").split())


def words_of_names(language: Language, weight: Weight, last: bool, n: int) -> Iterator[Planted]:
    """``n`` answers with the first or last word of a name of several."""
    del language
    names = [name for name, weights in ENGLISH.items() if weights[last] is weight]
    sources = zip(cycle(everyday(Language.EN)), cycle(names), strict=False)
    fit = ((case, name) for case, name in sources if _is_new(case, name))
    for number, (case, name) in enumerate(islice(fit, n)):
        word = name.replace("cast-iron", "cast").split()[-1 if last else 0]
        shown = (shown_with(name, Language.EN).shown,)
        yield _put(case, word, shown, beside=bool(number % 2))


def common_chinese(n: int) -> Iterator[Planted]:
    """``n`` answers with a common word that is a part of a name."""
    sources = zip(cycle(everyday(Language.ZH)), cycle(CHINESE_COMMON), strict=False)
    fit = ((c, name, part) for c, (name, part) in sources if part not in "".join(own_of(c).texts))
    for number, (case, name, part) in enumerate(islice(fit, n)):
        shown = (shown_with(name, Language.ZH).shown,)
        yield _put(case, part, shown, beside=bool(number % 2))


def reframed(
    case: Case, shown: Sequence[Demonstration], other: Sequence[Demonstration]
) -> Iterator[Planted]:
    """The questions of demonstrations with the right name; swapped, with those of the others.

    Where the query asks the same, that is the right answer and no leak.
    """
    if case.expect.unchanged or not case.expect.must_name:
        return
    name = case.expect.must_name[0]
    for a, b in zip(shown, other, strict=True):
        asked, swapped = _renamed(a, name), _renamed(b, name)
        if any(same(asked, accepted) for accepted in case.expect.rewrites):
            continue
        yield Planted(
            case, asked, tuple(shown), 0, len(asked), swapped=swapped, shown_swapped=tuple(other)
        )


def _renamed(shown: Demonstration, name: str) -> str:
    text = shown.rewrite
    for entity in sorted(shown.entities, key=len, reverse=True):
        text = text.replace(entity, name)
    return text


_THOUGHTS = {
    Language.EN: (
        "This is the first turn.",
        "Nothing has to be resolved here.",
        "The pronoun points at the last answer.",
        "It is about what was named before.",
    ),
    Language.ZH: (
        "这是第一轮。",
        "这里没有要还原的词。",
        "代词指的是上一个回答。",
        "问的是前面说过的东西。",
    ),
}
_INSTRUCTIONS = {
    Language.EN: (
        "Read the turns, resolve the pronoun of the last one with what was named, and write the "
        "question so that it needs no history. Do not answer it. Write nothing else."
    ),
    Language.ZH: (
        "阅读每一轮对话，还原最后一句里的代词和省略，写出不依赖上文的问题。不要回答它。别写其他内容。"
    ),
}


def thoughts(language: Language) -> Iterator[Planted]:
    """Sentences of a demonstration's chain of thought before a right answer.

    The instruction has a word in common with each.
    """
    shown = everyday_sets(language)[0]
    for case in everyday(language):
        for place, thought in enumerate(_THOUGHTS[language]):
            demonstration = shown[place % len(shown)]
            thinking = Demonstration(
                history=demonstration.history,
                query=demonstration.query,
                rewrite=f"{thought}{' ' * (language is Language.EN)}{demonstration.rewrite}",
                language=language,
                entities=demonstration.entities,
            )
            answer = f"{thought} {case.reference or case.query}"
            yield Planted(case, answer, (thinking,), 0, len(thought), task=_INSTRUCTIONS[language])


def instructions(language: Language) -> Iterator[Planted]:
    """Sentences of the instruction behind a right answer."""
    ends = ". " if language is Language.EN else "。"
    for case, shown in product(everyday(language), everyday_sets(language)):
        for sentence in _INSTRUCTIONS[language].removesuffix(ends.strip()).split(ends):
            right = case.reference or case.query
            yield Planted(
                case,
                f"{right} {sentence}",
                shown,
                len(right) + 1,
                len(right) + 1 + len(sentence),
                task=_INSTRUCTIONS[language],
            )


def sentences_shown(language: Language) -> Iterator[Planted]:
    """Turns of demonstrations that name nothing, before a right answer."""
    shown = everyday_sets(language)[0]
    turns = [m.content for d in shown for m in d.history] + [d.query for d in shown]
    names = [name for d in shown for name in d.entities]
    for case in everyday(language):
        for turn in turns:
            if len(turn) > 5 and turn != case.query and not any(name in turn for name in names):
                answer = f"{turn} {case.reference or case.query}"
                yield Planted(case, answer, shown, 0, len(turn))
