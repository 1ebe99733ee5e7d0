"""Keys and values of a batch, in buffers that are allocated once.

The library's growing cache copies all it holds at every token. Here what was read before (a shared
prefix, prompts of several lengths) is copied once and every later token is written in place. A
layer that attends to a window holds no more than the window and what is still to come.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import torch
from transformers import PreTrainedConfig
from transformers.cache_utils import (
    Cache,
    DummyLayer,
    DynamicCache,
    DynamicLayer,
    DynamicSlidingWindowLayer,
)

from evalsuite.errors import EvalsuiteError

KeyValues = tuple[torch.Tensor, torch.Tensor]

UNLIMITED: Final = sys.maxsize
"""The window of a layer that attends to everything before it."""
NOTHING: Final = 0
"""The window of a layer that keeps nothing: it attends to nothing, or reads another layer's."""


class Uncuttable(EvalsuiteError):
    """What a model keeps of the tokens it read cannot be cut, shared or padded; with the reason."""


def layer_windows(config: PreTrainedConfig) -> tuple[int, ...]:
    """Return for each layer how many positions a token attends to, its own included.

    The library's own cache for this configuration says so, whatever its layers are called there.

    Raises:
        Uncuttable: a layer keeps something else than the keys and values of single tokens.
    """
    text = config.get_text_config(decoder=True)
    layers = DynamicCache(config=config).layers or [DynamicLayer()] * int(text.num_hidden_layers)
    return tuple(_window(layer) for layer in layers)


def _window(layer: object) -> int:
    # By exact type: a layer that adds a state to keys and values is a kind of these as well.
    if type(layer) is DynamicSlidingWindowLayer:
        return int(layer.sliding_window)
    if type(layer) in (DynamicLayer, DummyLayer):
        return UNLIMITED if type(layer) is DynamicLayer else NOTHING
    raise Uncuttable(f"its layers keep a state that cannot be cut ({type(layer).__name__})")


class BufferedLayer(DynamicLayer):
    """One layer's keys and values, each of shape (rows, heads, columns, head size).

    What the model sees as its cache are views of the columns that it still attends to.
    """

    def __init__(self, rows: int, capacity: int, window: int, begun: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rows = rows
        self.window = window
        self.is_sliding = window != UNLIMITED
        self.first = self._seen_from(0, begun)
        """The column of the batch that is the buffers' first."""
        self.columns = capacity - self.first
        self.length = 0
        """Columns of the batch that were read so far."""
        self.buffers: tuple[torch.Tensor, ...] = ()

    def _seen_from(self, least: int, length: int) -> int:
        """Return the first column that a token in column ``length`` attends to."""
        return max(least, length - self.window + 1)

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Allocate the buffers; called with the first keys and values."""
        self.dtype, self.device = key_states.dtype, key_states.device
        # Zeros: a masked position must still be a number, or it would spoil its row.
        self.buffers = tuple(
            states.new_zeros(self.rows, states.shape[1], self.columns, states.shape[3])
            for states in (key_states, value_states)
        )
        self.is_initialized = True

    def place(self, states: KeyValues, first_row: int, end: int) -> None:
        """Write keys and values into rows from ``first_row`` on, so that they end at column
        ``end``; what no later token attends to is left out.
        """
        if not self.is_initialized:
            self.lazy_initialization(*states)
        start = max(self.first, end - states[0].shape[2])
        rows = slice(first_row, first_row + states[0].shape[0])
        for buffer, new in zip(self.buffers, states, strict=True):
            kept = new[:, :, new.shape[2] - (end - start) :]
            buffer[rows, :, start - self.first : end - self.first] = kept
        self.length = max(self.length, end)

    def place_shared(self, states: KeyValues, pads: torch.Tensor) -> None:
        """Write the keys and values of one row into all rows, behind ``pads`` columns of each.

        What would end beyond the columns of ``states`` is cut off.
        """
        if not self.is_initialized:
            self.lazy_initialization(*states)
        end = states[0].shape[2]
        columns = torch.arange(self.first, end, device=pads.device) - pads[:, None]
        for buffer, shared in zip(self.buffers, states, strict=True):
            # Columns of padding hold some key as well; the mask hides them.
            spread = shared[0][:, columns.clamp(min=0)].transpose(0, 1)
            buffer[:, :, : end - self.first] = spread
        self.length = end

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: object, **__: object
    ) -> KeyValues:
        """Append keys and values; return all that the new tokens attend to."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start, end = self.length, self.length + key_states.shape[2]
        for buffer, new in zip(self.buffers, (key_states, value_states), strict=True):
            buffer[:, :, start - self.first : end - self.first] = new
        self.length = end
        return self._show(self._seen_from(self.first, start))

    def contents(self) -> KeyValues:
        """Return views of all that is held; the model reads the same ones."""
        return self._show(self.first)

    def _show(self, start: int) -> KeyValues:
        keys, values = (
            buffer[:, :, start - self.first : self.length - self.first] for buffer in self.buffers
        )
        self.keys, self.values = keys, values
        return keys, values

    def get_seq_length(self) -> int:
        """Return the number of columns read."""
        return self.length

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Return how many columns the next tokens attend to, and the first of them."""
        start = self._seen_from(self.first, self.length)
        return self.length + query_length - start, start

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep only these rows."""
        self.buffers = tuple(buffer[indices] for buffer in self.buffers)
        self.rows = len(indices)
        self.contents()


class BufferedCache(Cache):
    """A cache for ``rows`` rows of up to ``capacity`` columns.

    Args:
        windows: Of each layer, from :func:`layer_windows`.
        rows: Rows of the batch.
        capacity: Columns, padding included.
        begun: Columns that are placed before the model first reads: of these a layer with a window
            holds only what later tokens attend to.
    """

    def __init__(self, windows: Sequence[int], rows: int, capacity: int, *, begun: int = 0) -> None:
        layers = [
            DummyLayer() if window == NOTHING else BufferedLayer(rows, capacity, window, begun)
            for window in windows
        ]
        self.buffered = [layer for layer in layers if isinstance(layer, BufferedLayer)]
        super().__init__(layers=list(layers))

    def contents(self) -> list[KeyValues]:
        """Return the keys and values that each layer holds."""
        return [layer.contents() for layer in self.buffered]

    def place(self, contents: Sequence[KeyValues], first_row: int, end: int) -> None:
        """Write each layer's keys and values into some rows; see :meth:`BufferedLayer.place`."""
        for layer, states in zip(self.buffered, contents, strict=True):
            layer.place(states, first_row, end)

    def place_shared(self, contents: Sequence[KeyValues], pads: torch.Tensor) -> None:
        """Write one row into all rows; see :meth:`BufferedLayer.place_shared`."""
        for layer, states in zip(self.buffered, contents, strict=True):
            layer.place_shared(states, pads)

    @property
    def column_bytes(self) -> tuple[int, ...]:
        """Bytes that one column of one row takes, for each layer that keeps some."""
        return tuple(
            sum(buffer[:1, :, :1].nbytes for buffer in layer.buffers) for layer in self.buffered
        )
