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
from typing import assert_never

from evalsuite.cases import Language
from evalsuite.conversation import Conversation
from evalsuite.detectors import Detector
from evalsuite.errors import InvalidInput, InvalidPrompt
from evalsuite.gates import Policy
from evalsuite.gates.rules import TextSource
from evalsuite.generation import Request
from evalsuite.models import Tuned
from evalsuite.pipeline.inputs import Inputs
from evalsuite.pipeline.shown import sampled, shown_before
from evalsuite.rewrites import Standard
from evalsuite.runs import PANEL, REGRESSIONS, SKILLS, TEXTS, CaseRow, Side
from evalsuite.scenarios import (
    DemonstrationPair,
    ShownCase,
    SkillItem,
    TextItem,
    sample_demonstrations,
    sample_passages,
    sample_skills,
    sample_texts,
)
from evalsuite.tasks import (
    REFERENCES,
    Choice,
    Rewriting,
    Skill,
    Task,
    Text,
    answer_to_score,
    applicable,
    prompt_ids,
    prompt_of,
    sampling_of,
)
from evalsuite.template import ChatTemplate

BOTH = (Side.CANDIDATE, Side.BASELINE)
Place = tuple[str, str, bool, int, Side]
_ABSENT = 4
"""Demonstrations whose names no prompt holds."""
_ENDS = frozenset({Detector.CONTROL_TOKEN})
_LEAKS = frozenset({Detector.LITERAL_LEAK, Detector.SWAP_LEAK, Detector.ABSENT_NAMES})
_REFERENCES = REFERENCES


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
    dialogues: tuple[SkillItem, ...] = ()
    """Of suites: what has no right answer, and is answered by the base alone."""
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
    task: Task
    side: Side
    demonstrations: str = ""
    """Name of the demonstration set in the prompt, or ''."""
    swapped: bool = False
    """Whether that is the counterfactual set."""
    option: int = 0
    """Which of a choice's answers is scored."""
    request: Request
    detectors: frozenset[Detector]
    """Those that look at the answer."""

    @property
    def place(self) -> Place:
        """What no other question of the run has in common with it."""
        return self.row.panel, self.row.case_id, self.swapped, self.option, self.side


def sample(inputs: Inputs) -> Samples:
    """Draw the panels; the seed decides all of it."""
    seed, world = inputs.seed, inputs.policy.world
    absent = {
        language: sample_demonstrations(f"{seed}/absent", _ABSENT, language, world=world)
        for language in Language
    }
    avoid = frozenset(name for shown in absent.values() for d in shown for name in d.entities)
    panel: list[ShownCase] = []
    leakage: list[str] = []
    pronouns: list[str] = []
    for language in Language:
        for wanted in inputs.policy.tasks:
            leaks, right = panel_sizes(inputs.policy, language)
            cases = sampled(inputs, wanted, max(leaks, right), language, avoid)
            panel += cases
            leakage += [shown.case.id for shown in cases[:leaks]]
            pronouns += [shown.case.id for shown in cases[:right]]
    return Samples(
        panel=tuple(panel),
        leakage=frozenset(leakage),
        pronouns=frozenset(pronouns),
        goldens={
            name: shown_before(inputs, name, cases, avoid) for name, cases in inputs.goldens.items()
        },
        absent=tuple(sorted(avoid)),
        skills=(*_skills(inputs), *(item for item in inputs.suites if item.judged)),
        dialogues=tuple(item for item in inputs.suites if not item.judged),
        texts=(*_general_texts(inputs), *inputs.texts),
    )


def _skills(inputs: Inputs) -> Iterator[SkillItem]:
    for language, n in inputs.policy.gates.forgetting.panel.items():
        seeded = inputs.policy.gates.forgetting.skills.seeded
        yield from sample_skills(inputs.seed, n, languages=(language,), skills=seeded)


def _general_texts(inputs: Inputs) -> Iterator[TextItem]:
    rule = inputs.policy.gates.forgetting.text
    for language, n in rule.panel.items():
        match rule.source:
            case TextSource.STORIES:
                yield from sample_texts(inputs.seed, n, languages=(language,))
            case TextSource.PASSAGES:
                yield from sample_passages(inputs.seed, n, language)
            case _:
                assert_never(rule.source)


def panel_sizes(policy: Policy, language: Language) -> tuple[int, int]:
    """How many cases of a language the gates for leaks and for pronouns ask for, of each task."""
    rules = policy.gates
    return (
        rules.example_leakage.panel.get(language, 0),
        rules.pronoun_resolution.panel.get(language, 0),
    )


def sides(inputs: Inputs) -> tuple[Side, ...]:
    """Whose answers the run asks for."""
    return BOTH if inputs.compared.adapter is None else (*BOTH, Side.CHAMPION)


def adapter_of(inputs: Inputs, side: Side) -> Tuned | None:
    """The adapter, or whole model, that answers for a side; None: the bare base."""
    adapters = {Side.CANDIDATE: inputs.adapter, Side.CHAMPION: inputs.compared.adapter}
    return adapters.get(side)


