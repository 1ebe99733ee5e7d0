"""What a run is asked for, and the same with every name resolved and every file read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from evalsuite.cases import Case, Language
from evalsuite.cases.casefiles import load_cases
from evalsuite.cases.shipped import DEMONSTRATIONS, CaseFolders, case_folders
from evalsuite.detectors.retention import load_texts
from evalsuite.engines import Numerics, resolve_numerics
from evalsuite.errors import InvalidInput
from evalsuite.files.problems import suggestion
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
from evalsuite.gates.rules import TextSource
from evalsuite.models import (
    NAMED,
    AdapterRef,
    BaseRef,
    is_embedded,
    read_adapter,
    resolve_base,
    without_family,
)
from evalsuite.pipeline.champion import (
    AUTO,
    Compared,
    compared_with,
    earlier_promotions,
    require_rule,
)
from evalsuite.pipeline.digests import digest_of_cases, digest_of_circumstances
from evalsuite.prompts import DEFAULT_FORMAT, get_format, load_demonstrations
from evalsuite.registry.attempts import Attempt, lineage_of, record_attempt
from evalsuite.regressions import Regression, load_regressions
from evalsuite.runs import PANEL, REGRESSIONS, SKILLS, TEXTS, PromotionInfo
from evalsuite.scenarios import EVERY_SKILL as SKILL_NAMES
from evalsuite.scenarios import PASSAGES, DemonstrationPair, SkillItem, TextItem
from evalsuite.template import ChatTemplate, load_template


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRequest:
    """What a person asks of ``evalsuite gate``."""

    base_model: str = "nano"
    adapter: Path
    policy: str | None = None
    """Name or file; None: that of the base's name (``nano``, ``smollm2``), else ``default``."""
    cases: Path | None = None
    """Folder of golden cases; None: see :func:`evalsuite.cases.shipped.case_folders`."""
    root: Path = Path()
    """Where the folder ``cases`` is looked for when none is named."""
    out: Path = Path("reports/run")
    cache: Path | None = None
    """SQLite file of answers; None: the user's cache folder."""
    seed: int | None = None
    """Of the panels; None: derived from candidate and policy."""
    prompt_format: str = DEFAULT_FORMAT
    shown: int = 2
    """Demonstrations in the prompt of a sampled case."""
    dtype: str = "auto"
    device: str = "auto"
    merged: bool = True
    """Whether the adapter is merged into its base."""
    batch_tokens: int | None = None
    """Cached tokens that one batch may hold; None: by device."""
    worded: str = "panel"
    """Split of the grammar that words the demonstrations of sampled cases."""
    waivers: Path | None = None
    """File of waivers; None: nothing is waived."""
    registry: Path | None = None
    """Folder of promotion records, with the champion, and of the ledger that counts the attempts
    of a lineage; None: not counted, and compared with the base."""
    champion: str = AUTO
    """Whom the gate ``regression`` compares with: ``auto`` for the registry's champion, ``base``,
    or the folder of an adapter."""
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """A request with everything resolved; nothing of it changes during the run."""

    request: GateRequest
    base: BaseRef
    adapter: AdapterRef
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
    history: tuple[PromotionInfo, ...] = ()
    """What the registry promoted of this base before, oldest first."""

    @property
    def adapters(self) -> tuple[AdapterRef, ...]:
        """Every adapter that is asked: the candidate, and the champion where there is one."""
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
        config = json.loads((self.base.path / "config.json").read_text("utf-8"))
        return int(config.get("max_position_embeddings", 2**31))

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
                "prompt_format": asked.prompt_format,
                "shown": asked.shown,
                "worded": asked.worded,
            },
            numerics=self.numerics.decisive,
        )


def default_cache() -> Path:
    """The user's own cache file: ``$XDG_CACHE_HOME/evalsuite/outputs.sqlite3``."""
    return user_cache() / "outputs.sqlite3"


