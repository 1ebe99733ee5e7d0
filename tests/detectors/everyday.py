"""A golden case, and the demonstrations that prompts of golden cases show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evalsuite.cases import Case, Expectation, Language
from evalsuite.cases.casefiles import load_cases
from evalsuite.conversation import messages
from evalsuite.prompts import Demonstration, load_demonstrations

CASES = Path(__file__).parent.parent.parent / "cases"
FOLDERS = ("pronoun_resolution", "example_leakage")


def goldens(language: Language) -> tuple[Case, ...]:
    """All cases of the set everyday."""
    return load_cases(CASES / folder / f"everyday_{language}.yaml" for folder in FOLDERS)


def everyday(language: Language) -> tuple[tuple[Demonstration, ...], ...]:
    """What their prompts show, and its counterfactual."""
    return tuple(
        load_demonstrations(CASES / "demonstrations" / f"everyday_{language}{suffix}.yaml")
        for suffix in ("", "_swap")
    )


def moons(language: Language) -> Case:
    """The case that asks how many moons Jupiter has."""
    case = next(c for c in goldens(Language.EN) if c.query == "How many moons does it have?")
    if language is Language.EN:
        return case
    return replace(
        case,
        language=language,
        history=messages([("user", "土星大还是木星大？"), ("assistant", "木星更大。")]),
        query="它有多少颗卫星？",
        expect=Expectation(rewrites=("木星有多少颗卫星？",), must_name=("木星",)),
    )
