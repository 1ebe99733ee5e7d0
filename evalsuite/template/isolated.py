"""Two checks that need a process of their own.

R6 asks whether a render is the same on another day, in another locale and time zone, which a
running process cannot change for itself. The comparison with the folder's own template runs a
Jinja program that came with the tokenizer: it may loop for ever, so it is given limits.

A process that is stopped by a limit, or dies, has refuted nothing: the property is UNTESTED.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsuite.conversation import Conversation
from evalsuite.errors import EvalsuiteError
from evalsuite.template.base import ChatTemplate, PropertyResult, PropertyStatus
from evalsuite.template.shrinking import describe, judge, size

_DATES = ("2031-02-03T23:59:59", "2019-11-30T00:00:01")
_COMMAND = (sys.executable, "-m", "evalsuite.template.isolated_main")


@dataclass(frozen=True, slots=True)
class Limits:
    """What the second process may use before it is given up."""

    processor_seconds: int = 60
    """What a loop uses up; a busy machine does not."""
    wall_seconds: float = 300
    """Longer, so that waiting for a processor is not taken for a loop."""
    memory_bytes: int = 8 * 1024**3
    """Address space."""


_LIMITS = Limits()


class _NoAnswer(EvalsuiteError):
    """The second process gave no answer; never leaves this module."""


def r6_stable(
    template: ChatTemplate, conversations: Sequence[Conversation], *, limits: Limits = _LIMITS
) -> PropertyResult:
    """A render is the same in another process, on another date, in another locale."""
    name = "R6 stable"
    if template.source is None:
        return PropertyResult(
            name, PropertyStatus.UNTESTED, "not loaded from a folder, so no second process can"
        )
    try:
        [there] = _run(template.source, conversations, limits, dates=_DATES[:1], own=False)
    except _NoAnswer as error:
        return PropertyResult(name, PropertyStatus.UNTESTED, str(error))
    renders = dict(zip(conversations, there["renders"], strict=True))

    def probe(conversation: Conversation) -> str | None:
        # A conversation that shrinking made was not rendered there, so it cannot count.
        if conversation not in renders:
            return None
        ids, answer = list(template.render(conversation).ids), renders[conversation]
        if "error" in answer:
            return f"refused in a new process dated {_DATES[0]}: {answer['error']}"
        return (
            None if ids == answer["ids"] else f"another render in a new process dated {_DATES[0]}"
        )

    result = judge(name, conversations, probe)
    if result.status is PropertyStatus.HOLDS and there["fingerprint"] != template.fingerprint:
        return PropertyResult(name, PropertyStatus.VIOLATED, "another fingerprint in a new process")
    return result


def own_template(
    template: ChatTemplate, conversations: Sequence[Conversation], *, limits: Limits = _LIMITS
) -> PropertyResult:
    """For harmless text, the ids are those of the folder's own Jinja template.

    Declared: a default system prompt that the maker's template supplies and this one does not, and
    conversations for which the maker's template gives no text. Untested: it gives none at all.
    """
    name = "own template"
    harmless = [c for c in conversations if _is_harmless(template, c)]
    if template.source is None or not harmless:
        what = "no conversation is harmless" if template.source else "not loaded from a folder"
        return PropertyResult(name, PropertyStatus.UNTESTED, f"nothing to compare with: {what}")
    try:
        first, second = _run(template.source, harmless, limits, dates=_DATES, own=True)
    except _NoAnswer as error:
        return PropertyResult(name, PropertyStatus.UNTESTED, str(error))
    theirs, later = first["own"], second["own"]
    if theirs is None:
        detail = "the folder ships no chat template; put its maker's chat_template.jinja into it"
        return PropertyResult(name, PropertyStatus.UNTESTED, detail)
    return _compare(template, list(zip(harmless, theirs, strict=True)), dated=theirs != later)


def _compare(
    template: ChatTemplate, pairs: list[tuple[Conversation, dict[str, Any]]], *, dated: bool
) -> PropertyResult:
    name = "own template"
    pairs = sorted(pairs, key=lambda pair: size(pair[0]))
    compared = [pair for pair in pairs if "error" not in pair[1]]
    notes = _silent(pairs)
    if not compared:
        return PropertyResult(name, PropertyStatus.UNTESTED, f"nothing was compared: {notes[0]}")
    if dated:
        notes.append("its text depends on the date, ours does not")
    for conversation, answer in compared:
        ours, theirs = _ids(template, conversation), tuple(answer["ids"])
        extra = len(theirs) - len(ours)
        if ours == theirs:
            continue
        if conversation.system is None and extra > 0 and theirs[extra:] == ours:
            default = template.decode(theirs[:extra])
            notes.append(
                f"without a system message it puts {default!r} in front, which ours never does"
            )
            continue
        detail = (
            f"its text is {answer['text'][:200]!r}, ours {template.decode(ours)[:200]!r}; "
            f"smallest conversation: {describe(conversation)}"
        )
        return PropertyResult(name, PropertyStatus.VIOLATED, detail)
    if notes:
        return PropertyResult(name, PropertyStatus.DECLARED, "; ".join(dict.fromkeys(notes)))
    return PropertyResult(name, PropertyStatus.HOLDS, f"{len(pairs)} harmless conversations")


def _silent(pairs: list[tuple[Conversation, dict[str, Any]]]) -> list[str]:
    """Say how often the maker's template gave no text, and why for the first; empty if never."""
    silent = [pair for pair in pairs if "error" in pair[1]]
    if not silent:
        return []
    conversation, answer = silent[0]
    return [
        f"for {len(silent)} of {len(pairs)} harmless conversations the folder's own template gives "
        f"no text, the smallest {describe(conversation)}: {answer['error']}"
    ]


