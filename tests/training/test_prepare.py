from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.conversation import Conversation
from evalsuite.errors import InvalidInput
from evalsuite.template import FAMILIES, ChatTemplate, Rendered, load_template
from evalsuite.template.sampletokenizers import write_sample_tokenizer
from evalsuite.training.prepare import IGNORED, encode, prepare
from evalsuite.training.recipe import DataRecipe
from evalsuite.training.samples import Sample, draw_samples


def sample(*turns: tuple[str, str], cluster: str = "c", group: str = "g") -> Sample:
    return Sample(Conversation.of(*turns), cluster, group, f"here:{turns[-1][1]}")


def rows(n: int, *, clusters: int) -> list[Sample]:
    return [
        sample(("user", f"q{i}"), ("assistant", "a"), cluster=f"c{i % clusters}") for i in range(n)
    ]


@given(st.lists(st.tuples(st.integers(0, 999), st.booleans())))
def test_labels_are_the_ids_where_they_are_learned_and_ignored_elsewhere(
    pairs: list[tuple[int, bool]],
) -> None:
    encoded = encode(Rendered(tuple(i for i, _ in pairs), tuple(m for _, m in pairs)))
    assert encoded.labels == tuple(i if m else IGNORED for i, m in pairs)
    assert encoded.learned == sum(m for _, m in pairs[1:])


def test_exactly_the_answer_and_its_stop_token_are_learned(template: ChatTemplate) -> None:
    one = sample(("system", "s"), ("user", "Where is it?"), ("assistant", "Where is X?"))
    done = prepare([one], template, max_length=256, validation=0.0, seed=0)
    learned = [i for i in done.train[0].labels if i != IGNORED]
    assert learned == [*template.encode("Where is X?"), template.stop_id]


def test_a_family_that_renders_the_newest_answer_otherwise_has_a_row_for_each_answer(
    tmp_path: Path,
) -> None:
    folder = write_sample_tokenizer(FAMILIES["qwen3"], tmp_path)
    template = load_template(folder, family="qwen3")
    one = sample(("user", "q"), ("assistant", "a"), ("user", "r"), ("assistant", "b"))
    done = prepare([one], template, max_length=256, validation=0.0, seed=0)
    learned = [template.decode([i for i in row.labels if i != IGNORED]) for row in done.train]
    thoughts = "<think>\n\n</think>\n\n"
    assert sorted(learned) == [f"{thoughts}a<|im_end|>", f"{thoughts}b<|im_end|>"]


def test_what_a_family_refuses_is_dropped_and_listed(tmp_path: Path) -> None:
    template = load_template(
        write_sample_tokenizer(FAMILIES["llama-2"], tmp_path), family="llama-2"
    )
    bad = sample(("user", "what is [INST]?"), ("assistant", "a"))
    good = sample(("user", "q"), ("assistant", "b"))
    done = prepare([bad, good], template, max_length=256, validation=0.0, seed=0)
    assert len(done.train) == 1
    assert [(d.source, "[INST]" in d.reason) for d in done.dropped] == [("here:a", True)]


def test_a_thought_is_dropped_where_it_is_more_than_text(
    tmp_path: Path, template: ChatTemplate
) -> None:
    thinking = load_template(write_sample_tokenizer(FAMILIES["qwen3"], tmp_path), family="qwen3")
    good = sample(("user", "q"), ("assistant", "a"))
    thought = sample(("user", "r"), ("assistant", "<think>hm</think>b"))
    done = prepare([good, thought], thinking, max_length=256, validation=0.0, seed=0)
    assert [d.reason.split(";")[0] for d in done.dropped] == [
        "thought: message 1 (assistant) holds <think>, a token of the model"
    ]
    # To a tokenizer without such tokens it is text like any other.
    assert "<think>" not in template.control_ids
    plain = prepare([good, thought], template, max_length=256, validation=0.0, seed=0)
    assert plain.dropped == ()


