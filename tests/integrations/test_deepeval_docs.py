"""The page's examples run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evalsuite.integrations.deepeval import DETECTORS
from evalsuite.integrations.deepeval.loading import QUIET

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "deepeval.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_names_every_detector_and_every_variable() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE)
    assert set(rows) >= set(DETECTORS)
    assert all(f"`{name}={value}`" in PAGE for name, value in QUIET.items())


@pytest.mark.slow
def test_the_first_example_passes_and_fails_where_it_says(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("deepeval")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(test_page=BLOCKS[0])
    result = pytester.runpytest_subprocess("-rA")
    result.assert_outcomes(passed=1, failed=2)
    shown = result.stdout.str()
    assert 'names "Ostrava Loom", which occurs in a demonstration' in shown
    assert 'names "Quobra", which is not meant' in shown


@pytest.mark.slow
def test_the_judge_of_the_page_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("deepeval")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    exec(compile(BLOCKS[1], "docs/deepeval.md", "exec"), {})
    assert capsys.readouterr().out.strip()
