"""registry policy, accept-policy, lineages, add-lineage: the rules of a registry."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from evalsuite.commands.console import Terminal
from evalsuite.commands.options import BY_SUCCESS, Subparsers, add_registry, command


def add(subparsers: Subparsers) -> None:
    """Declare the commands."""
    registry = subparsers.add_parser(
        "registry", help="the rules of a registry: its policy, its lineages"
    )
    actions = registry.add_subparsers(required=True, metavar="ACTION")
    show = command(
        actions,
        "policy",
        _show,
        help="say which policy a registry has, and who made it looser",
        example="evalsuite registry policy --registry registry",
        ends=BY_SUCCESS,
    )
    add_registry(show)
    accept = command(
        actions,
        "accept-policy",
        _accept,
        help="make a policy that of a registry",
        example="evalsuite registry accept-policy my-policy.yaml --by Ann --reason panels",
        ends=BY_SUCCESS,
    )
    accept.add_argument("policy", metavar="NAME|FILE", help="nano, smollm2, default, or a file")
    add_registry(accept)
    accept.add_argument("--by", required=True, metavar="NAME", help="who accepts it")
    accept.add_argument("--reason", required=True, metavar="TEXT", help="why; reports tell it")
    accept.add_argument(
        "--loosen", action="store_true", help="accept it though it lets pass what did not pass"
    )
    _add_lineages(actions)


def _add_lineages(actions: Subparsers) -> None:
    lineages = command(
        actions,
        "lineages",
        _lineages,
        help="say which lineages a registry knows, and who added them",
        example="evalsuite registry lineages --registry registry",
        ends=BY_SUCCESS,
    )
    add_registry(lineages)
    add = command(
        actions,
        "add-lineage",
        _add_lineage,
        help="add a lineage: candidates that are gated with --lineage NAME count apart",
        example="evalsuite registry add-lineage rewriter-zh --by Ann --reason product",
        ends=BY_SUCCESS,
    )
    add.add_argument("name", metavar="NAME", help="lower-case letters, digits, '.', '_' and '-'")
    add_registry(add)
    add.add_argument("--by", required=True, metavar="WHO", help="who adds it")
    add.add_argument("--reason", required=True, metavar="TEXT", help="why; reports tell it")


def _show(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.registry import read_pins

    pins = read_pins(args.registry)
    if not pins:
        terminal.say("no policy yet: the first promotion pins that of its run")
    for pin in pins:
        content = pin.content
        who = f" by {content.by}" if content.by else ""
        terminal.say(
            f"{content.sequence}. {content.name} ({content.digest[:12]}), "
            f"{content.created:%Y-%m-%d}{who}: {content.reason}"
        )
        for said in content.changed:
            mark = "looser" if said in content.loosened else "changed"
            terminal.say(f"   {mark:7} {said}")
    return 0


def _accept(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.gates import load_policy
    from evalsuite.registry import accept_policy

    pin = accept_policy(
        args.registry,
        load_policy(args.policy),
        reason=args.reason,
        by=args.by,
        loosen=args.loosen,
        now=datetime.now(UTC),
    )
    for said in pin.content.changed:
        mark = "looser" if said in pin.content.loosened else "changed"
        terminal.say(f"{mark:7} {said}")
    terminal.say(
        f"policy {pin.content.name!r} is that of {args.registry} now (pin {pin.content.sequence})"
    )
    return 0


def _lineages(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.registry import read_lineages

    known = read_lineages(args.registry)
    if not known:
        terminal.say("no lineage of its own: every candidate of a base counts as an attempt on it")
    for one in known:
        terminal.say(f"{one.name}: {one.created:%Y-%m-%d} by {one.by}: {one.reason}")
    return 0


def _add_lineage(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.registry import add_lineage

    one = add_lineage(
        args.registry, args.name, by=args.by, reason=args.reason, now=datetime.now(UTC)
    )
    terminal.say(f"lineage {one.name!r} is known to {args.registry} now: gate with --lineage")
    return 0
