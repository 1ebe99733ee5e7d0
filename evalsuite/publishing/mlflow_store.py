"""A run in an MLflow tracking store: logged once, found again by the digest of its ``run.json``.

MLflow is the extra ``evalsuite[mlflow]`` and is imported here alone, when it is used. Its telemetry
stays off unless the environment asks for it with ``MLFLOW_DISABLE_TELEMETRY=false``.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

from evalsuite.errors import MissingDependency, PublishingError
from evalsuite.publishing import mlflow_values
from evalsuite.publishing.facts import run_digest
from evalsuite.registry import PromotionRecord, champion
from evalsuite.registry.candidate import adapter_files, require_adapter
from evalsuite.report import render_html, render_markdown
from evalsuite.report.safetext import one_line
from evalsuite.runs import Status
from evalsuite.runs.folder import RUN_FILE, Run

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as StoredRun

EXPERIMENT = "evalsuite"
CHAMPION, CHALLENGER = "champion", "challenger"
"""Aliases of a registered model: promoted, and passed but not promoted."""
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # A new database tells every step of its making.
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    # As MLflow comes, it asks a server that is not there for several minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
"""What MLflow is told unless the environment says something else; it asks there only."""
_FINISHED = "FINISHED"
_V = TypeVar("_V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """Where a run stands in the store."""

    run_id: str
    experiment: str
    created: bool
    """False: the store had this run already, and it was brought up to date."""
    model_version: str | None = None
    alias: str | None = None


def track(
    run: Run,
    tracking_uri: str,
    *,
    experiment: str = EXPERIMENT,
    model: str | None = None,
    record: PromotionRecord | None = None,
) -> Tracked:
    """Log a run: parameters, numbers of the gates, tags, reports and evidence.

    Args:
        run: Of any verdict.
        tracking_uri: As MLflow writes it: ``sqlite:///mlflow.db``, ``http://host:5000``.
        experiment: Its name; made where it does not exist.
        model: Register the adapter as a version of this model, with the alias ``champion`` if
            ``record`` is the newest of its registry, and ``challenger`` without a record. The
            adapter's files are logged too.
        record: The promotion record of this very run.

    Raises:
        MissingDependency: MLflow, or what it needs for this store, is not installed.
        PublishingError: the store cannot be reached or refuses; or an alias for an adapter that
            did not pass, or that is not the champion any more.
        RegistryError: the adapter is not the one that was gated, or its registry is broken.
    """
    alias = _alias(run, model, record)
    with _store(tracking_uri) as client:
        experiment_id = _experiment(client, experiment, tracking_uri)
        entry, created = _entry(client, experiment_id, run)
        with _ended(client, entry, run):
            _log(client, entry, run, record)
            version = _register(client, entry, run, model, alias) if model and alias else None
    return Tracked(
        run_id=entry.info.run_id,
        experiment=experiment,
        created=created,
        model_version=version,
        alias=alias,
    )


@contextmanager
def _ended(client: MlflowClient, entry: StoredRun, run: Run) -> Iterator[None]:
    """End an entry behind the block: whole, or broken off if it was not whole before."""
    try:
        yield
    except BaseException:
        if entry.info.status != _FINISHED:
            # Best effort: the next try finds the entry by its digest and completes it.
            with suppress(Exception):
                client.set_terminated(entry.info.run_id, status="FAILED")
        raise
    end = mlflow_values.milliseconds(run.info.finished)
    client.set_terminated(entry.info.run_id, status=_FINISHED, end_time=end)


def _alias(run: Run, model: str | None, record: PromotionRecord | None) -> str | None:
    """Return the alias that the adapter deserves; refuse before anything is logged."""
    if model is None:
        return None
    if not model.strip() or set("/:") & set(model):
        raise PublishingError(f"model={model!r} must be a name without '/' and ':'")
    if run.info.adapter is None:
        raise PublishingError(f"model={model!r}: the run had no adapter; leave the model out")
    if run.status is not Status.PASSED:
        raise PublishingError(
            f"model={model!r}: the run in {str(run.folder)!r} is {run.status}, and only an adapter "
            "that passed gets an alias; leave the model out to log the run as it is"
        )
    require_adapter(Path(run.info.adapter.path), run.info.adapter.digest, "the run")
    if record is None:
        return CHALLENGER
    newest = champion(record.registry)
    if newest is None or newest.evidence.adapter.digest != record.evidence.adapter.digest:
        name = newest.path.name if newest else "none"
        raise PublishingError(
            f"model={model!r}: record {record.path.name} is not the champion's any more, which is "
            f"{name}; publish the run of that one, or leave the model out"
        )
    return CHAMPION


@contextmanager
def _store(uri: str) -> Iterator[MlflowClient]:
    """Open a store; everything that it refuses becomes a PublishingError without its password."""
    if not uri.strip():
        raise PublishingError("tracking_uri='' names no store; give one like sqlite:///mlflow.db")
    with environment(uri), _translated(uri) as client:
        yield client


@contextmanager
def environment(uri: str) -> Iterator[None]:
    """Set what MLflow reads from the environment, and put everything back behind the block.

    A store in a folder asks the default store while it registers a model, and would make a
    database in the working directory, were it not told that ``uri`` is the default.
    """
    # MLflow reads these from the environment alone, at every request. For the store alone it has a
    # function, which sets the same variable and puts nothing back.
    before = {name: os.environ.get(name) for name in (*_SETTINGS, "MLFLOW_TRACKING_URI")}
    os.environ |= {name: before[name] or value for name, value in _SETTINGS.items()}
    os.environ["MLFLOW_TRACKING_URI"] = uri
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _translated(uri: str) -> Iterator[MlflowClient]:
    """Open a store; whatever it raises becomes an error that says what to do."""
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError:
        raise MissingDependency("mlflow-skinny", "mlflow", "logging to MLflow") from None
    try:
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        if not uri.startswith(("http://", "https://", "databricks")):
            raise MissingDependency("sqlalchemy", "mlflow", "a database of MLflow") from None
        SQLAlchemyError = MlflowException  # noqa: N806
    try:
        yield MlflowClient(tracking_uri=uri, registry_uri=uri)
    except ImportError as problem:
        raise PublishingError(
            f"the store {_shown(uri)!r} needs the package {problem.name!r}; install it"
        ) from problem
    except (MlflowException, SQLAlchemyError, OSError) as problem:
        why = one_line(_without_secret(str(problem), uri), 400)
        raise PublishingError(
            f"the MLflow store {_shown(uri)!r} refused: {why}; check that it is there, or name one "
            "like sqlite:///mlflow.db or http://host:5000"
        ) from problem


def _shown(uri: str) -> str:
    return re.sub(r"(?<=://)[^/@]*@", "***@", uri)


def _without_secret(text: str, uri: str) -> str:
    with suppress(ValueError):
        secret = urlsplit(uri).password
        for form in {secret, unquote(secret)} if secret else ():
            text = text.replace(form, "***")
    return text


def _experiment(client: MlflowClient, name: str, uri: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is None:
        return str(client.create_experiment(name, artifact_location=_artifacts_beside(uri)))
    if found.lifecycle_stage != "active":
        raise PublishingError(
            f"experiment={name!r} was deleted in {_shown(uri)!r}; restore it, or name another"
        )
    return str(found.experiment_id)


def _artifacts_beside(uri: str) -> str | None:
    """Return where a new experiment of a local database keeps its files: beside the database.

    MLflow's own choice is the working directory of whoever came first. None: a server decides.
    """
    path = uri.removeprefix("sqlite:///")
    if path == uri or path.partition("?")[0] in ("", ":memory:"):
        return None
    return (Path(path.partition("?")[0]).absolute().parent / "mlartifacts").as_uri()


def _known(client: MlflowClient, experiment_id: str, digest: str) -> StoredRun | None:
    """Return the entry of a run that was logged before, the oldest if there are several."""
    # Two commands at the same moment may have made two entries; the oldest stands for the run.
    found = client.search_runs(
        [experiment_id],
        filter_string=f"tags.`{mlflow_values.RUN_TAG}` = '{digest}'",
        order_by=["attributes.start_time ASC"],
        max_results=1,
    )
    return found[0] if found else None


def _entry(client: MlflowClient, experiment_id: str, run: Run) -> tuple[StoredRun, bool]:
    """Return the entry of a run, and whether it was made now."""
    known = _known(client, experiment_id, run_digest(run))
    return (known, False) if known else (_created(client, experiment_id, run), True)


def _created(client: MlflowClient, experiment_id: str, run: Run) -> StoredRun:
    return client.create_run(
        experiment_id,
        start_time=mlflow_values.milliseconds(run.info.created),
        run_name=mlflow_values.title(run),
        # The digest from the start: whatever breaks later, the next try finds this entry.
        tags={mlflow_values.RUN_TAG: run_digest(run)},
    )


def _log(client: MlflowClient, entry: StoredRun, run: Run, record: PromotionRecord | None) -> None:
    """Log what the entry does not say already, then the files."""
    from mlflow.entities import Metric, Param, RunTag

    when, data = mlflow_values.milliseconds(run.info.finished), entry.data
    client.log_batch(
        entry.info.run_id,
        metrics=[
            Metric(key, value, when, 0)
            for key, value in _news(mlflow_values.metrics(run), data.metrics)
        ],
        # The value of a parameter can never change, and this run's cannot differ.
        params=[
            Param(key, value)
            for key, value in mlflow_values.params(run).items()
            if key not in data.params
        ],
        tags=[
            RunTag(key, value) for key, value in _news(mlflow_values.tags(run, record), data.tags)
        ],
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (
            ("report.html", render_html(run)),
            ("report.md", render_markdown(run)),
        ):
            path = Path(folder, name)
            path.write_bytes(text.encode("utf-8", "backslashreplace"))
            client.log_artifact(entry.info.run_id, str(path))
    for name in (RUN_FILE, *run.files):
        client.log_artifact(entry.info.run_id, str(run.folder / name), "evidence")


def _news(values: Mapping[str, _V], known: Mapping[str, object]) -> Iterator[tuple[str, _V]]:
    return ((key, value) for key, value in values.items() if known.get(key) != value)


def _register(client: MlflowClient, entry: StoredRun, run: Run, model: str, alias: str) -> str:
    """Make the adapter a version of a model, once, and point the alias to it."""
    assert run.info.adapter is not None
    folder = Path(run.info.adapter.path)
    for name in adapter_files(folder):
        client.log_artifact(entry.info.run_id, str(folder / name), "adapter")
    _require_model(client, model)
    versions = client.search_model_versions(f"run_id = '{entry.info.run_id}'")
    mine = [str(version.version) for version in versions if version.name == model]
    if not mine:
        made = client.create_model_version(
            model, source=f"{entry.info.artifact_uri}/adapter", run_id=entry.info.run_id
        )
        mine = [str(made.version)]
    for key, value in mlflow_values.model_tags(run).items():
        client.set_model_version_tag(model, mine[0], key, value)
    client.set_registered_model_alias(model, alias, mine[0])
    if alias == CHAMPION:
        _leave(client, model, mine[0])
    return mine[0]


def _require_model(client: MlflowClient, model: str) -> None:
    """Make the registered model, unless there is one of this name."""
    from mlflow.exceptions import MlflowException

    try:
        client.get_registered_model(model)
    except MlflowException as problem:
        if problem.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        client.create_registered_model(model)


def _leave(client: MlflowClient, model: str, version: str) -> None:
    """A champion challenges nobody."""
    aliases: Mapping[str, object] = client.get_registered_model(model).aliases
    if str(aliases.get(CHALLENGER)) == version:
        client.delete_registered_model_alias(model, CHALLENGER)
