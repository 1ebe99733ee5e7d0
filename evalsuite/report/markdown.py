"""The report as Markdown, for a pull request, a job summary or a chat.

Text of models and cases stands in fenced blocks only, where neither links nor mentions nor HTML
work; the fence is longer than any run of backticks inside it.
"""

from __future__ import annotations

import re

from evalsuite.report.changes import CaseOutcomes, Outcome
from evalsuite.report.charts import interval, number
from evalsuite.report.safetext import Piece, one_line, visible
from evalsuite.report.view import (
    ICONS,
    WORDS,
    Failure,
    GateView,
    ReportView,
    build_view,
    candidate_word,
)
from evalsuite.runs import Tier, Verdict
from evalsuite.runs.folder import Run

LIMIT = 60_000
"""Characters: a comment on GitHub takes 65,536."""
# Rows of a table, as in report.html.
_PARTS = 60
_BUCKETS = (Outcome.REGRESSED, Outcome.STILL_FAILING, Outcome.FIXED, Outcome.UNCHANGED)
# All that begins something in GitHub's Markdown; ``$`` begins a formula.
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$-])")
# GitHub makes a link of ``www.`` without ``://`` too.
_BARE_HOST = re.compile(r"(www)\.", re.IGNORECASE)


def render_markdown(run: Run, *, max_failures: int = 5, limit: int = LIMIT) -> str:
    """Return a short report: verdict, gates, a few failures of each gate, digests.

    Failures are added as long as the whole keeps within ``limit`` characters.
    """
    view = build_view(run, max_failures=max_failures)
    lines = [
        f"# {view.icon} {view.word}: {escape(view.title)}",
        "",
        f"**{view.meaning}** {escape(view.sentence)}",
        *(escape(str(note)) for note in view.notes),
        "",
        escape(_circumstances(run)),
        "",
        "| gate | status | value | interval | limit | n | clusters | reason |",
        "|---|---|---:|---:|---:|---:|---:|---|",
        *(_row(gate.verdict) for gate in view.gates),
        "",
    ]
    lines += _in_what_way(view)
    lines += outcome_table(view.case_outcomes)
    again = "Replaces this run when its folder is the same."
    end = [
        *_provenance(run),
        *("## Verify", "", fenced("\n".join(view.verify)), ""),
        *("## Run it again", "", again, "", fenced("\n".join(view.reproduce)), ""),
    ]
    room = limit - sum(len(line) + 1 for line in (*lines, *end))
    for gate in view.gates:
        part = _failures(gate, room)
        room -= sum(len(line) + 1 for line in part)
        lines += part
    return "\n".join([*lines, *end])


def outcome_table(found: CaseOutcomes) -> list[str]:
    """Return what became of the cases of each gate, as the lines of a section."""
    counts = list(found.counts.items())[:_PARTS]
    shown = [o for o in Outcome if o in _BUCKETS or any(n[o] for _, n in counts)]
    lines = [f"## What changed against {escape(found.whom)}", ""]
    lines += [f"| gate | {' | '.join(shown)} |", f"|---|{'---:|' * len(shown)}"]
    for section, n in counts:
        name = escape(str(section)) + (" (advisory)" if section in found.advisory else "")
        lines.append(f"| {name} | {' | '.join(str(n[o]) for o in shown)} |")
    return [*lines, "", *_part_table(found)] if counts else []


def _in_what_way(view: ReportView) -> list[str]:
    """In what way rewrites are wrong, and by which standard each set was judged."""
    told = [f"{g.verdict.gate}: {g.in_what_way}" for g in view.gates if g.in_what_way]
    sets = "; ".join(f"{judged.panel}: {judged.listed}" for judged in view.judged_by)
    told += [f"Rewrites judged by standard: {sets}."] if sets else []
    return [line for text in told for line in (escape(text), "")]


def _part_table(found: CaseOutcomes) -> list[str]:
    """In what way rewrites changed."""
    rows = [
        f"| {escape(str(section))} | {part} | {n.newly_lost} | {n.still_lost} | {n.mended} |"
        for section, parts in list(found.parts.items())[:_PARTS]
        for part, n in parts.items()
    ]
    head = ["| gate | part | newly lost | still lost | mended |", "|---|---|---:|---:|---:|"]
    return [*head, *rows, ""] if rows else []


