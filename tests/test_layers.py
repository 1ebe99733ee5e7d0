"""The layer table of docs/architecture.md is the law; this test is its police."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "evalsuite"
_ROW = re.compile(
    r"^\| (?P<places>`evalsuite/[^|]*) \| (?P<owns>[^|]*) \| (?P<may>[^|]*) \|$", re.MULTILINE
)


def _modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer_of(module: str) -> str:
    """The first name below the package."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "evalsuite"


def _table() -> dict[str, frozenset[str]]:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    allowed: dict[str, frozenset[str]] = {}
    for row in _ROW.finditer(text):
        layers = [
            Path(p.rstrip("/")).stem for p in re.findall(r"`(evalsuite/[^`]+)`", row["places"])
        ]
        may = (
            frozenset(re.findall(r"[a-z_]+", row["may"]))
            if row["may"].strip() != "-"
            else frozenset()
        )
        allowed |= dict.fromkeys(layers, may)
    return allowed


def _edges() -> Iterator[tuple[str, str, str]]:
    known = _modules()
    for module, path in known.items():
        for target in _imports(path):
            if target.split(".")[0] == "evalsuite" and layer_of(target) in {
                layer_of(m) for m in known
            }:
                yield module, layer_of(module), layer_of(target)


def test_every_module_stands_in_the_layer_table() -> None:
    layers = {layer_of(m) for m in _modules()} - {"evalsuite"}
    assert layers - set(_table()) == set()


def test_no_layer_imports_what_the_table_forbids() -> None:
    table = _table()
    forbidden = [
        f"{module} imports {target}"
        for module, layer, target in _edges()
        if layer not in ("evalsuite", target) and target not in table[layer] | {"evalsuite"}
    ]
    assert forbidden == []


def test_modules_form_no_import_cycle() -> None:
    known = _modules()
    graph = {
        module: {t for t in _imports(path) if t in known and t != module}
        for module, path in known.items()
    }
    # A package and its own files are one thing: the package re-exports them.
    for module, targets in graph.items():
        targets -= {t for t in targets if module.startswith(t + ".")}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {error.args[1]}")


@pytest.mark.parametrize("module", ["evalsuite", "evalsuite.plugin", "evalsuite.cli"])
def test_importing_the_face_loads_no_heavy_package(module: str) -> None:
    code = (
        f"import sys, {module}; "
        "heavy = ('torch', 'transformers', 'peft', 'pandas', 'scipy'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"
