"""prompt show: a prompt as a model reads it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from evalsuite.commands.console import Terminal
from evalsuite.commands.options import BY_CHECK, HELP, Subparsers, add_base, command

if TYPE_CHECKING:
    from evalsuite.cases import Case, Language, WorldName


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
    from evalsuite.models import resolve_base
    from evalsuite.pipeline.inputs import choose_policy, context_of
    from evalsuite.pipeline.shown import shown_alone
    from evalsuite.prompts import prompt_named, put_in, require_prefill
    from evalsuite.tasks import Rewriting, prompt_ids
    from evalsuite.template import load_template

    prompt = prompt_named(args.prompt)
    policy = choose_policy(args.policy, args.base_model)
    case = _case(args, policy.languages[0], policy.world)
    base = resolve_base(args.base_model)
    template = load_template(base.path, family=base.family)
    require_prefill(prompt, template)
    shown = shown_alone(prompt, case, policy.world)
    task = Rewriting(case=case, demonstrations=shown.a, prompt=prompt)
    ids = prompt_ids(task, template)
    terminal.raw(template.decode(ids) + "\n")
    window = context_of(base)
    share = (len(ids) + prompt.max_tokens) / window
    terminal.say(
        f"--- prompt {prompt.name!r}, case {case.id!r}, {len(shown.a)} demonstrations, "
        f"{len(shown.b)} in the counterfactual prompt"
    )
    terminal.say(
        f"{len(ids)} tokens, and {prompt.max_tokens} for the answer: {100 * share:.1f} % of the "
        f"window of {window}"
    )
    if case.reference is not None:
        named = put_in(case.expect.must_name, case.query, case.reference)
        whole = prompt.write(case.reference, named)
        read = prompt.read(whole.removeprefix(prompt.prefill))
        terminal.say(f"a right answer: {whole!r}")
        terminal.say(f"read as: {read.answer!r}")
    return 0 if share <= 1 else 1


def _case(args: argparse.Namespace, language: Language, world: WorldName) -> Case:
    """The golden case that was named, or else one of a panel.

    Raises:
        InvalidInput: there is none of that id.
    """
    from evalsuite.cases.casefiles import load_cases
    from evalsuite.cases.shipped import case_folders
    from evalsuite.errors import InvalidInput
    from evalsuite.files.problems import suggestion
    from evalsuite.scenarios import sample_panel

    if args.case is None:
        return sample_panel(0, 1, world=world, languages=[language]).cases[0]
    folder = case_folders(args.cases).goldens
    known = {case.id: case for case in load_cases(folder)}
    if args.case not in known:
        near = suggestion(args.case, known)
        raise InvalidInput(
            f"case={args.case!r} stands in no file of {str(folder)!r}{near}; name the folder with "
            "--cases, or leave --case out for one that is drawn"
        )
    return known[args.case]
