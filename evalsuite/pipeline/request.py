"""What a run is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evalsuite.cases import Case, Wanted
from evalsuite.pipeline.champion import AUTO
from evalsuite.prompts import ANSWER_PROMPT, DEFAULT_PROMPT, Prompt

SHOWN = 2
"""Demonstrations in the prompt of a sampled case, where the prompt does not say how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRequest:
    """What a person asks of ``evalsuite gate``."""

    base_model: str = "nano"
    adapter: Path
    """Folder of the candidate."""
    whole_model: bool = False
    """Whether that folder holds a whole model, merged or fully fine-tuned, and no adapter."""
    policy: str | None = None
    """Name or file; None: that of the base's name (``nano``, ``smollm2``), else ``default``."""
    cases: Path | None = None
    """Folder of golden cases; None: see :func:`evalsuite.cases.shipped.case_folders`."""
    root: Path = Path()
    """Where the folder ``cases`` is looked for when none is named."""
    out: Path = Path("reports/run")
    cache: Path | None = None
    """SQLite file of answers; None: the user's cache folder."""
    seed: int | None = None
    """Of the panels; None: derived from candidate and policy."""
    prompt: Prompt = DEFAULT_PROMPT
    answer_prompt: Prompt = ANSWER_PROMPT
    """How queries are asked that are to be answered."""
    shown: int = SHOWN
    """Demonstrations in the prompt of a sampled case."""
    dtype: str = "auto"
    device: str = "auto"
    merged: bool = True
    """Whether the adapter is merged into its base."""
    batch_tokens: int | None = None
    """Cached tokens that one batch may hold; None: by device."""
    worded: str = "panel"
    """Split of the grammar that words the demonstrations of sampled cases."""
    waivers: Path | None = None
    """File of waivers; None: nothing is waived."""
    registry: Path | None = None
    """Folder of promotion records, with the champion, and of the ledger that counts the attempts
    of a lineage; None: not counted, and compared with the base."""
    lineage: str = ""
    """Of the registry's list, whose attempts this one is counted among; empty: those of the base
    that name none."""
    champion: str = AUTO
    """Whom the gate ``regression`` compares with: ``auto`` for the registry's champion, ``base``,
    or the folder of an adapter."""
    command: tuple[str, ...] = ()

    def prompt_for(self, case: Case) -> Prompt:
        """How a case is asked."""
        return self.answer_prompt if case.wanted is Wanted.ANSWER else self.prompt
