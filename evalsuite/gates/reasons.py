"""The sentences of verdicts: plain words and numbers, for the person who releases."""

from __future__ import annotations

from evalsuite.gates.verdict import Status
from evalsuite.statistics import Estimate


def percent(share: float) -> str:
    """Write a share as a percentage."""
    return f"{100 * share:.1f} %"


def sureness(confidence: float) -> str:
    """Write a confidence as a percentage; one that is not whole never becomes 100 %."""
    said = f"{100 * confidence:.4g}"
    places = 3
    while float(said) >= 100 and confidence < 1:
        said = f"{100 * confidence:.{places}f}"
        places += 1
    return f"{said} %"


def points(share: float) -> str:
    """Write a difference of shares in percentage points, unsigned."""
    return f"{100 * abs(share):.1f} points"


def nats(loss: float) -> str:
    """Write a difference of mean losses, unsigned."""
    return f"{abs(loss):.3f} nats"


def listed(names: list[str], *, most: int = 5) -> str:
    """Write up to ``most`` names and how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def growth(more: int | None) -> str:
    """Say how many more cases would decide, if things stay as they are."""
    if more is None:
        return "no realistic number of further cases would settle it"
    return (
        f"about {more:,} more cases would settle it if they bring new clusters and the rate stays"
    )


def unmeasured(name: str, missing: int, n: int) -> str:
    """Say that measurements are missing."""
    if n == 0:
        return f"Nothing was measured for {name}; without a measurement there is no pass."
    return (
        f"{missing} of {n} measurements for {name} are missing; a missing measurement is never a "
        "pass, so find out why and measure again."
    )


def too_few(name: str, n: int, minimum: int) -> str:
    """Say that there are fewer cases than the policy asks for."""
    asked = f"the policy asks for {minimum}, which is {minimum - n} more"
    return f"Only {n} cases measure {name}; {asked}."


def nothing_to_lose(subject: str, success: float, floor: float) -> str:
    """Say that the baseline is too weak for a comparison to prove anything."""
    return (
        f"The baseline itself succeeds {subject} in {percent(success)} only, below the floor of "
        f"{percent(floor)}: what it lacks cannot be forgotten, so this proves nothing."
    )


def rate_reason(
    subject: str, estimate: Estimate, limit: float, status: Status, more: int | None
) -> str:
    """Explain the decision about a failure rate."""
    count = round(estimate.value * estimate.n, 2)
    said = f"{subject} in {count:g} of {estimate.n} cases ({percent(estimate.value)})"
    sure = f"with {sureness(estimate.confidence)} confidence"
    match status:
        case Status.PASSED if estimate.upper <= limit:
            return (
                f"{said}; {sure} the true rate is at most {percent(estimate.upper)}, "
                f"within the limit of {percent(limit)}."
            )
        case Status.PASSED:
            return f"{said}, within the limit of {percent(limit)} for a part of this size."
        case Status.FAILED:
            return (
                f"{said}; {sure} the true rate is at least {percent(estimate.lower)}, "
                f"beyond the limit of {percent(limit)}."
            )
        case _:
            return (
                f"{said}; the true rate may lie anywhere from {percent(estimate.lower)} to "
                f"{percent(estimate.upper)}, and the limit is {percent(limit)}: {growth(more)}."
            )


def paired_reason(
    subject: str,
    estimate: Estimate,
    limit: float,
    status: Status,
    more: int | None,
    against: str = "the baseline",
) -> str:
    """Explain the decision about the candidate's failure rate minus that of ``against``."""
    worse = "more" if estimate.value >= 0 else "less"
    often = f"{points(estimate.value)} {worse} often than"
    if abs(estimate.value) < 0.0005:  # what would be written as 0.0 points
        often = "as often as"
    said = f"The candidate fails {subject} {often} {against} on {estimate.n} shared cases"
    sure = f"with {sureness(estimate.confidence)} confidence"
    match status:
        case Status.PASSED if estimate.upper <= limit:
            bound = _at_most(estimate.upper)
            return f"{said}; {sure} {bound}, within the margin of {points(limit)}."
        case Status.PASSED:
            return f"{said}, within the margin of {points(limit)} for a part of this size."
        case Status.FAILED:
            return (
                f"{said}; {sure} it is at least {points(estimate.lower)} worse, beyond the margin "
                f"of {points(limit)}."
            )
        case _:
            return (
                f"{said}; it may truly lie anywhere from {signed(estimate.lower)} to "
                f"{signed(estimate.upper)} points, and the margin is {points(limit)}: "
                f"{growth(more)}."
            )


def words_reason(
    subject: str,
    estimate: Estimate,
    limits: tuple[float, float],
    status: Status,
    more: int | None,
    against: str = "the baseline",
) -> str:
    """Explain the decision about a share of words; ``subject`` has a place for the difference."""
    # What would be written as 0.0 points is not fewer.
    worse = "more" if estimate.value > -0.0005 else "fewer"
    often = subject.replace("{0}", f"{points(estimate.value)} {worse}")
    said = f"The candidate {often} {against} on {estimate.n} shared cases"
    match status:
        case Status.PASSED:
            bound = f"it is at most {signed(estimate.upper)} points"
            sure = f"with {sureness(estimate.confidence)} confidence"
            return f"{said}; {sure} {bound}, within the margin of {points(limits[0])}."
        case Status.FAILED:
            sure = f"with {sureness(estimate.confidence)} confidence"
            return (
                f"{said}; {sure} it is at least {signed(estimate.lower)} points, beyond the margin "
                f"of {points(limits[0])}."
            )
        case _:
            return (
                f"{said}; it may truly lie anywhere from {signed(estimate.lower)} to "
                f"{signed(estimate.upper)} points, and the margin is {points(limits[0])}: "
                f"{growth(more)}."
            )


def signed(share: float) -> str:
    """Write a difference of shares in percentage points with its sign."""
    return f"{100 * share:+.1f}"


def _at_most(upper: float) -> str:
    if upper < 0:
        return f"it is at least {points(upper)} better"
    return f"it is at most {points(upper)} worse"


def mean_reason(
    subject: str,
    estimate: Estimate,
    limits: tuple[float, float],
    status: Status,
    more: int | None,
    against: str = "the baseline",
) -> str:
    """Explain the decision about a mean loss; ``limits`` are the margin and the harm."""
    limit, harm = limits
    said = (
        f"The candidate predicts {subject} {nats(estimate.value)} per token "
        f"{'worse' if estimate.value >= 0 else 'better'} than {against} on {estimate.n} texts"
    )
    match status:
        case Status.PASSED:
            return (
                f"{said}; with {sureness(estimate.confidence)} confidence the loss is at most "
                f"{estimate.upper:+.3f}, within the margin of {nats(limit)}."
            )
        case Status.FAILED:
            return f"{said}, beyond the {nats(harm)} that count as harm."
        case _ if estimate.lower > limit:
            return (
                f"{said}, between the margin of {nats(limit)} and the {nats(harm)} that count as "
                "harm; more texts will not settle this, a better candidate will."
            )
        case _:
            return (
                f"{said}; the loss may lie anywhere from {estimate.lower:+.3f} to "
                f"{estimate.upper:+.3f}, and the margin is {nats(limit)}: {growth(more)}."
            )
