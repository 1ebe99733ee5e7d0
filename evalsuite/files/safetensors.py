"""Reading safetensors files that may be hostile: the header by hand, the weights in slices.

The usual loader accepts duplicate names, NaN and shapes nobody asked for. A gate may not, so this
module reads the header itself (a length, a JSON object, then raw bytes) and checks every number in
it against the file before anything is allocated. No tensor library is imported.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from evalsuite.errors import UnsafeAdapter
from evalsuite.files.jsonnodes import strict_json

MAX_HEADER_BYTES: Final = 16 * 2**20
MAX_TENSORS: Final = 65_536
MAX_DIMENSIONS: Final = 8
SLICE_BYTES: Final = 32 * 2**20

_BYTES: Final = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1,
    "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1,
}  # fmt: skip
FLOATS: Final = frozenset({"F64", "F32", "F16", "BF16"})
_POINTER: Final = b"version https://git-lfs"
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,512}\Z")


@dataclass(frozen=True, slots=True)
class Tensor:
    """One entry of a header; offsets are absolute positions in the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@contextmanager
def _source(path: Path, stream: BinaryIO | None) -> Iterator[BinaryIO]:
    """The bytes that somebody read already, or else the file."""
    if stream is not None:
        stream.seek(0)
        yield stream
        return
    with path.open("rb") as opened:
        yield opened


def read_header(path: Path, stream: BinaryIO | None = None) -> tuple[Tensor, ...]:
    """Return the tensors of a safetensors file in the order of their bytes.

    Args:
        path: the file; for messages alone, where its bytes are given.
        stream: its bytes, read already.

    Raises:
        UnsafeAdapter: the file is truncated or a pointer of Git LFS, or its header is not exactly
            what the format allows
            (names once, offsets that tile the data without gap or overlap, sizes that fit shapes).
    """
    with _source(path, stream) as source:
        size = source.seek(0, io.SEEK_END)
        source.seek(0)
        raw, start = _header_bytes(path, source, size)
    try:
        header = strict_json(raw)
    except ValueError as problem:
        raise _broken(path, f"its header cannot be used: {problem}") from None
    if not isinstance(header, dict) or len(header) > MAX_TENSORS:
        raise _broken(path, f"its header is not an object of at most {MAX_TENSORS} tensors")
    _check_metadata(path, header.pop("__metadata__", {}))
    tensors = sorted(
        (_tensor(path, name, entry, start) for name, entry in header.items()),
        key=lambda t: (t.begin, t.end),
    )
    _check_tiling(path, tensors, start, size)
    return tuple(tensors)


def require_whole(path: Path) -> None:
    """Refuse a file that does not end where its header says, as half a download does not.

    Nothing else of it is judged: a base may hold types of numbers that no adapter does.

    Raises:
        UnsafeAdapter: the file is truncated, or none of this format.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        raw, start = _header_bytes(path, stream, size)
    try:
        header = strict_json(raw)
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name[:2] != "__"]
        due = start + max(ends, default=0)
        wrong = not isinstance(due, int) or size != due
    except (ValueError, TypeError, AttributeError, LookupError) as problem:
        raise _broken(path, f"its header cannot be used: {problem}") from None
    if wrong:
        raise _broken(path, f"the file is truncated: {size} bytes, but its header speaks of {due}")


def _broken(path: Path, what: str) -> UnsafeAdapter:
    return UnsafeAdapter(f"{str(path)!r} is refused: {what}; save or copy the file again")


def _header_bytes(path: Path, stream: BinaryIO, size: int) -> tuple[bytes, int]:
    if stream.read(len(_POINTER)) == _POINTER:
        raise UnsafeAdapter(
            f"{str(path)!r} is a pointer of Git LFS and not the file itself; fetch it with: "
            "git lfs pull"
        )
    stream.seek(0)
    length = int.from_bytes(stream.read(8), "little")
    if size < 8 or length > size - 8:
        raise _broken(
            path, f"the file is truncated or no safetensors file ({size} bytes, no whole header)"
        )
    if length > MAX_HEADER_BYTES:
        raise _broken(path, f"its header has {length} bytes, the limit is {MAX_HEADER_BYTES}")
    raw = stream.read(length)
    if not raw.startswith(b"{"):
        raise _broken(path, "it is no safetensors file: the header does not start with '{'")
    return raw, 8 + length


def _check_metadata(path: Path, metadata: object) -> None:
    if not isinstance(metadata, dict) or any(not isinstance(v, str) for v in metadata.values()):
        raise _broken(path, "its __metadata__ is not an object of texts")


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**62


def _tensor(path: Path, name: str, entry: object, start: int) -> Tensor:
    if not _NAME.match(name):
        raise _broken(path, f"the tensor name {name!r} has characters outside A-Z a-z 0-9 _ . -")
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise _broken(path, f"tensor {name!r} must have exactly dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if dtype not in _BYTES:
        raise _broken(path, f"tensor {name!r} has the unknown dtype {dtype!r}")
    if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS or not all(map(_is_count, shape)):
        raise _broken(path, f"tensor {name!r} has the impossible shape {shape!r}")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(_is_count, offsets)):
        raise _broken(path, f"tensor {name!r} has the impossible data_offsets {offsets!r}")
    begin, end = offsets
    if end - begin != math.prod(shape) * _BYTES[dtype]:
        raise _broken(
            path, f"tensor {name!r} of shape {shape} {dtype} does not fill its offsets {offsets}"
        )
    return Tensor(name, dtype, tuple(shape), start + begin, start + end)


def _check_tiling(path: Path, tensors: list[Tensor], start: int, size: int) -> None:
    position = start
    for tensor in tensors:
        if tensor.begin < position:
            raise _broken(path, f"tensor {tensor.name!r} overlaps the tensor before it")
        if tensor.begin > position:
            raise _broken(path, f"there is a gap of unnamed bytes before tensor {tensor.name!r}")
        position = tensor.end
    if position > size:
        raise _broken(path, f"the file is truncated: {position} bytes are due, {size} are there")
    if position < size:
        raise _broken(path, f"{size - position} unnamed bytes follow the last tensor")


def first_not_finite(
    path: Path, tensors: tuple[Tensor, ...], stream: BinaryIO | None = None
) -> Tensor | None:
    """Return the first tensor of a floating type that holds NaN or an infinity, or None.

    Reads at most ``SLICE_BYTES`` at a time; the memory needed does not grow with the file.

    Args:
        path: the file; for messages alone, where its bytes are given.
        tensors: of its header.
        stream: its bytes, read already.

    Raises:
        UnsafeAdapter: the file ends early.
    """
    with _source(path, stream) as source:
        for tensor in tensors:
            if tensor.dtype in FLOATS and not _finite(path, source, tensor):
                return tensor
    return None


def _finite(path: Path, stream: BinaryIO, tensor: Tensor) -> bool:
    stream.seek(tensor.begin)
    left = tensor.end - tensor.begin
    while left:
        data = stream.read(min(left, SLICE_BYTES))
        if not data:
            raise _broken(path, f"the file ends inside tensor {tensor.name!r}")
        left -= len(data)
        if not _all_finite(data, tensor.dtype):
            return False
    return True


def _all_finite(data: bytes, dtype: str) -> bool:
    if dtype == "BF16":
        # numpy has no bfloat16: an exponent of all ones is NaN or an infinity.
        exponents = np.frombuffer(data, dtype="<u2") & np.uint16(0x7F80)
        return not bool((exponents == 0x7F80).any())
    values = np.frombuffer(data, dtype={"F64": "<f8", "F32": "<f4", "F16": "<f2"}[dtype])
    return bool(np.isfinite(values).all())
