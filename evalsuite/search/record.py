"""What a search wrote down: the content of ``search.json``."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from evalsuite import __version__
from evalsuite.gates.detectors import GATE_OF
from evalsuite.search.asker import Asker, Posed
from evalsuite.search.loop import Counterexample, defect_of, topic_of
from evalsuite.search.relations import RelationCheck
from evalsuite.search.request import Searched
from evalsuite.search.sensitivity import Point
from evalsuite.strategies import spell


def to_json(searched: Searched) -> dict[str, Any]:
    """Return a search as JSON data."""
    inputs, plan, found = searched.inputs, searched.plan, searched.found
    return {
        "version": 1,
        "evalsuite": __version__,
        "subject": {
            "adapter": inputs.adapter.path.name,
            "adapter_digest": inputs.adapter.digest,
            "base": inputs.base.name,
            "base_digest": inputs.base.digest,
            "policy": inputs.policy.name,
            "prompt_format": plan.prompt.name,
            "device": inputs.numerics.device.value,
            "dtype": inputs.numerics.dtype.value,
        },
        "envelope": asdict(plan.envelope),
        "plan": {
            "budget": plan.budget,
            "seconds": plan.seconds,
            "seed": plan.seed,
            "round": plan.round,
            "guided": plan.guided,
        },
        "progress": asdict(found.progress),
        "seconds": round(found.seconds, 3),
        "interrupted": searched.interrupted,
        "counterexamples": [_counterexample(one, searched.asker) for one in found.counterexamples],
        "relations": [_checked(one) for one in searched.checked],
        "sensitivity": [_point(one) for one in searched.points],
    }


def _checked(one: RelationCheck) -> dict[str, Any]:
    return {
        "relation": one.relation,
        "promise": one.promise,
        "n": one.n,
        "violated": one.violated,
        "examples": [
            {
                "history": _turns(example.posed),
                "query": example.posed.case.query,
                "answer": example.answer,
                "varied_history": _turns(example.varied),
                "varied_query": example.varied.case.query,
                "varied_format": example.varied.prompt.name,
                "varied_answer": example.varied_answer,
            }
            for example in one.examples
        ],
    }


def _point(one: Point) -> dict[str, Any]:
    wrong = one.wrong
    return {
        "axis": one.axis,
        "value": one.value,
        "side": one.side,
        "n": one.n,
        "wrong": wrong.value,
        "interval": [wrong.lower, wrong.upper],
        "lost": dict(one.lost),
        "leaked": one.leaked,
        "differing": one.differing,
    }


def _turns(posed: Posed) -> list[dict[str, str]]:
    return [{"role": m.role.value, "content": m.content} for m in posed.case.history]


def _counterexample(one: Counterexample, asker: Asker) -> dict[str, Any]:
    case, broken = one.posed.case, one.broken
    theirs = asker.broken(one.posed, replace(one.replies, candidate=one.replies.baseline))
    return {
        "defect": defect_of(one),
        "gate": GATE_OF[broken.promise.detector].value,
        "promise": broken.promise.value,
        "absolute": broken.promise.absolute,
        "baseline_keeps_it": broken.promise not in {other.promise for other in theirs},
        "reason": broken.reason,
        "spans": [asdict(span) for span in broken.spans],
        "language": case.language.value,
        "kind": topic_of(one.posed),
        "operators": list(one.posed.operators),
        "history": _turns(one.posed),
        "query": case.query,
        "reference": case.reference,
        "demonstrations": len(one.posed.shown),
        "answer": one.replies.candidate.text,
        "baseline_answer": one.replies.baseline.text,
        "attack": _attack(one.posed),
        "found_as": _attack(one.found),
        "found_turns": len(one.found.case.history),
        "rounds": one.rounds,
        "evaluations": one.evaluations,
    }


def _attack(posed: Posed) -> str | None:
    return None if posed.attack is None else spell(posed.attack)
