"""What a search sees and what it costs, on the embedded model.

    python benchmarks/searching.py --adapter adapters/quickstart --mutants adapters

``--mutants`` is the folder that ``nox -s bites`` fills. Defects of the output layer
are planted in the good candidate's own answers, so they cost no further inference. Mutants are
searched with everything that a search can do; the good candidate within the envelope of its policy,
which is what it is held to, and, for comparison, with everything too.
``--parts`` measures some of it again and keeps the rest of the result that stands in ``--out``.
Exit status 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from figures import RESULTS, ROOT, Bound, Figure, conclude, machine, write
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from peft import PeftModel
from transformers import AutoModelForCausalLM

from evalsuite.cases import Kind
from evalsuite.engines import open_engine
from evalsuite.engines.transformers import TransformersEngine
from evalsuite.gates import Gate
from evalsuite.gates.policy import SearchRule
from evalsuite.generation import Request
from evalsuite.pipeline import Answered, GateRequest, Inputs
from evalsuite.pipeline.inputs import resolve
from evalsuite.pipeline.questions import Question
from evalsuite.qualification.mutants import MUTANTS, Mutant
from evalsuite.qualification.specimen import Specimen
from evalsuite.runs import CaseRow, Side
from evalsuite.search import (
    Asker,
    Counterexample,
    Found,
    Posed,
    Replies,
    SearchRequest,
    prepared,
)
from evalsuite.tasks import Promise, Skill, applicable, prompt_of, sampling_of
from evalsuite.tasks.prompt import REWRITE

PLAIN = 48
"""Examples of the plain test: enough for a rate, few enough to wait for."""
BATCHED = 384
BUDGET = 500
WIDE = 1000
"""Histories for the good candidate with everything that a search can do."""
TRAINED = {
    "mutant-leaky-0": Promise.NO_LEAK,
    "mutant-history-blind-0": Promise.RESOLVED,
    "mutant-over-rewriter-0": Promise.UNCHANGED,
    "mutant-forgetful-0": Promise.KEPT,
}
"""What each trained mutant must be found to break."""
PROMISES = {
    Gate.EXAMPLE_LEAKAGE: (Promise.NO_LEAK,),
    Gate.PRONOUN_RESOLUTION: (Promise.RESOLVED, Promise.UNCHANGED),
    Gate.TEMPLATE_ROUND_TRIP: (Promise.NO_CONTROL,),
    Gate.FORGETTING: (Promise.KEPT,),
}
"""What a planted defect of each gate's must be found to break."""
SEVERITIES = (0.1, 1.0)
"""Share of the answers that a defect of the output layer hits: a few first, all where the search
does not find those. A defect that touches one skill in one language has too few questions among 500
for a tenth of them to be any."""
OUT_OF_REACH = {
    "forget-text": "a search asks for no texts",
    "drop-system": "planted in the renderer",
    "strip-spaces": "planted in the renderer",
    "drop-turn": "planted in the renderer",
    "forge-turn": "planted in the renderer",
}
_SINGLE = (Kind.SINGLE, Kind.DROPPED_SUBJECT, Kind.STANDALONE, Kind.NOISY)


def request_for(adapter: Path, cache: Path, budget: int, **more: Any) -> SearchRequest:
    gate = GateRequest(adapter=adapter, cases=ROOT / "cases", cache=cache)
    return SearchRequest(gate=gate, budget=budget, **more)


