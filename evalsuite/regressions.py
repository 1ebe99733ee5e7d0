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
    demonstrations: [...]
    cases: [...]

:func:`dump_regression` and :func:`load_regression` are an inverse pair. A person edits or deletes
these files like any case; nothing here writes over one.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalsuite.cases import Case
from evalsuite.cases.casefiles import dump_cases, read_case
from evalsuite.cases.shipped import REGRESSIONS
from evalsuite.conversation import Conversation, Message, Role
from evalsuite.detectors.promises import (
    Broken,
    Promise,
    broken_by_rewrite,
    broken_by_skill,
    broken_by_template,
)
from evalsuite.errors import InvalidCase, InvalidConversation, InvalidInput
from evalsuite.files.storage import storage_errors, write_once
from evalsuite.files.yaml import (
    Broken as BrokenNode,
)
from evalsuite.files.yaml import (
    Node,
    Problems,
    fields_of,
    items_of,
    joined,
    parse,
    quoted,
    read_text,
    text_of,
)
from evalsuite.gates.verdict import Tier
from evalsuite.generation import Output
from evalsuite.prompts import FORMATS, Demonstration, build, dump_demonstrations
from evalsuite.prompts.demonstrations import read_demonstration
from evalsuite.template import ChatTemplate

FOLDER = REGRESSIONS
"""The folder below a case folder that holds these files."""
CHAT = "chat"
"""The prompt format of a history that is put as it is, without a task: for general skills."""
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
    prompt_format: str = "xml"
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

    @property
    def conversation(self) -> Conversation:
        """The prompt."""
        return posed_as(self.case, self.shown, self.origin.prompt_format)


def posed_as(case: Case, shown: Sequence[Demonstration], prompt_format: str) -> Conversation:
    """Put a case to a model: as a rewriting prompt, or, in the format ``chat``, as it is."""
    if prompt_format == CHAT:
        return Conversation((*case.history, Message(Role.USER, case.query)))
    return build(case, format=prompt_format, demonstrations=shown)


def _writable(text: str) -> str:
    """What a model said, without the two things that no text file can hold."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}").encode(errors="replace").decode()


def broken_in(
    case: Case,
    shown: Sequence[Demonstration],
    prompt_format: str,
    *,
    candidate: Output,
    baseline: str,
    template: ChatTemplate,
) -> tuple[Broken, ...]:
    """Every promise that a prompt, or the candidate's answer to it, breaks; absolute ones first.

    Args:
        case: what was asked.
        shown: the demonstrations in the prompt.
        prompt_format: how it was put; see :func:`posed_as`.
        candidate: the candidate's answer.
        baseline: the baseline's answer to the same prompt.
        template: rendered the prompt.
    """
    rendered = broken_by_template(posed_as(case, shown, prompt_format), template)
    if prompt_format == CHAT:
        answered = broken_by_skill(case, candidate, baseline, template)
    else:
        answered = broken_by_rewrite(case, shown, candidate, baseline, template)
    return (*((rendered,) if rendered else ()), *answered)


_ORIGIN = tuple(field.name for field in dataclasses.fields(Origin))


def dump_regression(regression: Regression) -> str:
    """Write a regression as the YAML text that :func:`parse_regression` reads back."""
    origin = dataclasses.asdict(regression.origin)
    lines = [f"  {name}: {quoted(str(origin[name]))}" for name in _ORIGIN if origin[name]]
    tier = "" if regression.tier is Tier.BLOCKING else f"tier: {regression.tier}\n"
    text = "\n".join((f"{_HEAD}{tier}found:", *lines, ""))
    if regression.shown:
        text += "demonstrations:\n" + _indented(dump_demonstrations(regression.shown))
    return text + dump_cases([dataclasses.replace(regression.case, source="")])


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
    root = parse(text, problems) or BrokenNode(1)
    keys = ("tier", "found", "demonstrations", "cases")
    values = fields_of(root, keys, "the file", problems) or {}
    tier = _tier(values.get("tier"), problems)
    for key in ("found", "cases"):
        if key not in values and not problems.found:
            problems.add(1, f"the file has no key {key!r}; a regression says what broke and how")
    origin = _origin(values["found"], problems) if "found" in values else None
    listed = values.get("demonstrations")
    nodes = items_of(listed, "demonstrations", problems) if listed else ()
    shown = [read_demonstration(node, problems) for node in nodes]
    nodes = items_of(values["cases"], "cases", problems) if "cases" in values else ()
    if len(nodes) != 1 and not problems.found:
        problems.add(1, f"cases holds {len(nodes)} cases; a regression file holds one")
    cases = [read_case(node, problems, {}) for node in nodes]
    if problems.found or origin is None or cases[0] is None:
        raise InvalidCase(joined(problems.lines()))
    _check_chat(cases[0], origin, problems)
    if problems.found:
        raise InvalidCase(joined(problems.lines()))
    return Regression(case=cases[0], shown=tuple(d for d in shown if d), origin=origin, tier=tier)


def _check_chat(case: Case, origin: Origin, problems: Problems) -> None:
    """Note what keeps a chat from being asked or judged."""
    if origin.prompt_format != CHAT:
        return
    line = int(case.source.rpartition(":")[2])
    if not case.expect.rewrites:
        problems.add(line, "prompt_format: chat needs the right answer under expect.rewrites")
    try:
        posed_as(case, (), CHAT).require_alternating()
    except InvalidConversation as error:
        problems.add(line, f"{error}; let the history of a chat end with the assistant's turn")


def _tier(node: Node | None, problems: Problems) -> Tier:
    said = Tier.BLOCKING.value if node is None else text_of(node, "tier", problems)
    if said not in (Tier.BLOCKING, Tier.ADVISORY):
        line = 1 if node is None else node.line
        problems.add(line, f"tier={said!r}; use {Tier.BLOCKING} or {Tier.ADVISORY}")
        return Tier.BLOCKING
    return Tier(said)


def _origin(node: Node, problems: Problems) -> Origin | None:
    fields = fields_of(node, _ORIGIN, "found", problems)
    if fields is None:
        return None
    said = {name: text_of(value, name, problems) for name, value in fields.items()}
    if "promise" not in said:
        problems.add(node.line, "found has no promise; say which was broken")
        return None
    known = ", ".join(f"'{promise}'" for promise in Promise)
    if said["promise"] not in set(Promise):
        problems.add(fields["promise"].line, f"promise={said['promise']!r}; use one of: {known}")
        return None
    style = said.get("prompt_format") or "xml"
    if style not in (*FORMATS, CHAT):
        problems.add(
            fields["prompt_format"].line,
            f"prompt_format={style!r}; use {', '.join((*FORMATS, CHAT))}",
        )
        return None
    texts = {name: said.get(name) or "" for name in _ORIGIN}
    return Origin(
        promise=Promise(texts["promise"]),
        reason=texts["reason"],
        candidate=texts["candidate"],
        baseline=texts["baseline"],
        answer=texts["answer"],
        baseline_answer=texts["baseline_answer"],
        prompt_format=style,
        attack=texts["attack"],
    )


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
