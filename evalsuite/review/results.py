"""How well the detectors agree with people: the content of ``review.json``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evalsuite import __version__
from evalsuite.review.key import Key, KeyRow, StratumRow
from evalsuite.review.population import Subject, Told, Topic
from evalsuite.review.raters import UNCLEAR, Readings
from evalsuite.statistics import (
    Estimate,
    Sides,
    Stratum,
    agreement,
    clopper_pearson,
    complement,
    stratified_rate,
    weighted_sum,
)

_JUDGED = (Told.ACCUSED, Told.ACCEPTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """An answer that people and detectors judge differently."""

    row: KeyRow
    topic: Topic
    comments: tuple[str, ...]

    @property
    def told(self) -> Told:
        """What the detectors said; people say the opposite."""
        return self.row.subject.told(self.topic)


def disagreements(key: Key, readings: Readings) -> tuple[Disagreement, ...]:
    """Return every answer that people and detectors judge differently, in the order of rows."""
    return tuple(
        Disagreement(row=row, topic=topic, comments=readings.by_row[row.code].comments)
        for row in key.rows
        for topic in Topic
        if _wrong(row, topic, readings)
    )


def results(key: Key, readings: Readings) -> dict[str, Any]:
    """Return what a review found, as JSON data."""
    return {
        "version": 1,
        "evalsuite": __version__,
        "subject": {
            **asdict(key.run),
            "panels": ", ".join(key.panels) or "all",
            "draw": key.draw,
            "seed": key.seed,
        },
        "rows": len(key.rows),
        "answers": sum(one.size for one in key.strata),
        "differing": len(readings.differing),
        "settled": readings.settled,
        "agreement": [_agreement(topic, readings) for topic in Topic],
        "gates": [_gate(key, topic, readings) for topic in Topic if _asked(key, topic)],
        "table": list(_table(key, readings)),
        "disagreements": [_told(one) for one in disagreements(key, readings)],
        "elsewhere": key.elsewhere,
    }


def _asked(key: Key, topic: Topic) -> bool:
    return any(one.told(topic) is not Told.UNASKED for one in (row.subject for row in key.rows))


def _wrong(row: KeyRow, topic: Topic, readings: Readings) -> bool | None:
    """Whether the detectors are wrong about an answer; None: they or people said nothing."""
    told, failed = row.subject.told(topic), readings.by_row[row.code].failed(topic)
    if told is Told.UNASKED or failed is None:
        return None
    return failed != (told is Told.ACCUSED)


def _agreement(topic: Topic, readings: Readings) -> dict[str, Any]:
    pairs = readings.pairs[topic]
    found = agreement([one for one, _ in pairs], [other for _, other in pairs])
    return {
        "topic": topic.value,
        "n": len(pairs),
        "same": sum(one == other for one, other in pairs),
        "agreed": _interval(found.agreed),
        "kappa": found.kappa,
        "lower": found.lower,
        "upper": found.upper,
    }


def _gate(key: Key, topic: Topic, readings: Readings) -> dict[str, Any]:
    errors = {told: _errors(key, topic, told, readings) for told in _JUDGED}
    size = sum(one["size"] for one in errors.values())
    return {
        "topic": topic.value,
        "gate": topic.gate.value,
        "size": size,
        "unclear": sum(
            readings.by_row[row.code].words.get(topic) == UNCLEAR for row in _rows(key, topic)
        ),
        "open": sum(topic not in readings.by_row[row.code].words for row in _rows(key, topic)),
        **{told.value: one for told, one in errors.items()},
        "whole": _whole(key, topic, readings),
    }


def _rows(key: Key, topic: Topic) -> list[KeyRow]:
    return [row for row in key.rows if row.subject.told(topic) is not Told.UNASKED]


def _errors(key: Key, topic: Topic, told: Told, readings: Readings) -> dict[str, Any]:
    """False accusations among the accused, or what was missed among the accepted."""
    size = sum(one.size for one in key.strata if _of(one, topic) is told)
    strata = _strata(key, topic, told, lambda row: _wrong(row, topic, readings))
    weighted = stratified_rate(strata) if strata else None
    return {
        "size": size,
        # Strata of which nobody could tell anything are not spoken for.
        "covered": sum(one.size for one in strata),
        **_counted([_wrong(row, topic, readings) for row in key.rows if _is(row, topic, told)]),
        "weighted": None if weighted is None else _interval(weighted),
        "method": None if weighted is None else weighted.method,
    }


def _counted(wrong: Iterable[bool | None]) -> dict[str, Any]:
    """Count what is known, with the exact interval of what was drawn."""
    known = [one for one in wrong if one is not None]
    exact = clopper_pearson(sum(known), len(known), sides=Sides.TWO) if known else None
    return {
        "n": len(known),
        "errors": sum(known),
        "exact": None if exact is None else _interval(exact),
    }


def _of(stratum: StratumRow, topic: Topic) -> Told:
    return stratum.right if topic is Topic.RIGHT else stratum.copied


def _is(row: KeyRow, topic: Topic, told: Told) -> bool:
    return row.subject.told(topic) is told


def _strata(
    key: Key, topic: Topic, told: Told, wrong: Callable[[KeyRow], bool | None]
) -> list[Stratum]:
    """The strata of which detectors said so, with what people found in each."""
    found = []
    for at, stratum in enumerate(key.strata):
        if _of(stratum, topic) is not told:
            continue
        known = [w for row in key.rows if row.stratum == at and (w := wrong(row)) is not None]
        if known:
            found.append(Stratum(size=stratum.size, drawn=len(known), failures=sum(known)))
    return found


def _whole(key: Key, topic: Topic, readings: Readings) -> dict[str, Any] | None:
    """Weighted back to the run: how often detectors are wrong, and how many defects people see."""
    parts = {
        told: _strata(key, topic, told, lambda row: _wrong(row, topic, readings))
        for told in _JUDGED
    }
    sizes = {told: sum(one.size for one in strata) for told, strata in parts.items()}
    size = sum(sizes.values())
    if not size:
        return None
    rates = {told: stratified_rate(strata) for told, strata in parts.items() if strata}
    shares = {told: sizes[told] / size for told in rates}
    wrong = weighted_sum([(shares[told], rates[told]) for told in rates])
    # Of the accused a defect is what was accused rightly, of the accepted what was missed.
    defects = weighted_sum(
        [
            (shares[told], complement(rates[told]) if told is Told.ACCUSED else rates[told])
            for told in rates
        ]
    )
    return {
        "covered": size,
        "wrong": _interval(wrong),
        "defects": _interval(defects),
        "accused": shares.get(Told.ACCUSED, 0.0),
    }


def _interval(estimate: Estimate) -> dict[str, float]:
    # What is added may exceed a whole by a rounding.
    return {
        "value": min(1.0, max(0.0, estimate.value)),
        "lower": max(0.0, estimate.lower),
        "upper": min(1.0, estimate.upper),
    }


def _table(key: Key, readings: Readings) -> Iterable[dict[str, Any]]:
    """Errors by kind and language, as they were counted in the drawn rows."""
    for topic in Topic:
        groups = sorted({_group(row.subject) for row in _rows(key, topic)})
        for kind, language in groups:
            inside = [row for row in key.rows if _group(row.subject) == (kind, language)]
            yield {
                "topic": topic.value,
                "kind": kind,
                "language": language,
                **{told.value: _cell(inside, topic, told, readings) for told in _JUDGED},
            }


def _cell(rows: Sequence[KeyRow], topic: Topic, told: Told, readings: Readings) -> dict[str, Any]:
    return _counted([_wrong(row, topic, readings) for row in rows if _is(row, topic, told)])


def _group(subject: Subject) -> tuple[str, str]:
    return subject.kind, subject.language


def _told(one: Disagreement) -> dict[str, Any]:
    subject = one.row.subject
    return {
        "row": one.row.code,
        "topic": one.topic.value,
        "told": one.told.value,
        "panel": subject.panel,
        "case_id": subject.case_id,
        "language": subject.language,
        "kind": subject.kind,
        "query": subject.query,
        "answer": subject.answer,
        "comments": list(one.comments),
    }
