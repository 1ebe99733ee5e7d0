"""Policies: which gates decide, and every number that they decide by.

No limit, margin or panel size is written in code: a policy is the whole agreement, closed, fixed
before the run and identified by the digest of its resolved form.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, JsonValue, PositiveInt, model_validator

from evalsuite.cases import Kind, Language, Wanted, WorldName
from evalsuite.cases.schema import Languages
from evalsuite.errors import InvalidInput
from evalsuite.files.closedschema import json_schema
from evalsuite.gates.rules import Beside, GateRule, GateRules, Name, PolicyPart, TextSource
from evalsuite.gates.verdict import Gate, Tier


class Looks(PolicyPart):
    """When a run looks before its panels are complete. A look can only block, never pass."""

    shares: Annotated[
        tuple[Annotated[float, Field(gt=0, lt=1)], ...], Field(min_length=1, max_length=20)
    ]
    """Shares of every panel after which to look, rising."""
    false_block: Annotated[float, Field(gt=0, lt=0.5)]
    """Largest probability to stop a candidate without harm at any of these looks."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if list(self.shares) != sorted(set(self.shares)):
            raise ValueError(f"shares={list(self.shares)} must rise")
        return self


class Attempts(StrEnum):
    """What it costs to try again within a lineage."""

    SPEND = "spend"
    """Attempt k may err with ``(1 - confidence) / (k * (k + 1))``: however many are made, the
    probability to pass a bad candidate at any of them stays within ``1 - confidence``."""
    COUNT = "count"
    """They are counted and shown; each is judged at the full confidence."""


class SearchRule(PolicyPart):
    """What histories a model is held to when somebody searches for one that breaks it.

    A search decides no verdict, so nothing of this is part of the policy's digest.
    """

    operators: tuple[Name, ...] = ()
    """What may be done to a history (docs/search.md); empty: everything."""
    kinds: tuple[Kind, ...] = ()
    """What the harmless part may be about; empty: every kind whose history settles what is meant,
    that is, all but ``unanswerable`` and ``demonstration_lure``."""
    languages: Languages = tuple(Language)
    skills: bool = True
    """Whether to ask for the seeded skills of ``forgetting`` too, in hostile chats."""
    max_edits: Annotated[int, Field(ge=1, le=16)] = 3
    """Most operators at work in one history."""
    max_demonstrations: Annotated[int, Field(ge=0, le=16)] = 4
    """Most demonstrations in one prompt."""
    max_tokens: PositiveInt | None = None
    """Longest prompt with its answer; None: what the model can attend to."""

    @model_validator(mode="after")
    def _settled(self) -> Self:
        unsettled = {Kind.UNANSWERABLE, Kind.DEMONSTRATION_LURE} & set(self.kinds)
        if unsettled:
            raise ValueError(
                f"kinds={sorted(unsettled)} cannot be searched: what is put around them changes "
                "what is meant; for lures leave the operator lookalike on"
            )
        return self