def questions(inputs: Inputs, samples: Samples) -> tuple[Question, ...]:
    """Every question of the run, sides next to each other."""
    asked: list[Question] = []
    for part, cases in ((PANEL, samples.panel), *sorted(samples.goldens.items())):
        for shown in cases:
            asked += _rewriting(inputs, samples, part, shown)
    for skill in samples.skills:
        asked += _skill(inputs, skill)
    for text in samples.texts:
        asked += _put(inputs, TEXTS, Text(item=text), sides(inputs))
    for regression in inputs.regressions:
        # Judged by the promises that it was kept for, which need both sides' answers.
        asked += _put(inputs, REGRESSIONS, regression.task, BOTH, frozenset())
    _require_readable(asked)
    _require_fit(asked, inputs.context)
    return tuple(asked)


def first_share(asked: Iterable[Question], share: float) -> tuple[Question, ...]:
    """The questions about the first ``share`` of each sampled part, language and task.

    Golden cases wait for the end: a fixed list says nothing before it is complete.
    """
    everything = tuple(asked)
    cases: dict[tuple[str, str, bool], dict[str, None]] = {}
    for question in everything:
        row = question.row
        if row.panel in (PANEL, SKILLS, TEXTS):
            answered = row.standard is Standard.ANSWERED
            cases.setdefault((row.panel, row.language, answered), {})[row.case_id] = None
    wanted = {
        (part, case)
        for (part, *_), ids in cases.items()
        for case in list(ids)[: math.ceil(share * len(ids))]
    }
    return tuple(q for q in everything if (q.row.panel, q.row.case_id) in wanted)


def _require_readable(asked: Iterable[Question]) -> None:
    """Refuse a prompt under which the right answer to some case cannot come through.

    Raises:
        InvalidPrompt: naming the case, its file and the answer.
    """
    for question in asked:
        task = question.task
        if not isinstance(task, Rewriting) or task.prompt.built_in:
            continue
        right = task.case.reference
        if right is not None and task.prompt.loses(right):
            raise InvalidPrompt(
                f"prompt {task.prompt.name!r}: the right answer to case {task.case.id!r} "
                f"({question.row.source}) would be lost: {right!r} is not what the rule "
                f"{task.prompt.rule.rule!r} reads; change stop or answer"
            )


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


def _rewriting(inputs: Inputs, samples: Samples, part: str, shown: ShownCase) -> Iterator[Question]:
    """Ask for a rewrite, and again under the counterfactual demonstrations where leaks count."""
    case, pair = shown.case, shown.pair
    detectors = _looking(samples, part, case.id)
    task = Rewriting(case=case, demonstrations=pair.a, prompt=inputs.request.prompt_for(case))
    everyone = sides(inputs)
    yield from _put(inputs, part, task, everyone, detectors, pair=pair.name)
    if pair.b and Detector.SWAP_LEAK in detectors:
        swapped = replace(task, demonstrations=pair.b)
        adapted = tuple(side for side in everyone if side is not Side.BASELINE)
        found = _put(inputs, part, swapped, adapted, _ENDS, pair=pair.name)
        yield from (replace(q, swapped=True, demonstrations=f"{pair.name}b") for q in found)


def _skill(inputs: Inputs, item: SkillItem) -> Iterator[Question]:
    """Ask for an answer, or how likely each of those is that the item gives."""
    if not item.by_choice:
        yield from _put(inputs, SKILLS, Skill(item=item), sides(inputs))
    for option in range(len(item.options)):
        found = _put(inputs, SKILLS, Choice(item=item, option=option), sides(inputs))
        yield from (replace(question, option=option) for question in found)


def _looking(samples: Samples, part: str, case_id: str) -> frozenset[Detector]:
    """Who looks at a rewrite: each gate judges its own share of the panel, and every golden."""
    leaks = part != PANEL or case_id in samples.leakage
    references = part != PANEL or case_id in samples.pronouns
    return _ENDS | (_LEAKS if leaks else _ENDS) | (_REFERENCES if references else _ENDS)


def _put(
    inputs: Inputs,
    part: str,
    task: Task,
    asked: Iterable[Side],
    detectors: frozenset[Detector] | None = None,
    *,
    pair: str = "",
) -> Iterator[Question]:
    """Put one task to several sides."""
    row = CaseRow.of(task, panel=part, demonstrations=pair)
    request = request_of(inputs.template, task)
    for side in asked:
        adapter = adapter_of(inputs, side)
        yield Question(
            row=row,
            task=task,
            side=side,
            demonstrations=f"{pair}a" if pair else "",
            request=replace(request, adapter=None if adapter is None else adapter.digest),
            detectors=applicable(task) if detectors is None else detectors,
        )


def request_of(template: ChatTemplate, task: Task) -> Request:
    """Return what the bare base is asked for a task."""
    conversation = template.carried(prompt_of(task))
    prompt = prompt_ids(task, template)
    begun = len(prompt) - len(template.prompt(conversation))
    answered = answer_to_score(task)
    if answered is None:
        return Request(
            prompt=prompt, sampling=sampling_of(task), conversation=conversation, begun=begun
        )
    target = target_of(template, answered)
    if isinstance(task, Choice):
        # How likely it is to end there says nothing about what was asked.
        target = target[: target.index(template.stop_id)] if template.stop_id in target else target
    return Request(prompt=prompt, target=target, conversation=conversation)


def target_of(template: ChatTemplate, answered: Conversation) -> tuple[int, ...]:
    """The tokens of the one answer in a conversation, for an engine to score."""
    whole = template.render(template.carried(answered))
    return tuple(token for token, answer in zip(whole.ids, whole.loss_mask, strict=True) if answer)
