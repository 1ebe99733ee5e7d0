"""How fast the transformers engine is, against the two usual ways of asking a model many questions.

    python benchmarks/engine.py --base-model nano --adapter adapters/candidate --requests 256

The same prompts, in fp32, answered greedily by

* ``engine``: this project's engine,
* ``single``: one ``generate`` call per prompt,
* ``batches``: ``generate`` over unsorted batches of 32, left-padded.

All three must give the same ids, and the engine has to be 3 and 1.5 times as fast by the clock; the
exit status is 1 when a target is missed. The prompts are a panel as a gate draws it, rewriting and
skills in both languages; ``--prompts FILE`` takes any other list (JSON: a list of lists of token
ids).
"""

from __future__ import annotations

import argparse
import json
import logging
import platform
import random
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from figures import RESULTS, Bound, Figure, conclude, machine

from evalsuite.cases import Language
from evalsuite.models import AdapterRef, BaseRef, read_adapter, resolve_base
from evalsuite.prompts import build
from evalsuite.scenarios import sample_shown_panel, sample_skills
from evalsuite.template import ChatTemplate, load_template

Prompts = list[tuple[int, ...]]
Answers = list[tuple[int, ...]]
BATCH = 32
FASTER_THAN = {"single": 3.0, "batches": 1.5}
"""How many times as fast as each other way the engine has to be."""


