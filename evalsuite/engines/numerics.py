"""The numeric path of an inference, and its identity, decided without loading torch.

A run that is answered from the cache must load no model, yet it needs the name of the path that
made the cached answers. So device and number format are found from the driver, the processor and
the installed packages' metadata.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import re
import sys
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from evalsuite.errors import EngineError
from evalsuite.models import BaseRef, digest_file
from evalsuite.models.quantised import READABLE, quantisation_of

# Part of the key of every remembered answer: a change of what is computed needs another name, or
# old answers would be taken for new ones.
PATH_VERSION: Final = "merged-in-fp32-then-cast/left-padded-prompts/4"
_NUMBERED: Final = re.compile(r"cuda:(?P<index>[0-9]{1,3})\Z", re.ASCII)
_PACKAGES: Final = ("torch", "transformers", "peft", "bitsandbytes", "tokenizers")


class Device(StrEnum):
    """Where a model runs."""

    CPU = "cpu"
    CUDA = "cuda"


class Dtype(StrEnum):
    """The number format of weights and activations."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


@dataclass(frozen=True, slots=True)
class Numerics:
    """Where, in what number format and how a model runs."""

    device: Device
    dtype: Dtype
    merged: bool = True
    """Whether a candidate runs merged into its base, or with its adapter beside it."""
    batch_tokens: int | None = None
    """Cached tokens (prefix, prompt and answer, over all rows) that one batch may hold; None: by
    device."""
    index: int | None = None
    """Which of several CUDA devices; None: the first. It changes no answer: their kind does."""

    @property
    def place(self) -> str:
        """The device as torch knows it, such as ``cuda:1``."""
        return self.device.value if self.index is None else f"{self.device.value}:{self.index}"

    @property
    def decisive(self) -> dict[str, str | bool | int]:
        """What of this can change an answer: in float32 none depends on its batch."""
        known: dict[str, str | bool | int] = {
            "device": self.device.value,
            "dtype": self.dtype.value,
            "merged": self.merged,
        }
        if self.dtype is not Dtype.FLOAT32 and self.batch_tokens is not None:
            known["batch_tokens"] = self.batch_tokens
        return known


def resolve_numerics(
    dtype: str = "auto",
    device: str = "auto",
    *,
    merged: bool = True,
    batch_tokens: int | None = None,
) -> Numerics:
    """Choose device and number format.

    Args:
        dtype: ``float32``, ``bfloat16``, or ``auto``: bfloat16 on CUDA, float32 on a processor.
        device: ``cpu``, ``cuda``, one of several as ``cuda:1``, or ``auto``: CUDA when there is
            one.
        merged: whether adapters are merged into their base.
        batch_tokens: what one batch may hold, at least 1.

    Raises:
        EngineError: another value.
    """
    if batch_tokens is not None and batch_tokens < 1:
        raise EngineError(f"batch_tokens={batch_tokens} must be at least 1")
    numbered = _NUMBERED.match(device)
    index = int(numbered["index"]) if numbered else None
    try:
        named = Device.CUDA.value if numbered else device
        where = Device(named) if device != "auto" else _best_device()
    except ValueError:
        raise EngineError(
            f"device={device!r} is unknown; use auto, cpu, cuda or one of several, such as cuda:1"
        ) from None
    try:
        what = Dtype(dtype) if dtype != "auto" else _best_dtype(where)
    except ValueError:
        raise EngineError(f"dtype={dtype!r} is unknown; use auto, float32 or bfloat16") from None
    return Numerics(where, what, merged, batch_tokens, index)


def transformers_identity(base: BaseRef, template_fingerprint: str, numerics: Numerics) -> str:
    """Return the digest of everything but the request that can change an answer.

    The adapter belongs to the request, so that the base's answers serve every candidate; its
    digest covers its provenance and with it the quantisation that it was trained under.
    """
    facts = {
        "engine": "transformers",
        "path": PATH_VERSION,
        "base": base.digest,
        "tokenizer": base.tokenizer_digest,
        "template": template_fingerprint,
        "stops": _digest_if_there(base.path / "generation_config.json"),
        "numerics": numerics.decisive,
        # Kernels differ between generations of graphics processors, and answers in bf16 with them.
        "accelerator": _cuda_name(numerics.index or 0) if numerics.device is Device.CUDA else "",
        "packages": {name: _version(name) for name in _PACKAGES},
    }
    stored = quantisation_of(base.path)
    if stored is not None:  # left out of others, whose answers stay known
        readers = READABLE[stored.method].packages if stored.method in READABLE else ()
        facts["stored"] = {name: _version(name.replace("_", "-")) for name in readers}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _digest_if_there(path: Path) -> str:
    return digest_file(path) if path.is_file() else "absent"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


@cache
def _best_device() -> Device:
    return Device.CUDA if _torch_has_cuda() and _cuda_devices() > 0 else Device.CPU


def _best_dtype(device: Device) -> Dtype:
    # On a CPU float32 gives the same answers whatever the batch, and models that are run on one
    # are small enough that bf16 measured no faster.
    return Dtype.BFLOAT16 if device is Device.CUDA else Dtype.FLOAT32


def _torch_has_cuda() -> bool:
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    # torch writes down which CUDA it was built for, so that nobody has to import it to know.
    constants = Path(spec.origin).with_name("version.py")
    if not constants.is_file():
        return False
    return bool(re.search(r"^cuda\b.*=\s*['\"]", constants.read_text("utf-8"), re.MULTILINE))


def _cuda_driver() -> ctypes.CDLL | None:
    """The driver, ready for questions; asking it is far cheaper than importing torch."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return None
    return driver if driver.cuInit(0) == 0 else None


def _cuda_devices() -> int:
    driver, count = _cuda_driver(), ctypes.c_int(0)
    if driver is None or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def _cuda_name(index: int) -> str:
    """Name of a graphics processor, such as ``NVIDIA H200``."""
    driver, device, name = _cuda_driver(), ctypes.c_int(0), ctypes.create_string_buffer(256)
    if (
        driver is None
        or driver.cuDeviceGet(ctypes.byref(device), index) != 0
        or driver.cuDeviceGetName(name, len(name), device) != 0
    ):
        return "unknown"
    return name.value.decode("utf-8", "replace")
