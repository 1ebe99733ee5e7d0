"""The words of a page's own, in English and Chinese; what a run recorded stays as it was said.

Templates write English and pass it through ``t``. A page is rendered in one language and carries
the other in a table, so that a button can change it where scripts run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from importlib.resources import files

from markupsafe import Markup

from evalsuite.errors import InvalidInput
from evalsuite.report.safetext import shortened

_PLACE = re.compile(r"\{(\d)\}")


class Interface(StrEnum):
    """The language of a page's own words."""

    EN = "en"
    ZH = "zh"

    @property
    def tag(self) -> str:
        """The language tag of BCP 47."""
        return "zh-Hans" if self is Interface.ZH else "en"


@cache
def chinese() -> dict[str, str]:
    """Return the table of words: English to Chinese."""
    text = (files("evalsuite.report") / "words_zh.json").read_text(encoding="utf-8")
    table: dict[str, str] = json.loads(text)
    return table


def interface(name: str) -> Interface:
    """Return the language called ``name``.

    Raises:
        InvalidInput: a page is not written in that language.
    """
    try:
        return Interface(name)
    except ValueError:
        raise InvalidInput(f"language={name!r}: reports are written in en or zh") from None


def said(english: str, language: Interface, *values: object) -> str:
    """Return a text in ``language`` with ``values`` at its ``{0}``, ``{1}``.

    Raises:
        InvalidInput: the table has no such text.
    """
    if english not in chinese():
        raise InvalidInput(f"words_zh.json has no Chinese for {english!r}; add it")
    pattern = chinese()[english] if language is Interface.ZH else english
    return _PLACE.sub(lambda match: str(values[int(match[1])]), pattern)


def translator(language: Interface) -> Callable[..., Markup]:
    """Return ``t`` for templates: a text that a script can turn into the other language."""

    def t(english: str, *values: object) -> Markup:
        values = tuple(shortened(str(value), 300) for value in values)
        text = said(english, language, *values)
        if not values and language is Interface.EN:
            # The text is its own name.
            return Markup("<span data-t>{}</span>").format(text)
        given = json.dumps([str(value) for value in values], ensure_ascii=False)
        return Markup('<span data-t="{}" data-a="{}">{}</span>').format(english, given, text)

    return t


def labels(language: Interface) -> Callable[..., str]:
    """Return ``label`` for templates: a text for an attribute or an option."""

    def label(english: str, *values: object) -> str:
        return said(english, language, *values)

    return label


def aria(language: Interface) -> Callable[..., Markup]:
    """Return ``aria`` for templates: an accessible name as an attribute that a script can turn."""

    def named(english: str, prefix: str = "") -> Markup:
        text = f"{prefix}{said(english, language)}"
        return Markup('aria-label="{}" data-label="{}" data-prefix="{}"').format(
            text, english, prefix
        )

    return named


def table() -> Markup:
    """Return the words as JSON that is safe inside a script element."""
    text = json.dumps(chinese(), ensure_ascii=False, sort_keys=True)
    # A ``</script>`` in a word would end the element; JSON reads the escape back.
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - the package's own words
