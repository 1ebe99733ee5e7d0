"""Two checks that need a process of their own.

R6 asks whether a render is the same on another day, in another locale and time zone, which a
running process cannot change for itself. The comparison with the folder's own template runs a
Jinja program that came with the tokenizer: it may loop for ever, so it is given limits.

A process that is stopped by a limit, or dies, has refuted nothing: the property is UNTESTED.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalsuite.conversation import Conversation
from evalsuite.errors import EvalsuiteError
from evalsuite.template.agreement import first_difference, is_harmless, spoken
from evalsuite.template.base import ChatTemplate, Property, PropertyResult, PropertyStatus
from evalsuite.template.clocks import PINNED, clock_problem
from evalsuite.template.inference.naming import INFERRED
from evalsuite.template.isolatedjob import (
    EVERY,
    Raw,
    Reaction,
    RenderedText,
    RenderTask,
    Turns,
)
from evalsuite.template.notation import Literal, parse_block
from evalsuite.template.secondprocess import Limits, NoAnswer, run_isolated
from evalsuite.template.shrinking import describe, judge, size
from evalsuite.template.tokenizerfolder import full_tokenizer, guarded
from evalsuite.template.wire import reserved_in

_LIKE_A_TOKEN = re.compile(r"<[|｜][^<>|｜\s]{1,40}[|｜]>|<(?:start|end)_of_\w{1,20}>")
_DATES = ("2031-02-03T23:59:59", "2019-11-30T00:00:01")
_LIMITS = Limits()
_THEIRS = Limits(memory_bytes=2**30)
"""For somebody else's program, which has nothing large to hold."""
_QUICK = Limits(processor_seconds=20, wall_seconds=100, memory_bytes=2**30)
"""For what a person wants to know beside the properties."""


def r6_stable(
    template: ChatTemplate, conversations: Sequence[Conversation], *, limits: Limits = _LIMITS
) -> PropertyResult:
    """A render is the same in another process, on another date, in another locale."""
    name = Property.STABLE
    if template.source is None:
        return PropertyResult(
            name, PropertyStatus.UNTESTED, "not loaded from a folder, so no second process can"
        )
    job: RenderTask = {
        "folder": str(template.source),
        "family": template.family,
        "own": False,
        "reactions": False,
    }
    try:
        [there] = run_isolated(job, conversations, limits, dates=_DATES[:1])
    except NoAnswer as error:
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
    template: ChatTemplate, conversations: Sequence[Conversation], *, limits: Limits = _THEIRS
) -> PropertyResult:
    """For harmless text, the ids are those of the folder's own Jinja template.

    Declared: a default system prompt that the maker's template supplies and this one does not, and
    conversations for which the maker's template gives no text. Untested: it gives none at all.
    """
    name = Property.OWN_TEMPLATE
    harmless = [c for c in conversations if is_harmless(c, template.control_ids)]
    if template.source is None or not harmless:
        what = "no conversation is harmless" if template.source else "not loaded from a folder"
        return PropertyResult(name, PropertyStatus.UNTESTED, f"nothing to compare with: {what}")
    try:
        job: RenderTask = {
            "folder": str(template.source),
            "own": True,
            "arguments": dict(template.arguments),
            "parts": template.parts,
            "reactions": False,
        }
        [first] = run_isolated({**job, "reactions": True}, harmless, limits, dates=_DATES[:1])
        second, timeless = run_isolated(job, harmless, limits, dates=[_DATES[1], None])
    except NoAnswer as error:
        return PropertyResult(name, PropertyStatus.UNTESTED, str(error))
    theirs, reactions = first["own"], first["reactions"]
    if theirs is None:
        detail = "the folder ships no chat template; put its maker's chat_template.jinja into it"
        return PropertyResult(name, PropertyStatus.UNTESTED, detail)
    later, bare = second["own"] or [], timeless["own"] or []
    clock = clock_problem(theirs, later, bare)
    if clock is not None:
        return PropertyResult(name, PropertyStatus.VIOLATED, clock)
    dated = theirs != later
    texts = bare
    if any("error" in answer for answer in bare):
        try:
            [pinned] = run_isolated(job, harmless, limits, dates=[PINNED])
        except NoAnswer as error:
            return PropertyResult(name, PropertyStatus.UNTESTED, str(error))
        texts = _unless_silent(bare, pinned["own"] or [])
    result = _compare(template, list(zip(harmless, texts, strict=True)), dated=dated)
    if result.status is PropertyStatus.VIOLATED:
        return result
    return _reacting(template, reactions, result)


