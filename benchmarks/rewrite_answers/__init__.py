"""Answers to cases of rewriting that a judge must refuse, and some that it must accept.

Every kind of answer has one small function, ``maker(case, rng) -> str | None``, entered in
:data:`MAKERS`. None of them knows the judge's rules.
"""

from __future__ import annotations

from rewrite_answers import content, form, light, naming
from rewrite_answers.kinds import MAKERS, Group, Kind, Light, Maker

__all__ = ["MAKERS", "Group", "Kind", "Light", "Maker", "content", "form", "light", "naming"]