def panel_prompts(template: ChatTemplate, count: int, seed: int) -> Prompts:
    """Return what a gate asks, in random order: three rewriting prompts to one skill."""
    skills = count // 4
    panel = [
        shown
        for language in Language
        for shown in sample_shown_panel(seed, (count - skills) // 2, language)
    ]
    asked = [build(shown.case, demonstrations=shown.pair.a) for shown in panel]
    asked += [item.question for item in sample_skills(seed, skills)]
    random.Random(seed).shuffle(asked)
    return [template.prompt(conversation) for conversation in asked]


def run_engine(base: BaseRef, adapter: AdapterRef | None, tokens: int) -> Callable[..., Answers]:
    from evalsuite.engines.numerics import resolve_numerics
    from evalsuite.engines.transformers import TransformersEngine
    from evalsuite.generation import Request, Sampling

    engine = TransformersEngine(
        base, [adapter] if adapter else [], numerics=resolve_numerics("float32")
    )
    digest = adapter.digest if adapter else None
    sampling = Sampling(max_tokens=tokens)

    def answer(prompts: Prompts) -> Answers:
        requests = [Request(prompt=p, adapter=digest, sampling=sampling) for p in prompts]
        return [output.ids for output in engine.infer(requests)]

    return answer


def run_generate(
    base: BaseRef, adapter: AdapterRef | None, tokens: int, batch: int
) -> Callable[..., Answers]:
    import torch

    from evalsuite.engines.numerics import Dtype, Numerics, resolve_numerics
    from evalsuite.engines.transformers_loading import load_base, load_candidate

    template = load_template(base.path)
    stops = sorted({template.stop_id, *(template.generation_stops or ())})
    numerics = Numerics(resolve_numerics().device, Dtype.FLOAT32)
    # The merged model for all three: only the way of asking differs.
    model = load_candidate(base, adapter, numerics)[0] if adapter else load_base(base, numerics)

    generator: Any = model

    def ask(prompts: Sequence[tuple[int, ...]]) -> Answers:
        width = max(map(len, prompts))
        ids = [[template.pad_id] * (width - len(p)) + list(p) for p in prompts]
        mask = [[0] * (width - len(p)) + [1] * len(p) for p in prompts]
        answers: Any = generator.generate(
            input_ids=torch.tensor(ids, device=model.device),
            attention_mask=torch.tensor(mask, device=model.device),
            max_new_tokens=tokens,
            do_sample=False,
            eos_token_id=stops,
            pad_token_id=template.pad_id,
        )
        return [_until_stop(row, stops) for row in answers[:, width:].tolist()]

    return lambda prompts: [
        answer for i in range(0, len(prompts), batch) for answer in ask(prompts[i : i + batch])
    ]


def _until_stop(ids: list[int], stops: list[int]) -> tuple[int, ...]:
    end = next((i for i, token in enumerate(ids) if token in stops), len(ids))
    return tuple(ids[:end])


def measure(ways: dict[str, Callable[..., Answers]], prompts: Prompts, repeats: int) -> Any:
    """Time every way in turn, ``repeats`` times; keep each one's best times and its answers.

    Returns:
        Wall seconds, processor seconds (which other programs on the machine disturb less) and
        answers, each by name.
    """
    wall: dict[str, list[float]] = {name: [] for name in ways}
    work: dict[str, list[float]] = {name: [] for name in ways}
    answers: dict[str, Answers] = {}
    for way in ways.values():
        way(prompts[:4])  # loads the model and prepares kernels
    for _ in range(repeats):
        for name, way in ways.items():
            start, worked = time.perf_counter(), time.process_time()
            answers[name] = way(prompts)
            wall[name].append(time.perf_counter() - start)
            work[name].append(time.process_time() - worked)
    best = [{name: min(times) for name, times in kept.items()} for kept in (wall, work)]
    return *best, answers


def report(args: argparse.Namespace, base: BaseRef, prompts: Prompts) -> dict[str, Any]:
    import torch

    adapter = read_adapter(args.adapter, base) if args.adapter else None
    ways = {
        "engine": run_engine(base, adapter, args.tokens),
        "single": run_generate(base, adapter, args.tokens, 1),
        "batches": run_generate(base, adapter, args.tokens, BATCH),
    }
    seconds, work, answers = measure(ways, prompts, args.repeats)
    return {
        "base": base.digest,
        "adapter": adapter.digest if adapter else None,
        "prompts": len(prompts),
        "prompt_tokens": sum(map(len, prompts)),
        "answer_tokens": sum(map(len, answers["single"])),
        "max_tokens": args.tokens,
        "machine": machine(),
        "threads": torch.get_num_threads(),
        "device": str(torch.cuda.get_device_name()) if torch.cuda.is_available() else "cpu",
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "seconds": seconds,
        "processor_seconds": work,
        "speedup": {name: seconds[name] / seconds["engine"] for name in FASTER_THAN},
        "processor_speedup": {name: work[name] / work["engine"] for name in FASTER_THAN},
        "different_from_single": {
            name: sum(a != b for a, b in zip(answers[name], answers["single"], strict=True))
            for name in ("engine", "batches")
        },
    }


def figures(result: dict[str, Any]) -> list[Figure]:
    """Return what has a target."""
    return [
        *(
            Figure(
                name=f"engine against {name}, by the clock",
                value=result["speedup"][name],
                bound=Bound.AT_LEAST,
                target=target,
                unit="x",
            )
            for name, target in FASTER_THAN.items()
        ),
        *(
            Figure(
                name=f"answers of {name} unlike single's, fp32",
                value=unlike,
                bound=Bound.AT_MOST,
                target=0,
            )
            for name, unlike in result["different_from_single"].items()
        ),
    ]


def table(result: dict[str, Any]) -> str:
    lines = ["way       seconds  of engine's   cpu seconds  of engine's   answers unlike single"]
    wall, work = result["seconds"], result["processor_seconds"]
    for name in wall:
        unlike = result["different_from_single"].get(name, 0)
        ratios = wall[name] / wall["engine"], work[name] / work["engine"]
        lines.append(
            f"{name:8} {wall[name]:8.2f}  {ratios[0]:10.2f}x  {work[name]:12.2f}  "
            f"{ratios[1]:10.2f}x  {unlike:22}"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base-model", default="nano")
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--prompts", type=Path, help="JSON: a list of lists of token ids")
    parser.add_argument("--requests", type=int, default=256)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS / "engine.json")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.getLogger("transformers").setLevel(logging.ERROR)
    base = resolve_base(args.base_model)
    if args.prompts:
        prompts = [tuple(ids) for ids in json.loads(args.prompts.read_text())]
    else:
        prompts = panel_prompts(load_template(base.path), args.requests, args.seed)
    result = report(args, base, prompts)
    print(f"{table(result)}\n")
    return conclude(figures(result), result, args.out)


if __name__ == "__main__":
    sys.exit(main())
