"""Inferred formats in the notation of families, and folders that are loaded so."""

from __future__ import annotations

from pathlib import Path

import pytest

import evalsuite.template.ownformat as ownformat
from evalsuite.conversation import Conversation, Message, Role
from evalsuite.errors import InvalidConversation, TemplateError
from evalsuite.template import FAMILIES, INFERRED, PropertyStatus, check, load_template
from evalsuite.template.ownformat import own_format, own_wire
from evalsuite.template.sampletokenizers import write_sample_tokenizer, write_tokenizer
from evalsuite.template.spelling import text
from evalsuite.template.tokenizerfolder import read_tokenizer
from tests.template.makers import JINJA

OF_TWO = Conversation.of(("user", "Who?"), ("assistant", "Li Bai."), ("user", "His poems?"))
ANSWERED = OF_TWO.then(Role.ASSISTANT, "Li Bai's poems?")
SYSTEM = Conversation((Message(Role.SYSTEM, "Be brief."), *ANSWERED.messages))
ROLES = ("<|im_start|>", "<|im_end|>")
DEFAULT = (
    "{% if messages[0].role != 'system' %}{{ '<|im_start|>system\nBe {brief}.<|im_end|>\n' }}"
    "{% endif %}"
)
LLAMA_2 = (
    "{% set told = messages[0].content if messages[0].role == 'system' else '' %}"
    "{% set turns = messages[1:] if told else messages %}"
    "{% for m in turns %}{% if m.role == 'user' %}"
    "{% set said = '<<SYS>>\n' + told + '\n<</SYS>>\n\n' + m.content if loop.first and told "
    "else m.content %}{{ bos_token + '[INST] ' + said | trim + ' [/INST]' }}"
    "{% else %}{{ ' ' + m.content | trim + ' ' + eos_token }}{% endif %}{% endfor %}"
)
R1 = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}{{ '<U>' + m.content + '<A>' }}"
    "{% elif m.role == 'system' %}{{ m.content }}{% else %}{{ m.content + eos_token }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<think>\n' }}{% endif %}"
)
PLAIN = (
    "{% for m in messages %}{{ m.role + ': ' + m.content + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
)
GLM = (
    "{{ '[g]<sop>' }}{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
HARMONY = (
    "{% for m in messages %}{{ '<|start|>' + m.role }}{% if m.role == 'assistant' %}"
    "{{ '<|channel|>final<|message|>' + m.content + ('<|return|>' if loop.last else '<|end|>') }}"
    "{% else %}{{ '<|message|>' + m.content + '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant' }}{% endif %}"
)
UNCLOSED = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content }}"
    "{% if not loop.last or m.role != 'assistant' %}{{ '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
