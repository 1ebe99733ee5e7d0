"""Templates with one defect each, for every family: what the properties are there to catch."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from evalsuite.conversation import Conversation, Message, Role
from evalsuite.errors import EvalsuiteError
from evalsuite.template import ChatTemplate, PropertyResult, Rendered, WireTemplate
from evalsuite.template.isolated import own_template, r6_stable
from evalsuite.template.notation import Block, Literal
from evalsuite.template.pieces import Place, Spelled
from evalsuite.template.properties import (
    r1_prefix,
    r2_mask,
    r3_no_forged_control,
    r4_parse_back,
    r5_system_once,
    r7_no_silent_drop,
    r8_truncation,
    r9_bos_and_stop,
)
from evalsuite.template.tokenizerfolder import TokenizerFiles, full_tokenizer
from evalsuite.template.wire import Wire

Prove = Callable[[ChatTemplate, Sequence[Conversation]], PropertyResult]
"""A property, as a function that tells whether a template has it."""


class DropsSystem(WireTemplate):
    def render(self, conversation: Conversation) -> Rendered:
        conversation.require_alternating()
        return super().render(Conversation(conversation.turns))


class SaysSystemTwice(WireTemplate):
    def _rendered(self, conversation: Conversation, last: Block) -> Rendered:
        if conversation.system is not None:
            twice = Message(Role.SYSTEM, f"{conversation.system}\n{conversation.system}")
            conversation = Conversation((twice, *conversation.turns))
        return super()._rendered(conversation, last)


class InventsSystem(WireTemplate):
    def render(self, conversation: Conversation) -> Rendered:
        conversation.require_alternating()
        if conversation.system is None:
            system = Message(Role.SYSTEM, "You are helpful.")
            conversation = Conversation((system, *conversation.messages))
        return super().render(conversation)


class AddsToThePrompt(WireTemplate):
    """As tokenising a whole text does where an answer merges with the header."""

    def prompt(self, conversation: Conversation) -> tuple[int, ...]:
        return (*super().prompt(conversation), *self.encode("\n"))


class LetsControlThrough(WireTemplate):
    def __init__(self, wire: Wire, files: TokenizerFiles) -> None:
        self._makers = full_tokenizer(files.folder)
        super().__init__(wire, files)

    def encode(self, text: str) -> tuple[int, ...]:
        return tuple(self._makers.encode(text, add_special_tokens=False).ids)


class LearnsTheHeader(WireTemplate):
    def samples(self, conversation: Conversation) -> tuple[Rendered, ...]:
        return tuple(map(self._spoilt, super().samples(conversation)))

    def _spoilt(self, found: Rendered) -> Rendered:
        after = (*found.loss_mask[1:], False)
        mask = (now or then for now, then in zip(found.loss_mask, after, strict=True))
        return Rendered(found.ids, tuple(mask))


class LearnsWhatFollows(WireTemplate):
    """As some training templates do with the newline after the stop token."""

    def samples(self, conversation: Conversation) -> tuple[Rendered, ...]:
        return tuple(map(self._spoilt, super().samples(conversation)))

    def _spoilt(self, found: Rendered) -> Rendered:
        before = (False, *found.loss_mask[:-1])
        mask = (now or then for now, then in zip(found.loss_mask, before, strict=True))
        return Rendered(found.ids, tuple(mask))


class ForgetsTheStopToken(WireTemplate):
    def samples(self, conversation: Conversation) -> tuple[Rendered, ...]:
        return tuple(map(self._spoilt, super().samples(conversation)))

    def _spoilt(self, found: Rendered) -> Rendered:
        pairs = zip(found.ids, found.loss_mask, strict=True)
        return Rendered(found.ids, tuple(m and token != self.stop_id for token, m in pairs))


class Lowers(WireTemplate):
    def encode(self, text: str) -> tuple[int, ...]:
        return super().encode(text.lower())


class Strips(WireTemplate):
    def _trimmed(self, content: str, block: str) -> str:
        del block
        return content.strip()


class AcceptsAnyOrder(WireTemplate):
    def render(self, conversation: Conversation) -> Rendered:
        try:
            return super().render(conversation)
        except EvalsuiteError:
            return Rendered(self.encode("x"), (False,))


class AnswersAnyPrompt(WireTemplate):
    def prompt(self, conversation: Conversation) -> tuple[int, ...]:
        return self.render(conversation).ids + self.fixed(self.header, Place.AFTER_CONTROL)


class DatesTheRender(WireTemplate):
    def _trimmed(self, content: str, block: str) -> str:
        del block
        return f"{datetime.date.today().isoformat()} {content}"


class CutsInsideTurns(WireTemplate):
    def truncate(self, conversation: Conversation, max_tokens: int) -> Conversation:
        whole = super().truncate(conversation, 10**9)
        if len(self.prompt(whole)) <= max_tokens:
            return whole
        last = whole.messages[-1]
        return Conversation((*whole.messages[:-1], replace(last, content=last.content[-1:])))


class ForgetsTheOldest(WireTemplate):
    """Of what truncation leaves, the first user message."""

    def truncate(self, conversation: Conversation, max_tokens: int) -> Conversation:
        kept = super().truncate(conversation, max_tokens)
        return Conversation(kept.messages[-1:]) if kept != conversation else kept


class ForgetsSystemInTruncation(WireTemplate):
    def truncate(self, conversation: Conversation, max_tokens: int) -> Conversation:
        kept = super().truncate(conversation, max_tokens)
        return kept if kept == conversation else Conversation(kept.turns)


class NeverOverflows(WireTemplate):
    def truncate(self, conversation: Conversation, max_tokens: int) -> Conversation:
        needed = len(self.prompt(Conversation(conversation.messages[-1:])))
        return super().truncate(conversation, max(max_tokens, needed + 10_000))


class StartsTwice(WireTemplate):
    def __init__(self, wire: Wire, files: TokenizerFiles) -> None:
        super().__init__(wire, files)
        self.bos_id = self.pad_id if self.bos_id is None else self.bos_id

    def _rendered(self, conversation: Conversation, last: Block) -> Rendered:
        assert self.bos_id is not None
        found, start = super()._rendered(conversation, last), (self.bos_id,) * 2
        return Rendered(start + found.ids, (False,) * 2 + found.loss_mask)


class MergesHeaderAndContent(WireTemplate):
    """Encodes header and content together, as tokenising a whole text does."""

    def _encoded(self, pieces: Iterable[Spelled], place: Place = Place.FIRST) -> Rendered:
        merged: list[Spelled] = []
        for piece in pieces:
            before = merged[-1] if merged else None
            if isinstance(piece, Literal) and isinstance(before, Literal):
                merged[-1] = Literal(before.text + piece.text, piece.learned)
            else:
                merged.append(piece)
        return super()._encoded(merged, place)


EVERYWHERE: list[tuple[type[WireTemplate], Prove]] = [
    (AddsToThePrompt, r1_prefix),
    (LearnsTheHeader, r2_mask),
    (ForgetsTheStopToken, r2_mask),
    (LetsControlThrough, r3_no_forged_control),
    (Lowers, r4_parse_back),
    (SaysSystemTwice, r5_system_once),
    (DatesTheRender, r6_stable),
    (AcceptsAnyOrder, r7_no_silent_drop),
    (AnswersAnyPrompt, r7_no_silent_drop),
    (ForgetsTheOldest, r8_truncation),
    (CutsInsideTurns, r8_truncation),
    (ForgetsSystemInTruncation, r8_truncation),
    (NeverOverflows, r8_truncation),
    (StartsTwice, r9_bos_and_stop),
]
"""Defects that any family may have, and who catches them; R10 has a test of its own."""
CHATML = [
    *EVERYWHERE,
    (LearnsWhatFollows, r2_mask),
    (DropsSystem, r4_parse_back),
    (DropsSystem, r5_system_once),
    (DropsSystem, own_template),
    (InventsSystem, r5_system_once),
    (MergesHeaderAndContent, r1_prefix),
    (Strips, r4_parse_back),
]
"""With those that show as they should in a family with a block for the system message."""
