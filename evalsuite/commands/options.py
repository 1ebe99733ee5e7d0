"""Options that several commands share, so that a name means the same everywhere."""

from __future__ import annotations

import argparse
import errno
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from evalsuite.commands.console import Terminal

if TYPE_CHECKING:
    from evalsuite.pipeline import GateRequest

Command = Callable[[argparse.Namespace, Terminal], int]
Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

EXIT = {"passed": 0, "failed": 1, "inconclusive": 2}
"""Exit status of ``evalsuite gate`` by the run's status."""
COULD_NOT_RUN = 3
BY_STATUS = "exit status: 0 passed, 1 failed, 2 inconclusive, 3 could not run, 130 interrupted"
BY_CHECK = "exit status: 0 all well, 1 something is wrong, 3 could not run, 130 interrupted"
BY_EVIDENCE = (
    "exit status: 0 all well, 1 something is wrong, 2 the verdict could not be computed again, "
    "3 could not run, 130 interrupted"
)
BY_SUCCESS = "exit status: 0 done, 3 could not run, 130 interrupted"


def command(
    subparsers: Subparsers,
    name: str,
    run: Command,
    *,
    help: str,
    example: str,
    ends: str = BY_SUCCESS,
) -> argparse.ArgumentParser:
    """Declare a command with an example and its exit status in its help."""
    parser = subparsers.add_parser(
        name,
        help=help,
        description=help[0].upper() + help[1:] + ".",
        epilog=f"example:\n  {example}\n\n{ends}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


class Once(argparse.Action):
    """Keeps the value of an option that may be given once.

    The last of two would silently take the place of the first: a candidate that somebody named
    would not be gated, and the verdict would be about another.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Keep the value; end the command where the option was given before."""
        if getattr(namespace, self.dest) is not None:
            parser.error(
                f"argument {option_string}: is given twice; several candidates are named after "
                "one --adapters: --adapters DIR DIR"
            )
        setattr(namespace, self.dest, values)


HELP = {
    "base_model": "nano (embedded, default), smollm2 (of a package, see docs/models.md), a folder, "
    "or a Hugging Face id (owner/name@revision); #FAMILY after it names the family of its chat "
    "template, otherwise it is inferred",
    "adapter": "the candidate: the folder of an adapter, or its hub id: owner/name[@revision]",
    "candidate": "the candidate: the folder of a whole model, merged or fully fine-tuned, made "
    "from the base model (docs/candidates.md)",
    "adapters": "several candidates, adapters or whole models: a run of each below --out, and one "
    "page",
    "policy": "nano, smollm2, default, or a YAML file (default: that of the base's name, else "
    "default)",
    "cases": "folder of golden cases (default: {}, else those that ship with evalsuite)",
    "seed": "of the panels (default: from adapter, policy, cases and how they are asked)",
    "prompt": "xml, json, yaml, markdown, plain or chat, or a YAML file of your own prompt "
    "(docs/prompts.md; default: xml)",
    "answer_prompt": "YAML file of your own prompt for queries that are to be answered (tasks: "
    "[answer] in a policy)",
    "waivers": "YAML file of waivers, each for one gate of one candidate (docs/policy.md)",
    "champion": "whom to compare with: auto (the registry's champion, else the base), base, or the "
    "folder of an adapter (default: auto)",
    "registry": "folder of promotion records, whose newest names the champion, and of the ledger "
    "of attempts",
    "lineage": "a name of the registry's list, whose attempts this one is counted among (default: "
    "those of the base that name none; docs/policy.md)",
    "cache": "SQLite file of answers (default: ~/.cache/evalsuite/outputs.sqlite3)",
    "dtype": "float32, bfloat16, or auto: bfloat16 on CUDA, else float32",
    "device": "cpu, cuda, cuda:1 and so on, or auto: cuda where torch sees one, else cpu",
    "batch_tokens": "tokens that one batch may hold; fewer need less memory (default: by device)",
    "unmerged": "run the adapter beside its base, as a server of many adapters does",
}
"""What the options of a gate mean, here and in the pytest plugin."""


def add_base(parser: argparse.ArgumentParser) -> None:
    """Add ``--base-model``."""
    parser.add_argument("--base-model", default="nano", metavar="MODEL", help=HELP["base_model"])


def add_gate_options(parser: argparse.ArgumentParser, *, seed: str = HELP["seed"]) -> None:
    """Add what decides how a candidate is gated; ``seed`` says what the seed is for."""
    parser.add_argument("--policy", help=HELP["policy"])
    parser.add_argument("--cases", type=Path, help=HELP["cases"].format("cases"))
    parser.add_argument("--seed", type=int, help=seed)
    add_prompt(parser)
    parser.add_argument("--cache", type=Path, help=HELP["cache"])
    parser.add_argument("--dtype", default="auto", help=HELP["dtype"])
    parser.add_argument("--device", default="auto", help=HELP["device"])
    parser.add_argument("--batch-tokens", type=int, metavar="N", help=HELP["batch_tokens"])
    parser.add_argument("--unmerged", action="store_true", help=HELP["unmerged"])


def add_prompt(parser: argparse.ArgumentParser) -> None:
    """Add ``--prompt``."""
    parser.add_argument(
        "--prompt", "--prompt-format", default="xml", metavar="PROMPT", help=HELP["prompt"]
    )
    parser.add_argument("--answer-prompt", metavar="FILE", help=HELP["answer_prompt"])


def add_candidate(parser: argparse.ArgumentParser, what: str, out: str) -> None:
    """Add ``--base-model``, ``--adapter`` and ``--out``.

    Args:
        parser: of the command.
        what: what the adapter is to this command.
        out: the folder of the results, unless another is named.
    """
    add_base(parser)
    parser.add_argument(
        "--adapter",
        type=Path,
        default=Path("adapters/candidate"),
        help=f"{what} (default: adapters/candidate)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path(out), help=f"folder of the results (default: {out})"
    )


def add_registry(parser: argparse.ArgumentParser) -> None:
    """Add ``--registry``."""
    parser.add_argument(
        "--registry",
        type=Path,
        default=Path("registry"),
        help=f"{HELP['registry']} (default: registry)",
    )


def add_lineage(parser: argparse.ArgumentParser) -> None:
    """Add ``--lineage``."""
    parser.add_argument("--lineage", default="", metavar="NAME", help=HELP["lineage"])


def add_champion(parser: argparse.ArgumentParser) -> None:
    """Add ``--champion``."""
    parser.add_argument("--champion", default="auto", metavar="WHOM", help=HELP["champion"])


def require_apart(out: Path, *inputs: Path, option: str = "--out") -> None:
    """Refuse to write over what is read.

    Raises:
        RunStorageError: ``out`` is one of the inputs.
    """
    from evalsuite.errors import RunStorageError

    if any(out.exists() and one.exists() and out.samefile(one) for one in inputs):
        raise RunStorageError(
            f"{option}={str(out)!r} is an input, which would be lost; name another file"
        )


def require_new(out: Path, *, option: str = "--out") -> None:
    """Refuse to write over a file that a person may have edited.

    Raises:
        RunStorageError: there is something already.
    """
    from evalsuite.errors import RunStorageError

    if out.exists():
        raise RunStorageError(
            f"{option}={str(out)!r} is there already, and may have been edited; remove it, or name "
            "another file"
        )


def check_result(folder: Path, *known: str) -> None:
    """Refuse a folder for results before any work is done: a file, or one that holds other things.

    Args:
        folder: as the user named it.
        known: names of files and folders, one of which earlier results would have left there.

    Raises:
        RunStorageError: it cannot be used.
    """
    from evalsuite.errors import RunStorageError
    from evalsuite.files.storage import storage_errors

    with storage_errors(folder, RunStorageError):
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(there))
        inside = folder.iterdir() if there == folder else ()
        held = sorted(path.name for path in inside if not path.name.startswith("."))
    if held and not set(known) & set(held):
        raise RunStorageError(
            f"the folder {str(folder)!r} holds something else than such results "
            f"({', '.join(held[:3])}); name a new or empty folder with --out"
        )


