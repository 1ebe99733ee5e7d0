"""The verdicts as JUnit XML, for continuous integration: one test case for each gate.

Neither the names nor the order depend on what a model said, so histories of a gate line up.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, tostring

from evalsuite.report.drawing import interval, number
from evalsuite.report.visible import shortened
from evalsuite.runfolder import Run
from evalsuite.runrecord import Status, Tier, Verdict


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
    for verdict in run.verdicts:
        _testcase(suite, verdict)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(suite, encoding="unicode") + "\n"


def _blocks(verdict: Verdict) -> bool:
    return verdict.tier is Tier.BLOCKING and verdict.status is not Status.PASSED


def _testcase(suite: Element, verdict: Verdict) -> None:
    case = SubElement(suite, "testcase", classname="evalsuite.gates", name=shortened(verdict.gate))
    properties = SubElement(case, "properties")
    for name, value in _numbers(verdict).items():
        SubElement(properties, "property", name=name, value=value)
    if _blocks(verdict):
        failure = SubElement(case, "failure", type=verdict.status)
        failure.set("message", shortened(verdict.reason))
        failure.text = (
            f"{shortened(verdict.reason)}\nvalue {number(verdict.value)}, interval "
            f"{interval(verdict)}, limit {number(verdict.limit)}, n {verdict.n}"
        )
    elif verdict.status is not Status.PASSED:
        note = SubElement(case, "system-out")
        note.text = f"{verdict.tier} gate, {verdict.status}: {shortened(verdict.reason)}"


def _numbers(verdict: Verdict) -> dict[str, str]:
    return {
        "status": verdict.status,
        "value": number(verdict.value),
        "interval": interval(verdict),
        "limit": number(verdict.limit),
        "n": str(verdict.n),
        "clusters": str(verdict.clusters),
        "method": shortened(verdict.method),
    }
