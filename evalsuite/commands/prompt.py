"""prompt show: a prompt as a model reads it."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalsuite.commands.console import Terminal
from evalsuite.commands.options import BY_CHECK, HELP, Subparsers, add_base, command


def add(subparsers: Subparsers) -> None:
    """Declare the command."""
    prompt = subparsers.add_parser("prompt", help="the prompt that rewrites are asked with")
    actions = prompt.add_subparsers(required=True, metavar="ACTION")
    show = command(
        actions,
        "show",
        _show,
        help="print the prompt of a case as the model reads it, its tokens and its right answer",
        example="evalsuite prompt show examples/prompts/tags.yaml --case en-single-reykjavik",
        ends=BY_CHECK,
    )
    show.add_argument("prompt", metavar="PROMPT", help=HELP["prompt"])
    show.add_argument("--case", metavar="ID", help="a golden case (default: one that is drawn)")
    show.add_argument("--cases", type=Path, help=HELP["cases"].format("cases"))
    show.add_argument("--policy", help=HELP["policy"])
    add_base(show)


def _show(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.pipeline.preview import preview

    seen = preview(
        args.prompt,
        base_model=args.base_model,
        policy=args.policy,
        case=args.case,
        cases=args.cases,
    )
    terminal.raw(seen.text + "\n")
    terminal.say(
        f"--- prompt {seen.prompt.name!r}, case {seen.case.id!r}, {seen.shown} demonstrations, "
        f"{seen.swapped} in the counterfactual prompt"
    )
    terminal.say(
        f"{seen.tokens} tokens, and {seen.prompt.max_tokens} for the answer: "
        f"{100 * seen.share:.1f} % of the window of {seen.window}"
    )
    if seen.right:
        terminal.say(f"a right answer: {seen.right!r}")
        terminal.say(f"read as: {seen.read!r}")
    if seen.lost:
        terminal.say(f"this answer would be lost: {seen.lost}")
    if seen.share > 1:
        terminal.say("the prompt does not fit: shorten the task or the demonstrations")
    return 1 if seen.lost or seen.share > 1 else 0
