"""Keeping third-party libraries off the terminal, where progress belongs to the command line."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_imports() -> Iterator[None]:
    """Silence the note that bitsandbytes writes at import, about a package it would download."""
    notes = logging.getLogger("bitsandbytes")
    level = notes.level
    notes.setLevel(logging.ERROR)
    try:
        yield
    finally:
        notes.setLevel(level)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence progress bars, notes and one known warning of transformers and peft."""
    from transformers.utils import logging as library

    bars = library.is_progress_bar_enabled()
    level = library.get_verbosity()
    library.set_verbosity_error()
    library.disable_progress_bar()
    try:
        with quiet_imports(), warnings.catch_warnings():
            # peft asks transformers for a property by its old name.
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
            yield
    finally:
        library.set_verbosity(level)
        if bars:
            library.enable_progress_bar()
