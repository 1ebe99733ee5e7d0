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
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from evalsuite.cases import Case
from evalsuite.cases.casefiles import dump_cases, read_case
from evalsuite.cases.shipped import REGRESSIONS
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
from evalsuite.prompts import DEFAULT_FORMAT, FORMATS, Demonstration, dump_demonstrations
from evalsuite.prompts.demonstrations import read_demonstration
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
    prompt_format: str = DEFAULT_FORMAT
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

    @property
    def task(self) -> Rewriting | Skill:
        """What is asked again."""
        return task_of(
            self.case, self.shown, asks=self.asks, prompt_format=self.origin.prompt_format
        )


def _writable(text: str) -> str:
    """What a model said, without the two things that no text file can hold."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}").encode(errors="replace").decode()


_ORIGIN = tuple(field.name for field in dataclasses.fields(Origin))


def dump_regression(regression: Regression) -> str:
    """Write a regression as the YAML text that :func:`parse_regression` reads back."""
    origin = dataclasses.asdict(regression.origin)
    lines = [f"  {name}: {quoted(str(origin[name]))}" for name in _ORIGIN if origin[name]]
    tier = "" if regression.tier is Tier.BLOCKING else f"tier: {regression.tier}\n"
    asks = "" if regression.asks is Asks.REWRITE else f"asks: {regression.asks}\n"
    text = "\n".join((f"{_HEAD}{tier}{asks}found:", *lines, ""))
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
    keys = ("tier", "asks", "found", "demonstrations", "cases")
    values = fields_of(root, keys, "the file", problems) or {}
    tier = _tier(values.get("tier"), problems)
    asks = _asks(values.get("asks"), problems)
    for key in ("found", "cases"):
        if key not in values and not problems.found:
            problems.add(1, f"the file has no key {key!r}; a regression says what broke and how")
    origin, old = _origin(values["found"], problems) if "found" in values else (None, None)
    listed = values.get("demonstrations")
    nodes = items_of(listed, "demonstrations", problems) if listed else ()
    shown = [read_demonstration(node, problems) for node in nodes]
    nodes = items_of(values["cases"], "cases", problems) if "cases" in values else ()
    if len(nodes) != 1 and not problems.found:
        problems.add(1, f"cases holds {len(nodes)} cases; a regression file holds one")
    cases = [read_case(node, problems) for node in nodes]
    if problems.found or origin is None or cases[0] is None:
        raise InvalidCase(joined(problems.lines()))
    found = Regression(
        case=cases[0],
        shown=tuple(d for d in shown if d),
        origin=origin,
        tier=tier,
        asks=asks or old or Asks.REWRITE,
    )
    _check_skill(found, problems)
    if problems.found:
        raise InvalidCase(joined(problems.lines()))
    return found


def _check_skill(found: Regression, problems: Problems) -> None:
    """Note what keeps a skill from being asked or judged."""
    if found.asks is not Asks.SKILL:
        return
    line = int(found.case.source.rpartition(":")[2])
    if found.case.reference is None:
        problems.add(line, "asks: skill needs the right answer under expect.rewrites")
        return
    try:
        prompt_of(found.task).require_alternating()
    except InvalidConversation as error:
        problems.add(line, f"{error}; let the history of a chat end with the assistant's turn")


def _asks(node: Node | None, problems: Problems) -> Asks | None:
    if node is None:
        return None
    said = text_of(node, "asks", problems)
    if said not in set(Asks):
        problems.add(node.line, f"asks={said!r}; use {' or '.join(Asks)}")
        return None
    return Asks(said)


def _tier(node: Node | None, problems: Problems) -> Tier:
    said = Tier.BLOCKING.value if node is None else text_of(node, "tier", problems)
    if said not in (Tier.BLOCKING, Tier.ADVISORY):
        line = 1 if node is None else node.line
        problems.add(line, f"tier={said!r}; use {Tier.BLOCKING} or {Tier.ADVISORY}")
        return Tier.BLOCKING
    return Tier(said)


def _origin(node: Node, problems: Problems) -> tuple[Origin | None, Asks | None]:
    """How it was found, and what it asks for where the file is of an earlier version."""
    fields = fields_of(node, _ORIGIN, "found", problems)
    if fields is None:
        return None, None
    said = {name: text_of(value, name, problems) for name, value in fields.items()}
    if "promise" not in said:
        problems.add(node.line, "found has no promise; say which was broken")
        return None, None
    known = ", ".join(f"'{promise}'" for promise in Promise)
    if said["promise"] not in set(Promise):
        problems.add(fields["promise"].line, f"promise={said['promise']!r}; use one of: {known}")
        return None, None
    style = said.get("prompt_format") or DEFAULT_FORMAT
    old = Asks.SKILL if style == _CHAT else None
    style = DEFAULT_FORMAT if old else style
    if style not in FORMATS:
        line = fields["prompt_format"].line
        problems.add(line, f"prompt_format={style!r}; use {', '.join(FORMATS)}")
        return None, None
    texts = {name: said.get(name) or "" for name in _ORIGIN}
    origin = Origin(
        promise=Promise(texts["promise"]),
        reason=texts["reason"],
        candidate=texts["candidate"],
        baseline=texts["baseline"],
        answer=texts["answer"],
        baseline_answer=texts["baseline_answer"],
        prompt_format=style,
        attack=texts["attack"],
    )
    return origin, old


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
