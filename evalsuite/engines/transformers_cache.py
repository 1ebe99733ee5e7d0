"""Keys and values of a batch, in buffers that are allocated once.

The library's growing cache copies all it holds at every token. Here what was read before (a shared
prefix, prompts of several lengths) is copied once and every later token is written in place.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers.cache_utils import Cache, DynamicLayer

KeyValues = tuple[torch.Tensor, torch.Tensor]


class BufferedLayer(DynamicLayer):
    """One layer's keys and values, each of shape (rows, heads, capacity, head size).

    What the model sees as its cache are views of the part filled so far.
    """

    def __init__(self, rows: int, capacity: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rows = rows
        self.capacity = capacity
        self.length = 0
        self.buffers: tuple[torch.Tensor, ...] = ()

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Allocate the buffers; called with the first keys and values."""
        self.dtype, self.device = key_states.dtype, key_states.device
        # Zeros: a masked position must still be a number, or it would spoil its row.
        self.buffers = tuple(
            states.new_zeros(self.rows, states.shape[1], self.capacity, states.shape[3])
            for states in (key_states, value_states)
        )
        self.is_initialized = True

    def place(self, states: KeyValues, first_row: int, end: int) -> None:
        """Write keys and values into some rows so that they end at position ``end``.

        ``states`` of one row are written into every row from ``first_row`` on.
        """
        if not self.is_initialized:
            self.lazy_initialization(*states)
        count = states[0].shape[0]
        # A single row that starts the batch goes into all rows: a shared prefix belongs there, and
        # behind a first chunk of one prompt the other chunks write over it.
        rows = slice(first_row, None if count == 1 and first_row == 0 else first_row + count)
        for buffer, new in zip(self.buffers, states, strict=True):
            buffer[rows, :, end - new.shape[2] : end] = new
        self.length = max(self.length, end)

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: object, **__: object
    ) -> KeyValues:
        """Append keys and values; return everything so far."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        end = self.length + key_states.shape[2]
        for buffer, new in zip(self.buffers, (key_states, value_states), strict=True):
            buffer[:, :, self.length : end] = new
        self.length = end
        return self.contents()

    def contents(self) -> KeyValues:
        """Return views of the part filled so far; the model reads the same ones."""
        keys, values = (buffer[:, :, : self.length] for buffer in self.buffers)
        self.keys, self.values = keys, values
        return keys, values

    def get_seq_length(self) -> int:
        """Return the number of positions filled."""
        return self.length

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep only these rows."""
        self.buffers = tuple(buffer[indices] for buffer in self.buffers)
        self.rows = len(indices)
        self.contents()


class BufferedCache(Cache):
    """A cache of buffered layers for ``rows`` rows of up to ``capacity`` positions."""

    def __init__(self, layers: int, rows: int, capacity: int) -> None:
        self.buffered = [BufferedLayer(rows, capacity) for _ in range(layers)]
        super().__init__(layers=list(self.buffered))

    def contents(self) -> list[KeyValues]:
        """Return each layer's keys and values."""
        return [layer.contents() for layer in self.buffered]

    def place(self, contents: Sequence[KeyValues], first_row: int, end: int) -> None:
        """Write each layer's keys and values into some rows; see :meth:`BufferedLayer.place`."""
        for layer, states in zip(self.buffered, contents, strict=True):
            layer.place(states, first_row, end)
