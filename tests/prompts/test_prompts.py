"""Prompts: layouts, windows, selections, how answers are read, and what a file may not say."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from evalsuite.cases import Case, Kind, Language
from evalsuite.conversation import Message, Role, messages
from evalsuite.errors import InvalidInput, InvalidPrompt
from evalsuite.models import resolve_base
from evalsuite.prompts import (
    ANSWER_PROMPT,
    BUILT_IN,
    DEFAULT_PROMPT,
    FORMATS,
    Demonstration,
    Prompt,
    Selection,
    build,
    dump_demonstrations,
    load_prompt,
    others,
    prompt_named,
    prompt_of_definition,
    put_in,
    require_prefill,
)
from evalsuite.prompts.answerrules import After, Tag
from evalsuite.prompts.layout import Layout, Turns
from evalsuite.prompts.prompt import Only, Window
from evalsuite.prompts.promptfile import entry_of, prompt_of_entry
from evalsuite.prompts.selection import Choose, Order, Similarity
from evalsuite.scenarios import sample_demonstrations, sample_panel
from evalsuite.template import load_template

EXAMPLES = Path(__file__).parents[2] / "examples" / "prompts"
CASE = next(c for c in sample_panel(3, 60, languages=[Language.EN]).cases if c.kind is Kind.DISTANT)
SHOWN = sample_demonstrations(1, 3, Language.EN)
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str) -> Path:
        file = tmp_path / "served.yaml"
        file.write_text(text, "utf-8")
        return file

    return written


def test_built_in_prompts_are_the_formats() -> None:
    for name in FORMATS:
        assert BUILT_IN[name].build(CASE, SHOWN) == build(CASE, format=name, demonstrations=SHOWN)
        assert BUILT_IN[name].built_in
        assert BUILT_IN[name].read(" How? \n").answer == " How? \n"
    assert prompt_named("xml") is DEFAULT_PROMPT
    with pytest.raises(InvalidInput, match="format='htm' is unknown; use one of: xml, json"):
        prompt_named("htm")


def test_chat_sends_the_history_as_turns() -> None:
    prompt = BUILT_IN["chat"].build(CASE, SHOWN)
    prompt.require_alternating()
    system, *turns = prompt.messages
    assert tuple(turns) == (*CASE.history, Message(Role.USER, CASE.query))
    assert all(one.rewrite in system.content for one in SHOWN)


@pytest.mark.parametrize(
    ("history", "sent"),
    [
        (
            [("user", "a"), ("user", "b"), ("assistant", "c")],
            [("user", "a\n\nb"), ("assistant", "c"), ("user", "q?")],
        ),
        ([("user", "a"), ("user", "b")], [("user", "a\n\nb\n\nq?")]),
        ([("assistant", "c")], [("user", "..."), ("assistant", "c"), ("user", "q?")]),
    ],
)
def test_chat_joins_neighbours_of_one_role(
    history: list[tuple[str, str]], sent: list[tuple[str, str]]
) -> None:
    case = replace(CASE, history=messages(history), query="q?")
    prompt = BUILT_IN["chat"].build(case)
    prompt.require_alternating()
    assert prompt.messages[1:] == messages(sent)


def test_a_window_leaves_out_turns() -> None:
    history = messages([("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")])
    assert [m.content for m in Window(only=Only.USER).of(history)] == ["a", "c"]
    assert [m.content for m in Window(only=Only.USER, last=1).of(history)] == ["c"]
    assert [m.content for m in Window(last=3).of(history)] == ["b", "c", "d"]
    assert Window(last=9).of(history) == history
    assert Window(last=2).of(()) == ()


def test_a_layout_puts_parts_in_once_and_leaves_other_braces() -> None:
    layout = Layout(
        system='{task} Answer {"rewrite": ...} {unknown}',
        user="{history}\n{query}",
        turns=Turns(user="Q{number}: {text}", assistant="A{number}: {text}"),
    )
    prompt = Prompt(name="own", layout=layout, tasks={Language.EN: "Do {query}."})
    case = replace(
        CASE,
        history=messages([("user", "{query}"), ("assistant", "{number}"), ("user", "x")]),
        query="{task}?",
    )
    system, user = prompt.build(case).messages
    assert system.content == 'Do {query}. Answer {"rewrite": ...} {unknown}'
    assert user.content == "Q1: {query}\nA1: {number}\nQ2: x\n{task}?"


def test_a_layout_without_a_system_text_is_one_message() -> None:
    prompt = Prompt(name="own", layout=Layout(user="{task}\n{history}\n{query}"))
    [message] = prompt.build(CASE).messages
    assert message.role is Role.USER


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"user": "{history}"}, "has no place for the query"),
        ({"user": "{query}"}, "has no place for the history"),
        ({"user": "{history}{query}{answer}"}, r"names \{answer\}; it can hold \{task\}"),
        ({"user": "{histroy}{query}"}, r"names \{histroy\}; did you mean 'history'"),
        ({"user": "{History}{query}"}, r"names \{History\}"),
        ({"user": "{history}{query}{demonstrations}"}, "does not say how one is written"),
        ({"user": "{history}{query}", "demonstration": "{history}"}, "shows no answer"),
        ({"user": "{history}{query}", "turns": Turns(user="Q:")}, "no place for what was said"),
    ],
)
def test_layouts_that_lose_something_are_refused(keys: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidPrompt, match=said):
        Layout(**keys)  # type: ignore[arg-type]


TAGS = Prompt(
    name="own", rule=Tag("q"), form="<q>{rewrite}</q>", prefill="<q>", stop=("</q>", "\n\n")
)


@pytest.mark.parametrize(
    ("text", "answer", "outside", "start", "finished"),
    [
        ("How?</q>", "How?", "", 0, True),
        (" How?</q> How?</q> more", "How?", "", 1, True),
        ("How?", "How?", "", 0, False),
        ("How?\n\nMore", "How?", "", 0, True),
        ("</q>", "", "<q>", None, True),
    ],
)
def test_answers_are_read_behind_the_prefill_and_before_a_stop(
    text: str, answer: str, outside: str, start: int | None, finished: bool
) -> None:
    read = TAGS.read(text)
    assert (read.answer, read.outside, read.start, read.finished) == (
        answer,
        outside,
        start,
        finished,
    )


def test_what_stands_outside_is_kept() -> None:
    prompt = replace(TAGS, prefill="", stop=(), form="Because {named}.\n<q>{rewrite}</q>")
    read = prompt.read("Because of Hemfos.\n<q>How?</q> Bye.")
    assert read.answer == "How?"
    assert read.outside == "Because of Hemfos.\n<q>\n</q> Bye."
    lost = prompt.read("How?")
    assert (lost.answer, lost.outside, lost.found) == ("", "How?", False)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prefill": "Rewrite: "}, "no answer begins with it"),
        ({"stop": ("?",)}, "what a stop string leaves of it.*change stop"),
        ({"stop": ("How",)}, "a right answer would be lost.*change stop"),
        ({"stop": ("'",)}, "a right answer would be lost.*change stop"),
        ({"stop": (".",)}, "a right answer would be lost.*change stop"),
        ({"stop": (" the ",)}, "a right answer would be lost.*change stop"),
        ({"form": "{rewrite}", "prefill": ""}, "the rule 'tag' reads ''; change answer"),
    ],
)
def test_a_prompt_whose_right_answers_would_be_lost_is_refused(
    changes: dict[str, object], said: str
) -> None:
    with pytest.raises(InvalidPrompt, match=said):
        replace(TAGS, **changes)  # type: ignore[arg-type]


def test_a_form_says_what_a_rewrite_puts_in() -> None:
    prompt = load_prompt(EXAMPLES / "thought.yaml")
    shown = SHOWN[0]
    named = put_in(shown.entities, shown.query, shown.rewrite)
    assert len(named) == 1
    assert f"Thought: {named[0]} is meant.\nRewrite: {shown.rewrite}" in (
        prompt.build(CASE, [shown]).messages[0].content
    )
    assert "Thought: - is meant." in prompt.write("How?")


@pytest.mark.parametrize("name", ["tags", "thought"])
def test_the_examples_read_what_they_write_and_round_trip(name: str) -> None:
    prompt = load_prompt(EXAMPLES / f"{name}.yaml")
    assert prompt.name == name
    assert not prompt.built_in
    again = prompt_of_entry(entry_of(prompt))
    assert again == prompt
    assert again.digest == prompt.digest
    for language in Language:
        case = sample_panel(1, 1, languages=[language]).cases[0]
        said = prompt.build(case, sample_demonstrations(2, 2, language))
        assert said.messages[-1].content.count(case.query) == 1
        assert prompt.task(language) in said.messages[0].content
        right = prompt.write("How?").removeprefix(prompt.prefill)
        assert prompt.read(right).answer == "How?"


@pytest.mark.parametrize("prompt", [*BUILT_IN.values(), ANSWER_PROMPT], ids=lambda p: p.name)
def test_built_in_prompts_round_trip_as_entries(prompt: Prompt) -> None:
    assert prompt_of_entry(entry_of(prompt)) is prompt
    # Nobody else's prompt passes for a built-in one.
    other = prompt_of_entry(entry_of(replace(prompt, max_tokens=7)))
    assert other.name == f"{prompt.name} (own)"
    assert not other.built_in


def test_what_a_run_records_of_a_prompt_is_the_whole_of_it() -> None:
    pooled = Prompt(name="own", selection=Selection(pool=SHOWN, number=2), window=Window(last=3))
    for prompt in (TAGS, pooled, load_prompt(EXAMPLES / "tags.yaml"), DEFAULT_PROMPT):
        again = prompt_of_definition(json.loads(json.dumps(prompt.definition)))
        assert again.definition == prompt.definition
        assert again.digest == prompt.digest
        assert again.build(CASE, SHOWN) == prompt.build(CASE, SHOWN)
    with pytest.raises(InvalidPrompt, match="no definition of a prompt"):
        prompt_of_definition({"name": "x"})


def test_users_turns_alone_are_numbered() -> None:
    prompt = load_prompt(EXAMPLES / "tags.yaml")
    said = prompt.build(CASE).messages[-1].content
    asked = [m.content for m in CASE.history if m.role is Role.USER]
    assert [f"Q{n}: {text}" in said for n, text in enumerate(asked, 1)] == [True] * len(asked)
    assert not any(m.content in said for m in CASE.history if m.role is Role.ASSISTANT)


def test_the_digest_covers_everything() -> None:
    base = Prompt(name="own", layout=Layout(user="{history}{query}"))
    assert base.layout is not None
    changed = [
        replace(base, name="other"),
        replace(base, layout=replace(base.layout, user="{history}{query}!")),
        replace(base, tasks={Language.EN: "Do."}),
        replace(base, window=Window(last=2)),
        replace(base, selection=Selection(pool=SHOWN)),
        replace(base, selection=Selection(number=1)),
        replace(base, stop=("\n\n\n",)),
        replace(base, max_tokens=12),
        replace(TAGS, name="own"),
    ]
    digests = {one.digest for one in (base, *changed)}
    assert len(digests) == 1 + len(changed)


def test_others_are_the_same_prompt_in_other_formats() -> None:
    assert [p.name for p in others(DEFAULT_PROMPT)] == ["json", "markdown", "plain"]
    assert others(Prompt(name="own", layout=Layout(user="{history}{query}"))) == ()
    own = others(TAGS)
    assert [p.format for p in own] == ["json", "markdown", "plain"]
    assert all(p.rule == TAGS.rule and not p.built_in for p in own)


# --- the choice of demonstrations ---------------------------------------------------------------


def shows(query: str, *entities: str, language: Language = Language.EN) -> Demonstration:
    return Demonstration(
        history=(), query=query, rewrite=query, language=language, entities=entities
    )


POOL = (
    shows("How old is the castle?", "castle"),
    shows("Where is the ferry built?", "ferry"),
    shows("How old is the ferry?", "ferry"),
    shows("Who paints at night?", "night"),
    shows("城堡有多久历史？", language=Language.ZH),
)


def asks(query: str, language: Language = Language.EN) -> Case:
    return replace(CASE, history=(), query=query, language=language)


def test_the_nearest_are_chosen_by_words_and_the_next_are_the_counterfactual() -> None:
    selection = Selection(choose=Choose.NEAREST, order=Order.NEAREST_FIRST)
    a, b = selection.of(asks("How old is the castle now?"), POOL, 1)
    assert a == (POOL[0],)
    assert b == (POOL[2],)
    last = replace(selection, order=Order.NEAREST_LAST)
    a, _ = last.of(asks("How old is the castle now?"), POOL, 2)
    assert a == (POOL[2], POOL[0])


def test_a_counterfactual_shares_no_entity_and_is_whole_or_absent() -> None:
    selection = Selection(choose=Choose.NEAREST)
    a, b = selection.of(asks("How old is the ferry?"), POOL, 1)
    assert a == (POOL[2],)
    assert not {n for d in a for n in d.entities} & {n for d in b for n in d.entities}
    assert selection.of(asks("How old is the ferry?"), POOL, 3)[1] == ()


def test_similarity_may_be_of_characters_and_minds_the_language() -> None:
    selection = Selection(choose=Choose.NEAREST, similarity=Similarity.CHARACTERS)
    a, _ = selection.of(asks("nights, painters"), POOL, 1)
    assert a == (POOL[3],)
    a, _ = selection.of(asks("城堡的历史？", Language.ZH), POOL, 1)
    assert a == (POOL[4],)
    first, _ = Selection().of(asks("x"), POOL, 2)
    assert first == POOL[:2]


# --- files ----------------------------------------------------------------------------------------


def test_a_file_may_hold_one_task_for_all(write: Write) -> None:
    prompt = load_prompt(write("task: Rewrite it.\nformat: markdown\n"))
    assert prompt.name == "served"
    assert {prompt.task(language) for language in Language} == {"Rewrite it."}
    assert "# Task\nRewrite it." in prompt.build(CASE).messages[0].content


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("format: xml\n", r"served.yaml:1: 'task' is missing"),
        ("task: x\nformat: htm\n", r"served.yaml:2: .*format='htm' is unknown; use one of: xml"),
        ("task: x\nprefil: y\n", r"served.yaml:2: unknown key 'prefil'; did you mean 'prefill'"),
        ("task: x\nstop: y\n", r"served.yaml:2: .*stop"),
        ("task: x\nhistory: {last: 0}\n", r"served.yaml:2: .*last"),
        ("task: x\nhistory: {only: users}\n", r"did you mean 'user'"),
        ("task: {fr: x}\n", r"task.fr: there is no such language; use en, zh"),
        ("task: x\nlayout: {user: '{history}{query}'}\n", "has no place for the task"),
        (
            "task: x\nlayout: {user: '{task}{history}{query}'}\ndemonstrations: {number: 2}\n",
            "has no place for them",
        ),
        ("task: 3\n", "task must be a visible text, or a mapping of languages"),
        ("task: {}\n", "task must be a visible text, or a mapping of languages"),
        ("task: x\nname: 'a\tb'\n", "must be one line of at most 80 visible characters"),
        ("task: x\nformat: xml\nlayout: {user: '{query}'}\n", "both format and layout"),
        ("task: x\nlayout: {user: '{task}{history}'}\n", "layout.user has no place for the query"),
        ("task: x\nstop: ['']\n", r"served.yaml:2: .*stop"),
        ("task: x\nanswer: {rule: tag}\n", "the rule 'tag' needs answer.tag; add it"),
        ("task: x\nanswer: {rule: json, tag: y}\n", "answer.tag belongs to the rule 'tag'"),
        ("task: x\nanswer: {form: y}\n", "has to hold {rewrite} once"),
        ("task: x\nanswer: {rule: regex, pattern: '('}\n", "is no regular expression"),
        ("task: x\nanswer: {rule: regex, pattern: 'a'}\n", "the rule 'regex' needs answer.form"),
        ("task: x\nanswer: {rule: tag, tag: '<q>'}\n", "write the tag's name alone"),
        ("task: x\ndemonstrations: {file: none.yaml}\n", "demonstrations.file: .*none.yaml"),
        ("task: x\nmax_tokens: 0\n", r"served.yaml:2: .*max_tokens"),
    ],
)
def test_what_a_file_may_not_say(write: Write, text: str, said: str) -> None:
    with pytest.raises(InvalidPrompt, match=said):
        load_prompt(write(text))


def test_a_line_break_may_end_an_answer(write: Write) -> None:
    prompt = load_prompt(write('task: x\nstop: ["\\n"]\n'))
    assert prompt.stop == ("\n",)
    assert prompt.read("How?\nMore").answer == "How?"


def test_an_answering_prompt_has_a_text_of_its_own(write: Write) -> None:
    prompt = load_prompt(write("asks: answer\nformat: chat\ntask: {en: Say it.}\n"))
    assert prompt.task(Language.ZH) == ANSWER_PROMPT.task(Language.ZH)
    assert prompt_named("answer") is ANSWER_PROMPT


def test_a_file_of_demonstrations_lies_beside_the_prompt(write: Write, tmp_path: Path) -> None:
    (tmp_path / "shown.yaml").write_text(dump_demonstrations(SHOWN), "utf-8")
    text = "task: {en: x}\ndemonstrations: {number: %d, file: shown.yaml, choose: nearest}\n"
    prompt = load_prompt(write(text % 2))
    assert prompt.selection.pool == SHOWN
    assert not prompt.selection.drawn
    with pytest.raises(InvalidPrompt, match=r"number=4, but shown.yaml holds 3 in 'en'"):
        load_prompt(write(text % 4))


def test_prefills_that_a_template_cannot_carry_are_refused() -> None:
    template = load_template(resolve_base("nano").path)
    require_prefill(load_prompt(EXAMPLES / "tags.yaml"), template)
    require_prefill(DEFAULT_PROMPT, template)
    control = next(iter(template.control_ids))
    held = Prompt(name="own", rule=Tag("q"), form=f"{control}<q>{{rewrite}}</q>", prefill=control)
    with pytest.raises(InvalidPrompt, match="a token of the model's own format"):
        require_prefill(held, template)


def test_a_prefill_that_ends_within_a_token_is_refused() -> None:
    template = load_template(resolve_base("nano").path)
    beginnings = ("How long is it?", "1990?")
    ends = [
        text
        for size in range(1, 6)
        for text in ("The answer is Ho"[-size:],)
        if any(
            template.answer_ids(f"{text}{one}")[: len(template.answer_ids(text))]
            != template.answer_ids(text)
            for one in beginnings
        )
    ]
    joined = next(iter(ends), "Rewrite: ")
    prompt = Prompt(name="own", rule=After(joined), form=f"{joined}{{rewrite}}", prefill=joined)
    with pytest.raises(InvalidPrompt, match="joins its end with what follows"):
        require_prefill(prompt, template)


def test_a_stop_string_must_not_hide_a_control_token() -> None:
    template = load_template(resolve_base("nano").path)
    require_prefill(Prompt(name="own", stop=("</s", "\n\n")), template)
    control = next(iter(template.control_ids))
    with pytest.raises(InvalidPrompt, match=r"stop=.* a defect that this would hide"):
        require_prefill(Prompt(name="own", stop=(f"\n{control}",)), template)
