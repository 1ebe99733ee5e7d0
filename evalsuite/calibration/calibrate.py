"""One calibration: measure a reference and its base, and derive what a policy can ask of others."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from evalsuite.calibration.limits import Measure, Proposal, propose
from evalsuite.calibration.measures import measures
from evalsuite.calibration.probes import (
    ITEMS,
    Ability,
    Sizes,
    abilities,
    askable,
    drawable,
    foreign,
    probe,
    sizes_of,
)
from evalsuite.calibration.record import Calibration
from evalsuite.calibration.sights import by_kind, noise, sights
from evalsuite.calibration.writing import policy_text
from evalsuite.cases import Language
from evalsuite.errors import InvalidInput, RunStorageError
from evalsuite.files.storage import storage_errors
from evalsuite.gates import (
    Evidence,
    Gate,
    Policy,
    Status,
    Tier,
    judge,
    load_policy,
    policy_names,
)
from evalsuite.pipeline import GateRequest, Observed, choose_policy, observe
from evalsuite.pipeline.inputs import Inputs, resolve
from evalsuite.qualification.nulls import SMALL_BATCH
from evalsuite.runs import PANEL, SKILLS, TEXTS, Side

PROBED = Sizes(leaks=40, rewrites=40, skills=0, texts=16)
"""Cases of the first look, in each language."""
_FOREIGN = 0.5
"""A base that answers more of its skills than this in another script does not know the language."""
_NOISE_SHARE = 0.4
"""Of the minutes, for asking again in other ways."""
_LARGER = 2
"""Panels are proposed up to so many times those of the policy that is started from."""

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrateRequest:
    """What a person asks of ``evalsuite calibrate``."""

    gate: GateRequest
    """The base and the reference adapter, and how they are asked; ``out`` is not written."""
    out: Path
    minutes: float = 60.0
    seed: int = 0
    items: int = ITEMS
    """Questions of each skill and language in the first look."""


def calibrate(
    request: CalibrateRequest, *, tell: Tell = lambda _what, _done, _total: None
) -> Calibration:
    """Measure, and derive limits and panels.

    Args:
        request: base, reference and how many minutes there are.
        tell: called with what is at work, how much is done and how much there is.

    Raises:
        InvalidInput: minutes that are none, or what a gate refuses.
        EvalsuiteError: the reference cannot be asked.
    """
    if not request.minutes > 0:
        raise InvalidInput(f"minutes={request.minutes} must be more than 0")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="calibrate-") as folder:
        work = _Work(request, resolve(_named(request.gate)), Path(folder), tell)
        return work.done(began)


def _named(gate: GateRequest) -> GateRequest:
    """The request with its policy by name or path: a probe extends it."""
    named = gate.policy or choose_policy(None, gate.base_model).name
    return replace(gate, policy=named, registry=None)


class _Work:
    """The measuring, step by step."""

    def __init__(self, request: CalibrateRequest, inputs: Inputs, folder: Path, tell: Tell) -> None:
        self.request = request
        self.inputs = inputs
        self.policy: Policy = inputs.policy
        self.folder = folder
        self.tell = tell
        self.began = time.monotonic()
        self.problems: list[str] = []

    @property
    def languages(self) -> tuple[Language, ...]:
        """What the policy asks in."""
        return tuple(x for x in Language if x in self.policy.gates.example_leakage.panel)

    def _left(self) -> float:
        return 60 * self.request.minutes - (time.monotonic() - self.began)

    def _ask(self, name: str, sizes: Sizes, skills: Sequence[str], **change: object) -> Observed:
        """Measure the reference by a probe of some sizes, asked in some way."""
        asked = self.inputs.request.policy or ""
        extends = asked if asked in policy_names() else str(Path(asked).resolve())
        path = self.folder / f"{name}.yaml"
        said = probe(self.policy, extends, f"calibrate-{name}", sizes, skills)
        path.write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
        return observe(replace(self.inputs.request, policy=str(path), **change))  # type: ignore[arg-type]

    def done(self, began: float) -> Calibration:
        """Run every step."""
        self.tell("first look", 0, 4)
        every = askable(self.languages, self.request.items)
        looked = replace(PROBED, skills=self.request.items * len(every))
        first = self._ask("probe", looked, every, seed=self.request.seed)
        found = abilities(first.measured.evidence.skills, self.policy.gates.forgetting.skills.floor)
        skills = self._skills(first, found)
        variants, spent = self._variants(looked, every)
        each = spent / max(1, len(first.questions))
        self.tell("panel", 2, 4)
        # An answer that is chosen takes a request for each option.
        per_item = _requests(first)
        panel = self._panel(skills or every[:1], each, per_item)
        self.tell("limits", 3, 4)
        self._check_alive(panel)
        proposals = tuple(self._proposals(panel.measured.evidence, skills))
        self._check(panel, proposals)
        text = self._text(proposals, skills)
        proposed = self._proposed(text)
        if proposed is not None:
            self._check_verdict(proposed, panel.measured.evidence)
        if self.problems:
            text, proposed = "", None
        return Calibration(
            subject=self._subject(panel),
            abilities=found,
            kinds=by_kind(panel.measured.evidence.pronouns),
            noise=tuple(
                noise(name, first, seen, proposed, self._measures_of) for name, seen in variants
            ),
            proposals=proposals,
            sights=tuple(sights(panel, proposals, self._measures_of)),
            minutes=self._minutes(proposals, skills, each, per_item),
            problems=tuple(self.problems),
            policy=text,
            seconds=time.monotonic() - began,
        )

    def _skills(self, first: Observed, found: Sequence[Ability]) -> tuple[str, ...]:
        """The skills that the base has in every language; says which language has none."""
        had: dict[str, set[str]] = {x.value: set() for x in self.languages}
        for ability in found:
            if ability.has:
                had[ability.language].add(ability.skill)
        for language in self.languages:
            share = foreign(first, language)
            if share > _FOREIGN:
                self.problems.append(
                    f"the base answers {share:.0%} of what it is asked in {language} in another "
                    f"script; leave {language} out of the policy's languages"
                )
            if not had[language.value]:
                self.problems.append(
                    f"the base has no skill for sure in {language}, so nothing that it could "
                    f"forget is measured; leave {language} out, or name suites of your own"
                )
        both = set.intersection(*had.values()) if had else set()
        if not both and all(had.values()):
            self.problems.append(
                "no skill is had in every language; write a policy for each language"
            )
        return tuple(a for a in dict.fromkeys(x.skill for x in found) if a in both)

    def _variants(
        self, sizes: Sizes, skills: Sequence[str]
    ) -> tuple[list[tuple[str, Observed]], float]:
        """The first look again, in as many other ways as the minutes allow, and its seconds.

        The first of them asks without the cache, so that it tells what asking takes.
        """
        other = "float32" if str(self.inputs.numerics.dtype).endswith("bfloat16") else "bfloat16"
        cache = self.folder / "again.sqlite3"
        ways: Mapping[str, Mapping[str, object]] = {
            "asked again": {"cache": cache},
            f"small batches, {other}": {"dtype": other, "batch_tokens": SMALL_BATCH},
            "not merged": {"merged": False},
            "small batches": {"batch_tokens": SMALL_BATCH},
        }
        found: list[tuple[str, Observed]] = []
        spent = 0.0
        for number, (name, change) in enumerate(ways.items()):
            if found and (number + 1) * spent > _NOISE_SHARE * 60 * self.request.minutes:
                break
            self.tell("noise", number, len(ways))
            began = time.monotonic()
            seen = self._ask(f"noise-{number}", sizes, skills, seed=self.request.seed, **change)
            spent = spent or time.monotonic() - began
            found.append((name, seen))
        return found, spent

    def _panel(self, skills: Sequence[str], each: float, per_item: float) -> Observed:
        """A fresh panel, as large as the rest of the minutes allows."""
        wanted = sizes_of(self.policy)
        # A leak case is asked three times: both sides, and with other demonstrations.
        questions = len(self.languages) * (
            wanted.leaks
            + 2 * max(wanted.leaks, wanted.rewrites)
            + round(2 * wanted.skills * per_item)
        )
        factor = min(1.0, max(0.0, self._left()) / max(each * questions, 1e-9))
        sizes = wanted.scaled(factor, PROBED, wanted)
        skilled = max(1, min(wanted.skills, self.request.items * len(skills)) // len(skills)) * len(
            skills
        )
        return self._ask(
            "panel", replace(sizes, skills=skilled), skills, seed=self.request.seed + 1
        )

    def _check_alive(self, panel: Observed) -> None:
        dead = [check.name for check in panel.measured.evidence.liveness if check.ok is False]
        if dead:
            self.problems.append(
                f"the reference is not alive ({', '.join(dead)}): it does not change the base as "
                "an adapter of it does"
            )

    def _measures_of(self, evidence: Evidence) -> Iterator[Measure]:
        return measures(self.policy, self.languages, evidence)

    def _proposals(self, evidence: Evidence, skills: Sequence[str]) -> Iterator[Proposal]:
        for measure in self._measures_of(evidence):
            most = _LARGER * measure.panel
            if measure.name.startswith("forgetting.skills.") and skills:
                # There are so many capitals, and a gate refuses a panel that wants more.
                most = min(most, drawable(Language(measure.language), skills, most))
            yield propose(
                measure,
                most=most,
                power=self.policy.power,
                confidence=self.policy.confidence,
            )

    def _check(self, panel: Observed, proposals: Sequence[Proposal]) -> None:
        """Say what keeps the reference from setting limits."""
        for proposal in proposals:
            if proposal.limit is None:
                self.problems.append(f"{proposal.measure.name}: {proposal.reason}")
        pairs = [
            (case.candidate, case.baseline)
            for case in panel.measured.evidence.pronouns
            if case.candidate is not None and case.baseline is not None
        ]
        mine, base = (sum(losses) for losses in zip(*pairs, strict=True)) if pairs else (0, 1)
        if mine >= base:
            self.problems.append(
                f"the reference rewrites no better than its base ({mine:g} and {base:g} of "
                f"{len(pairs)} are wrong); take an adapter that has learned the task"
            )

    def _text(self, proposals: Sequence[Proposal], skills: Sequence[str]) -> str:
        if self.problems or not skills:
            return ""
        asked = extends = self.inputs.request.policy or ""
        if asked not in policy_names():
            extends = os.path.relpath(asked, self.request.out)
        return policy_text(
            self.policy,
            extends,
            proposals,
            skills=skills,
            languages=self.languages,
            base=self.inputs.base.name,
            adapter=self.inputs.adapter.path.name,
        )

    def _proposed(self, text: str) -> Policy | None:
        """The proposed policy as its file reads."""
        if not text:
            return None
        with storage_errors(self.request.out, RunStorageError):
            self.request.out.mkdir(parents=True, exist_ok=True)
            path = self.request.out / ".policy.yaml"
            path.write_text(text, encoding="utf-8")
        try:
            return load_policy(path)
        finally:
            path.unlink()

    def _check_verdict(self, proposed: Policy, evidence: Evidence) -> None:
        for verdict in judge(proposed, evidence):
            if verdict.status is Status.FAILED and verdict.tier is Tier.BLOCKING:
                self.problems.append(
                    f"the reference itself is FAILED by {verdict.gate}: {verdict.reason}"
                )

    def _minutes(
        self, proposals: Sequence[Proposal], skills: Sequence[str], each: float, per_item: float
    ) -> dict[str, float]:
        """How long each gate takes, by the average question of the first look."""
        most = {
            gate: max((p.panel for p in proposals if p.measure.name.startswith(gate)), default=0)
            for gate in (Gate.EXAMPLE_LEAKAGE, Gate.PRONOUN_RESOLUTION)
        }
        forgotten = sum(
            2 * p.panel * (per_item if "skills" in p.measure.name else 1)
            for p in proposals
            if p.measure.name.startswith(Gate.FORGETTING)
        )
        asked = {
            Gate.EXAMPLE_LEAKAGE.value: 3 * most[Gate.EXAMPLE_LEAKAGE],
            Gate.PRONOUN_RESOLUTION.value: 2 * most[Gate.PRONOUN_RESOLUTION],
            Gate.FORGETTING.value: forgotten if skills else 0,
        }
        return {gate: n * each / 60 for gate, n in asked.items()}

    def _subject(self, panel: Observed) -> dict[str, object]:
        inputs = self.inputs
        sizes = {PANEL: 0, SKILLS: 0, TEXTS: 0}
        for question in panel.questions:
            if question.side is Side.CANDIDATE and question.row.panel in sizes:
                # Of a choice, one of its options stands for the question.
                sizes[question.row.panel] += not question.swapped and not question.option
        return {
            "adapter": inputs.adapter.path.name,
            "adapter_digest": inputs.adapter.digest,
            "base": inputs.base.name,
            "base_digest": inputs.base.digest,
            "policy": inputs.policy.name,
            "policy_digest": inputs.policy.digest,
            "world": inputs.policy.world.value,
            "languages": [language.value for language in self.languages],
            "seed": self.request.seed,
            "minutes": self.request.minutes,
            **{f"asked_{part}": n for part, n in sizes.items()},
        }


def _requests(first: Observed) -> float:
    """How many requests a question of the skills takes, of one side."""
    asked = [
        question.row.case_id
        for question in first.questions
        if question.row.panel == SKILLS and question.side is Side.CANDIDATE
    ]
    return len(asked) / max(1, len({*asked}))
