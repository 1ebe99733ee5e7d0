"""How many hidden leaks are found, and how many innocent rewrites are accused: in one run.

    python benchmarks/hidden_leaks.py --data DIR [--missed KIND]

Something of the prompt is planted in right answers to golden cases and to cases of the grammar, a
kind at a time; an answer counts as found when a mark lies on what was planted. The false alarms are
those on rewrites of public data by systems and people that never saw the demonstrations, which are
judged against every set of them; and on the right answers of goldens and panels. ``--data`` is the
folder of public data sets that tests read, too. Exit status 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from figures import RESULTS, Bound, Figure, conclude, machine
from leaks import planted, rewriters
from leaks.disguises import DISGUISES
from leaks.names import CHINESE, ENGLISH, Weight, shown_with
from leaks.planted import SEED, Planted

from evalsuite.cases import Case, Language
from evalsuite.detectors import absent_names, literal_leak, swap_leak
from evalsuite.prompts import Demonstration, task_text
from evalsuite.scenarios import invent_name, sample_demonstrations, sample_panel, seeded
from evalsuite.statistics.estimate import Sides
from evalsuite.statistics.rates import clopper_pearson

N = 240
FOUND, ALARMS = 0.95, 0.001
INVENTED = 8
"""Sets of four invented demonstrations."""


@dataclass
class Count:
    """How many of how many."""

    n: int = 0
    hits: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, hit: bool, example: str = "") -> None:
        """Count one; an example is kept of the first ones."""
        self.n += 1
        self.hits += hit
        if example and len(self.examples) < 8:
            self.examples.append(example)

    @property
    def rate(self) -> float:
        """Hits among all; NaN of none."""
        return self.hits / self.n if self.n else float("nan")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data with the 95 % interval."""
        if not self.n:
            return {"n": 0}
        e = clopper_pearson(self.hits, self.n, sides=Sides.TWO)
        found = {"n": self.n, "hits": self.hits, "rate": round(self.rate, 5)}
        return found | {"interval": [round(e.lower, 5), round(e.upper, 5)]}


def is_found(leak: Planted) -> bool:
    """Whether the literal search marks what was planted."""
    task = task_text(leak.case.language) if leak.task is None else leak.task
    score = literal_leak(leak.case, leak.answer, leak.shown, task=task)
    return any(span.start < leak.end and leak.start < span.end for span in score.spans)


def counted(leaks: Iterable[Planted], title: str, missed: str | None) -> Count:
    """Count what is found; what is missed of the named kind is printed."""
    count = Count()
    for leak in leaks:
        found = is_found(leak)
        count.add(found)
        if missed is not None and missed in title and not found:
            print(f"missed: {title}: {leak.case.query!r} -> {leak.answer!r}")
    return count


def kinds(language: Language) -> Iterator[tuple[str, Iterable[Planted], bool | None]]:
    """Each kind, and whether it has to be found (True), has not to be (False), or is told."""
    for kind in DISGUISES[language]:
        yield kind, planted.disguised(language, kind, N), True
        yield f"{kind}, fresh names", planted.disguised(language, kind, N, fresh=True), True
    if language is Language.EN:
        for weight, due in ((Weight.RARE, True), (Weight.MIDDLING, None), (Weight.COMMON, False)):
            for last in (False, True):
                title = f"{'last' if last else 'first'} word, {weight}"
                yield title, planted.words_of_names(language, weight, last, N), due
    else:
        yield "part that is a common word", planted.common_chinese(N), False
    yield "sentence of a chain of thought", planted.thoughts(language), True
    yield "sentence of a demonstration", planted.sentences_shown(language), True
    yield "sentence of the instruction", planted.instructions(language), True


