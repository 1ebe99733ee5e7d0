"""Whether a run's verdict follows from its evidence: what promote, verify and quickstart ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalsuite.commands.console import Terminal

if TYPE_CHECKING:
    from evalsuite.registry import Finding, Verification

SUBJECT = "verdict, computed again"


def require_evidence(run_folder: Path, terminal: Terminal, *, reask: int | None = None) -> None:
    """Compute the verdict of a run again, and ask its model for some of its answers again.

    Args:
        run_folder: of a finished run.
        terminal: says what is found.
        reask: how many answers; None: the usual number, 0: none, where the run's cache was sealed.

    Raises:
        RegistryError: the run says what its evidence does not, or nobody can compute it here.
    """
    from evalsuite.errors import RegistryError
    from evalsuite.pipeline.asking import USUAL, ask_again
    from evalsuite.pipeline.recomputation import CannotRecompute, recompute
    from evalsuite.runs import Status
    from evalsuite.runs.folder import load_run

    run = load_run(run_folder)
    if run.status is not Status.PASSED:
        return  # promotion says why not
    where, n = f"refused: the run in {str(run_folder)!r}", USUAL if reask is None else reask
    with terminal.working("computing the verdict again"):
        try:
            recomputed = recompute(run)
        except CannotRecompute as problem:
            raise RegistryError(f"refused: {problem}; or compare digests alone: --quick") from None
    if recomputed.differences:
        told = "\n".join(f"  {said}" for said in recomputed.differences)
        raise RegistryError(f"{where} does not say what its evidence says:\n{told}")
    if not n:
        if run.info.counts.unsealed:
            raise RegistryError(
                f"{where} believed {run.info.counts.unsealed} answers of a cache without a seal; "
                "ask some of them again (--reask), or gate it with EVALSUITE_CACHE_KEY from the "
                "start"
            )
        return
    with terminal.working(f"asking for {n} answers again"):
        asked = ask_again(run, recomputed, n)
    if asked.refuted:
        told = ", ".join(asked.differing[:5])
        raise RegistryError(
            f"{where} holds answers that its adapter does not give: {len(asked.differing)} of "
            f"{asked.n} came out otherwise when they were asked again ({told}); delete the cache "
            "and gate it again"
        )
    terminal.say(
        f"the verdict follows from the answers, and {asked.n} of them were given again"
        + (f" ({len(asked.differing)} otherwise)" if asked.differing else "")
    )


def recomputed_findings(verified: Verification, named: Mapping[str, Any]) -> Iterator[Finding]:
    """What a verification says of a run's verdict, computed again.

    Args:
        verified: the digests, all of them as they were.
        named: where things lie now, as a person says: ``run_folder``, ``adapter``, ``base_model``,
            ``cases``; None: where the record says. Nothing is fetched for it.
    """
    from evalsuite.errors import EvalsuiteError
    from evalsuite.pipeline.recomputation import CannotRecompute, recompute
    from evalsuite.registry import Check, Finding, read_record
    from evalsuite.runs.folder import load_run

    unseen = [f for f in verified.findings if f.check is Check.UNCHECKED]
    if unseen:
        yield Finding(
            SUBJECT, Check.UNCHECKED, f"it takes the {unseen[0].subject}, which is not here"
        )
        return
    record = read_record(verified.record)
    place = record.evidence.base.path
    try:
        found = recompute(
            load_run(named["run_folder"] or record.run_path),
            adapter=named["adapter"] or record.adapter_path,
            base=named["base_model"] or (record.registry / place if place else None),
            cases=named["cases"],
        )
    except CannotRecompute as problem:
        yield Finding(SUBJECT, Check.UNCHECKED, str(problem))
        return
    except EvalsuiteError as problem:
        yield Finding(SUBJECT, Check.CHANGED, str(problem))
        return
    for said in found.differences:
        yield Finding(SUBJECT, Check.CHANGED, said)
    if not found.differences:
        yield Finding(SUBJECT, Check.OK)
