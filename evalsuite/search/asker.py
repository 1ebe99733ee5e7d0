"""Asking candidate and baseline about many histories at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from evalsuite.cases import Case
from evalsuite.conversation import Role
from evalsuite.detectors.text import comparable, mentions
from evalsuite.errors import InvalidConversation
from evalsuite.generation import Engine, Output, Request
from evalsuite.prompts import DEFAULT_PROMPT, Demonstration, Prompt
from evalsuite.strategies import Attack, Edit
from evalsuite.strategies.operators import sealed
from evalsuite.tasks import (
    Asks,
    Broken,
    Rewriting,
    Skill,
    broken_promises,
    continuation_ids,
    prompt_ids,
    prompt_of,
    sampling_of,
    task_of,
)
from evalsuite.template import ChatTemplate

_RIVALS = 3
"""Distractors that are scored against what is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posed:
    """A case as it is put to a model."""

    case: Case
    shown: tuple[Demonstration, ...] = ()
    """What the prompt shows, in order."""
    prompt: Prompt = DEFAULT_PROMPT
    asks: Asks = Asks.REWRITE
    """What the case asks for."""
    attack: Attack | None = None
    """What the case was built from; None: by hand."""
    used: tuple[Edit, ...] = ()
    """The edits of the attack that changed something."""

    @property
    def task(self) -> Rewriting | Skill:
        """What is asked."""
        return task_of(self.case, self.shown, asks=self.asks, prompt=self.prompt)

    @property
    def operators(self) -> tuple[str, ...]:
        """The operators at work, each once, sorted."""
        return tuple(sorted({edit.operator for edit in self.used}))


@dataclass(frozen=True, slots=True)
class Replies:
    """What both sides said, and how sure the candidate was."""

    candidate: Output
    baseline: Output
    margin: float | None = None
    """Nats by which the candidate prefers the right rewrite to the likeliest wrong one; below 0 it
    prefers the wrong one. None: not measured, or nothing to mistake it for."""


@dataclass(slots=True, kw_only=True)
class Asker:
    """Puts cases to candidate and baseline, every prompt once.

    Args:
        engine: answers for both sides.
        template: renders.
        candidate: digest of the adapter; None: the bare base.
        baseline: digest of the adapter to compare with; None: the bare base.
        context: tokens that the model can attend to.
    """

    engine: Engine
    template: ChatTemplate
    candidate: str | None
    baseline: str | None = None
    context: int = 2**31
    asked: int = 0
    """Requests that were sent to the engine."""
    batches: int = 0
    """Calls of the engine."""
    _known: dict[tuple[tuple[int, ...], bool], Replies] = field(default_factory=dict)

    def prompt(self, posed: Posed) -> tuple[int, ...]:
        """The ids that a model reads."""
        return prompt_ids(posed.task, self.template)

    def room(self, posed: Posed) -> int:
        """Tokens that the prompt may still grow by; negative when it does not fit."""
        return self.context - sampling_of(posed.task).max_tokens - len(self.prompt(posed))

    def fitted(self, posed: Posed) -> Posed | None:
        """Leave out the oldest turns until the prompt fits, as a server does.

        None when it never fits, when what is meant would have to go, or when the template does
        not take such turns.
        """
        try:
            return self._fitted(posed)
        except InvalidConversation:
            return None

    def _fitted(self, posed: Posed) -> Posed | None:
        while self.room(posed) < 0:
            if not posed.case.history:
                return None
            posed = replace(posed, case=_without_oldest(posed.case, posed.operators))
        return posed if says_what_is_meant(posed.case) else None

    def ask(self, posed: Sequence[Posed], *, margins: bool = False) -> list[Replies]:
        """Answer everything that is not answered yet in one call of the engine.

        Args:
            posed: cases that fit.
            margins: whether to score the right rewrite against wrong ones.
        """
        prompts = [self.prompt(one) for one in posed]
        new: dict[tuple[tuple[int, ...], bool], Posed] = {}
        for prompt, one in zip(prompts, posed, strict=True):
            if (prompt, margins) not in self._known:
                new.setdefault((prompt, margins), one)
        if new:
            self._answer(new)
        return [self._known[prompt, margins] for prompt in prompts]

    def broken(self, posed: Posed, replies: Replies) -> tuple[Broken, ...]:
        """Every promise that the candidate's answer, or its very prompt, breaks."""
        return broken_promises(posed.task, replies.candidate, replies.baseline, self.template)

    def first_broken(self, posed: Posed, replies: Replies) -> Broken | None:
        """The first of them, or None."""
        return next(iter(self.broken(posed, replies)), None)

    def _answer(self, new: dict[tuple[tuple[int, ...], bool], Posed]) -> None:
        requests: list[Request] = []
        rivals: list[int] = []
        for (prompt, margins), one in new.items():
            requests += self._generating(prompt, one)
            scored = self._scoring(prompt, one) if margins else []
            requests += scored
            rivals.append(len(scored))
        self.asked += len(requests)
        self.batches += 1
        said = iter(self.engine.infer(requests))
        for key, count in zip(new, rivals, strict=True):
            candidate, baseline = next(said), next(said)
            scores = [next(said).logprob for _ in range(count)]
            margin = scores[0] - max(scores[1:]) if scores else None
            self._known[key] = Replies(candidate, baseline, margin)

    def _generating(self, prompt: tuple[int, ...], posed: Posed) -> Iterable[Request]:
        for side in (self.candidate, self.baseline):
            yield Request(
                prompt=prompt,
                adapter=side,
                sampling=sampling_of(posed.task),
                conversation=self.template.carried(prompt_of(posed.task)),
            )

    def _scoring(self, prompt: tuple[int, ...], posed: Posed) -> list[Request]:
        task, rewrites = posed.task, rival_rewrites(posed)
        if not isinstance(task, Rewriting):
            return []
        return [
            Request(
                prompt=prompt,
                adapter=self.candidate,
                target=continuation_ids(task, text, self.template),
                conversation=self.template.carried(prompt_of(posed.task)),
            )
            for text in rewrites
        ]


def _without_oldest(case: Case, operators: Sequence[str]) -> Case:
    """Leave out the oldest turns up to the next one of the user."""
    later = (i for i, m in enumerate(case.history) if i and m.role is Role.USER)
    kept = case.history[next(later, len(case.history)) :]
    return sealed(replace(case, history=kept), operators)


def says_what_is_meant(case: Case) -> bool:
    """Whether a reader of history and query can still know what is meant."""
    said = "\n".join((*(m.content for m in case.history), case.query))
    return all(mentions(said, name) for name in case.expect.must_name)


def rival_rewrites(posed: Posed) -> tuple[str, ...]:
    """The right rewrite, then the same with other names of the prompt in its place.

    Empty when the case has no rewrite, or its prompt holds no other name. Names of the
    conversation come first, the latest mentioned before the others; then those of demonstrations.
    """
    case, right = posed.case, posed.case.reference
    if right is None or not case.expect.must_name:
        return ()
    meant = case.expect.must_name[0]
    said = "\n".join(m.content for m in case.history)
    near = sorted(
        (name for name in case.expect.must_not_name if name in said), key=said.rfind, reverse=True
    )
    far = [name for shown in posed.shown for name in shown.entities]
    names = [n for n in dict.fromkeys((*near[: _RIVALS - 1], *far)) if n not in right]
    wrong = [right.replace(meant, name) for name in names[:_RIVALS]]
    return (right, *(w for w in wrong if comparable(w) != comparable(right))) if wrong else ()
