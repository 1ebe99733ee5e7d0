"""What a folder's own template does when a server runs it as it is.

A server renders a conversation as text with the Jinja template that came with the model, and then
tokenises the whole text. This looks at that text and at its ids, without any family: so it says
something about templates that no family describes, too. What it finds decides nothing here, because
this project renders by families; it tells what a deployment that does not will do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evalsuite.template.base import Property, PropertyResult, PropertyStatus
from evalsuite.template.isolated import Served, served_texts
from evalsuite.template.tokenizerfolder import TokenizerFiles, read_tokenizer, token_text

Turns = tuple[tuple[str, str], ...]

# Words that stand in no template, so that each can be counted in a text.
_SYSTEM, _FIRST, _ANSWER, _SECOND, _LAST = (f"q{number}zq" for number in range(5))
_DIALOGUES: tuple[Turns, ...] = (
    (("user", _FIRST), ("assistant", _ANSWER)),
    (("user", _FIRST), ("assistant", _ANSWER), ("user", _SECOND), ("assistant", _LAST)),
    (("system", _SYSTEM), ("user", _FIRST), ("assistant", _ANSWER)),
    (
        ("system", _SYSTEM),
        ("user", _FIRST),
        ("assistant", _ANSWER),
        ("user", _SECOND),
        ("assistant", _LAST),
    ),
)
_OUT_OF_ORDER: tuple[Turns, ...] = (
    (("user", _FIRST), ("user", _SECOND)),
    (("assistant", _ANSWER),),
    (("user", _FIRST), ("assistant", _ANSWER), ("assistant", _LAST)),
    (("user", _FIRST), ("system", _SYSTEM), ("user", _SECOND)),
    (("nobody", _FIRST),),
    (("system", _SYSTEM),),
)


@dataclass(frozen=True, slots=True)
class _Look:
    """The answers of one folder's template."""

    files: TokenizerFiles
    said: dict[tuple[Turns, bool], Served]
    later: dict[tuple[Turns, bool], Served]

    def text(self, turns: Turns, *, asks: bool) -> str | None:
        return self.said[turns, asks].text


def as_served(folder: Path | str) -> list[PropertyResult]:
    """Say which properties a folder's own template has when a server runs it.

    R2 and R8 are not among them: a mask and truncation are no business of a server's template.

    Returns:
        R1, R3, R4, R5, R6, R7 and R9; empty where the folder ships no template or it gives no text.

    Raises:
        TemplateError: a broken tokenizer.
    """
    files = read_tokenizer(folder)
    spelled = [(("user", f"x{token}y"),) for token in files.added]
    plain = (("user", "xy"),)
    asked = [(turns, asks) for turns in _prefixes() for asks in (True, False)]
    asked += [(turns, True) for turns in (*spelled, plain)]
    asked += [(turns, turns[-1][0] == "user") for turns in _OUT_OF_ORDER]
    found = served_texts(files.folder, asked)
    if found is None or found[0][plain, True].text is None:
        return []
    look = _Look(files, *found)
    return [
        _r1(look),
        _r3(look, spelled, plain),
        _r4(look),
        _r5(look),
        _r6(look),
        _r7(look),
        _r9(look),
    ]


def _prefixes() -> list[Turns]:
    """Every beginning of every dialogue that ends with a user or an answer."""
    found = (d[:end] for d in _DIALOGUES for end in range(1, len(d) + 1))
    return [turns for turns in dict.fromkeys(found) if turns[-1][0] != "system"]


def _r1(look: _Look) -> PropertyResult:
    for turns in _prefixes():
        if turns[-1][0] != "assistant":
            continue
        prompt = look.text(turns[:-1], asks=True)
        for whole in (turns, *(d for d in _DIALOGUES if d[: len(turns)] == turns)):
            render = look.text(whole, asks=False)
            if prompt is not None and render is not None and not render.startswith(prompt):
                return _refuted(Property.PREFIX, "the prompt is no prefix of the dialogue", whole)
    return _holds(Property.PREFIX, "prompts are prefixes of the whole text")


