"""Waivers: a person lets a candidate through a gate that did not pass, by name and for a time.

A waiver hides nothing: the gate's verdict stays as it is, with the waiver beside it, in every
report and in the promotion record. One that is expired, or that has nothing to waive, blocks: it
would otherwise lie in wait for the next candidate. A comparison from which a person set the
registry's champion aside is something to waive even where it passed: a promotion asks for more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from evalsuite.errors import InvalidPolicy
from evalsuite.files.closedschema import Closed, json_schema, read_closed
from evalsuite.files.wording import Wording
from evalsuite.gates.reasons import listed
from evalsuite.gates.verdict import Gate, Status, Tier, Verdict

GATE = "waivers"
"""The name under which waivers that do not hold block a run."""
_LONGEST = 1000
Sentence = Annotated[str, Field(min_length=10, max_length=_LONGEST, pattern=r"\S")]
Person = Annotated[str, Field(min_length=2, max_length=200, pattern=r"\S")]


class _Closed(Closed):
    wording = Wording(missing="{path!r} is missing; add it (docs/policy.md shows a value)")


class Waiver(_Closed):
    """One gate, let through for one candidate."""

    gate: Gate
    adapter: Annotated[str, Field(pattern=r"^[0-9a-f]{12,64}$")]
    """The candidate's digest, or how it begins: a waiver is no licence for its successors."""
    reason: Sentence
    by: Person
    expires: date
    """The last day on which it holds, in UTC."""

    @model_validator(mode="after")
    def _can_be_waived(self) -> Self:
        if self.gate is Gate.LIVENESS:
            raise ValueError(
                "liveness cannot be waived: an adapter that is not one has no other verdicts"
            )
        return self

    @property
    def said(self) -> str:
        """The waiver in one clause."""
        return f"waived by {self.by} until {self.expires}: {self.reason.rstrip('.')}"


class WaiverFile(_Closed):
    """The content of a file of waivers."""

    waivers: Annotated[tuple[Waiver, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        seen = [(waiver.gate, waiver.adapter) for waiver in self.waivers]
        twice = sorted({gate.value for gate, adapter in seen if seen.count((gate, adapter)) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is waived twice; keep one")
        return self


def waiver_schema() -> dict[str, object]:
    """Return the JSON Schema of a file of waivers, as editors use it."""
    return json_schema(WaiverFile, "evalsuite waivers")


def load_waivers(path: Path) -> tuple[Waiver, ...]:
    """Read a file of waivers.

    Raises:
        InvalidPolicy: one line ``file:line: problem and fix`` for each problem.
    """
    return read_closed(WaiverFile, path, error=InvalidPolicy).waivers


def waived(
    verdicts: Sequence[Verdict],
    waivers: Iterable[Waiver],
    *,
    adapter: str,
    today: date,
    set_aside: Collection[Gate] = (),
) -> tuple[Verdict, ...]:
    """Return the verdicts with waivers applied, and one more if a waiver does not hold.

    Args:
        verdicts: of one run.
        waivers: of its file, which is about this candidate alone.
        adapter: digest of the candidate.
        today: in UTC.
        set_aside: gates that did not ask what a promotion asks for; they may be waived even where
            they passed.
    """
    given = tuple(waivers)
    if not given:
        return tuple(verdicts)
    about = [waiver for waiver in given if adapter.startswith(waiver.adapter)]
    strange = [_strange(waiver) for waiver in given if waiver not in about]
    open_ = {
        verdict.gate
        for verdict in verdicts
        if verdict.tier is Tier.BLOCKING
        and (verdict.status is not Status.PASSED or verdict.gate in set_aside)
    }
    problems = [problem for waiver in about if (problem := _problem(waiver, open_, today))]
    holding = {w.gate.value: w for w in about if not _problem(w, open_, today)}
    found = [
        replace(v, tier=Tier.WAIVED, reason=f"{v.reason} This was {holding[v.gate].said}.")
        if v.gate in holding
        else v
        for v in verdicts
    ]
    problems += strange
    return (*found, _blocking(problems, len(given))) if problems else tuple(found)


def _strange(waiver: Waiver) -> str:
    return f"that of {waiver.gate} by {waiver.by} is for another adapter, {waiver.adapter[:16]}"


def _problem(waiver: Waiver, open_: set[str], today: date) -> str:
    """Why a waiver does not hold; empty when it does."""
    if waiver.expires < today:
        return f"that of {waiver.gate} by {waiver.by} expired on {waiver.expires}"
    if waiver.gate.value not in open_:
        return f"that of {waiver.gate} by {waiver.by} has nothing to waive"
    return ""


def _blocking(problems: Sequence[str], n: int) -> Verdict:
    return Verdict(
        gate=GATE,
        status=Status.FAILED,
        value=len(problems) / n,
        lower=None,
        upper=None,
        limit=0.0,
        n=n,
        clusters=n,
        method="every waiver must be for this candidate, hold and be needed",
        reason=f"{len(problems)} of {n} waivers do not hold: {listed(list(problems))}. "
        "Take them out of the file, or renew them.",
    )