def _reacting(
    template: ChatTemplate, reactions: Sequence[Reaction], result: PropertyResult
) -> PropertyResult:
    """Refute a template that does something else when a content says a word of its source.

    Declared where contents with that word are refused, or where it spells a token of the tokenizer.
    """
    refused = template.reserved
    if refused:
        reactions = [r for r in reactions if not reserved_in(refused, r.get("content", ""))]
        note = f"a message that holds {' or '.join(map(repr, refused))} is refused"
        known = "" if result.status is PropertyStatus.HOLDS else f"{result.detail}; "
        result = PropertyResult(result.name, PropertyStatus.DECLARED, known + note)
    tokens = tuple(template.control_ids)
    clock = [r["clock"] for r in reactions if "clock" in r]
    if clock:
        detail = f"beside writing the date, {clock[0]}; use the template of the model's maker"
        return PropertyResult(result.name, PropertyStatus.VIOLATED, detail)
    cut = [r["problem"] for r in reactions if "problem" in r]
    reactions = [r for r in reactions if "content" in r]
    spelled = [r for r in reactions if any(token in r["content"] for token in tokens)]
    others = [r for r in reactions if r not in spelled]
    if others:
        first = min(others, key=lambda r: (r["role"] == EVERY, len(r["content"])))
        detail = (
            f"it does something else when a message ({first['role']}) says {first['content']!r}, "
            f"and for {len(others) - 1} more contents; use the template of the model's maker"
        )
        return PropertyResult(result.name, PropertyStatus.VIOLATED, detail)
    if cut:
        return PropertyResult(result.name, PropertyStatus.UNTESTED, cut[0])
    if spelled:
        named = [[token for token in tokens if token in r["content"]] for r in spelled]
        fewest = min(map(len, named))
        words = sorted({token for found in named if len(found) == fewest for token in found})
        note = f"it reads contents for {', '.join(words[:5])}, ours never does"
        known = "" if result.status is PropertyStatus.HOLDS else f"{result.detail}; "
        return PropertyResult(result.name, PropertyStatus.DECLARED, known + note)
    return result


def _compare(
    template: ChatTemplate, pairs: list[tuple[Conversation, RenderedText]], *, dated: bool
) -> PropertyResult:
    name = Property.OWN_TEMPLATE
    pairs = sorted(pairs, key=lambda pair: size(pair[0]))
    compared = [pair for pair in pairs if "error" not in pair[1]]
    notes = _silent(pairs)
    assert template.source is not None
    tokenized = _tokenizing(template.source)
    if not compared:
        return PropertyResult(name, PropertyStatus.UNTESTED, f"nothing was compared: {notes[0]}")
    notes += [f"it is given {n}={v}, as serving has to" for n, v in template.arguments.items()]
    if dated:
        notes.append(
            "its text depends on the date; ours is what it says where there is no clock, or else "
            f"on {PINNED[:10]}"
        )
    for conversation, answer in compared:
        ours, theirs = spoken(template, conversation), tokenized(answer["text"])
        extra = len(theirs) - len(ours)
        if ours == theirs:
            continue
        same = template.decode(ours) == template.decode(theirs)
        if same and theirs == template.uncut(conversation):
            notes.append(
                "as one text, the end of an answer's header and its beginning make one token, "
                "inside which no prompt can end: training and serving cut there"
            )
            continue
        if extra > 0 and theirs[extra:] == ours and _tells(template, theirs, conversation):
            default = template.decode(theirs[:extra])
            notes.append(
                f"without a system message it puts {default!r} in front, which ours never does"
            )
            continue
        detail = (
            f"{first_difference(template, theirs, ours)}; its text is {answer['text'][:200]!r}, "
            f"ours {template.decode(ours)[:200]!r}; smallest conversation tried: "
            f"{describe(conversation)}"
        )
        return PropertyResult(name, PropertyStatus.VIOLATED, detail)
    if template.prompts_only:
        notes.append("it leaves the system message out of a dialogue, where ours tells it")
    if template.open_end:
        notes.append("its dialogue lacks the token that ends the last answer, which ours has")
    if template.distinct:
        notes.append(
            "a message that says what an earlier one says is refused: it takes both for one"
        )
    if template.family.startswith(INFERRED) and (unknown := _unknown_tokens(template)):
        notes.append(
            f"{' and '.join(map(repr, unknown))}: written like a control token, of which this "
            "tokenizer has none, so it is plain text; see whether the template is that of another "
            "model"
        )
    if notes:
        return PropertyResult(name, PropertyStatus.DECLARED, "; ".join(dict.fromkeys(notes)))
    return PropertyResult(name, PropertyStatus.HOLDS, f"{len(pairs)} harmless conversations")


def _unknown_tokens(template: ChatTemplate) -> list[str]:
    """Return what the format writes as text though it looks like a token."""
    pieces = (piece for block in template.blocks.values() for piece in parse_block(block))
    said = (piece.text for piece in pieces if isinstance(piece, Literal))
    return list(dict.fromkeys(token for text in said for token in _LIKE_A_TOKEN.findall(text)))


