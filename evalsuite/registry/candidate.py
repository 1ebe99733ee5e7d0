"""What may be promoted: a finished run that passed, and an adapter that is still the gated one.

``run.json`` is a file like any other, so what it says is checked against its own parts: the
digest of the policy against the policy, and the verdicts against what that policy requires.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from evalsuite.errors import EvalsuiteError, RegistryError, RunError
from evalsuite.files.jsonl import first_fault
from evalsuite.gates import Attempts, Gate, Policy, Verdict, derived_seed, policy_digest
from evalsuite.models import (
    CONFIG_FILE,
    NAMED,
    PROVENANCE_FILE,
    WEIGHTS_FILE,
    digest_file,
    digest_tree,
    model_files,
    resolve_base,
    without_family,
)
from evalsuite.registry.attempts import read_attempts
from evalsuite.registry.lineages import lineage_of, require_lineage
from evalsuite.registry.record import Base, Digest, Place, PromotionRecord, Resource, SeedOrigin
from evalsuite.runs import BaseInfo, Status, Tier
from evalsuite.runs.folder import Run, load_run


@dataclass(frozen=True, slots=True)
class Candidate:
    """A run that may be promoted, and what its record will say about adapter and base."""

    run: Run
    adapter: Place
    adapter_files: dict[str, str]
    """File name to SHA-256."""
    base: Base


def read_candidate(run_folder: Path, registry: Path) -> Candidate:
    """Read a run and check everything that a promotion rests on.

    Args:
        run_folder: The run.
        registry: The registry that paths are to be relative to; it need not exist.

    Raises:
        RegistryError: why it may not be promoted.
    """
    try:
        run = load_run(run_folder)
    except EvalsuiteError as problem:
        raise RegistryError(f"refused: {problem}") from problem
    _require_passed(run)
    _require_policy(run)
    _require_attempt(run, registry)
    if run.info.adapter is None:
        raise RegistryError(f"refused: the run in {str(run_folder)!r} had no adapter to promote")
    folder, digest = Path(run.info.adapter.path), run.info.adapter.digest
    require_adapter(folder, digest, "the run")
    return Candidate(
        run=run,
        adapter=Place(path=_relative(folder, registry), digest=digest),
        adapter_files={name: digest_file(folder / name) for name in adapter_files(folder)},
        base=_base(run.info.base, registry),
    )


def require_adapter(folder: Path, digest: str, owner: str) -> None:
    """Raise RegistryError unless the adapter that ``owner`` names still lies in ``folder``."""
    names = adapter_files(folder)
    if not names:
        raise RegistryError(
            f"refused: the adapter that {owner} names is not in {str(folder)!r} any more; "
            "put it back"
        )
    actual = digest_tree(folder, names)
    if actual != digest:
        raise RegistryError(
            f"refused: the adapter in {str(folder)!r} is not the one that {owner} names: "
            f"its digest is {actual}, not {digest}; gate it first"
        )


def adapter_files(folder: Path) -> tuple[str, ...]:
    """Return the names of the files that make up the candidate in ``folder``, sorted.

    Of a whole model those that a server may read.
    """
    if not (folder / CONFIG_FILE).is_file() and (folder / "config.json").is_file():
        return model_files(folder)
    own = (CONFIG_FILE, WEIGHTS_FILE, PROVENANCE_FILE)
    return tuple(sorted(name for name in own if (folder / name).is_file()))


def configuration(run: Run) -> list[Resource]:
    """Return everything that the verdict depends on beside adapter and run files."""
    digests = run.info.digests
    try:
        return [Resource(name=name, digest=Digest(sha256=value)) for name, value in digests.items()]
    except ValueError:
        bad = next(name for name, value in digests.items() if len(value) != 64)
        raise RegistryError(
            f"the run in {str(run.folder)!r} has no sha256 of its {bad}; run the gate again"
        ) from None


def require_current_waivers(run: Run, today: date) -> None:
    """Raise RegistryError when a waiver of the run has expired since."""
    for waiver in run.info.waivers:
        if waiver.expires < today:
            raise RegistryError(
                f"refused: {waiver.gate} was waived by {waiver.by} until {waiver.expires}, which "
                "is over; gate it again"
            )


def require_compared(run: Run, champion: PromotionRecord | None) -> None:
    """Raise RegistryError unless the run was compared with the champion, where that decides.

    Not with one of another base, and not where a person waived the comparison by name. Who
    promotes a champion on newer evidence need not beat it. A champion whose adapter moved or
    changed closes the way: else who moves it could promote anything.
    """
    if champion is None or Gate.REGRESSION not in policy_of(run).required:
        return
    promoted, asked = champion.evidence.adapter.digest, run.info.champion
    if champion.evidence.base.digest != run.info.base.digest or _waives(run, Gate.REGRESSION):
        return
    # The champion itself, on newer evidence, or a run that met it.
    if promoted in (run.info.adapter and run.info.adapter.digest, asked and asked.digest):
        return
    against = f"the adapter in {asked.path!r}" if asked else "the base"
    raise RegistryError(
        f"refused: policy {run.info.policy.name!r} compares with the champion, which is the "
        f"adapter of record {champion.sequence} now, but the run in {str(run.folder)!r} was "
        f"compared with {against}; {_way_to(champion)}"
    )


def _way_to(champion: PromotionRecord) -> str:
    """What has to be done before a candidate can be compared with the champion."""
    folder, promoted = champion.adapter_path, champion.evidence.adapter.digest
    again = f"gate it again with --registry {str(champion.registry)!r}"
    names = adapter_files(folder)
    if names and digest_tree(folder, names) == promoted:
        return again
    wrong = "is not the one that was promoted" if names else "is gone"
    return (
        f"the champion's adapter in {str(folder.resolve())!r} {wrong}: put the promoted one "
        f"back there and {again}, or gate it with --champion base and a waiver of "
        f"{Gate.REGRESSION.value} (--waivers)"
    )


def seed_origin(run: Run) -> SeedOrigin:
    """Return who chose the seed of the run's panels."""
    seed, adapter = run.info.seeds.get("panel"), run.info.adapter
    if seed is None or adapter is None:
        return SeedOrigin.UNKNOWN
    derived = derived_seed(adapter.digest, run.info.policy.digest, run.info.circumstances)
    return SeedOrigin.DERIVED if seed == derived else SeedOrigin.CHOSEN


