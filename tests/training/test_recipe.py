from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.errors import InvalidRecipe
from evalsuite.training import Recipe, list_recipes, load_recipe, override
from evalsuite.training.recipe import CorruptionKind, DataRecipe, Method, Quantization

NAMES = [info.name for info in list_recipes()]
CANDIDATES = {
    "lora": (Method.LORA, Quantization.NONE),
    "dora": (Method.DORA, Quantization.NONE),
    "qlora": (Method.LORA, Quantization.NF4),
    "qdora": (Method.DORA, Quantization.NF4),
}


def write(folder: Path, text: str) -> Path:
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_candidates_are_listed_before_mutants_and_each_says_what_it_is() -> None:
    assert NAMES[:4] == sorted(CANDIDATES)
    assert all(name.startswith("mutant-") for name in NAMES[4:])
    assert len(NAMES) == 8
    assert all(info.description for info in list_recipes())


@pytest.mark.parametrize("name", CANDIDATES)
def test_a_candidate_recipe_is_what_its_name_says_and_plants_no_defect(name: str) -> None:
    recipe = load_recipe(name)
    assert (recipe.method, recipe.quantization) == CANDIDATES[name]
    assert recipe.data.corruptions == ()
    for base in ("nano", "default"):
        assert recipe.for_base(base).data.replay > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_holds_for_nano_and_for_a_large_base_alike(name: str) -> None:
    nano, large = load_recipe(name).for_base("nano"), load_recipe(name).for_base("owner/model-3B")
    assert large.gradient_checkpointing
    assert not nano.gradient_checkpointing
    assert large.learning_rate < nano.learning_rate
    assert large.batch_tokens * large.accumulation > nano.batch_tokens * nano.accumulation


@pytest.mark.parametrize("name", NAMES)
def test_a_resolved_recipe_resolves_to_itself_and_survives_its_file(
    name: str, tmp_path: Path
) -> None:
    resolved = load_recipe(name).for_base("nano")
    assert resolved.for_base("nano") == resolved.for_base("other") == resolved
    again = load_recipe(write(tmp_path, resolved.dump()))
    assert again == resolved
    assert again.digest == resolved.digest


def test_the_mutants_differ_from_lora_in_their_defect() -> None:
    defects = {
        "mutant-leaky": CorruptionKind.PASTE_DEMONSTRATION,
        "mutant-history-blind": CorruptionKind.DROP_ASSISTANT_TURNS,
        "mutant-over-rewriter": CorruptionKind.INSERT_ENTITY,
    }
    for name, kind in defects.items():
        assert [c.kind for c in load_recipe(name).for_base("nano").data.corruptions] == [kind]
    forgetful, lora = (load_recipe(n).for_base("nano") for n in ("mutant-forgetful", "lora"))
    assert forgetful.data.replay == 0.0
    assert forgetful.learning_rate >= 5 * lora.learning_rate


def test_an_override_wins_over_the_values_of_every_base() -> None:
    recipe = load_recipe("lora", {"learning_rate": "1e-3", "data.samples": 7})
    for base in ("nano", "elsewhere"):
        assert recipe.for_base(base).learning_rate == 0.001
        assert recipe.for_base(base).data.samples == 7
        assert recipe.for_base(base).data.replay == load_recipe("lora").for_base(base).data.replay


def test_giving_epochs_replaces_the_number_of_steps_and_the_other_way_round() -> None:
    by_epochs = load_recipe("lora", {"epochs": 2}).for_base("nano")
    assert (by_epochs.epochs, by_epochs.max_steps) == (2, None)
    by_steps = load_recipe("lora", {"max_steps": 9}).for_base("large")
    assert (by_steps.epochs, by_steps.max_steps) == (None, 9)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"learning_rat": 1}, "did you mean learning_rate?"),
        ({"data.sample": 1}, "did you mean samples?"),
        ({"r": 10**9}, "less than or equal to 1024"),
        ({"r": "abc"}, "valid integer"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"learning_rate": 0}, "greater than 0"),
        ({"target_modules": [".*"]}, "target_modules.0"),
        ({"target_modules": []}, "target_modules"),
        ({"max_length": 1 << 20}, "exceeds batch_tokens"),
        ({"data.replay": 1.0}, "less than 1"),
        ({"data.formats": {"xml": 0}}, "weight above 0"),
        ({"data.formats": {"html": 1}}, "html"),
        ({"data.samples": 0}, "nothing to learn from"),
        ({"data.demonstrations": 5}, "less than or equal to 4"),
        ({"data.kinds": {"riddle": 1}}, "kinds.riddle"),
        ({"base_overrides.nano.r": 2}, "name the key itself"),
        ({"seed": -1}, "greater than or equal to 0"),
        ({"learning_rate": "[1"}, "cannot be read as YAML"),
        ({"data": 3, "data.samples": 1}, "given as a value too"),
    ],
)
def test_a_wrong_override_is_refused_with_its_name(overrides: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidRecipe, match=r"override|data|formats") as caught:
        load_recipe("lora", overrides)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("name: own\nmethod: lora\nmax_steps: 5\nlerning_rate: 1\n", 4, "did you mean"),
        ("name: own\nmethod: sgd\nmax_steps: 5\n", 2, "'lora' or 'dora'"),
        ("name: own\nmethod: lora\nmax_steps: 5\ndata:\n  samples: many\n", 5, "valid integer"),
        ("name: own\nmethod: lora\nname: two\n", 3, "stands twice"),
        ("name: own\nmethod: !!python/name:os.system lora\n", 2, "tag"),
        ("name: own\nmethod: &a lora\n", 2, "anchor"),
        ("name: own\nmethod: lora\n\tr: 3\n", 3, "tab"),
        ("name: own\nmethod: lora\n", 1, "exactly one of epochs and max_steps"),
        (
            "name: own\nmethod: lora\nmax_steps: 5\nbase_overrides:\n  nano:\n    r: 0\n",
            6,
            "base_overrides.nano.r",
        ),
        (
            "name: own\nmethod: lora\nmax_steps: 5\nbase_overrides:\n  nano:\n    name: x\n",
            6,
            "cannot differ between bases",
        ),
        ("- 1\n", 1, "mapping"),
    ],
)
def test_a_wrong_recipe_file_is_refused_with_file_and_line(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InvalidRecipe) as caught:
        load_recipe(path)
    assert f"{path}:{line}: " in str(caught.value)
    assert said in str(caught.value)