def write_result(folder: Path, name: str, data: Mapping[str, object], page: str) -> None:
    """Write a result as JSON under ``name``, and its page as ``index.html``, each whole or not.

    Raises:
        RunStorageError: the folder refuses them; what was there stays.
    """
    from evalsuite.errors import RunStorageError
    from evalsuite.files.storage import atomic_write, storage_errors

    text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    with storage_errors(folder, RunStorageError):
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(folder / name, text.encode())
        atomic_write(folder / "index.html", page.encode())


def gate_request(args: argparse.Namespace, command: tuple[str, ...]) -> GateRequest:
    """Make the request that the options spell."""
    from evalsuite.pipeline import GateRequest
    from evalsuite.prompts import ANSWER_PROMPT, load_prompt, prompt_named

    whole: Path | None = getattr(args, "candidate", None)
    return GateRequest(
        base_model=args.base_model,
        adapter=whole or args.adapter or Path(),
        whole_model=whole is not None,
        policy=args.policy,
        cases=args.cases,
        out=args.out,
        cache=args.cache,
        seed=args.seed,
        prompt=prompt_named(args.prompt),
        answer_prompt=load_prompt(args.answer_prompt) if args.answer_prompt else ANSWER_PROMPT,
        dtype=args.dtype,
        device=args.device,
        merged=not args.unmerged,
        batch_tokens=args.batch_tokens,
        waivers=getattr(args, "waivers", None),
        registry=getattr(args, "registry", None),
        lineage=getattr(args, "lineage", ""),
        champion=getattr(args, "champion", "auto"),
        command=command,
    )
