"""Every case of a run as a card that a reader can open, the most urgent first.

Cards are made one by one, as long as their reader has room for them: failed cases come before good
ones, those that decide before those that are only shown, and one of each cluster before a second.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from evalsuite.report.changes import CaseOutcome, CaseOutcomes, Outcome, Place, Section
from evalsuite.report.conversations import (
    TITLES,
    Answer,
    Bubble,
    Finding,
    answers_of,
    case_bubbles,
    conditions_of,
    expected_of,
)
from evalsuite.report.safetext import one_line, shortened, visible
from evalsuite.runs import CaseRow, ScoreRow, Side, TokensRow, lost_parts, told
from evalsuite.runs.folder import Run

_FINDINGS = 8
"""Sentences about one case."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
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
    outcome: Outcome
    """The most urgent of all sections that judged it, deciding ones first."""
    sections: Mapping[Section, Outcome]
    advisory: bool
    """Nothing that decides counts it as a defect."""
    lost: tuple[str, ...]
    """In what way the candidate's rewrite is wrong."""
    mended: tuple[str, ...]
    """What the other side's rewrite loses and the candidate's does not."""
    findings: tuple[Finding, ...]
    bubbles: tuple[Bubble, ...]
    expected: tuple[str, ...]
    conditions: tuple[str, ...]
    answers: tuple[Answer, ...]
    tokens: tuple[TokenView, ...] = ()

    @property
    def changed(self) -> tuple[str, ...]:
        """Sections under which there is something to see."""
        quiet = (Outcome.UNCHANGED, Outcome.GOOD)
        told = [section for section, outcome in self.sections.items() if outcome not in quiet]
        return tuple(one_line(str(section), 120) for section in told)


def ordered(found: CaseOutcomes) -> list[Place]:
    """Return the cases, the most urgent first."""
    seen: Counter[tuple[int, bool, str]] = Counter()
    keyed = []
    for position, (place, by_section) in enumerate(found.cases.items()):
        outcome, advisory = _worst(found, by_section)
        cluster = (
            next((s.cluster for one in by_section.values() for s in one.scores), "") or place[1]
        )
        group = (outcome.urgency, advisory, cluster)
        seen[group] += 1
        keyed.append((group[:2], seen[group], position, place))
    return [place for *_, place in sorted(keyed)]


def cards(run: Run, found: CaseOutcomes, places: list[Place]) -> Iterator[Card]:
    """Make the cards of ``places`` one by one."""
    anchors: Counter[str] = Counter()
    for place in places:
        yield _card(run, found, place, anchors)


def with_tokens(card: Card, known: Mapping[str, TokensRow]) -> Card:
    """Return the card with the token views of the candidate's answers, as far as they are known."""
    views = tuple(
        _view(known[answer.key], answer.shown)
        for answer in card.answers
        if answer.side == Side.CANDIDATE and answer.key in known
    )
    return replace(card, tokens=views)


def anchor(place: Place, anchors: Counter[str]) -> str:
    """Return the id of a case on its page; ``anchors`` counts those that were given before."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", f"{place[0]}-{place[1]}").strip("-")[:120]
    anchors[slug] += 1
    return f"case-{slug}" if anchors[slug] == 1 else f"case-{slug}--{anchors[slug]}"


def _worst(found: CaseOutcomes, by_section: Mapping[Section, CaseOutcome]) -> tuple[Outcome, bool]:
    """The outcome that a case is listed under, and whether it decides nothing."""
    deciding = [one.outcome for section, one in by_section.items() if section not in found.advisory]
    worst = min((one.outcome for one in by_section.values()), key=lambda o: o.urgency)
    if not deciding:
        return worst, True
    decisive = min(deciding, key=lambda o: o.urgency)
    # A defect that decides nothing is still shown as one, and marked as such.
    return (decisive, False) if decisive.failing or not worst.failing else (worst, True)


def _card(run: Run, found: CaseOutcomes, place: Place, anchors: Counter[str]) -> Card:
    by_section = found.cases[place]
    outcome, advisory = _worst(found, by_section)
    every = [score for one in by_section.values() for score in one.scores]
    before = told(score for one in by_section.values() for score in one.before)
    failed = told(every)
    case = run.case_index.get(place)
    first = case or every[0]
    answers = _answers(run, case, failed, before)
    return Card(
        anchor=anchor(place, anchors),
        case_id=one_line(place[1], 160),
        said=one_line(case.query, 90) if case else "",
        panel=one_line(place[0], 60),
        language=one_line(first.language, 20),
        kind=one_line(first.kind.replace("_", " "), 40),
        cluster=one_line(first.cluster, 160),
        source=one_line(case.source, 160) if case else "",
        outcome=outcome,
        sections={section: one.outcome for section, one in by_section.items()},
        advisory=advisory,
        lost=lost_parts(failed),
        mended=tuple(dict.fromkeys(p for one in by_section.values() for p in one.mended)),
        findings=(*_findings(failed, ""), *_findings(before, TITLES[found.against]))[:_FINDINGS],
        bubbles=case_bubbles(case),
        expected=expected_of(case)[:_FINDINGS],
        conditions=conditions_of(case, answers) if failed or before else (),
        answers=answers,
    )


def _findings(scores: Sequence[ScoreRow], side: str) -> tuple[Finding, ...]:
    return tuple(Finding(s.detector, shortened(s.explanation, 600), side) for s in scores)


def _answers(
    run: Run, case: CaseRow | None, failed: Sequence[ScoreRow], before: Sequence[ScoreRow]
) -> tuple[Answer, ...]:
    if case is None:
        return ()
    found = answers_of(run, (case.panel, case.case_id), failed, before)
    if failed:
        return found
    first: dict[str, Answer] = {}
    for answer in found:
        first.setdefault(answer.side, answer)
    return tuple(first.values())


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
