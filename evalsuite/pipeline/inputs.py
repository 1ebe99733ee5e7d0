"""A run's request with every name resolved and every file read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from evalsuite.cases import Case, Language
from evalsuite.cases.shipped import CaseFolders, case_folders
from evalsuite.engines import Numerics, resolve_numerics
from evalsuite.errors import InvalidInput
from evalsuite.files.storage import user_cache
from evalsuite.gates import (
    Gate,
    Opponent,
    Policy,
    Tier,
    Waiver,
    derived_seed,
    load_policy,
    load_waivers,
)
from evalsuite.models import (
    NAMED,
    BaseRef,
    Tuned,
    is_embedded,
    read_adapter,
    read_model,
    resolve_base,
    without_family,
)
from evalsuite.pipeline.champion import (
    Compared,
    compared_with,
    earlier_promotions,
    registry_policy,
    require_rule,
)
from evalsuite.pipeline.digests import digest_of, digest_of_cases, digest_of_circumstances
from evalsuite.pipeline.neighbours import neighbours_of
from evalsuite.pipeline.reading import (
    demonstrations,
    goldens,
    require_passages,
    require_prompts,
    require_skills,
    suites,
    texts,
)
from evalsuite.pipeline.request import GateRequest
from evalsuite.prompts import require_prefill
from evalsuite.registry.attempts import Attempt, record_attempt
from evalsuite.registry.lineages import Lineage, lineage_of, require_lineage
from evalsuite.regressions import Regression, load_regressions
from evalsuite.runs import PromotionInfo, RegistryPolicyInfo
from evalsuite.scenarios import DemonstrationPair, SkillItem, TextItem
from evalsuite.template import ChatTemplate, load_template
from evalsuite.template.neighbours import Neighbour


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """A request with everything resolved; nothing of it changes during the run."""

    request: GateRequest
    base: BaseRef
    adapter: Tuned
    """The candidate: an adapter, or a whole model."""
    policy: Policy
    template: ChatTemplate
    goldens: Mapping[str, tuple[Case, ...]]
    """Golden cases by set: the part of a file's name before the first underscore."""
    demonstrations: Mapping[tuple[str, Language], DemonstrationPair]
    """What the prompts of a golden set show, where the set has demonstrations of its own."""
    suites: tuple[SkillItem, ...] = field(default=())
    texts: tuple[TextItem, ...] = field(default=())
    regressions: tuple[Regression, ...] = ()
    """Histories that broke a candidate once."""
    folders: CaseFolders
    """Where cases were read, and where new regressions belong."""
    waivers: tuple[Waiver, ...] = ()
    """Those that are about this candidate."""
    seed: int
    compared: Compared
    """Whom the gate ``regression`` compares the candidate with."""
    neighbours: tuple[Neighbour, ...] = ()
    """What lies beside the candidate and says how it was trained."""
    history: tuple[PromotionInfo, ...] = ()
    """What the registry promoted of this base before, oldest first."""
    registry_policy: RegistryPolicyInfo | None = None
    """By what the registry's champions are judged."""
    lineage: Lineage | None = None
    """Whose attempts this one is counted among; None: those of the base that name none."""

    @property
    def adapters(self) -> tuple[Tuned, ...]:
        """Everyone who is asked beside the base: the candidate, and the champion if any."""
        champion = self.compared.adapter
        return (self.adapter,) if champion is None else (self.adapter, champion)

    @property
    def numerics(self) -> Numerics:
        """Where and in what number format the models run.

        Raises:
            EngineError: the request names an unknown dtype or device.
        """
        asked = self.request
        return resolve_numerics(
            asked.dtype, asked.device, merged=asked.merged, batch_tokens=asked.batch_tokens
        )

    @property
    def own_waivers(self) -> tuple[Waiver, ...]:
        """The waivers of this candidate; one for another adapter blocks the run."""
        return tuple(w for w in self.waivers if self.adapter.digest.startswith(w.adapter))

    @property
    def context(self) -> int:
        """Tokens that the base model can attend to, prompt and answer together."""
        return context_of(self.base)

    @property
    def cache(self) -> Path:
        """The SQLite file of answers."""
        return self.request.cache or default_cache()

    @property
    def cases_digest(self) -> str:
        """SHA-256 over everything that was read, wherever it lies: golden cases, suites, texts."""
        return digest_of_cases(self.goldens, self.suites, self.texts, self.regressions)

    @property
    def circumstances(self) -> str:
        """SHA-256 of all else that can change an answer: asked otherwise, it is another attempt."""
        asked = self.request
        return digest_of_circumstances(
            cases=self.cases_digest,
            demonstrations=self.demonstrations,
            asked={
                "prompt_format": asked.prompt.name,
                "shown": asked.shown,
                "worded": asked.worded,
                # Left out for the package's own, so that what was before keeps its digest.
                **({} if asked.prompt.built_in else {"prompt": asked.prompt.digest}),
                **(
                    {}
                    if asked.answer_prompt.built_in
                    else {"answer_prompt": asked.answer_prompt.digest}
                ),
            },
            numerics=self.numerics.decisive,
        )


def context_of(base: BaseRef) -> int:
    """Tokens that a base model can attend to, prompt and answer together."""
    config = json.loads((base.path / "config.json").read_text("utf-8"))
    return int(config.get("max_position_embeddings", 2**31))


def default_cache() -> Path:
    """The user's own cache file: ``$XDG_CACHE_HOME/evalsuite/outputs.sqlite3``."""
    return user_cache() / "outputs.sqlite3"


