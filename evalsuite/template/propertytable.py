"""Every family against every property, as the table that docs/templates.md shows."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from evalsuite.template.base import Property, PropertyResult, PropertyStatus
from evalsuite.template.families import FAMILIES
from evalsuite.template.properties import check
from evalsuite.template.rendering import WireTemplate
from evalsuite.template.sampletokenizers import write_sample_tokenizer
from evalsuite.template.tokenizerfolder import read_tokenizer


def check_family(name: str) -> list[PropertyResult]:
    """Check a family on a small tokenizer with its maker's settings.

    What a folder alone can show, its own Jinja template, is left out.

    Args:
        name: a key of :data:`FAMILIES`.
    """
    wire = FAMILIES[name]
    with tempfile.TemporaryDirectory() as folder:
        template = WireTemplate(wire, read_tokenizer(write_sample_tokenizer(wire, Path(folder))))
        results = check(template, training_fingerprint=template.fingerprint)
    return [result for result in results if result.name is not Property.OWN_TEMPLATE]


def family_table(results: Mapping[str, Sequence[PropertyResult]]) -> str:
    """Return a Markdown table: a row for each family, notes for what holds within a limit.

    Args:
        results: of :func:`check_family`, by family.
    """
    notes: list[str] = []
    lines = []
    for name, found in results.items():
        cells = [_cell(result, notes) for result in found]
        lines.append(f"| {' | '.join([f'`{name}`', *cells])} |")
    heads = [result.name.number for result in next(iter(results.values()))]
    rule = "|---" * (len(heads) + 1) + "|"
    told = [f"{number}. {note}" for number, note in enumerate(notes, start=1)]
    return "\n".join([f"| family | {' | '.join(heads)} |", rule, *lines, "", *told]) + "\n"


def _cell(result: PropertyResult, notes: list[str]) -> str:
    if result.status is PropertyStatus.HOLDS:
        return "holds"
    detail = result.detail.partition(" of them up to: ")[2] or result.detail
    note = f"{result.name.partition(' ')[0]} {result.status}: {detail}"
    if note not in notes:
        notes.append(note)
    return f"{result.status} ({notes.index(note) + 1})"
