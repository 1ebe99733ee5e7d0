"""What was written by hand for the everyday goldens: an answer that a chat model could give in the
query's words, the rewrite in the other language, and rewrites that their author did not list."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from evalsuite.cases import Case
from rewrite_answers.texts import plain

WRITTEN = Path(__file__).with_name("written.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Texts for one case."""

    answer: str
    translation: str
    rewrites: Sequence[str]


@cache
def _every() -> Mapping[str, Written]:
    read = json.loads(WRITTEN.read_text("utf-8"))
    return {case_id: Written(**texts) for case_id, texts in read.items()}


def written(case: Case) -> Written | None:
    """Return what was written for a case, which is told by its id."""
    return _every().get(case.id)


def unlisted(case: Case) -> list[str]:
    """Return good rewrites that the case does not list."""
    found = written(case)
    listed = {plain(text) for text in case.expect.rewrites}
    return [text for text in (found.rewrites if found else ()) if plain(text) not in listed]
