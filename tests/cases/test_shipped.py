"""Which folder golden cases come from: the one that is named, the user's own, or what ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalsuite import __version__
from evalsuite.cases.casefiles import load_cases
from evalsuite.cases.shipped import case_folders, shipped_version
from evalsuite.cli import main
from evalsuite.errors import InvalidInput
from evalsuite.pipeline import GateRequest, check

ROOT = Path(__file__).parent.parent.parent
BAD = "cases:\n  - id: a\n    langauge: en\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_empty_folder_has_the_shipped_cases(here: Path) -> None:
    found = case_folders()
    assert found.shipped
    assert found.origin == f"shipped with evalsuite {__version__}"
    assert shipped_version(found.origin) == __version__
    assert found.regressions == Path("cases/regressions")
    assert load_cases(found.goldens) == load_cases(ROOT / "cases")


def test_a_folder_of_the_users_own_comes_first(here: Path, few_cases: Path) -> None:
    (here / "cases").mkdir()
    (here / "cases" / "nano_en.yaml").write_bytes((few_cases / "nano_en.yaml").read_bytes())
    found = case_folders()
    assert not found.shipped
    assert shipped_version(found.origin) is None
    assert (found.goldens, found.origin) == (Path("cases"), str(here / "cases"))
    assert found.regressions == Path("cases/regressions")


def test_a_folder_of_regressions_alone_leaves_the_shipped_cases_in_force(here: Path) -> None:
    (here / "cases" / "regressions").mkdir(parents=True)
    (here / "cases" / ".gitkeep").touch()
    found = case_folders()
    assert found.shipped
    assert found.regressions == Path("cases/regressions")


def test_what_is_named_is_taken_whether_or_not_it_exists(here: Path) -> None:
    (here / "mine" / "regressions").mkdir(parents=True)
    for name in ("mine", "missing"):
        found = case_folders(Path(name))
        assert (found.goldens, found.regressions) == (Path(name), Path(name) / "regressions")
        assert not found.shipped


def test_cases_are_looked_for_below_the_root_that_a_caller_names(here: Path) -> None:
    found = case_folders(root=here / "project")
    assert found.shipped
    assert found.regressions == here / "project" / "cases" / "regressions"
    assert case_folders(root=ROOT).goldens == ROOT / "cases"


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_mistake_of_the_users_is_named_and_not_passed_over(here: Path, kind: str) -> None:
    if kind == "file":
        (here / "cases").write_text("cases: []\n", "utf-8")
    else:
        (here / "cases").symlink_to(here / "moved-away")
    with pytest.raises(InvalidInput, match=r"cases='cases' (is a file|does not exist)"):
        check(GateRequest(adapter=here))


def test_a_named_folder_that_is_missing_is_an_error(here: Path) -> None:
    with pytest.raises(InvalidInput, match="cases='mine' does not exist; run from the project's"):
        check(GateRequest(adapter=here, cases=Path("mine")))


def test_a_gate_in_an_empty_folder_reads_what_one_in_a_checkout_reads(here: Path) -> None:
    found, known = (check(GateRequest(adapter=here, root=root)) for root in (here, ROOT))
    assert found.goldens == known.goldens
    assert found.demonstrations == known.demonstrations
    assert (found.folders.shipped, known.folders.shipped) == (True, False)


def test_lint_checks_the_shipped_cases_where_a_user_has_none(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cases", "lint"]) == 0
    shipped = f" cases shipped with evalsuite {__version__}, nothing wrong\n"
    assert capsys.readouterr().out.endswith(shipped)


def test_lint_checks_the_users_own_cases_and_regressions(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "cases" / "regressions").mkdir(parents=True)
    (here / "cases" / "regressions" / "broken.yaml").write_text("found: {}\n", "utf-8")
    assert main(["cases", "lint"]) == 1
    assert capsys.readouterr().out.startswith("cases/regressions/broken.yaml:1: ")
    (here / "cases" / "mine_en.yaml").write_text(BAD, "utf-8")
    assert main(["cases", "lint"]) == 1
    assert "cases/mine_en.yaml:3: " in capsys.readouterr().out