def _require_passed(run: Run) -> None:
    early = run.info.looks is not None and run.info.looks.stopped_at is not None
    if run.status is Status.PASSED and early:
        raise RegistryError(
            f"refused: the run in {str(run.folder)!r} stopped before its panels were complete; "
            "only complete panels prove anything"
        )
    if run.status is Status.PASSED:
        return
    blocking = [v for v in run.verdicts if v.tier is Tier.BLOCKING]
    why = [f"{v.gate} {v.status}" for v in blocking if v.status is not Status.PASSED]
    raise RegistryError(
        f"refused: the run in {str(run.folder)!r} is {run.status}, not passed "
        f"({', '.join(why) or 'a required gate was not run'}); see its report.html"
    )


def _require_policy(run: Run) -> None:
    """Raise RegistryError unless the policy is the named one and all that it requires passed."""
    policy = run.info.policy
    actual = policy_digest(policy.resolved)
    if actual != policy.digest:
        raise RegistryError(
            f"refused: the policy {policy.name!r} in the run.json of {str(run.folder)!r} has the "
            f"digest {actual}, but run.json says {policy.digest}; run the gate again"
        )
    passed = {
        v.gate
        for v in run.verdicts
        if _is_waived(run, v) or (v.tier is Tier.BLOCKING and v.status is Status.PASSED)
    }
    absent = [gate.value for gate in policy_of(run).required if gate.value not in passed]
    if absent:
        raise RegistryError(
            f"refused: policy {policy.name!r} requires {', '.join(absent)}, but the run in "
            f"{str(run.folder)!r} has no passed blocking verdict of it; run the gate again"
        )


