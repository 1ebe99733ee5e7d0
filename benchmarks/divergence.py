"""What the label-free divergence says: beside the exact one, and beside what was really forgotten.

    python benchmarks/divergence.py                              adapters of nano, which it trains
    python benchmarks/divergence.py --base-model smollm2 --languages en --draws 0 \\
        --adapter tests/real/adapters/good --adapter tests/real/adapters/leaky

**Exact.** Of what the base said by chance, the gate knows how likely each token was on both sides.
Here the whole distributions are known too, so that at every token the divergence is a sum and no
estimate. The interval of one draw has to hold the mean of all draws as often as it says.

**Forgotten.** Each adapter is gated with panels of skills and texts, and its divergence is put
beside the skills lost and the texts predicted worse. Results go to
``results/divergence-BASE.json``.

Exit status 1 when intervals hold too seldom, estimate and exact mean differ, or the adapter that
lost most skills is not the one that diverged most.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from figures import RESULTS, Bound, Figure, conclude, machine
from scipy.stats import spearmanr

from evalsuite.cases import Language
from evalsuite.engines import CachingEngine, open_engine
from evalsuite.gates import SliceVerdict
from evalsuite.gates.evidence import TASK_PROMPTS
from evalsuite.generation import Request
from evalsuite.models import BaseRef, resolve_base
from evalsuite.pipeline import GateRequest, evaluate
from evalsuite.pipeline.divergence import (
    Prompt,
    divergence_prompts,
    drawn_answer,
    said_tokens,
    token_weights,
)
from evalsuite.pipeline.inputs import Inputs, resolve
from evalsuite.pipeline.questions import sample
from evalsuite.runs.folder import Run
from evalsuite.statistics import paired_mean
from evalsuite.training import load_recipe
from evalsuite.training.train import train

POLICY = """
name: divergence
extends: {base}
languages: [{languages}]
looks: null
gates:
  example_leakage: {{panel: {{{small}}}}}
  pronoun_resolution: {{panel: {{{prompts}}}}}
  forgetting:
    panel: {{{skills}}}
    text: {{panel: {{{texts}}}}}
    divergence: {{limit: 0.1, task_limit: 5, panel: {{{prompts}}}, max_tokens: 32}}