def resolve(request: GateRequest) -> Inputs:
    """Read every file that the request names; nothing is run.

    Raises:
        InvalidInput: something a person wrote is wrong.
        ModelError: the base or the adapter must not be used.
        TemplateError: the base's chat template belongs to no known family.
        RegistryError: the champion cannot be compared with.
    """
    read = check(request)
    if not request.adapter.is_dir():
        read_adapter(request.adapter)  # says what is wrong before a base is fetched
    base = resolve_base(request.base_model)
    adapter = read_adapter(request.adapter, base)
    inputs = Inputs(
        request=request,
        base=base,
        adapter=adapter,
        policy=read.policy,
        template=load_template(base.path, family=base.family),
        goldens=read.goldens,
        demonstrations=read.demonstrations,
        suites=read.suites,
        texts=read.texts,
        regressions=read.regressions,
        folders=read.folders,
        waivers=read.waivers,
        seed=request.seed or 0,
        compared=_compared(request, read.policy, base, adapter),
        history=earlier_promotions(request.registry, base),
    )
    if request.seed is not None:
        return inputs
    seed = derived_seed(adapter.digest, read.policy.digest, inputs.circumstances)
    return replace(inputs, seed=seed)


def _compared(request: GateRequest, policy: Policy, base: BaseRef, adapter: AdapterRef) -> Compared:
    rule = policy.rule(Gate.REGRESSION)
    if not rule.enabled:
        return Compared(opponent=Opponent())
    decisive = rule.tier is Tier.BLOCKING
    return compared_with(request.champion, request.registry, base, adapter, decisive=decisive)


def write_attempt(inputs: Inputs, *, now: datetime) -> Attempt | None:
    """Write down which attempt of its lineage this is, before anything is known of its verdict.

    Returns:
        The attempt; None where no registry counts.

    Raises:
        RunError: the ledger of attempts is broken.
        RunStorageError: it cannot be written.
    """
    if inputs.request.registry is None:
        return None
    asked = Attempt(
        lineage=lineage_of(inputs.base, inputs.adapter),
        number=0,
        adapter=inputs.adapter.digest,
        policy=inputs.policy.digest,
        circumstances=inputs.circumstances,
        seed=inputs.seed,
        created="",
    )
    return record_attempt(inputs.request.registry, asked, now=now)


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


def check(request: GateRequest) -> Read:
    """Read everything that a request names beside models: before one is fetched or trained.

    Raises:
        InvalidInput: something a person wrote is wrong.
    """
    get_format(request.prompt_format)
    if request.seed is not None and not 0 <= request.seed < 2**63:
        raise InvalidInput(f"seed={request.seed} must be a whole number from 0 to 2**63 - 1")
    policy = choose_policy(request.policy, request.base_model)
    require_rule(request.champion, policy)
    _require_skills(policy)
    _require_passages(policy)
    folders = case_folders(request.cases, request.root)
    return Read(
        policy=policy,
        goldens=_goldens(folders.goldens, policy),
        demonstrations=_demonstrations(folders.goldens, policy),
        suites=_suites(policy),
        texts=_texts(policy),
        regressions=tuple(
            one
            for one in load_regressions(folders.regressions)
            if one.case.language in policy.languages
        ),
        folders=folders,
        waivers=load_waivers(request.waivers) if request.waivers else (),
    )


def choose_policy(policy: str | None, base_model: str) -> Policy:
    """Return the policy that was named, or the one made for such a base.

    Raises:
        InvalidPolicy: no such policy, or its file is wrong.
    """
    made_for = "nano" if is_embedded(base_model) else without_family(base_model)
    return load_policy(policy or (made_for if made_for in NAMED else "default"))


def set_of(path: str | Path) -> str:
    """The golden set that a case file belongs to: ``everyday`` for ``everyday_zh.yaml``."""
    return Path(path).stem.partition("_")[0]


def _goldens(folder: Path, policy: Policy) -> dict[str, tuple[Case, ...]]:
    if not folder.exists():
        raise InvalidInput(
            f"cases={str(folder)!r} does not exist; run from the project's root or name the folder "
            "of golden cases with --cases"
        )
    if not folder.is_dir():
        raise InvalidInput(
            f"cases={str(folder)!r} is a file; name the folder that holds it, with its "
            f"{DEMONSTRATIONS}/"
        )
    wanted = policy.gates.pronoun_resolution.goldens.sets
    found: dict[str, list[Case]] = {name: [] for name in wanted}
    for case in load_cases(folder):
        name = set_of(case.source.rpartition(":")[0])
        found.setdefault(name, []).append(case)
    reserved = sorted({PANEL, SKILLS, TEXTS, REGRESSIONS} & {*found, *wanted})
    if reserved:
        raise InvalidInput(
            f"a golden set in {str(folder)!r} or policy {policy.name!r} is called {reserved[0]}, "
            "as a sampled part of the run is; call it something else"
        )
    unknown = sorted(set(found) - set(wanted))
    if unknown:
        raise InvalidInput(
            f"{str(folder)!r} holds the golden sets {unknown}, which policy {policy.name!r} does "
            "not name; name them in a copy of the policy, under goldens.sets of example_leakage "
            "and of pronoun_resolution, as blocking or advisory, and give it with --policy; or "
            "name another folder with --cases"
        )
    return {
        name: tuple(case for case in cases if case.language in policy.languages)
        for name, cases in found.items()
    }