def _require_attempt(run: Run, registry: Path) -> None:
    """Raise RegistryError unless this registry counted the attempt, where attempts cost."""
    if policy_of(run).attempts is not Attempts.SPEND:
        return
    attempt, adapter = run.info.attempt, run.info.adapter
    _require_lineage(run, registry)
    try:
        known = read_attempts(registry)
    except RunError as problem:
        raise RegistryError(f"refused: {problem}") from problem
    if attempt is not None and adapter is not None:
        question = (
            adapter.digest,
            run.info.policy.digest,
            run.info.circumstances,
            run.info.seeds.get("panel"),
        )
        claimed = (attempt.lineage, attempt.number, question)
        # Taken again from the policy: a run cannot name the price of its own attempt.
        spent = policy_of(run).for_attempt(attempt.number).confidence
        if attempt.confidence == spent and any(
            claimed == (a.lineage, a.number, a.question) for a in known
        ):
            return
    raise RegistryError(
        f"refused: policy {run.info.policy.name!r} lets attempts cost error budget, and the "
        f"registry {str(registry)!r} did not count the run in {str(run.folder)!r}; gate it again "
        "with --registry and that folder"
    )


def _require_lineage(run: Run, registry: Path) -> None:
    """Raise RegistryError unless the run was counted in the lineage of its base.

    That is the base's own, or one of the registry's list: a run cannot choose whose error budget
    it spends.
    """
    attempt = run.info.attempt
    if attempt is None:
        return  # told by the caller
    named = attempt.named
    name = named.name if named else ""
    if named is not None:
        known = require_lineage(registry, name)
        if (known.by, known.created, known.reason) != (named.by, named.created, named.reason):
            raise RegistryError(
                f"refused: the run in {str(run.folder)!r} tells otherwise of lineage {name!r} than "
                f"the list of the registry {str(registry)!r}; gate it again"
            )
    if attempt.lineage != lineage_of(run.info.base.digest, name):
        raise RegistryError(
            f"refused: the run in {str(run.folder)!r} was counted in another lineage than that of "
            f"its base{f' and the name {name!r}' if name else ''}; gate it again"
        )


def _is_waived(run: Run, verdict: Verdict) -> bool:
    """Whether a verdict is waived by a waiver that stands in the run."""
    # Liveness cannot be waived, so a run that claims it is none that a gate wrote.
    named = {waiver.gate for waiver in run.info.waivers} - {Gate.LIVENESS.value}
    return verdict.tier is Tier.WAIVED and verdict.gate in named


def _waives(run: Run, gate: Gate) -> bool:
    return any(verdict.gate == gate and _is_waived(run, verdict) for verdict in run.verdicts)


def policy_of(run: Run) -> Policy:
    """The policy that judged a run.

    Raises:
        RegistryError: this evalsuite does not read it.
    """
    try:
        return Policy.model_validate_json(json.dumps(dict(run.info.policy.resolved)), strict=True)
    except ValidationError as problem:
        raise RegistryError(
            f"refused: the policy in the run.json of {str(run.folder)!r} is none that this "
            f"evalsuite reads: {first_fault(problem, 'the whole')}; run the gate again"
        ) from None


def _base(info: BaseInfo, registry: Path) -> Base:
    return Base(
        name=info.name,
        digest=info.digest,
        tokenizer_digest=info.tokenizer_digest,
        path=_base_place(info, registry),
    )


def _base_place(info: BaseInfo, registry: Path) -> str:
    """Return where the base lies, relative to the registry; empty unless it is that base."""
    name = without_family(info.name)
    folder = Path(name).expanduser()
    # What has a name lies in the package or a cache, as a hub id does: it has no place of its own.
    if name in NAMED or not folder.is_dir():
        return ""
    try:
        found = resolve_base(folder, to_load=False)
    except EvalsuiteError:
        return ""
    # A folder that holds another model by now would be found changed at every verification.
    same = (found.digest, found.tokenizer_digest) == (info.digest, info.tokenizer_digest)
    return _relative(folder, registry) if same else ""


def _relative(folder: Path, registry: Path) -> str:
    """Return ``folder`` as seen from the registry, so that both may move together."""
    # Resolved, because ``..`` after a symbolic link leads to where the link points.
    return Path(os.path.relpath(folder.resolve(), registry.resolve())).as_posix()
