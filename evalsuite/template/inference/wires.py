"""Writes an inferred format in the notation of families, or says what the notation cannot say."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite.errors import TemplateError
from evalsuite.template.inference.formats import Format, Kind, SystemPlace
from evalsuite.template.inference.naming import named
from evalsuite.template.inference.rules import Rule
from evalsuite.template.wire import STRIPPED, Trim, Wire

_PLACE = {
    "system": False, "asks": True, "previous_first": False, "previous_last": False,
    "next_first": False, "next_last": False,
}  # fmt: skip


class NoWire(Exception):
    """The notation cannot say what a format does; says what."""


@dataclass(frozen=True, slots=True)
class _Gaps:
    """The texts of a format that blocks are made of."""

    begin: str
    """In front of the first user message, where there is no system message."""
    next_user: str
    """Between an answer and the next question."""
    older: str
    """Between a question and an answer that was followed up."""
    newest: str
    """The same for an answer that nobody has followed up."""
    asked: str
    """After the question that waits for an answer."""
    end: str
    """After the newest answer."""


def to_wire(
    format: Format,
    tokens: Collection[str],
    *,
    bos: str = "",
    sentencepiece: bool = False,
    arguments: Mapping[str, bool] | None = None,
) -> Wire:
    """Return a format in the notation of families.

    Args:
        format: as inferred.
        tokens: control tokens of the tokenizer.
        bos: the token that the tokenizer's configuration calls so.
        sentencepiece: whether the tokenizer writes blanks as ▁.
        arguments: what the maker's template was given beside the messages.

    Raises:
        NoWire: it does what the notation cannot say.
    """
    spans = _Tokens(tokens)
    gaps = _gaps(format)
    cut = _cut(gaps, spans)
    blocks: dict[str, Any] = {"user": spans.notate(cut.head) + "{}" + spans.notate(cut.close)}
    blocks |= _system(format, cut, bos, spans)
    answers = _answers(gaps, cut, spans)
    alike = answers["newest"] == answers["assistant"]
    trims = _trims(format, blocks, split=not alike)
    if alike and "newest" not in trims:
        del answers["newest"]
    blocks |= answers
    strips = bool(trims) and all(trim == STRIPPED for trim in trims.values())
    try:
        return Wire(
            name=named(arguments or {}),
            source="the chat template of the folder",
            **blocks,
            end=spans.notate(cut.end),
            open_end=cut.open_end,
            bos=_bos(bos, blocks),
            delimiters=_delimiters(cut, spans),
            strips=strips,
            trims=() if strips else tuple(trims.items()),
            sentencepiece=sentencepiece,
            parts=format.parts,
            prompts_only=_place(format)[1],
            arguments=tuple((arguments or {}).items()),
        )
    except TemplateError as error:
        raise NoWire(str(error)) from error


@dataclass(frozen=True, slots=True)
class _Cut:
    """The texts between contents, cut into what belongs to the message before or behind."""

    begin: str
    """In front of everything, where there is no system message."""
    head: str
    """Starts every question."""
    close: str
    """Ends every question."""
    header: str
    """What a prompt ends with, behind that."""
    tail: str
    """Ends every answer that was followed up."""
    last: str
    """Ends the newest answer: the same, or up to another stop token."""
    end: str
    """Ends a dialogue, behind that."""
    open_end: bool
    """Whether the maker's dialogue ends with the newest answer's content."""


def _cut(gaps: _Gaps, spans: _Tokens) -> _Cut:
    head, tail = _user_head(gaps, spans)
    close = _user_tail(gaps, spans)
    last = tail
    stop = spans.first(gaps.end)
    if stop is not None and not gaps.end.startswith(tail):
        last = gaps.end[: stop.end()]
    open_end = stop is None and not gaps.end.startswith(tail)
    return _Cut(
        begin=gaps.begin.removesuffix(head),
        head=head,
        close=close,
        header=gaps.asked[len(close) :],
        tail=tail,
        last=last,
        end="" if open_end else gaps.end[len(last) :],
        open_end=open_end,
    )


def _answers(gaps: _Gaps, cut: _Cut, spans: _Tokens) -> dict[str, str]:
    """Return the blocks of answers, and of a prompt's end where no answer begins with it."""
    older, newest = gaps.older[len(cut.close) :], gaps.newest[len(cut.close) :]
    found = {} if newest.startswith(cut.header) else {"generation": spans.notate(cut.header)}
    for name, text, tail in (("assistant", older, cut.tail), ("newest", newest, cut.last)):
        found[name] = _answer(text, text if "generation" in found else cut.header, tail, spans)
    return found


