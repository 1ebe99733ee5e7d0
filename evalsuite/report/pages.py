"""What every page has in common: autoescaping, a style, and a policy that lets nothing else in.

Everything that came from a model or a case passes three barriers: invisible characters are named
(:mod:`evalsuite.report.safetext`), Jinja escapes every value, and the content security policy names
the digests of the package's own style and script, so that no other runs.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from datetime import datetime
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from evalsuite import __version__
from evalsuite.report.charts import drawing, hundredths, interval, number
from evalsuite.report.safetext import shortened, visible
from evalsuite.report.view import ICONS, WORDS
from evalsuite.runs import Status

_LONGEST = 4000
"""Characters of any single value; longer ones were written by nobody in good faith."""


@cache
def environment() -> Environment:
    """The one environment of every page: autoescaped, with the package's style and filters."""
    environment = Environment(
        loader=PackageLoader("evalsuite.report", "templates"),
        autoescape=True,
        # A value that a template lacks must fail, not leave a blank in a verdict.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters |= {
        "number": number,
        "hundredths": hundredths,
        "seconds": _seconds,
        "moment": _moment,
        "sentence": _sentence,
        "brief": _brief,
        "whole": _whole,
    }
    environment.globals |= {
        "css": _own("report.css"),
        "script": _own("report.js"),
        "sheet_script": _own("sheet.js"),
        "css_digest": _digest("report.css"),
        "script_digest": _digest("report.js"),
        "sheet_script_digest": _digest("sheet.js"),
        "drawing": drawing,
        "interval": interval,
        "icon": _icon,
        "words": WORDS,
        "version": __version__,
    }
    return environment


def _text(name: str) -> str:
    return (files("evalsuite.report") / "templates" / name).read_text(encoding="utf-8")


def _own(name: str) -> Markup:
    return Markup(_text(name))  # noqa: S704 - the package's own file


def _digest(name: str) -> str:
    """A source expression of Content Security Policy Level 3, section 2.3.1."""
    return f"sha256-{b64encode(hashlib.sha256(_text(name).encode()).digest()).decode()}"


def _finalize(value: object) -> object:
    """Cut every plain text that a template writes, and name its invisible characters."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return shortened(value, _LONGEST)
    return value


def _seconds(value: float) -> str:
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 120 else f"{value / 60:.1f} min"


def _moment(value: datetime) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S %Z")


def _sentence(value: str) -> str:
    """Return a clause as a sentence: a capital first, one full stop last."""
    return f"{value[:1].upper()}{value[1:].rstrip('.')}." if value else ""


def _brief(value: str, limit: int = 300) -> str:
    """Cut what has a place in a table only."""
    return shortened(value, limit)


def _whole(value: str) -> Markup:
    """Return a command as it is to be typed: nothing of it may be missing."""
    return Markup("{}").format(visible(value))


def _icon(status: Status) -> Markup:
    """Return the sign of a status; the word always stands beside it."""
    return Markup('<span class="icon" aria-hidden="true">{}</span>').format(ICONS[status])
