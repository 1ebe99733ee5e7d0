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

from evalsuite.conversation import Conversation
from evalsuite.errors import ContextOverflow, InvalidInput, TemplateError
from evalsuite.template import ChatTemplate, Rendered
from evalsuite.training.samples import Sample

IGNORED = -100
"""Label of a token that is not learned; what PyTorch's cross entropy skips."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One sample as the model sees it."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    """Same length as ``ids``: the id where it is learned, -100 elsewhere."""

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
    held = _held_back([k.sample for k in kept], validation, seed)
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
        groups=dict(sorted(Counter(k.sample.group for k in train).items())),
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
    """Encode a sample: one row, or one for each answer where the family needs that."""
    conversation = sample.conversation
    try:
        rendered = template.render(conversation)
        if len(rendered.ids) > max_length:
            conversation = template.truncate(conversation, max_length)
            rendered = template.render(conversation)
            lost = len(sample.conversation.messages) - len(conversation.messages)
            truncated.append(Dropped(sample.source, f"truncated: {lost} oldest messages left out"))
    except ContextOverflow:
        dropped.append(Dropped(sample.source, f"too long: more than {max_length} tokens"))
        return []
    except TemplateError as error:
        dropped.append(Dropped(sample.source, f"not renderable: {error}"))
        return []
    rows = template.samples(conversation)
    return [_Kept(sample, conversation, encode(row)) for row in rows]


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


def _rank(cluster: str, seed: int) -> bytes:
    return hashlib.sha256(f"validation/{seed}/{cluster}".encode()).digest()


def _digest(parts: Iterable[tuple[bool, Conversation]]) -> str:
    digest = hashlib.sha256()
    for validation, conversation in parts:
        turns = [[m.role.value, m.content] for m in conversation.messages]
        line = json.dumps([validation, turns], ensure_ascii=True)
        digest.update(line.encode("ascii") + b"\n")
    return digest.hexdigest()