def _r3(look: _Look, spelled: Sequence[Turns], plain: Turns) -> PropertyResult:
    known = set(look.files.added.values())
    due = Counter(token for token in look.said[plain, True].ids if token in known)
    forged = [
        turns
        for turns in spelled
        if Counter(token for token in look.said[turns, True].ids if token in known) != due
    ]
    if not forged:
        return _holds(Property.NO_FORGED_CONTROL, f"{len(spelled)} tokens in a user's message")
    detail = f"{len(forged)} of {len(spelled)} tokens become control tokens in a user's message"
    return _refuted(Property.NO_FORGED_CONTROL, detail, forged[0])


def _r4(look: _Look) -> PropertyResult:
    for turns in _prefixes():
        text = look.text(turns, asks=False)
        for role, content in turns if text is not None else ():
            if text is not None and role != "system" and text.count(content) != 1:
                told = f"the {role}'s content stands {text.count(content)} times in the text"
                return _refuted(Property.PARSE_BACK, told, turns)
    return _holds(Property.PARSE_BACK, "every content stands in the text once")


def _r5(look: _Look) -> PropertyResult:
    told = [turns for turns in _prefixes() if turns[0][0] == "system"]
    silent = [turns for turns in told if look.text(turns, asks=False) is None]
    for turns in told:
        for asks in (True, False) if turns[-1][0] == "user" else (False,):
            text = look.text(turns, asks=asks)
            if text is not None and text.count(_SYSTEM) != 1:
                problem = f"the system message stands {text.count(_SYSTEM)} times in the text"
                return _refuted(Property.SYSTEM_ONCE, problem, turns)
    if silent:
        return PropertyResult(
            Property.SYSTEM_ONCE, PropertyStatus.DECLARED, "it refuses a system message"
        )
    return _holds(Property.SYSTEM_ONCE, "in prompt and dialogue")


def _r6(look: _Look) -> PropertyResult:
    for (turns, asks), said in look.said.items():
        if said.text != look.later[turns, asks].text:
            return _refuted(Property.STABLE, "another text on another date", turns)
    return _holds(Property.STABLE, f"{len(look.said)} texts on two dates")


def _r7(look: _Look) -> PropertyResult:
    for turns in _OUT_OF_ORDER:
        if look.text(turns, asks=turns[-1][0] == "user") is not None:
            roles = ", ".join(role for role, _ in turns)
            return _refuted(Property.NO_SILENT_DROP, f"it takes the roles {roles}", turns)
    return _holds(Property.NO_SILENT_DROP, f"{len(_OUT_OF_ORDER)} refusals")


def _r9(look: _Look) -> PropertyResult:
    name, files = Property.BOS_AND_STOP, look.files
    bos = files.added.get(token_text(files.config.get("bos_token")))
    counts = {look.said[turns, False].ids.count(bos) for turns in _DIALOGUES[:2] if bos is not None}
    if len(counts) > 1:
        # It starts every message, as a token of roles does; then its count says nothing.
        bos = None
    for turns in _prefixes():
        ids = look.said[turns, False].ids
        if bos is not None and bos in ids and ids.count(bos) != 1:
            return _refuted(name, f"{ids.count(bos)} BOS ids in the text", turns)
        # Among the last few: makers write line breaks behind the token that ends an answer.
        if turns[-1][0] == "assistant" and ids and not {*ids[-4:]} & {*(files.stops or ())}:
            return _refuted(name, "no token that generation stops on ends the answer", turns)
    return _holds(name, "each answer ends with a token that generation stops on")


def _holds(name: Property, detail: str) -> PropertyResult:
    return PropertyResult(name, PropertyStatus.HOLDS, detail)


def _refuted(name: Property, problem: str, turns: Turns) -> PropertyResult:
    shown = " | ".join(f"{role} {content!r}" for role, content in turns)
    return PropertyResult(name, PropertyStatus.VIOLATED, f"{problem}; conversation: {shown}")
