"""policy show, check and diff: what a policy says, whether it was meant, and what changed."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evalsuite.commands.console import Terminal
from evalsuite.commands.options import BY_SUCCESS, COULD_NOT_RUN, HELP, Subparsers, command

if TYPE_CHECKING:
    from evalsuite.cases import Case
    from evalsuite.gates import Difference, Policy, ResolvedPolicy

_NAMED = "nano, smollm2, default, or a YAML file"


def add(subparsers: Subparsers) -> None:
    """Declare the commands."""
    policy = subparsers.add_parser("policy", help="what candidates are judged by")
    actions = policy.add_subparsers(required=True, metavar="ACTION")
    show = command(
        actions,
        "show",
        _show,
        help="print a policy with nothing left out, and behind each value who wrote it",
        example="evalsuite policy show my-policy.yaml",
        ends=BY_SUCCESS,
    )
    show.add_argument("policy", metavar="NAME|FILE", help=_NAMED)
    show.add_argument(
        "--json", action="store_true", help="print JSON, with an origin for each path"
    )
    check = command(
        actions,
        "check",
        _check,
        help="say what is wrong with policies, and what may not have been meant",
        example="evalsuite policy check --strict my-policy.yaml",
        ends="exit status: 0 fine, 1 there are warnings (with --strict), 3 something is wrong, "
        "130 interrupted",
    )
    check.add_argument("policies", nargs="+", metavar="FILE", help=_NAMED)
    check.add_argument("--strict", action="store_true", help="end with 1 where there are warnings")
    check.add_argument("--cases", type=Path, help=HELP["cases"].format("cases"))
    diff = command(
        actions,
        "diff",
        _diff,
        help="say where a policy is looser or stricter than another, and why",
        example="evalsuite policy diff default my-policy.yaml",
        ends="exit status: 0 the same, 1 B is looser in something, 2 it is stricter or other only, "
        "3 could not be compared, 130 interrupted",
    )
    diff.add_argument("a", metavar="A", help=f"{_NAMED}; what was")
    diff.add_argument("b", metavar="B", help=f"{_NAMED}; what is to be")
    printed = diff.add_mutually_exclusive_group()
    printed.add_argument("--json", action="store_true", help="print JSON")
    printed.add_argument(
        "--markdown", action="store_true", help="print Markdown, for a comment on a pull request"
    )


def _show(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.gates import policy_yaml, resolve_policy
    from evalsuite.gates.policywriting import origins_of

    resolved = resolve_policy(args.policy)
    if not args.json:
        terminal.raw(policy_yaml(resolved))
        return 0
    said = {
        "name": resolved.policy.name,
        "digest": resolved.policy.digest,
        "files": [{"policy": file.policy, "file": file.path} for file in resolved.files],
        "policy": resolved.policy.resolved,
        "origins": origins_of(resolved),
    }
    terminal.raw(json.dumps(said, indent=1, ensure_ascii=False) + "\n")
    return 0


def _check(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.cases.casefiles import load_cases
    from evalsuite.cases.shipped import case_folders
    from evalsuite.errors import EvalsuiteError

    cases = load_cases(case_folders(args.cases).goldens)
    wrong = warned = False
    for name in args.policies:
        try:
            resolved, warnings = _checked(name, cases, terminal)
        except EvalsuiteError as error:
            wrong = True
            terminal.error(str(error))
            continue
        warned = warned or bool(warnings)
        for line in (*_told(name, resolved), *(f"warning: {one}" for one in warnings)):
            terminal.say(line)
    return COULD_NOT_RUN if wrong else int(warned and args.strict)


def _checked(
    name: str, cases: Sequence[Case], terminal: Terminal
) -> tuple[ResolvedPolicy, list[str]]:
    """Resolve a policy, and have a candidate without a defect judged by it.

    Raises:
        InvalidInput: it is wrong, or asks for what cannot be drawn or read.
    """
    from evalsuite.errors import InvalidInput, InvalidPolicy
    from evalsuite.gates import doubts, load_policy, resolve_policy
    from evalsuite.pipeline.flawless import flawless, require_drawable
    from evalsuite.pipeline.reading import set_of

    resolved = resolve_policy(name)
    try:
        require_drawable(resolved.policy)
    except InvalidInput as error:
        raise InvalidPolicy(f"{resolved.own.called}: {error}") from None
    sets = Counter(set_of(case.source.rpartition(":")[0]) for case in cases)
    with terminal.working(f"{name}: judging a candidate without a defect"):
        evidence = flawless(resolved.policy, cases)
        found = doubts(resolved, load_policy("default"), evidence, sets)
    return resolved, [str(one) for one in found]


def _told(name: str, resolved: ResolvedPolicy) -> Iterator[str]:
    """Who a policy is, and a line for each gate: its tier, and what it asks."""
    from evalsuite.gates import Gate

    policy = resolved.policy
    yield f"{name}: {policy.name}, digest {policy.digest[:12]}"
    for gate in Gate:
        rule = policy.rule(gate)
        tier = rule.tier.value if rule.enabled else "off"
        yield f"  {gate:20} {tier:9} {_asks(policy, gate)}".rstrip()


def _asks(policy: Policy, gate: str) -> str:
    """The panels of a gate."""
    said = policy.gates.by_language
    texts = said["forgetting.text.panel"] if gate == "forgetting" else {}
    panels = (("", said.get(f"{gate}.panel", {})), ("texts ", texts))
    return "; ".join(
        what + ", ".join(f"{language} {n}" for language, n in panel.items())
        for what, panel in panels
        if panel
    )


def _diff(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.gates import Change, diff_policies
    from evalsuite.report import policy_diff_markdown, policy_diff_text

    a, b = _both(args.a, args.b)
    found = diff_policies(a, b)
    if args.json:
        terminal.raw(json.dumps(_as_json(a, b, found), indent=1, ensure_ascii=False) + "\n")
    elif args.markdown:
        terminal.raw(policy_diff_markdown(a, b, found))
    else:
        terminal.say(policy_diff_text(a, b, found))
    if not found:
        return 0
    return 1 if any(one.change is Change.LOOSER for one in found) else 2


def _both(*names: str) -> list[Policy]:
    """Read both policies.

    Raises:
        InvalidPolicy: whatever is wrong with either.
    """
    from evalsuite.errors import InvalidPolicy
    from evalsuite.gates import load_policy

    found, problems = [], {}
    for name in names:
        try:
            found.append(load_policy(name))
        except InvalidPolicy as error:
            problems[str(error)] = name
    if problems:
        raise InvalidPolicy("\n".join(problems))
    return found


def _as_json(a: Policy, b: Policy, found: Sequence[Difference]) -> dict[str, object]:
    """Both policies and their differences; a side that lacks a key has no value of it."""
    return {
        "a": {"name": a.name, "digest": a.digest},
        "b": {"name": b.name, "digest": b.digest},
        "differences": [one.to_json() for one in found],
    }
