"""Sessions: what a person or a CI job runs.

Sessions use the environment that nox was started from: a torch per session would cost minutes and
gigabytes. ``nox --force-venv-backend venv`` gives each its own all the same.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["tests"]

# `.venv/bin/nox` works without activating the environment: its programs come first.
os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))

BASES = tuple(os.environ.get("EVALSUITE_BASES", "nano").split(","))
RECIPES = ("lora", "dora", "qlora", "qdora")


def _prepare(session: nox.Session) -> None:
    if session.venv_backend != "none":
        session.install("--requirement", "requirements.txt")


@nox.session
def tests(session: nox.Session) -> None:
    """Lint, types, layers and the fast tests: the README's second command."""
    lint(session)
    session.run(
        "pytest", "-m", "not slow and not gpu", "-n", "2", *session.posargs,
        env={"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
    )  # fmt: skip


@nox.session
def lint(session: nox.Session) -> None:
    """Formatting, lint rules and strict types."""
    _prepare(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session
def slow(session: nox.Session) -> None:
    """Simulations of size and power, and long property tests."""
    _prepare(session)
    session.run("pytest", "-m", "slow", *session.posargs)


@nox.session
def trl(session: nox.Session) -> None:
    """Templates and loss masks against those that TRL ships."""
    _prepare(session)
    session.install("--no-deps", "trl==1.16.0")
    session.run("pytest", "-m", "slow", "tests/template/test_trl.py", *session.posargs)


@nox.session(venv_backend="venv")
def mlflow(session: nox.Session) -> None:
    """Runs in a real MLflow store, in an environment of its own."""
    session.install("--requirement", "requirements.txt")
    session.install("mlflow-skinny==3.17.2", "sqlalchemy==2.1.9", "alembic==1.20.1")
    session.run("pytest", "tests/publishing", *session.posargs)


@nox.session(venv_backend="venv", reuse_venv=True)
def deepeval(session: nox.Session) -> None:
    """evalsuite in deepeval, in an environment of its own: deepeval's pins are not ours."""
    session.install("--requirement", "requirements.txt")
    session.install("--requirement", "requirements-deepeval.txt")
    session.run("pip", "check")
    # pytest-asyncio comes with deepeval and warns of an option that only it knows.
    session.run(
        "pytest", "-p", "no:asyncio", "tests/integrations", *session.posargs,
        env={
            "OMP_NUM_THREADS": "1",
            "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
            "DEEPEVAL_DISABLE_DOTENV": "1",
        },
    )  # fmt: skip


@nox.session
def gpu(session: nox.Session) -> None:
    """What must hold on a CUDA device; skipped where there is none."""
    _prepare(session)
    session.run("pytest", "-m", "gpu", *session.posargs)


@nox.session
def quickstart(session: nox.Session) -> None:
    """Train a candidate on the embedded base, gate it, promote it: the README's first command."""
    _prepare(session)
    session.run("evalsuite", "quickstart", *session.posargs)


@nox.session
@nox.parametrize("recipe", RECIPES)
@nox.parametrize("base", BASES)
def train(session: nox.Session, base: str, recipe: str) -> None:
    """Train one recipe on one base model."""
    _prepare(session)
    session.run(
        "evalsuite", "train", "--base-model", base, "--recipe", recipe,
        "--out", f"adapters/{base}-{recipe}", *session.posargs,
    )  # fmt: skip


@nox.session
@nox.parametrize("recipe", RECIPES)
@nox.parametrize("base", BASES)
def gate(session: nox.Session, base: str, recipe: str) -> None:
    """Gate the adapter that the session ``train`` of the same parameters made."""
    _prepare(session)
    adapter = os.environ.get("EVALSUITE_ADAPTER", f"adapters/{base}-{recipe}")
    session.run(
        "evalsuite", "gate", "--base-model", base, "--adapter", adapter,
        "--out", f"reports/{base}-{recipe}", *session.posargs,
    )  # fmt: skip


@nox.session
def bites(session: nox.Session) -> None:
    """Train and gate every recipe and every mutant: the good are promoted, the mutants caught.

    Some of them only: ``nox -s bites -- --only dora:0,mutant-leaky``.
    """
    _prepare(session)
    session.run("python", "benchmarks/outcomes.py", *session.posargs)


@nox.session
def qualify(session: nox.Session) -> None:
    """How well the gates see: planted defects and good candidates, judged by the same gates.

    Needs a candidate that passes: ``EVALSUITE_ADAPTER``, or the one of the README's first command.
    ``nox -s qualify -- --mutants none --nulls 150`` counts false alarms, for hours; it goes on
    where it was interrupted.
    """
    _prepare(session)
    _qualify(session)


@nox.session
def search(session: nox.Session) -> None:
    """Look for the conversation that breaks a candidate, and how much it minds its prompt.

    ``EVALSUITE_ADAPTER`` names the candidate; else it is the one of the README's first command.
    """
    _prepare(session)
    adapter = os.environ.get("EVALSUITE_ADAPTER", "adapters/quickstart")
    session.run(
        "evalsuite", "search", "--adapter", adapter, "--budget", "2000", "--sensitivity", "80",
        *session.posargs,
    )  # fmt: skip


@nox.session
def organisms(session: nox.Session) -> None:
    """The same with real adapters: broken ones, blended weights, trainings on poisoned data.

    Trains for an hour; what was trained and answered is taken again when it is repeated.
    """
    _prepare(session)
    _qualify(session, "--layers", "adapter", "weights", "training", "--retrained", "20")


def _qualify(session: nox.Session, *options: str) -> None:
    adapter = os.environ.get("EVALSUITE_ADAPTER", "adapters/quickstart")
    session.run("evalsuite", "qualify", "--adapter", adapter, *options, *session.posargs)
