"""The HTML file: whole, inert, accessible."""

from __future__ import annotations

import hashlib
import re
import subprocess
from base64 import b64encode
from collections import Counter
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

from evalsuite.report import render_html, write_reports
from evalsuite.report.safetext import LIMIT
from evalsuite.report.translations import table
from evalsuite.runs.folder import Run
from tests.report.factory import LEAKS, hostile_run, write_run

VOID = {"meta", "br", "link", "img", "line", "circle", "rect", "input"}


class Page(HTMLParser):
    """Collects tags and attributes, and insists that tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def assert_inert(html: str) -> None:
    """Insist that a page shows hostile text, with a script and U+202E in it, and runs nothing."""
    page = Page(html)
    assert page.tags["img"] == 0
    own = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert set(own) <= {_own("report.js")}
    data = html.count('<script type="application/json" id="words">')
    assert page.tags["script"] == len(own) + data
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in "".join(page.text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html)
    assert "[U+202E]" in html


def _own(name: str) -> str:
    return (files("evalsuite.report") / "templates" / name).read_text("utf-8")


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    html = render_html(hostile_run(tmp_path / "run"))
    assert_inert(html)
    assert "[U+001B]" in html
    assert "49" not in re.findall(r"\{\{ 7\*7 \}\}|\b49\b", html)


def test_nothing_in_the_page_can_reach_out(tmp_path: Path) -> None:
    page = Page(render_html(hostile_run(tmp_path / "run")))
    for tag, name, value in page.attributes:
        assert name not in {"src", "srcset", "action", "style", "background"}, (tag, name)
        assert tag != "link"
        if name in {"href", "xlink:href"}:
            assert (value or "").startswith("#")
    assert not re.search(r"url\(|@import|</", _own("report.css"))
    reaching = r"fetch|XMLHttp|WebSocket|EventSource|sendBeacon|import|innerHTML|eval|Function\(|</"
    assert not re.search(reaching, _own("report.js"))


def _source(html: str, tag: str) -> str:
    """The source expression that allows the one element of a page."""
    content = re.search(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
    assert content is not None
    return f"'sha256-{b64encode(hashlib.sha256(content[1].encode()).digest()).decode()}'"


def test_the_content_security_policy_allows_the_own_style_and_script_and_nothing_else(
    passed: Run,
) -> None:
    html = render_html(passed)
    policy = (
        f"default-src 'none'; style-src {_source(html, 'style')}; "
        f"script-src {_source(html, 'script')}; base-uri 'none'; form-action 'none'"
    )
    assert f'http-equiv="Content-Security-Policy" content="{policy}"' in html
    assert html.index("Content-Security-Policy") < html.index("<style>")


def test_a_megabyte_line_is_cut_and_the_page_says_so(tmp_path: Path) -> None:
    html = render_html(hostile_run(tmp_path / "run", "evil " + "x" * 1_000_000))
    own = len(_own("report.css")) + len(_own("report.js")) + len(table())
    assert len(html) - own < 150_000
    assert (
        f"[… {1_000_005 - LIMIT:,} characters left out; all of them are in outputs.jsonl …]" in html
    )


@pytest.mark.parametrize("failing", [True, False])
def test_tables_have_captions_and_scopes_and_links_lead_somewhere(
    passed: Run, failed: Run, failing: bool
) -> None:
    page = Page(render_html(failed if failing else passed))
    assert page.tags["table"] == page.tags["caption"] > 0
    assert page.tags["th"] == sum(
        name == "scope" for tag, name, _ in page.attributes if tag == "th"
    )
    assert page.tags["h1"] == page.tags["main"] == 1
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    targets = {(value or "")[1:] for _, name, value in page.attributes if name == "href"}
    assert targets <= set(ids)
    labels = {value for _, name, value in page.attributes if name == "aria-labelledby"}
    assert labels <= set(ids)
    pictures = sum(tag == "svg" for tag, name, _ in page.attributes if name == "role")
    assert pictures == page.tags["title"] - 1 == page.tags["desc"]
    hidden = sum(tag == "svg" for tag, name, _ in page.attributes if name == "aria-hidden")
    assert page.tags["svg"] == pictures + hidden


def test_the_verdict_stands_first_with_icon_word_and_reason(failed: Run) -> None:
    text = "".join(Page(render_html(failed)).text)
    body = text[text.index("Skip to the verdict") :]
    assert body.index("✗ Failed") < body.index("This adapter must not be promoted.")
    assert body.index("Example leakage failed: 13.8 %") < body.index("Interval and limit")


def test_digests_counts_and_commands_are_all_there(passed: Run) -> None:
    html = render_html(passed)
    made = passed.info
    assert made.adapter is not None
    for digest in (
        made.base.digest, made.base.tokenizer_digest, made.adapter.digest, made.policy.digest,
        made.template_fingerprint, made.cases_digest, made.demonstrations_digest,
        made.engine.identity, *(file.sha256 for file in made.files.values()),
    ):  # fmt: skip
        assert digest in html
    assert "1,184 computed" in html
    assert "evalsuite gate --base-model nano" in html


def test_the_printed_check_of_the_files_works_in_a_shell(tmp_path: Path) -> None:
    run = write_run(tmp_path / "it's a run")
    text = "".join(Page(render_html(run)).text)
    command = text[text.index("(cd ") : text.index("\nEND") + 4]
    shell = ["bash", "-c", command]
    assert subprocess.run(shell, check=False, capture_output=True).returncode == 0
    (run.folder / "scores.jsonl").write_text("")
    done = subprocess.run(shell, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "scores.jsonl: FAILED" in done.stdout


def test_offending_spans_are_marked_with_their_reason(failed: Run) -> None:
    html = render_html(failed)
    for name in LEAKS.values():
        assert f'<mark title="demonstration entity">{name}</mark>' in html
    assert 'lang="zh-Hans"' in html


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_pair_of_text_and_ground_has_the_contrast_of_wcag_aa(scheme: str) -> None:
    css = _own("report.css")
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    colours = dict(
        re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", blocks[0 if scheme == "light" else 1])
    )
    pairs = [
        ("ink", g) for g in ("paper", "card", "soft", "user", "pass-soft", "fail-soft", "open-soft")
    ]  # fmt: skip
    pairs += [("quiet", g) for g in ("paper", "card", "soft", "user")]
    pairs += [("link", g) for g in ("paper", "card", "user")]
    pairs += [(tone, f"{tone}-soft") for tone in ("pass", "fail", "open")]
    pairs += [("fail", "card"), ("mark-ink", "mark"), ("control-ink", "control")]
    for front, ground in pairs:
        bright, dim = sorted((_luminance(colours[front]), _luminance(colours[ground])))[::-1]
        assert (bright + 0.05) / (dim + 0.05) >= 4.5, (scheme, front, ground)


def test_reports_are_written_beside_the_evidence(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    paths = write_reports(run, junit=True)
    assert [path.name for path in paths] == ["report.html", "report.md", "junit.xml"]
    assert all(path.stat().st_size > 500 for path in paths)
