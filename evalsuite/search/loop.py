"""The search itself: draw, ask, judge, breed; then reduce what was found."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field

from evalsuite.gates.detectors import GATE_OF
from evalsuite.prompts import DEFAULT_PROMPT, Prompt
from evalsuite.regressions import shape_name
from evalsuite.scenarios import seeded
from evalsuite.search.asker import Asker, Posed, Replies
from evalsuite.search.proposals import BRED, bred, fresh
from evalsuite.search.reduction import Reduced, Rows, Verdicts, reduce
from evalsuite.strategies import Attack, Envelope, World, build_attack
from evalsuite.tasks import Asks, Broken

ROUND = 128
"""Attacks in a round."""
_PATIENCE = 30
"""Attacks to draw for each one that is wanted, before a round makes do with fewer."""
_PARENTS = 24
"""Most dangerous attacks to breed from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to search."""

    envelope: Envelope
    budget: int
    """Histories to try."""
    seconds: float | None = None
    """No round begins later than this, but the first; None: as long as the budget takes."""
    seed: int = 0
    round: int = ROUND
    guided: bool = True
    """Whether to breed from the smallest margins."""
    most: int = 10
    """Counterexamples to reduce: one of each shape, the first found."""
    prompt: Prompt = DEFAULT_PROMPT


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One history that was tried."""

    posed: Posed
    replies: Replies
    broken: Broken | None

    @property
    def shape(self) -> tuple[str, ...]:
        """What makes two counterexamples the same to a person who mends the model."""
        case = self.posed.case
        promise = self.broken.promise.value if self.broken else ""
        return (promise, case.language.value, topic_of(self.posed), *self.posed.operators)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterexample:
    """The smallest history of its shape that breaks a promise."""

    posed: Posed
    replies: Replies
    broken: Broken
    found: Posed
    """The history as it was found, before it was reduced."""
    rounds: int
    """Batches that the reduction took."""
    evaluations: int
    """Histories in them."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """What is known so far."""

    tried: int = 0
    broken: int = 0
    left_out: int = 0
    """Attacks that could not be asked, or were the same as an earlier one."""
    worst: float | None = None
    """Smallest margin of a history that broke nothing, in nats."""
    batches: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search came to."""

    counterexamples: tuple[Counterexample, ...]
    progress: Progress
    seconds: float
    interrupted: bool = False


Tell = Callable[[Progress], None]