@dataclass(slots=True, kw_only=True)
class Planted(Asker):
    """Asks a good candidate and corrupts a share of its answers."""

    mutant: Mutant
    adapter: str
    share: float
    """Of the answers that the defect hits."""
    hits: set[str] = field(default_factory=set)
    """Ids of the cases whose answers were corrupted."""

    def ask(self, posed: Sequence[Posed], *, margins: bool = False) -> list[Replies]:
        answers = Asker.ask(self, posed, margins=margins)
        return [self._planted(one, said) for one, said in zip(posed, answers, strict=True)]

    def _planted(self, posed: Posed, said: Replies) -> Replies:
        if random.Random(posed.case.id).random() >= self.share:
            return said
        corrupted = self.mutant.corrupt(Specimen(self._answered(posed, said), self.template))
        if corrupted is None:
            return said
        self.hits.add(posed.case.id)
        return replace(said, candidate=corrupted.output)

    def _answered(self, posed: Posed, said: Replies) -> Answered:
        task = posed.task
        if isinstance(task, Skill) and posed.attack is not None:
            # Mutants tell skills apart; a drawn chat carries its skill's name in the attack.
            task = replace(task, item=replace(task.item, skill=posed.attack.skill))
        question = Question(
            row=CaseRow.of(task, panel="search"),
            task=task,
            side=Side.CANDIDATE,
            request=Request(
                prompt=self.prompt(posed), adapter=self.adapter, sampling=sampling_of(task)
            ),
            detectors=applicable(task),
        )
        return Answered(question=question, output=said.candidate, key=task.id)


def wide(inputs: Inputs) -> Inputs:
    """The same with an envelope that leaves nothing out."""
    return replace(inputs, policy=inputs.policy.model_copy(update={"search": SearchRule()}))


def searched(request: SearchRequest) -> Found:
    """Search a candidate with everything and reduce what was found."""
    inputs = wide(resolve(request.gate))
    with closing(open_engine(inputs.base, (inputs.adapter,), cache=inputs.cache)) as engine:
        return prepared(request, inputs, engine).run()


def first_planted(request: SearchRequest, inputs: Inputs, mutant: Mutant) -> dict[str, Any]:
    """Search a good candidate with a planted defect until a corrupted answer breaks its promise."""
    with closing(open_engine(inputs.base, (inputs.adapter,), cache=inputs.cache)) as engine:
        for share in SEVERITIES:
            hunt = prepared(request, inputs, engine)
            asker = hunt.asker = Planted(
                engine=engine, template=inputs.template, candidate=inputs.adapter.digest,
                context=hunt.asker.context, mutant=mutant, adapter=inputs.adapter.digest,
                share=share,
            )  # fmt: skip
            tried = 0
            for one in hunt.histories(time.monotonic()):
                tried += 1
                broken = one.broken
                if broken is None or broken.promise not in PROMISES[mutant.gate]:
                    continue
                if one.posed.case.id in asker.hits:
                    reason = broken.reason
                    return {"found": True, "share": share, "after": tried, "reason": reason}
    return {"found": False, "share": share, "after": tried, "reason": None}


def same_histories(inputs: Inputs, work: Path, n: int) -> list[Posed]:
    """The first histories of a search, for whoever is measured."""
    engine = TransformersEngine(inputs.base, (inputs.adapter,), inputs.numerics)
    request = request_for(inputs.adapter.path, work / "none.sqlite3", n, guided=False)
    hunt = prepared(request, inputs, engine)  # type: ignore[arg-type]  # any engine will do
    return hunt.draw(0)


def tested_rate(posed: Sequence[Posed], ask: Callable[[Posed], object]) -> float:
    """Histories a second of an ordinary test: each example asks the model by itself."""
    asked = 0

    @seed(0)
    @settings(max_examples=len(posed), database=None, deadline=None, phases=(Phase.generate,),
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.sampled_from(posed))
    def test(one: Posed) -> None:
        nonlocal asked
        ask(one)
        asked += 1

    ask(posed[0])  # loads the models
    began = time.monotonic()
    test()
    return asked / (time.monotonic() - began)


def by_generate(inputs: Inputs) -> Callable[[Posed], object]:
    """Ask as people do without evalsuite: ``generate`` on the adapted model, then without it."""
    base = AutoModelForCausalLM.from_pretrained(inputs.base.path, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, inputs.adapter.path).eval()
    template = inputs.template

    def generated(ids: torch.Tensor) -> str:
        found = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False,
            max_new_tokens=REWRITE.max_tokens, eos_token_id=template.stop_id,
            pad_token_id=template.pad_id,
        )  # fmt: skip
        return template.decode(found[0, ids.shape[1] :].tolist())

    def ask(posed: Posed) -> object:
        ids = torch.tensor([template.prompt(prompt_of(posed.task))])
        with torch.inference_mode():
            candidate = generated(ids)
            with model.disable_adapter():
                return candidate, generated(ids)

    return ask


