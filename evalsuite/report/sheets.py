"""A sheet that a person fills in a browser: one file, offline, kept until it is saved as CSV."""

from __future__ import annotations

from collections.abc import Mapping

from evalsuite.report.pages import environment

FEW = 4
"""Choices that stand side by side; of more, one is picked from a list."""


def render_sheet(data: Mapping[str, object]) -> str:
    """Return the page of a sheet, from its JSON data.

    The texts stand in it twice: for people, and as the very cells of the CSV that the page saves.
    """
    return environment().get_template("sheet.html").render(data=data, few=FEW)
