"""Two checks that need a process of their own.

R6 asks whether a render is the same on another day, in another locale and time zone, which a
running process cannot change for itself. The comparison with the folder's own template runs a
Jinja program that came with the tokenizer: it may loop for ever, so it is given a time limit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evalsuite.conversation import Conversation
from evalsuite.errors import TemplateError
from evalsuite.template.base import ChatTemplate, PropertyResult, PropertyStatus
from evalsuite.template.shrinking import describe, judge, size

_SECONDS = 60
_DATES = ("2031-02-03T23:59:59", "2019-11-30T00:00:01")


def r6_stable(template: ChatTemplate, conversations: Sequence[Conversation]) -> PropertyResult:
    """A render is the same in another process, on another date, in another locale."""
    name = "R6 stable"
    if template.source is None:
        return PropertyResult(
            name, PropertyStatus.DECLARED, "not loaded from a folder, so no second process can"
        )
    try:
        [there] = _run(template.source, conversations, dates=_DATES[:1], own=False)
    except TemplateError as error:
        return PropertyResult(name, PropertyStatus.VIOLATED, str(error))
    ids = dict(zip(conversations, there["ids"], strict=True))

    def probe(conversation: Conversation) -> str | None:
        # A conversation that shrinking made was not rendered there, so it cannot count.
        if conversation not in ids or list(template.render(conversation).ids) == ids[conversation]:
            return None
        return f"another render in a new process dated {_DATES[0]}"

    result = judge(name, conversations, probe)
    if result.status is PropertyStatus.HOLDS and there["fingerprint"] != template.fingerprint:
        return PropertyResult(name, PropertyStatus.VIOLATED, "another fingerprint in a new process")
    return result


def own_template(template: ChatTemplate, conversations: Sequence[Conversation]) -> PropertyResult:
    """For harmless text, the ids are those of the folder's own Jinja template.

    A default system prompt that the maker's template supplies and this one does not is declared.
    """
    name = "own template"
    harmless = [c for c in conversations if _is_harmless(template, c)]
    if template.source is None or not harmless:
        return PropertyResult(name, PropertyStatus.DECLARED, "nothing to compare with")
    try:
        first, second = _run(template.source, harmless, dates=_DATES, own=True)
    except TemplateError as error:
        return PropertyResult(name, PropertyStatus.VIOLATED, f"the folder's own template: {error}")
    theirs, later = first["own"], second["own"]
    if theirs is None:
        return PropertyResult(name, PropertyStatus.DECLARED, "the folder ships no chat template")
    return _compare(template, list(zip(harmless, theirs, strict=True)), dated=theirs != later)


def _compare(
    template: ChatTemplate, pairs: list[tuple[Conversation, dict[str, Any]]], *, dated: bool
) -> PropertyResult:
    name = "own template"
    notes = {"its text depends on the date, ours does not"} if dated else set()
    for conversation, answer in sorted(pairs, key=lambda pair: size(pair[0])):
        if "error" in answer:
            notes.add(f"it refuses {describe(conversation)}: {answer['error']}")
            continue
        ours, theirs = _ids(template, conversation), tuple(answer["ids"])
        extra = len(theirs) - len(ours)
        if ours == theirs:
            continue
        if conversation.system is None and extra > 0 and theirs[extra:] == ours:
            default = template.decode(theirs[:extra])
            notes.add(
                f"without a system message it puts {default!r} in front, which ours never does"
            )
            continue
        detail = (
            f"its text is {answer['text'][:200]!r}, ours {template.decode(ours)[:200]!r}; "
            f"smallest conversation: {describe(conversation)}"
        )
        return PropertyResult(name, PropertyStatus.VIOLATED, detail)
    if notes:
        return PropertyResult(name, PropertyStatus.DECLARED, "; ".join(sorted(notes)))
    return PropertyResult(name, PropertyStatus.HOLDS, f"{len(pairs)} harmless conversations")


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
    folder: Path, conversations: Sequence[Conversation], *, dates: Sequence[str], own: bool
) -> list[dict[str, Any]]:
    job = {
        "folder": str(folder.resolve()),
        "conversations": [[(str(m.role), m.content) for m in c.messages] for c in conversations],
        "dates": dates,
        "own": own,
        "seconds": _SECONDS,
    }
    package_parent = str(Path(__file__).resolve().parents[2])
    paths = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUTF8": "1",
        "PYTHONHASHSEED": "7",
        "LC_ALL": "C",
        "TZ": "Asia/Kathmandu",
        "RAYON_NUM_THREADS": "1",
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "evalsuite.template.isolated_main"],
            input=json.dumps(job),
            capture_output=True,
            encoding="utf-8",
            env=environment,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TemplateError(f"{folder}: not finished after {_SECONDS} s; it may loop") from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise TemplateError(f"{folder}: a second process ended with {done.returncode}: {last}")
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers
