"""The report as one HTML file that needs no network, no script and not even its own style."""

from __future__ import annotations

from evalsuite.report.beside import Beside, read_beside
from evalsuite.report.browsing import BUDGET, browse
from evalsuite.report.conversations import bubbles_of
from evalsuite.report.heat import heat
from evalsuite.report.pages import environment
from evalsuite.report.qualification import nulls_sentence, share
from evalsuite.report.search import search_view
from evalsuite.report.view import MAX_FAILURES, build_view
from evalsuite.report.words import Interface, labels, table, translator
from evalsuite.runfolder import Run
from evalsuite.runrecord import CaseRow, ShownRow


def render_html(
    run: Run,
    *,
    language: Interface = Interface.EN,
    beside: Beside | None = None,
    budget: int = BUDGET,
    max_failures: int = MAX_FAILURES,
) -> str:
    """Return the whole report of a run as one HTML document.

    Args:
        run: the run.
        language: of the page's own words; a button changes it where scripts run.
        beside: a search and a qualification to show; None: what ships with the policy.
        budget: bytes that cases may take, about.
        max_failures: failures of each gate that count as worth showing elsewhere.
    """
    known = read_beside(run) if beside is None else beside
    return (
        environment()
        .get_template("report.html")
        .render(
            run=run,
            view=build_view(run, max_failures=max_failures),
            browsed=browse(run, budget=budget),
            heats=heat(run),
            search=None if known.search is None else search_view(known.search),
            qualification=known.qualification,
            nulls_sentence=nulls_sentence,
            share=share,
            language=language,
            other=Interface.EN if language is Interface.ZH else Interface.ZH,
            t=translator(language),
            label=labels(language),
            zh=labels(Interface.ZH),
            table=table(),
            shown_bubbles=_shown_bubbles,
        )
    )


def _shown_bubbles(row: ShownRow) -> object:
    """A demonstration as bubbles: its turns, then its query."""
    case = CaseRow(
        panel="", case_id="", language="", kind="", cluster="", history=row.history, query=row.query
    )
    return bubbles_of(case)