def _demonstrations(folder: Path, policy: Policy) -> dict[tuple[str, Language], DemonstrationPair]:
    found: dict[tuple[str, Language], DemonstrationPair] = {}
    here = {path.name for path in (folder / DEMONSTRATIONS).glob("*.y*ml")}
    for name in policy.gates.pronoun_resolution.goldens.sets:
        for language in Language:
            stem = f"{name}_{language}"
            path = folder / DEMONSTRATIONS / f"{stem}.yaml"
            swap = path.with_stem(f"{stem}_swap")
            if path.name in here:
                if swap.name not in here:
                    raise InvalidInput(
                        f"{path}: has no counterfactual, without which a leak can hide; write "
                        f"{swap.name} beside it: same shapes, no entity and no question in common"
                    )
                found[name, language] = DemonstrationPair(
                    stem, load_demonstrations(path), load_demonstrations(swap)
                )
                here -= {path.name, swap.name}
    if here:
        sets = ", ".join(policy.gates.pronoun_resolution.goldens.sets)
        raise InvalidInput(
            f"{folder / DEMONSTRATIONS / min(here)}: stands before no golden set; name it "
            f"SET_LANGUAGE.yaml, or SET_LANGUAGE_swap.yaml beside that, with a set of: {sets}"
        )
    return found


def _require_skills(policy: Policy) -> None:
    """Refuse a skill that nobody can draw, before a model is loaded for it."""
    for name in sorted({*policy.gates.forgetting.skills.seeded} - {*SKILL_NAMES}):
        raise InvalidInput(
            f"policy {policy.name!r}: gates.forgetting.skills.seeded={name!r} is no skill"
            f"{suggestion(name, SKILL_NAMES)}; use some of: {', '.join(SKILL_NAMES)}"
        )


def _require_passages(policy: Policy) -> None:
    """Refuse to draw more passages than there are."""
    rule = policy.gates.forgetting.text
    for language, n in rule.panel.items() if rule.source is TextSource.PASSAGES else ():
        if n > PASSAGES:
            raise InvalidInput(
                f"policy {policy.name!r}: gates.forgetting.text.panel asks for {n} passages in "
                f"{language.value}, but there are {PASSAGES}; ask for fewer, and name texts of "
                "your own under files"
            )


def _suites(policy: Policy) -> tuple[SkillItem, ...]:
    """Read further skill suites: cases without history whose query is the instruction."""
    items: list[SkillItem] = []
    suites = policy.gates.forgetting.skills.suites
    for case in load_cases([Path(name) for name in suites]) if suites else ():
        if case.language not in policy.languages:
            continue
        if case.reference is None:
            raise InvalidInput(f"{case.source}: a skill case needs its answer as expect.rewrites")
        items.append(
            SkillItem(
                id=case.id,
                skill=set_of(case.source.rpartition(":")[0]),
                language=case.language,
                cluster=case.cluster,
                prompt=case.query,
                answer=case.reference,
                accepted=case.expect.rewrites[1:],
                others=case.expect.must_not_name,
                source=case.source,
            )
        )
    return tuple(items)


def _texts(policy: Policy) -> tuple[TextItem, ...]:
    files = policy.gates.forgetting.text.files
    named = [name for names in files.values() for name in names]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise InvalidInput(
            f"policy {policy.name!r} names {twice} twice under forgetting.text.files; keep one"
        )
    return tuple(
        text
        for language, names in files.items()
        for name in names
        for text in load_texts(Path(name), language=language)
    )
