"""What a reader has to know of a run beside its verdicts: sentences with values in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from evalsuite.cases import Wanted
from evalsuite.cases.shipped import shipped_version
from evalsuite.gates.reasons import sureness
from evalsuite.runs import AttemptInfo, EndingsInfo, Side, Tier
from evalsuite.runs.folder import Run

_WAIVED = "{0}: waived by {1} until {2}: {3}."
_ATTEMPT = "Attempt {0} on this base, judged with {1} confidence."
_NAMED_ATTEMPT = (
    "Attempt {0} of lineage {2}, judged with {1} confidence; {3} added the lineage on {4}: {5}."
)
_STOPPED = "The run stopped after {0} % of its panels."
_UNCONFIRMED = (
    "{0} cases in which the sides differ count as they are: they could not be asked again in "
    "float32 ({1})."
)
_CONFIRMED = (
    "{0} of {1} cases in which the sides differed agree in float32: the precision did that, and "
    "they do not count."
)
_PROMPTED = (
    "The adapter was trained with another prompt ({0}) than it was gated with ({1}): train and "
    "serve with one."
)
_ENDINGS = (
    "{0} of {1} answers of the candidate were cut off before they ended; of the base {2} of {3}."
)
_ENDLESS = (
    "{0} of {1} answers of the candidate were cut off before they ended; of the base {2} of {3}: "
    "it did not learn to emit the token that ends an answer. Train with that token in the loss."
)
_DECODING = (
    "The base's generation_config.json asks servers for what this run did not apply ({0}): it took "
    "the likeliest token. Serve it so, or know that users see other answers."
)
_BESIDE = (
    "What lies beside the adapter contradicts what it was gated with: {0}. Settle which of the two "
    "is served."
)
_SHIPPED = "The golden cases are those that ship with evalsuite {0}."
_REMARKED = "How the base was asked: {0}"
_OTHER_POLICY = (
    "The registry's policy is another one, {0} ({1}): this run cannot be promoted there but as a "
    "named exception."
)
_LOOSENED = "{0} made the registry's policy looser on {1}: {2} ({3})"
_UNSEALED = "{0} answers came out of a cache without a seal."
_STORED = "The quantised weights of {0} ({1}) were gated as the plain numbers that they stand for."
NOTES = (
    _WAIVED,
    _ATTEMPT,
    _NAMED_ATTEMPT,
    _STOPPED,
    _UNCONFIRMED,
    _CONFIRMED,
    _SHIPPED,
    _PROMPTED,
    _BESIDE,
    _ENDINGS,
    _ENDLESS,
    _DECODING,
    _REMARKED,
    _OTHER_POLICY,
    _LOOSENED,
    _UNSEALED,
    _STORED,
)
"""What a note can say."""
_OF_CANDIDATES = frozenset({_WAIVED, _UNCONFIRMED, _PROMPTED, _BESIDE, _ENDINGS, _ENDLESS})
"""Those in which one candidate of a base differs from another."""


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence with values in it, so that it can be said in another language too."""

    pattern: str
    """English, with ``{0}``, ``{1}``."""
    values: tuple[object, ...]

    def __str__(self) -> str:
        # Not str.format: a value may hold braces.
        return re.sub(r"\{(\d)\}", lambda m: str(self.values[int(m[1])]), self.pattern)


