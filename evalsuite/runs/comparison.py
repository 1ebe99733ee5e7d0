"""Two runs, case by case: what got worse, what got better, and whether the later one may replace
the earlier.

Only answers to the same question are compared. Two runs were asked the same when their base, their
prompts, their cases and their panels' seeds are the same; else they are refused with the reason,
or, when that is asked for, compared on the cases that both were asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from evalsuite.detectors import Detector
from evalsuite.errors import RunError
from evalsuite.gates import (
    Gate,
    Part,
    Quantity,
    SliceVerdict,
    Status,
    Topic,
    judge_mean,
    worst,
)
from evalsuite.runs import CaseRow, OutputRow, PromptInfo, ScoreRow, Side, Unit, lost_parts
from evalsuite.runs.folder import Run
from evalsuite.runs.pairs import (
    groups,
    in_nats,
    judging,
    loss_of,
    observation,
    settings,
    word_pairs,
)

MARGIN = 0.05
"""By how much a share of defects may grow before a run counts as worse."""
NATS_MARGIN = 0.05
"""The same for a loss in nats per token."""
SLICE_MINIMUM = 15
"""Pairs that a slice needs before anything is said about it."""
DEFECTS_ONLY = Gate.TEMPLATE_ROUND_TRIP.value
"""The gate of which a run keeps the scores of defects only; every other answer was good."""


class Bucket(StrEnum):
    """What became of one case."""

    REGRESSED = "regressed"
    FIXED = "fixed"
    STILL_FAILING = "still failing"
    UNCHANGED = "unchanged"
    """Good before and after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One case that a gate judged in both runs."""

    gate: str
    case: CaseRow
    bucket: Bucket
    before: tuple[ScoreRow, ...]
    """What the earlier run's detectors said of its candidate's answer."""
    after: tuple[ScoreRow, ...]
    answers: tuple[str, str]
    """Of both candidates; empty where a run kept none."""

    @property
    def lost(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """In what way the rewrite is wrong, before and after; empty where it is right, or none."""
        return lost_parts(self.before), lost_parts(self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateComparison:
    """One gate in both runs."""

    gate: str
    whole: SliceVerdict
    """Whether the later candidate is not worse on all cases that are counted as good or defect."""
    slices: tuple[SliceVerdict, ...]
    """The same by language, by kind, and of losses in nats."""
    changes: tuple[Change, ...]
    unmeasured: int
    """Pairs without a measurement on one side; they are in no bucket."""

    def newly_lost(self, bucket: Bucket) -> Mapping[str, int]:
        """Parts of rewrites in a bucket that one side loses and the other does not, and how often.

        Those of the later run; of ``FIXED`` those of the earlier one.
        """
        counts: Counter[str] = Counter()
        for change in self.changes:
            if change.bucket is bucket:
                before, after = change.lost
                counts.update(
                    set(before) - set(after) if bucket is Bucket.FIXED else set(after) - set(before)
                )
        return {name: counts[name] for name in sorted(counts)}

    @property
    def counts(self) -> Mapping[Bucket, int]:
        """Cases in each bucket, in the order of the buckets."""
        found = Counter(change.bucket for change in self.changes)
        return {bucket: found[bucket] for bucket in Bucket}

    @property
    def status(self) -> Status:
        """FAILED: surely worse somewhere; INCONCLUSIVE: the pairs do not show that it is not."""
        # A slice is too small to show that nothing got worse, but not to show that it did.
        slices = [s.status for s in self.slices if s.status is Status.FAILED]
        return worst([self.whole.status, *slices])


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs, compared."""

    before: Run
    after: Run
    gates: tuple[GateComparison, ...]
    differing: tuple[str, ...]
    """In what the runs were asked differently; empty: in nothing."""
    judged_differently: tuple[str, ...]
    """Gates whose scores were made by other rules in one run than in the other, and which are not
    compared for that."""
    left_out: Mapping[str, int]
    """Why cases were not compared, and how many."""

    @property
    def status(self) -> Status:
        """The worst of all gates; where one could not be compared, undecided at best."""
        open_ = [Status.INCONCLUSIVE for _ in self.judged_differently]
        return worst([*(gate.status for gate in self.gates), *open_])

    @property
    def counts(self) -> Mapping[Bucket, int]:
        """Cases in each bucket, over all gates."""
        return {bucket: sum(g.counts[bucket] for g in self.gates) for bucket in Bucket}


