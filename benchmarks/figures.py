"""Measured figures and their targets: how every benchmark says what it reached.

A script ends with status 1 when one of its targets is missed, so that a figure in the documentation
cannot become untrue unnoticed.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


class Bound(StrEnum):
    """On which side of its target a figure has to be."""

    AT_MOST = "<="
    BELOW = "<"
    AT_LEAST = ">="
    ABOVE = ">"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number and what it has to be."""

    name: str
    value: float
    """NaN where nothing could be measured; it meets no target."""
    bound: Bound
    target: float
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether the target is reached."""
        return {
            Bound.AT_MOST: self.value <= self.target,
            Bound.BELOW: self.value < self.target,
            Bound.AT_LEAST: self.value >= self.target,
            Bound.ABOVE: self.value > self.target,
        }[self.bound]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data; null where nothing was measured."""
        return {
            "name": self.name,
            "value": None if self.value != self.value else self.value,
            "bound": self.bound.value,
            "target": self.target,
            "unit": self.unit,
            "met": self.met,
        }


def conclude(figures: Sequence[Figure], result: Mapping[str, Any], out: Path | None) -> int:
    """Print the figures as a Markdown table, write the result with them, return the exit status.

    Args:
        figures: what has a target.
        result: everything that was measured, as JSON data.
        out: the JSON file; None writes nothing.
    """
    if figures:
        print(markdown(figures))
    missed = [figure.name for figure in figures if not figure.met]
    if missed:
        print(f"\ntargets missed: {', '.join(missed)}")
    if out is not None:
        write(out, {**result, "targets": [figure.to_json() for figure in figures]})
        print(f"\nwritten to {out}")
    return int(bool(missed))


def markdown(figures: Sequence[Figure]) -> str:
    """Return one line for each figure."""
    lines = ["| figure | measured | target | met |", "|---|---|---|---|"]
    for figure in figures:
        unit = f" {figure.unit}" if figure.unit else ""
        lines.append(
            f"| {figure.name} | {figure.value:.4g}{unit} | {figure.bound} {figure.target:g}{unit} "
            f"| {'yes' if figure.met else '**no**'} |"
        )
    return "\n".join(lines)


def write(out: Path, document: Mapping[str, Any]) -> None:
    """Write a result whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = out.with_name(f".{out.name}.new")
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    scratch.write_text(text, "utf-8")
    scratch.replace(out)


def machine() -> dict[str, Any]:
    """Return what the times depend on; the load says how much else was running."""
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(),
    }