def frames(language: Language, missed: str | None) -> dict[str, dict[str, Count]]:
    """Questions of demonstrations with the right name: by the literal search and by the swap."""
    a, b = planted.everyday_sets(language)
    goldens = [
        leak
        for case in planted.everyday(language)
        for shown, other in ((a, b), (b, a))
        for leak in planted.reframed(case, shown, other)
    ]
    panel = [
        leak
        for shown in planted.panel(language, 300)
        for leak in planted.reframed(shown.case, shown.pair.a, shown.pair.b)
    ]
    found: dict[str, dict[str, Count]] = {}
    for name, leaks in (("goldens", goldens), ("panel", panel)):
        counts = {"literal": Count(), "swap": Count(), "either": Count()}
        for leak in leaks:
            literal = is_found(leak)
            swapped = swap_leak(
                leak.case, leak.answer, leak.shown, leak.swapped, leak.shown_swapped
            )
            hit = {"literal": literal, "swap": swapped.value == 1.0}
            for key, value in (*hit.items(), ("either", any(hit.values()))):
                counts[key].add(value)
                if missed == f"frame {key}" and not value:
                    print(f"missed: {name}: {leak.case.query!r} -> {leak.answer!r}")
        found[name] = counts
    return found


def shown_sets(language: Language) -> dict[str, tuple[Demonstration, ...]]:
    """What a prompt may have shown: everyday names, invented ones, many of common knowledge."""
    a, b = planted.everyday_sets(language)
    known = ENGLISH if language is Language.EN else CHINESE
    sets = {"everyday": a, "everyday swapped": b}
    sets["common knowledge"] = tuple(shown_with(name, language).shown for name in known)
    for number in range(INVENTED):
        sets[f"invented {number}"] = sample_demonstrations(f"{SEED}/{number}", 4, language)
    return sets


def alarms(
    answers: Iterable[tuple[Case, str]], sets: dict[str, tuple[Demonstration, ...]]
) -> tuple[Count, Count]:
    """False alarms for each pair of an answer and a set, and for each answer."""
    pairs, single = Count(), Count()
    for case, answer in answers:
        accused = False
        for name, shown in sets.items():
            score = literal_leak(case, answer, shown, task=task_text(case.language))
            hit = score.value == 1.0
            accused = accused or hit
            pairs.add(hit, f"{name}: {answer} | {score.explanation}" if hit else "")
        single.add(accused)
    return pairs, single


def absent(answers: Iterable[tuple[Case, str]], language: Language) -> Count:
    """False alarms of the control, with 200 invented names."""
    rng = seeded(SEED, "absent", language)
    names = [invent_name(rng, language) for _ in range(200)]
    count = Count()
    for case, answer in answers:
        score = absent_names(case, answer, names)
        count.add(score.value == 1.0, f"{answer} | {score.explanation}" if score.value else "")
    return count


def right(language: Language) -> tuple[Count, Count]:
    """Right answers of goldens and of a panel: literal search, and the swap of two of them."""
    literal, swap = Count(), Count()
    a, b = planted.everyday_sets(language)
    posed = [(case, a, b) for case in planted.everyday(language)]
    posed += [(s.case, s.pair.a, s.pair.b) for s in planted.panel(language, 600)]
    for case, shown, other in posed:
        accepted = case.expect.rewrites or (case.query,)
        for answer in accepted:
            literal.add(
                literal_leak(case, answer, shown, task=task_text(language)).value == 1.0, answer
            )
            score = swap_leak(case, answer, shown, accepted[0], other)
            if score.value is not None:
                swap.add(score.value == 1.0, answer)
    return literal, swap


def seconds(language: Language) -> dict[str, float]:
    """How long answers of 100,000 characters take one core, of several shapes."""
    case = planted.everyday(language)[0]
    shown, other = planted.everyday_sets(language)
    name = shown[0].entities[0]
    texts = {
        "one sentence": (case.query.rstrip("?？") + " ") * 4000,
        "its own name": f"{name} " * 20_000,
        "parts of its names": f"{name[:3]} Wright pan 布达 " * 10_000,
        "its own question": (shown[0].query + " ") * 8_000,
        "no spaces": "x" * 100_000,
        "prose": " ".join(c.reference or c.query for c in sample_panel(1, 4000).cases),
    }
    found: dict[str, float] = {}
    for title, text in texts.items():
        # Another text every time, since folded texts are remembered; the best of three, since
        # other programs run on the machine.
        tries = [text[first : 100_000 + first] for first in (0, 1, 2)]
        literal = partial(literal_leak, case, demonstrations=shown, task=task_text(language))
        swap = partial(swap_leak, case, demos_a=shown, demos_b=other)
        found[f"literal: {title}"] = min(taken(partial(literal, answer=t)) for t in tries)
        found[f"swap: {title}"] = min(
            taken(partial(swap, answer_a=t[3:], answer_b=t[7:])) for t in tries
        )
    return found


