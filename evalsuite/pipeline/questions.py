"""What is asked in a run: panels, golden sets, skills and texts, each once for each side.

Everything is drawn before anything is asked, and base and candidate get the same list, so that the
engine can batch the whole run and both sides meet identical batches. A champion gets every request
of the candidate that it is compared on: so it meets the same batches, and changes none of theirs.
Histories that broke a candidate once are asked of candidate and base alone, and batched apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from evalsuite.cases import Case, Expectation, Language
from evalsuite.conversation import Conversation
from evalsuite.errors import InvalidInput
from evalsuite.generation import Request, Sampling
from evalsuite.models import AdapterRef
from evalsuite.pipeline.inputs import Inputs
from evalsuite.prompts import build
from evalsuite.regressions import Regression
from evalsuite.runs import PANEL, REGRESSIONS, SKILLS, TEXTS, CaseRow, Side
from evalsuite.scenarios import (
    DemonstrationPair,
    ShownCase,
    SkillItem,
    TextItem,
    sample_demonstrations,
    sample_shown_panel,
    sample_skills,
    sample_texts,
)

BOTH = (Side.CANDIDATE, Side.BASELINE)
_ABSENT = 4
REWRITE = Sampling(max_tokens=96)
"""How a rewrite is asked for, here and in a search."""
_ANSWER = Sampling(max_tokens=48)


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Everything that was drawn for a run."""

    panel: tuple[ShownCase, ...]
    leakage: frozenset[str]
    """Ids of the panel's cases that the leakage gate judges."""
    pronouns: frozenset[str]
    """Ids of those that the pronoun gate judges."""
    goldens: Mapping[str, tuple[ShownCase, ...]]
    absent: tuple[str, ...]
    """Names that no prompt holds: to find the leak search's false alarms with."""
    skills: tuple[SkillItem, ...]
    texts: tuple[TextItem, ...]

    @property
    def pairs(self) -> Mapping[str, DemonstrationPair]:
        """Every pair of demonstration sets that prompts show, by name."""
        every = (self.panel, *self.goldens.values())
        return {shown.pair.name: shown.pair for cases in every for shown in cases}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request with its place in the run."""

    row: CaseRow
    side: Side
    pair: DemonstrationPair | None = None
    """What a rewriting prompt shows."""
    swapped: bool = False
    """Whether it shows the counterfactual."""
    request: Request
    item: Any
    """The Case, SkillItem, TextItem or Regression."""

    @property
    def demonstrations(self) -> str:
        """Name of the demonstration set in the prompt, or ''."""
        return "" if self.pair is None else f"{self.pair.name}{'b' if self.swapped else 'a'}"


def sample(inputs: Inputs) -> Samples:
    """Draw the panels; the seed decides all of it."""
    rules, seed = inputs.policy.gates, inputs.seed
    absent = {
        language: sample_demonstrations(f"{seed}/absent", _ABSENT, language)
        for language in Language
    }
    avoid = frozenset(name for shown in absent.values() for d in shown for name in d.entities)
    panel: list[ShownCase] = []
    leakage: list[str] = []
    pronouns: list[str] = []
    for language in Language:
        sizes = (
            rules.example_leakage.panel.get(language, 0),
            rules.pronoun_resolution.panel.get(language, 0),
        )
        cases = sample_shown_panel(
            seed,
            max(sizes),
            language,
            demonstrations=inputs.request.shown,
            worded=inputs.request.worded,
            avoid=avoid,
        )
        panel += cases
        leakage += [shown.case.id for shown in cases[: sizes[0]]]
        pronouns += [shown.case.id for shown in cases[: sizes[1]]]
    return Samples(
        panel=tuple(panel),
        leakage=frozenset(leakage),
        pronouns=frozenset(pronouns),
        goldens={
            name: _shown(inputs, name, cases, avoid) for name, cases in inputs.goldens.items()
        },
        absent=tuple(sorted(avoid)),
        skills=(*_skills(inputs), *inputs.suites),
        texts=(*_general_texts(inputs), *inputs.texts),
    )


def _shown(
    inputs: Inputs, name: str, cases: Iterable[Case], avoid: frozenset[str]
) -> tuple[ShownCase, ...]:
    """Golden cases with their set's own demonstrations, or else with invented ones."""
    pairs = {
        language: inputs.demonstrations.get((name, language))
        or _invented(inputs, name, language, avoid)
        for language in Language
    }
    return tuple(ShownCase(case, pairs[case.language]) for case in cases)


def _invented(
    inputs: Inputs, name: str, language: Language, avoid: frozenset[str]
) -> DemonstrationPair:
    """Demonstrations that name nothing of the set's cases, nor of ``avoid``."""
    n, seed = inputs.request.shown, f"{inputs.seed}/{name}"
    said = avoid | frozenset(
        entity
        for case in inputs.goldens[name]
        for entity in (*case.expect.must_name, *case.expect.must_not_name)
    )
    a = sample_demonstrations(f"{seed}/a", n, language, avoid=said)
    named = said | {entity for shown in a for entity in shown.entities}
    b = sample_demonstrations(f"{seed}/b", n, language, avoid=named)
    return DemonstrationPair(f"{name}-{language}", a, b)


