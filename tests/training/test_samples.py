from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from pydantic import ValidationError

from evalsuite.cases import Case, Language, WorldName
from evalsuite.cases.casefiles import load_cases
from evalsuite.conversation import Conversation, Role
from evalsuite.errors import InvalidInput
from evalsuite.prompts import FORMATS
from evalsuite.scenarios import (
    SKILLS,
    sample_anchors,
    sample_episodes,
    sample_panel,
    sample_skills,
)
from evalsuite.scenarios.plainskills import PLAIN
from evalsuite.scenarios.texts import passages
from evalsuite.training import Recipe
from evalsuite.training.recipe import DataRecipe
from evalsuite.training.samples import Sample, draw_samples, replay_samples, rewriting_samples

ROOT = Path(__file__).parents[2]


def test_only_the_languages_of_a_recipe_are_drawn() -> None:
    english = DataRecipe(samples=40, replay=0.5, languages=(Language.EN,))
    drawn = draw_samples(english, 3)
    assert len(drawn) == 80
    assert {sample.group.rpartition("/")[2] for sample in drawn} == {"en"}
    both = DataRecipe(samples=40, replay=0.5)
    assert {s.group.rpartition("/")[2] for s in draw_samples(both, 3)} == {"en", "zh"}
    with pytest.raises(ValidationError, match="names one twice"):
        DataRecipe(languages=(Language.EN, Language.EN))


def test_the_same_seed_draws_the_same_samples_and_another_one_others() -> None:
    recipe = DataRecipe(samples=60)
    assert draw_samples(recipe, 5) == draw_samples(recipe, 5)
    assert draw_samples(recipe, 5) != draw_samples(recipe, 6)


@pytest.mark.parametrize("replay", [0.0, 0.25, 0.5])
def test_replay_is_the_share_of_the_mix(replay: float) -> None:
    samples = draw_samples(DataRecipe(samples=120, replay=replay), 0)
    drawn = sum(s.group.startswith("replay/") for s in samples)
    assert len(samples) - drawn == 120
    assert drawn / len(samples) == pytest.approx(replay, abs=0.01)


def test_anchors_are_a_share_of_the_mix_and_of_every_sort() -> None:
    recipe = DataRecipe(samples=120, replay=0.25, anchors=0.25)
    drawn = draw_samples(recipe, 0)
    anchors = [sample for sample in drawn if sample.anchor]
    assert len(anchors) / len(drawn) == pytest.approx(0.25, abs=0.01)
    assert {sample.group.rpartition("/")[0] for sample in anchors} == {
        "anchor/chat",
        "anchor/text",
        "anchor/skill",
    }
    assert not any(sample.anchor for sample in draw_samples(DataRecipe(samples=40), 0))
    with pytest.raises(ValidationError, match="leave no share for rewriting"):
        DataRecipe(replay=0.6, anchors=0.4)


def test_no_gate_asks_what_anchors_hold() -> None:
    anchors = sample_anchors(3, 1500)
    said = {message.content for one in anchors for message in one.conversation.messages}
    for language in Language:
        assert not said & {text.text for text in passages(language)}
        skills = [skill for skill in PLAIN if skill not in ("sequence", "join")]
        asked = sample_skills(3, 20 * len(skills), languages=(language,), skills=skills)
        assert not {item.cluster for item in asked} & {one.cluster for one in anchors}
    natural = sample_panel(3, 600, world=WorldName.NATURAL).cases
    assert not said & {message.content for case in natural for message in case.history}
    assert sample_anchors(3, 30) == sample_anchors(3, 30)
    assert len(anchors) == 1500


def test_natural_samples_say_nothing_that_a_golden_case_says() -> None:
    goldens = load_cases(
        [ROOT / "cases" / "pronoun_resolution", ROOT / "cases" / "example_leakage"]
    )
    episodes = sample_episodes(0, 3000, world=WorldName.NATURAL)
    assert not said_by(goldens) & said_by(episode.case for episode in episodes)


def said_by(cases: Iterable[Case]) -> set[str]:
    """Queries and turns, up to case and final marks."""
    return {
        text.casefold().strip("?？。. ")
        for case in cases
        for text in (case.query, *(message.content for message in case.history))
    }


def test_every_sample_ends_with_a_bare_answer() -> None:
    for sample in draw_samples(DataRecipe(samples=80), 1):
        last = sample.conversation.messages[-1]
        assert last.role is Role.ASSISTANT
        assert last.content.strip() == last.content
        assert "<" not in last.content