def _ids(template: ChatTemplate, conversation: Conversation) -> tuple[int, ...]:
    if conversation.messages[-1].role == "user":
        return template.prompt(conversation)
    return template.render(conversation).ids


def _is_harmless(template: ChatTemplate, conversation: Conversation) -> bool:
    return all(
        m.content == m.content.strip() and not any(t in m.content for t in template.control_ids)
        for m in conversation.messages
    )


def _run(
    folder: Path,
    conversations: Sequence[Conversation],
    limits: Limits,
    *,
    dates: Sequence[str],
    own: bool,
) -> list[dict[str, Any]]:
    """Return one answer for each date.

    Raises:
        _NoAnswer: stopped by a limit, or ended otherwise; says what happened and what to do.
    """
    job = {
        "folder": str(folder.resolve()),
        "conversations": [[(str(m.role), m.content) for m in c.messages] for c in conversations],
        "dates": dates,
        "own": own,
        "processor_seconds": limits.processor_seconds,
        "memory_bytes": limits.memory_bytes,
    }
    try:
        done = subprocess.run(  # noqa: S603  # our own module, without a shell
            _COMMAND,
            input=json.dumps(job),
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            env=_environment(),
            timeout=limits.wall_seconds,
            check=False,
        )
        answers: list[dict[str, Any]] = json.loads(done.stdout) if done.returncode == 0 else []
    except subprocess.TimeoutExpired:
        raise _NoAnswer(
            f"{folder}: the second process was not finished after {limits.wall_seconds:g} s; "
            "measure again when the machine is less busy"
        ) from None
    except (OSError, ValueError) as error:
        raise _NoAnswer(
            f"{folder}: the second process cannot be started or read: {error}; "
            "remove the cause and measure again"
        ) from error
    if done.returncode != 0:
        raise _NoAnswer(f"{folder}: the second process {_ending(done, limits)}")
    return answers


def _environment() -> dict[str, str]:
    package_parent = str(Path(__file__).resolve().parents[2])
    paths = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUTF8": "1",
        "PYTHONHASHSEED": "7",
        "LC_ALL": "C",
        "TZ": "Asia/Kathmandu",
        "RAYON_NUM_THREADS": "1",
    }


def _ending(done: subprocess.CompletedProcess[str], limits: Limits) -> str:
    """Say how the process ended and what to do."""
    names = {-sig.value: sig.name for sig in signal.Signals}
    name = names.get(done.returncode, f"code {done.returncode}")
    last = (done.stderr.strip().splitlines() or ["no message"])[-1][:300]
    if name == "SIGXCPU":
        return (
            f"used up its {limits.processor_seconds} s of processor time; "
            "see whether chat_template.jinja loops, then measure again"
        )
    if done.returncode < 0:
        return (
            f"was killed by {name} ({last}); often the machine lacks memory: "
            "free some and measure again"
        )
    return f"ended with {name}: {last}; remove the cause and measure again"
