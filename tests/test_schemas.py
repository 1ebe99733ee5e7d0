"""Every kind of file has a JSON Schema in the package, made from the models that read it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from evalsuite.cases.schema import json_schema as case_schema
from evalsuite.files.closedschema import schema_text
from evalsuite.gates import policy_schema
from evalsuite.gates.policyfile import POLICIES
from evalsuite.gates.waivers import waiver_schema
from evalsuite.prompts.demonstrations import demonstration_schema
from evalsuite.prompts.promptfile import prompt_schema
from evalsuite.regressions import regression_schema
from evalsuite.training.recipe import recipe_schema
from evalsuite.training.recipefile import RECIPES

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "evalsuite"
WAIVERS = """waivers:
  - gate: example_leakage
    adapter: 0123456789abcdef
    reason: The pilot's prompts show no demonstrations.
    by: Ada Lovelace
    expires: "2026-12-31"
"""
SCHEMAS: dict[str, tuple[Path, dict[str, Any]]] = {
    "case": (PACKAGE / "cases" / "case.schema.json", case_schema()),
    "case, for editors": (ROOT / "cases" / "case.schema.json", case_schema()),
    "demonstrations": (PACKAGE / "prompts" / "demonstrations.schema.json", demonstration_schema()),
    "policy": (POLICIES / "policy.schema.json", policy_schema()),
    "prompt": (PACKAGE / "prompts" / "prompt.schema.json", prompt_schema()),
    "recipe": (RECIPES / "recipe.schema.json", recipe_schema()),
    "regression": (PACKAGE / "regression.schema.json", regression_schema()),
    "waivers": (POLICIES / "waivers.schema.json", waiver_schema()),
}


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_published_schema_is_the_one_that_its_models_make(kind: str) -> None:
    path, schema = SCHEMAS[kind]
    Draft202012Validator.check_schema(schema)
    if os.environ.get("EVALSUITE_UPDATE_GOLDENS") == "1":
        path.write_text(schema_text(schema), "utf-8")
    assert path.read_text("utf-8") == schema_text(schema)


def faults(kind: str, document: Any) -> list[str]:
    found = Draft202012Validator(SCHEMAS[kind][1]).iter_errors(document)
    return [error.message for error in found]


SHIPPED = [
    *((path, "demonstrations") for path in sorted((ROOT / "cases/demonstrations").glob("*.yaml"))),
    *((path, "policy") for path in sorted(POLICIES.glob("*.yaml"))),
    *((path, "prompt") for path in sorted((ROOT / "examples/prompts").glob("*.yaml"))),
    *((path, "recipe") for path in sorted(RECIPES.glob("*.yaml"))),
]


@pytest.mark.parametrize(("path", "kind"), SHIPPED, ids=lambda value: Path(value).stem)
def test_a_schema_accepts_every_shipped_file_of_its_kind(path: Path, kind: str) -> None:
    document = yaml.safe_load(path.read_text("utf-8"))
    assert faults(kind, document) == []
    inside = document[0] if kind == "demonstrations" else document
    inside["surprise"] = 1
    assert any("surprise" in fault for fault in faults(kind, document))


def test_the_schema_of_waivers_accepts_a_waiver_and_asks_for_every_key() -> None:
    document = yaml.safe_load(WAIVERS)
    assert faults("waivers", document) == []
    del document["waivers"][0]["by"]
    assert faults("waivers", document) == ["'by' is a required property"]


@pytest.mark.parametrize("key", ["name", "method"])
def test_a_recipe_that_extends_no_other_says_its_name_and_its_method(key: str) -> None:
    document = {"name": "own", "method": "lora", "max_steps": 5}
    assert faults("recipe", document) == []
    del document[key]
    assert faults("recipe", document) != []
    assert faults("recipe", {"name": "own", "extends": "lora"}) == []