NEMO = (
    "{% set told = messages[0].content if messages[0].role == 'system' else '' %}{{ bos_token }}"
    "{% for m in (messages[1:] if told else messages) %}{% if m.role == 'user' %}"
    "{{ '[INST]' + (told + '\n\n' if loop.last and told else '') + m.content + '[/INST]' }}"
    "{% else %}{{ m.content + eos_token }}{% endif %}{% endfor %}"
)
FIRST_IN_PROMPTS = (
    "{% for m in messages %}{% if m.role != 'system' or add_generation_prompt %}"
    "{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CHANNELS = ("<|start|>", "<|message|>", "<|channel|>", "<|end|>", "<|return|>")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(ownformat, "_known", {})
    return tmp_path / "cache" / "evalsuite" / "templates"


def folder_with(
    tmp_path: Path, source: str, tokens: tuple[str, ...] = ROLES, **config: str
) -> Path:
    named = {"eos_token": tokens[-1], **config}
    return write_tokenizer(tmp_path / "model", tokens, source, named)


@pytest.mark.parametrize("name", sorted(set(JINJA) - {"qwen3-no-thinking"}))
def test_the_template_of_a_family_says_the_same_as_the_family(name: str, tmp_path: Path) -> None:
    folder = write_sample_tokenizer(FAMILIES[name], tmp_path)
    (folder / "chat_template.jinja").write_text(JINJA[name], "utf-8")
    files = read_tokenizer(folder)
    found = own_format(files)
    wire = own_wire(files, found, {})
    assert found.departure(FAMILIES[name]) is None
    assert (wire.stop, wire.bos) == (FAMILIES[name].stop, FAMILIES[name].bos)
    assert wire.takes_system is FAMILIES[name].takes_system
    told = [c for c in (OF_TWO, ANSWERED, SYSTEM) if c.system is None or wire.takes_system]
    assert [text(wire, c) for c in told] == [text(FAMILIES[name], c) for c in told]
    assert load_template(folder).family == name


def test_a_template_of_no_family_is_inferred_and_keeps_every_property(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, DEFAULT + JINJA["chatml"])
    template = load_template(folder)
    assert template.family == INFERRED
    assert template.default_system == "Be {brief}."
    held = {PropertyStatus.HOLDS, PropertyStatus.DECLARED}
    results = [r for r in check(template) if not r.name.needs_provenance]
    assert [r for r in results if r.status not in held and r.name.number != "R9"] == []


def test_a_prompt_with_a_header_of_its_own(tmp_path: Path) -> None:
    tokens = ("<s>", "<U>", "<A>", "<think>", "</think>", "</s>")
    template = load_template(folder_with(tmp_path, R1, tokens, bos_token="<s>"))
    prompt = template.prompt(OF_TWO)
    assert template.decode(prompt).endswith("<U>His poems?<A><think>\n")
    first, last = template.samples(ANSWERED)
    assert last.ids[: len(prompt)] == prompt
    learned = [i for i, kept in zip(last.ids, last.loss_mask, strict=True) if kept]
    assert template.decode(learned) == "\n</think>\n\nLi Bai's poems?</s>"
    assert template.decode(first.ids).startswith("<s><U>Who?<A><think>\n")
    said = template.answer_ids("Li Bai's poems?")
    assert template.answer(said) == "Li Bai's poems?"
    thought = template.encode("First, who?") + said
    assert template.answer(thought) == "Li Bai's poems?"
    assert template.answer(template.encode("First, who?")) == ""


@pytest.mark.parametrize(
    ("source", "tokens", "stop", "said"),
    [
        (GLM, ("<sop>", "<|system|>", "<|assistant|>", "<|user|>"), "<|user|>", "{}<|user|>"),
        (UNCLOSED, ROLES, "<|im_end|>", "{}<|im_end|>"),
        (HARMONY, CHANNELS, "<|return|>", "<|channel|>final<|message|>{}<|return|>"),
        (JINJA["chatml"].replace("'<|im_end|>\n'", "'\n'"), ROLES[::-1], ROLES[0], "{}\n{stop}"),
    ],
    ids=["next message", "unclosed", "two stops", "a role's"],
)
def test_an_answer_that_its_maker_ends_otherwise_or_not_at_all(
    tmp_path: Path, source: str, tokens: tuple[str, ...], stop: str, said: str
) -> None:
    template = load_template(folder_with(tmp_path, source, tokens))
    assert template.control_ids[stop] == template.stop_id
    results = [r for r in check(template) if not r.name.needs_provenance]
    held = {PropertyStatus.HOLDS, PropertyStatus.DECLARED}
    assert [r for r in results if r.status not in held] == []
    due = [said.replace("{}", m).replace("{stop}", stop) for m in ("Li Bai.", "Li Bai's poems?")]
    learned = [
        i
        for sample in template.samples(SYSTEM)
        for i, kept in zip(sample.ids, sample.loss_mask, strict=True)
        if kept
    ]
    assert template.decode(learned) == "".join(due)
    assert template.parse(template.render(SYSTEM).ids) == SYSTEM


@pytest.mark.parametrize(
    ("source", "tokens"),
    [(NEMO, ("<s>", "[INST]", "[/INST]", "</s>")), (FIRST_IN_PROMPTS, ROLES)],
    ids=["last", "first"],
)
def test_a_system_message_that_is_told_in_prompts_only_is_trained_with_too(
    tmp_path: Path, source: str, tokens: tuple[str, ...]
) -> None:
    template = load_template(folder_with(tmp_path, source, tokens, bos_token=tokens[0]))
    assert template.prompts_only
    asked = Conversation(SYSTEM.messages[:-1])
    assert "Be brief." in template.decode(template.prompt(asked))
    # What is learned stands behind what is asked; the maker's own dialogue leaves it out.
    prompt = template.prompt(asked)
    assert template.samples(SYSTEM)[-1].ids[: len(prompt)] == prompt
    assert "Be brief." not in template.decode(template.uncut(SYSTEM))
    results = [r for r in check(template) if not r.name.needs_provenance]
    held = {PropertyStatus.HOLDS, PropertyStatus.DECLARED}
    assert [r for r in results if r.status not in held] == []
    [own] = [r for r in results if r.name.number == "own"]
    assert "leaves the system message out of a dialogue" in own.detail


def test_a_thought_in_a_message_of_another_channel_is_no_answer(tmp_path: Path) -> None:
    template = load_template(folder_with(tmp_path, HARMONY, CHANNELS))
    token = template.control_ids
    thought = (
        token["<|channel|>"], *template.encode("analysis"), token["<|message|>"],
        *template.encode("First, who?"), token["<|end|>"],
    )  # fmt: skip
    said = template.answer_ids("Li Bai's poems?")
    again = (token["<|start|>"], *template.encode("assistant"), *said)
    assert template.answer(said) == "Li Bai's poems?"
    assert template.answer((*thought, *again)) == "Li Bai's poems?"
    assert template.answer(thought) == ""
    # A model that speaks without any channel has said what it said.
    assert template.answer(template.encode("Whose poems?")) == "Whose poems?"


def test_a_question_behind_a_system_message_keeps_what_the_makers_template_leaves(
    tmp_path: Path,
) -> None:
    """Llama 2's strips the system message and the first question as one text."""
    folder = write_sample_tokenizer(FAMILIES["llama-2"], tmp_path)
    (folder / "chat_template.jinja").write_text(LLAMA_2, "utf-8")
    template = load_template(folder)
    assert template.family == INFERRED
    told = Conversation.of(("system", " Be brief. "), ("user", " Who? "))
    assert "[INST] <<SYS>>\n Be brief. \n<</SYS>>\n\n Who? [/INST]" in (
        template.decode(template.prompt(told))
    )
    bare = template.decode(template.prompt(Conversation(told.turns)))
    assert "[INST] Who? [/INST]" in bare
    [own] = [r for r in check(template) if r.name.number == "own"]
    assert own.status is PropertyStatus.HOLDS


def test_an_argument_of_the_template_is_part_of_the_name(tmp_path: Path) -> None:
    folder = write_sample_tokenizer(FAMILIES["qwen3"], tmp_path)
    (folder / "chat_template.jinja").write_text(JINJA["qwen3"], "utf-8")
    quiet = load_template(folder, family="inferred:enable_thinking=false")
    assert quiet.family == "inferred:enable_thinking=false"
    assert quiet.arguments == {"enable_thinking": False}
    named = load_template(folder, family="qwen3-no-thinking")
    assert quiet.prompt(OF_TWO) == named.prompt(OF_TWO)
    assert quiet.samples(ANSWERED) == named.samples(ANSWERED)
    assert [r for r in check(quiet) if r.status is PropertyStatus.VIOLATED] == []
    with pytest.raises(TemplateError, match="'enable_thinking' must be an argument"):
        load_template(folder, family="inferred:enable_thinking")


def test_the_template_of_another_model_is_told_by_its_tokens(tmp_path: Path) -> None:
    foreign = JINJA["chatml"].replace("<|im_start|>", "<|turn|>")
    for source, noted in ((foreign, True), (JINJA["chatml"], False)):
        template = load_template(folder_with(tmp_path / str(noted), source))
        [own] = [r for r in check(template) if r.name.number == "own"]
        assert ("'<|turn|>': written like a control token" in own.detail) is noted, own
        assert (own.status is PropertyStatus.DECLARED) is noted


def test_a_template_that_needs_what_nobody_gives_it_is_told_so(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "{{ company.upper() }}" + JINJA["chatml"])
    with pytest.raises(TemplateError, match=r"'company' is undefined.*is given messages") as caught:
        load_template(folder)
    assert f"{folder}#inferred:NAME=true" in str(caught.value)


def test_a_message_that_the_template_takes_for_another_is_refused_by_name(tmp_path: Path) -> None:
    source = JINJA["chatml"].replace("m.content", "m.content + ('!' if m == messages[0] else '')")
    with pytest.raises(TemplateError, match="between user and assistant depends on its place"):
        load_template(folder_with(tmp_path / "first", source))
    again = JINJA["chatml"].replace(
        "m.content", "m.content + ('!' if not loop.first and m == messages[0] else '')"
    )
    template = load_template(folder_with(tmp_path / "again", again))
    with pytest.raises(InvalidConversation, match=r"message 2 \(user\) says what an earlier"):
        template.prompt(Conversation.of(("user", "a"), ("assistant", "b"), ("user", "a")))
    [own] = [r for r in check(template) if r.name.number == "own"]
    assert own.status is PropertyStatus.DECLARED
    assert "it takes both for one" in own.detail


def test_what_is_refused_is_refused_as_one_text_too(tmp_path: Path) -> None:
    source = JINJA["chatml"].replace("m.content", "m.content.split('</x>')[-1]")
    template = load_template(folder_with(tmp_path, source))
    with pytest.raises(InvalidConversation, match="holds '</x>'"):
        template.uncut(Conversation.of(("user", "a </x> b")))


def test_contents_as_parts(tmp_path: Path) -> None:
    source = JINJA["chatml"].replace("m.content", "m.content[0].text")
    template = load_template(folder_with(tmp_path, source))
    assert template.parts
    [own] = [r for r in check(template) if r.name.number == "own"]
    assert own.status is PropertyStatus.HOLDS


def test_a_content_with_a_reserved_word_is_refused_by_name(tmp_path: Path) -> None:
    source = JINJA["chatml"].replace("m.content", "m.content.split('</x>')[-1]")
    template = load_template(folder_with(tmp_path, source))
    with pytest.raises(InvalidConversation, match=r"message 2 \(user\) holds '</x>'"):
        template.prompt(Conversation.of(("user", "a"), ("assistant", "b"), ("user", "c </x> d")))
    assert template.prompt(OF_TWO)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (PLAIN, "no control token ends an answer"),
        (
            JINJA["chatml"].replace("m.content", "(m.content | trim if loop.last else m.content)"),
            "lose at their ends depends on their place",
        ),
        (DEFAULT.replace("{brief}", "{}") + JINJA["chatml"], "the notation's own signs"),
    ],
)
def test_what_the_notation_cannot_say_is_refused(tmp_path: Path, source: str, says: str) -> None:
    with pytest.raises(TemplateError, match=says):
        load_template(folder_with(tmp_path, source))


