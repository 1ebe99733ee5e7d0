"""The verdicts as JUnit XML, for continuous integration: one test case for each gate.

Neither the names nor the order depend on what a model said, so histories of a gate line up. The
properties are the exact numbers, for a program that draws them; pytest's own document carries the
same (:mod:`evalsuite.plugin`).
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, tostring

from evalsuite.cases import Language
from evalsuite.report.charts import interval, number
from evalsuite.report.rewrites import parts_of, parts_sentence
from evalsuite.report.safetext import shortened
from evalsuite.runs import SliceVerdict, Status, Tier, Verdict
from evalsuite.runs.folder import Run

_LANGUAGES = frozenset(language.value for language in Language)


def render_junit(run: Run) -> str:
    """Return a JUnit document; a blocking gate that did not pass is a failure."""
    blocked = [v for v in run.verdicts if _blocks(v)]
    suite = Element(
        "testsuite",
        name="evalsuite",
        tests=str(len(run.verdicts)),
        failures=str(len(blocked)),
        errors="0",
        timestamp=run.info.finished.isoformat(),
        time=f"{sum(run.info.timings.values()):.3f}",
    )
    _add_properties(suite, run_properties(run))
    for verdict in run.verdicts:
        _testcase(suite, verdict)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(suite, encoding="unicode") + "\n"


def run_properties(run: Run) -> dict[str, str]:
    """What a whole run was made from: digests, policy, seed, folder."""
    info = run.info
    found = {
        "status": run.status.value,
        "base": info.base.name,
        "base_digest": info.base.digest,
        "policy": info.policy.name,
        "policy_digest": info.policy.digest,
        "seed": ", ".join(sorted({str(seed) for seed in info.seeds.values()})),
        "run_folder": str(run.folder.absolute()),
    }
    if info.adapter is not None:
        found["adapter_digest"] = info.adapter.digest
    return {name: shortened(value) for name, value in sorted(found.items())}


def gate_properties(verdict: Verdict) -> dict[str, str]:
    """What a gate decided and measured, and the same of its parts about one language each, or one
    way in which rewrites are wrong.

    Numbers are exact; one that was not measured is left out, since 0 would be a measurement.
    """
    found = {"tier": verdict.tier.value, **_numbers(verdict)}
    ways = {part.name for part in parts_of(verdict)}
    for part in verdict.slices:
        about = part.part
        if about is not None and (about.one_language in _LANGUAGES or part.name in ways):
            found |= {f"{part.name}.{name}": value for name, value in _numbers(part).items()}
    return found


def _numbers(verdict: Verdict | SliceVerdict) -> dict[str, str]:
    numbers = {
        "value": verdict.value,
        "lower": verdict.lower,
        "upper": verdict.upper,
        "limit": verdict.limit,
    }
    return {
        "status": verdict.status.value,
        **{name: f"{value:.12g}" for name, value in numbers.items() if value is not None},
        "n": str(verdict.n),
        "clusters": str(verdict.clusters),
        "method": shortened(verdict.method),
    }


def _add_properties(element: Element, values: Mapping[str, str]) -> None:
    properties = SubElement(element, "properties")
    for name, value in values.items():
        SubElement(properties, "property", name=name, value=value)


def _blocks(verdict: Verdict) -> bool:
    return verdict.tier is Tier.BLOCKING and verdict.status is not Status.PASSED


def _testcase(suite: Element, verdict: Verdict) -> None:
    case = SubElement(suite, "testcase", classname="evalsuite.gates", name=shortened(verdict.gate))
    _add_properties(case, gate_properties(verdict) | {"interval": interval(verdict)})
    if _blocks(verdict):
        failure = SubElement(case, "failure", type=verdict.status)
        failure.set("message", shortened(verdict.reason))
        failure.text = (
            f"{shortened(verdict.reason)}\nvalue {number(verdict.value)}, interval "
            f"{interval(verdict)}, limit {number(verdict.limit)}, n {verdict.n}"
        )
        way = parts_sentence(verdict)
        failure.text += f"\n{way}" if way else ""
    elif verdict.status is not Status.PASSED:
        note = SubElement(case, "system-out")
        note.text = f"{verdict.tier} gate, {verdict.status}: {shortened(verdict.reason)}"
