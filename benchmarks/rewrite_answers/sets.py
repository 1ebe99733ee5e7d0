"""The cases on which answers are made, by set and language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from evalsuite.cases import Case, Language
from evalsuite.cases.casefiles import load_cases
from evalsuite.scenarios import sample_panel
from rewrite_answers.known import known

ROOT = Path(__file__).resolve().parents[2]
PANEL_SEED = 7106
"""No gate, training set or qualification draws it."""


@cache
def goldens() -> tuple[Case, ...]:
    """The shipped cases that must be rewritten and say what must be named."""
    folders = [ROOT / "cases" / name for name in ("pronoun_resolution", "example_leakage")]
    return tuple(c for c in load_cases(folders) if c.expect.must_name and known(c))


@cache
def panel() -> tuple[Case, ...]:
    """300 must-rewrite cases of the grammar for each language."""
    return tuple(c for c in sample_panel(PANEL_SEED, 720).cases if known(c))


@cache
def stripped() -> tuple[Case, ...]:
    """Goldens and panel as a corpus of incomplete utterances would give them: one rewrite, no
    names, where that rewrite only puts back what the history holds."""
    return tuple(_imported(c) for c in (*goldens(), *panel()))


def _imported(case: Case) -> Case:
    first = case.expect.rewrites[:1]
    return replace(case, expect=replace(case.expect, rewrites=first, must_name=(), must_not_name=(), extractive=True))


def of(cases: Callable[[], tuple[Case, ...]], language: Language) -> tuple[Case, ...]:
    """The cases of one language."""
    return tuple(c for c in cases() if c.language is language)
