"""What is asked in a run: panels, golden sets, skills and texts, each once for each side.

Everything is drawn before anything is asked, and base and candidate get the same list, so that the
engine can batch the whole run and both sides meet identical batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from evalsuite.cases import Case, Expectation, Language
from evalsuite.conversation import Conversation
from evalsuite.errors import InvalidInput
from evalsuite.generation import Request, Sampling
from evalsuite.prompts import Demonstration, build
from evalsuite.run.inputs import Inputs
from evalsuite.runrecord import CaseRow, Side
from evalsuite.scenarios import (
    SkillItem,
    TextItem,
    sample_demonstrations,
    sample_panel,
    sample_skills,
    sample_texts,
)

PANEL, SKILLS, TEXTS = "panel", "skills", "texts"
"""Names of the sampled parts; golden sets go by their own names."""
BOTH = (Side.CANDIDATE, Side.BASELINE)
_REWRITE = Sampling(max_tokens=96)
_ANSWER = Sampling(max_tokens=48)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemonstrationSet:
    """Demonstrations for each language under one name."""

    name: str
    shown: Mapping[Language, tuple[Demonstration, ...]]

    def names(self) -> tuple[str, ...]:
        """Every entity of the set."""
        return tuple(n for shown in self.shown.values() for d in shown for n in d.entities)


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Everything that was drawn for a run."""

    a: DemonstrationSet
    """What prompts show."""
    b: DemonstrationSet
    """The same number of others, with other entities: the counterfactual."""
    absent: DemonstrationSet
    """Never shown to any model: names to find the detector's false alarms with."""
    everyday: DemonstrationSet
    panel: tuple[Case, ...]
    swapped: frozenset[str]
    """Ids of the panel's cases that are asked a second time under ``b``."""
    goldens: Mapping[str, tuple[Case, ...]]
    skills: tuple[SkillItem, ...]
    texts: tuple[TextItem, ...]

    def set_for(self, part: str) -> DemonstrationSet:
        """The demonstrations that a part's prompts show: invented ones where its world is."""
        return self.everyday if part == "everyday" else self.a


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request with its place in the run."""

    row: CaseRow
    side: Side
    demonstrations: str
    """Name of the demonstration set in the prompt, or ''."""
    request: Request
    item: Any
    """The Case, SkillItem or TextItem."""


def sample(inputs: Inputs) -> Samples:
    """Draw the panels; the seed decides all of it."""
    seed, rules = inputs.seed, inputs.policy.gates
    a, b, absent = sets = _demonstration_sets(seed, inputs.request.shown)
    named = frozenset(name for shown in sets for name in shown.names())
    everyday = DemonstrationSet(name="everyday", shown=inputs.everyday)
    panel: list[Case] = []
    swapped: list[str] = []
    for language in Language:
        leakage = rules.example_leakage.panel.get(language, 0)
        n = max(leakage, rules.pronoun_resolution.panel.get(language, 0))
        shown = a.shown[language]
        cases = sample_panel(
            seed, n, languages=(language,), demonstrations=shown, avoid=named
        ).cases
        panel += cases
        swapped += [case.id for case in cases[:leakage]]
    return Samples(
        a=a,
        b=b,
        absent=absent,
        everyday=everyday,
        panel=tuple(panel),
        swapped=frozenset(swapped),
        goldens=inputs.goldens,
        skills=(*_skills(inputs), *inputs.suites),
        texts=(*_general_texts(inputs), *inputs.texts),
    )


def _demonstration_sets(seed: int, n: int) -> tuple[DemonstrationSet, ...]:
    """Draw the sets a, b and absent; no two of them share a name."""
    sets: list[DemonstrationSet] = []
    for name in ("a", "b", "absent"):
        used = frozenset(entity for other in sets for entity in other.names())
        shown = {
            language: sample_demonstrations(f"{seed}/{name}", n, language, avoid=used)
            for language in Language
        }
        sets.append(DemonstrationSet(name=name, shown=shown))
    return tuple(sets)


def _skills(inputs: Inputs) -> Iterator[SkillItem]:
    for language, n in inputs.policy.gates.forgetting.panel.items():
        seeded = inputs.policy.gates.forgetting.skills.seeded
        yield from sample_skills(inputs.seed, n, languages=(language,), skills=seeded)


def _general_texts(inputs: Inputs) -> Iterator[TextItem]:
    for language, n in inputs.policy.gates.forgetting.text.panel.items():
        yield from sample_texts(inputs.seed, n, languages=(language,))


def questions(inputs: Inputs, samples: Samples) -> tuple[Question, ...]:
    """Every question of the run, sides next to each other."""
    asked: list[Question] = []
    for part, cases in ((PANEL, samples.panel), *sorted(samples.goldens.items())):
        for case in cases:
            asked += _rewriting(inputs, samples.set_for(part), part, case, BOTH)
            if part == PANEL and case.id in samples.swapped:
                asked += _rewriting(inputs, samples.b, part, case, (Side.CANDIDATE,))
    for skill in samples.skills:
        asked += _skill(inputs, skill)
    for text in samples.texts:
        asked += _text(inputs, text)
    _require_fit(asked, inputs.context)
    return tuple(asked)


def _require_fit(asked: Iterable[Question], context: int) -> None:
    """Refuse a case that the model cannot read whole, by name, before anything is asked.

    Raises:
        InvalidInput: naming the case, its file and both lengths.
    """
    for question in asked:
        request = question.request
        answer = len(request.target) if request.target else request.sampling.max_tokens
        if len(request.prompt) + answer > context:
            raise InvalidInput(
                f"{question.row.source}: case {question.row.case_id!r} does not fit: its prompt "
                f"has {len(request.prompt)} tokens and its answer may take {answer}, but the "
                f"context window holds {context}; shorten the history"
            )


def _adapter(inputs: Inputs, side: Side) -> str | None:
    return inputs.adapter.digest if side is Side.CANDIDATE else None


def _rewriting(
    inputs: Inputs, shown: DemonstrationSet, part: str, case: Case, sides: Iterable[Side]
) -> Iterator[Question]:
    conversation = build(
        case,
        format=inputs.request.prompt_format,
        demonstrations=shown.shown[case.language],
    )
    row = CaseRow.of(case, panel=part, demonstrations=shown.name)
    request = _request(inputs, conversation, _REWRITE)
    for side in sides:
        yield Question(
            row=row,
            side=side,
            demonstrations=shown.name,
            request=replace(request, adapter=_adapter(inputs, side)),
            item=case,
        )


def _request(inputs: Inputs, conversation: Conversation, sampling: Sampling) -> Request:
    prompt = inputs.template.prompt(conversation)
    return Request(prompt=prompt, sampling=sampling, conversation=conversation)


def _skill(inputs: Inputs, item: SkillItem) -> Iterator[Question]:
    row = CaseRow(
        panel=SKILLS,
        case_id=item.id,
        language=item.language.value,
        kind=item.skill,
        cluster=item.cluster,
        query=item.prompt,
        expect=Expectation(rewrites=(item.answer, *item.accepted)),
        source="scenarios/skills",
    )
    request = _request(inputs, item.question, _ANSWER)
    for side in BOTH:
        adapted = replace(request, adapter=_adapter(inputs, side))
        yield Question(row=row, side=side, demonstrations="", request=adapted, item=item)


def _text(inputs: Inputs, item: TextItem) -> Iterator[Question]:
    row = CaseRow(
        panel=TEXTS,
        case_id=item.id,
        language=item.language.value,
        kind="text",
        cluster=item.cluster,
        query=item.prompt,
        source="scenarios/texts",
    )
    prompt = inputs.template.prompt(item.question)
    whole = inputs.template.render(item.conversation)
    target = tuple(
        token for token, answer in zip(whole.ids, whole.loss_mask, strict=True) if answer
    )
    request = Request(prompt=prompt, target=target, conversation=item.question)
    for side in BOTH:
        adapted = replace(request, adapter=_adapter(inputs, side))
        yield Question(row=row, side=side, demonstrations="", request=adapted, item=item)
