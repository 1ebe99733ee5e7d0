"""What people and detectors judge differently, as golden cases: people's word counts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.cases.casefiles import doubts, names
from evalsuite.cases.importers import identifier
from evalsuite.conversation import Message
from evalsuite.errors import EvalsuiteError
from evalsuite.review.key import Key
from evalsuite.review.population import Subject, Told, Topic
from evalsuite.review.raters import Readings
from evalsuite.review.results import Disagreement, disagreements

_SAID = {
    (Topic.RIGHT, Told.ACCUSED): "people call {answer} right, detectors did not",
    (Topic.RIGHT, Told.ACCEPTED): "people call {answer} wrong, detectors accepted it",
    (Topic.COPIED, Told.ACCUSED): "people find nothing copied in {answer}, detectors did",
    (Topic.COPIED, Told.ACCEPTED): "people find something copied in {answer}, detectors did not",
}
_BY_HAND = "; not added to the accepted rewrites: settle this case by hand"


@dataclass(frozen=True, slots=True)
class Goldens:
    """Cases of a review, and the answers that could not become one."""

    cases: tuple[Case, ...]
    left_out: tuple[str, ...]
    """A sentence for each."""


def goldens_of(key: Key, readings: Readings) -> Goldens:
    """Turn each disagreement into a golden case with people's verdict.

    An answer that people call right becomes an accepted rewrite; names that the case demands or
    forbids give way where they contradict it. One that people call wrong is no accepted rewrite.
    What was said stands in the comment. Every case passes ``evalsuite cases lint``.
    """
    by_conversation: dict[tuple[tuple[Message, ...], str], list[Disagreement]] = {}
    for one in disagreements(key, readings):
        subject = one.row.subject
        by_conversation.setdefault((subject.history, subject.query), []).append(one)
    cases: dict[str, Case] = {}
    left_out = []
    for said in by_conversation.values():
        try:
            case = _case(key, said, readings)
        except EvalsuiteError as error:
            subject = said[0].row.subject
            left_out.append(f"{subject.panel}/{subject.case_id}: {error}")
        else:
            cases[case.id] = case
    return Goldens(tuple(cases.values()), tuple(left_out))


def _case(key: Key, said: Sequence[Disagreement], readings: Readings) -> Case:
    subject = said[0].row.subject
    if subject.expect is None:
        raise EvalsuiteError("the run does not say what was expected; write this case by hand")
    accepted = list(dict.fromkeys(_accepted(said, readings)))
    refused = [
        one.row.subject.answer for one in said if readings.by_row[one.row.code].failed(Topic.RIGHT)
    ]
    comment = f"review {key.draw}: {'; '.join(dict.fromkeys(map(_sentence, said)))}"
    plain = Case(
        id=identifier("review", f"{subject.panel}-{subject.case_id}"),
        language=Language(subject.language),
        kind=Kind(subject.kind),
        cluster=subject.cluster,
        history=tuple(replace(one, content=one.content.strip()) for one in subject.history),
        query=subject.query.strip(),
        expect=_without(subject.expect, refused),
        source=comment,
    )
    if not accepted:
        return _sound(plain)
    widened = next(_widened(plain, accepted), None)
    return widened or _sound(replace(plain, source=comment + _BY_HAND))


def _accepted(said: Iterable[Disagreement], readings: Readings) -> Iterator[str]:
    """The answers that people call right, and that copy nothing."""
    for one in said:
        reading = readings.by_row[one.row.code]
        answer = one.row.subject.answer.strip()
        if answer and reading.failed(Topic.RIGHT) is False and not reading.failed(Topic.COPIED):
            yield answer


def _without(expect: Expectation, refused: Sequence[str]) -> Expectation:
    """The same expectation without rewrites that people call wrong."""
    wrong = {_folded(one) for one in refused}
    kept = tuple(one for one in expect.rewrites if _folded(one) not in wrong)
    return replace(expect, rewrites=kept, extractive=expect.extractive and bool(kept))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _widened(case: Case, accepted: Sequence[str]) -> Iterator[Case]:
    """The case with further accepted rewrites, in every way that holds together, best first."""
    if case.expect.unchanged:
        return  # a query that stays has one answer
    expect = case.expect
    rewrites = tuple(dict.fromkeys((*expect.rewrites, *accepted)))
    named = tuple(one for one in expect.must_name if all(names(r, one) for r in rewrites))
    barred = tuple(one for one in expect.must_not_name if not any(names(r, one) for r in rewrites))
    wide = Expectation(rewrites=rewrites, must_name=named, must_not_name=barred)
    for tried in (
        replace(wide, aliases=expect.aliases, extractive=expect.extractive),
        replace(wide, extractive=expect.extractive),
        wide,
        replace(wide, must_name=(), must_not_name=()),
    ):
        made = replace(case, expect=tried)
        if not any(doubts(made)):
            yield made


def _sound(case: Case) -> Case:
    """The case, if nothing about it is in doubt.

    Raises:
        EvalsuiteError: lint would refuse it.
    """
    found = next(doubts(case), None)
    if found is not None:
        raise EvalsuiteError(f"the case of the run is in doubt itself: {found}")
    return case


def _sentence(one: Disagreement) -> str:
    subject: Subject = one.row.subject
    told = _SAID[one.topic, one.told].format(answer=repr(subject.answer[:300]))
    said = "; ".join(one.comments)
    return f"{told} ({said[:300]})" if said else told
