"""evalsuite from its wheel, in an empty folder: golden cases come with it, results stay outside."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

import pytest

from evalsuite import __version__
from evalsuite.cases.casefiles import load_cases
from evalsuite.regressions import load_regressions

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
SOURCES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "evalsuite", "cases", "goldens")
SHIPPED = f"shipped with evalsuite {__version__}"
MOST_BYTES = 20_000_000


def run(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a program where only what is installed can be imported, quietly and to its end."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment,
    )


def well(*command: object, cwd: Path) -> str:
    """Run a program that has to succeed, and return what it printed."""
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a build reads, with a regression that a search left there."""
    folder = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copyfile(ROOT / name, folder / name)
    left = folder / "cases" / "regressions"
    left.mkdir(exist_ok=True)
    (left / "example_leakage-0123456789.yaml").write_text("found: {}\n", "utf-8")
    return folder


@pytest.fixture(scope="module")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by what is installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    well(sys.executable, "-m", "pip", "wheel", *options, "-w", folder, sources, cwd=folder)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel in it, and the packages of this one."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    well(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    programs = folder / "bin"
    pip = (sys.executable, "-m", "pip", "--python", programs / "python", "install")
    well(*pip, "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    # A path in a .pth file is searched last, and no .pth of an editable install there is read.
    (packages / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n", "utf-8")
    code = "import evalsuite; print(evalsuite.__file__)"
    imported = Path(well(programs / "python", "-c", code, cwd=folder).strip())
    assert imported.is_relative_to(packages)
    return programs


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The empty folder that a user works in."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def test_the_wheel_is_small(wheel: Path) -> None:
    assert 1_000_000 < wheel.stat().st_size < MOST_BYTES


def test_the_wheel_holds_what_ships_and_no_regression_of_this_checkout(programs: Path) -> None:
    (shipped,) = programs.parent.glob("lib/python*/site-packages/evalsuite/shipped")
    for name in ("cases", "goldens"):
        held = {p.relative_to(shipped / name): p.read_bytes() for p in files_of(shipped / name)}
        there = {p.relative_to(ROOT / name): p.read_bytes() for p in files_of(ROOT / name)}
        assert held == there


def files_of(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and "regressions" not in p.parts]


def test_a_wheel_can_be_built_from_the_source_archive(sources: Path, tmp_path: Path) -> None:
    code = "import setuptools.build_meta as b; print(b.build_sdist('.'))"
    unpacked = tmp_path / "unpacked"
    shutil.copytree(sources, tmp_path / "sources")
    well(sys.executable, "-c", code, cwd=tmp_path / "sources")
    (archive,) = (tmp_path / "sources").glob("*.tar.gz")
    with tarfile.open(archive) as held:
        held.extractall(unpacked, filter="data")
    (root,) = unpacked.iterdir()
    for name in ("cases", "goldens"):
        assert {p.relative_to(root) for p in files_of(root / name)} == {
            p.relative_to(ROOT) for p in files_of(ROOT / name)
        }
    assert not (root / "cases" / "regressions").exists()


def test_lint_checks_the_shipped_cases(programs: Path, here: Path) -> None:
    count = len(load_cases(ROOT / "cases"))
    told = well(programs / "evalsuite", "cases", "lint", cwd=here)
    assert told == f"{count} cases {SHIPPED}, nothing wrong\n"
    assert not list(here.iterdir())


def test_a_search_and_the_gate_after_it_work_in_an_empty_folder(
    programs: Path, here: Path, reckless: Path, small_policy: Path
) -> None:
    common = (
        "--adapter", reckless, "--policy", small_policy,
        "--cache", here.parent / "outputs.sqlite3",
    )  # fmt: skip
    search = ("search", "--budget", "60", "--most", "1", "--relations", "0")
    found = run(programs / "evalsuite", *search, *common, cwd=here)
    assert found.returncode == 1, found.stdout + found.stderr
    left = load_regressions(here / "cases" / "regressions")
    assert f"saved: cases/regressions/{left[0].case.id}.yaml" in found.stdout

    # The folder that the search made holds no golden case, so those that ship stay in force.
    told = well(programs / "evalsuite", "cases", "lint", cwd=here)
    assert told.endswith(f" cases {SHIPPED} and {len(left)} regressions, nothing wrong\n")
    gated = run(programs / "evalsuite", "gate", "--out", "reports/run", *common, cwd=here)
    assert gated.returncode in (0, 1, 2), gated.stdout + gated.stderr
    remark = f"The golden cases are those that ship with evalsuite {__version__}."
    assert remark in " ".join(gated.stdout.split())

    folder = here / "reports" / "run"
    assert json.loads((folder / "run.json").read_bytes())["cases"] == SHIPPED
    rows = [json.loads(line) for line in (folder / "cases.jsonl").read_text("utf-8").splitlines()]
    asked = {row["case_id"] for row in rows}
    assert asked >= {case.id for case in load_cases(ROOT / "cases")}
    assert asked >= {item.case.id for item in left}
