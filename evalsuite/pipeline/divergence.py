"""How far a candidate has drifted from its base on prompts to which there is no right answer.

The base answers by chance (temperature 1), and both sides say how likely they find each token of
what it said. What the candidate finds it less likely, over all tokens together, estimates the
forward Kullback-Leibler divergence from base to candidate, in nats per token. It needs no
reference, and fine-tuned models forget about as much as it is large (Shenfeld et al.,
arXiv:2509.04259).

Nothing is judged by it. It is asked apart from the run's questions, so that it changes no batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from evalsuite.cases import Language, Wanted
from evalsuite.conversation import Conversation, Role
from evalsuite.detectors.retention import divergence_score
from evalsuite.errors import InvalidInput
from evalsuite.gates import Observation
from evalsuite.gates.evidence import TASK_PROMPTS
from evalsuite.generation import Finish, Output, Request, Sampling
from evalsuite.pipeline.beside import Aside
from evalsuite.pipeline.inputs import Inputs
from evalsuite.pipeline.questions import BOTH, Samples, adapter_of
from evalsuite.pipeline.records import Drawn
from evalsuite.runs import DIVERGENCE, ScoreRow, Unit
from evalsuite.scenarios import ShownCase
from evalsuite.tasks import Rewriting, prompt_ids
from evalsuite.template import ChatTemplate

_CHAT = "chat"
"""Conversations of the panel without the task: what people say when they want no rewrite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """Something that the base answers by chance."""

    id: str
    language: Language
    kind: str
    """:data:`TASK_PROMPTS`, ``chat``, the name of a skill or of a suite."""
    cluster: str
    source: str
    ids: tuple[int, ...]
    """The rendered prompt."""
    max_tokens: int

    @property
    def longest(self) -> int:
        """Tokens of the prompt and of the longest answer to it."""
        return len(self.ids) + self.max_tokens


def divergence_prompts(inputs: Inputs, samples: Samples) -> tuple[Prompt, ...]:
    """Everything that the base is going to answer; empty where the policy does not ask for it.

    Sampled prompts that do not fit into the base's context window are left out: nothing hangs on
    them, and nobody wrote them.

    Raises:
        InvalidInput: naming a dialogue of a suite that does not fit.
    """
    rule = inputs.policy.gates.forgetting.divergence
    if rule is None:
        return ()
    sampled: list[Prompt] = []
    for language, n in rule.panel.items():
        if language not in inputs.policy.languages:
            continue
        sampled += _of_task(inputs, samples, language, n)
        sampled += _general(inputs, samples, language, n)
    dialogues = tuple(_dialogues(inputs, samples))
    for prompt in dialogues:
        if prompt.longest > inputs.context:
            raise InvalidInput(
                f"{prompt.source}: {prompt.id!r} does not fit: its prompt has {len(prompt.ids)} "
                f"tokens and the base may answer {prompt.max_tokens}, but the context window holds "
                f"{inputs.context}; shorten the history, or leave it out"
            )
    return (*(prompt for prompt in sampled if prompt.longest <= inputs.context), *dialogues)


def _of_task(inputs: Inputs, samples: Samples, language: Language, n: int) -> Iterator[Prompt]:
    """The prompts of the panel's first cases, as they are asked."""
    for shown in _in_turn(samples, language)[:n]:
        case = shown.case
        prompt = inputs.request.prompt_for(case)
        task = Rewriting(case=case, demonstrations=shown.pair.a, prompt=prompt)
        yield Prompt(
            id=f"{TASK_PROMPTS}/{case.id}",
            language=language,
            kind=TASK_PROMPTS,
            cluster=case.cluster,
            source=case.source,
            ids=prompt_ids(task, inputs.template),
            max_tokens=_most(inputs),
        )


def _in_turn(samples: Samples, language: Language) -> list[ShownCase]:
    """The panel's cases of a language, those to be rewritten and those to be answered in turn."""
    by_task: dict[Wanted, list[ShownCase]] = {}
    for shown in samples.panel:
        if shown.case.language is language:
            by_task.setdefault(shown.case.wanted, []).append(shown)
    turns = zip_longest(*by_task.values())
    return [shown for turn in turns for shown in turn if shown is not None]