class Policy(PolicyPart):
    """The agreement by which a candidate is judged."""

    name: Name
    description: str = ""
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    """One-sided, of each bound that decides."""
    power: Annotated[float, Field(gt=0, lt=1)]
    """Probability with which the reported smallest detectable difference would have shown."""
    attempts: Attempts = Attempts.COUNT
    looks: Looks | None = None
    """Without, panels are asked as a whole."""
    languages: Languages = tuple(Language)
    """What candidates are for: golden cases, suites and remembered regressions of other languages
    are not asked. Where panels are concerned, each names its own."""
    tasks: Annotated[tuple[Wanted, ...], Field(min_length=1)] = (Wanted.REWRITE,)
    """What panels want of their queries; of several, each panel holds as many cases of each."""
    world: WorldName = WorldName.NANO
    """What panels and their demonstrations talk about (docs/natural.md)."""
    gates: GateRules
    search: SearchRule = SearchRule()

    @model_validator(mode="after")
    def _tasks_each_once(self) -> Self:
        if len(set(self.tasks)) < len(self.tasks):
            raise ValueError(f"tasks={[one.value for one in self.tasks]} names one twice; keep one")
        return self

    @model_validator(mode="after")
    def _panels_of_its_languages(self) -> Self:
        for path, said in self.gates.by_language.items():
            for language in sorted(set(said) - set(self.languages)):
                raise ValueError(
                    f"gates.{path} names {language.value}, which languages="
                    f"{[one.value for one in self.languages]} leaves out; remove one of the two"
                )
        return self

    @model_validator(mode="after")
    def _something_decides(self) -> Self:
        if not self.required:
            raise ValueError("no gate is enabled and blocking; a policy must be able to say no")
        return self

    @property
    def enabled(self) -> tuple[Gate, ...]:
        """The gates to judge, in order."""
        return tuple(gate for gate in Gate if self.rule(gate).enabled)

    @property
    def required(self) -> tuple[Gate, ...]:
        """The gates without whose verdict nothing passes."""
        return tuple(gate for gate in self.enabled if self.rule(gate).tier is Tier.BLOCKING)

    def for_attempt(self, number: int) -> Policy:
        """Return the policy as it judges that attempt of a lineage, counted from 1.

        Only the confidence changes; the policy's own digest is what a run records.

        Raises:
            InvalidInput: no such attempt.
        """
        if number < 1:
            raise InvalidInput(f"number={number}: attempts are counted from 1")
        if self.attempts is Attempts.COUNT:
            return self
        error = (1 - self.confidence) / (number * (number + 1))
        return self.model_copy(update={"confidence": 1 - error})

    def rule(self, gate: Gate) -> GateRule:
        """Return the rule of ``gate``; one that is disabled where the policy has none."""
        rule: GateRule | None = getattr(self.gates, gate.value)
        return GateRule(enabled=False) if rule is None else rule

    @property
    def resolved(self) -> dict[str, JsonValue]:
        """The policy with every default filled in, as JSON data."""
        return self.model_dump(mode="json")

    @property
    def digest(self) -> str:
        """SHA-256 of the resolved policy; see :func:`policy_digest`."""
        return policy_digest(self.resolved)


