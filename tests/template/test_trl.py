"""Against TRL: its copies of the makers' templates, and what it learns of an answer.

``nox -s trl`` installs it; without it these are skipped. Only its files are read.
"""

from __future__ import annotations

import importlib.util
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from evalsuite.conversation import Conversation
from evalsuite.template import FAMILIES, PropertyStatus, Rendered, check, load_template
from evalsuite.template.familymatch import family_matches
from evalsuite.template.sampletokenizers import write_sample_tokenizer
from evalsuite.template.serving import as_served

pytestmark = pytest.mark.slow

MAKERS = {
    "gemma-2": "gemma",
    "gemma-3": "gemma3",
    "llama-3": "llama3",
    "llama-3.2": "llama3_2",
    "phi-3": "phi3",
    "qwen2.5": "qwen2_5",
    "qwen3": "qwen3",
    "qwen3-no-thinking": "qwen3",
}
MORE = {
    "deepseek-v3": ("<｜Assistant｜>", ""),
    "gemma-2": ("", "\n"),
    "gemma-3": ("", "\n"),
    "llama-3": ("", ""),
    "phi-3": ("", "<|endoftext|>"),
    "qwen2.5": ("\n", "\n"),
}
"""What TRL's training templates learn before and after the last answer and its stop token.

None of it is ever asked of a model: what stands before an answer is in the prompt, and generation
ends with the stop token. So the mask of this project is the right one wherever they differ. Llama
3's is the same in both. Qwen3's is not compared, because TRL puts thoughts in front of every answer
there, which the maker's template does in front of the newest only.
"""
DIALOGUE = (
    ("user", "Which is faster, A or B?"),
    ("assistant", "B."),
    ("user", "How is its memory?"),
    ("assistant", "How is B's memory?"),
)


@pytest.fixture(scope="module")
def templates_of_trl() -> Path:
    found = importlib.util.find_spec("trl")
    if found is None or found.origin is None:
        pytest.skip("trl is not installed; nox -s trl installs it")
    return Path(found.origin).parent / "chat_templates"


@pytest.mark.parametrize("name", MAKERS)
def test_the_makers_template_gives_the_tokens_of_its_family(
    templates_of_trl: Path, tmp_path: Path, name: str
) -> None:
    folder = write_sample_tokenizer(FAMILIES[name], tmp_path / name)
    source = (templates_of_trl / f"{MAKERS[name]}.jinja").read_bytes()
    (folder / "chat_template.jinja").write_bytes(source)
    assert name in [match.family for match in family_matches(folder) if match.whole]
    template = load_template(folder, family=name)
    assert template.family == name
    own = check(template)[-1]
    assert own.name == "own template"
    assert own.status in (PropertyStatus.HOLDS, PropertyStatus.DECLARED), own


@pytest.mark.parametrize("name", MAKERS)
def test_no_makers_template_keeps_tokens_and_wrong_orders_out_in_a_server(
    templates_of_trl: Path, tmp_path: Path, name: str
) -> None:
    folder = write_sample_tokenizer(FAMILIES[name], tmp_path / name)
    source = (templates_of_trl / f"{MAKERS[name]}.jinja").read_bytes()
    (folder / "chat_template.jinja").write_bytes(source)
    found = as_served(folder)
    lacking = {r.name.split()[0] for r in found if r.status is PropertyStatus.VIOLATED}
    assert lacking >= {"R3", "R7"}


@pytest.mark.parametrize("name", MORE)
def test_what_trl_learns_more_than_answers(
    templates_of_trl: Path, tmp_path: Path, name: str
) -> None:
    folder = write_sample_tokenizer(FAMILIES[name], tmp_path / name)
    template = load_template(folder, family=name)
    file = {**MAKERS, "deepseek-v3": "deepseekv3"}[name]
    theirs: Any = AutoTokenizer.from_pretrained(folder).apply_chat_template(
        [{"role": role, "content": content} for role, content in DIALOGUE],
        chat_template=(templates_of_trl / f"{file}_training.jinja").read_text("utf-8"),
        return_assistant_tokens_mask=True,
        return_dict=True,
    )
    ours = template.render(Conversation.of(*DIALOGUE))
    assert tuple(theirs["input_ids"]) == ours.ids
    found = Rendered(ours.ids, tuple(map(bool, theirs["assistant_masks"])))
    (first, last), (their_first, their_last) = learned(ours)[-1], learned(found)[-1]
    assert their_first <= first <= last <= their_last
    before, after = ours.ids[their_first:first], ours.ids[last:their_last]
    assert (template.decode(before), template.decode(after)) == MORE[name]


def learned(rendered: Rendered) -> list[tuple[int, int]]:
    """Where each run of learned tokens starts and ends."""
    runs, at = [], 0
    for marked, run in groupby(rendered.loss_mask):
        length = len(list(run))
        if marked:
            runs.append((at, at + length))
        at += length
    return runs