def _skills(inputs: Inputs) -> Iterator[SkillItem]:
    for language, n in inputs.policy.gates.forgetting.panel.items():
        seeded = inputs.policy.gates.forgetting.skills.seeded
        yield from sample_skills(inputs.seed, n, languages=(language,), skills=seeded)


def _general_texts(inputs: Inputs) -> Iterator[TextItem]:
    for language, n in inputs.policy.gates.forgetting.text.panel.items():
        yield from sample_texts(inputs.seed, n, languages=(language,))


def sides(inputs: Inputs) -> tuple[Side, ...]:
    """Whose answers the run asks for."""
    return BOTH if inputs.compared.adapter is None else (*BOTH, Side.CHAMPION)


def adapter_of(inputs: Inputs, side: Side) -> AdapterRef | None:
    """The adapter that answers for a side; None: the bare base."""
    adapters = {Side.CANDIDATE: inputs.adapter, Side.CHAMPION: inputs.compared.adapter}
    return adapters.get(side)


def questions(inputs: Inputs, samples: Samples) -> tuple[Question, ...]:
    """Every question of the run, sides next to each other."""
    asked: list[Question] = []
    swapping = [side for side in sides(inputs) if side is not Side.BASELINE]
    for part, cases in ((PANEL, samples.panel), *sorted(samples.goldens.items())):
        for shown in cases:
            asked += [_rewriting(inputs, part, shown, side) for side in sides(inputs)]
            if shown.pair.b and (part != PANEL or shown.case.id in samples.leakage):
                asked += [_rewriting(inputs, part, shown, s, swapped=True) for s in swapping]
    for skill in samples.skills:
        asked += _skill(inputs, skill)
    for text in samples.texts:
        asked += _text(inputs, text)
    for regression in inputs.regressions:
        asked += _regression(inputs, regression)
    _require_fit(asked, inputs.context)
    return tuple(asked)


def first_share(asked: Iterable[Question], share: float) -> tuple[Question, ...]:
    """The questions about the first ``share`` of each sampled part and language.

    Golden cases wait for the end: a fixed list says nothing before it is complete.
    """
    everything = tuple(asked)
    cases: dict[tuple[str, str], dict[str, None]] = {}
    for question in everything:
        row = question.row
        if row.panel in (PANEL, SKILLS, TEXTS):
            cases.setdefault((row.panel, row.language), {})[row.case_id] = None
    wanted = {
        (part, case)
        for (part, _), ids in cases.items()
        for case in list(ids)[: math.ceil(share * len(ids))]
    }
    return tuple(q for q in everything if (q.row.panel, q.row.case_id) in wanted)


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
    adapter = adapter_of(inputs, side)
    return None if adapter is None else adapter.digest


def _rewriting(
    inputs: Inputs, part: str, shown: ShownCase, side: Side, *, swapped: bool = False
) -> Question:
    case, pair = shown.case, shown.pair
    conversation = build(
        case,
        format=inputs.request.prompt_format,
        demonstrations=pair.b if swapped else pair.a,
    )
    request = _request(inputs, conversation, REWRITE)
    return Question(
        row=CaseRow.of(case, panel=part, demonstrations=pair.name),
        side=side,
        pair=pair,
        swapped=swapped,
        request=replace(request, adapter=_adapter(inputs, side)),
        item=case,
    )


def _request(inputs: Inputs, conversation: Conversation, sampling: Sampling) -> Request:
    conversation = inputs.template.carried(conversation)
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
        source=item.source,
    )
    request = _request(inputs, item.question, _ANSWER)
    for side in sides(inputs):
        adapted = replace(request, adapter=_adapter(inputs, side))
        yield Question(row=row, side=side, request=adapted, item=item)


def _regression(inputs: Inputs, item: Regression) -> Iterator[Question]:
    row = CaseRow.of(item.case, panel=REGRESSIONS)
    request = _request(inputs, item.conversation, REWRITE)
    for side in BOTH:
        adapted = replace(request, adapter=_adapter(inputs, side))
        yield Question(row=row, side=side, request=adapted, item=item)


def _text(inputs: Inputs, item: TextItem) -> Iterator[Question]:
    row = CaseRow(
        panel=TEXTS,
        case_id=item.id,
        language=item.language.value,
        kind="text",
        cluster=item.cluster,
        query=item.prompt,
        source=item.source,
    )
    question = inputs.template.carried(item.question)
    prompt = inputs.template.prompt(question)
    whole = inputs.template.render(inputs.template.carried(item.conversation))
    target = tuple(
        token for token, answer in zip(whole.ids, whole.loss_mask, strict=True) if answer
    )
    request = Request(prompt=prompt, target=target, conversation=question)
    for side in sides(inputs):
        adapted = replace(request, adapter=_adapter(inputs, side))
        yield Question(row=row, side=side, request=adapted, item=item)