def policy_digest(resolved: Mapping[str, object]) -> str:
    """Return the SHA-256, in hexadecimal, of a resolved policy as canonical JSON.

    What decides nothing is left out: what only a search reads, what is only shown, and, where it is
    absent, disabled or advisory, a comparison with the champion and one of words lost and new.
    """
    deciding = {key: value for key, value in resolved.items() if key != "search"}
    if set(_listed(deciding.get("languages"))) == set(Language):
        del deciding["languages"]  # what a policy without the key means
    if list(_listed(deciding.get("tasks"))) == [Wanted.REWRITE]:
        del deciding["tasks"]  # what a policy without the key means
    if deciding.get("world") == WorldName.NANO:
        del deciding["world"]  # what a policy without the key means
    gates = _without(deciding.get("gates"), Gate.REGRESSION.value)
    if isinstance(gates, Mapping):
        deciding["gates"] = {
            gate: _without_shown(_without(rule, "words") if gate == _PRONOUNS else rule)
            for gate, rule in gates.items()
        }
    deciding["gates"] = _without_former_meaning(deciding.get("gates"))
    deciding["gates"] = _without_usual_source(deciding["gates"])
    deciding["gates"] = _without_later_keys(deciding["gates"])
    text = json.dumps(deciding, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


_PRONOUNS = Gate.PRONOUN_RESOLUTION.value
_SHOWN = frozenset({"divergence", "as_turns"})
"""Rules of gates that no verdict hangs on."""


def _without_shown(rule: object) -> object:
    """A gate's rule without those of its rules that are only shown."""
    if not isinstance(rule, Mapping):
        return rule
    return {name: value for name, value in rule.items() if name not in _SHOWN}


def _without(rules: object, key: str) -> object:
    """Resolved rules without the one under ``key``, if that has no say."""
    if not isinstance(rules, Mapping) or _may_decide(rules.get(key)):
        return rules
    return {name: rule for name, rule in rules.items() if name != key}


_FORMERLY = {"named", "untouched"}
"""What of a rewrite decided before policies said it."""


def _without_former_meaning(gates: object) -> object:
    """The rules, without ``decides`` where it says what a policy without it used to mean.

    So a policy that goes on to mean the same keeps its digest; one that means more gets another.
    """
    if not isinstance(gates, Mapping):
        return gates
    gate = Gate.PRONOUN_RESOLUTION.value
    rule = gates.get(gate)
    if not isinstance(rule, Mapping) or set(rule.get("decides") or _FORMERLY) != _FORMERLY:
        return gates
    return {**gates, gate: {key: value for key, value in rule.items() if key != "decides"}}


def _without_usual_source(gates: object) -> object:
    """The rules, without the source of texts where it is what policies without it mean."""
    if not isinstance(gates, Mapping):
        return gates
    rule = gates.get(Gate.FORGETTING.value)
    if not isinstance(rule, Mapping):
        return gates
    text = rule.get("text")
    if not isinstance(text, Mapping) or text.get("source") != TextSource.STORIES.value:
        return gates
    kept = {key: value for key, value in text.items() if key != "source"}
    return {**gates, Gate.FORGETTING.value: {**rule, "text": kept}}


def _without_later_keys(gates: object) -> object:
    """The rules, without keys of the round trip that say what policies without them mean."""
    gate = Gate.TEMPLATE_ROUND_TRIP.value
    rule = gates.get(gate) if isinstance(gates, Mapping) else None
    if not isinstance(gates, Mapping) or not isinstance(rule, Mapping):
        return gates
    usual = {"beside": Beside.COMPARED.value, "endings": None}
    kept = {k: v for k, v in rule.items() if k not in usual or v != usual[k]}
    return {**gates, gate: kept}


def _may_decide(rule: object) -> bool:
    """Whether a resolved rule is anything but surely without a say."""
    if not isinstance(rule, Mapping):
        return rule is not None
    return rule.get("tier") != Tier.ADVISORY.value and rule.get("enabled") is not False


def derived_seed(adapter_digest: str, policy_digest: str, circumstances: str) -> int:
    """Return the seed of the panels of an attempt, when nobody chooses one.

    Each attempt meets cases that nobody could tune on, and a second run of it meets the same ones.
    """
    text = f"panel/{adapter_digest}/{policy_digest}/{circumstances}"
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def policy_schema() -> dict[str, object]:
    """Return the JSON Schema of a policy file, as editors use it.

    A file that extends another policy may leave out whatever that one says, in every part of it.
    """
    whole = json_schema(Policy, "evalsuite policy")
    parts = whole["$defs"]
    assert isinstance(parts, dict)
    extends = {"type": "string", "description": "Name or file of the policy that this one changes."}
    keys = {"properties": whole["properties"], "required": whole["required"]}
    partial = _partial({"properties": {"extends": extends, **whole["properties"]}})  # type: ignore[dict-item]
    head = {key: value for key, value in whole.items() if key not in (*keys, "$defs")}
    return {
        **head,
        "properties": dict.fromkeys(("extends", *whole["properties"]), True),
        "if": {"required": ["extends"]},
        "then": {**partial, "required": ["extends", "name"]},
        "else": keys,
        "$defs": parts | {_PARTIAL + name: _partial(part) for name, part in parts.items()},
    }


_PARTIAL = "Partial"


def _partial(schema: JsonValue) -> Any:
    """A part of a schema that demands no key, and refers to such parts only."""
    if isinstance(schema, list):
        return [_partial(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _partial(value) for key, value in schema.items() if key != "required"}
    if isinstance(reference := schema.get("$ref"), str):
        found["$ref"] = reference.replace("#/$defs/", f"#/$defs/{_PARTIAL}")
    return found
