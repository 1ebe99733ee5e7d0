"""A candidate whose answers are corrupted with probability theta, without asking it again.

Detectors judge every case on its own. So the evidence of a half-corrupted candidate is, case by
case, either that of the clean candidate or that of the fully corrupted one, and one measurement of
each serves for every severity and every repetition.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from evalsuite.errors import InvalidInput
from evalsuite.gates import Evidence, Observation
from evalsuite.pipeline import Answered, Observed, measure, trip_id
from evalsuite.qualification.mutants import Mutant
from evalsuite.qualification.specimen import Specimen
from evalsuite.runs import REGRESSIONS, Side

_NOT_PANELS = ("liveness", "template_properties", "opponent", "regressions")
_PER_CASE = tuple(field.name for field in fields(Evidence) if field.name not in _NOT_PANELS)
"""What a defect can change: observations, or observations by set, by detector, or by both."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is said of the panel's rewrites that were right until a mutant spoilt them."""

    answers: int
    """How many there are."""
    refused: int
    """How many are no longer right."""
    parts: Mapping[str, int]
    """How many lose each part of a rewrite that was asked of some; an answer may lose several."""

    def __add__(self, other: Seen) -> Seen:
        places = dict.fromkeys((*self.parts, *other.parts))
        parts = {part: self.parts.get(part, 0) + other.parts.get(part, 0) for part in places}
        return Seen(self.answers + other.answers, self.refused + other.refused, parts)


@dataclass(frozen=True, slots=True)
class Corrupted:
    """A candidate's evidence, clean and fully corrupted by one mutant."""

    mutant: Mutant
    clean: Evidence
    broken: Evidence
    cases: Mapping[str, frozenset[str]]
    """Every case that the mutant can hit, with the ids under which it is observed."""

    def at(self, severity: float, rng: random.Random) -> Evidence:
        """The evidence when every case that can be hit is, with probability ``severity``."""
        return self._of(case for case in self.cases if rng.random() < severity)

    def once(self, rng: random.Random) -> Evidence:
        """The evidence when exactly one case is hit."""
        return self._of([rng.choice(list(self.cases))])

    @property
    def seen(self) -> Seen:
        """Which part of a rewrite sees the defect.

        Only of answers that were right: what others lose, they may have lost before.
        """
        right = {seen.case_id for seen in self.clean.pronouns if seen.candidate == 0.0}
        spoilt = right & self.cases.keys()
        return Seen(
            sum(seen.case_id in spoilt for seen in self.broken.pronouns),
            _lost(self.broken.pronouns, spoilt),
            {part.value: _lost(cases, spoilt) for part, cases in self.broken.parts.items()},
        )

    def _of(self, cases: Iterable[str]) -> Evidence:
        hit = frozenset().union(*(self.cases[case] for case in cases))
        mixed: dict[str, Any] = {
            name: _mixed(getattr(self.clean, name), getattr(self.broken, name), hit)
            for name in _PER_CASE
        }
        return replace(self.clean, **mixed)


def corrupted(observed: Observed, mutant: Mutant) -> Corrupted:
    """Measure a candidate as it is and with every answer corrupted that can be.

    Both answers of a counterfactual pair are corrupted together. The baseline's answers stay as
    they are, unless the defect lies before the model.

    Raises:
        InvalidInput: the mutant can hit no answer of this candidate.
    """
    answers: list[Answered] = []
    cases: dict[str, set[str]] = {}
    for answer in observed.answered:
        question = answer.question
        changed = None
        # Remembered histories are no part of a panel: what is planted is planted in panels.
        if question.row.panel == REGRESSIONS:
            answers.append(answer)
            continue
        if mutant.both_sides or question.side is Side.CANDIDATE:
            changed = mutant.corrupt(Specimen(answer, observed.inputs.template))
        answers.append(changed or answer)
        if changed is not None:
            ids = cases.setdefault(question.row.case_id, set())
            ids |= {question.row.case_id, trip_id(question)}
    if not cases:
        raise InvalidInput(
            f"mutant {mutant.name!r} can corrupt no answer of this candidate under policy "
            f"{observed.inputs.policy.name!r}; leave it out with --mutants"
        )
    measured = measure(observed.inputs, observed.samples, observed.liveness, answers)
    return Corrupted(
        mutant,
        observed.measured.evidence,
        measured.evidence,
        {case: frozenset(ids) for case, ids in cases.items()},
    )


def _lost(observations: Iterable[Observation], cases: Collection[str]) -> int:
    return sum(seen.case_id in cases and seen.candidate == 1.0 for seen in observations)


def _mixed(clean: Any, broken: Any, hit: frozenset[str]) -> Any:
    """Take the observations in ``hit`` from ``broken``, all others from ``clean``.

    Any, because a field of the evidence holds observations or mappings to such; both sides hold the
    same.
    """
    if clean == broken:
        return clean
    if isinstance(clean, Mapping):
        # Nobody may have looked at any case of one side: an answer without words has no share of
        # new ones.
        places = dict.fromkeys((*clean, *broken))
        both = {place: (clean.get(place, ()), broken.get(place, ())) for place in places}
        mixed = {place: _mixed(*sides, hit) for place, sides in both.items()}
        return {place: seen for place, seen in mixed.items() if seen or not clean.get(place, True)}
    return _in_place(clean, broken, hit)


def _in_place(
    clean: Iterable[Observation], broken: Iterable[Observation], hit: frozenset[str]
) -> tuple[Observation, ...]:
    """The same for observations, in the order of ``clean``; what only ``broken`` has comes last."""
    other = {seen.case_id: seen for seen in broken if seen.case_id in hit}
    kept = [other.pop(seen.case_id, None) if seen.case_id in hit else seen for seen in clean]
    return (*(seen for seen in kept if seen is not None), *other.values())
