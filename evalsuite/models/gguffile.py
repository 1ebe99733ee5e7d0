"""A GGUF file as a base: written once as an ordinary model folder, its numbers made plain.

An adapter is merged into plain weights, and a gate needs a tokenizer, a template and stop tokens as
files. transformers reads all of them out of the file; what the file does not say of the maker's
tokenizer is lost. The tensor libraries are imported only where a file has to be converted.
"""

from __future__ import annotations

import json
import struct
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from evalsuite.errors import ModelError, ModelNotFound
from evalsuite.files.storage import user_cache
from evalsuite.models.digests import digest_file
from evalsuite.models.gguffolder import write_model_folder
from evalsuite.models.madeonce import made_once
from evalsuite.models.quantised import STORED

SUFFIX: Final = ".gguf"
_MAGIC: Final = b"GGUF"
_PACKAGES: Final = ("gguf", "torch", "transformers", "accelerate")
_BROKEN: Final = (ValueError, KeyError, IndexError, TypeError, AttributeError, RuntimeError,
                  NotImplementedError, struct.error, OverflowError, AssertionError)  # fmt: skip
"""What the reader raises at a file that is cut off, or of a kind that it does not know."""


def gguf_folder(file: Path) -> Path:
    """Return the model folder that a GGUF file stands for, made if it is not there yet.

    Args:
        file: The file; its name ends in ``.gguf``.

    Raises:
        ModelNotFound: a package is missing.
        ModelError: the file is none of this kind, is truncated, or holds a model that transformers
            does not read out of it.
    """
    with file.open("rb") as stream:
        if stream.read(4) != _MAGIC:
            raise ModelError(
                f"{str(file)!r} is no GGUF file: it does not begin with {_MAGIC.decode()!r}; fetch "
                "it again, or name the maker's model folder"
            )
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise ModelNotFound(
            f"{str(file)!r} is read with the packages {', '.join(_PACKAGES)}; install what is "
            f"missing with: pip install {' '.join(missing)}"
        )
    digest = digest_file(file)
    place = user_cache() / "models" / f"gguf-{digest[:12]}"

    def make(folder: Path) -> None:
        try:
            _write(file, folder)
        except _BROKEN as problem:
            said = (str(problem).splitlines() or [type(problem).__name__])[0][:200]
            raise ModelError(
                f"{str(file)!r} cannot be read as a model ({type(problem).__name__}: {said}); "
                "fetch it again if it is truncated, or name the maker's model folder"
            ) from problem

    return made_once(place, f"gguf-{digest[:12]}", make)


def _write(file: Path, folder: Path) -> None:
    from gguf import GGUFReader

    tensors = GGUFReader(file).tensors
    kinds: Counter[str] = Counter()
    for tensor in tensors:
        kinds[str(tensor.tensor_type.name)] += int(tensor.n_elements)
    if not kinds:
        raise ValueError("it holds no tensors")
    try:
        write_model_folder(file, folder)
    except ModelError:  # another architecture than the one that is known number by number
        _write_with_transformers(file, folder)
    path = folder / "config.json"
    config = json.loads(path.read_text("utf-8"))
    config.pop("quantization_config", None)
    config[STORED] = f"GGUF, {kinds.most_common(1)[0][0]}"
    path.write_text(json.dumps(config, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _write_with_transformers(file: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    source, name = file.resolve().parent, file.name
    model: Any = AutoModelForCausalLM.from_pretrained(
        source,
        gguf_file=name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),
        local_files_only=True,
        trust_remote_code=False,
    )
    model.config.quantization_config = None  # else nothing is saved
    model.save_pretrained(folder)
    tokenizer: Any = AutoTokenizer.from_pretrained(source, gguf_file=name, local_files_only=True)
    tokenizer.save_pretrained(folder)
