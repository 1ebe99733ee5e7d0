"""Conversations that tell facts about invented things, and ask for one of them."""

from evalsuite.scenarios.told.dialogues import TOLD_KINDS, sample_told_demonstrations, told_case
from evalsuite.scenarios.told.panels import sample_told_panel

__all__ = ["TOLD_KINDS", "sample_told_demonstrations", "sample_told_panel", "told_case"]
