"""What a session asks for: the options, and the request that they spell."""

from __future__ import annotations

import errno
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from evalsuite.gates import Policy
    from evalsuite.pipeline import GateRequest

_OPTION = re.compile(
    r"(?<!\S)(?<!evalsuite gate )"
    r"--(?=(?:policy|cases|out|seed|prompt-format|dtype|device|cache|registry|lineage|champion|waivers|candidate)\b)"
)
"""An option of ``evalsuite gate`` in an error's advice, where it is called ``--gate-...`` here."""
_PAGES = {".html": "render_html", ".htm": "render_html", ".md": "render_markdown"}
"""Ending of a report's name to the function of :mod:`evalsuite.report` that makes it."""


def add_options(parser: pytest.Parser) -> None:
    """Add the options of the gates."""
    group = parser.getgroup("evalsuite", "evalsuite: gates for a fine-tuned adapter")
    _add_subject(group)
    _add_asking(group)
    _add_beside(group)


def _add_subject(group: pytest.OptionGroup) -> None:
    """What is gated, by what, and where its results go."""
    from evalsuite.commands.options import HELP

    group.addoption("--base-model", default="nano", help=HELP["base_model"])
    group.addoption("--adapter", type=Path, help="the candidate; without it no gate runs")
    group.addoption("--gate-candidate", type=Path, metavar="DIR", help=HELP["candidate"])
    group.addoption("--gate-policy", help=HELP["policy"])
    group.addoption("--gate-cases", type=Path, help=HELP["cases"].format("ROOT/cases"))
    group.addoption(
        "--gate-out",
        type=Path,
        help="run folder, replaced by each run (default: ROOT/reports/pytest)",
    )
    group.addoption(
        "--gate-report",
        type=Path,
        metavar="PATH",
        help="write the report to PATH too: HTML, or Markdown where PATH ends in .md "
        "(--report is the same, unless another plugin has an option of that name)",
    )
    group.addoption("--gate-waivers", type=Path, help=HELP["waivers"])


def _add_asking(group: pytest.OptionGroup) -> None:
    """How it is asked."""
    from evalsuite.commands.options import HELP

    group.addoption("--gate-seed", type=int, help=HELP["seed"])
    group.addoption(
        "--gate-prompt",
        "--gate-prompt-format",
        default="xml",
        metavar="PROMPT",
        help=HELP["prompt"],
    )
    group.addoption("--gate-answer-prompt", metavar="FILE", help=HELP["answer_prompt"])
    group.addoption("--gate-dtype", default="auto", help=HELP["dtype"])
    group.addoption("--gate-device", default="auto", help=HELP["device"])
    group.addoption("--gate-batch-tokens", type=int, metavar="N", help=HELP["batch_tokens"])
    group.addoption("--gate-unmerged", action="store_true", help=HELP["unmerged"])
    group.addoption("--gate-cache", type=Path, help=HELP["cache"])


def _add_beside(group: pytest.OptionGroup) -> None:
    """What is searched for beside the gates, and whom the candidate is compared with."""
    from evalsuite.commands.options import HELP

    group.addoption(
        "--gate-search-budget",
        type=int,
        default=150,
        metavar="N",
        help="hostile histories to try beside the gates (default: 150)",
    )
    group.addoption(
        "--gate-registry",
        type=Path,
        help=f"{HELP['registry']} (default: ROOT/registry)",
    )
    group.addoption("--gate-lineage", default="", metavar="NAME", help=HELP["lineage"])
    group.addoption("--gate-champion", default="auto", metavar="WHOM", help=HELP["champion"])


def is_report_free(parser: pytest.Parser) -> bool:
    """Whether nobody else declared ``--report``, a name that other plugins like too."""
    try:
        return "--report=" in parser.parse_known_and_unknown_args(["--report="])[1]
    except pytest.UsageError:
        return False  # somebody's, and it takes no empty value


