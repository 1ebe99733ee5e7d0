"""Delta debugging in batches: the smallest history that still breaks the same promise.

After Zeller and Hildebrandt, Simplifying and isolating failure-inducing input (2002), with one
difference: a model that answers in batches is asked by the round, so every round asks about all
single reductions at once, and about the union of those that worked the round before.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from itertools import pairwise

from evalsuite.cases import Case, Kind
from evalsuite.conversation import Message
from evalsuite.search.asker import Posed, says_what_is_meant
from evalsuite.strategies import Attack
from evalsuite.strategies.operators import sealed
from evalsuite.tasks import Broken, Promise

ROWS = 256
"""Most reductions that one round asks about."""
# One name is mentioned, or the last one counts: whatever else is left out, it is still meant.
_FREE = (Kind.SINGLE, Kind.DISTANT, Kind.DROPPED_SUBJECT, Kind.STANDALONE, Kind.NOISY)
# A word of letters with the space behind it, or any other single character.
_PIECE = re.compile(r"[^\W\u3400-\u9fff]+\s*|.", re.DOTALL)

Atom = tuple[str, int, int]
"""What can be left out: ``("turn", number, piece)`` or ``("shown", number, 0)``."""
Atoms = frozenset[Atom]
Rows = list[Posed]
Verdicts = Sequence[Broken | None]
Pose = Callable[[Attack], Posed | None]


@dataclass(frozen=True, slots=True)
class Reduced:
    """What a reduction came to."""

    posed: Posed
    broken: Broken
    rounds: int
    """Batches that it took."""
    evaluations: int
    """Histories in them."""


def reduce(
    posed: Posed, broken: Broken, pose: Pose, kinds: Sequence[Kind]
) -> Generator[Rows, Verdicts, Reduced]:
    """Yield rounds of smaller histories, take what they break, return the smallest that does.

    Args:
        posed: a history that breaks a promise.
        broken: which, and why.
        pose: builds an attack as the search does; None where that cannot be asked.
        kinds: what a model is held to; a reduction turns to no other.
    """
    counts = Counter[str]()
    if posed.attack is not None:
        posed, broken = yield from _simpler_attacks(posed, broken, pose, kinds, counts)
    posed, broken = yield from _smaller_texts(posed, broken, _core(posed, pose), counts)
    return Reduced(posed, broken, counts["rounds"], counts["evaluations"])


def _size(posed: Posed) -> tuple[int, int, int, int]:
    turns = posed.case.history
    return len(turns), sum(len(m.content) for m in turns), len(posed.shown), len(posed.used)


def _simpler_attacks(
    posed: Posed, broken: Broken, pose: Pose, kinds: Sequence[Kind], counts: Counter[str]
) -> Generator[Rows, Verdicts, tuple[Posed, Broken]]:
    tried: set[Attack] = set()
    while posed.attack is not None:
        new = [a for a in dict.fromkeys(_simpler(posed.attack, kinds)) if a not in tried]
        tried.update(new)
        rows = [row for row in map(pose, new) if row is not None and _size(row) < _size(posed)]
        kept = yield from _kept(rows, broken, counts)
        if not kept:
            break
        posed, broken = min(kept, key=lambda pair: _size(pair[0]))
    return posed, broken


def _simpler(attack: Attack, kinds: Sequence[Kind]) -> Iterator[Attack]:
    """Attacks with less in them, one thing at a time, and the most drastic ones first."""
    edits = attack.edits
    yield replace(attack, edits=())
    for edit in edits:
        yield replace(attack, edits=(edit,))
        yield replace(attack, edits=(replace(edit, size=0),))
        yield replace(attack, edits=(replace(edit, size=0, place=0),))
    for at, edit in enumerate(edits):
        yield replace(attack, edits=(*edits[:at], *edits[at + 1 :]))
        yield replace(attack, edits=(*edits[:at], replace(edit, size=0), *edits[at + 1 :]))
    for shown in {0, 1, attack.shown // 2, attack.shown - 1}:
        if 0 <= shown < attack.shown:
            yield replace(attack, shown=shown)
    if attack.skill:
        yield replace(attack, template=0)
        yield replace(attack, template=0, edits=())
        return
    if Kind.SINGLE in kinds:
        single = replace(attack, kind=Kind.SINGLE)
        yield from (single, replace(single, edits=()))
        yield from (replace(single, edits=(edit,)) for edit in edits)


def _kept(
    rows: Rows, broken: Broken, counts: Counter[str]
) -> Generator[Rows, Verdicts, list[tuple[Posed, Broken]]]:
    """Ask about the rows and return those that break the same promise."""
    if not rows:
        return []
    counts["rounds"] += 1
    counts["evaluations"] += len(rows)
    verdicts = yield rows
    return [
        (row, found)
        for row, found in zip(rows, verdicts, strict=True)
        if found is not None and found.promise is broken.promise
    ]


def _smaller_texts(
    posed: Posed, broken: Broken, core: str, counts: Counter[str]
) -> Generator[Rows, Verdicts, tuple[Posed, Broken]]:
    whole = _Parts(posed, core, _bound(posed, broken))
    removed: Atoms = frozenset()
    worked: list[Atoms] = []
    tried: set[Posed] = {posed}
    while rows := whole.rows((*_unions(worked), *whole.chunks(removed)), removed, tried):
        kept = yield from _kept(list(rows), broken, counts)
        tried.update(rows)
        worked = []
        if kept:
            posed, broken = min(kept, key=lambda pair: _size(pair[0]))
            best = rows[posed]
            removed |= best
            worked = [rows[row] - best for row, _ in kept if rows[row] - best]
    return posed, broken


def _unions(worked: Sequence[Atoms]) -> Iterator[Atoms]:
    """All that worked alone at once, then the first and the second half of it."""
    if len(worked) > 1:
        middle = len(worked) // 2
        for several in (worked, worked[:middle], worked[middle:]):
            yield frozenset[Atom]().union(*several)


class _Parts:
    """A posed case in pieces, any of which can be left out."""

    def __init__(self, posed: Posed, core: str, bound: Set[int]) -> None:
        self.posed = posed
        self.turns = [tuple(_PIECE.findall(m.content)) for m in posed.case.history]
        self.core = core
        self.bound = bound
        """Turns that are left out whole or not at all."""

    def rows(
        self, chunks: Iterable[Atoms], removed: Atoms, tried: Set[Posed]
    ) -> dict[Posed, Atoms]:
        """The next smaller cases to ask about, each with what it leaves out; at most ``ROWS``."""
        rows: dict[Posed, Atoms] = {}
        for chunk in dict.fromkeys(chunks):
            row = self.without(removed | chunk)
            if row is not None and row not in tried:
                rows.setdefault(row, chunk)
            if len(rows) == ROWS:
                break
        return rows

    def chunks(self, removed: Atoms) -> Iterator[Atoms]:
        """What to leave out next: turns, demonstrations, then runs of words, long ones first."""
        left = [[("turn", t, p) for p in range(len(turn))] for t, turn in enumerate(self.turns)]
        left = [[atom for atom in turn if atom not in removed] for turn in left]
        left = [turn for turn in left if turn]
        shown = [("shown", n, 0) for n in range(len(self.posed.shown))]
        shown = [atom for atom in shown if atom not in removed]
        yield from map(frozenset, left)
        yield from (frozenset((*a, *b)) for a, b in pairwise(left))
        yield frozenset(shown)
        yield from (frozenset({atom}) for atom in shown)
        yield from (frozenset(shown) - {atom} for atom in shown)
        yield from _runs(turn for turn in left if turn[0][1] not in self.bound)

    def without(self, removed: Atoms) -> Posed | None:
        """The case with those pieces left out; None when that is no smaller case of the same."""
        history: list[Message] = []
        for t, (turn, pieces) in enumerate(zip(self.posed.case.history, self.turns, strict=True)):
            text = "".join(p for n, p in enumerate(pieces) if ("turn", t, n) not in removed)
            if text.strip():
                history.append(Message(turn.role, text.strip()))
        case = replace(self.posed.case, history=tuple(history))
        if not says_what_is_meant(case) or not self._settled(case):
            return None
        shown = tuple(d for n, d in enumerate(self.posed.shown) if ("shown", n, 0) not in removed)
        return replace(self.posed, case=sealed(case, self.posed.operators), shown=shown)

    def _settled(self, case: Case) -> bool:
        """Whether what the harmless case said, and so settled what is meant, is still said."""
        said = iter("".join(m.content for m in case.history))
        return all(character in said for character in self.core)


def _core(posed: Posed, pose: Pose) -> str:
    """What a reduction may not touch: the harmless case's own words, where all of them count."""
    if posed.case.kind in _FREE or posed.case.expect.unchanged:
        return ""
    harmless = None if posed.attack is None else pose(replace(posed.attack, edits=()))
    said = "".join(m.content for m in posed.case.history)
    if harmless is not None:
        words = "".join("".join(m.content.split()) for m in harmless.case.history)
        rest = iter(said)
        if all(character in rest for character in words):
            return words
    return "".join(said.split())


def _bound(posed: Posed, broken: Broken) -> frozenset[int]:
    """Turns whose words count as a whole, by their places.

    What rules something out must not lose the words that do it, or else that is what is meant. A
    leak or a control token is one whatever is meant, so there every word may go.
    """
    if broken.promise is not Promise.RESOLVED:
        return frozenset()
    unwanted = posed.case.expect.must_not_name
    return frozenset(
        place
        for place, message in enumerate(posed.case.history)
        if any(name in message.content for name in unwanted)
    )


def _runs(turns: Iterable[Sequence[Atom]]) -> Iterator[Atoms]:
    """Runs of pieces within a turn: halves of all turns, then quarters, down to single pieces."""
    several = [tuple(turn) for turn in turns]
    length = max((len(turn) for turn in several), default=0)
    while length > 1:
        length = -(-length // 2)
        for turn in several:
            if len(turn) > length or length == 1:
                yield from (frozenset(turn[at : at + length]) for at in range(0, len(turn), length))
