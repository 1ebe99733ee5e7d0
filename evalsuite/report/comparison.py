"""A comparison of two runs, for a terminal and for a pull request.

Text of models and cases enters as plain text, never as markup.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from evalsuite.gates import SliceVerdict
from evalsuite.report.markdown import LIMIT, escape, fenced
from evalsuite.report.safetext import one_line
from evalsuite.report.view import ICONS
from evalsuite.runs import Status, told
from evalsuite.runs.comparison import Bucket, Change, Comparison, GateComparison

_WORDS = {
    Status.PASSED: "No worse",
    Status.FAILED: "Worse",
    Status.INCONCLUSIVE: "Undecided",
}
_STYLES = {Status.PASSED: "green", Status.FAILED: "red", Status.INCONCLUSIVE: "yellow"}
_TURNS = 12
"""Turns of a history, the last ones."""
_OTHER_RULES = (
    "{0} was judged by other rules in one run than in the other, so it is not compared: since "
    "version 4 of run.json a rewrite must be right as a whole, not only name what is meant. Gate "
    "the adapter of {1} again to compare it."
)
SHOWN = 10
"""Cases that became worse and are shown in full."""


def comparison_text(comparison: Comparison, *, shown: int = SHOWN) -> Group:
    """Return what a console should show of a comparison."""
    head = Text.assemble(
        (f"{ICONS[comparison.status]} {_WORDS[comparison.status]}. ",
         f"bold {_STYLES[comparison.status]}"),
        one_line(sentence(comparison), 900),
    )  # fmt: skip
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("gate", no_wrap=True)
    for bucket in Bucket:
        table.add_column(bucket.value, justify="right", no_wrap=True)
    reasons = []
    for gate in comparison.gates:
        name = one_line(gate.gate, 60)
        table.add_row(Text(name), *(Text(str(gate.counts[bucket])) for bucket in Bucket))
        icon = (f"{ICONS[gate.status]} ", _STYLES[gate.status])
        reasons.append(Text.assemble(icon, (f"{name}: ", "bold"), _reason(gate)))
    worse = _regressed(comparison)
    flips = [Text(f"  {line}") for change in worse[:shown] for line in _lines(change)]
    title = Text(f"became worse ({min(shown, len(worse))} of {len(worse)} shown)", style="bold")
    shown_flips = [Text(""), title, *flips] if worse else []
    return Group(head, Text(""), table, Text(""), *reasons, *shown_flips)


def comparison_markdown(comparison: Comparison, *, shown: int = SHOWN) -> str:
    """Return a comparison the size of a comment: buckets, gates, the cases that became worse."""
    lines = [
        f"# {ICONS[comparison.status]} {_WORDS[comparison.status]}",
        "",
        escape(sentence(comparison)),
        "",
        f"| gate | {' | '.join(bucket.value for bucket in Bucket)} | |",
        f"|---|{'---:|' * len(Bucket)}---|",
    ]
    for gate in comparison.gates:
        counts = " | ".join(str(gate.counts[bucket]) for bucket in Bucket)
        reason = f"{ICONS[gate.status]} {escape(_reason(gate))}"
        lines.append(f"| {escape(gate.gate)} | {counts} | {reason} |")
    worse = _regressed(comparison)
    if worse:
        lines += ["", f"## Became worse: {min(shown, len(worse))} of {len(worse)} shown", ""]
    for change in worse[:shown]:
        text = fenced("\n".join(_lines(change)))
        # It is posted as a comment, which GitHub refuses whole when it is too long.
        if sum(map(len, lines)) + len(text) > LIMIT:
            break
        lines += [text, ""]
    return "\n".join(lines).rstrip() + "\n"


def sentence(comparison: Comparison) -> str:
    """Return one sentence: who is compared, on what, and what became of the cases."""
    counts = comparison.counts
    buckets = ", ".join(f"{counts[bucket]} {bucket.value}" for bucket in Bucket)
    after, before = _names(comparison)
    said = f"{after} against {before}: {buckets}."
    for gate in comparison.judged_differently:
        said += f" {_OTHER_RULES.format(gate, comparison.before.folder.name)}"
    if comparison.left_out:
        reasons = ", ".join(f"{n} {why}" for why, n in comparison.left_out.items())
        said += f" Not compared: {reasons}."
    if comparison.differing:
        said += f" The runs were asked differently: {'; '.join(comparison.differing)}."
    return said


def _names(comparison: Comparison) -> tuple[str, str]:
    """The adapters' names; the folders' where both runs are of one adapter."""
    runs = comparison.after, comparison.before
    after, before = (
        run.info.adapter.path.rsplit("/", 1)[-1] if run.info.adapter else run.folder.name
        for run in runs
    )
    return (after, before) if after != before else (runs[0].folder.name, runs[1].folder.name)


def _reason(gate: GateComparison) -> str:
    """The sentence of the whole, and of slices that are surely worse."""
    worse: Sequence[SliceVerdict] = [s for s in gate.slices if s.status is Status.FAILED]
    reasons = [gate.whole.reason, *(f"{s.name}: {s.reason}" for s in worse)]
    reasons += filter(
        None, (_newly_lost(gate, bucket) for bucket in (Bucket.REGRESSED, Bucket.FIXED))
    )
    if gate.unmeasured:
        reasons.append(f"{gate.unmeasured} cases lack a measurement.")
    return " ".join(reasons)


def _newly_lost(gate: GateComparison, bucket: Bucket) -> str:
    """In what way the rewrites of a bucket became wrong, or were; empty for no rewrite."""
    counts = gate.newly_lost(bucket)
    listed = ", ".join(f"{name} {n}" for name, n in counts.items())
    return f"{bucket.value.capitalize()} for {listed}." if listed else ""


def _regressed(comparison: Comparison) -> list[Change]:
    """The cases that became worse, one of each cluster before a second of the same."""
    seen: dict[tuple[str, str], int] = {}
    keyed: list[tuple[int, int, Change]] = []
    for gate in comparison.gates:
        for change in gate.changes:
            if change.bucket is Bucket.REGRESSED:
                cluster = gate.gate, change.case.cluster
                seen[cluster] = seen.get(cluster, 0) + 1
                keyed.append((seen[cluster], len(keyed), change))
    return [change for *_, change in sorted(keyed, key=lambda k: k[:2])]


def _earlier(turns: int) -> list[str]:
    return [f"  [… {turns} earlier turns …]"] if turns > 0 else []


def _lines(change: Change) -> list[str]:
    case = change.case
    before, after = change.answers
    why = [
        f"{score.detector}: {score.explanation}" if score.detail else score.explanation
        for score in told(change.after)
    ]
    return [
        one_line(line, 300)
        for line in (
            f"{change.gate}: {case.case_id}, {case.language}, {case.kind.replace('_', ' ')}",
            *_earlier(len(case.history) - _TURNS),
            *(f"  {message.role}: {message.content}" for message in case.history[-_TURNS:]),
            f"  query: {case.query}",
            f"  before: {before}",
            f"  after: {after}",
            *(f"  {reason}" for reason in why),
        )
    ]
