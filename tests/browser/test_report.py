"""The report in a real browser: found, narrowed, linked, inert, and fit for everybody."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from evalsuite.report import Interface, render_html
from evalsuite.runs.folder import Run
from tests.browser.conftest import Opener
from tests.report.factory import CHINESE, ENGLISH, HOSTILE, write_run

pytestmark = [
    pytest.mark.browser,
    # The driver closes its pipes when the interpreter ends, after the warnings filter is set.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
PHONE = {"width": 390, "height": 844}
OPEN_ALL = "document.querySelectorAll('details').forEach((one) => { one.open = true })"


@pytest.fixture
def page_file(failed_run: Run, tmp_path: Path) -> Path:
    return _written(tmp_path, render_html(failed_run))


def _written(folder: Path, html: str) -> Path:
    file = folder / "report.html"
    file.write_text(html, "utf-8")
    return file


def _cards(page: Any) -> int:
    return int(page.locator("#cards > details:visible").count())


def _expect(page: Any, selector: str) -> Any:
    """Wait, without scripts in the page: its own policy allows none."""
    from playwright.sync_api import expect

    return expect(page.locator(selector))


def _anchor(page: Any, at: int) -> str:
    return str(page.locator("#cards > details > .body").nth(at).get_attribute("id"))


@pytest.mark.parametrize("viewport", [{"width": 1440, "height": 900}, PHONE])
def test_the_verdict_is_seen_without_scrolling(
    open_page: Opener, page_file: Path, viewport: dict[str, int]
) -> None:
    page = open_page(page_file, viewport=viewport).page
    heading = page.get_by_role("heading", level=1)
    assert heading.inner_text().split() == ["✗", "Failed"]
    box = heading.bounding_box()
    assert box["y"] + box["height"] < viewport["height"]
    assert "13.8 % of the answers" in page.locator(".sentence").inner_text()


@pytest.mark.parametrize("viewport", [{"width": 1440, "height": 900}, PHONE])
def test_nothing_is_wider_than_the_window(
    open_page: Opener, page_file: Path, nasty_run: Run, viewport: dict[str, int], tmp_path: Path
) -> None:
    for file in (page_file, _written(tmp_path, render_html(nasty_run))):
        page = open_page(file, viewport=viewport).page
        page.evaluate(OPEN_ALL)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_search_and_filters_narrow_and_are_undone(open_page: Opener, page_file: Path) -> None:
    page = open_page(page_file).page
    every = _cards(page)
    assert page.locator("#count").inner_text() == f"Showing {every} of {every} cases"
    page.fill("#words-sought", "青崖国")
    _expect(page, "#count").to_have_text(re.compile("^Showing 2 of"))
    assert _cards(page) == 2
    page.fill("#words-sought", "no such words")
    page.wait_for_selector("#nothing:visible")
    page.click("button[type=reset]")
    page.wait_for_selector("#nothing", state="hidden")
    assert _cards(page) == every
    page.select_option("#by-bucket", label="Regressed")
    _expect(page, "#count").to_have_text(re.compile("^Showing 2 of"))
    page.select_option("#by-language", "en")
    _expect(page, "#count").to_have_text(re.compile("^Showing 1 of"))
    assert page.locator("#cards > details:visible .case").inner_text() == ENGLISH.id


def test_a_gate_in_the_table_leads_to_its_cases(open_page: Opener, page_file: Path) -> None:
    page = open_page(page_file).page
    page.get_by_role("row").get_by_role("link", name="example_leakage").click()
    chosen = page.locator("#by-gate option:checked")
    _expect(page, "#by-gate option:checked").to_have_text("example_leakage")
    number = chosen.get_attribute("value")
    shown = page.locator("#cards > details:visible")
    parts = shown.evaluate_all("(cards) => cards.map((card) => card.dataset.p)")
    assert parts
    assert all(any(one.startswith(f"{number}.") for one in told.split()) for told in parts)


def test_filters_find_as_many_cases_as_the_table_counts(open_page: Opener, page_file: Path) -> None:
    page = open_page(page_file).page
    outcomes = page.locator("#by-bucket option").evaluate_all("(all) => all.map((o) => o.value)")[
        1:
    ]
    parts = page.locator("#by-gate option").evaluate_all("(all) => all.map((o) => o.value)")[1:]
    for row, part in enumerate(parts):
        cells = page.locator(".buckets tbody tr").nth(row).locator("td.num").all_text_contents()
        for outcome, counted in zip(outcomes, cells, strict=True):
            page.select_option("#by-gate", part)
            page.select_option("#by-bucket", outcome)
            _expect(page, "#count").to_have_text(re.compile(f"^Showing {counted} of"))


def test_cases_can_be_ordered_by_name(open_page: Opener, page_file: Path) -> None:
    page = open_page(page_file).page
    page.select_option("#order", "name")
    names = page.locator("#cards .case").all_text_contents()
    assert names == sorted(names)
    assert names[0] == ENGLISH.id


def test_a_link_opens_its_case_though_a_filter_hides_it(open_page: Opener, page_file: Path) -> None:
    first = open_page(page_file).page
    last = _cards(first) - 1
    anchor = _anchor(first, last)
    page = open_page(page_file, fragment=f"#{anchor}").page
    assert page.locator(f"#{anchor}").is_visible()
    first.fill("#words-sought", "no such words")
    first.wait_for_selector("#nothing:visible")
    first.evaluate(f"location.hash = '{anchor}'")
    first.wait_for_selector(f"#{anchor}:visible")


def test_a_link_opens_its_case_without_scripts(open_page: Opener, page_file: Path) -> None:
    anchor = _anchor(open_page(page_file).page, 4)
    page = open_page(page_file, fragment=f"#{anchor}", java_script_enabled=False).page
    assert page.locator(f"#{anchor}").is_visible()


def test_keys_lead_through_the_cases(open_page: Opener, page_file: Path) -> None:
    page = open_page(page_file).page
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "words-sought"
    page.keyboard.press("Escape")
    focused = "document.activeElement.querySelector('.case')?.textContent"
    names = page.locator("#cards .case").all_text_contents()
    for key, at in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        assert page.evaluate(focused) == names[at]
    card = page.locator("#cards > details").nth(1)
    before = card.evaluate("(one) => one.open")
    page.keyboard.press("Enter")
    assert card.evaluate("(one) => one.open") is not before


def test_digests_and_commands_can_be_copied(open_page: Opener, page_file: Path) -> None:
    page = open_page(page_file, permissions=["clipboard-read", "clipboard-write"]).page
    page.locator(".provenance .copy").first.click()
    page.get_by_text("Copied").wait_for()
    digest = page.locator(".provenance .digest").first.inner_text()
    assert page.evaluate("navigator.clipboard.readText()") == digest


def test_the_other_language_comes_and_goes(
    open_page: Opener, failed_run: Run, tmp_path: Path
) -> None:
    page = open_page(_written(tmp_path, render_html(failed_run))).page
    before = page.locator("main").text_content()
    page.click("#language")
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    assert page.get_by_role("heading", level=1).inner_text().split() == ["✗", "未通过"]
    assert "显示 6 个用例中的 6 个" in page.locator("#count").inner_text()
    words = page.locator("[data-t]").all_text_contents()
    assert not [word for word in words if word in {"Gate", "Cases", "Expected", "Candidate"}]
    page.click("#language")
    assert page.locator("main").text_content() == before
    chinese = open_page(_written(tmp_path, render_html(failed_run, language=Interface.ZH))).page
    chinese.click("#language")
    assert "What changed against the base" in chinese.locator("main").text_content()


def test_nothing_is_asked_of_anybody(
    open_page: Opener, page_file: Path, nasty_run: Run, tmp_path: Path
) -> None:
    for file in (page_file, _written(tmp_path, render_html(nasty_run))):
        opened = open_page(file)
        opened.page.evaluate(OPEN_ALL)
        opened.page.wait_for_timeout(200)
        assert opened.asked == [file.absolute().as_uri()]
        assert opened.told == []


def test_hostile_text_runs_nothing_and_can_be_read(
    open_page: Opener, nasty_run: Run, tmp_path: Path
) -> None:
    opened = open_page(_written(tmp_path, render_html(nasty_run)))
    opened.page.wait_for_timeout(200)
    assert opened.dialogs == []
    assert opened.page.locator("img, iframe, object, embed, link").count() == 0
    assert opened.page.locator("script").count() == 2
    text = opened.page.locator("#cards").text_content()
    assert "<script>alert(1)</script><img src=x onerror=alert(1)>" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text)
    assert HOSTILE not in text


def test_a_megabyte_line_neither_hangs_nor_widens_the_page(
    open_page: Opener, tmp_path: Path
) -> None:
    from tests.report.factory import hostile_run

    run = hostile_run(tmp_path / "run", "evil " + "x" * 1_000_000)
    page = open_page(_written(tmp_path, render_html(run)), viewport=PHONE).page
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize(
    "attack",
    [
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; "
        "document.body.append(s)",
        "const d = document.createElement('div'); d.setAttribute('onclick', 'window.ran = 1'); "
        "document.body.append(d); d.click()",
        "const a = document.createElement('a'); a.href = 'javascript:window.ran = 1'; "
        "document.body.append(a); a.click()",
        "const i = new Image(); i.src = 'https://example.invalid/x.png'; document.body.append(i)",
    ],
)
def test_the_policy_of_the_page_stops_what_might_slip_in(
    open_page: Opener, page_file: Path, attack: str
) -> None:
    opened = open_page(page_file)
    opened.page.evaluate(
        "window.stopped = []; addEventListener('securitypolicyviolation', "
        "(event) => stopped.push(event.effectiveDirective))"
    )
    opened.page.evaluate(attack)
    for _ in range(50):
        if opened.page.evaluate("stopped.length"):
            break
        opened.page.wait_for_timeout(20)
    assert opened.page.evaluate("stopped.length") > 0
    assert opened.page.evaluate("window.ran") is None
    assert opened.answered == [page_file.absolute().as_uri()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [{"width": 1440, "height": 900}, PHONE])
@pytest.mark.parametrize("language", list(Interface))
def test_no_serious_fault_for_people_with_a_disability(
    open_page: Opener, failed_run: Run, tmp_path: Path, viewport: Any, scheme: str, language: Any
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    file = _written(tmp_path, render_html(failed_run, language=language))
    page = open_page(file, viewport=viewport, color_scheme=scheme).page
    page.evaluate(OPEN_ALL)
    # The checker asks what lies at a point, and cards that were not drawn yet lie nowhere.
    page.evaluate(
        "document.styleSheets[0].insertRule('.card { content-visibility: visible !important }', "
        "document.styleSheets[0].cssRules.length)"
    )
    found = axe.Axe().run(page).response["violations"]
    serious = [
        (one["id"], [node["html"][:120] for node in one["nodes"][:3]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_the_checker_of_faults_finds_one(open_page: Opener, page_file: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = open_page(page_file).page
    page.evaluate("document.querySelectorAll('.filter label span').forEach((s) => s.remove())")
    found = axe.Axe().run(page).response["violations"]
    assert "select-name" in {one["id"] for one in found}


def test_everything_can_be_read_without_scripts_and_styles(
    open_page: Opener, failed_run: Run, tmp_path: Path
) -> None:
    bare = re.sub(r"<style>.*?</style>", "", render_html(failed_run), flags=re.DOTALL)
    page = open_page(_written(tmp_path, bare), java_script_enabled=False).page
    text = page.locator("main").inner_text()
    order = ["Failed", "What changed against the base", "Where the defects lie", "Reproduce"]
    assert [text.index(word) for word in order] == sorted(text.index(word) for word in order)
    assert page.locator("#filter").is_hidden()
    assert page.locator("#cards > details").count() == 6
    whole = page.locator("#cards").text_content()
    assert ENGLISH.query in whole
    assert CHINESE.query in whole


def test_colours_follow_the_system(open_page: Opener, page_file: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = open_page(page_file, color_scheme="light").page.evaluate(ground)
    dark = open_page(page_file, color_scheme="dark").page.evaluate(ground)
    assert (
        sum(map(int, re.findall(r"\d+", light)))
        > 700
        > 200
        > sum(map(int, re.findall(r"\d+", dark)))
    )


def test_it_prints_to_a_few_pages_without_its_controls(open_page: Opener, page_file: Path) -> None:
    page = open_page(page_file).page
    page.emulate_media(media="print")
    assert page.locator("#filter").is_hidden()
    assert page.locator(".copy").first.is_hidden()
    printed = page.pdf(format="A4")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 6


def test_two_thousand_cases_fit_into_five_megabytes_and_are_narrowed(
    open_page: Opener, tmp_path: Path
) -> None:
    run = write_run(tmp_path / "run", failing=True, copies=700)
    html = render_html(run)
    assert len(html.encode()) <= 5_000_000
    page = open_page(_written(tmp_path, html)).page
    assert page.locator("#cards > details").count() >= 2000
    page.fill("#words-sought", "lighthouse")
    # The good cases of one kind; what did not fit is good, too.
    _expect(page, "#count").to_have_text(re.compile(r"^Showing 6\d\d of 2\d\d\d cases"))
    assert "tallest" in page.locator("#cards > details:visible").first.text_content()


def test_an_answer_leads_to_the_demonstrations_that_its_prompt_showed(
    open_page: Opener, page_file: Path
) -> None:
    page = open_page(page_file).page
    page.locator("#cards > details[open] .answer a").first.click()
    page.wait_for_selector("#shown-A:visible")
    _expect(page, "#shown-A").to_be_in_viewport()
    assert "Who built the Ostrava Loom?" in page.locator("#shown-A").inner_text()


@pytest.mark.parametrize("viewport", [{"width": 1440, "height": 900}, PHONE])
@pytest.mark.parametrize("scripts", [True, False])
def test_links_lead_to_their_place_however_long_the_page_is(
    open_page: Opener, tmp_path: Path, viewport: dict[str, int], scripts: bool
) -> None:
    file = _written(tmp_path, render_html(write_run(tmp_path / "run", failing=True, copies=300)))
    far = _anchor(open_page(file).page, 700)
    top = "(id) => document.getElementById(id).getBoundingClientRect().top"
    for target in (far, "sight", "provenance"):
        page = open_page(
            file, fragment=f"#{target}", viewport=viewport, java_script_enabled=scripts
        ).page
        page.wait_for_timeout(700)
        if scripts:
            assert 0 <= page.evaluate(top, target) <= 350
        else:
            box = page.locator(f"#{target}").bounding_box()
            assert 0 <= box["y"] <= 350


def test_escape_leaves_the_search_and_shows_all_cases_again(
    open_page: Opener, page_file: Path
) -> None:
    page = open_page(page_file).page
    every = page.locator("#count").inner_text()
    page.keyboard.press("/")
    page.keyboard.type("lighthouse")
    _expect(page, "#count").not_to_have_text(every)
    page.keyboard.press("Escape")
    _expect(page, "#count").to_have_text(every)
    assert page.input_value("#words-sought") == ""