def test_a_template_that_cannot_be_inferred_says_where_and_what_to_do(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "{% for t in tools %}{{ t }}{% endfor %}" + JINJA["chatml"])
    with pytest.raises(TemplateError) as refused:
        load_template(folder)
    said = str(refused.value)
    assert said.startswith(f"{folder / 'chat_template.jinja'}: the format of the chat template")
    assert "conversation: user 'x7PbTn'" in said
    assert f"{folder}#chatml" in said
    assert load_template(folder, family="chatml").family == "chatml"


def test_a_family_whose_tokens_are_not_there_is_not_advised(tmp_path: Path) -> None:
    source = "{% for t in tools %}{{ t }}{% endfor %}" + JINJA["chatml"]
    with pytest.raises(TemplateError, match=r"use the template of the model's maker$"):
        load_template(folder_with(tmp_path, source, ("<a>", "<b>")))


@pytest.mark.parametrize("kept", [".strip(' \n')", ".strip('\n')", ".lstrip()", ""])
def test_a_family_that_loses_other_white_space_is_not_meant(tmp_path: Path, kept: str) -> None:
    folder = write_sample_tokenizer(FAMILIES["llama-3"], tmp_path)
    source = JINJA["llama-3"].replace("m.content | trim", f"m.content{kept}")
    (folder / "chat_template.jinja").write_text(source, "utf-8")
    template = load_template(folder)
    assert template.family == INFERRED
    [own] = [r for r in check(template) if r.name.number == "own"]
    assert own.status is PropertyStatus.HOLDS