class _Tokens:
    """Control tokens in texts, as a tokenizer finds them: from the left, the longest first."""

    def __init__(self, tokens: Collection[str]) -> None:
        named = "|".join(map(re.escape, sorted(tokens, key=len, reverse=True)))
        self._pattern = re.compile(named or r"(?!)")

    def within(self, text: str, at: int) -> bool:
        """Whether a place of a text is inside a token."""
        return any(m.start() < at < m.end() for m in self._pattern.finditer(text))

    def first(self, text: str) -> re.Match[str] | None:
        """Return the first token of a text."""
        return self._pattern.search(text)

    def notate(self, text: str) -> str:
        """Return a text in the notation."""
        plain = self._pattern.split(text)
        for part in plain:
            if any(sign in part for sign in ("«", "⟦", "⟧", "{}", "{system}")):
                raise NoWire(f"the text {part[:80]!r} cannot be told from the notation's own signs")
        found = [f"«{m.group()}»" for m in self._pattern.finditer(text)]
        return "".join(a + b for a, b in zip(plain, [*found, ""], strict=True))


def _gaps(format: Format) -> _Gaps:
    def text(before: Kind, after: Kind, place: Mapping[str, bool]) -> str:
        rule = format.gaps.get((before, after))
        if rule is None:
            raise NoWire(f"nothing was seen between {before} and {after}")
        if not set(rule.features) <= set(place):
            told = ", ".join(sorted({*rule.features} - {*place}))
            raise NoWire(f"what stands between {before} and {after} depends on its place ({told})")
        return rule({**_PLACE, **place})

    dropped = format.system is not None and format.system.constant is SystemPlace.DROPPED
    alone = {"system": False}
    bare = alone if dropped or format.system is None else {}
    answers = (Kind.USER, Kind.ASSISTANT)
    return _Gaps(
        begin=text(Kind.BEGIN, Kind.USER, alone),
        next_user=text(Kind.ASSISTANT, Kind.USER, bare),
        older=text(*answers, {"next_last": False, "previous_last": False, **bare}),
        newest=text(*answers, {"next_last": True, "previous_last": True, **bare}),
        asked=text(Kind.USER, Kind.PROMPT, bare),
        end=text(Kind.ASSISTANT, Kind.DIALOGUE, bare),
    )


def _user_head(gaps: _Gaps, spans: _Tokens) -> tuple[str, str]:
    """Return what starts every user message, and what ends every answer that was followed up.

    Both stand between an answer and the next question; what a dialogue ends with tells where to
    cut. Where that is no help, because the newest answer ends otherwise or not at all, the answer's
    part is the shortest that holds a token, be it one that the next question starts with.
    """
    begin, joint = gaps.begin, gaps.next_user
    shared = 0
    while shared < min(len(begin), len(joint)) and begin[-shared - 1] == joint[-shared - 1]:
        shared += 1
    cuts = [
        joint[len(joint) - length :]
        for length in range(shared, -1, -1)
        if not spans.within(joint, len(joint) - length)
        and not spans.within(begin, len(begin) - length)
    ]
    rests = [(head, joint[: len(joint) - len(head)]) for head in cuts]
    whole = [pair for pair in rests if pair[1] == gaps.end]
    started = [pair for pair in rests if pair[1] and gaps.end.startswith(pair[1])]
    fitting = whole or started
    if not any(spans.first(tail) for _, tail in fitting[:1]):
        fitting = [pair for pair in rests if spans.first(pair[1])] or fitting
    if not fitting:
        raise NoWire(
            f"an answer that was followed up ends with {joint!r}, the newest with {gaps.end!r}"
        )
    return fitting[0]


def _user_tail(gaps: _Gaps, spans: _Tokens) -> str:
    """Return what ends every user message, whether an answer follows or is asked for."""
    first = spans.first(gaps.asked)
    if first is None:
        tail = gaps.asked
    else:
        second = spans.first(gaps.asked[first.end() :])
        tail = gaps.asked[: first.end() + (second.start() if second else 0)]
    for text in (gaps.older, gaps.newest):
        if not text.startswith(tail):
            raise NoWire(
                f"a question ends with {gaps.asked!r} where it is asked, with {text!r} where it is "
                "answered"
            )
    return tail


def _answer(text: str, header: str, tail: str, spans: _Tokens) -> str:
    """Return the block of an answer that a text precedes."""
    stop = spans.first(tail)
    if stop is None:
        raise NoWire(f"no control token ends an answer: {tail!r} stands behind it")
    before, learned = (header, text[len(header) :]) if text.startswith(header) else (text, "")
    inside = spans.notate(learned) + "{}" + spans.notate(tail[: stop.end()])
    return spans.notate(before) + f"⟦{inside}⟧" + spans.notate(tail[stop.end() :])


def _place(format: Format) -> tuple[SystemPlace | None, bool]:
    """Return where the system message is told, and whether in prompts only.

    A dialogue that leaves it out asks nobody anything; what a model is asked decides.
    """
    rule = format.system
    if rule is None or rule.constant is not None:
        return None if rule is None else rule.constant, False
    if rule.features == ("asks",) and rule.values.get((False,)) is SystemPlace.DROPPED:
        return rule.values[True,], True
    return None, False


