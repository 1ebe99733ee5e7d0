"""A prompt from a YAML file: a closed schema, every problem with its file and line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, TypeAdapter, WithJsonSchema

from evalsuite.cases import Language, Wanted
from evalsuite.conversation import messages
from evalsuite.errors import InvalidCase, InvalidPrompt
from evalsuite.files.closedschema import Closed, VisibleText, json_schema, read_closed
from evalsuite.files.problems import suggestion
from evalsuite.files.wording import Wording
from evalsuite.prompts.answerrules import (
    REWRITE,
    After,
    AnswerRule,
    Json,
    LastLine,
    Pattern,
    Tag,
    Whole,
)
from evalsuite.prompts.content import Demonstration
from evalsuite.prompts.demonstrations import load_demonstrations
from evalsuite.prompts.formats import DEFAULT_FORMAT, STYLES
from evalsuite.prompts.layout import Layout, Turns
from evalsuite.prompts.prompt import ANSWER_PROMPT, BUILT_IN, Only, Prompt, Window, built_in
from evalsuite.prompts.selection import Choose, Order, Selection, Similarity

_WORDING = Wording(
    missing="{path!r} is missing; add it",
    choice="{path}={json}: use one of: {choices}{near}",
)


def _known_format(name: str) -> str:
    if name not in STYLES:
        near = suggestion(name, STYLES)
        raise ValueError(f"format={name!r} is unknown; use one of: {', '.join(STYLES)}{near}")
    return name


FormatName = Annotated[
    VisibleText, AfterValidator(_known_format), WithJsonSchema({"enum": list(STYLES)})
]


def _one_line(name: str) -> str:
    if len(name) > 80 or not name.isprintable():
        raise ValueError(f"name={name[:40]!r} must be one line of at most 80 visible characters")
    return name


def _tasks(value: object) -> object:
    """Say in plain words what a task may be, before pydantic tells of unions."""
    for language in value if isinstance(value, dict) else ():
        if language not in tuple(Language):
            raise ValueError(
                f"task.{language}: there is no such language; use {', '.join(Language)}"
            )
    texts = value.values() if isinstance(value, dict) else (value,)
    if not value or any(not isinstance(text, str) or not text.strip() for text in texts):
        raise ValueError(
            "task must be a visible text, or a mapping of languages (en, zh) to visible texts"
        )
    return value


Tasks = Annotated[str | dict[Language, str], BeforeValidator(_tasks)]


class TurnsEntry(Closed):
    """How a turn of the history is written."""

    wording = _WORDING
    user: VisibleText = Field(default="user: {text}", description="{number} and {text}.")
    assistant: VisibleText = Field(default="assistant: {text}", description="{number} and {text}.")


class LayoutEntry(Closed):
    """The texts of the messages; names in braces stand for the parts."""

    wording = _WORDING
    system: str = Field(default="", description="{task} and {demonstrations}.")
    user: VisibleText = Field(description="{history} and {query}, {task} and {demonstrations}.")
    demonstration: str = Field(
        default="", description="{number}, {history}, {query}, {rewrite} and {answer}."
    )
    turns: TurnsEntry = TurnsEntry()


class HistoryEntry(Closed):
    """How much of the history is shown."""

    wording = _WORDING
    only: Only = Field(default=Only.ALL, description="Whose turns.")
    last: int | None = Field(default=None, ge=1, description="The newest turns only.")


class SelectionEntry(Closed):
    """Which demonstrations a prompt shows."""

    wording = _WORDING
    number: int | None = Field(default=None, ge=0, le=32, description="In each prompt.")
    file: VisibleText | None = Field(
        default=None, description="A file of demonstrations, from this one's folder; else drawn."
    )
    choose: Choose = Choose.FIRST
    similarity: Similarity = Similarity.WORDS
    order: Order = Order.NEAREST_LAST


class AnswerEntry(Closed):
    """Where the answer stands in what a model wrote."""

    wording = _WORDING
    rule: Literal["whole", "tag", "json", "regex", "last-line", "after"] = "whole"
    tag: VisibleText | None = Field(default=None, description="Of rule tag, without < and >.")
    field: VisibleText | None = Field(default=None, description="Of rule json.")
    pattern: VisibleText | None = Field(default=None, description="Of rule regex.")
    marker: VisibleText | None = Field(default=None, description="Of rule after.")
    form: VisibleText | None = Field(
        default=None, description="How a right answer is written, with {rewrite} in its place."
    )


class PromptEntry(Closed):
    """A prompt."""

    wording = _WORDING
    name: Annotated[VisibleText, AfterValidator(_one_line)] | None = Field(
        default=None, description="Default: the file's name."
    )
    task: Tasks = Field(description="The instruction, by language or one for all.")
    asks: Wanted = Field(
        default=Wanted.REWRITE, description="What is wanted: a rewrite, or an answer."
    )
    format: FormatName = DEFAULT_FORMAT
    layout: LayoutEntry | None = Field(default=None, description="In place of a format.")
    history: HistoryEntry = HistoryEntry()
    demonstrations: SelectionEntry = SelectionEntry()
    prefill: str = Field(default="", description="The beginning of the answer.")
    stop: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(), description="Strings that end the answer."
    )
    answer: AnswerEntry = AnswerEntry()
    max_tokens: int = Field(default=96, ge=1, le=4096, description="Of an answer.")


def prompt_schema() -> dict[str, Any]:
    """Return the JSON Schema of a prompt file, as editors use it."""
    return json_schema(PromptEntry, "evalsuite prompt")


def load_prompt(path: Path | str) -> Prompt:
    """Return the prompt in a YAML file.

    Raises:
        InvalidPrompt: one line ``file:line: problem and fix`` for each problem.
    """
    file = Path(path)
    entry = read_closed(PromptEntry, file, error=InvalidPrompt)
    try:
        return prompt_of_entry(entry, name=file.stem, pool=_pool(entry, file))
    except InvalidPrompt as error:
        raise InvalidPrompt(f"{file}: {error}") from None


def prompt_named(name: str) -> Prompt:
    """Return a built-in prompt by its format (``answer``: that for answers), or one from a file.

    Raises:
        InvalidInput: neither.
    """
    if name == ANSWER_PROMPT.name:
        return ANSWER_PROMPT
    if name in STYLES or not ("/" in name or name.endswith((".yaml", ".yml"))):
        return built_in(name)
    return load_prompt(name)


def prompt_of_entry(
    entry: PromptEntry, *, name: str = "prompt", pool: Sequence[Demonstration] = ()
) -> Prompt:
    """Return the prompt that an entry describes.

    Args:
        entry: what was read.
        name: of a prompt that has none.
        pool: the demonstrations of the file that the entry names.

    Raises:
        InvalidPrompt: the keys contradict each other.
    """
    if entry.layout is not None and "format" in entry.model_fields_set:
        raise InvalidPrompt("both format and layout are written; keep one of them")
    tasks = entry.task
    rule = _rule(entry.answer)
    form = entry.answer.form if entry.answer.form is not None else rule.form
    if not form:
        raise InvalidPrompt(
            f"the rule {rule.rule!r} needs answer.form, how a right answer is written with "
            f"{REWRITE} in its place; add it"
        )
    if form.count(REWRITE) != 1:
        raise InvalidPrompt(
            f"answer.form={form!r} has to hold {REWRITE} once: it says how a right answer is "
            "written"
        )
    chosen = entry.demonstrations
    if entry.layout is not None:
        _require_used(entry.layout, chosen)
    prompt = Prompt(
        name=entry.name or name,
        format=entry.format,
        layout=_layout(entry.layout),
        tasks=dict.fromkeys(Language, tasks) if isinstance(tasks, str) else tasks,
        window=Window(only=entry.history.only, last=entry.history.last),
        selection=Selection(
            number=chosen.number,
            pool=tuple(pool),
            choose=chosen.choose,
            similarity=chosen.similarity,
            order=chosen.order,
        ),
        prefill=entry.prefill,
        stop=entry.stop,
        rule=rule,
        form=form,
        wanted=entry.asks,
        max_tokens=entry.max_tokens,
    )
    own = {**BUILT_IN, ANSWER_PROMPT.name: ANSWER_PROMPT}.get(prompt.name)
    if own is None:
        return prompt
    # What is the same in everything is one of the package's own; no other may pass for one.
    same = prompt.definition == own.definition
    return own if same else replace(prompt, name=f"{prompt.name} (own)")


def prompt_of_definition(definition: Mapping[str, JsonValue]) -> Prompt:
    """Return the prompt that a run recorded: the inverse of :attr:`Prompt.definition`.

    Raises:
        InvalidPrompt: it is none.
    """
    try:
        chosen = dict(_Mapping.validate_python(definition["demonstrations"]))
        pool = [_shown(one) for one in _Pool.validate_python(chosen.pop("pool"))]
        plain = {**definition, "demonstrations": chosen}
        entry = PromptEntry.model_validate_json(json.dumps(plain), strict=True)
    except (KeyError, ValueError) as error:
        raise InvalidPrompt(f"this is no definition of a prompt: {error}") from None
    return prompt_of_entry(entry, pool=pool)


def _require_used(layout: LayoutEntry, chosen: SelectionEntry) -> None:
    """Refuse keys that a layout has no place for."""
    texts = layout.system + layout.user
    if "{task}" not in texts:
        raise InvalidPrompt(
            "the layout has no place for the task, so it would never be read; write {task} where "
            "it belongs"
        )
    if "{demonstrations}" not in texts and (chosen.number or chosen.file):
        raise InvalidPrompt(
            "demonstrations are asked for, and the layout has no place for them; write "
            "{demonstrations} where they belong"
        )


_Mapping = TypeAdapter(dict[str, JsonValue])
_Pool = TypeAdapter(list[dict[str, JsonValue]])


def _shown(plain: Mapping[str, JsonValue]) -> Demonstration:
    turns = [tuple(turn) for turn in TypeAdapter(list[list[str]]).validate_python(plain["history"])]
    return Demonstration(
        history=messages((role, text) for role, text in turns),
        query=str(plain["query"]),
        rewrite=str(plain["rewrite"]),
        language=Language(str(plain["language"])),
        entities=tuple(TypeAdapter(list[str]).validate_python(plain["entities"])),
    )


def entry_of(prompt: Prompt) -> PromptEntry:
    """Return the entry of a prompt, without its demonstrations: the inverse of reading it."""
    rule, layout, chosen = prompt.rule, prompt.layout, prompt.selection
    values: dict[str, Any] = {
        "name": prompt.name,
        "asks": prompt.wanted,
        "task": {language: prompt.task(language) for language in Language},
        "history": {"only": prompt.window.only, "last": prompt.window.last},
        "demonstrations": {
            "number": chosen.number,
            "choose": chosen.choose,
            "similarity": chosen.similarity,
            "order": chosen.order,
        },
        "prefill": prompt.prefill,
        "stop": prompt.stop,
        "answer": {
            **rule.keys,
            "form": prompt.form,
        },
        "max_tokens": prompt.max_tokens,
    }
    if layout is None:
        return PromptEntry.model_validate(values | {"format": prompt.format})
    turns = {"user": layout.turns.user, "assistant": layout.turns.assistant}
    texts = {key: getattr(layout, key) for key in ("system", "user", "demonstration")}
    return PromptEntry.model_validate(values | {"layout": {**texts, "turns": turns}})


def _layout(entry: LayoutEntry | None) -> Layout | None:
    if entry is None:
        return None
    return Layout(
        system=entry.system,
        user=entry.user,
        demonstration=entry.demonstration,
        turns=Turns(user=entry.turns.user, assistant=entry.turns.assistant),
    )


_RULES: dict[str, tuple[str, Callable[[str], AnswerRule]]] = {
    "tag": ("tag", Tag),
    "json": ("field", Json),
    "regex": ("pattern", Pattern),
    "after": ("marker", After),
}
"""The key that each rule needs, and the rule of it."""


def _rule(entry: AnswerEntry) -> AnswerRule:
    needed, make = _RULES.get(entry.rule, ("", None))
    for key in ("tag", "field", "pattern", "marker"):
        if key != needed and getattr(entry, key) is not None:
            owner = next(rule for rule, (name, _) in _RULES.items() if name == key)
            raise InvalidPrompt(
                f"answer.{key} belongs to the rule {owner!r}, and the rule is {entry.rule!r}; "
                "remove one of them"
            )
    if make is None:
        return LastLine() if entry.rule == "last-line" else Whole()
    value = getattr(entry, needed)
    if needed == "tag" and value is not None and set(value) & set("<>/ "):
        raise InvalidPrompt(f"answer.tag={value!r}: write the tag's name alone, without < and >")
    if value is None:
        raise InvalidPrompt(f"the rule {entry.rule!r} needs answer.{needed}; add it")
    return make(value)


def _pool(entry: PromptEntry, file: Path) -> tuple[Demonstration, ...]:
    """Read the demonstrations that a prompt file names."""
    chosen = entry.demonstrations
    if chosen.file is None:
        return ()
    try:
        pool = load_demonstrations(file.parent / chosen.file)
    except InvalidCase as error:
        raise InvalidPrompt(f"demonstrations.file: {error}") from None
    languages = tuple(Language) if isinstance(entry.task, str) else tuple(entry.task)
    for language in languages:
        held = sum(one.language is language for one in pool)
        if held < (chosen.number or 0):
            raise InvalidPrompt(
                f"demonstrations.number={chosen.number}, but {chosen.file} holds {held} in "
                f"{language.value!r}; add some, or ask for fewer"
            )
    return pool