def _general(inputs: Inputs, samples: Samples, language: Language, n: int) -> Iterator[Prompt]:
    """The panel's conversations without their task, and questions of skills, half and half."""
    chats = []
    for shown in _in_turn(samples, language):
        case = shown.case
        conversation = Conversation(case.history).then(Role.USER, case.query)
        if _alternates(conversation):
            source = case.source
            chats.append((f"{_CHAT}/{case.id}", _CHAT, case.cluster, source, conversation))
    asked = {
        item.question: (item.id, item.skill, item.cluster, item.source, item.question)
        for item in samples.skills
        if item.language is language
    }
    chosen = [*chats[: (n + 1) // 2], *[*asked.values()][: n // 2]]
    for name, kind, cluster, source, conversation in chosen:
        yield Prompt(
            id=name,
            language=language,
            kind=kind,
            cluster=cluster,
            source=source,
            ids=_rendered(inputs.template, conversation),
            max_tokens=_most(inputs),
        )


def _dialogues(inputs: Inputs, samples: Samples) -> Iterator[Prompt]:
    """The policy's own dialogues without an answer."""
    for item in samples.dialogues:
        yield Prompt(
            id=item.id,
            language=item.language,
            kind=item.skill,
            cluster=item.cluster,
            source=item.source,
            ids=_rendered(inputs.template, item.question),
            max_tokens=item.max_tokens or _most(inputs),
        )


def _most(inputs: Inputs) -> int:
    rule = inputs.policy.gates.forgetting.divergence
    return 0 if rule is None else rule.max_tokens


def _alternates(conversation: Conversation) -> bool:
    try:
        conversation.require_alternating()
    except InvalidInput:
        return False
    return True


def _rendered(template: ChatTemplate, conversation: Conversation) -> tuple[int, ...]:
    return tuple(template.prompt(template.carried(conversation)))


def measure_divergence(drawn: Drawn) -> Aside:
    """Let the base answer, and score what it said on both sides.

    Returns:
        A loss for each prompt and side, in nats per token of what the base said; observations are
        weighed by its length.
    """
    prompts = divergence_prompts(drawn.inputs, drawn.samples)
    if not prompts:
        return Aside()
    said = drawn.engine.infer([drawn_answer(prompt, drawn.inputs.seed) for prompt in prompts])
    targets = [said_tokens(drawn.inputs.template, output) for output in said]
    rows: list[ScoreRow] = []
    losses: list[tuple[float | None, ...]] = []
    asked = [
        Request(prompt=prompt.ids, target=target, adapter=adapter)
        for prompt, target in zip(prompts, targets, strict=True)
        for adapter in _adapters(drawn.inputs)
    ]
    outputs = iter(drawn.engine.infer(asked))
    for prompt, text in zip(prompts, said, strict=True):
        pair = [
            divergence_score(prompt.id, next(outputs).logprobs, text.text).on(side.value)
            for side in BOTH
        ]
        losses.append(tuple(score.value for score in pair))
        rows += [
            ScoreRow(
                detector=score.detector.value,
                case_id=score.case_id,
                side=side,
                value=score.value,
                unit=Unit.of(score.detector),
                explanation=score.explanation,
                language=prompt.language.value,
                kind=prompt.kind,
                cluster=prompt.cluster,
                panel=DIVERGENCE,
            )
            for score, side in zip(pair, BOTH, strict=True)
        ]
    return Aside(rows=tuple(rows), divergences=tuple(_observed(prompts, targets, losses)))


def _adapters(inputs: Inputs) -> Iterable[str | None]:
    found = (adapter_of(inputs, side) for side in BOTH)
    return [None if adapter is None else adapter.digest for adapter in found]


def drawn_answer(prompt: Prompt, seed: int) -> Request:
    """The request that lets the base answer by chance."""
    # One seed for all: what is drawn hangs on the prompt as well, and one setting makes one batch.
    sampling = Sampling(max_tokens=prompt.max_tokens, temperature=1.0, seed=seed)
    return Request(prompt=prompt.ids, sampling=sampling)


def said_tokens(template: ChatTemplate, output: Output) -> tuple[int, ...]:
    """The tokens that the base said, with the end of its turn where it came to one."""
    return (*output.ids, template.stop_id) if output.finish is Finish.STOP else output.ids


def token_weights(lengths: Sequence[int]) -> list[float]:
    """How much each answer counts so that every token of all of them counts once; 1 in the mean.

    A mean of answers' own means would be no divergence: how long an answer is hangs on what was
    drawn, so a candidate that ends sooner than its base would find short answers likelier, each of
    which counts as much as a long one, and come out below 0.
    """
    mean = sum(lengths) / max(1, len(lengths))
    return [length / mean for length in lengths]


def _observed(
    prompts: Sequence[Prompt],
    targets: Sequence[Sequence[int]],
    losses: Sequence[tuple[float | None, ...]],
) -> Iterator[Observation]:
    parts: dict[tuple[Language, bool], list[int]] = {}
    for place, (prompt, pair) in enumerate(zip(prompts, losses, strict=True)):
        part = parts.setdefault((prompt.language, prompt.kind == TASK_PROMPTS), [])
        if None not in pair:
            part.append(place)
    weights = {
        place: weight
        for part in parts.values()
        for place, weight in zip(part, token_weights([len(targets[p]) for p in part]), strict=True)
    }
    for place, (prompt, pair) in enumerate(zip(prompts, losses, strict=True)):
        candidate, baseline = (
            None if loss is None or place not in weights else loss * weights[place] for loss in pair
        )
        yield Observation(
            case_id=prompt.id,
            cluster=prompt.cluster,
            language=prompt.language.value,
            kind=prompt.kind,
            candidate=candidate,
            baseline=baseline,
        )
