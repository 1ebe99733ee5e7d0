"""The command line: ``evalsuite COMMAND``. What each command does is in ``commands/``.

Exit status: 0 passed, 1 failed, 2 inconclusive, 3 could not run, 130 interrupted. A deliberate
error is one sentence on standard error, without a traceback.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
import traceback
from collections.abc import Sequence

from evalsuite import __version__
from evalsuite.commands import (
    calibrate,
    check,
    compare,
    gate,
    importing,
    label,
    policy,
    prompt,
    publish,
    qualify,
    registry,
    review,
    score,
    search,
    suite,
    train,
)
from evalsuite.commands.console import Terminal
from evalsuite.commands.options import BY_STATUS, COULD_NOT_RUN
from evalsuite.errors import EvalsuiteError, TrainingInterrupted

INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """Build the parser of every command."""
    top = argparse.ArgumentParser(
        prog="evalsuite",
        description="The release gate for fine-tuned small language models.",
        epilog=BY_STATUS,
    )
    top.add_argument("--version", action="version", version=f"evalsuite {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    modules = (
        train, gate, policy, registry, compare, score, review, label, publish, qualify, calibrate,
        search, suite, prompt, check, importing,
    )  # fmt: skip
    for module in modules:
        module.add(commands)
    return top


READER_LEFT = 141
"""As a shell says of a process that SIGPIPE ended: no status of any command."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    args = _parsed(argv)
    # Worker threads of the tokenizer library warn when a process forks; nothing here needs them.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    terminal = Terminal()
    try:
        status = int(args.run(args, terminal))
        sys.stdout.flush()
        return status
    except TrainingInterrupted as error:
        terminal.error(str(error))
        return INTERRUPTED
    except EvalsuiteError as error:
        terminal.error(str(error))
        return COULD_NOT_RUN
    except KeyboardInterrupt:
        terminal.error(
            "interrupted; run the same command again to go on where it stopped"
            + (", with --resume" if hasattr(args, "resume") else "")
        )
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away, as in `| head`: there is nobody left to say anything to.
        _silence()
        return READER_LEFT
    except OSError as error:
        if error.errno not in _FULL:
            raise
        _silence()
        where = f" {error.filename!r}" if error.filename else " standard output"
        terminal.error(f"cannot write{where}: {error.strerror}; make room and run it again")
        return COULD_NOT_RUN
    except Exception:
        # A bug, not a verdict: status 1 would say that the candidate failed.
        traceback.print_exc()
        terminal.error("this is a bug in evalsuite; please report it with the lines above")
        return COULD_NOT_RUN


def _silence() -> None:
    """Let what is still buffered go nowhere, so that the interpreter ends quietly."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    try:
        return parser().parse_args(argv)
    except SystemExit as exit_:
        # argparse ends with 2, which here means inconclusive.
        raise SystemExit(COULD_NOT_RUN if exit_.code == 2 else exit_.code) from None


if __name__ == "__main__":
    sys.exit(main())
