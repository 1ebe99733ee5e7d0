"""Cards and demonstrations as HTML, as many as a page has room for, counted as they are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from evalsuite.report.cards import Card, cards, ordered, with_tokens
from evalsuite.report.changes import CaseOutcomes, Outcome
from evalsuite.report.conversations import bubbles_of
from evalsuite.runs import PARTS, DemonstrationsRow, Side, Unit
from evalsuite.runs.folder import Run

# The page promises to stay within 5 MB, whatever models wrote.
BUDGET = 4_650_000
"""Bytes that cards and demonstrations may take; all else takes 0.2 million, 0.3 at most."""
_MISSES = 25
"""Cards in a row that did not fit, after which no other is tried."""
_LARGEST = 400_000
"""Bytes of the largest: one case shall not take the room of all others."""
_WITH_TOKENS = 60
"""Cards that offer a token view, where there is room."""
_OPEN = 2
"""Regressions that are open when the page is."""
_CHOICES = 60
"""Languages, kinds and sections that a filter offers at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What a page shows of the cases of a run, and what it has no room for."""

    cards: tuple[Markup, ...]
    left_out: int
    failures_left_out: int
    """Those among them that have a defect."""
    without_answer: int
    """Cases that are scored only, such as texts: nothing of them can be read."""
    demonstrations: tuple[Markup, ...]
    languages: tuple[str, ...]
    kinds: tuple[str, ...]
    parts: tuple[str, ...]
    """Parts of a rewrite that some card tells of."""


class _Writer:
    """Writes cards until the room is used."""

    def __init__(
        self, run: Run, environment: Environment, words: Mapping[str, object], room: int
    ) -> None:
        self.room = room
        self.cards: list[Markup] = []
        self.languages: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.parts: set[str] = set()
        self.sets: dict[str, Markup] = {}
        self._sets = {row.name: row for row in run.demonstrations}
        self._tokens = {row.key: row for row in run.tokens}
        self._parts: Any = environment.get_template("parts/card.html").make_module(
            {**words, "known_sets": frozenset(self._sets)}
        )

    def write(self, card: Card) -> bool:
        """Write a card, with its tokens if there is room for them; return whether it fitted."""
        new = {a.shown: self._sets[a.shown] for a in card.answers if a.shown in self._sets}
        sets = {name: self._set(row) for name, row in new.items() if name not in self.sets}
        left = min(_LARGEST, self.room - sum(map(_size, sets.values())))
        # With its tokens if they fit, else without: a case that is left out tells less.
        tries = [card]
        if len(self.cards) < _WITH_TOKENS:
            tries.insert(0, with_tokens(card, self._tokens))
        for one in tries:
            text = self._card(one)
            if _size(text) <= left:
                self.cards.append(text)
                # Cards link to demonstrations, so these are paid for by the first that needs them.
                self.sets |= sets
                self.room -= _size(text) + sum(map(_size, sets.values()))
                self.languages[card.language] += 1
                self.kinds[card.kind] += 1
                self.parts.update(card.lost, card.mended)
                return True
        return False

    def _card(self, card: Card) -> Markup:
        opened = len(self.cards) < _OPEN and card.outcome is Outcome.REGRESSED
        return Markup(self._parts.card(card, opened))  # noqa: S704 - rendered, escaped

    def _set(self, row: DemonstrationsRow) -> Markup:
        shown = [
            (bubbles_of(((m.role.value, m.content) for m in one.history), one.query), one.rewrite)
            for one in row.shown
        ]
        return Markup(self._parts.demonstrations(row.name, shown))  # noqa: S704 - the same


def draw(
    run: Run, found: CaseOutcomes, environment: Environment, words: Mapping[str, object], room: int
) -> Drawn:
    """Return the cards of ``run``, the most urgent first, within ``room`` bytes.

    Args:
        run: the run.
        found: what became of its cases.
        environment: of the page.
        words: what its templates call for the page's own words.
        room: bytes.
    """
    places = ordered(found)
    writer = _Writer(run, environment, words, room)
    left = failures = misses = 0
    for card in cards(run, found, places):
        fitted = writer.write(card)
        misses = 0 if fitted else misses + 1
        left += not fitted
        failures += card.outcome.failing and not fitted
        # Else thousands of cards would be rendered only to be dropped.
        if misses == _MISSES:
            break
    rest = places[len(writer.cards) + left :]
    failures += sum(
        any(one.outcome.failing for one in found.cases[place].values()) for place in rest
    )
    return Drawn(
        cards=tuple(writer.cards),
        left_out=left + len(rest),
        failures_left_out=failures,
        without_answer=sum(
            s.unit is Unit.NATS and s.side is Side.CANDIDATE and not s.advisory for s in run.scores
        ),
        demonstrations=tuple(writer.sets.values()),
        languages=_offered(writer.languages),
        kinds=_offered(writer.kinds),
        parts=tuple(part for part in PARTS if part in writer.parts),
    )


def _offered(found: Counter[str]) -> tuple[str, ...]:
    return tuple(sorted(name for name, _ in found.most_common(_CHOICES) if name))


def _size(text: Markup) -> int:
    # As reports are written: a model may say half of a surrogate pair, which UTF-8 cannot hold.
    return len(text.encode("utf-8", "backslashreplace"))