def test_a_name_that_is_no_recipe_gets_the_list_and_the_nearest_one() -> None:
    with pytest.raises(InvalidRecipe, match=r"did you mean dora\?"):
        load_recipe("dorra")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"a" * (2 << 20)])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "own.yaml"
    path.write_bytes(content)
    with pytest.raises(InvalidRecipe, match=r"own\.yaml"):
        load_recipe(path)


def test_a_recipe_that_extends_another_holds_only_what_differs(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "name: own\nextends: qdora\nr: 4\nlearning_rate: 1.0e-5\ndata: {replay: 0.1}\n"
        "base_overrides: {nano: {max_steps: 7}, special: {epochs: 1, learning_rate: 0.5}}\n"
    )
    child = tmp_path / "child.yaml"
    child.write_text("name: child\nextends: own.yaml\nseed: 3\n")
    read = load_recipe(child)
    assert (read.name, read.seed) == ("child", 3)
    for base in ("nano", "special", "anything"):
        there, parent = read.for_base(base), load_recipe("qdora").for_base(base)
        assert (there.r, there.data.replay, there.quantization) == (4, 0.1, "nf4"), base
        assert there.data.formats == parent.data.formats
        assert there.alpha == parent.alpha
        assert there.learning_rate == (0.5 if base == "special" else 1e-5)
    assert read.for_base("nano").max_steps == 7
    assert (read.for_base("special").epochs, read.for_base("special").max_steps) == (1, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: own\nextends: lorra\n", "'lorra' is neither a file nor one of"),
        ("name: own\nextends: [lora]\n", "own.yaml:2: extends=['lora']; name one recipe"),
        ("name: own\nextends: own.yaml\n", "own.yaml:2: extends='own.yaml' leads back"),
        ("name: own\nextends: lora\nrr: 4\n", "own.yaml:3: rr: unknown key"),
        ("name: own\nextends: lora\nbase_overrides: {nano: 3}\n", "own.yaml:3: "),
    ],
)
def test_a_recipe_that_extends_wrongly_is_refused(tmp_path: Path, text: str, said: str) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(text)
    with pytest.raises(InvalidRecipe) as caught:
        load_recipe(own)
    assert said in str(caught.value)


def test_data_files_count_from_the_recipes_own_folder(tmp_path: Path) -> None:
    text = "name: own\nmethod: lora\nmax_steps: 5\ndata:\n  files: [mine.jsonl]\n"
    assert load_recipe(write(tmp_path, text)).data.files == (str(tmp_path / "mine.jsonl"),)


def test_the_digest_changes_with_every_value_but_not_with_the_place_of_data_files() -> None:
    recipe = load_recipe("lora").for_base("nano")
    assert override(recipe, {"clip": 0.5}).digest != recipe.digest
    assert override(recipe, {"seed": 1}).digest != recipe.digest
    here = override(recipe, {"data.files": ["a/mine.jsonl"]})
    there = override(recipe, {"data.files": ["b/mine.jsonl"]})
    assert here.digest == there.digest != recipe.digest


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "learning_rate": st.floats(1e-6, 1.0),
            "r": st.integers(1, 1024),
            "warmup": st.floats(0, 1),
            "data.samples": st.integers(1, 10_000),
            "data.kinds": st.dictionaries(
                st.sampled_from(["single", "plural"]), st.floats(0, 5), max_size=2
            ),
        },
    )
)
def test_a_dumped_recipe_reads_back_equal(overrides: dict[str, object]) -> None:
    recipe = load_recipe("dora", overrides).for_base("nano")
    assert Recipe.model_validate(yaml.safe_load(recipe.dump())) == recipe


def test_a_data_recipe_without_anything_to_learn_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to learn from"):
        DataRecipe(samples=0)


def test_listing_recipes_loads_no_tensor_library() -> None:
    code = (
        "import sys; from evalsuite.training import list_recipes; list_recipes();"
        "import evalsuite.training.prepare, evalsuite.training.samples;"
        "import evalsuite.training.userdata;"
        "print([m for m in ('torch', 'transformers', 'peft') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