def resolve(
    request: GateRequest, *, policy: Policy | None = None, compared: Compared | None = None
) -> Inputs:
    """Read every file that the request names; nothing is run.

    Args:
        request: what a person asks for.
        policy: instead of the one that the request names.
        compared: instead of whom the request's registry names.

    Raises:
        InvalidInput: something a person wrote is wrong.
        ModelError: the base or the adapter must not be used.
        TemplateError: the base's chat template belongs to no known family.
        RegistryError: the champion cannot be compared with.
    """
    read = check(request, policy)
    if not request.adapter.is_dir():
        _candidate(request, None)  # says what is wrong before a base is fetched
    base = resolve_base(request.base_model)
    adapter = _candidate(request, base)
    template = load_template(base.path, family=base.family)
    inputs = Inputs(
        request=request,
        base=base,
        adapter=adapter,
        policy=read.policy,
        template=template,
        neighbours=neighbours_of(adapter, base, template, read.policy),
        goldens=read.goldens,
        demonstrations=read.demonstrations,
        suites=read.suites,
        texts=read.texts,
        regressions=read.regressions,
        folders=read.folders,
        waivers=read.waivers,
        seed=request.seed or 0,
        compared=compared or _compared(request, read.policy, base, adapter),
        history=earlier_promotions(request.registry, base),
        registry_policy=registry_policy(request.registry),
        lineage=read.lineage,
    )
    for prompt in (request.prompt, request.answer_prompt):
        require_prefill(prompt, inputs.template)
    if request.seed is not None:
        return inputs
    seed = derived_seed(adapter.digest, read.policy.digest, inputs.circumstances)
    return replace(inputs, seed=seed)


def _candidate(request: GateRequest, base: BaseRef | None) -> Tuned:
    if not request.whole_model:
        return read_adapter(request.adapter, base)
    candidate = read_model(request.adapter, base)
    if not request.merged:
        raise InvalidInput(
            f"candidate={str(request.adapter)!r} is a whole model, in which nothing could be left "
            "unmerged; leave --unmerged out, or gate its adapter with --adapter"
        )
    return candidate


def _compared(request: GateRequest, policy: Policy, base: BaseRef, adapter: Tuned) -> Compared:
    rule = policy.rule(Gate.REGRESSION)
    if not rule.enabled:
        return Compared(opponent=Opponent())
    decisive = rule.tier is Tier.BLOCKING
    return compared_with(request.champion, request.registry, base, adapter, decisive=decisive)


def write_attempt(inputs: Inputs, *, now: datetime, purpose: str = "") -> Attempt | None:
    """Write down which attempt of its lineage this is, before anything is known of its verdict.

    Args:
        inputs: what is gated.
        now: with a time zone.
        purpose: of whoever sees what the gates say, where it is no gate run; such a look costs as
            much as one, and is another attempt.

    Returns:
        The attempt; None where no registry counts.

    Raises:
        RunError: the ledger of attempts is broken.
        RunStorageError: it cannot be written.
    """
    if inputs.request.registry is None:
        return None
    _lineage(inputs.request)
    asked = Attempt(
        lineage=lineage_of(inputs.base.digest, inputs.request.lineage),
        number=0,
        adapter=inputs.adapter.digest,
        policy=inputs.policy.digest,
        circumstances=_seen_by(inputs.circumstances, purpose),
        seed=inputs.seed,
        created="",
    )
    return record_attempt(inputs.request.registry, asked, now=now)


def _seen_by(circumstances: str, purpose: str) -> str:
    return digest_of([circumstances, purpose]) if purpose else circumstances


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a request reads beside models."""

    policy: Policy
    goldens: Mapping[str, tuple[Case, ...]]
    demonstrations: Mapping[tuple[str, Language], DemonstrationPair]
    suites: tuple[SkillItem, ...]
    texts: tuple[TextItem, ...]
    regressions: tuple[Regression, ...]
    folders: CaseFolders
    waivers: tuple[Waiver, ...]
    lineage: Lineage | None


def check(request: GateRequest, policy: Policy | None = None) -> Read:
    """Read everything that a request names beside models: before one is fetched or trained.

    Args:
        request: what a person asks for.
        policy: instead of the one that the request names.

    Raises:
        InvalidInput: something a person wrote is wrong.
        RegistryError: the registry does not know the lineage.
    """
    if request.seed is not None and not 0 <= request.seed < 2**63:
        raise InvalidInput(f"seed={request.seed} must be a whole number from 0 to 2**63 - 1")
    policy = policy or choose_policy(request.policy, request.base_model)
    require_prompts(request.prompt, request.answer_prompt, policy)
    require_rule(request.champion, policy)
    require_skills(policy)
    require_passages(policy)
    folders = case_folders(request.cases, request.root)
    return Read(
        policy=policy,
        goldens=goldens(folders.goldens, policy),
        demonstrations=demonstrations(folders.goldens, policy),
        suites=suites(policy),
        texts=texts(policy),
        regressions=tuple(
            one
            for one in load_regressions(folders.regressions)
            if one.case.language in policy.languages
        ),
        folders=folders,
        waivers=load_waivers(request.waivers) if request.waivers else (),
        lineage=_lineage(request),
    )


def _lineage(request: GateRequest) -> Lineage | None:
    """The entry of the registry's list that the request names."""
    if not request.lineage:
        return None
    if request.registry is None:
        raise InvalidInput(f"lineage={request.lineage!r} is a registry's; name that with registry")
    return require_lineage(request.registry, request.lineage)


def choose_policy(policy: str | None, base_model: str) -> Policy:
    """Return the policy that was named, or the one made for such a base.

    Raises:
        InvalidPolicy: no such policy, or its file is wrong.
    """
    made_for = "nano" if is_embedded(base_model) else without_family(base_model)
    return load_policy(policy or (made_for if made_for in NAMED else "default"))
