"""Reports: a read-only view of a finished run, in the formats that people and machines read."""

from __future__ import annotations

from pathlib import Path

from evalsuite.report.attachments import Attachments, read_attachments
from evalsuite.report.calibration import calibration_text, render_calibration
from evalsuite.report.comparison import comparison_markdown, comparison_text
from evalsuite.report.github import workflow_commands
from evalsuite.report.html import render_html
from evalsuite.report.junit import gate_properties, render_junit, run_properties
from evalsuite.report.markdown import render_markdown
from evalsuite.report.policies import policy_diff_markdown, policy_diff_text
from evalsuite.report.promotions import history_markdown, history_text
from evalsuite.report.qualification import qualification_text, render_qualification
from evalsuite.report.review import render_review, review_text
from evalsuite.report.search import render_search, search_text
from evalsuite.report.sheets import render_sheet
from evalsuite.report.terminal import summary, summary_text
from evalsuite.report.translations import Interface, interface
from evalsuite.runs.folder import Run, write_derived

__all__ = [
    "Attachments",
    "Interface",
    "calibration_text",
    "comparison_markdown",
    "comparison_text",
    "gate_properties",
    "history_markdown",
    "history_text",
    "interface",
    "policy_diff_markdown",
    "policy_diff_text",
    "qualification_text",
    "read_attachments",
    "render_calibration",
    "render_html",
    "render_junit",
    "render_markdown",
    "render_qualification",
    "render_review",
    "render_search",
    "render_sheet",
    "review_text",
    "run_properties",
    "search_text",
    "summary",
    "summary_text",
    "workflow_commands",
    "write_reports",
]


def write_reports(
    run: Run,
    *,
    junit: bool = False,
    language: Interface = Interface.EN,
    attachments: Attachments | None = None,
) -> tuple[Path, ...]:
    """Write ``report.html`` and ``report.md`` (and ``junit.xml``) into the run's folder.

    Args:
        run: the run.
        junit: whether to write ``junit.xml`` too.
        language: of the page's own words.
        attachments: a search and a qualification for the page; None: what ships with the policy.

    Returns:
        The files that were written, ``report.html`` first.

    Raises:
        RunStorageError: the folder refuses them; older reports stay.
    """
    page = render_html(run, language=language, attachments=attachments)
    texts = {"report.html": page, "report.md": render_markdown(run)}
    if junit:
        texts["junit.xml"] = render_junit(run)
    return tuple(write_derived(run, name, text) for name, text in texts.items())
