"""Fixtures that several tests share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from evalsuite.files.storage import FileLock
from evalsuite.models import BaseRef, resolve_base

# Enough cases that every part of a run has something in it, and seconds of inference.
SMALL_POLICY = """
name: small
confidence: 0.95
power: 0.9
gates:
  liveness: {minimum: 4}
  template_round_trip:
    minimum_properties: 8
    minimum_conversations: 20
    assumed_icc: 0.3
    answers: {limit: 0.2}
  example_leakage:
    panel: {en: 13, zh: 13}
    assumed_icc: 0.0
    literal: {limit: 0.5}
    swap: {limit: 0.5}
    control: {limit: 0.5}
    goldens: {sets: {nano: advisory, everyday: advisory}, limit: 1.0, minimum: 1}
  pronoun_resolution:
    panel: {en: 13, zh: 13}
    assumed_icc: 0.0
    failure_rate: {limit: 1.0}
    non_inferiority: {limit: 0.999}
    goldens: {sets: {nano: advisory, everyday: advisory}, limit: 1.0, minimum: 1}
  forgetting:
    panel: {en: 20, zh: 20}
    assumed_icc: 0.0
    skills:
      seeded: [copy, count]
      macro: {limit: 0.999}
      single: {limit: 1.0, proof: value}
    text: {limit: 5.0, harm: 10.0, panel: {en: 8, zh: 8}}
"""
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def public_data() -> Path:
    """The public data sets: where ``EVALSUITE_DATA`` says, else in a folder beside the checkout.

    Skips only where there are none; a folder that is named and missing is an error.
    """
    named = os.environ.get("EVALSUITE_DATA")
    if named is not None and not Path(named).is_dir():
        pytest.fail(f"EVALSUITE_DATA={named!r} is no folder; name that of the public data sets")
    beside = sorted(path.parent for path in ROOT.parent.glob("*/data/canard"))
    if named is None and not beside:
        pytest.skip("no public data sets; set EVALSUITE_DATA to their folder")
    return Path(named) if named else beside[0]


@pytest.fixture(scope="session")
def nano() -> BaseRef:
    """The embedded base model."""
    return resolve_base("nano")


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this test session share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def candidate(nano: BaseRef, session_folder: Path) -> Path:
    """A real LoRA adapter of nano, trained for a few timid steps: alive, and far from good.

    At the recipe's own rate two steps would make it good: what the base has learned is right below
    its careless habit.
    """
    changes = {"max_steps": 6, "learning_rate": 1e-4, "data.samples": 60}
    return _trained(nano, "lora", changes, session_folder / "candidate")


@pytest.fixture(scope="session")
def good(nano: BaseRef, session_folder: Path) -> Path:
    """An adapter of nano, trained for a few steps at the recipe's own rate: most of it is right."""
    return _trained(nano, "lora", {"max_steps": 6, "data.samples": 60}, session_folder / "good")


@pytest.fixture(scope="session")
def reckless(nano: BaseRef, session_folder: Path) -> Path:
    """An adapter of nano, trained so fast that it breaks what the base keeps."""
    changes = {"max_steps": 8, "data.samples": 200}
    return _trained(nano, "mutant-forgetful", changes, session_folder / "reckless")


def _trained(base: BaseRef, recipe: str, changes: dict[str, Any], folder: Path) -> Path:
    """Train an adapter once for all workers of this test session."""
    from evalsuite.training import load_recipe
    from evalsuite.training.train import train

    lock = FileLock(folder.with_suffix(".lock"))
    lock.acquire(timeout=600)
    try:
        if not (folder / "adapter_config.json").exists():
            few = {"batch_tokens": 1024, "early_stopping.every": changes["max_steps"], **changes}
            train(base, load_recipe(recipe, few), folder, seed=1)
    finally:
        lock.release()
    return folder


@pytest.fixture(scope="session")
def small_policy(session_folder: Path) -> Path:
    """A policy with panels of a few cases and limits that nearly everything keeps."""
    path = session_folder / "small.yaml"
    path.write_text(SMALL_POLICY, "utf-8")
    return path


@pytest.fixture(scope="session")
def few_cases(session_folder: Path) -> Path:
    """A folder with two golden cases of the set ``nano``."""
    folder = session_folder / "few-cases"
    folder.mkdir(exist_ok=True)
    (folder / "nano_en.yaml").write_text(
        """cases:
  - id: few-single
    language: en
    kind: single
    history: [{user: "Tell me of Flindo."}, {assistant: "Flindo is a phone."}]
    query: "What is its price?"
    expect: {rewrites: ["What is Flindo's price?"], must_name: [Flindo]}
  - id: few-standalone
    language: en
    kind: standalone
    history: [{user: "Tell me of Flindo."}, {assistant: "Flindo is a phone."}]
    query: "What is Quobra's price?"
    expect: {unchanged: true, must_name: [Quobra]}
""",
        "utf-8",
    )
    return folder
