"""The proposed policy as a file: only what differs, each value with its reason beside it."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterator, Sequence

import yaml

from evalsuite.calibration.limits import Proposal
from evalsuite.cases import Language
from evalsuite.gates import Policy, Proof, SliceBy
from evalsuite.gates.rules import SliceLimit

_WIDTH = 96
_SUFFIX = "-calibrated"
_LONGEST = 80
"""Characters of a policy's name."""


def policy_text(
    policy: Policy,
    extends: str,
    proposals: Sequence[Proposal],
    *,
    skills: Sequence[str],
    languages: Sequence[Language],
    base: str,
    adapter: str,
) -> str:
    """Return YAML that extends a policy.

    Args:
        policy: the one that is extended.
        extends: its name, or its path from where the file will lie.
        proposals: with a limit each.
        skills: that the base has.
        languages: that the policy asks in.
        base: name of the base.
        adapter: name of the reference.
    """
    named = {proposal.measure.name: proposal for proposal in proposals}

    def of(start: str) -> list[Proposal]:
        return [p for name, p in named.items() if name.startswith(start)]

    lines = [
        f"extends: {_quoted(extends)}",
        f"name: {policy.name[: _LONGEST - len(_SUFFIX)]}{_SUFFIX}",
        f"description: {_quoted(f'Calibrated with {adapter} on {base}.')}",
        "gates:",
        *_section(
            "  example_leakage:",
            *_panel(of("example_leakage"), languages),
            *_limit(named.get("example_leakage.literal"), "literal", "    "),
            *_limit(named.get("example_leakage.swap"), "swap", "    "),
            *_slices(policy.gates.example_leakage.slices, of("example_leakage.literal.")),
        ),
        *_section(
            "  pronoun_resolution:",
            *_panel(of("pronoun_resolution"), languages),
            *_limit(named.get("pronoun_resolution.failure_rate"), "failure_rate", "    "),
            *_limit(named.get("pronoun_resolution.non_inferiority"), "non_inferiority", "    "),
            *_slices(
                policy.gates.pronoun_resolution.slices, of("pronoun_resolution.failure_rate.")
            ),
        ),
        "  forgetting:",
        *_panel(of("forgetting.skills"), languages, each=len(skills)),
        "    skills:",
        *_comment("what the base has for sure in every language", "      "),
        f"      seeded: [{', '.join(skills)}]",
        *_worst(of("forgetting.skills"), "macro", "      "),
        *_section(
            "    text:",
            *_panel(of("forgetting.text"), languages, indent="      "),
            *_text_limit(policy, of("forgetting.text")),
        ),
    ]
    return "\n".join(lines) + "\n"


def _section(head: str, *lines: str) -> Iterator[str]:
    """A key and what stands under it; neither where that is nothing."""
    if lines:
        yield head
        yield from lines


def _quoted(text: str) -> str:
    """A path or a name as YAML reads it, whatever it holds: JSON's strings are YAML's."""
    return json.dumps(text, ensure_ascii=False)


def _comment(text: str, indent: str) -> Iterator[str]:
    for line in textwrap.wrap(text, _WIDTH - len(indent)):
        yield f"{indent}# {line}"


def _panel(
    proposals: Sequence[Proposal],
    languages: Sequence[Language],
    *,
    each: int = 1,
    indent: str = "    ",
) -> Iterator[str]:
    """The panel that suffices for all of some proposals, and which of them needs it."""
    if not proposals:
        return

    def in_each(proposal: Proposal) -> int:
        shared = 1 if proposal.measure.language else len(languages)
        # As many of each skill.
        return math.ceil(proposal.panel / shared / each) * each

    largest = max(proposals, key=in_each)
    n = in_each(largest)
    yield from _comment(f"{largest.measure.name}: {largest.reason}", indent)
    yield f"{indent}panel: {{{', '.join(f'{language}: {n}' for language in languages)}}}"


def _limit(proposal: Proposal | None, key: str, indent: str) -> Iterator[str]:
    """A limit, where it is not the one of the policy that is extended."""
    if proposal is None or proposal.limit in (None, proposal.measure.limit):
        return
    yield from _comment(proposal.reason, indent)
    yield f"{indent}{key}: {{limit: {proposal.limit:.4g}}}"


def _slices(rules: Sequence[SliceLimit], proposals: Sequence[Proposal]) -> Iterator[str]:
    """The slices with the limits that languages need; a list is written whole or not at all."""
    moved: dict[SliceLimit, Proposal] = {}
    for rule in rules:
        if rule.by is not SliceBy.LANGUAGE or rule.proof is not Proof.BOUND:
            continue
        about = [
            proposal
            for proposal in proposals
            if proposal.limit is not None
            and proposal.measure.limit == rule.limit
            and (not rule.only or proposal.measure.language in rule.only)
        ]
        largest = max(about, key=lambda proposal: proposal.limit or 0.0, default=None)
        if largest is not None and largest.limit != rule.limit:
            moved[rule] = largest
    if not moved:
        return
    yield "    slices:"
    for rule in rules:
        found = moved.get(rule)
        said = rule.model_dump(mode="json", exclude_defaults=True)
        if found is not None:
            yield from _comment(f"{found.measure.name}: {found.reason}", "      ")
            said["limit"] = float(f"{found.limit:.4g}")
        told = {"by": said.pop("by"), **said}
        written = yaml.safe_dump(told, default_flow_style=True, sort_keys=False, width=math.inf)
        yield f"      - {written.strip()}"


def _worst(proposals: Sequence[Proposal], key: str, indent: str) -> Iterator[str]:
    if proposals:
        yield from _limit(max(proposals, key=lambda p: p.limit or 0.0), key, indent)


def _text_limit(policy: Policy, proposals: Sequence[Proposal]) -> Iterator[str]:
    worst = max(proposals, key=lambda p: p.limit or 0.0, default=None)
    if worst is None or worst.limit in (None, worst.measure.limit):
        return
    rule = policy.gates.forgetting.text
    yield from _comment(worst.reason, "      ")
    yield f"      limit: {worst.limit:.4g}"
    if worst.limit > rule.harm:
        yield f"      harm: {worst.limit:.4g}"