def _circumstances(run: Run) -> str:
    info = run.info
    seeds = ", ".join(sorted({str(seed) for seed in info.seeds.values()}))
    return (
        f"{info.finished:%Y-%m-%d %H:%M} UTC, evalsuite {info.versions.get('evalsuite', '?')}, "
        f"seed {seeds}, prompt format {info.prompt_format}, "
        f"{info.engine.circumstances}."
    )


def escape(text: str) -> str:
    """Return ``text`` on one line, inert in Markdown: no HTML, link, emphasis, formula, mention."""
    # First, because the entities that follow hold a ``#`` of their own.
    flat = _SPECIAL.sub(r"\\\1", one_line(text, 600))
    flat = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # Zero-width spaces, because some renderers look for links after they decoded entities.
    flat = flat.replace("@", "&#64;&#8203;").replace("://", ":&#8203;//")
    return _BARE_HOST.sub(r"\1&#8203;.", flat)


def fenced(text: str) -> str:
    """Return ``text`` in a fence that it cannot close."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{visible(text)}\n{fence}"


def _row(verdict: Verdict) -> str:
    status = f"{ICONS[verdict.status]} {WORDS[verdict.status].lower()}"
    cells = (
        escape(verdict.gate),
        status if verdict.tier is Tier.BLOCKING else f"{status} ({verdict.tier})",
        number(verdict.value),
        interval(verdict),
        number(verdict.limit),
        str(verdict.n),
        str(verdict.clusters),
        escape(verdict.reason),
    )
    return f"| {' | '.join(cells)} |"


def _failures(gate: GateView, room: int) -> list[str]:
    if not gate.total:
        return []
    shown: list[str] = []
    for failure in gate.failures:
        text = fenced("\n".join(_conversation(failure)))
        # 300 for the heading of the gate, whose names are cut at 120.
        if len(text) + 300 > room:
            break
        shown += [text, ""]
        room -= len(text) + 2
    names = ", ".join(f"{name} {n}" for name, n in sorted(gate.panels.items()))
    count = (
        f"{len(shown) // 2} of {gate.total} failed cases shown ({escape(one_line(names, 120))}), "
        f"{gate.regressions} regressions"
    )
    return [f"## {escape(gate.verdict.gate)}: {count}", "", *shown]


def _conversation(failure: Failure) -> list[str]:
    mark = " (regression)" if failure.regression else ""
    about = (f"{failure.case_id}{mark}", failure.language, failure.kind)
    lines = [f"case       {', '.join(one_line(part, 160) for part in about)}"]
    lines += [f"finding    {found.detector}: {found.explanation}" for found in failure.findings]
    lines += [
        f"{'query' if bubble.query else bubble.role:<10} {_plain(bubble.pieces)}"
        for bubble in failure.bubbles
    ]
    if failure.expected:
        lines.append(f"expected   {failure.expected[0]}")
    lines += [f"           {condition}" for condition in failure.conditions]
    lines += [f"{answer.label:<10} {_plain(answer.pieces)}" for answer in failure.answers]
    return lines


def _plain(pieces: tuple[Piece, ...]) -> str:
    """Return pieces as text, offending spans between ``>>`` and ``<<``."""
    parts = []
    for piece in pieces:
        if piece.gap:
            parts.append(f"[… {piece.gap:,} characters left out …]")
        else:
            parts.append(f">>{piece.text}<<" if piece.mark is not None else piece.text)
    return "".join(parts).replace("<<>>", "").replace("\n", "\n           ")


def _provenance(run: Run) -> list[str]:
    info = run.info
    rows = {
        **info.digests,
        f"engine {info.engine.name}": info.engine.identity,
        **{name: file.sha256 for name, file in run.files.items()},
    }
    if info.adapter:
        named = f"{candidate_word(run)} {info.adapter.path}"
        rows = {named: info.adapter.digest, **rows}
    lines = ["## Provenance", "", "| input | digest |", "|---|---|"]
    return [
        *lines,
        *(f"| {escape(name)} | `{escape(digest)}` |" for name, digest in rows.items()),
        "",
    ]
