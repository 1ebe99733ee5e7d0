"""train, nano pretrain and quickstart: making models."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from evalsuite.commands.console import Terminal
from evalsuite.commands.evidence import require_evidence
from evalsuite.commands.gate import from_here, run_gate
from evalsuite.commands.options import (
    BY_STATUS,
    EXIT,
    HELP,
    Subparsers,
    add_base,
    add_champion,
    add_gate_options,
    add_registry,
    command,
    gate_request,
)
from evalsuite.errors import InvalidInput, InvalidRecipe

if TYPE_CHECKING:
    from evalsuite.nano.pretrain import Progress
    from evalsuite.training.progress import TrainingProgress, TrainResult


def add(subparsers: Subparsers) -> None:
    """Declare the commands."""
    _add_train(subparsers)
    _add_quickstart(subparsers)
    _add_nano(subparsers)


def _add_train(subparsers: Subparsers) -> None:
    train = command(
        subparsers,
        "train",
        _train,
        help="train a candidate adapter",
        example="evalsuite train --base-model nano --recipe dora --out adapters/candidate",
    )
    add_base(train)
    train.add_argument(
        "--recipe", default="dora", help="a name from --list, or a YAML file (default: dora)"
    )
    train.add_argument(
        "--out",
        type=Path,
        default=Path("adapters/candidate"),
        help="folder of the adapter (default: adapters/candidate)",
    )
    train.add_argument(
        "--prompt",
        metavar="PROMPT",
        help=f"every rewrite is asked with: {HELP['prompt'].replace('; default: xml', '')} "
        "(default: the recipe's formats)",
    )
    train.add_argument("--seed", type=int, help="replaces the recipe's")
    train.add_argument("--resume", action="store_true", help="go on with an interrupted training")
    train.add_argument("--list", action="store_true", help="name the recipes and stop")
    train.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override a value of the recipe, for example learning_rate=1e-3; may be repeated",
    )


def _add_quickstart(subparsers: Subparsers) -> None:
    quick = command(
        subparsers,
        "quickstart",
        _quickstart,
        help="train a candidate on the embedded base, gate it and promote it",
        example="evalsuite quickstart",
        ends=BY_STATUS,
    )
    quick.add_argument("--recipe", default="dora", help="what to train (default: dora)")
    quick.add_argument(
        "--adapter",
        type=Path,
        default=Path("adapters/quickstart"),
        help="where the candidate lies or is made (default: adapters/quickstart)",
    )
    quick.add_argument(
        "--out",
        type=Path,
        default=Path("reports/quickstart"),
        help="the run folder; a run that is there is replaced (default: reports/quickstart)",
    )
    add_registry(quick)
    add_champion(quick)
    quick.add_argument("--waivers", type=Path, help=HELP["waivers"])
    add_gate_options(quick)
    quick.set_defaults(base_model="nano")


def _add_nano(subparsers: Subparsers) -> None:
    nano = subparsers.add_parser("nano", help="the embedded base model")
    actions = nano.add_subparsers(required=True, metavar="ACTION")
    pretrain = command(
        actions,
        "pretrain",
        _pretrain,
        help="make the embedded base model again from its recipe",
        example="evalsuite nano pretrain --out build/nano",
    )
    pretrain.add_argument(
        "--out", type=Path, default=Path("build/nano"), help="model folder (default: build/nano)"
    )
    pretrain.add_argument(
        "--scale", type=float, default=1.0, help="of the recipe's steps; 0.01 tries it out"
    )
    pretrain.add_argument(
        "--begin",
        type=Path,
        metavar="DIR",
        help="a nano model folder to refine, instead of random weights",
    )
    pretrain.add_argument("--seed", type=int, help="default: the recipe's")
    pretrain.add_argument("--resume", action="store_true", help="go on from the last checkpoint")


def overrides(pairs: list[str]) -> dict[str, object]:
    """Read ``KEY=VALUE`` texts.

    Raises:
        InvalidRecipe: one of them has no ``=``.
    """
    found: dict[str, object] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise InvalidRecipe(f"--set {pair!r} must look like KEY=VALUE, as learning_rate=1e-3")
        found[key.strip()] = value
    return found


def _train(args: argparse.Namespace, terminal: Terminal) -> int:
    if args.list:
        from evalsuite.training import list_recipes

        for recipe in list_recipes():
            terminal.say(f"{recipe.name:22} {recipe.description}")
        return 0
    result = _trained(args.base_model, args, terminal)
    terminal.say(_told(result))
    return 0


def _trained(base_model: str, args: argparse.Namespace, terminal: Terminal) -> TrainResult:
    from evalsuite.models import resolve_base
    from evalsuite.prompts import prompt_named
    from evalsuite.training import load_recipe

    prompt = prompt_named(args.prompt) if getattr(args, "prompt", None) else None
    recipe = load_recipe(args.recipe, overrides(getattr(args, "set", [])))
    base = resolve_base(base_model)
    from evalsuite.training.train import train

    def report(progress: TrainingProgress) -> None:
        terminal.progress(_line(progress))

    with terminal.working(f"training {recipe.name}"):
        return train(
            base,
            recipe,
            args.out,
            seed=args.seed,
            resume=getattr(args, "resume", False),
            prompt=prompt,
            progress=report,
        )


def _line(progress: TrainingProgress) -> str:
    if not progress.steps:
        return f"{progress.phase}"
    parts = [f"step {progress.step}/{progress.steps}"]
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.3f}")
    if progress.validation_loss is not None:
        parts.append(f"validation {progress.validation_loss:.3f}")
    if progress.tokens_per_second:
        parts.append(f"{progress.tokens_per_second:,.0f} tokens/s")
    if progress.eta_seconds is not None:
        parts.append(f"{progress.eta_seconds:.0f} s left")
    return " · ".join(parts)


def _told(result: TrainResult) -> str:
    validation = (
        "" if result.validation_loss is None else f", validation loss {result.validation_loss:.4f}"
    )
    early = " (stopped early)" if result.stopped_early else ""
    return (
        f"trained {result.adapter} in {result.seconds:.0f} s: {result.steps} steps{early}, "
        f"{result.tokens:,} tokens, loss {result.train_loss:.4f}{validation}"
    )


def _quickstart(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.pipeline import check
    from evalsuite.prompts import FORMATS
    from evalsuite.registry import promote

    request = gate_request(args, ("evalsuite", *sys.argv[1:]))
    check(request)
    if (args.adapter / "adapter_config.json").is_file():
        _require_same(args.adapter, args.recipe)
        terminal.say(
            f"1. candidate: {args.adapter} is there already; to train another, name another folder "
            "with --adapter"
        )
    else:
        training = argparse.Namespace(
            recipe=args.recipe,
            out=args.adapter,
            seed=None,
            resume=True,
            prompt=None if args.prompt in FORMATS else args.prompt,
        )
        terminal.say(f"1. candidate: {_told(_trained('nano', training, terminal))}")
    terminal.say("2. gates:")
    run = run_gate(request, terminal)
    if EXIT[run.status]:
        terminal.say("3. promotion: none, because the candidate did not pass")
        return EXIT[run.status]
    require_evidence(args.out, terminal)
    record = promote(args.out, args.registry, now=datetime.now(UTC))
    path = from_here(record.path)
    terminal.say(f"3. promotion: {path}")
    terminal.say(f"   check it at any time with: evalsuite verify {path}")
    return 0


def _require_same(adapter: Path, recipe: str) -> None:
    """Refuse to gate an adapter that this command would not have trained.

    Raises:
        InvalidInput: it was made by another recipe, or says nothing about its recipe.
        BaseMismatch: it was made for another base.
    """
    from evalsuite.models import read_adapter, resolve_base
    from evalsuite.training import load_recipe

    name = load_recipe(recipe).name
    provenance = read_adapter(adapter, resolve_base("nano")).provenance
    if provenance is None or provenance.recipe != name:
        made = provenance.recipe if provenance else "an unknown recipe"
        raise InvalidInput(
            f"adapter={str(adapter)!r} was made by {made}, not by {name}; name another "
            "folder with --adapter"
        )


def _pretrain(args: argparse.Namespace, terminal: Terminal) -> int:
    from dataclasses import replace

    from evalsuite.nano.pretrain import pretrain
    from evalsuite.nano.recipe import REFINING, Pretraining

    recipe = (Pretraining() if args.begin is None else REFINING).scaled(args.scale)
    if args.seed is not None:
        recipe = replace(recipe, seed=args.seed)

    def report(progress: Progress) -> None:
        left = (progress.steps - progress.step) * progress.seconds / max(1, progress.step)
        terminal.progress(
            f"step {progress.step}/{progress.steps} · loss {progress.loss:.3f} · "
            f"answers {progress.answer_loss:.3f} · {progress.tokens_per_second:,.0f} tokens/s · "
            f"{left / 60:.0f} min left"
        )

    with terminal.working("pretraining nano"):
        folder = pretrain(args.out, recipe, begin=args.begin, resume=args.resume, report=report)
    terminal.say(f"wrote {folder}; use it with --base-model {folder}")
    return 0
