"""Candidates for the table of outcomes: trained, or taken again when training would make the same.

An adapter is taken again only when its ``evalsuite.json`` names the recipe, the base, the seed, the
data and the chat template that a training would use now. A change of the training code itself shows
in none of them; ``--fresh`` trains everything again.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from evalsuite.errors import EvalsuiteError
from evalsuite.models import AdapterRef, BaseRef, Provenance, read_adapter
from evalsuite.template import load_template
from evalsuite.training import Recipe, load_recipe, override
from evalsuite.training.prepare import prepare
from evalsuite.training.samples import draw_samples
from evalsuite.training.userdata import load_own

_ENVIRONMENT = {**os.environ, "TOKENIZERS_PARALLELISM": "false"}


class NotMade(Exception):
    """A training or a gate that did not come to its end; says which and how it ended."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is to be trained."""

    recipe: str
    seed: int

    @property
    def name(self) -> str:
        """Name of its folders."""
        return f"{self.recipe}-{self.seed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A candidate's adapter."""

    adapter: AdapterRef
    provenance: Provenance
    reused: bool
    seconds: float
    """From reading data to the written folder, as training recorded it."""
    command_seconds: float | None
    """Of the whole command; None for an adapter whose command was not seen to its end."""

    @property
    def waited(self) -> float:
        """Seconds that a person waits: of the whole command where they are known."""
        return self.seconds if self.command_seconds is None else self.command_seconds


def command(*arguments: str) -> tuple[int, float]:
    """Run the command line as a user would; return its exit status and seconds.

    Raises:
        KeyboardInterrupt: it was interrupted.
    """
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "evalsuite.cli", *arguments],
        check=False,
        env=_ENVIRONMENT,
        stdout=subprocess.DEVNULL,
    )
    if done.returncode == 130:
        raise KeyboardInterrupt
    return done.returncode, time.monotonic() - began


def resolved(candidate: Candidate, base: BaseRef) -> Recipe:
    """Return the recipe as training resolves it; its digest is what an adapter records."""
    recipe = override(load_recipe(candidate.recipe), {"seed": candidate.seed})
    return recipe.for_base("nano" if base.embedded else base.name)


def made(candidate: Candidate, base: BaseRef, work: Path, *, fresh: bool) -> Trained:
    """Return the candidate's adapter below ``work``, trained now unless it is current.

    Args:
        candidate: recipe and seed.
        base: what it adapts.
        work: the folder of this script alone.
        fresh: train in any case.

    Raises:
        NotMade: training did not end well, or the adapter's folder is not this script's.
    """
    folder, note = work / "adapters" / candidate.name, work / "adapters" / f"{candidate.name}.json"
    found = None if fresh else _current(folder, candidate, base)
    adapter = found or _train(candidate, base, folder, note)
    if adapter.provenance is None:
        raise NotMade(f"training {candidate.name} wrote no evalsuite.json into {folder}")
    return Trained(
        adapter=adapter,
        provenance=adapter.provenance,
        reused=found is not None,
        seconds=_recorded_seconds(folder),
        command_seconds=_noted_seconds(note, adapter),
    )


def _current(folder: Path, candidate: Candidate, base: BaseRef) -> AdapterRef | None:
    """Return the adapter in ``folder`` if training would make the same from the same."""
    try:
        found = read_adapter(folder, base)
        _recorded_seconds(folder)
    except (EvalsuiteError, OSError, ValueError, LookupError, TypeError):
        return None  # nothing there, unfinished, broken, or of another base
    said, recipe = found.provenance, resolved(candidate, base)
    if said is None or (said.recipe_digest, said.seed) != (recipe.digest, candidate.seed):
        return None
    # Last, because drawing the samples again takes a good part of a minute.
    return found if (said.template_fingerprint, said.data_digest) == _data(recipe, base) else None


def _data(recipe: Recipe, base: BaseRef) -> tuple[str, str]:
    """Return the fingerprint of the template and the digest of the data, as training takes them."""
    template = load_template(base.path)
    samples = (*draw_samples(recipe.data, recipe.seed), *load_own(recipe.data, recipe.seed))
    data = prepare(
        samples,
        template,
        max_length=recipe.max_length,
        validation=recipe.data.validation,
        seed=recipe.seed,
    )
    return template.fingerprint, data.digest


def _clear(folder: Path, note: Path) -> None:
    """Remove what an earlier call of this script trained into ``folder``, and nothing else's."""
    if not folder.exists():
        return
    if folder.is_symlink() or not note.is_file():
        raise NotMade(f"{folder} was not made by this script; remove it, or name another --work")
    shutil.rmtree(folder)


def _train(candidate: Candidate, base: BaseRef, folder: Path, note: Path) -> AdapterRef:
    _clear(folder, note)
    # Before the training: an interrupted one has to be this script's, too, to be removed. None is
    # resumed, because the time from the beginning to the end is a figure.
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text("{}\n", "utf-8")
    status, seconds = command(
        "train", "--base-model", base.name, "--recipe", candidate.recipe,
        "--seed", str(candidate.seed), "--out", str(folder),
    )  # fmt: skip
    if status:
        raise NotMade(f"training {candidate.name} ended with status {status}")
    adapter = read_adapter(folder, base)
    note.write_text(json.dumps({"adapter": adapter.digest, "seconds": seconds}) + "\n", "utf-8")
    return adapter


def _recorded_seconds(folder: Path) -> float:
    return float(json.loads((folder / "training.json").read_bytes())["result"]["seconds"])


def _noted_seconds(note: Path, adapter: AdapterRef) -> float | None:
    try:
        noted = json.loads(note.read_bytes())
        return float(noted["seconds"]) if noted["adapter"] == adapter.digest else None
    except (OSError, ValueError, LookupError, TypeError):
        return None