def test_every_word_of_a_source_is_tried_however_many_tokens_there_are(tmp_path: Path) -> None:
    tokens = (*ROLES, *(f"<unused{n}>" for n in range(3000)))
    source = JINJA["chatml"].replace("m.content", "m.content.split('secret')[-1]")
    template = load_template(folder_with(tmp_path, source, (*tokens[2:], *ROLES)))
    assert template.reserved == ("secret",)


def test_it_is_inferred_once(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_with(tmp_path, DEFAULT + JINJA["chatml"])
    fingerprint = load_template(folder).fingerprint
    [kept] = cache.iterdir()

    def never(*_: object, **__: object) -> None:
        raise AssertionError("inferred a second time")

    with monkeypatch.context() as patched:
        patched.setattr(ownformat, "run_isolated", never)
        assert load_template(folder).fingerprint == fingerprint
        patched.setattr(ownformat, "_known", {})
        assert load_template(folder).fingerprint == fingerprint
    for damaged in ("{", "[]", "{}", '{"format": {}, "dated": false}', '{"format": 5}'):
        kept.write_text(damaged, "utf-8")
        monkeypatch.setattr(ownformat, "_known", {})
        assert load_template(folder).fingerprint == fingerprint
    monkeypatch.setattr(ownformat, "_known", {})
    assert load_template(folder).fingerprint == fingerprint


def test_another_template_in_the_folder_is_inferred_anew(tmp_path: Path, cache: Path) -> None:
    folder = folder_with(tmp_path, DEFAULT + JINJA["chatml"])
    assert load_template(folder).family == INFERRED
    (folder / "chat_template.jinja").write_text(JINJA["chatml"], "utf-8")
    assert load_template(folder).family == "chatml"
    assert len(list(cache.iterdir())) == 2


def test_a_cache_that_cannot_be_written_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(ownformat, "_known", {})
    assert load_template(folder_with(tmp_path, DEFAULT + JINJA["chatml"])).family == INFERRED
