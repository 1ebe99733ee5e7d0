"""From a fresh machine to a verdict: the README's two commands in a new clone, with empty caches.

    python benchmarks/fresh.py

Clones what is committed into an empty temporary folder, runs the first command of the README there,
which installs everything, and then the second. Nothing is taken from the caches of the user: not
the installer's, not the model's answers. Exit status 1 when a command fails or takes too long.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from figures import RESULTS, ROOT, Bound, Figure, conclude, machine

SECONDS = (600.0, 300.0)
"""Targets of the first and of the second command."""
VERDICTS = Path("reports/quickstart/verdicts.json")
_FENCE = re.compile(r"^```[^\n]*\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
_OWN = re.compile(
    r"VIRTUAL_ENV.*|PYTHON.*|EVALSUITE_.*|NOX.*|GIT_(DIR|WORK_TREE|INDEX_FILE)"
    r"|(PIP_CACHE|XDG_CACHE|HF)_.*"
)
"""Variables of this process that a fresh machine would not have."""


def commands(readme: str) -> tuple[str, str]:
    """Return the two lines of the first fenced block.

    Raises:
        SystemExit: there is no such block, or it holds anything but two lines.
    """
    fence = _FENCE.search(readme)
    lines = [line.strip() for line in fence["body"].splitlines() if line.strip()] if fence else []
    if len(lines) != 2:
        raise SystemExit(f"README.md: the first fenced block has {len(lines)} lines, not two")
    return lines[0], lines[1]


def clone(into: Path) -> str:
    """Clone what is committed and return the commit."""
    git("clone", "--quiet", str(ROOT), str(into))
    if git("-C", str(ROOT), "status", "--porcelain"):
        print("note: there are changes that are not committed; they are not measured")
    return git("-C", str(into), "rev-parse", "HEAD")


def git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], check=True, env=environment(), stdout=subprocess.PIPE, text=True
    )
    return done.stdout.strip()


def environment() -> dict[str, str]:
    """Return the environment of a fresh machine; settings of proxies and indexes stay."""
    return {name: value for name, value in os.environ.items() if not _OWN.fullmatch(name)}


def timed(command: str, folder: Path, cache: Path) -> dict[str, Any]:
    print(f"$ {command}", flush=True)
    began = time.monotonic()
    done = subprocess.run(
        ["bash", "-c", command],
        check=False,
        cwd=folder,
        env={**environment(), "XDG_CACHE_HOME": str(cache)},
    )
    return {
        "command": command,
        "seconds": round(time.monotonic() - began, 1),
        "exit_status": done.returncode,
    }


def report(folder: Path) -> dict[str, Any]:
    checkout, cache = folder / "checkout", folder / "cache"
    result: dict[str, Any] = {"machine": machine(), "commit": clone(checkout), "verdict": None}
    first, second = commands((checkout / "README.md").read_text("utf-8"))
    result["commands"] = [timed(first, checkout, cache)]
    if (checkout / VERDICTS).is_file():
        result["verdict"] = json.loads((checkout / VERDICTS).read_bytes())["status"]
    if (checkout / ".venv").is_dir():
        result["commands"].append(timed(second, checkout, cache))
    return result


def figures(result: dict[str, Any]) -> list[Figure]:
    """Return what has a target; a command that was not run has no figure that meets its own."""
    nothing = {"seconds": float("nan"), "exit_status": float("nan")}
    ran = [*result["commands"], nothing][: len(SECONDS)]
    names = ("fresh machine to verdict", "tests")
    return [
        figure
        for name, target, one in zip(names, SECONDS, ran, strict=True)
        for figure in (
            Figure(name=name, value=one["seconds"], bound=Bound.AT_MOST, target=target, unit="s"),
            Figure(
                name=f"{name}, exit status",
                value=abs(one["exit_status"]),
                bound=Bound.AT_MOST,
                target=0,
            ),
        )
    ]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=RESULTS / "fresh.json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="evalsuite-fresh-") as folder:
        result = report(Path(folder))
    print(f"\nverdict: {result['verdict'] or 'none'}\n")
    return conclude(figures(result), result, args.out)


if __name__ == "__main__":
    sys.exit(main())