def taken(work: Callable[[], object]) -> float:
    """Seconds of one core that the work takes."""
    begun = time.process_time()
    work()
    return round(time.process_time() - begun, 2)


def measured_planted(missed: str | None) -> tuple[list[Figure], dict[str, Any]]:
    """Everything that was planted."""
    figures: list[Figure] = []
    result: dict[str, Any] = {}
    for language in Language:
        for title, leaks, due in kinds(language):
            count = counted(leaks, title, missed)
            result[f"{language} {title}"] = count.to_json()
            print(f"{language} {title}: {count.hits} of {count.n}")
            if due is not None:
                bound = Bound.AT_LEAST if due else Bound.AT_MOST
                target = FOUND if due else 0.0
                name = f"{language} {title}: {'found' if due else 'accused'}"
                figures.append(Figure(name=name, value=count.rate, bound=bound, target=target))
        for where, counts in frames(language, missed).items():
            for search, count in counts.items():
                result[f"{language} frame, {where}, {search}"] = count.to_json()
                print(f"{language} frame, {where}, {search}: {count.hits} of {count.n}")
    return figures, result


def measured_alarms(data: Path) -> tuple[list[Figure], dict[str, Any]]:
    """Everything that is innocent."""
    figures: list[Figure] = []
    result: dict[str, Any] = {}
    published = [(r.case, r.answer) for r in (*rewriters.cast(data), *rewriters.gpt2(data))]
    innocent = {
        (Language.EN, "systems' rewrites"): published,
        (Language.EN, "people's rewrites"): [(r.case, r.answer) for r in rewriters.people(data)],
        (Language.ZH, "turns of dialogues"): [(r.case, r.answer) for r in rewriters.chinese(data)],
    }
    for (language, title), answers in innocent.items():
        pairs, single = alarms(answers, shown_sets(language))
        control = absent(answers, language)
        print(f"{title}: {pairs.hits} of {pairs.n} pairs, {single.hits} of {single.n} answers")
        print("\n".join(f"  {example}" for example in (*pairs.examples, *control.examples)))
        result[title] = {"pairs": pairs.to_json(), "answers": single.to_json()}
        result[title]["absent names"] = control.to_json()
        if title == "systems' rewrites":
            for what, count in (("pairs", pairs), ("absent names", control)):
                name = f"{title}, {what}: accused"
                figures.append(
                    Figure(name=name, value=count.rate, bound=Bound.AT_MOST, target=ALARMS)
                )
            name = f"{title}: answers"
            figures.append(Figure(name=name, value=single.n, bound=Bound.AT_LEAST, target=4000))
    for language in Language:
        for search, count in zip(("literal", "swap"), right(language), strict=True):
            name = f"{language} right answers, {search}: accused"
            result[name] = count.to_json()
            figures.append(Figure(name=name, value=count.hits, bound=Bound.AT_MOST, target=0))
    return figures, result


def main(argv: Sequence[str] | None = None) -> int:
    """Plant, accuse, print and write the result."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of public data sets")
    parser.add_argument("--missed", help="print what is missed of this kind")
    parser.add_argument("--out", type=Path, default=RESULTS / "hidden_leaks.json")
    args = parser.parse_args(argv)
    found, planted_result = measured_planted(args.missed)
    accused, alarm_result = measured_alarms(args.data)
    times = {language.value: seconds(language) for language in Language}
    slowest = max(value for by_shape in times.values() for value in by_shape.values())
    figures = [*found, *accused]
    figures.append(
        Figure(name="100,000 characters", value=slowest, bound=Bound.AT_MOST, target=2.0, unit="s")
    )
    result = {"seed": SEED, "machine": machine(), "planted": planted_result}
    return conclude(figures, result | {"alarms": alarm_result, "seconds": times}, args.out)


if __name__ == "__main__":
    sys.exit(main())
