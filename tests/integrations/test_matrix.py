from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.cli import parser
from evalsuite.errors import InvalidInput
from evalsuite.integrations.matrix import Entry, load_matrix
from tests.registry.world import World

ROOT = Path(__file__).parent.parent.parent
TABLE = """
[tool.evalsuite.matrix]
recipes = ["lora", "dora"]
adapter = "trained/{base}/{recipe}"

[tool.evalsuite.matrix.bases.nano]
model = "nano"

[tool.evalsuite.matrix.bases.qwen]
model = "Qwen/Qwen2.5-3B-Instruct"
recipes = ["qdora", "recipes/ours.yaml"]
policy = "policies/strict.yaml"
dtype = "bfloat16"
device = "cuda"
options = ["--batch-tokens", "8192"]
run = "runs/{recipe}-of-{base}"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A ``pyproject.toml`` with a table of two bases."""
    path = tmp_path / "pyproject.toml"
    path.write_text(TABLE, "utf-8")
    return path


def test_every_recipe_of_every_base_is_an_entry(project: Path) -> None:
    entries = load_matrix(project)
    assert [(entry.base, entry.recipe) for entry in entries] == [
        ("nano", "lora"), ("nano", "dora"), ("qwen", "qdora"), ("qwen", "recipes/ours.yaml"),
    ]  # fmt: skip
    assert entries[1] == Entry(
        base="nano", recipe="dora", model="nano", adapter="trained/nano/dora",
        run="reports/nano-dora",
    )  # fmt: skip
    assert entries[3].adapter == "trained/qwen/ours"
    assert entries[3].run == "runs/ours-of-qwen"


def test_a_base_is_gated_with_what_its_table_says(project: Path) -> None:
    entry = load_matrix(project)[2]
    assert entry.gate_command() == (
        "evalsuite", "gate", "--base-model", "Qwen/Qwen2.5-3B-Instruct",
        "--adapter", "trained/qwen/qdora", "--out", "runs/qdora-of-qwen",
        "--policy", "policies/strict.yaml", "--dtype", "bfloat16", "--device", "cuda",
        "--batch-tokens", "8192",
    )  # fmt: skip
    assert entry.gate_command("elsewhere")[5] == "elsewhere"


def test_the_command_line_takes_every_command_of_the_matrix(project: Path) -> None:
    for entry in load_matrix(project):
        assert parser().parse_args(entry.train_command()[1:]).run
        assert parser().parse_args(entry.gate_command()[1:]).batch_tokens in (None, 8192)


def test_bases_can_be_chosen_and_one_without_a_row_is_a_model(project: Path) -> None:
    entries = load_matrix(project, only=["owner/model", "nano"])
    assert [entry.base for entry in entries] == ["owner/model"] * 2 + ["nano"] * 2
    assert (entries[0].model, entries[0].adapter) == ("owner/model", "trained/owner/model/lora")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("policy =", "polcy =", r"matrix\.bases\.qwen\.polcy is not known; known are adapter, de"),
        ("recipes = [\"lora", "recipe = [\"lora", r"matrix\.recipe is not known"),
        ('dtype = "bfloat16"', 'dtype = "fp8"', r"qwen\.dtype='fp8' must be one of auto, float32"),
        ('device = "cuda"', "device = 0", r"qwen\.device=0 must be a text"),
        ('model = "nano"', "", r"matrix\.bases\.nano\.model is missing: nano, a folder"),
        ('["lora", "dora"]', "[]", r"matrix\.recipes=\[\] must name at least one recipe"),
        ('["lora", "dora"]', '["lora", "lora"]', "and none twice"),
        ('["lora", "dora"]', '"lora"', r"matrix\.recipes='lora' must be a list of texts"),
        ('["lora", "dora"]\n', '["lora"]\nbases = 3\n[x]\n', r"matrix\.bases must be a table"),
        ('recipes = ["lora", "dora"]', "", r"matrix\.bases\.nano\.recipes is missing"),
        ("8192\"", "8192\", 1", r"qwen\.options=.* must be a list of texts"),
        ("{recipe}-of", "{seed}-of", r"qwen\.run='runs/\{seed\}-of.*may hold \{base\} and"),
        ("{recipe}-of", "{recipe", r"qwen\.run=.*braces stand around"),
        ("{recipe}-of", "run-of", r"run='runs/run-of-qwen' is the folder of recipe 'qdora' on"),
        ("bases.nano]", 'bases."a/b"]', r"bases\.a/b: sessions and folders go by the name"),
        ("[tool.evalsuite.matrix]", "[tool.evalsuite.matrix", "is not TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_table_is_named_by_its_key(
    project: Path, old: str, new: str, reason: str
) -> None:
    assert old in TABLE
    text = TABLE.replace(old, new, 1)
    if new.endswith("[x]\n"):  # a table would define the key a second time
        text = text.partition("[x]")[0]
    project.write_text(text, "utf-8")
    with pytest.raises(InvalidInput, match=reason):
        load_matrix(project)