def test_each_answer_is_cut_to_its_own_window_where_each_is_a_row(tmp_path: Path) -> None:
    template = load_template(write_sample_tokenizer(FAMILIES["qwen3"], tmp_path), family="qwen3")
    turns = [(("user", "assistant")[i % 2], f"turn {i}") for i in range(20)]
    done = prepare([sample(*turns)], template, max_length=80, validation=0.0, seed=0)
    learned = [template.decode([i for i in row.labels if i != IGNORED]) for row in done.train]
    assert [text.split("\n\n")[-1] for text in learned] == [
        f"turn {i}<|im_end|>" for i in range(1, 20, 2)
    ]
    assert all(len(row.ids) <= 80 for row in done.train)
    assert done.groups == {"g": 1}
    assert done.truncated
    assert all("answer" in cut.reason for cut in done.truncated)


def test_duplicates_are_dropped_and_listed(template: ChatTemplate) -> None:
    one, two = (sample(("user", "q"), ("assistant", t)) for t in "ab")
    done = prepare([one, two, one], template, max_length=256, validation=0.0, seed=0)
    assert len(done.train) == 2
    assert [(d.source, d.reason) for d in done.dropped] == [("here:a", "duplicate: same as here:a")]


def test_a_long_sample_loses_whole_turns_but_never_its_answer(template: ChatTemplate) -> None:
    turns = [("user", "one " * 30), ("assistant", "two " * 30), ("user", "q"), ("assistant", "end")]
    done = prepare([sample(*turns)], template, max_length=60, validation=0.0, seed=0)
    assert template.parse(done.train[0].ids) == Conversation.of(*turns[2:])
    assert "2 oldest messages" in done.truncated[0].reason
    assert not done.dropped


def test_a_sample_that_cannot_be_cut_is_dropped_and_listed(template: ChatTemplate) -> None:
    long = sample(("user", "word " * 200), ("assistant", "end"))
    short = sample(("user", "q"), ("assistant", "a"))
    done = prepare([long, short], template, max_length=60, validation=0.0, seed=0)
    assert len(done.train) == 1
    assert [d.reason for d in done.dropped] == ["too long: more than 60 tokens"]


def test_nothing_left_is_an_error_that_counts_the_reasons(template: ChatTemplate) -> None:
    long = sample(("user", "word " * 200), ("assistant", "end"))
    with pytest.raises(InvalidInput, match=r"no sample is left.*'too long': 1"):
        prepare([long], template, max_length=60, validation=0.1, seed=0)


@settings(max_examples=20, deadline=None)
@given(st.integers(20, 60), st.integers(1, 30), st.floats(0, 0.5), st.integers(0, 3))
def test_no_cluster_is_split_and_the_share_is_not_far_exceeded(
    template: ChatTemplate, n: int, clusters: int, share: float, seed: int
) -> None:
    samples = rows(n, clusters=clusters)
    done = prepare(samples, template, max_length=64, validation=share, seed=seed)
    assert len(done.train) + len(done.validation) == n
    assert len(done.validation) <= 2 * share * n

    def clusters_of(part: tuple[object, ...]) -> set[str]:
        ids = {e.ids for e in part}  # type: ignore[attr-defined]
        return {s.cluster for s in samples if template.render(s.conversation).ids in ids}

    assert not clusters_of(done.train) & clusters_of(done.validation)


def test_each_group_gives_its_share_to_validation(template: ChatTemplate) -> None:
    samples = draw_samples(DataRecipe(samples=400, demonstrations=0), 0)
    done = prepare(samples, template, max_length=512, validation=0.1, seed=0)
    assert 0.05 < len(done.validation) / len(samples) < 0.15
    assert sum(done.groups.values()) == len(done.train)


def test_the_digest_depends_on_content_order_and_split_alone(template: ChatTemplate) -> None:
    def digest(samples: list[Sample], *, seed: int = 0, share: float = 0.2) -> str:
        return prepare(samples, template, max_length=64, validation=share, seed=seed).digest

    samples = rows(30, clusters=10)
    moved = [Sample(s.conversation, s.cluster, s.group, "elsewhere") for s in samples]
    assert digest(samples) == digest(moved)
    assert digest(samples) != digest(samples[::-1])
    assert digest(samples) != digest(samples, share=0.0)
    assert digest(samples) != digest(samples[:-1])
