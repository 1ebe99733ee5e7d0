"""Wrong and good answers to cases of rewriting, to measure a judge of rewrites with."""

from __future__ import annotations

from rewrite_answers import content, form, naming
from rewrite_answers.kinds import MAKERS, Kind

__all__ = ["MAKERS", "Kind", "content", "form", "naming"]
