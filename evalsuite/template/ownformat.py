"""The chat format of a folder, from its maker's own template: inferred once, then remembered.

The template is somebody else's program, so it is asked in a process of its own, with limits. What
it was found to say depends on the template, on the texts of the tokens that it is given and on what
else it is given; the cache is named by these and by the version of the inference.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from evalsuite.conversation import Conversation
from evalsuite.errors import TemplateError
from evalsuite.files.storage import user_cache
from evalsuite.template.clocks import PINNED
from evalsuite.template.families import FAMILIES
from evalsuite.template.inference.formats import Format, SystemPlace, Turns
from evalsuite.template.inference.learning import framed, shapes
from evalsuite.template.inference.naming import INFERRED
from evalsuite.template.inference.proof import conversations
from evalsuite.template.inference.telling import from_json
from evalsuite.template.inference.wires import NoWire, to_wire
from evalsuite.template.isolatedjob import InferenceTold
from evalsuite.template.secondprocess import Limits, NoAnswer, run_isolated
from evalsuite.template.shrinking import describe
from evalsuite.template.spelling import text
from evalsuite.template.tokenizerfolder import TokenizerFiles, token_text
from evalsuite.template.wire import Wire, fits

_VERSION = 6
"""Of the inference: with another one, nothing of the cache is taken."""
_LIMITS = Limits(processor_seconds=60, wall_seconds=300, memory_bytes=2**30)
_TOKENS = ("bos", "eos", "pad", "unk", "cls", "sep", "mask")


@dataclass(frozen=True, slots=True)
class OwnFormat:
    """What a folder's own template was found to say."""

    format: Format
    dated: bool
    """Whether it gives no text without a clock."""

    def departure(self, wire: Wire) -> str | None:
        """Say where a family says something else; None: nowhere that both can carry.

        The format was proven against the template, so that it stands for it here.
        """
        place = self.format.system
        told = place is not None and place.constant is not SystemPlace.DROPPED
        if wire.takes_system is not told:
            return "one of them has a place for a system message"
        compared = 0
        for turns in _tried(told):
            conversation = Conversation.of(*turns)
            if not self.format.carries(turns) or any(
                text in content for text in wire.delimiters for _, content in turns
            ):
                continue
            compared += 1
            said, due = text(wire, conversation), self.format.text(turns)
            if said != due:
                return f"{said[:200]!r} stands for {due[:200]!r}, in: {describe(conversation)}"
        return None if compared else "there is no conversation that both can carry"


@lru_cache(maxsize=2)
def _tried(system: bool) -> tuple[Turns, ...]:
    """Conversations on which a family and a format are compared: all that a rule can tell apart."""
    plain = [turns for turns in shapes() if system or turns[0][0] != "system"]
    blanks = [turns for one in plain for turns in framed(one)]
    return (*plain, *blanks, *conversations(takes_system=system))


def own_format(files: TokenizerFiles, arguments: Mapping[str, bool] | None = None) -> OwnFormat:
    """Infer the format of a folder's own template.

    Args:
        files: the tokenizer, with a template.
        arguments: what the template is given beside the messages.

    Raises:
        TemplateError: no rule explains the template; names the smallest conversation that shows it.
    """
    told = _told(files, dict(arguments or {}))
    where = files.folder / "chat_template.jinja"
    if "refused" in told:
        turns = told.get("turns")
        shown = "" if not turns else f"; conversation: {_shown(turns)}"
        if "UndefinedError" in told["refused"]:
            shown += (
                "; a template is given messages, add_generation_prompt, the tokenizer's tokens, "
                "tools and documents (none of either), and what stands behind "
                f"{files.folder}#{INFERRED}:NAME=true"
            )
        raise TemplateError(
            f"{where if where.exists() else files.folder / 'tokenizer_config.json'}: the format of "
            f"the chat template cannot be inferred: {told['refused']}{shown}; use the template of "
            f"the model's maker{_advised(files)}"
        )
    return OwnFormat(from_json(told["format"]), told["dated"])


def own_wire(files: TokenizerFiles, found: OwnFormat, arguments: Mapping[str, bool]) -> Wire:
    """Write an inferred format in the notation of families.

    Raises:
        TemplateError: the notation cannot say it, or says something else.
    """
    try:
        wire = to_wire(
            found.format,
            tuple(files.added),
            bos=token_text(files.config.get("bos_token")),
            sentencepiece=files.sentencepiece,
            arguments=arguments,
        )
    except NoWire as error:
        raise TemplateError(
            f"{files.folder}: its chat template was inferred, but cannot be trained or gated with: "
            f"{error}; use a template of the model's maker without that{_advised(files)}"
        ) from error
    departure = found.departure(wire)
    if departure is not None:
        raise TemplateError(
            f"{files.folder}: its chat template was inferred, but cannot be written down as a "
            f"family: {departure}"
        )
    if not fits(wire, files):
        raise TemplateError(
            f"{files.folder}: its chat template was inferred, but its plain text "
            f"{', '.join(map(repr, wire.delimiters))} is a token of the tokenizer"
        )
    return wire


def _advised(files: TokenizerFiles) -> str:
    """What else may be done; only a family whose tokens are there can be meant."""
    fitting = [wire.name for wire in FAMILIES.values() if fits(wire, files)]
    return f", or name a family, as in {files.folder}#{fitting[0]}" if fitting else ""


def _shown(turns: list[tuple[str, str]]) -> str:
    return " | ".join(f"{role} {content[:60]!r}" for role, content in turns)


def _told(files: TokenizerFiles, arguments: dict[str, bool]) -> InferenceTold:
    name = _name(files, arguments)
    if name not in _known:
        told = _read(name)
        if told is None:
            told = _asked(files, arguments)
            _keep(name, told)
        _known[name] = told
    return _known[name]


def _name(files: TokenizerFiles, arguments: dict[str, bool]) -> str:
    """SHA-256 (hex) over everything that decides what the template says."""
    tokens = {token: token_text(files.config.get(f"{token}_token")) for token in _TOKENS}
    decisive = (_VERSION, files.chat_template, tokens, sorted(files.added), arguments)
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def _asked(files: TokenizerFiles, arguments: dict[str, bool]) -> InferenceTold:
    try:
        [answer] = run_isolated(
            {
                "folder": str(files.folder),
                "own": True,
                "reactions": False,
                "infer": True,
                "arguments": arguments,
                "tokens": list(files.added),
            },
            (),
            _LIMITS,
            dates=[PINNED],
        )
    except NoAnswer as error:
        raise TemplateError(f"the chat template cannot be tried: {error}") from error
    return answer["inferred"]


_known: dict[str, InferenceTold] = {}
"""What this process has asked or read, by name."""


def _read(name: str) -> InferenceTold | None:
    """Return what the cache holds, or None: what cannot be read is inferred again."""
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        told: InferenceTold = json.loads((_folder() / f"{name}.json").read_text("utf-8"))
        # Whoever damages the file may leave JSON behind.
        if "refused" not in told:
            from_json(told["format"])
            bool(told["dated"])
        return told
    return None


def _keep(name: str, told: InferenceTold) -> None:
    """Write to the cache, whole or not at all; a cache that cannot be written is no error."""
    with suppress(OSError):
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.json"
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(told), "utf-8")
        draft.replace(path)


def _folder() -> Path:
    return user_cache() / "templates"