_SHAPES = (3, 4)
"""The versions of ``run.json`` from which on what is digested has another shape than before: plain
JSON instead of ``repr``, then also what says by what a rewrite is judged."""


def compare(before: Run, after: Run, *, shared: bool = False, margin: float = MARGIN) -> Comparison:
    """Compare the candidates of two runs on the same questions.

    Args:
        before: the earlier run, such as the champion's.
        after: the later one.
        shared: compare runs that were asked differently on the cases that both were asked.
        margin: by how much the share of defects of a gate may grow, 0 to 1.

    Raises:
        RunError: the runs were asked differently and ``shared`` is not set, or they share nothing.
    """
    if not 0 <= margin <= 1:
        raise RunError(f"margin={margin} must lie between 0 and 1, such as {MARGIN}")
    differing = asked_differently(before, after)
    if differing and not shared:
        raise RunError(
            f"{before.folder} and {after.folder} cannot be paired: {'; '.join(differing)}. Gate "
            "both with the same --seed and settings, or compare what they share with --shared"
        )
    same = {
        place: case
        for place, case in before.case_index.items()
        # The same id is not enough: a case that was reworded is another question.
        if after.case_index.get(place) == case
    }
    if not same:
        raise RunError(f"{before.folder} and {after.folder} share no case; nothing can be compared")
    both = [gate for gate in _gates(before) if gate in _gates(after)]
    other_rules = [gate for gate in both if _judged_differently(gate, before, after)]
    gates = tuple(
        _gate(gate, before, after, same, margin) for gate in both if gate not in other_rules
    )
    return Comparison(
        before=before,
        after=after,
        gates=tuple(g for g in gates if g.changes or g.slices or g.unmeasured),
        differing=differing,
        judged_differently=tuple(other_rules),
        left_out=_left_out(before, after, same),
    )


def asked_differently(before: Run, after: Run) -> tuple[str, ...]:
    """Say in what two runs were asked differently; empty where they can be paired as they are."""
    old, new = before.info, after.info
    told = {
        "base": (old.base.digest, new.base.digest),
        "tokenizer": (old.base.tokenizer_digest, new.base.tokenizer_digest),
        "policy": (old.policy.digest, new.policy.digest),
        "chat template": (old.template_fingerprint, new.template_fingerprint),
        "prompt format": (old.prompt_format, new.prompt_format),
        "prompt": (_digest(old.prompt), _digest(new.prompt)),
        "prompt for answers": (_digest(old.answer_prompt), _digest(new.answer_prompt)),
    }
    if _shape(old.version) == _shape(new.version):
        told |= {
            "demonstrations": (old.demonstrations_digest, new.demonstrations_digest),
            "cases": (old.cases_digest, new.cases_digest),
        }
    else:
        # Equal cases have other digests there, so only the rows can say what is the same.
        told["way to digest cases and demonstrations"] = (
            f"run.json {old.version}",
            f"run.json {new.version}",
        )
    names = sorted({*old.seeds, *new.seeds})
    told |= {
        f"seed of {name}": (str(old.seeds.get(name)), str(new.seeds.get(name))) for name in names
    }
    return tuple(
        f"another {what} ({one[:12]} before, {other[:12]} after)"
        for what, (one, other) in told.items()
        if one != other
    )


def _digest(prompt: PromptInfo | None) -> str:
    """Of a prompt of one's own; empty for evalsuite's own, which their names tell apart."""
    return "" if prompt is None else prompt.digest


def _shape(version: int) -> int:
    return sum(version >= since for since in _SHAPES)


def _judged_differently(gate: str, before: Run, after: Run) -> bool:
    """Whether a rewrite that passed in one run may fail in the other for its rules alone."""
    laxly = [
        any(
            score.detector == Detector.PRONOUN_RESOLUTION
            for score in run.scores
            if (score.gate or score.detector) == gate
        )
        for run in (before, after)
    ]
    return laxly[0] != laxly[1]


def _gates(run: Run) -> list[str]:
    judged = [score.gate or score.detector for score in run.scores if not score.advisory]
    return list(dict.fromkeys([*judged, DEFECTS_ONLY]))


def _left_out(before: Run, after: Run, same: Mapping[tuple[str, str], CaseRow]) -> dict[str, int]:
    old, new = set(before.case_index), set(after.case_index)
    told = {
        "asked before only": len(old - new),
        "asked after only": len(new - old),
        "asked in other words": len(old & new) - len(same),
    }
    return {why: count for why, count in told.items() if count}


def _gate(
    gate: str,
    before: Run,
    after: Run,
    same: Mapping[tuple[str, str], CaseRow],
    margin: float,
) -> GateComparison:
    old, new = _scores(before, gate), _scores(after, gate)
    if gate == DEFECTS_ONLY:
        answered = [place for place in same if _answered(before, place) and _answered(after, place)]
        # An answer without a row was good: this gate writes down its defects only.
        old = dict.fromkeys(answered, ()) | old
        new = dict.fromkeys(answered, ()) | new
    pairs = [
        (case, old[place], new[place])
        for place, case in same.items()
        if place in old and place in new
    ]
    counted = [pair for pair in pairs if not in_nats(pair[1])]
    measured = [p for p in counted if loss_of(p[1]) is not None and loss_of(p[2]) is not None]
    changes = tuple(_change(gate, before, after, *pair) for pair in measured)
    judged = judging(*settings(after, gate), margin)
    observed = [observation(*pair) for pair in counted]
    nats = [observation(*pair) for pair in pairs if in_nats(pair[1])]
    slices = [judged(part, seen) for part, seen in groups(observed) if len(seen) >= SLICE_MINIMUM]
    if nats:
        slices.append(judged(Part(Topic.NATS), nats, NATS_MARGIN, judge_mean))
    if gate == Gate.PRONOUN_RESOLUTION:
        worded = partial(judge_mean, quantity=Quantity.WORDS)
        for part, seen in word_pairs(before, after, same.values()):
            if len(seen) >= SLICE_MINIMUM:
                slices.append(judged(part, seen, rule=worded))
    return GateComparison(
        gate=gate,
        whole=judged(Part(Topic.ALL_CASES), observed),
        slices=tuple(slices),
        changes=changes,
        unmeasured=len(counted) - len(measured),
    )


def _scores(run: Run, gate: str) -> dict[tuple[str, str], tuple[ScoreRow, ...]]:
    """What a gate's detectors said of the candidate, by case."""
    found: dict[tuple[str, str], list[ScoreRow]] = {}
    for score in run.scores:
        # A share of words is no defect: it is compared where it means something, by its mean.
        if score.control or score.side is not Side.CANDIDATE or score.unit is Unit.SHARE:
            continue
        if (score.gate or score.detector) == gate:
            found.setdefault((score.panel, score.case_id), []).append(score)
    return {place: tuple(scores) for place, scores in found.items()}


def _answered(run: Run, place: tuple[str, str]) -> bool:
    """Whether the candidate answered a case in words; a text is only scored."""
    outputs = run.output_index.get((*place, Side.CANDIDATE), ())
    return any(output.generated for output in outputs)


def _change(
    gate: str,
    before: Run,
    after: Run,
    case: CaseRow,
    old: tuple[ScoreRow, ...],
    new: tuple[ScoreRow, ...],
) -> Change:
    failed = any(s.failed for s in old), any(s.failed for s in new)
    bucket = {
        (False, True): Bucket.REGRESSED,
        (True, False): Bucket.FIXED,
        (True, True): Bucket.STILL_FAILING,
        (False, False): Bucket.UNCHANGED,
    }[failed]
    answers = _answer(before, case, old), _answer(after, case, new)
    return Change(gate=gate, case=case, bucket=bucket, before=old, after=new, answers=answers)


def _answer(run: Run, case: CaseRow, scores: Sequence[ScoreRow]) -> str:
    """The answer that the case's first complaint is about, else its first."""
    outputs = run.output_index.get((case.panel, case.case_id, Side.CANDIDATE), ())
    blamed = [key for score in scores if score.failed for key in score.outputs]
    return next((o.text for o in outputs if o.key in blamed), _first(outputs))


def _first(outputs: Sequence[OutputRow]) -> str:
    return outputs[0].text if outputs else ""