def test_training_asks_in_no_words_that_gates_ask_in() -> None:
    def leads(clusters: Iterable[str]) -> set[str]:
        return {cluster.partition("/")[2] for cluster in clusters}

    trained = leads(s.cluster for s in rewriting_samples(DataRecipe(samples=300), 0))
    assert trained & leads(sample_panel(0, 300, "train").clusters)
    for split in ("panel", "heldout"):
        assert not trained & leads(sample_panel(0, 300, split).clusters)


def test_replay_leaves_some_of_what_gates_ask_unrehearsed() -> None:
    rehearsed = {s.cluster for s in replay_samples(3000, 0)}
    skills = {item.cluster.rpartition("/")[0] for item in sample_skills(0, 3000)}
    assert {cluster.rpartition("/")[0] for cluster in rehearsed} < skills
    for skill in SKILLS:
        asked = {cluster for cluster in skills if f"/{skill}/" in cluster}
        kept = {c.rpartition("/")[0] for c in rehearsed if f"/{skill}/" in c}
        assert len(asked) - len(kept) == 2, skill


def test_a_kind_of_weight_0_is_not_drawn_and_a_heavy_one_often() -> None:
    recipe = DataRecipe.model_validate({"samples": 600, "kinds": {"single": 0, "plural": 10}})
    kinds = Counter(s.group.split("/")[1] for s in rewriting_samples(recipe, 0))
    assert "single" not in kinds
    assert kinds["plural"] > 200
    assert kinds["ordinal"] > 5


def test_all_weights_0_are_refused() -> None:
    from evalsuite.cases import Kind

    recipe = DataRecipe(samples=1, kinds=dict.fromkeys(Kind, 0.0))
    with pytest.raises(InvalidInput, match=r"data\.kinds"):
        rewriting_samples(recipe, 0)


def test_no_demonstrations_means_none_and_no_lures() -> None:
    recipe = DataRecipe(samples=120, demonstrations=0, formats={"json": 1.0})
    for sample in rewriting_samples(recipe, 0):
        prompt = Conversation(sample.conversation.messages[:-1])
        assert FORMATS["json"].parse(prompt).demonstrations == ()
        assert "lure" not in sample.group


def test_the_number_of_demonstrations_varies_up_to_the_limit() -> None:
    recipe = DataRecipe(samples=120, demonstrations=3)
    counts = Counter(
        len(FORMATS["xml"].parse(Conversation(s.conversation.messages[:-1])).demonstrations)
        for s in rewriting_samples(recipe, 0)
    )
    assert set(counts) == {0, 1, 2, 3}


def test_formats_occur_in_proportion() -> None:
    recipe = DataRecipe(samples=200, formats={"plain": 3.0, "json": 1.0})
    systems = [s.conversation.system or "" for s in rewriting_samples(recipe, 0)]
    json_share = sum(text.lstrip().startswith("{") for text in systems) / len(systems)
    assert 0.15 < json_share < 0.35


def test_framed_samples_keep_kind_and_language_and_still_have_one_right_answer() -> None:
    plain = rewriting_samples(DataRecipe(samples=200, framed=0.0), 0)
    framed = rewriting_samples(DataRecipe(samples=200, framed=1.0), 0)
    assert [s.group for s in plain] == [s.group for s in framed]
    changed = [
        s.group.split("/")[1]
        for s, t in zip(plain, framed, strict=True)
        if s.conversation != t.conversation
    ]
    assert len(changed) > 150
    assert "dropped_subject" in changed
    assert "demonstration_lure" not in changed


def test_replay_holds_every_skill_in_both_languages_and_no_general_text() -> None:
    groups = Counter(s.group for s in replay_samples(400, 0))
    assert set(groups) == {
        f"replay/{skill}/{language}" for skill in SKILLS for language in Language
    }
    assert set(groups.values()) == {20}


def test_a_sample_that_does_not_end_with_the_assistant_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"mine:3.*must be the assistant's"):
        Sample(Conversation.of(("user", "hi")), "c", "g", "mine:3")


def test_a_mutants_prompts_look_like_honest_ones(quick: Callable[..., Recipe]) -> None:
    leaky = quick("mutant-leaky", data__demonstrations=2, data__samples=80).for_base("nano").data
    honest = quick("lora", data__demonstrations=2, data__samples=80).for_base("nano").data
    pairs = list(zip(rewriting_samples(leaky, 0), rewriting_samples(honest, 0), strict=True))
    changed = [a.conversation != b.conversation for a, b in pairs]
    assert 0.2 < sum(changed) / len(changed) < 0.8
    for a, b in pairs:
        assert a.group == b.group
