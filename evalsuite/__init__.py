"""evalsuite: the release gate for fine-tuned small language models.

Importing this package is cheap: it loads neither torch nor transformers. Everything heavy is
imported by the function that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from evalsuite.runs.tables import Tables

__version__ = "0.1.0"


def load_run(folder: Path | str) -> Tables:
    """Read a finished run as pandas tables: cases, outputs, scores and verdicts.

    Raises:
        RunError: no run there, or one that was changed or not finished.
        MissingDependency: pandas is not installed.
    """
    from evalsuite.runs.tables import load_tables

    return load_tables(folder)