def _tells(template: ChatTemplate, ids: Sequence[int], conversation: Conversation) -> bool:
    """Whether ids spell a conversation with a system message in front, and nothing else."""
    if conversation.system is not None:
        return False
    try:
        found = template.parse(ids)
    except EvalsuiteError:
        return False
    return (
        found.system is not None
        and found.turns == template.parse(_rendered(template, conversation)).turns
    )


def _rendered(template: ChatTemplate, conversation: Conversation) -> tuple[int, ...]:
    asked = conversation.messages[-1].role == "user"
    return template.prompt(conversation) if asked else template.render(conversation).ids


def _silent(pairs: list[tuple[Conversation, RenderedText]]) -> list[str]:
    """Say how often the maker's template gave no text, and why for the first; empty if never."""
    silent = [pair for pair in pairs if "error" in pair[1]]
    if not silent:
        return []
    conversation, answer = silent[0]
    if len(silent) == len(pairs):
        return [
            f"the folder's own template gives no text for any conversation: {answer['error']}; put "
            "its maker's chat_template.jinja into the folder"
        ]
    return [
        f"for {len(silent)} of {len(pairs)} harmless conversations the folder's own template gives "
        f"no text, the smallest {describe(conversation)}: {answer['error']}"
    ]


def own_ids(
    folder: Path,
    conversations: Sequence[Conversation],
    arguments: Mapping[str, bool],
    limits: Limits = _QUICK,
    *,
    parts: bool = False,
) -> list[tuple[int, ...] | None] | None:
    """Return the ids of the folder's own template, None for a conversation that has no text.

    Args:
        folder: that holds the template and its tokenizer.
        conversations: to render.
        arguments: what the template is given.
        limits: of the process.
        parts: whether it is given contents as lists of parts.

    Where it writes the date, these are what it says where there is no clock.

    Returns:
        None where the folder ships no template, or the process gave no answer.
    """
    try:
        job: RenderTask = {
            "folder": str(folder),
            "own": True,
            "arguments": dict(arguments),
            "parts": parts,
            "reactions": False,
        }
        timeless, dated = run_isolated(job, conversations, limits, dates=[None, PINNED])
    except NoAnswer:
        return None
    bare, written = timeless["own"], dated["own"]
    if bare is None or written is None:
        return None
    texts = _unless_silent(bare, written)
    tokenized = _tokenizing(folder)
    return [None if "error" in text else tokenized(text["text"]) for text in texts]


@dataclass(frozen=True, slots=True)
class Served:
    """What a folder's own template makes of one conversation, as a server runs it."""

    text: str | None
    """None: it refused."""
    ids: tuple[int, ...]


def served_texts(
    folder: Path,
    asked: Sequence[Turns],
    limits: Limits = _QUICK,
) -> tuple[dict[Turns, Served], dict[Turns, Served]] | None:
    """Render conversations, whatever their roles, by the folder's own template at two dates.

    Args:
        folder: that holds it.
        asked: turns as (role, content), and whether an answer is asked for.
        limits: of the process.

    Returns:
        By what was asked, early and late; None where there is no template or no answer.
    """
    job: RenderTask = {
        "folder": str(folder),
        "own": True,
        "raw": [Raw(turns=turns, asks=asks) for turns, asks in asked],
        "arguments": {},
        "reactions": False,
    }
    try:
        answers = run_isolated(job, (), limits, dates=_DATES)
    except NoAnswer:
        return None
    early, late = (answer["own"] for answer in answers)
    if early is None or late is None:
        return None
    return _served(folder, asked, early), _served(folder, asked, late)


def _served(
    folder: Path, asked: Sequence[Turns], texts: Sequence[RenderedText]
) -> dict[Turns, Served]:
    tokenized = _tokenizing(folder)
    return {
        what: Served(text.get("text"), tokenized(text.get("text", "")))
        for what, text in zip(asked, texts, strict=True)
    }


def _tokenizing(folder: Path) -> Callable[[str], tuple[int, ...]]:
    """Return what makes ids of a whole text, as a folder's maker does."""
    tokenizer = full_tokenizer(folder)

    def ids(text: str) -> tuple[int, ...]:
        with guarded(folder / "tokenizer.json", "encoding"):
            return tuple(tokenizer.encode(text, add_special_tokens=False).ids)

    return ids


def _unless_silent(
    timeless: Sequence[RenderedText], dated: Sequence[RenderedText]
) -> list[RenderedText]:
    """What a template says without a clock, which its maker wrote for that; else what it says."""
    pairs = zip(timeless, dated, strict=True)
    return [later if "error" in first else first for first, later in pairs]