def by_engine(inputs: Inputs) -> Callable[[Posed], object]:
    """Ask the same engine as a search does, one history at a time."""
    engine = TransformersEngine(inputs.base, (inputs.adapter,), inputs.numerics)

    def ask(posed: Posed) -> object:
        said = prompt_of(posed.task)
        prompt = inputs.template.prompt(said)
        sides = (inputs.adapter.digest, None)
        return engine.infer(
            [
                Request(prompt=prompt, adapter=side, sampling=REWRITE, conversation=said)
                for side in sides
            ]
        )

    return ask


def speed(inputs: Inputs, work: Path) -> dict[str, float]:
    """Histories a second, asked one by one in two ways and by a search, without margins."""
    posed = same_histories(inputs, work, PLAIN)
    plain = tested_rate(posed, by_generate(inputs))
    single = tested_rate(posed, by_engine(inputs))
    rate, filled = batched_rate(inputs, work)
    return {
        "generate_per_second": plain,
        "engine_one_by_one_per_second": single,
        "search_per_second": rate,
        "times_generate": rate / plain,
        "times_engine_one_by_one": rate / single,
        "slots_filled": filled,
    }


def batched_rate(inputs: Inputs, work: Path) -> tuple[float, float]:
    """Histories a second of a search without margins, and the share of batch slots it fills."""
    request = request_for(inputs.adapter.path, work / "speed.sqlite3", BATCHED, guided=False)
    engine = TransformersEngine(inputs.base, (inputs.adapter,), inputs.numerics)
    engine.infer([Request(prompt=(1, 2, 3), sampling=REWRITE)])
    hunt = prepared(request, inputs, engine)  # type: ignore[arg-type]  # any engine will do
    began = time.monotonic()
    tried = sum(1 for _ in hunt.histories(began))
    took = time.monotonic() - began
    return tried / took, tried / (hunt.progress.batches * hunt.plan.round)


def mutants_found(
    args: argparse.Namespace, inputs: Inputs
) -> Iterator[tuple[str, dict[str, Any], list[Counterexample]]]:
    """Search each mutant with everything and the same budget, trained ones first."""
    for name, promise in TRAINED.items():
        found = searched(request_for(args.mutants / name, args.cache, BUDGET))
        yield name, told(found, promise), list(found.counterexamples)
    for mutant in MUTANTS:
        if mutant.name not in OUT_OF_REACH:
            request = request_for(args.adapter, args.cache, BUDGET)
            yield mutant.name, first_planted(request, wide(inputs), mutant), []


def told(found: Found, promise: Promise) -> dict[str, Any]:
    named = [c for c in found.counterexamples if c.broken.promise is promise]
    return {
        "found": bool(named),
        "promises": sorted(c.broken.promise.value for c in found.counterexamples),
        "reason": named[0].broken.reason if named else None,
        "turns": len(named[0].posed.case.history) if named else None,
    }


def good_candidate(args: argparse.Namespace, inputs: Inputs, budget: int) -> dict[str, Any]:
    """Count what a good candidate breaks, within the envelope of the policy in ``inputs``."""
    request = request_for(args.adapter, args.cache, budget)
    broken: dict[str, int] = dict.fromkeys((promise.value for promise in Promise), 0)
    with closing(open_engine(inputs.base, (inputs.adapter,), cache=inputs.cache)) as engine:
        hunt = prepared(request, inputs, engine)
        for tried in hunt.histories(time.monotonic()):
            if tried.broken is not None:
                broken[tried.broken.promise.value] += 1
    absolute = sum(broken[promise.value] for promise in Promise if promise.absolute)
    return {
        "kinds": list(hunt.plan.envelope.kinds),
        "tried": hunt.progress.tried,
        "broken": broken,
        "absolute": absolute,
        "smallest_margin": hunt.progress.worst,
    }