def _system(format: Format, cut: _Cut, bos: str, spans: _Tokens) -> dict[str, str]:
    """Return what stands in front of everything, and where the system message is told."""
    place, _ = _place(format)
    if format.system is None or place is SystemPlace.DROPPED:
        return {"begin": spans.notate(cut.begin)}
    if place is None:
        raise NoWire(
            "where the system message stands depends on whether an answer is asked for: what a "
            "model is asked and what it is trained on would differ in that"
        )
    before = _constant(format, Kind.BEGIN, Kind.SYSTEM)
    after = _constant(format, Kind.SYSTEM, Kind.USER)
    closed = spans.notate(after) + "{}" + spans.notate(cut.close)
    if place is SystemPlace.LAST:
        lead = before.removeprefix(cut.begin)
        later = _constant(format, Kind.ASSISTANT, Kind.SYSTEM)
        if not before.startswith(cut.begin) or later != cut.tail + lead:
            raise NoWire(
                "the system message starts differently in the first question and in others"
            )
        begin = spans.notate(cut.begin)
        return {"begin": begin, "last_user": spans.notate(lead) + "{system}" + closed}
    begin = _begin(before, cut, bos)
    found = {"begin": spans.notate(begin)}
    if begin != cut.begin:
        found["begin_bare"] = spans.notate(cut.begin)
    lead, own = spans.notate(before[len(begin) :]), after.removesuffix(cut.head)
    # Only a token tells where a message of its own ends; else it is read with the question.
    if after.endswith(cut.head) and spans.first(own) is not None:
        return {**found, "system": lead + "{}" + spans.notate(own)}
    return {**found, "first_user": lead + "{system}" + closed}


def _begin(before: str, cut: _Cut, bos: str) -> str:
    """Return what of the text in front of a system message stands there without one, too."""
    if before.startswith(cut.begin):
        return cut.begin
    # A token that starts roles, too, is theirs.
    shared = bos and bos not in cut.head and before.startswith(bos) and cut.begin.startswith(bos)
    return bos if shared else ""


def _constant(format: Format, before: Kind, after: Kind) -> str:
    """Return a text that is the same wherever it stands."""
    rule = format.gaps.get((before, after))
    text = None if rule is None else rule.constant
    if text is None:
        raise NoWire(f"what stands between {before} and {after} depends on its place")
    return text


def _trims(format: Format, fields: Mapping[str, str], *, split: bool) -> dict[str, Trim]:
    """Return what contents lose, by the name of their block."""
    merged = next((name for name in ("first_user", "last_user") if name in fields), None)
    told = (True, False) if merged or "system" in fields else (False,)
    users = _places(system=told)
    places = {
        "assistant": (Kind.ASSISTANT, _places(system=told, next_last=(False,))),
        "newest": (Kind.ASSISTANT, _places(system=told, next_last=(True,), asks=(False,))),
    }
    if len(told) > 1:
        places["system"] = (Kind.SYSTEM, _places(system=(True,)))
    if merged is not None:
        feature = "next_first" if merged == "first_user" else "next_last"
        apart = [place for place in users if place["system"] and place[feature]]
        places[merged] = (Kind.USER, apart)
        users = [place for place in users if place not in apart]
    places["user"] = (Kind.USER, users)
    found = {
        block: trim
        for block, (kind, where) in places.items()
        if (trim := _trim(format.trims.get(kind), kind, where)) is not None
    }
    if not split and found.get("newest") == found.get("assistant"):
        found.pop("newest", None)
    return found


def _places(**fixed: tuple[bool, ...]) -> list[dict[str, bool]]:
    """Return every place of a content that fits what is given."""
    either = (True, False)
    features = ("system", "asks", "next_first", "next_last")
    choices = itertools.product(*(fixed.get(feature, either) for feature in features))
    return [{**_PLACE, **dict(zip(features, chosen, strict=True))} for chosen in choices]


def _trim(rule: Rule[Trim] | None, kind: Kind, places: Sequence[Mapping[str, bool]]) -> Trim | None:
    """Return what contents of a block lose; None where there was none to be seen."""
    if rule is None:
        return None
    keys = {tuple(place[feature] for feature in rule.features) for place in places}
    values = {rule.values[key] for key in keys if key in rule.values}
    if len(values) > 1:
        raise NoWire(f"what {kind} messages lose at their ends depends on their place")
    return next(iter(values), None)


def _delimiters(cut: _Cut, spans: _Tokens) -> tuple[str, ...]:
    """Return the plain texts that separate messages, where no control token does."""
    if spans.first(cut.close) is not None:
        return ()
    found = [text.strip() for text in (cut.head, cut.close) if spans.first(text) is None]
    return tuple(dict.fromkeys(text for text in found if text))


def _bos(bos: str, fields: Mapping[str, str]) -> str | None:
    """Return the token that every render, or every question, starts with and nothing else."""
    token = f"«{bos}»"
    begins = [fields.get("begin", ""), fields.get("begin_bare", fields.get("begin", ""))]
    blocks = {name: text for name, text in fields.items() if not name.startswith("begin")}
    asked = [text for name, text in blocks.items() if name.endswith("user")]
    others = [text for name, text in blocks.items() if not name.endswith("user")]
    if not bos or any(token in text for text in others):
        return None
    once = all(b.startswith(token) for b in begins) and not any(token in text for text in asked)
    each = not any(begins) and all(text.startswith(token) for text in asked)
    return bos if once or each else None
