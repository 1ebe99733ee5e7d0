"""The small defects that the fast tests are tried with: one change each, another program each."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from mutants import mutants_of

ROOT = Path(__file__).parent.parent.parent
MODULES = ["statistics/paired.py", "detectors/leakage.py", "engines/cache.py", "gates/looks.py"]

SOURCE = '''"""A docstring, 7."""

from typing import Literal

LIMIT: Literal[5] = 5
__all__ = ["a", "b"]


def close(a: int, b: int, 名: str = "x") -> bool:
    """Say so."""
    if not a:
        raise ValueError(f"a={a + 1} must be {LIMIT}")
    pairs = sorted(zip([a, b], strict=True), key=len)
    return abs(a - b) <= LIMIT and len([p for p in pairs if p]) > -1
'''


def changes(source: str) -> set[str]:
    return {mutant.what for mutant in mutants_of(source)}


def test_every_kind_of_change_is_made_and_messages_types_and_exports_are_left_alone() -> None:
    condition = "abs(a - b) <= LIMIT"
    counted = "len([p for p in pairs if p]) > -1"
    assert changes(SOURCE) == {
        "5 -> 6",
        "5 -> 4",
        "not a -> a",
        "not a -> False",
        "[a, b] -> [b]",
        "[a, b] -> [a]",
        "sorted(zip([a, b], strict=True), key=len) -> sorted(zip([a, b], strict=True))",
        f"{condition} -> abs(a - b) < LIMIT",
        "a - b -> a + b",
        f"{counted} -> len([p for p in pairs if p]) >= -1",
        "[p for p in pairs if p] -> [p for p in pairs]",
        "-1 -> 1",
        "1 -> 2",
        "1 -> 0",
        f"{condition} and {counted} -> {condition} or {counted}",
        f"{condition} and {counted} -> {condition}",
        f"{condition} and {counted} -> {counted}",
        f"{condition} and {counted} -> not ({condition} and {counted})",
    }


@pytest.mark.parametrize("name", MODULES)
def test_every_mutant_of_a_module_compiles_and_is_another_program(name: str) -> None:
    source = (ROOT / "evalsuite" / name).read_bytes()
    original = ast.dump(ast.parse(source))
    found = mutants_of(source.decode())
    assert len({mutant.key for mutant in found}) == len(found) > 50
    for mutant in found:
        assert ast.dump(ast.parse(mutant.applied(source))) != original, mutant.what


def test_a_change_keeps_its_key_when_lines_are_added_above() -> None:
    moved = SOURCE.replace("LIMIT: Lit", "# A comment.\n\nLIMIT: Lit")
    assert [m.key for m in mutants_of(moved)] == [m.key for m in mutants_of(SOURCE)]
    assert [m.line for m in mutants_of(moved)] == [m.line + 2 for m in mutants_of(SOURCE)]
