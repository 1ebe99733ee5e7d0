"""Criteria are made by name: a mistyped call is an error of the type checker, not of a run.

The snippet is checked with the cache that `mypy` leaves, which `nox -s tests` runs first: a second,
instead of twenty in a fresh checkout.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SNIPPET = """
from evalsuite.gates import Part, Policy, Topic
from evalsuite.gates.criteria import CriterionFactory
from evalsuite.gates.rules import LeakageRule

def ask_well(policy: Policy, rule: LeakageRule) -> None:
    CriterionFactory(policy, rule)(Part(Topic.LITERAL), subject="copied", limit=rule.literal)

def mistype_a_name(policy: Policy, rule: LeakageRule) -> None:
    CriterionFactory(policy, rule)(Part(Topic.LITERAL), subjct="copied", limit=rule.literal)

def mistake_a_type(policy: Policy, rule: LeakageRule) -> None:
    CriterionFactory(policy, rule)(Part(Topic.LITERAL), subject="copied", limit="2 %")
"""


def test_a_mistyped_criterion_is_found_by_the_type_checker(tmp_path: Path) -> None:
    snippet = tmp_path / "snippet.py"
    snippet.write_text(SNIPPET)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", str(snippet)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"snippet\.py:(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.MULTILINE)
    lines = SNIPPET.splitlines()
    wrong = {lines.index(line) + 1: line for line in lines if "subjct" in line or "2 %" in line}
    assert {int(line) for line, _ in found} == set(wrong), done.stdout + done.stderr
    assert {code for _, code in found} == {"call-arg", "arg-type"}