def mutants(args: argparse.Namespace, inputs: Inputs) -> dict[str, Any]:
    """Search every mutant and say what its reductions took."""
    rows: dict[str, Any] = {}
    reduced: list[Counterexample] = []
    for name, row, found in mutants_found(args, inputs):
        rows[name] = row
        reduced += found
        print(name, row, flush=True)
    return {
        "found": rows,
        "out_of_reach": OUT_OF_REACH,
        "reductions": {
            "n": len(reduced),
            "rounds": sorted(c.rounds for c in reduced),
            "evaluations": sorted(c.evaluations for c in reduced),
            "turns_of_single_antecedents": sorted(
                len(c.posed.case.history) for c in reduced if c.posed.case.kind in _SINGLE
            ),
        },
    }


PARTS: Mapping[str, Callable[[argparse.Namespace, Inputs], dict[str, Any]]] = {
    "speed": lambda args, inputs: speed(inputs, args.cache.parent),
    "mutants": mutants,
    "good": lambda args, inputs: good_candidate(args, inputs, args.good),
    "good_with_everything": lambda args, inputs: good_candidate(args, wide(inputs), WIDE),
}


def measure(args: argparse.Namespace) -> dict[str, Any]:
    inputs = resolve(request_for(args.adapter, args.cache, 1).gate)
    result: dict[str, Any] = {}
    if set(args.parts) != set(PARTS) and args.out.exists():
        result = json.loads(args.out.read_text("utf-8"))
    for part in args.parts:
        result[part] = {"machine": machine(), **PARTS[part](args, inputs)}
        print(part, result[part], flush=True)
        write(args.out, result)
    return result


def figures(result: Mapping[str, Any]) -> list[Figure]:
    """Return what was measured of all that has a target."""
    told = {"speed": speed_figures, "mutants": mutant_figures, "good": good_figures}
    return [figure for part, of in told.items() if part in result for figure in of(result[part])]


def speed_figures(rates: Mapping[str, Any]) -> list[Figure]:
    return [
        Figure(name="histories a second against a plain test", value=rates["times_generate"],
               bound=Bound.AT_LEAST, target=10, unit="times"),
        Figure(name="batch slots filled", value=rates["slots_filled"], bound=Bound.AT_LEAST,
               target=0.8),
    ]  # fmt: skip


def mutant_figures(result: Mapping[str, Any]) -> list[Figure]:
    found = [row["found"] for row in result["found"].values()]
    reductions = result["reductions"]
    return [
        Figure(name="mutants found within 500 histories", value=sum(found), bound=Bound.AT_LEAST,
               target=len(found)),
        Figure(name="counterexamples reduced", value=reductions["n"], bound=Bound.AT_LEAST,
               target=20),
        Figure(name="rounds of a reduction (median)",
               value=statistics.median(reductions["rounds"] or [float("nan")]),
               bound=Bound.AT_MOST, target=20),
        Figure(name="turns left of single antecedents (largest)",
               value=max(reductions["turns_of_single_antecedents"], default=float("nan")),
               bound=Bound.AT_MOST, target=2),
    ]  # fmt: skip


def good_figures(good: Mapping[str, Any]) -> list[Figure]:
    return [
        Figure(name="absolute promises that the good candidate breaks", value=good["absolute"],
               bound=Bound.AT_MOST, target=0),
        Figure(name="histories that it was tried on", value=good["tried"], bound=Bound.AT_LEAST,
               target=5000),
    ]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--adapter", type=Path, required=True, help="a good candidate")
    parser.add_argument("--mutants", type=Path, required=True, help="folder of trained mutants")
    parser.add_argument("--cache", type=Path, default=Path("reports/searching.sqlite3"))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--good", type=int, default=5000, help="histories for the good candidate")
    parser.add_argument("--out", type=Path, default=RESULTS / "searching.json")
    args = parser.parse_args()
    args.cache.parent.mkdir(parents=True, exist_ok=True)
    result = measure(args)
    return conclude(figures(result), result, args.out)


if __name__ == "__main__":
    raise SystemExit(main())
