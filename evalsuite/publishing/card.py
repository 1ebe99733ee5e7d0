"""The section "Evaluation" of a model card: what was decided, on what evidence, how to check it.

A card is public: names of models are shown without the folders that they lie in, and every text
is escaped, because a reason may quote what a model wrote.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator

from evalsuite.publishing.facts import adapter_name, by_language, digests, measure, public_name
from evalsuite.registry import PromotionRecord
from evalsuite.report.charts import interval, number
from evalsuite.report.markdown import escape, fenced
from evalsuite.report.rewrites import parts_sentence
from evalsuite.report.safetext import one_line
from evalsuite.report.view import ICONS, WORDS, ReportView, build_view
from evalsuite.runs import SliceVerdict, Status, Tier, Verdict
from evalsuite.runs.folder import Run

_CODE = re.compile(r"[0-9A-Za-z.:_-]+\Z")
_FILE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*\Z")
"""What may stand in a command that somebody will paste."""


def card_section(run: Run, record: PromotionRecord | None = None) -> str:
    """Return the section as Markdown, from its heading to its last line, without markers.

    Args:
        run: Of any verdict.
        record: The promotion record of this very run, if there is one; see
            :func:`evalsuite.publishing.facts.matching_record`.
    """
    view = build_view(run, max_failures=0)
    verdicts = [gate.verdict for gate in view.gates]
    return "\n".join(
        [
            "## Evaluation",
            "",
            *_verdict(view),
            _circumstances(run),
            "",
            *_gates(verdicts),
            *_languages(verdicts),
            *_digests(run),
            *_verification(record),
        ]
    ).rstrip("\n")


def _verdict(view: ReportView) -> Iterator[str]:
    said = f"{escape(view.sentence)} {' '.join(map(escape, map(str, view.notes)))}".rstrip()
    if view.run.status is Status.PASSED:
        yield f"**{view.icon} {view.word}. {view.meaning}** {said}"
    else:
        # Whoever skims the card must not take a table of numbers for a recommendation.
        yield f"> **{view.icon} {view.word.upper()}. {view.meaning}**"
        yield ">"
        yield f"> {said}"
    yield ""


def _circumstances(run: Run) -> str:
    info = run.info
    adapter, base, policy, version, form, how = map(
        escape,
        (
            adapter_name(run),
            public_name(info.base.name),
            public_name(info.policy.name),
            info.versions.get("evalsuite", "?"),
            info.prompt_format,
            info.engine.circumstances,
        ),
    )
    return (
        f"The adapter {adapter} on the base {base}, judged on {info.finished:%Y-%m-%d} by the "
        f"policy {policy} of evalsuite {version}; prompt format {form}, {how}."
    )


def _gates(verdicts: Iterable[Verdict]) -> list[str]:
    verdicts = tuple(verdicts)
    return [
        "Every value is a loss: smaller is better. A gate passes when the upper end of its",
        "interval, or its value where the policy says so, lies within the limit, which was fixed",
        "before the run.",
        "",
        "| gate | status | value | interval | limit | n | the value is |",
        "|---|---|---:|---:|---:|---:|---|",
        *(_row(v.gate, _status(v), v, escape(measure(v).words)) for v in verdicts),
        "",
        *(f"- {escape(v.gate)}: {escape(_reason(v))}" for v in verdicts),
        "",
    ]


def _reason(verdict: Verdict) -> str:
    """Why a gate decided so; of rewrites also in what way they are wrong."""
    return f"{verdict.reason} {parts_sentence(verdict)}".rstrip()


def _languages(verdicts: Iterable[Verdict]) -> list[str]:
    rows = [
        _row(verdict.gate, escape(language), part, _status(part), escape(measure(part).words))
        for verdict in verdicts
        for language, part in by_language(verdict)
    ]
    if not rows:
        return ["No gate was judged by language.", ""]
    return [
        "### By language",
        "",
        "| gate | language | value | interval | limit | n | status | the value is |",
        "|---|---|---:|---:|---:|---:|---|---|",
        *rows,
        "",
    ]


def _row(gate: str, second: str, verdict: Verdict | SliceVerdict, *more: str) -> str:
    numbers = (number(verdict.value), interval(verdict), number(verdict.limit), str(verdict.n))
    return f"| {' | '.join((escape(gate), second, *numbers, *more))} |"


def _status(verdict: Verdict | SliceVerdict) -> str:
    words = f"{ICONS[verdict.status]} {WORDS[verdict.status].lower()}"
    return words if verdict.tier is Tier.BLOCKING else f"{words} ({verdict.tier})"


def _digests(run: Run) -> list[str]:
    rows = {**digests(run), **{name: file.sha256 for name, file in run.files.items()}}
    return [
        "### What it depends on",
        "",
        "| input | SHA-256 |",
        "|---|---|",
        *(f"| {escape(name)} | {_code(digest)} |" for name, digest in rows.items()),
        "",
    ]


def _code(digest: str) -> str:
    """A digest as code; whatever else an edited run.json holds in its place, as plain text."""
    return f"`{digest}`" if _CODE.match(digest) else escape(digest)


def _verification(record: PromotionRecord | None) -> list[str]:
    lines = ["### Verify", ""]
    if record is None:
        what = (
            "No promotion record stands behind this section. The evidence is the run whose "
            "run.json has the digest above. It holds the digests of the run's other files, and"
        )
        return [*lines, what, "", fenced("evalsuite report RUN"), "", "refuses a changed one."]
    name = one_line(record.path.name)
    lines += [
        f"Promotion record {record.sequence} ({escape(record.action)}, "
        f"{record.created:%Y-%m-%d}): {escape(name)}, SHA-256 {_code(record.sha256)}. With the "
        "registry at hand, every digest is taken again by",
        "",
        fenced(f"evalsuite verify registry/records/{shlex.quote(name)} --adapter FOLDER"),
        "",
        "and in the folder of the adapter its files alone by",
        "",
    ]
    # Names come from a record, and the block is there to be pasted into a shell.
    files = (
        f"{file.digest.sha256}  {file.name}"
        for file in record.statement.subject
        if _FILE.match(file.name)
    )
    return [*lines, fenced("\n".join(("sha256sum --check <<'END'", *files, "END")))]
