"""Options that several commands share, so that a name means the same everywhere."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from evalsuite.console import Terminal

if TYPE_CHECKING:
    from evalsuite.run import GateRequest

Command = Callable[[argparse.Namespace, Terminal], int]
Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

EXIT = {"passed": 0, "failed": 1, "inconclusive": 2}
"""Exit status of ``evalsuite gate`` by the run's status."""
COULD_NOT_RUN = 3


def command(
    subparsers: Subparsers, name: str, run: Command, *, help: str, example: str
) -> argparse.ArgumentParser:
    """Declare a command with an example in its help."""
    parser = subparsers.add_parser(
        name,
        help=help,
        description=help[0].upper() + help[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def add_base(parser: argparse.ArgumentParser) -> None:
    """Add ``--base-model``."""
    parser.add_argument(
        "--base-model",
        default="nano",
        metavar="MODEL",
        help="nano (embedded, default), a folder, or a Hugging Face id",
    )


def add_gate_options(parser: argparse.ArgumentParser) -> None:
    """Add what decides how a candidate is gated."""
    parser.add_argument("--policy", help="nano, default, or a YAML file; default: by the base")
    parser.add_argument(
        "--cases", type=Path, default=Path("cases"), help="folder of golden cases (default: cases)"
    )
    parser.add_argument("--seed", type=int, help="of the panels; default: from the candidate")
    parser.add_argument("--prompt-format", default="xml", help="xml, json, markdown or plain")
    parser.add_argument("--cache", type=Path, help="SQLite file of answers")
    parser.add_argument("--dtype", default="auto", help="auto, float32 or bfloat16")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")


def gate_request(args: argparse.Namespace, command: tuple[str, ...]) -> GateRequest:
    """Make the request that the options spell."""
    from evalsuite.run import GateRequest

    return GateRequest(
        base_model=args.base_model,
        adapter=args.adapter,
        policy=args.policy,
        cases=args.cases,
        out=args.out,
        cache=args.cache,
        seed=args.seed,
        prompt_format=args.prompt_format,
        dtype=args.dtype,
        device=args.device,
        command=command,
    )
