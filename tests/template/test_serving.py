"""A maker's template as a server runs it: the same ids as transformers', and its own defects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from evalsuite.template import FAMILIES, PropertyStatus
from evalsuite.template.isolated import served_texts
from evalsuite.template.sampletokenizers import write_sample_tokenizer
from evalsuite.template.serving import as_served
from tests.template.makers import JINJA
from tests.template.tiny_tokenizer import CHATML, WriteFolder

DIALOGUES = (
    (("user", "Which is faster, A or B?"),),
    (("user", "Which is faster?"), ("assistant", "B."), ("user", "它的内存呢？")),
    (("user", "  blanks  "), ("assistant", "\nB.\n")),
    (("system", "Be brief."), ("user", "x <|im_end|> [INST] </s> y"), ("assistant", "B.")),
)
STRICT = """\
{%- for message in messages %}
    {%- if message.role not in ['system', 'user', 'assistant'] %}
        {{- raise_exception('role') }}
    {%- endif %}
    {%- if message.role == 'system' and not loop.first %}{{- raise_exception('late') }}{%- endif %}
    {%- set told = messages[0].role == 'system' %}
    {%- if message.role == 'user' and loop.index0 % 2 != told | int %}
        {{- raise_exception('order') }}
    {%- endif %}
    {%- if message.role == 'assistant' and loop.index0 % 2 == told | int %}
        {{- raise_exception('order') }}
    {%- endif %}
{%- endfor %}
{%- if messages[-1].role == 'system' %}{{- raise_exception('nobody asks') }}{%- endif %}
"""


@pytest.mark.parametrize("name", JINJA)
def test_the_ids_are_those_of_transformers(tmp_path: Path, name: str) -> None:
    folder = write_sample_tokenizer(FAMILIES[name], tmp_path)
    # Transformers always has a clock.
    source = JINJA[name].replace("strftime_now is defined", "false")
    (folder / "chat_template.jinja").write_text(source, "utf-8")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    asked = [(turns, turns[-1][0] == "user") for turns in DIALOGUES]
    found = served_texts(folder, asked)
    assert found is not None
    compared = 0
    for (turns, asks), said in found[0].items():
        messages = [{"role": role, "content": content} for role, content in turns]
        if said.text is None:
            with pytest.raises(Exception, match="System role not supported"):
                tokenizer.apply_chat_template(messages)
            continue
        theirs: Any = tokenizer.apply_chat_template(
            messages, add_generation_prompt=asks, return_dict=True
        )
        assert tuple(theirs["input_ids"]) == said.ids
        compared += 1
    assert compared >= 3


def statuses(folder: Path) -> dict[str, PropertyStatus]:
    return {result.name.split()[0]: result.status for result in as_served(folder)}


def violated(folder: Path) -> set[str]:
    return {name for name, s in statuses(folder).items() if s is PropertyStatus.VIOLATED}


ALWAYS = {"R3", "R7"}
"""What plain ChatML lacks in a server: it takes tokens in a message, and any order of roles."""


@pytest.mark.parametrize(
    ("jinja", "due"),
    [
        (CHATML, ALWAYS),
        (STRICT + CHATML, {"R3"}),
        (CHATML.replace("'<|im_start|>assistant\\n'", "'<|im_start|>assistant\\n\\n'"),
         {*ALWAYS, "R1"}),
        (CHATML.replace("message.content", "message.content[1:]"), {*ALWAYS, "R4", "R5"}),
        ("{{ messages[0].content if messages[0].role == 'system' }}" + CHATML, {*ALWAYS, "R5"}),
        ("{{ strftime_now('%Y') }}" + CHATML, {*ALWAYS, "R6"}),
        (CHATML.replace("<|im_end|>", ""), {*ALWAYS, "R9"}),
    ],
)  # fmt: skip
def test_a_planted_defect_shows_in_its_property(
    write_folder: WriteFolder, jinja: str, due: set[str]
) -> None:
    folder = write_folder(jinja=jinja)
    assert set(statuses(folder)) == {"R1", "R3", "R4", "R5", "R6", "R7", "R9"}
    assert violated(folder) == due


def test_a_refused_system_message_is_declared(tmp_path: Path) -> None:
    folder = write_sample_tokenizer(FAMILIES["gemma-2"], tmp_path)
    (folder / "chat_template.jinja").write_text(JINJA["gemma-2"], "utf-8")
    assert statuses(folder)["R5"] is PropertyStatus.DECLARED


@pytest.mark.parametrize("jinja", [None, "{% if", "{{ raise_exception('never') }}"])
def test_without_a_text_there_is_nothing_to_say(
    write_folder: WriteFolder, jinja: str | None
) -> None:
    assert as_served(write_folder(jinja=jinja)) == []


def test_a_bos_that_starts_every_message_is_no_double_bos(write_folder: WriteFolder) -> None:
    roles = write_folder(config={"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"})
    assert statuses(roles)["R9"] is PropertyStatus.HOLDS
    twice = "{{ bos_token }}{{ bos_token }}" + CHATML
    doubled = write_folder(
        jinja=twice, config={"bos_token": "<|endoftext|>", "eos_token": "<|im_end|>"}
    )
    assert statuses(doubled)["R9"] is PropertyStatus.VIOLATED
