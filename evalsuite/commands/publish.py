"""publish: a run in the formats of the places where models are kept."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from evalsuite.commands.console import Terminal
from evalsuite.commands.options import BY_STATUS, EXIT, Subparsers, command

if TYPE_CHECKING:
    from evalsuite.publishing import PendingFile
    from evalsuite.registry import PromotionRecord
    from evalsuite.runs.folder import Run

_NEEDS = {
    "dataset": "eval_results",
    "source_url": "eval_results",
    "experiment": "mlflow",
    "model": "mlflow",
}
"""Options that mean something only beside another one."""


def add(subparsers: Subparsers) -> None:
    """Declare the command."""
    publish = command(
        subparsers,
        "publish",
        _publish,
        help="write a run into a model card, the hub's results, or an MLflow store",
        example="evalsuite publish reports/today --card README.md --eval-results .",
        ends=BY_STATUS,
    )
    publish.add_argument("run_folder", type=Path, metavar="RUN")
    publish.add_argument("--record", type=Path, help="the promotion record of this run")
    publish.add_argument(
        "--card", type=Path, metavar="FILE", help="the card whose section Evaluation is written"
    )
    publish.add_argument(
        "--eval-results",
        type=Path,
        metavar="DIR",
        help="the model's repository; .eval_results/evalsuite.yaml is written in it",
    )
    publish.add_argument(
        "--dataset", metavar="OWNER/NAME", help="the hub's benchmark that the panels belong to"
    )
    publish.add_argument("--source-url", metavar="URL", help="where the evidence can be read")
    publish.add_argument(
        "--mlflow", metavar="URI", help="a tracking store: sqlite:///mlflow.db, http://host:5000"
    )
    publish.add_argument("--experiment", metavar="NAME", help="of MLflow (default: evalsuite)")
    publish.add_argument(
        "--model",
        metavar="NAME",
        help="register the adapter in MLflow: champion with --record, else challenger",
    )


def _publish(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.publishing import matching_record
    from evalsuite.runs.folder import load_run

    _require_target(args)
    run = load_run(args.run_folder)
    record = matching_record(run, args.record) if args.record is not None else None
    files = _prepared(args, run, record)
    # The store first: it refuses most easily, and then no file has changed.
    if args.mlflow is not None:
        _track(args, run, record, terminal)
    for file in files:
        terminal.say(f"{'wrote' if file.write() else 'nothing new for'} {file.path}")
    terminal.say("")
    terminal.say(_verdict(run))
    return EXIT[run.status]


def _require_target(args: argparse.Namespace) -> None:
    from evalsuite.errors import PublishingError

    if args.card is None and args.eval_results is None and args.mlflow is None:
        raise PublishingError(
            "nothing says where to publish; give --card FILE, --eval-results DIR or --mlflow URI"
        )
    for name, other in _NEEDS.items():
        if getattr(args, name) is not None and getattr(args, other) is None:
            given, missing = (f"--{text.replace('_', '-')}" for text in (name, other))
            raise PublishingError(f"{given} needs {missing}; add it, or leave {given} out")


def _prepared(
    args: argparse.Namespace, run: Run, record: PromotionRecord | None
) -> list[PendingFile]:
    """Make every file ready, so that what is wrong with one is known before any is written."""
    from evalsuite.publishing import card_section, prepare_card, prepare_eval_results

    files = []
    if args.card is not None:
        files.append(prepare_card(args.card, card_section(run, record)))
    if args.eval_results is not None:
        files.append(
            prepare_eval_results(
                args.eval_results, run, dataset=args.dataset, source_url=args.source_url
            )
        )
    return files


def _track(
    args: argparse.Namespace, run: Run, record: PromotionRecord | None, terminal: Terminal
) -> None:
    from evalsuite.publishing import track
    from evalsuite.publishing.mlflow_store import EXPERIMENT

    with terminal.working("logging to MLflow"):
        entry = track(
            run,
            args.mlflow,
            experiment=EXPERIMENT if args.experiment is None else args.experiment,
            model=args.model,
            record=record,
        )
    done = "logged as" if entry.created else "brought up to date:"
    terminal.say(f"{done} MLflow run {entry.run_id} of the experiment {entry.experiment}")
    if entry.model_version is not None:
        terminal.say(f"model {args.model}, version {entry.model_version}: {entry.alias}")


def _verdict(run: Run) -> str:
    from evalsuite.report.safetext import one_line
    from evalsuite.report.view import build_view

    view = build_view(run, max_failures=0)
    word = view.word if run.status == "passed" else view.word.upper()
    return one_line(f"published as {word}: {view.meaning} {view.sentence}", 900)