"""
ORGANISMS: Sequence[tuple[str, dict[str, Any]]] = (
    ("lora", {"max_steps": 6, "learning_rate": 1e-4}),
    ("lora", {"max_steps": 24}),
    ("lora", {}),
    ("mutant-forgetful", {"max_steps": 4}),
    ("mutant-forgetful", {"max_steps": 8}),
    ("mutant-forgetful", {"max_steps": 24}),
)
"""Recipes of nano, from hardly a change to one that breaks what the base knew."""
CONFIDENCE = 0.95
"""Of each bound on its own; both bounds hold with 0.9."""


def main() -> int:
    """Measure everything and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base-model", default="nano")
    parser.add_argument("--adapter", type=Path, action="append", help="instead of trained ones")
    parser.add_argument("--languages", nargs="+", default=["en", "zh"])
    parser.add_argument("--prompts", type=int, default=60, help="of each sort and language")
    parser.add_argument("--draws", type=int, default=40, help="for the exact divergence")
    parser.add_argument("--work", type=Path, default=Path("reports/divergence"))
    args = parser.parse_args()
    base = resolve_base(args.base_model)
    adapters = args.adapter or list(trained(base, args.work))
    rows = [row_of(run_of(args, adapter), adapter) for adapter in adapters]
    for row in rows:
        print(row)
    result: dict[str, Any] = {"machine": machine(), "base": args.base_model, "adapters": rows}
    figures = [most_lost(rows)] if len(rows) > 2 else []
    if args.draws:
        request = request_of(args, adapters[len(adapters) // 2])
        result["exact"] = exact(resolve(request), args.draws, args.work)
        figures += figures_of(result["exact"])
    return conclude(figures, result, RESULTS / f"divergence-{args.base_model}.json")


def trained(base: BaseRef, work: Path) -> Iterator[Path]:
    """Train the organisms that are not there yet."""
    for recipe, changes in ORGANISMS:
        folder = work / "-".join([recipe, *(str(value) for value in changes.values())])
        if not (folder / "adapter_config.json").exists():
            steps = changes.get("max_steps")
            every = {"early_stopping.every": steps} if steps else {}
            train(base, load_recipe(recipe, {**every, **changes}), folder, seed=1)
        yield folder


def request_of(args: argparse.Namespace, adapter: Path) -> GateRequest:
    """What gates an adapter: small panels of rewrites, all of skills and texts."""

    def each(n: int) -> str:
        return ", ".join(f"{language}: {n}" for language in args.languages)

    path = args.work / "policy.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = POLICY.format(
        base=args.base_model,
        languages=", ".join(args.languages),
        small=each(5),
        prompts=each(args.prompts),
        skills=each(200 if args.base_model == "nano" else 180),
        texts=each(60),
    )
    path.write_text(text, "utf-8")
    return GateRequest(
        base_model=args.base_model,
        adapter=adapter,
        policy=str(path),
        out=args.work / f"run-{adapter.name}",
        seed=7,
    )


def run_of(args: argparse.Namespace, adapter: Path) -> Run:
    """Gate an adapter."""
    return evaluate(request_of(args, adapter))


def row_of(run: Run, adapter: Path) -> dict[str, Any]:
    """What a run says of divergence, skills and texts, the mean over languages."""
    parts = [one for verdict in run.verdicts for one in verdict.slices]

    def mean(topic: str) -> float:
        found = [one.value for one in parts if one.name.rpartition("/")[0] == topic]
        return round(statistics.mean(value for value in found if value is not None), 4)

    def interval(one: SliceVerdict) -> list[float | None]:
        return [one.value, one.lower, one.upper]

    return {
        "adapter": adapter.name,
        "general": mean("divergence"),
        "task": mean("divergence/task"),
        "skills_lost": mean("skills"),
        "text": mean("text"),
        "intervals": {o.name: interval(o) for o in parts if o.name.startswith("divergence")},
    }


def most_lost(rows: Sequence[dict[str, Any]]) -> Figure:
    """How the order of adapters by divergence agrees with that by skills lost."""
    general, lost = ([row[key] for row in rows] for key in ("general", "skills_lost"))
    return Figure(
        name="rank correlation of divergence and skills lost",
        value=round(float(spearmanr(general, lost).statistic), 3),
        bound=Bound.AT_LEAST,
        target=0.7,
    )


def exact(inputs: Inputs, draws: int, work: Path) -> dict[str, Any]:
    """Estimate and exact divergence of one adapter over many draws, general prompts only."""
    import torch

    prompts = divergence_prompts(inputs, sample(inputs))
    general = [p for p in prompts if p.kind != TASK_PROMPTS and p.language is Language.EN]
    clusters = [prompt.cluster for prompt in general]
    engine = open_engine(inputs.base, inputs.adapters, cache=work / "drawn.sqlite3")
    models = both_models(inputs)
    estimates, truths = [], []
    for seed in range(draws):
        said = engine.infer([drawn_answer(prompt, seed) for prompt in general])
        targets = [said_tokens(inputs.template, output) for output in said]
        weights = token_weights([len(target) for target in targets])
        candidate, baseline = (
            [
                w * x
                for w, x in zip(weights, losses_of(engine, general, targets, adapter), strict=True)
            ]
            for adapter in (inputs.adapter.digest, None)
        )
        estimates.append(paired_mean(candidate, baseline, clusters, CONFIDENCE))
        with torch.inference_mode():
            truths.append(
                statistics.mean(
                    weight * summed(models, prompt.ids, target)
                    for weight, prompt, target in zip(weights, general, targets, strict=True)
                )
            )
    engine.close()
    truth = statistics.mean(truths)
    return {
        "prompts": len(general),
        "draws": draws,
        "exact": truth,
        "estimate": statistics.mean(one.value for one in estimates),
        "spread_of_one_draw": statistics.stdev(one.value for one in estimates),
        "covered": sum(one.lower <= truth <= one.upper for one in estimates),
    }


def losses_of(
    engine: CachingEngine,
    prompts: Sequence[Prompt],
    targets: Sequence[tuple[int, ...]],
    adapter: str | None,
) -> list[float]:
    """Nats per token of what was said to each prompt."""
    asked = [
        Request(prompt=prompt.ids, target=target, adapter=adapter)
        for prompt, target in zip(prompts, targets, strict=True)
    ]
    return [-output.logprob / len(output.logprobs) for output in engine.infer(asked)]


def both_models(inputs: Inputs) -> tuple[Any, Any]:
    """The adapted model and its base, by the libraries themselves."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base, under = (
        AutoModelForCausalLM.from_pretrained(inputs.base.path, dtype=torch.float32).eval()
        for _ in range(2)
    )
    return PeftModel.from_pretrained(under, inputs.adapter.path).eval(), base


def summed(models: tuple[Any, Any], prompt: Sequence[int], target: Sequence[int]) -> float:
    """The exact divergence at every token of what was said, the mean in nats."""
    import torch

    ids = torch.tensor([[*prompt, *target]])
    adapted, base = (
        model(ids).logits[0, len(prompt) - 1 : -1].double().log_softmax(-1) for model in models
    )
    return float((base.exp() * (base - adapted)).sum(-1).mean())


def figures_of(found: dict[str, Any]) -> list[Figure]:
    """What has a target."""
    error = found["spread_of_one_draw"] / found["draws"] ** 0.5
    return [
        Figure(
            name="draws whose interval holds the exact divergence",
            value=round(found["covered"] / found["draws"], 3),
            bound=Bound.AT_LEAST,
            target=0.8,
        ),
        Figure(
            name="estimate minus exact, in standard errors",
            value=round(abs(found["estimate"] - found["exact"]) / error, 2),
            bound=Bound.AT_MOST,
            target=3.0,
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
