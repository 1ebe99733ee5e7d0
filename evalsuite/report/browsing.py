"""Every case of a run as a card that a reader can open, the most urgent first.

A card says what became of its case: against the champion where the run has one, else against the
base. Cards are chosen within a budget of bytes, so that a file stays small enough to be
mailed and to be read at once; failed cases come before good ones.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from evalsuite.comparison import Bucket
from evalsuite.report.conversations import (
    Answer,
    Bubble,
    Finding,
    answers_of,
    bubbles_of,
    conditions_of,
    expected_of,
)
from evalsuite.report.visible import one_line, shortened, visible
from evalsuite.runfolder import Run
from evalsuite.runrecord import (
    CaseRow,
    DemonstrationsRow,
    ScoreRow,
    Side,
    Tier,
    TokensRow,
    Unit,
)

BUDGET = 4_600_000
"""Bytes that cards and demonstrations of a page may take; all else takes 0.2 million."""
_CARD, _ANSWER, _BUBBLE, _FINDING, _TOKEN = 730, 210, 95, 60, 36
"""Bytes of markup: of a card, of each answer, turn and finding in it, of a token with its id."""
_WITH_TOKENS = 60
"""Cards that offer a token view, where the budget has room."""

Place = tuple[str, str]
"""Panel and case id."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a token view."""

    text: str
    id: int
    control: bool


@dataclass(frozen=True, slots=True)
class TokenView:
    """What the model read (loss mask 0) and what it wrote (loss mask 1), token by token."""

    shown: str
    """Name of the demonstrations in this prompt."""
    prompt: tuple[Token, ...]
    answer: tuple[Token, ...]


