"""The page's own words: every one in both languages, none without use."""

from __future__ import annotations

import json
import re
from importlib.resources import files

import pytest

from evalsuite.errors import InvalidInput
from evalsuite.report import Interface, interface, render_html
from evalsuite.report.changes import Outcome
from evalsuite.report.conversations import TITLES
from evalsuite.report.notes import NOTES
from evalsuite.report.translations import chinese, said, table, translator
from evalsuite.report.view import WORDS
from evalsuite.runs import Tier
from evalsuite.runs.folder import Run

_TEMPLATES = files("evalsuite.report") / "templates"
_SAID = re.compile(r'\b(?:t|label|zh|say|aria)\("((?:[^"\\]|\\.)*)"')
_MADE = {
    *(outcome.capitalize() for outcome in Outcome),
    *TITLES.values(),
    *WORDS.values(),
    *(tier.value for tier in Tier),
    *NOTES,
    "User", "Assistant", "System", "cut off at the token limit",
    "This adapter may be promoted.", "This adapter must not be promoted.",
    "The evidence does not suffice to promote this adapter.",
    "This model may be promoted.", "This model must not be promoted.",
    "The evidence does not suffice to promote this model.",
}  # fmt: skip
"""Words that templates get from values."""


def _written() -> set[str]:
    parts = [entry for entry in (_TEMPLATES / "parts").iterdir() if entry.name.endswith(".html")]
    texts = [entry.read_text("utf-8") for entry in (*parts, _TEMPLATES / "report.html")]
    texts.append((_TEMPLATES / "report.js").read_text("utf-8"))
    return {word for text in texts for word in _SAID.findall(text)}


def test_the_table_holds_every_word_of_the_page_and_no_other() -> None:
    assert set(chinese()) == _written() | _MADE


def test_both_languages_name_the_same_values() -> None:
    for english, told in chinese().items():
        assert sorted(re.findall(r"\{\d\}", english)) == sorted(re.findall(r"\{\d\}", told))
        assert re.search("[\u4e00-\u9fff]", told), english


def test_a_word_without_chinese_is_an_error() -> None:
    with pytest.raises(InvalidInput, match=r"no Chinese for 'Nonsense'"):
        said("Nonsense", Interface.EN)


def test_only_languages_with_a_table_are_known() -> None:
    assert interface("zh") is Interface.ZH
    with pytest.raises(InvalidInput, match="language='fr': reports are written in en or zh"):
        interface("fr")


def test_values_are_escaped_and_made_visible() -> None:
    t = translator(Interface.EN)
    html = t("until {0}", "<b>\u202e")
    given = "[&#34;&lt;b&gt;[U+202E]&#34;]"
    shown = "until &lt;b&gt;[U+202E]"
    assert html == f'<span data-t="until {{0}}" data-a="{given}">{shown}</span>'


def test_the_table_cannot_end_its_script_element() -> None:
    assert "<" not in table()
    assert json.loads(table()) == chinese()


def test_a_chinese_page_says_its_own_words_in_chinese(failed: Run) -> None:
    html = render_html(failed, language=Interface.ZH)
    assert '<html lang="zh-Hans">' in html
    shown = dict(re.findall(r'<span data-t="([^"]+)" data-a="\[\]">([^<]*)</span>', html))
    assert len(shown) > 50
    assert all(chinese()[english] == told for english, told in shown.items())
    assert "<span data-t>" not in html
    assert "未通过的门禁：example_leakage" in html
