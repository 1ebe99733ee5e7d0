"""Regressions: histories that broke a candidate once, one file each, replayed by every later run.

A file holds one case, what its prompt showed, and how it was found::

    found:
      promise: no example leakage
      reason: 'The answer names "Hemfos", which occurs in a demonstration ...'
      candidate: 3f2a...
      baseline: the bare base model
      answer: "Who knows Hemfos?"
      baseline_answer: "Who knows it?"
      prompt_format: xml
      attack: "en/single/3/17 2/0 gap/5/0/1"
    asks: rewrite
    demonstrations: [...]
    cases: [...]

:func:`dump_regression` and :func:`load_regression` are an inverse pair. A person edits or deletes
these files like any case; nothing here writes over one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from evalsuite.cases import Case
from evalsuite.cases.casefiles import dump_cases
from evalsuite.cases.schema import CaseEntry
from evalsuite.cases.shipped import REGRESSIONS
from evalsuite.errors import InvalidCase, InvalidConversation, InvalidInput
from evalsuite.files.closedschema import Closed, VisibleText, json_schema, validated
from evalsuite.files.located import located
from evalsuite.files.problems import Problems, joined, suggestion
from evalsuite.files.storage import storage_errors, write_once
from evalsuite.files.text import read_text
from evalsuite.files.wording import wording_of
from evalsuite.files.yamlnodes import quoted
from evalsuite.gates.verdict import Tier
from evalsuite.prompts import (
    DEFAULT_FORMAT,
    DEFAULT_PROMPT,
    FORMATS,
    Demonstration,
    Prompt,
    built_in,
    dump_demonstrations,
)
from evalsuite.prompts.demonstrations import DemonstrationEntry
from evalsuite.prompts.promptfile import PromptEntry, entry_of, prompt_of_entry
from evalsuite.tasks import Asks, Promise, Rewriting, Skill, prompt_of, task_of

FOLDER = REGRESSIONS
"""The folder below a case folder that holds these files."""
_CHAT = "chat"
"""What files of earlier versions say under ``prompt_format`` where they ask for a skill."""
_HEAD = (
    "# A history that broke a candidate. Edit or delete it like any case; nothing overwrites it.\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """How a regression was found."""

    promise: Promise
    reason: str
    """What the detector said about the answer."""
    candidate: str
    """Digest of the adapter that was broken."""
    baseline: str
    """Name or digest of what it was compared with."""
    answer: str
    """The candidate's."""
    baseline_answer: str
    attack: str = ""
    """What the history was drawn as, before it was reduced."""

    def __post_init__(self) -> None:
        for name in ("reason", "answer", "baseline_answer"):
            object.__setattr__(self, name, _writable(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """A history that broke a promise, and what the prompt showed."""

    case: Case
    shown: tuple[Demonstration, ...]
    origin: Origin
    tier: Tier = Tier.BLOCKING
    """Whether breaking it again decides; a person may make it advisory."""
    asks: Asks = Asks.REWRITE
    """What the case asks for."""
    prompt: Prompt = DEFAULT_PROMPT
    """How it is asked again, whatever prompt a later run has: what broke is about this one."""

    @property
    def task(self) -> Rewriting | Skill:
        """What is asked again."""
        return task_of(self.case, self.shown, asks=self.asks, prompt=self.prompt)


def _writable(text: str) -> str:
    """What a model said, without what no text file can hold; blanks alone count as nothing."""
    if not text.strip():
        return ""
    return text.replace("\0", "\N{SYMBOL FOR NULL}").encode(errors="replace").decode()


_ORIGIN = tuple(field.name for field in dataclasses.fields(Origin))


def _known_format(name: str) -> str:
    if name not in (*FORMATS, _CHAT):
        near = suggestion(name, FORMATS)
        raise ValueError(f"prompt_format={name!r}; use {', '.join(FORMATS)}{near}")
    return name


FormatName = Annotated[
    VisibleText, AfterValidator(_known_format), WithJsonSchema({"enum": [*FORMATS, _CHAT]})
]


class OriginRow(Closed):
    """How a regression was found."""

    wording = replace(
        wording_of("found"),
        missing="found has no {key}; say which was broken",
        choice="{what}={repr}; use one of: {choices}{near}",
    )

    promise: Promise = Field(description="What was broken.")
    reason: VisibleText = Field(default="", description="What the detector said of the answer.")
    candidate: VisibleText = Field(default="", description="Digest of the adapter that broke it.")
    baseline: VisibleText = Field(default="", description="What it was compared with.")
    answer: VisibleText = Field(default="", description="The candidate's.")
    baseline_answer: VisibleText = Field(default="", description="The baseline's.")
    prompt_format: FormatName = DEFAULT_FORMAT
    attack: VisibleText = Field(
        default="", description="What the history was drawn as, before it was reduced."
    )

    def origin(self) -> Origin:
        """The origin as everything else knows it."""
        return Origin(**{name: getattr(self, name) for name in _ORIGIN})


class RegressionFile(Closed):
    """A file of one regression."""

    wording = replace(
        wording_of("the file"),
        missing="the file has no key {key!r}; a regression says what broke and how",
        choice="{what}={repr}; use {either}{near}",
        length="cases holds {count} cases; a regression file holds one",
    )

    tier: Literal[Tier.BLOCKING, Tier.ADVISORY] = Field(
        default=Tier.BLOCKING, description="Whether breaking it again decides."
    )
    asks: Asks = Field(default=Asks.REWRITE, description="What the case asks for.")
    found: OriginRow = Field(description="How it was found.")
    prompt: PromptEntry | None = Field(
        default=None, description="How it is asked, where that is no prompt of evalsuite's own."
    )
    demonstrations: tuple[DemonstrationEntry, ...] = Field(
        default=(), description="What its prompt showed."
    )
    cases: Annotated[tuple[CaseEntry, ...], Field(min_length=1, max_length=1)]

    @property
    def contradicts_itself(self) -> bool:
        """Whether it asks for a rewrite in one key and for a skill in another."""
        rewrite = "asks" in self.model_fields_set and self.asks is Asks.REWRITE
        return rewrite and self.found.prompt_format == _CHAT

    def regression(self, source: str) -> Regression:
        """The regression as everything else knows it; ``source`` is ``file:line`` of its case."""
        old = self.found.prompt_format == _CHAT and "asks" not in self.model_fields_set
        return Regression(
            case=self.cases[0].case(source),
            shown=tuple(row.demonstration() for row in self.demonstrations),
            origin=self.found.origin(),
            tier=self.tier,
            asks=Asks.SKILL if old else self.asks,
            prompt=self._prompt,
        )

    @property
    def _prompt(self) -> Prompt:
        if self.prompt is not None:
            return prompt_of_entry(self.prompt)
        known = self.found.prompt_format
        return built_in(known) if known in FORMATS else DEFAULT_PROMPT


def regression_schema() -> dict[str, Any]:
    """Return the JSON Schema of a regression's file, as editors use it."""
    return json_schema(RegressionFile, "evalsuite regression")


def dump_regression(regression: Regression) -> str:
    """Write a regression as the YAML text that :func:`parse_regression` reads back."""
    origin, prompt = dataclasses.asdict(regression.origin), regression.prompt
    asked = ""
    if prompt.built_in and prompt.name in FORMATS:
        origin["prompt_format"] = prompt.name
    else:
        # JSON is YAML, has no second way to write a text, and escapes what YAML takes for a break.
        plain = entry_of(prompt).model_dump(mode="json", exclude_defaults=True)
        asked = f"prompt: {json.dumps(plain)}\n"
    lines = [f"  {name}: {quoted(str(said))}" for name, said in origin.items() if said]
    tier = "" if regression.tier is Tier.BLOCKING else f"tier: {regression.tier}\n"
    asks = "" if regression.asks is Asks.REWRITE else f"asks: {regression.asks}\n"
    text = "\n".join((f"{_HEAD}{tier}{asks}found:", *lines, "")) + asked
    if regression.shown:
        text += "demonstrations:\n" + _indented(dump_demonstrations(regression.shown))
    return text + dump_cases([replace(regression.case, source="")])


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())


def load_regressions(folder: Path) -> tuple[Regression, ...]:
    """Read every regression in a folder, sorted by name; none when there is no such folder.

    Raises:
        InvalidCase: one line ``file:line: problem and fix`` for each problem.
    """
    found: list[Regression] = []
    lines: list[str] = []
    for path in sorted(folder.glob("*.y*ml")):
        try:
            found.append(load_regression(path))
        except InvalidCase as error:
            lines += str(error).splitlines()
    first: dict[str, Regression] = {}
    for item in found:
        twin = first.setdefault(item.case.id, item)
        if twin is not item:
            lines.append(
                f"{item.case.source}: the id {item.case.id!r} stands in {twin.case.source} too; "
                "give one of them another"
            )
    if lines:
        raise InvalidCase(joined(lines))
    return tuple(found)


def load_regression(path: Path) -> Regression:
    """Read one regression file.

    Raises:
        InvalidCase: one line ``file:line: problem and fix`` for each problem.
    """
    try:
        return parse_regression(read_text(path, path.as_posix()), path.as_posix())
    except InvalidInput as error:
        raise InvalidCase(str(error)) from None


def parse_regression(text: str, name: str = "<text>") -> Regression:
    """Read one regression from YAML text.

    Raises:
        InvalidCase: one line ``name:line: problem and fix`` for each problem.
    """
    problems = Problems(name)
    read = located(text, problems)
    file = validated(RegressionFile, read, problems)
    found = None if file is None else file.regression(read.where(("cases", 0)))
    if file is not None and file.contradicts_itself:
        said = "prompt_format: chat is what earlier versions said for asks: skill; the file says "
        problems.add(read.line(("asks",)), f"{said}asks: {file.asks}; keep one of the two")
    if found is not None:
        _check_skill(found, read.line(("cases", 0)), problems)
    if problems.found or found is None:
        raise InvalidCase(joined(problems.lines()))
    return found


def _check_skill(found: Regression, line: int, problems: Problems) -> None:
    """Note what keeps a skill from being asked or judged."""
    if found.asks is not Asks.SKILL:
        return
    if not found.case.expect.rewrites:
        problems.add(line, "asks: skill needs the right answer under expect.rewrites")
        return
    try:
        prompt_of(found.task).require_alternating()
    except InvalidConversation as error:
        said = "let the history begin with the user's turn and end with the assistant's turn"
        problems.add(line, f"asks: skill: {error}; {said}")


def remember(folder: Path, name: str, regression: Regression) -> Path | None:
    """Write a regression file, unless there is one of that name.

    Args:
        folder: of regressions; made when it is missing.
        name: the file's name without its ending.
        regression: what to write.

    Returns:
        The new file; None when its name or the case's id is taken: the defect is known.

    Raises:
        InvalidCase: a file in the folder is broken.
        InvalidInput: the folder cannot be written.
    """
    path = folder / f"{name}.yaml"
    if any(known.case.id == regression.case.id for known in load_regressions(folder)):
        return None
    with storage_errors(path, InvalidInput):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            write_once(path, dump_regression(regression).encode())
        except FileExistsError:
            return None
        path.chmod(0o644)
    return path


def shape_name(gate: str, parts: Iterable[str]) -> str:
    """Name a defect by the gate it breaks and a digest of what makes it the same defect."""
    digest = hashlib.sha256("/".join(parts).encode()).hexdigest()[:10]
    return f"{gate}-{digest}"
