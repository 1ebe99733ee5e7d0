"""nano: the embedded base model, its curriculum and its pretraining recipe.

A Qwen2 of a few million parameters that the project trains itself, so that everything runs on a
laptop with no download. It lives in :data:`WEIGHTS` as an ordinary Hugging Face model folder.
"""

from __future__ import annotations

from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"
"""The shipped model folder."""
