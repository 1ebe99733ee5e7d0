"""Tab-separated rewrites: the four columns of Chinese sets, and as many turns as there are."""

from __future__ import annotations

import re
from pathlib import Path

from evalsuite.cases.importers.drafts import TURNS, Draft, Found, Problem, alternating
from evalsuite.cases.importers.naming import short_digest
from evalsuite.cases.importers.records import lines
from evalsuite.conversation import messages

_SEPARATOR = re.compile(r"\s*(?:\|\|\||\[SEP\]|<sep>|</s>|<eot>|###)\s*", re.IGNORECASE)
"""What parts the turns of a history in one column."""


def tsv(file: Path) -> Found:
    """Four columns: what the user said, what was answered, the query, its rewrite.

    Doubled tabs separate like single ones. A context column may be empty where single tabs make the
    columns countable. Rows with the same context share a cluster.
    """
    for number, line in lines(file):
        columns = _columns(line)
        if columns is None:
            filled = len([text for text in line.split("\t") if text.strip()])
            yield Problem(
                f"{file.as_posix()}:{number}: the line has {filled} filled columns; four are due, "
                "separated by tabs: user turn, assistant turn, query, rewrite (more turns: use the "
                "format tsv_turns)"
            )
            continue
        *context, query, rewrite = columns
        said = zip(TURNS, context, strict=True)
        yield Draft(
            line=number,
            name=f"{file.stem}-{number}",
            cluster=short_digest("\t".join(context)),
            history=messages(turn for turn in said if turn[1]),
            query=query,
            rewrites=(rewrite,),
        )


def _columns(line: str) -> list[str] | None:
    """Return four columns, of which the first two may be empty, or None."""
    single = [column.strip() for column in line.split("\t")]
    filled = [column for column in single if column]
    if len(filled) == 4:
        return filled
    return single if len(single) == 4 and all(single[2:]) else None


def tsv_turns(file: Path) -> Found:
    """As many turns as there are, the query, its rewrite; oldest first, a column a turn.

    Or all turns in one column, parted by ``|||``, ``[SEP]``, ``<sep>``, ``</s>``, ``<eot>`` or
    ``###``. The turn before the query is the assistant's. Empty columns fill up shorter rows.
    """
    for number, line in lines(file):
        *context, query, rewrite = ["", "", *(column.strip() for column in line.split("\t"))]
        if not (query and rewrite and line.count("\t")):
            yield Problem(
                f"{file.as_posix()}:{number}: the last two columns are not both filled; write the "
                "turns before, the query and its rewrite, separated by tabs"
            )
            continue
        turns = [turn for column in context for turn in _SEPARATOR.split(column) if turn.strip()]
        yield Draft(
            line=number,
            name=f"{file.stem}-{number}",
            cluster=short_digest("\t".join(turns)),
            history=alternating(turns),
            query=query,
            rewrites=(rewrite,),
        )