@dataclass(slots=True)
class Hunt:
    """One search; the same plan, models and code find the same.

    Args:
        plan: how to search.
        world: what attacks may use.
        asker: puts histories to candidate and baseline.
        tell: called after every round.
    """

    plan: Plan
    world: World
    asker: Asker
    tell: Tell = lambda _: None
    progress: Progress = field(default_factory=Progress)
    kept: list[Posed] = field(default_factory=list)
    """Histories with a rewrite that broke nothing, in the order in which they were tried."""
    _drawn: int = 0
    _pool: list[tuple[float, int, Attack]] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def run(self) -> Found:
        """Search and reduce; Ctrl-C ends it with what was found so far."""
        began = time.monotonic()
        found: dict[tuple[str, ...], Tried] = {}
        interrupted = False
        try:
            for tried in self.histories(began):
                if tried.broken is not None:
                    found.setdefault(tried.shape, tried)
            reduced = self._reduced(list(found.values())[: self.plan.most])
        except KeyboardInterrupt:
            interrupted = True
            reduced = [_unreduced(tried) for tried in found.values()][: self.plan.most]
        return Found(
            counterexamples=tuple(_distinct(reduced)),
            progress=self.progress,
            seconds=time.monotonic() - began,
            interrupted=interrupted,
        )

    def histories(self, began: float) -> Iterator[Tried]:
        """Try histories round by round until the budget or the time is spent."""
        number = 0
        while self.progress.tried < self.plan.budget and not (number and self._late(began)):
            before = self.progress.tried
            yield from self._round(number)
            if self.progress.tried == before:
                return  # nothing new is left to draw
            number += 1
            self.tell(self.progress)

    def _late(self, began: float) -> bool:
        limit = self.plan.seconds
        return limit is not None and time.monotonic() - began >= limit

    def _round(self, number: int) -> Iterator[Tried]:
        posed = self.draw(number)
        if not posed:
            return
        answers = self.asker.ask(posed, margins=self.plan.guided)
        self.progress.batches = self.asker.batches
        for one, said in zip(posed, answers, strict=True):
            broken = self.asker.first_broken(one, said)
            self.progress.tried += 1
            self._learn(one, said, broken)
            yield Tried(posed=one, replies=said, broken=broken)

    def draw(self, number: int) -> list[Posed]:
        """Return the histories of a round that can be asked and were not drawn before."""
        rng = seeded("search", self.plan.seed, number)
        wanted = min(self.plan.round, self.plan.budget - self.progress.tried)
        parents = [attack for _, _, attack in sorted(self._pool)[:_PARENTS]]
        breeding = round(wanted * BRED) if parents and self.plan.guided else 0
        posed: list[Posed] = []
        for _ in range(_PATIENCE * wanted):
            if len(posed) == wanted:
                break
            if len(posed) < breeding:
                attack = bred(self.plan.envelope, rng, parents)
            else:
                attack = fresh(self.plan.envelope, self.plan.seed, self._drawn)
                self._drawn += 1
            one = self.pose(attack)
            name = "" if one is None else repr((one.case.id, one.shown))
            if one is None or name in self._seen:
                self.progress.left_out += 1
                continue
            self._seen.add(name)
            posed.append(one)
        return posed

    def pose(self, attack: Attack) -> Posed | None:
        """Build an attack; None when it cannot be asked."""
        built = build_attack(attack, self.world)
        posed = Posed(
            case=built.case,
            shown=() if attack.skill else built.shown,
            prompt=self.plan.prompt,
            asks=Asks.SKILL if attack.skill else Asks.REWRITE,
            attack=attack,
            used=built.used,
        )
        fitted = self.asker.fitted(posed)
        windowed = any(edit.operator == "window" for edit in built.used)
        return fitted if fitted is posed or windowed else None

    def _learn(self, posed: Posed, said: Replies, broken: Broken | None) -> None:
        if broken is not None:
            self.progress.broken += 1
            return
        if posed.asks is Asks.REWRITE:
            self.kept.append(posed)
        if said.margin is not None and posed.attack is not None:
            self._pool.append((said.margin, len(self._pool), posed.attack))
            worst = self.progress.worst
            self.progress.worst = said.margin if worst is None else min(worst, said.margin)

    def _reduced(self, found: Sequence[Tried]) -> list[Counterexample]:
        """Reduce all of them side by side: one batch holds a round of each."""
        kinds = self.plan.envelope.kinds
        works = {
            n: reduce(t.posed, t.broken, self.pose, kinds) for n, t in enumerate(found) if t.broken
        }
        waiting: dict[int, Rows] = {}
        done: dict[int, Reduced] = {}
        for n, work in works.items():
            _advance(n, work, None, waiting, done)
        while waiting:
            rows = [row for several in waiting.values() for row in several]
            verdicts = iter(self._verdicts(rows))
            for n, several in list(waiting.items()):
                del waiting[n]
                _advance(n, works[n], [next(verdicts) for _ in several], waiting, done)
            self.tell(self.progress)
        smallest = [(found[n], done[n]) for n in sorted(done)]
        answers = self.asker.ask([reduced.posed for _, reduced in smallest])
        return [
            Counterexample(
                posed=reduced.posed,
                replies=said,
                broken=reduced.broken,
                found=tried.posed,
                rounds=reduced.rounds,
                evaluations=reduced.evaluations,
            )
            for (tried, reduced), said in zip(smallest, answers, strict=True)
        ]

    def _verdicts(self, rows: Rows) -> list[Broken | None]:
        # A template may refuse the turns that are left; such a history breaks nothing.
        fitting = [row for row in rows if self.asker.fitted(row) is row]
        answers = self.asker.ask(fitting)
        self.progress.batches = self.asker.batches
        found = {
            row: self.asker.first_broken(row, said)
            for row, said in zip(fitting, answers, strict=True)
        }
        return [found.get(row) for row in rows]


def _advance(
    number: int,
    work: Generator[Rows, Verdicts, Reduced],
    verdicts: Verdicts | None,
    waiting: dict[int, Rows],
    done: dict[int, Reduced],
) -> None:
    """Let one reduction go on until it asks again or is done."""
    try:
        waiting[number] = next(work) if verdicts is None else work.send(verdicts)
    except StopIteration as stop:
        done[number] = stop.value


def topic_of(posed: Posed) -> str:
    """The skill that is asked for, or the kind of the reference."""
    skill = "" if posed.attack is None else posed.attack.skill
    return skill or posed.case.kind.value


def defect_of(found: Counterexample) -> str:
    """Name the defect: the same operators that break the same promise are the same defect."""
    case, promise = found.posed.case, found.broken.promise
    parts = (
        promise.value,
        case.language.value,
        topic_of(found.posed),
        *found.posed.operators,
    )
    return shape_name(GATE_OF[promise.detector].value, parts)


def _size(found: Counterexample) -> tuple[int, int]:
    turns = found.posed.case.history
    return len(turns), sum(len(m.content) for m in turns)


def _unreduced(tried: Tried) -> Counterexample:
    if tried.broken is None:
        raise AssertionError("only what broke a promise is kept")
    return Counterexample(
        posed=tried.posed,
        replies=tried.replies,
        broken=tried.broken,
        found=tried.posed,
        rounds=0,
        evaluations=0,
    )


def _distinct(found: Sequence[Counterexample]) -> list[Counterexample]:
    """The smallest of each defect: different histories may have been reduced to the same one."""
    by_defect: dict[str, Counterexample] = {}
    for one in sorted(found, key=_size):
        by_defect.setdefault(defect_of(one), one)
    return list(by_defect.values())
