"""What a reader of a run wants to see, in the order in which it matters; no format, no IO.

The verdict comes first, then the gates, then the failures of each gate: regressions before old
weaknesses, one per cluster before a second of the same, because ten failures of one template tell
no more than one does.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from evalsuite.gates.waivers import GATE as WAIVERS
from evalsuite.report.changes import (
    CaseOutcome,
    CaseOutcomes,
    Outcome,
    Place,
    Section,
    case_outcomes,
)
from evalsuite.report.conversations import (
    Answer,
    Bubble,
    Finding,
    answers_of,
    case_bubbles,
    conditions_of,
    expected_of,
)
from evalsuite.report.notes import Note, notes_of, title_of
from evalsuite.report.rewrites import Judged, judged_by, parts_sentence
from evalsuite.report.safetext import shortened
from evalsuite.runs import Side, Status, Tier, Verdict, told
from evalsuite.runs.folder import Run

WORDS = {
    Status.PASSED: "Passed",
    Status.FAILED: "Failed",
    Status.INCONCLUSIVE: "Inconclusive",
}
ICONS = {Status.PASSED: "✓", Status.FAILED: "✗", Status.INCONCLUSIVE: "?"}
_MEANING = {
    Status.PASSED: "This adapter may be promoted.",
    Status.FAILED: "This adapter must not be promoted.",
    Status.INCONCLUSIVE: "The evidence does not suffice to promote this adapter.",
}
_MEANING_OF_MODEL = {
    Status.PASSED: "This model may be promoted.",
    Status.FAILED: "This model must not be promoted.",
    Status.INCONCLUSIVE: "The evidence does not suffice to promote this model.",
}
_REGISTRY = "registry"
"""What the commands take where no registry is named."""
_TELLS_REGISTRY = 3
"""The version of ``run.json`` from which on it says which registry there was."""
_COMMAND = 20_000
"""Characters of a command line."""
MAX_FAILURES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One case that a gate counts as a defect."""

    case_id: str
    panel: str
    language: str
    kind: str
    cluster: str
    bubbles: tuple[Bubble, ...]
    expected: tuple[str, ...]
    """Accepted answers, preferred one first."""
    conditions: tuple[str, ...]
    """What else was expected, each a short sentence."""
    answers: tuple[Answer, ...]
    findings: tuple[Finding, ...]
    regression: bool
    """The champion, or where there is none the baseline, did this right."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateView:
    """One gate with the failures worth showing."""

    verdict: Verdict
    anchor: str
    failures: tuple[Failure, ...]
    total: int
    """Failed cases, shown or not."""
    panels: Mapping[str, int]
    """The same by panel or golden set."""
    regressions: int
    unmeasured: int
    """Scores that could not be measured."""

    @property
    def in_what_way(self) -> str:
        """Of rewrites, how often each part is lost; empty for another gate."""
        return parts_sentence(self.verdict)

    @property
    def section(self) -> Section:
        """What of the gate does not stand on its own."""
        return Section(self.verdict.gate)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """Everything a report shows."""

    run: Run
    title: str
    word: str
    icon: str
    meaning: str
    sentence: str
    notes: tuple[Note, ...]
    """What else a person must know before deciding: waivers, attempts, an early stop."""
    gates: tuple[GateView, ...]
    judged_by: tuple[Judged, ...]
    """By which standards the rewrites of each set were judged."""
    case_outcomes: CaseOutcomes
    reproduce: tuple[str, ...]
    verify: tuple[str, ...]


def build_view(run: Run, *, max_failures: int = MAX_FAILURES) -> ReportView:
    """Return the view of ``run`` with at most ``max_failures`` failures for each gate."""
    found = case_outcomes(run)
    gates = tuple(
        _gate(run, verdict, found, index, max_failures)
        for index, verdict in enumerate(_by_urgency(run.verdicts))
    )
    candidate = run.info.adapter.path.rsplit("/", 1)[-1] if run.info.adapter else "no adapter"
    return ReportView(
        run=run,
        title=f"{candidate} on {run.info.base.name}",
        word=WORDS[run.status],
        icon=ICONS[run.status],
        meaning=(_MEANING_OF_MODEL if run.info.model else _MEANING)[run.status],
        sentence=sentence(run),
        notes=notes_of(run, stop_is_told=_tells_of_stop(run)),
        gates=gates,
        judged_by=judged_by(run),
        case_outcomes=found,
        reproduce=_reproduce(run),
        verify=_verify_commands(run),
    )


def sentence(run: Run) -> str:
    """Return one sentence that says why the run has its status."""
    blocking = [verdict for verdict in run.verdicts if verdict.tier is Tier.BLOCKING]
    if run.status is Status.PASSED:
        count = len(blocking)
        gates = "the only blocking gate" if count == 1 else f"all {count} blocking gates"
        return f"The {candidate_word(run)} passed {gates}."
    bad = _obstacles(run)
    if not bad:
        return "A gate that the policy requires was not run."
    verb = "failed" if run.status is Status.FAILED else "could not decide"
    more = f" ({len(bad) - 1} more of {len(blocking)} {verb})" if len(bad) > 1 else ""
    return f"{title_of(bad[0].gate)} {verb}: {bad[0].reason.rstrip('.')}{more}."


def candidate_word(run: Run) -> str:
    """What the candidate of a run is: ``adapter`` or ``model``."""
    return "model" if run.info.model else "adapter"


def _obstacles(run: Run) -> list[Verdict]:
    """The verdicts that give a run its status, the one that speaks for it first; none if it passed.

    What stopped the run comes first: gates that it left undecided are no reason for it.
    """
    looks = run.info.looks
    stoppers = frozenset() if looks is None else looks.stoppers
    return sorted(
        (
            verdict
            for verdict in run.verdicts
            if verdict.tier is Tier.BLOCKING and verdict.status is run.status
            if run.status is not Status.PASSED
        ),
        key=lambda verdict: verdict.gate not in stoppers,
    )


def _tells_of_stop(run: Run) -> bool:
    """Whether the sentence says that the run stopped: the reason of every gate does then.

    Waivers that do not hold are no gate, and are found after the gates were judged.
    """
    return any(verdict.gate != WAIVERS for verdict in _obstacles(run)[:1])


def _by_urgency(verdicts: Sequence[Verdict]) -> list[Verdict]:
    order = (Status.FAILED, Status.INCONCLUSIVE, Status.PASSED)
    return sorted(verdicts, key=lambda v: (v.tier is not Tier.BLOCKING, order.index(v.status)))


def _verify_commands(run: Run) -> tuple[str, ...]:
    folder = shlex.quote(str(run.folder))
    lines = [f"{file.sha256}  {name}" for name, file in run.files.items()]
    # In a shell of its own, so that whoever pastes it stays where they are.
    check = "\n".join((f"(cd {folder} && sha256sum --check) <<'END'", *lines, "END"))
    if run.status is not Status.PASSED:
        return (check,)
    return (
        check,
        f"evalsuite promote {folder} --registry {shlex.quote(_registry(run))}",
        "evalsuite verify RECORD",
    )


def _reproduce(run: Run) -> tuple[str, ...]:
    """The command whole, since half of one is worse than none; unless nobody can have typed it."""
    command = shlex.join(run.info.command)
    if len(command) > _COMMAND:
        command = shortened(command, 400)
    return (command,) if command else ()


def _registry(run: Run) -> str:
    """The registry that the run was made with; where it had none, the one of the commands."""
    if run.info.version < _TELLS_REGISTRY:
        return _registry_of_command(run)
    return run.info.registry or _REGISTRY


def _registry_of_command(run: Run) -> str:
    """The registry of a run that was recorded without it, as its command line names it."""
    for name in ("--registry", "--gate-registry"):
        for given, value in pairwise((*run.info.command, "")):
            if given == name:
                return value
            if given.startswith(f"{name}="):
                return given.partition("=")[2]
    return _REGISTRY


def _gate(
    run: Run, verdict: Verdict, found: CaseOutcomes, index: int, max_failures: int
) -> GateView:
    sections = [section for section in found.counts if section.gate == verdict.gate]
    failing = {
        (place, section): by_section[section]
        for place, by_section in found.cases.items()
        for section in sections
        if section in by_section and by_section[section].outcome.failing
    }
    chosen = _most_informative(failing)[:max_failures]
    slug = re.sub(r"[^a-z0-9]+", "-", verdict.gate.lower()).strip("-")
    return GateView(
        verdict=verdict,
        # Numbered, since different names may come to the same slug.
        anchor=f"gate-{index + 1}-{slug}",
        failures=tuple(_failure(run, failing[key]) for key in chosen),
        total=len(failing),
        panels=Counter(place[0] for place, _ in failing),
        regressions=sum(s.outcome is Outcome.REGRESSED for s in failing.values()),
        unmeasured=sum(
            score.value is None
            for score in run.scores
            if (score.gate or score.detector) == verdict.gate and score.side is Side.CANDIDATE
        ),
    )


def _most_informative(
    failing: Mapping[tuple[Place, Section], CaseOutcome],
) -> list[tuple[Place, Section]]:
    """Order failures: regressions first, then round the clusters."""
    seen: Counter[tuple[int, str]] = Counter()
    keyed = []
    for position, (key, case_outcome) in enumerate(failing.items()):
        group = (case_outcome.outcome.urgency, case_outcome.scores[0].cluster or key[0][1])
        seen[group] += 1
        keyed.append((group[0], seen[group], position, key))
    return [key for *_, key in sorted(keyed, key=lambda item: item[:3])]


def _failure(run: Run, case_outcome: CaseOutcome) -> Failure:
    scores = told(case_outcome.scores)
    first = scores[0]
    case = run.case_index.get((first.panel, first.case_id))
    answers = answers_of(run, (first.panel, first.case_id), scores, told(case_outcome.before))
    return Failure(
        case_id=first.case_id,
        panel=first.panel,
        language=first.language or (case.language if case else ""),
        kind=(first.kind or (case.kind if case else "")).replace("_", " "),
        cluster=first.cluster or (case.cluster if case else ""),
        bubbles=case_bubbles(case),
        expected=expected_of(case),
        conditions=conditions_of(case, answers),
        answers=answers,
        findings=tuple(
            Finding(score.detector, shortened(score.explanation, 600)) for score in scores
        ),
        regression=case_outcome.outcome is Outcome.REGRESSED,
        source=case.source if case else "",
    )
