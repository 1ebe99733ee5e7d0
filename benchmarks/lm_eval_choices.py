"""What lm-eval makes of given multiple-choice items: runs in an environment that has lm-eval.

    python benchmarks/lm_eval_choices.py ITEMS.jsonl MODEL_FOLDER OUT.json [--dtype float32]

Started by ``suites_beside_lm_eval.py``; nothing of evalsuite is imported here. Each line of the
items holds ``id``, ``question``, ``options`` and ``gold`` (the place of the right option). They are
asked as any task of lm-eval's is: by ``simple_evaluate`` with the model's chat template.
"""

from __future__ import annotations

import argparse
import json
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

NAME = "items"
METRICS = ("acc", "acc_norm", "acc_bytes")


def main() -> None:
    """Evaluate the items, and write what lm-eval found for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("items", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--dtype", help="lm-eval's own default when left out")
    args = parser.parse_args()
    from lm_eval.models.huggingface import HFLM

    dtype = {"dtype": args.dtype} if args.dtype else {}
    model = HFLM(pretrained=str(args.model), device="cpu", **dtype)
    args.out.write_text(json.dumps(evaluated(model, args.items)), "utf-8")


def evaluated(model: Any, items: Path) -> dict[str, Any]:
    """Everything that is compared: sums of log-probabilities, tokens, and what was chosen."""
    from lm_eval import simple_evaluate
    from lm_eval.api.task import ConfigurableTask

    task = ConfigurableTask(config=configuration(items))
    started = perf_counter()
    found = simple_evaluate(
        model=model, tasks=[task], num_fewshot=0, apply_chat_template=True, bootstrap_iters=0
    )
    seconds = perf_counter() - started
    samples = sorted(found["samples"][NAME], key=lambda sample: sample["doc_id"])
    ends = white_ends(model, samples)
    return {
        "packages": {name: version(name) for name in ("lm-eval", "torch", "transformers")},
        "dtype": str(model.model.dtype),
        "seconds": seconds,
        "items": [
            told(model, task, sample, end) for sample, end in zip(samples, ends, strict=True)
        ],
    }


def configuration(items: Path) -> dict[str, Any]:
    """A task as its YAML file would say it."""
    return {
        "task": NAME,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(items)}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "question",
        "doc_to_choice": "options",
        "doc_to_target": "gold",
        "metric_list": [
            {"metric": name, "aggregation": "mean", "higher_is_better": True} for name in METRICS
        ],
    }


def white_ends(model: Any, samples: list[dict[str, Any]]) -> list[float]:
    """The log-probability of each prompt's last white space, which counts for the options here.

    ``TemplateLM._encode_pair`` moves it from the end of the context to each of them.
    """
    from lm_eval.api.instance import Instance

    asked = [
        Instance("loglikelihood", sample["doc"], (contexts(sample)[0], ""), at)
        for at, sample in enumerate(samples)
    ]
    return [float(logprob) for logprob, _ in model.loglikelihood(asked)]


def contexts(sample: dict[str, Any]) -> list[str]:
    """The rendered prompt before each option."""
    return [context for context, _ in pairs(sample)]


def pairs(sample: dict[str, Any]) -> list[tuple[str, str]]:
    """The prompt and the continuation of each option, as they were given to the model."""
    return [(context, continuation) for context, continuation in sample["arguments"]]


def told(model: Any, task: Any, sample: dict[str, Any], end: float) -> dict[str, Any]:
    """One item."""
    scored = sample["filtered_resps"]
    tokens = [model._encode_pair(*pair) for pair in pairs(sample)]
    return {
        "id": sample["doc"]["id"],
        "logprobs": [float(logprob) for logprob, _ in scored],
        "white_end": end,
        "tokens": [[*context, *option] for context, option in tokens],
        "scored_tokens": [len(option) for _, option in tokens],
        "prompt": contexts(sample)[0],
        "right": {name: bool(sample[name]) for name in METRICS},
        "chosen": {name: chosen(task, sample, name) for name in METRICS},
    }


def chosen(task: Any, sample: dict[str, Any], metric: str) -> int:
    """The option that counts as right when it is said to be the right one."""
    places = range(len(sample["doc"]["options"]))
    (found,) = (
        at
        for at in places
        if task.process_results({**sample["doc"], "gold": at}, sample["filtered_resps"])[metric]
    )
    return found


if __name__ == "__main__":
    main()