def report_renamed(args: Sequence[str]) -> list[str]:
    """Return the arguments with ``--report`` spelt ``--gate-report``."""
    known = list(args)
    end = known.index("--") if "--" in known else len(known)
    named = [re.sub(r"\A--report(?==|\Z)", "--gate-report", arg) for arg in known[:end]]
    return named + known[end:]


def in_pytests_words(advice: str) -> str:
    """Return an error's text with the options named as they are here."""
    return _OPTION.sub("--gate-", advice)


def is_asked(config: pytest.Config) -> bool:
    """Whether the options name a candidate.

    Raises:
        InvalidInput: they name two.
    """
    from evalsuite.errors import InvalidInput

    adapter, whole = config.getoption("--adapter"), config.getoption("--gate-candidate")
    if adapter is not None and whole is not None:
        raise InvalidInput(
            f"--adapter={str(adapter)!r} and --gate-candidate={str(whole)!r} both name the "
            "candidate; a session gates one"
        )
    return adapter is not None or whole is not None


def request_of(config: pytest.Config) -> GateRequest:
    """Return what the options ask for."""
    from evalsuite.pipeline import GateRequest
    from evalsuite.prompts import ANSWER_PROMPT, load_prompt, prompt_named

    root, answering = config.rootpath, config.getoption("--gate-answer-prompt")
    whole: Path | None = config.getoption("--gate-candidate")
    return GateRequest(
        base_model=config.getoption("--base-model"),
        adapter=whole or config.getoption("--adapter"),
        whole_model=whole is not None,
        policy=config.getoption("--gate-policy"),
        cases=config.getoption("--gate-cases"),
        root=root,
        out=config.getoption("--gate-out") or root / "reports" / "pytest",
        cache=config.getoption("--gate-cache"),
        seed=config.getoption("--gate-seed"),
        prompt=prompt_named(config.getoption("--gate-prompt")),
        answer_prompt=load_prompt(answering) if answering else ANSWER_PROMPT,
        dtype=config.getoption("--gate-dtype"),
        device=config.getoption("--gate-device"),
        merged=not config.getoption("--gate-unmerged"),
        batch_tokens=config.getoption("--gate-batch-tokens"),
        waivers=config.getoption("--gate-waivers"),
        registry=config.getoption("--gate-registry") or root / "registry",
        lineage=config.getoption("--gate-lineage"),
        champion=config.getoption("--gate-champion"),
        command=("pytest", *sys.argv[1:]),
    )


def policy_of(config: pytest.Config) -> Policy:
    """Return the policy that the options name. Raises InvalidPolicy."""
    from evalsuite.pipeline import choose_policy

    return choose_policy(config.getoption("--gate-policy"), config.getoption("--base-model"))


def golden_ids(config: pytest.Config) -> list[str]:
    """Return the id of every golden case. Raises InvalidCase."""
    from evalsuite.cases.casefiles import load_cases
    from evalsuite.cases.shipped import case_folders

    folders = case_folders(config.getoption("--gate-cases"), config.rootpath)
    return [case.id for case in load_cases(folders.goldens)]


def report_path(config: pytest.Config) -> Path | None:
    """Where the report is to be written too; None when it was not asked for.

    Raises:
        InvalidInput: the name says neither HTML nor Markdown.
        RunStorageError: nothing can be written there. An older report is untouched.
    """
    from evalsuite.errors import InvalidInput, RunStorageError
    from evalsuite.files.storage import storage_errors

    named: Path | None = config.getoption("--gate-report")
    if named is None:
        return None
    path = config.invocation_params.dir / named
    if path.suffix.lower() not in _PAGES:
        raise InvalidInput(
            f"--gate-report={str(named)!r} must end in one of {', '.join(_PAGES)}; "
            "the ending says which kind of report is written"
        )
    with storage_errors(path, RunStorageError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        # Asking for permissions is no proof: a full or read-only disk shows on writing only.
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".evalsuite-") as probe:
            probe.write(b"\n")
    return path


def renderer_of(path: Path) -> str:
    """The name of the function of :mod:`evalsuite.report` that makes such a report."""
    return _PAGES[path.suffix.lower()]