def test_a_file_without_the_table_or_no_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.evalsuite]\nmatrix = 1\n", "utf-8")
    with pytest.raises(InvalidInput, match=r"has no table \[tool\.evalsuite\.matrix\]"):
        load_matrix(tmp_path / "pyproject.toml")
    with pytest.raises(InvalidInput, match="cannot read"):
        load_matrix(tmp_path / "nothing.toml")


@given(st.text(max_size=40))
def test_a_folder_pattern_without_braces_is_taken_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, pattern: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "pattern.toml"
    quoted = "".join(f"\\U{ord(sign):08X}" for sign in pattern)
    text = TABLE.replace("trained/{base}/{recipe}", f"{quoted}/{{base}}/{{recipe}}")
    path.write_text(text, "utf-8")
    if {"{", "}"} & set(pattern):
        path.write_text(text.replace(quoted, f"{quoted}{{"), "utf-8")
        with pytest.raises(InvalidInput, match=r"matrix\.adapter="):
            load_matrix(path)
    else:
        entries = load_matrix(path)
        assert [entry.adapter.startswith(f"{pattern}/") for entry in entries] == [True] * 4


def nox(folder: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the repository's own noxfile in ``folder``, on the ``pyproject.toml`` that lies there."""
    shutil.copy(ROOT / "noxfile.py", folder)
    path = os.pathsep.join((str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])))
    given = {key: value for key, value in os.environ.items() if key != "EVALSUITE_BASES"}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "nox", "--no-stop-on-first-error", *args],
        cwd=folder, capture_output=True, text=True, check=False,
        env=given | {"PYTHONPATH": path, "NO_COLOR": "1"} | environment,
    )  # fmt: skip


def test_nox_lists_a_session_for_each_entry(project: Path) -> None:
    listed = nox(project.parent, "--list").stdout
    for kind in ("train", "gate"):
        assert f"{kind}(base='nano', recipe='dora')" in listed
        assert f"{kind}(base='qwen', recipe='recipes/ours.yaml')" in listed
        assert f"{kind}(base='qwen', recipe='lora')" not in listed
    assert "- report ->" in listed
    assert "- compare ->" in listed
    chosen = nox(project.parent, "--list", EVALSUITE_BASES="owner/model").stdout
    assert "gate(base='owner/model', recipe='lora')" in chosen
    assert "gate(base='nano'" not in chosen


def test_nox_says_what_is_wrong_in_the_table(project: Path) -> None:
    project.write_text(TABLE.replace("policy", "polcy"), "utf-8")
    done = nox(project.parent, "--list")
    assert done.returncode != 0
    assert "tool.evalsuite.matrix.bases.qwen.polcy is not known" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_repositorys_own_table_can_be_read() -> None:
    entries = load_matrix(ROOT / "pyproject.toml")
    assert {entry.model for entry in entries} == {"nano"}
    assert len(entries) == 4


@pytest.mark.slow
def test_nox_writes_reports_again_and_compares_with_the_champion(project: Path) -> None:
    folder = project.parent
    assert "no run of the matrix was made yet" in nox(folder, "-s", "report").stderr
    world = World(folder)
    run = world.run("nano-lora")
    done = nox(folder, "-s", "report", "--", "--junit")
    assert done.returncode == 0, done.stderr
    assert (run / "report.html").is_file()
    assert (run / "junit.xml").is_file()
    assert "registry/ holds no promotion yet" in nox(folder, "-s", "compare").stderr
    record = world.promoted("nano-dora")
    done = nox(folder, "-s", "compare")
    assert f"evalsuite compare {record.run_path} reports/nano-lora --shared" in done.stderr
    assert f"evalsuite compare {record.run_path} reports/nano-dora --shared" in done.stderr
    done = nox(folder, "-s", "compare", "--", "reports/nano-lora", "reports/nothing")
    assert "evalsuite compare reports/nano-lora reports/nothing" in done.stderr
    assert done.returncode == 1