@dataclass(frozen=True, kw_only=True)
class Card:
    """One case."""

    anchor: str
    """Unique on the page, the same in every report of this run."""
    case_id: str
    said: str
    """The query on one line, short."""
    panel: str
    language: str
    kind: str
    cluster: str
    source: str
    bucket: Bucket
    gates: tuple[str, ...]
    """Gates that count it as a defect now, or, when it is fixed, did before."""
    findings: tuple[Finding, ...]
    bubbles: tuple[Bubble, ...]
    expected: tuple[str, ...]
    conditions: tuple[str, ...]
    answers: tuple[Answer, ...]
    tokens: tuple[TokenView, ...] = ()

    @cached_property
    def size(self) -> int:
        """Bytes that it takes on the page, about."""
        said = [*(b.pieces for b in self.bubbles), *(a.pieces for a in self.answers)]
        texts = [piece.text for pieces in said for piece in pieces]
        texts += [*self.expected, *self.conditions, *(f.explanation for f in self.findings)]
        tokens = sum(len(view.prompt) + len(view.answer) for view in self.tokens)
        markup = _CARD + _ANSWER * len(self.answers) + _BUBBLE * len(self.bubbles)
        return markup + _FINDING * len(self.findings) + _TOKEN * tokens + _bytes(texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Browsed:
    """All cards of a page, and what was left out."""

    cards: tuple[Card, ...]
    buckets: Mapping[str, Mapping[Bucket, int]]
    """Gate to cases in each bucket: of the whole run, shown or not."""
    against: Side
    """Whom the buckets compare with."""
    left_out: int
    """Cards that the budget had no room for; all of them good unless ``failures_left_out``."""
    failures_left_out: int
    without_answer: int
    """Cases that are scored only, such as texts: nothing of them can be read."""
    demonstrations: tuple[DemonstrationsRow, ...]
    """Those that the shown cards' prompts held."""


def browse(run: Run, *, budget: int = BUDGET) -> Browsed:
    """Return the cards of ``run``, the most urgent first, within ``budget`` bytes."""
    against = Side.CHAMPION if run.info.champion else Side.BASELINE
    found = _standings(run, against)
    cards: list[Card] = []
    room, views = budget, _token_views(run)
    unseen = {row.name: _shown_size(row) for row in run.demonstrations}
    left_out = failures_left_out = 0
    anchors: Counter[str] = Counter()
    for place, by_gate in _ordered(run, found):
        card = _card(run, place, by_gate, anchors)
        if len(cards) < _WITH_TOKENS:
            card = _with_tokens(card, views, room)
        new = {answer.shown for answer in card.answers} & set(unseen)
        size = card.size + sum(unseen[name] for name in new)
        if size > room:
            left_out += 1
            failures_left_out += card.bucket in (Bucket.REGRESSED, Bucket.STILL_FAILING)
            continue
        room -= size
        unseen = {name: cost for name, cost in unseen.items() if name not in new}
        cards.append(card)
    shown = {answer.shown for card in cards for answer in card.answers}
    return Browsed(
        cards=tuple(cards),
        buckets=_counted(found),
        against=against,
        left_out=left_out,
        failures_left_out=failures_left_out,
        without_answer=sum(s.unit is Unit.NATS and s.side is Side.CANDIDATE for s in run.scores),
        demonstrations=tuple(row for row in run.demonstrations if row.name in shown),
    )


def _bytes(texts: Iterable[str]) -> int:
    return sum(len(text.encode("utf-8", "replace")) for text in texts)


def _shown_size(row: DemonstrationsRow) -> int:
    said = [(*(m.content for m in one.history), one.query, one.rewrite) for one in row.shown]
    turns = sum(map(len, said))
    return 150 + 120 * len(row.shown) + _BUBBLE * turns + sum(map(_bytes, said))


Standing = Mapping[str, tuple[Bucket, tuple[ScoreRow, ...]]]
"""Gate to what became of one case there, and what was said of the candidate."""
Standings = Mapping[Place, Standing]


def _standings(run: Run, against: Side) -> Standings:
    mine: dict[tuple[Place, str], list[ScoreRow]] = {}
    theirs: dict[tuple[Place, str, str], bool] = {}
    for score in run.scores:
        if score.unit is not Unit.DEFECT or score.value is None:
            continue
        place, gate = (score.panel, score.case_id), score.gate or score.detector
        if score.side is Side.CANDIDATE:
            mine.setdefault((place, gate), []).append(score)
        elif score.side is against:
            theirs[place, gate, score.detector] = score.failed
    found: dict[Place, dict[str, tuple[Bucket, tuple[ScoreRow, ...]]]] = {}
    for (place, gate), scores in mine.items():
        before = [theirs.get((place, gate, score.detector)) for score in scores]
        bucket = _bucket([(score.failed, was) for score, was in zip(scores, before, strict=True)])
        found.setdefault(place, {})[gate] = bucket, tuple(scores)
    return found


def _bucket(pairs: Sequence[tuple[bool, bool | None]]) -> Bucket:
    """What became of a case, from each detector's (defect now, defect before or not asked)."""
    if any(now for now, _ in pairs):
        new = any(now and was is False for now, was in pairs)
        return Bucket.REGRESSED if new else Bucket.STILL_FAILING
    return Bucket.FIXED if any(was for _, was in pairs) else Bucket.UNCHANGED


def _counted(found: Standings) -> dict[str, Mapping[Bucket, int]]:
    counts: dict[str, Counter[Bucket]] = {}
    for by_gate in found.values():
        for gate, (bucket, _) in by_gate.items():
            counts.setdefault(gate, Counter())[bucket] += 1
    return {gate: {bucket: n[bucket] for bucket in Bucket} for gate, n in counts.items()}


def _worst(buckets: Iterable[Bucket]) -> Bucket:
    order = (Bucket.REGRESSED, Bucket.STILL_FAILING, Bucket.FIXED, Bucket.UNCHANGED)
    return min(buckets, key=order.index)


def _ordered(run: Run, found: Standings) -> Iterator[tuple[Place, Standing]]:
    """Regressions first, those of blocking gates before others, then round the clusters."""
    blocking = {v.gate for v in run.verdicts if v.tier is Tier.BLOCKING}
    order = (Bucket.REGRESSED, Bucket.STILL_FAILING, Bucket.FIXED, Bucket.UNCHANGED)
    seen: Counter[tuple[int, bool, str]] = Counter()
    keyed = []
    for position, (place, by_gate) in enumerate(found.items()):
        bucket = _worst(bucket for bucket, _ in by_gate.values())
        decides = any(gate in blocking for gate, (b, _) in by_gate.items() if b is bucket)
        cluster = next(iter(by_gate.values()))[1][0].cluster or place[1]
        group = (order.index(bucket), not decides, cluster)
        seen[group] += 1
        keyed.append((group[:2], seen[group], position, place))
    for *_, place in sorted(keyed):
        yield place, found[place]


def _card(run: Run, place: Place, standing: Standing, anchors: Counter[str]) -> Card:
    bucket = _worst(b for b, _ in standing.values())
    every = [score for _, scores in standing.values() for score in scores]
    failed = [score for score in every if score.failed]
    case, first = run.case_index.get(place), every[0]
    gates = tuple(gate for gate, (b, _) in standing.items() if b is not Bucket.UNCHANGED)
    return Card(
        anchor=anchor(place, anchors),
        case_id=place[1],
        said=one_line(case.query, 90) if case else "",
        panel=place[0],
        language=first.language or (case.language if case else ""),
        kind=(first.kind or (case.kind if case else "")).replace("_", " "),
        cluster=case.cluster if case else first.cluster,
        source=case.source if case else "",
        bucket=bucket,
        gates=gates,
        findings=tuple(Finding(s.detector, shortened(s.explanation, 600)) for s in failed),
        bubbles=bubbles_of(case),
        expected=expected_of(case),
        conditions=conditions_of(case) if failed else (),
        answers=_answers(run, case, failed or every[:1]),
    )


def _answers(run: Run, case: CaseRow | None, scores: Sequence[ScoreRow]) -> tuple[Answer, ...]:
    if case is None:
        return ()
    found = answers_of(run, scores)
    if scores[0].failed:
        return found
    first: dict[str, Answer] = {}
    for answer in found:
        first.setdefault(answer.side, answer)
    return tuple(first.values())


def anchor(place: Place, anchors: Counter[str]) -> str:
    """Return the id of a case on its page; ``anchors`` counts those that were given before."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", f"{place[0]}-{place[1]}").strip("-")[:120]
    anchors[slug] += 1
    return f"case-{slug}" if anchors[slug] == 1 else f"case-{slug}--{anchors[slug]}"


def _token_views(run: Run) -> dict[str, TokensRow]:
    return {row.key: row for row in run.tokens}


def _with_tokens(card: Card, known: Mapping[str, TokensRow], room: int) -> Card:
    views = tuple(
        _view(known[answer.key], answer.shown)
        for answer in card.answers
        if answer.side == Side.CANDIDATE and answer.key in known
    )
    fuller = replace(card, tokens=views)
    return fuller if fuller.size < room else card


def _view(row: TokensRow, shown: str) -> TokenView:
    control = set(row.control)
    tokens = tuple(
        Token(_drawn(text), token, at in control)
        for at, (token, text) in enumerate(zip(row.ids, row.texts, strict=True))
    )
    return TokenView(shown, tokens[: row.answer], tokens[row.answer :])


def _drawn(text: str) -> str:
    """A token's text with its spaces and line ends to be seen."""
    return visible(text.replace(" ", "·").replace("\n", "↵"))[:200]
