"""search: is there a conversation that breaks the candidate?"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from evalsuite.commands.console import Terminal
from evalsuite.commands.gate import from_here
from evalsuite.commands.options import (
    BY_CHECK,
    Subparsers,
    add_candidate,
    add_gate_options,
    check_result,
    command,
    gate_request,
    write_result,
)

if TYPE_CHECKING:
    from evalsuite.search import Progress, Searched


def add(subparsers: Subparsers) -> None:
    """Declare the command."""
    search = command(
        subparsers,
        "search",
        _search,
        help="look for the conversation that breaks a candidate, and make it small",
        example="evalsuite search --adapter adapters/candidate --budget 2000",
        ends=BY_CHECK.replace("something is wrong", "a counterexample was found"),
    )
    add_candidate(search, "the candidate", "reports/search")
    search.add_argument(
        "--budget", type=int, default=500, metavar="N", help="histories to try (default: 500)"
    )
    search.add_argument(
        "--minutes", type=float, metavar="M", help="most time to draw new histories in"
    )
    search.add_argument(
        "--operators", nargs="+", default=[], metavar="NAME",
        help="only these ways to make a history hostile (default: those of the policy)",
    )  # fmt: skip
    search.add_argument(
        "--most", type=int, default=10, help="counterexamples to make small (default: 10)"
    )
    search.add_argument(
        "--relations", type=int, default=32, metavar="N",
        help="histories to check metamorphic relations on (default: 32)",
    )  # fmt: skip
    search.add_argument(
        "--sensitivity", type=int, default=0, metavar="N",
        help="cases on which to vary number and order of demonstrations, and format (default: 0)",
    )  # fmt: skip
    search.add_argument(
        "--no-save", action="store_true", help="leave no regression cases in cases/regressions"
    )
    add_gate_options(search, seed="of the search (default: 0)")


def _search(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.report import render_search, search_text
    from evalsuite.search import SearchRequest, remember_all, search, to_json

    request = SearchRequest(
        gate=gate_request(args, ("evalsuite", *sys.argv[1:])),
        budget=args.budget,
        minutes=args.minutes,
        operators=tuple(args.operators),
        most=args.most,
        relations=args.relations,
        sensitivity=args.sensitivity,
    )
    check_result(args.out, "search.json")
    with terminal.working("searching"):
        searched = search(request, tell=lambda so_far: terminal.progress(_line(so_far, args)))
    data = to_json(searched)
    if searched.interrupted and not searched.found.progress.tried:
        terminal.say("interrupted before anything was tried; nothing was written")
        return _status(searched)
    write_result(args.out, "search.json", data, render_search(data))
    terminal.say(search_text(data))
    if not args.no_save and not searched.found.interrupted:
        for name, path in remember_all(searched).items():
            known = f"known already, in {from_here(searched.inputs.folders.regressions)}: {name}"
            terminal.say(known if path is None else f"saved: {from_here(path)}")
    terminal.say(f"page: {from_here(args.out / 'index.html')}")
    return _status(searched)


def _status(searched: Searched) -> int:
    if searched.interrupted:
        return 130
    return 1 if searched.found.counterexamples else 0


def _line(so_far: Progress, args: argparse.Namespace) -> str:
    worst = "" if so_far.worst is None else f", smallest margin {so_far.worst:+.1f} nats"
    return f"tried {so_far.tried} of {args.budget}, {so_far.broken} broken{worst}"