def notes_of(run: Run, *, stop_is_told: bool) -> tuple[Note, ...]:
    """What a reader has to know beside the verdicts.

    Args:
        run: that is told.
        stop_is_told: whether the reason of every gate says already that the run stopped.
    """
    held = {verdict.gate for verdict in run.verdicts if verdict.tier is Tier.WAIVED}
    notes = [
        Note(
            _WAIVED,
            (title_of(w.gate), w.by, w.expires, w.reason.rstrip(".")),
        )
        for w in run.info.waivers
        if w.gate in held
    ]
    attempt, looks, flips = run.info.attempt, run.info.looks, run.info.flips
    if attempt is not None:
        notes.append(_attempted(attempt))
    if flips is not None and flips.explained is None:
        notes.append(Note(_UNCONFIRMED, (flips.cases, flips.left_out)))
    elif flips is not None:
        notes.append(Note(_CONFIRMED, (flips.explained, flips.cases)))
    stopped_at = None if looks is None else looks.stopped_at
    if stopped_at is not None and not stop_is_told:
        notes.append(Note(_STOPPED, (f"{100 * stopped_at:g}",)))
    against = run.info.adapter.contradicted if run.info.adapter else ()
    if against:
        notes.append(Note(_BESIDE, ("; ".join(against),)))
    notes += _on_answering(run)
    version = shipped_version(run.info.cases)
    if version is not None:
        notes.append(Note(_SHIPPED, (version,)))
    notes += [Note(_STORED, stored) for stored in run.info.stored.items()]
    trained = _trained_with(run)
    if trained is not None:
        notes.append(Note(_PROMPTED, (trained, run.info.prompt_format)))
    notes += (Note(_REMARKED, (remark,)) for remark in run.info.engine.remarks)
    notes += _trust(run)
    return tuple(notes)


def _attempted(attempt: AttemptInfo) -> Note:
    """Which attempt a run was, and of what: each lineage is another whole error budget."""
    counted, named = (attempt.number, sureness(attempt.confidence)), attempt.named
    if named is None:
        return Note(_ATTEMPT, counted)
    added = (named.name, named.by, f"{named.created:%Y-%m-%d}", named.reason.rstrip("."))
    return Note(_NAMED_ATTEMPT, (*counted, *added))


def notes_of_candidate(run: Run) -> tuple[str, ...]:
    """Return the notes that are about the candidate, and not about how it was run."""
    notes = notes_of(run, stop_is_told=True)
    return tuple(str(note) for note in notes if note.pattern in _OF_CANDIDATES)


def _trust(run: Run) -> Iterator[Note]:
    """What of a run rests on more than its answers."""
    known, unsealed = run.info.registry_policy, run.info.counts.unsealed
    if known is not None and known.digest != run.info.policy.digest:
        yield Note(_OTHER_POLICY, (known.name, known.digest[:12]))
    for one in known.loosened if known else ():
        changes = "; ".join(one.changes)
        yield Note(_LOOSENED, (one.by, f"{one.created:%Y-%m-%d}", one.reason, changes))
    if unsealed:
        yield Note(_UNSEALED, (unsealed,))


def _on_answering(run: Run) -> Iterator[Note]:
    """How answers ended, where some were cut off, and what servers are told to do otherwise."""
    none = EndingsInfo(answers=0, cut=0)
    own, base = (run.info.endings.get(side.value, none) for side in (Side.CANDIDATE, Side.BASELINE))
    if own.cut:
        mostly = 2 * own.cut > own.answers and 2 * base.cut < base.answers
        said = _ENDLESS if mostly else _ENDINGS
        yield Note(said, (own.cut, own.answers, base.cut, base.answers))
    if run.info.base.decoding:
        yield Note(_DECODING, (", ".join(run.info.base.decoding),))


def _asks_for_rewrites(run: Run) -> bool:
    tasks = run.info.policy.resolved.get("tasks")
    return not isinstance(tasks, list) or Wanted.REWRITE in tasks


def _trained_with(run: Run) -> str | None:
    """The prompt that the adapter was trained with, by name; None: the same, or nobody knows."""
    record = None if run.info.adapter is None else run.info.adapter.provenance
    if record is None or not _asks_for_rewrites(run):
        return None
    name, digest = str(record.get("prompt") or ""), record.get("prompt_digest") or ""
    own = run.info.prompt
    same = digest == own.digest if own is not None else name in ("", run.info.prompt_format)
    return None if same else name or "evalsuite's own"


def title_of(gate: str) -> str:
    """Return the name of a gate as a heading."""
    return gate.replace("_", " ").capitalize()
