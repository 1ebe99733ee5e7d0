"""Policy files: what is shipped, what is refused and how."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from yaml import safe_load

from evalsuite.errors import InvalidInput, InvalidPolicy
from evalsuite.gates import (
    Gate,
    Policy,
    Tier,
    load_policy,
    parse_policy,
    policy_digest,
    policy_names,
    policy_schema,
)
from evalsuite.gates.policyfile import POLICIES

NANO = (POLICIES / "nano.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "advisory"),
    [("default", set()), ("nano", {Gate.REGRESSION}), ("smollm2", {Gate.REGRESSION})],
)
def test_every_shipped_policy_demands_every_gate_of_the_candidates_own(
    name: str, advisory: set[Gate]
) -> None:
    policy = load_policy(name)
    assert policy.name == name
    assert policy.enabled == tuple(Gate)
    assert set(Gate) - set(policy.required) == advisory


def test_three_policies_are_shipped() -> None:
    assert policy_names() == ("default", "nano", "smollm2")


def test_a_policy_that_names_no_language_or_source_means_what_it_meant() -> None:
    resolved = load_policy("nano").resolved
    assert resolved["languages"] == ["en", "zh"]
    old = json.loads(json.dumps(resolved))
    del old["languages"], old["gates"]["forgetting"]["text"]["source"]
    assert policy_digest(old) == load_policy("nano").digest
    read = {**old, "gates": json.loads(json.dumps(old["gates"]))}
    read["gates"]["forgetting"]["text"]["source"] = "passages"
    assert policy_digest(read) != load_policy("nano").digest
    assert policy_digest({**old, "languages": ["en"]}) != load_policy("nano").digest


@pytest.mark.parametrize(
    ("languages", "says"),
    [
        ("[]", "languages"),
        ("[fr]", "languages"),
        ("[en, en]", "names one twice"),
        (
            "[en]",
            "gates.example_leakage.panel names zh, which languages=\\['en'\\] leaves",
        ),
    ],
)
def test_languages_are_those_of_the_panels(languages: str, says: str) -> None:
    with pytest.raises(InvalidPolicy, match=says):
        parse_policy(f"languages: {languages}\n{NANO}")


def test_everyday_goldens_block_real_models_and_advise_on_nano() -> None:
    nano, default = load_policy("nano"), load_policy("default")
    assert nano.gates.pronoun_resolution.goldens.sets["everyday"] is Tier.ADVISORY
    assert nano.gates.pronoun_resolution.goldens.sets["nano"] is Tier.BLOCKING
    assert default.gates.pronoun_resolution.goldens.sets["everyday"] is Tier.BLOCKING


def test_the_attempts_of_a_lineage_together_err_no_more_than_one_would() -> None:
    # 1/2 + 1/6 + 1/12 + ... = 1: the first attempt may spend half of the error.
    policy = load_policy("nano")
    spent = [1 - policy.for_attempt(number).confidence for number in (1, 2, 3)]
    assert spent == pytest.approx([0.05 / 2, 0.05 / 6, 0.05 / 12])
    with pytest.raises(InvalidInput, match="number=0: attempts are counted from 1"):
        policy.for_attempt(0)


def test_only_a_comparison_that_may_decide_is_part_of_a_policys_digest() -> None:
    resolved = load_policy("nano").resolved
    assert isinstance(resolved["gates"], dict)
    compared = resolved["gates"]["regression"]
    assert isinstance(compared, dict)

    def digest(**rule: object) -> str:
        gates = {**resolved["gates"], "regression": {**compared, **rule}}  # type: ignore[dict-item]
        return policy_digest({**resolved, "gates": gates})

    without = policy_digest({**resolved, "gates": {**resolved["gates"], "regression": None}})
    assert digest(tier="advisory") == without
    assert digest(tier="blocking", enabled=False) == without
    assert digest(tier="blocking") != without
    assert digest(tier="blocking", assumed_icc=0.5) != digest(tier="blocking")
    assert policy_digest({**resolved, "search": {"kinds": []}}) == policy_digest(resolved)


def test_the_published_schema_is_the_one_that_is_enforced() -> None:
    published = json.loads((POLICIES / "policy.schema.json").read_text(encoding="utf-8"))
    assert published == policy_schema()


@pytest.mark.parametrize("name", policy_names())
def test_shipped_policies_satisfy_the_published_schema(name: str) -> None:
    schema = policy_schema()
    Draft202012Validator.check_schema(schema)
    data = safe_load((POLICIES / f"{name}.yaml").read_text(encoding="utf-8"))
    assert list(Draft202012Validator(schema).iter_errors(data)) == []


def test_only_a_margin_of_words_that_decides_is_part_of_the_digest() -> None:
    def with_words(words: object) -> Policy:
        data = load_policy("nano").model_dump(mode="json")
        data["gates"]["pronoun_resolution"]["words"] = words
        return Policy.model_validate(data)

    digest = load_policy("nano").digest
    assert with_words({"limit": 0.3}).digest == digest
    assert with_words({"limit": 0.3, "tier": "blocking"}).digest != digest
    # What a run before there was such a margin recorded of its policy has the same digest.
    recorded = load_policy("nano").model_dump(mode="json")
    del recorded["gates"]["pronoun_resolution"]["words"]
    assert policy_digest(recorded) == digest


def test_the_digest_ignores_layout_and_sees_every_number(tmp_path: Path) -> None:
    spaced = tmp_path / "mine.yaml"
    spaced.write_text("# my comment\n" + NANO.replace("0.02", "0.020"), encoding="utf-8")
    assert load_policy(spaced).digest == load_policy("nano").digest
    spaced.write_text(NANO.replace("limit: 0.02", "limit: 0.021", 1), encoding="utf-8")
    assert load_policy(str(spaced)).digest != load_policy("nano").digest


def test_writing_a_default_out_does_not_change_the_digest() -> None:
    explicit = NANO.replace("    minimum: 4\n", "    minimum: 4\n    tier: blocking\n")
    assert explicit != NANO
    assert parse_policy(explicit).digest == parse_policy(NANO).digest


def test_the_resolved_policy_reads_back_as_itself() -> None:
    policy = load_policy("nano")
    resolved: dict[str, Any] = policy.resolved
    assert Policy.model_validate_json(json.dumps(resolved)) == policy
    assert resolved["gates"]["liveness"]["enabled"] is True


def line_of(text: str, word: str) -> int:
    return next(i for i, line in enumerate(text.splitlines(), 1) if word in line)


def block_of(text: str, line: int) -> int:
    """The line of the block that holds ``line``."""
    lines = text.splitlines()
    depth = len(lines[line - 1]) - len(lines[line - 1].lstrip())
    above = range(line - 1, 0, -1)
    return next((i for i in above if len(lines[i - 1]) - len(lines[i - 1].lstrip()) < depth), 1)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    literal: {limit: 0.02}", "    literal: {limit: 2}", r"literal\.limit=2: .*less than"),
        ("    literal: {limit: 0.02}", '    literal: {limit: "0.02"}', r'limit="0\.02"'),
        ("    literal: {limit: 0.02}", "    literall: {limit: 0.02}", "did you mean 'literal'"),
        ("    swap: {limit: 0.05}", "    swap: {limit: .nan}", "swap.limit=NaN"),
        ("        nano: blocking", "        nano: blocked", "'blocking' or 'advisory'"),
        ("      - {by: kind, l", "      - {by: kind, only: [ordinals], l", r"only=\['ordinals'\]"),
        ("      - {by: kind, l", "      - {by: colour, l", "by=.colour"),
        ("confidence: 0.95", "confidence: 95", "confidence=95"),
        ("confidence: 0.95", "confidence: yes", "confidence=true"),
        ("      harm: 0.10", "      harm: 0.01", "harm=0.01 must not be below limit=0.05"),
        ("    panel: {en: 800, zh: 800}", "    panel: {fr: 400}", "panel.fr"),
        ("    panel: {en: 800, zh: 800}", "    panel: {}", "panel="),
        ("name: nano", "name: nano\nname: other", "key 'name' stands twice"),
        ("name: nano", "name: &a nano", "anchor"),
        ("name: nano", "name: !!python/name:os.system nano", "tag"),
        ("name: nano", "name: 2024-01-01", "quotes"),
    ],
)
def test_what_is_wrong_is_named_with_line_value_and_fix(old: str, new: str, words: str) -> None:
    text = NANO.replace(old, new)
    assert text != NANO
    with pytest.raises(InvalidPolicy, match=words) as caught:
        parse_policy(text, "mine.yaml")
    found = re.match(r"mine\.yaml:(\d+): ", str(caught.value))
    assert found is not None
    place = line_of(text, new.splitlines()[-1].strip())
    # A key that is missing, or a rule over a whole block, is told at the block's first line.
    assert int(found[1]) in (place, block_of(text, place))


def test_a_missing_key_names_the_place_where_it_belongs() -> None:
    text = NANO.replace("    swap: {limit: 0.05}\n", "")
    with pytest.raises(InvalidPolicy, match=r"mine.yaml:\d+: 'gates.example_leakage.swap' is miss"):
        parse_policy(text, "mine.yaml")


def test_all_problems_are_told_at_once() -> None:
    text = NANO.replace("literal: {limit: 0.02}", "literal: {limit: 7}").replace(
        "power: 0.9", "powers: 0.9"
    )
    with pytest.raises(InvalidPolicy) as caught:
        parse_policy(text)
    assert len(str(caught.value).splitlines()) == 3


def test_a_policy_that_cannot_say_no_is_refused() -> None:
    data: dict[str, Any] = load_policy("nano").resolved
    for rule in data["gates"].values():
        rule["tier"] = "advisory"
    with pytest.raises(InvalidPolicy, match="must be able to say no"):
        parse_policy(json.dumps(data))


def test_an_advisory_kind_cannot_have_a_slice_of_its_own() -> None:
    data: dict[str, Any] = load_policy("nano").resolved
    rule = data["gates"]["pronoun_resolution"]
    rule["advisory_kinds"] = ["ordinal"]
    rule["slices"].append({"by": "kind+language", "only": ["ordinal+zh"], "limit": 0.5})
    with pytest.raises(InvalidPolicy, match=r"\['ordinal'\], which advisory_kinds sets aside"):
        parse_policy(json.dumps(data))


@pytest.mark.parametrize("name", ["nanoo", "missing.yaml", "", "."])
def test_an_unknown_policy_names_the_shipped_ones(name: str) -> None:
    with pytest.raises(InvalidPolicy, match="default, nano"):
        load_policy(name)


@pytest.mark.parametrize("text", ["", "# nothing\n", "just a word", "- a\n- b\n", "[", "a: 1\n"])
def test_files_that_hold_no_policy_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidPolicy, match=r"p\.yaml"):
        load_policy(path)


def test_a_policy_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_bytes(b"name: \xff\xfe\n")
    with pytest.raises(InvalidPolicy, match="UTF-8"):
        load_policy(path)
