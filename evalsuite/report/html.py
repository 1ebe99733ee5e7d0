"""The report as one HTML file that needs no network, no script and not even its own style."""

from __future__ import annotations

from collections.abc import Mapping

from evalsuite.report.attachments import Attachments, read_attachments
from evalsuite.report.cardhtml import BUDGET, draw
from evalsuite.report.changes import Outcome, Section
from evalsuite.report.heatmap import heat
from evalsuite.report.metrics import missing_note, set_metrics
from evalsuite.report.pages import environment
from evalsuite.report.qualification import nulls_sentence, share
from evalsuite.report.search import search_view
from evalsuite.report.translations import Interface, aria, labels, table, translator
from evalsuite.report.view import build_view
from evalsuite.runs.folder import Run


def render_html(
    run: Run,
    *,
    language: Interface = Interface.EN,
    attachments: Attachments | None = None,
    budget: int = BUDGET,
) -> str:
    """Return the whole report of a run as one HTML document.

    Args:
        run: the run.
        language: of the page's own words; a button changes it where scripts run.
        attachments: a search and a qualification to show; None: what ships with the policy.
        budget: bytes that cases and demonstrations may take.
    """
    known = read_attachments(run) if attachments is None else attachments
    view = build_view(run, max_failures=0)
    words = {
        "t": translator(language),
        "label": labels(language),
        "zh": labels(Interface.ZH),
        "aria": aria(language),
        "language": language,
        # Cards name sections by number: thousands of them would repeat long names.
        "section_numbers": {section: at for at, section in enumerate(view.case_outcomes.counts)},
    }
    return (
        environment()
        .get_template("report.html")
        .render(
            **words,
            run=run,
            view=view,
            outcomes=_outcomes(view.case_outcomes.counts),
            drawn=draw(run, view.case_outcomes, environment(), words, budget),
            heats=heat(run),
            metrics=set_metrics(run),
            metrics_missing=missing_note(),
            search=None if known.search is None else search_view(known.search),
            qualification=known.qualification,
            nulls_sentence=nulls_sentence,
            share=share,
            other=Interface.EN if language is Interface.ZH else Interface.ZH,
            table=table(),
        )
    )


def _outcomes(counts: Mapping[Section, Mapping[Outcome, int]]) -> tuple[Outcome, ...]:
    """The four buckets, and those without a comparison where there are such cases."""
    always = (Outcome.REGRESSED, Outcome.STILL_FAILING, Outcome.FIXED, Outcome.UNCHANGED)
    return tuple(o for o in Outcome if o in always or any(n[o] for n in counts.values()))
