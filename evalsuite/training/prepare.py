"""From samples to token ids and labels: cleaning, truncation, the validation split, the digest.

Ids and labels come from the template layer that also serves the model, so what is learned is what
will be asked. Nothing disappears silently: every sample that is dropped is counted and listed.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evalsuite.conversation import Conversation, Role
from evalsuite.errors import ContextOverflow, InvalidConversation, InvalidInput, TemplateError
from evalsuite.template import THOUGHT, ChatTemplate, Rendered
from evalsuite.training.samples import Sample

IGNORED = -100
"""Label of a token that is not learned; what PyTorch's cross entropy skips."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One sample as the model sees it."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    """Same length as ``ids``: the id where it is learned, -100 elsewhere."""
    anchor: bool = False
    """Whether every token is to be predicted as the base does, and none is learned."""

    @property
    def learned(self) -> int:
        """How many tokens are learned. The first token of a text has nothing to follow."""
        return sum(label != IGNORED for label in self.labels[1:])


@dataclass(frozen=True, slots=True)
class Dropped:
    """One sample that is not learned from, and why."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything the trainer needs, and what became of the samples."""

    train: tuple[Encoded, ...]
    validation: tuple[Encoded, ...]
    digest: str
    """SHA-256 over every message of every kept sample, in order, and its part of the split."""
    groups: dict[str, int]
    """Training samples by group."""
    dropped: tuple[Dropped, ...]
    truncated: tuple[Dropped, ...]
    """Samples that lost their oldest turns, but not their answer."""


@dataclass(frozen=True, slots=True)
class _Kept:
    sample: Sample
    conversation: Conversation
    encoded: Encoded


def prepare(
    samples: Sequence[Sample],
    template: ChatTemplate,
    *,
    max_length: int,
    validation: float,
    seed: int,
) -> Prepared:
    """Clean, truncate, split and encode.

    Raises:
        InvalidInput: nothing is left to learn from.
    """
    dropped: list[Dropped] = []
    truncated: list[Dropped] = []
    kept = [
        item
        for sample in _unique(samples, dropped)
        for item in _encode(sample, template, max_length, dropped, truncated)
    ]
    held = _held_back(_samples(kept), validation, seed)
    train = [k for k in kept if k.sample.cluster not in held]
    if not train:
        reasons = Counter(d.reason.split(":")[0] for d in dropped)
        raise InvalidInput(
            f"no sample is left to learn from; {len(samples)} given, dropped: {dict(reasons)}"
        )
    return Prepared(
        train=tuple(k.encoded for k in train),
        validation=tuple(k.encoded for k in kept if k.sample.cluster in held),
        digest=_digest((k.sample.cluster in held, k.conversation) for k in kept),
        groups=dict(sorted(Counter(s.group for s in _samples(train)).items())),
        dropped=tuple(dropped),
        truncated=tuple(truncated),
    )


def encode(rendered: Rendered) -> Encoded:
    """Turn a training render into ids and labels."""
    pairs = zip(rendered.ids, rendered.loss_mask, strict=True)
    return Encoded(rendered.ids, tuple(i if learned else IGNORED for i, learned in pairs))


def _unique(samples: Sequence[Sample], dropped: list[Dropped]) -> list[Sample]:
    first: dict[Conversation, str] = {}
    unique = []
    for sample in samples:
        if sample.conversation in first:
            dropped.append(
                Dropped(sample.source, f"duplicate: same as {first[sample.conversation]}")
            )
        else:
            first[sample.conversation] = sample.source
            unique.append(sample)
    return unique


def _encode(
    sample: Sample,
    template: ChatTemplate,
    max_length: int,
    dropped: list[Dropped],
    truncated: list[Dropped],
) -> list[_Kept]:
    """Encode a sample: one row, or one for each answer where prompts are no prefixes of it."""
    whole = template.carried(sample.conversation)
    if (thought := _thought(whole, template)) is not None:
        dropped.append(Dropped(sample.source, thought))
        return []
    ends = [len(whole.messages)] if template.keeps_prefixes else _answers(whole)
    kept = []
    for end in ends:
        which = f"answer {ends.index(end) + 1}: " if len(ends) > 1 else ""
        conversation = Conversation(whole.messages[:end])
        try:
            if len(template.render(conversation).ids) > max_length:
                conversation = template.truncate(conversation, max_length)
                lost = end - len(conversation.messages)
                told = f"truncated: {which}{lost} oldest messages left out"
                truncated.append(Dropped(sample.source, told))
            encoded = encode(template.samples(conversation)[-1])
            if sample.anchor:
                encoded = Encoded(encoded.ids, (IGNORED,) * len(encoded.ids), anchor=True)
        except ContextOverflow:
            told = f"too long: {which}more than {max_length} tokens"
            dropped.append(Dropped(sample.source, told))
        except (InvalidConversation, TemplateError) as error:
            dropped.append(Dropped(sample.source, f"not renderable: {which}{error}"))
        else:
            kept.append(_Kept(sample, conversation, encoded))
    return kept


def _thought(conversation: Conversation, template: ChatTemplate) -> str | None:
    """Say which answer holds a thought, which text alone cannot teach; None: none does.

    To the model a thought stands between two tokens of its own. As text in an answer it would be
    learned letter by letter, and no server would take it for a thought.
    """
    for index, message in enumerate(conversation.messages):
        for mark in THOUGHT:
            said = message.role is Role.ASSISTANT and mark in message.content
            if said and mark in template.control_ids:
                return (
                    f"thought: message {index} (assistant) holds {mark}, a token of the model; "
                    "leave the thought out and keep the answer"
                )
    return None


def _answers(conversation: Conversation) -> list[int]:
    """How many messages there are up to each answer; all, where none is there."""
    messages = conversation.messages
    ends = [i + 1 for i, message in enumerate(messages) if message.role is Role.ASSISTANT]
    return ends or [len(messages)]


def _held_back(samples: Sequence[Sample], share: float, seed: int) -> frozenset[str]:
    """Choose whole clusters for validation, about ``share`` of all samples, spread over the groups.

    A cluster that holds much more than the share of one of its groups stays in training: to hold
    it back would teach the model everything but that.
    """
    sizes: dict[str, Counter[str]] = defaultdict(Counter)
    for sample in samples:
        sizes[sample.cluster][sample.group] += 1
    room = Counter(sample.group for sample in samples)
    for group in room:
        room[group] = int(2 * share * room[group])
    held: set[str] = set()
    left = share * len(samples)
    for cluster in sorted(sizes, key=lambda c: _rank(c, seed)):
        if left > 0 and all(n <= room[group] for group, n in sizes[cluster].items()):
            held.add(cluster)
            room.subtract(sizes[cluster])
            left -= sizes[cluster].total()
    return frozenset(held)


def _samples(kept: Iterable[_Kept]) -> list[Sample]:
    """The samples of which at least one row is kept."""
    return list({id(one.sample): one.sample for one in kept}.values())


def _rank(cluster: str, seed: int) -> bytes:
    return hashlib.sha256(f"validation/{seed}/{cluster}".encode()).digest()


def _digest(parts: Iterable[tuple[bool, Conversation]]) -> str:
    digest = hashlib.sha256()
    for validation, conversation in parts:
        turns = [[m.role.value, m.content] for m in conversation.messages]
        line = json.dumps([validation, turns], ensure_ascii=True)
        digest.update(line.encode("ascii") + b"\n")
    return digest.hexdigest()
