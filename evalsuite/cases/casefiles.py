"""YAML files of cases: reading, writing and checking them.

A case file is a contract between people: closed keys, no YAML magic, and an error that names file,
line, value and fix for everything that is wrong, all of it at once. :func:`dump_cases` and
:func:`load_cases` are an inverse pair; the JSON Schema that editors use is made from the models
of :mod:`evalsuite.cases.schema` that read the files, and published as ``cases/case.schema.json``.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from evalsuite.cases import Case, Kind
from evalsuite.cases.schema import CaseFile, json_schema, schema_text
from evalsuite.cases.shipped import DEMONSTRATIONS, REGRESSIONS
from evalsuite.conversation import Message
from evalsuite.errors import InvalidCase, InvalidInput
from evalsuite.files.closedschema import validated
from evalsuite.files.located import Located, located
from evalsuite.files.problems import Problems, joined
from evalsuite.files.text import read_text
from evalsuite.files.yamlnodes import quoted, scalar

SUFFIXES = (".yaml", ".yml")
"""What a case file's name ends with when a folder is searched."""
NOT_CASES = frozenset({DEMONSTRATIONS, REGRESSIONS})
"""Folders that a search of a folder passes over: their YAML holds something else."""

_SCHEMA_LINE = "# yaml-language-server: $schema="
_LISTS = ("rewrites", "must_name", "must_not_name", "aliases", "answers", "not_answers")
_FLAGS = ("unchanged", "extractive", "free", "untold")


def load_cases(paths: Path | str | Iterable[Path | str]) -> tuple[Case, ...]:
    """Load every case of the given files and folders, in order.

    Folders are searched recursively for ``*.yaml`` and ``*.yml``, sorted by path, without hidden
    files and without folders named in :data:`NOT_CASES`. A file that is reached twice counts once.

    Raises:
        InvalidCase: with one line ``file:line: what is wrong and what to do`` for each problem.
    """
    loaded, problems = _load(_files(paths))
    if problems:
        raise InvalidCase(joined(problems))
    return tuple(loaded)


def parse_cases(text: str, name: str = "<text>") -> tuple[Case, ...]:
    """Read the cases in a YAML text; ``name`` stands for the file in messages and sources.

    Raises:
        InvalidCase: as :func:`load_cases`.
    """
    problems = Problems(name)
    cases = _parsed(text, problems, {})
    if problems.found:
        raise InvalidCase(joined(problems.lines()))
    return tuple(cases)


def lint(paths: Path | str | Iterable[Path | str]) -> list[str]:
    """Return everything that :func:`load_cases` refuses, and what it accepts but nobody can mean.

    The latter: an accepted rewrite without a name that it must hold or with one that it must not,
    a forbidden name in a query that must stay unchanged, a rewrite that is the query, an alias of
    nothing or of what is forbidden, the same conversation in two cases, and above all with answers
    that contradict each other, white space around a text, a kind that contradicts the expectation.
    """
    try:
        loaded, problems = _load(_files(paths))
    except InvalidCase as error:
        return str(error).splitlines()
    for case in loaded:
        problems += [f"{case.source}: case {case.id!r}: {text}" for text in doubts(case)]
    return problems + _repeated(loaded)


def dump_cases(cases: Iterable[Case], *, schema: str | None = None) -> str:
    """Write cases as one YAML text that :func:`parse_cases` reads back, sources apart.

    Args:
        cases: at least one; a case's ``source`` becomes a comment.
        schema: where an editor finds the JSON Schema, relative to the file; None leaves it out.

    Raises:
        InvalidCase: no cases, the same id twice, or a text that no case file can hold.
    """
    blocks = [dumped(case) for case in cases]
    if not blocks:
        raise InvalidCase("cases=() is empty; a case file holds at least one case")
    head = f"{_SCHEMA_LINE}{schema}\n" if schema else ""
    text = f"{head}cases:\n" + "\n".join(blocks)
    parse_cases(text, "dump_cases")
    return text


def _files(paths: Path | str | Iterable[Path | str]) -> list[Path]:
    given = [paths] if isinstance(paths, Path | str) else list(paths)
    if not given:
        raise InvalidCase("paths=[] names no case file; give files or folders")
    found: dict[Path, Path] = {}
    for path in map(Path, given):
        if not path.exists():
            raise InvalidCase(f"{path}: does not exist; name a case file or a folder of them")
        files = sorted(_below(path)) if path.is_dir() else [path]
        if not files:
            raise InvalidCase(f"{path}: no {' or '.join(SUFFIXES)} file in this folder; add one")
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        inside = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in inside)
        if path.suffix in SUFFIXES and not hidden and not NOT_CASES & {*inside[:-1]}:
            yield path


def _load(files: Sequence[Path]) -> tuple[list[Case], list[str]]:
    cases: list[Case] = []
    lines: list[str] = []
    ids: dict[str, str] = {}
    for file in files:
        name = file.as_posix()
        problems = Problems(name)
        try:
            cases += _parsed(read_text(file, name), problems, ids)
        except InvalidInput as error:
            lines.append(str(error))
        lines += problems.lines()
    return cases, lines


def _parsed(text: str, problems: Problems, ids: dict[str, str]) -> list[Case]:
    """Read the cases of one text; ``ids`` maps every id seen so far to its ``file:line``."""
    read = located(text, problems)
    file = validated(CaseFile, read, problems)
    _note_ids(read, problems, ids)
    if file is None or problems.found:
        return []
    return [row.case(read.where(("cases", i))) for i, row in enumerate(file.cases)]


def _note_ids(read: Located, problems: Problems, ids: dict[str, str]) -> None:
    """Note every id that stands twice, also among cases that are wrong in other ways."""
    rows = read.data.get("cases") if isinstance(read.data, dict) else None
    for index, row in enumerate(rows if isinstance(rows, list) else ()):
        name = row.get("id") if isinstance(row, dict) else None
        if not isinstance(name, str) or not name.strip():
            continue
        line = read.line(("cases", index, "id"), of_value=True)
        if name in ids:
            problems.add(
                line, f"duplicate id {name!r}, first at {ids[name]}; give this one another"
            )
        ids.setdefault(name, f"{problems.name}:{line}")


def dumped(case: Case) -> str:
    """Write one case as an entry of a file's list; ends with a line feed."""
    lines = [f"  # from {quoted(case.source)[1:-1]}"] if case.source else []
    lines += [
        f"  - id: {scalar(case.id)}",
        f"    language: {case.language}",
        f"    kind: {case.kind}",
        f"    cluster: {scalar(case.cluster)}",
    ]
    if case.history:
        lines.append("    history:")
        lines += [f"      - {turn.role}: {quoted(turn.content)}" for turn in case.history]
    lines += [f"    query: {quoted(case.query)}", "    expect:"]
    for key in _LISTS:
        values = getattr(case.expect, key)
        lines += [f"      {key}:"] * bool(values) + [f"        - {quoted(v)}" for v in values]
    lines += [f"      {key}: true" for key in _FLAGS if getattr(case.expect, key)]
    return "\n".join(lines) + "\n"


def doubts(case: Case) -> Iterator[str]:
    """Say what :func:`lint` finds wrong with one case by itself."""
    expect = case.expect
    for key in _LISTS:
        if len(set(getattr(expect, key))) < len(getattr(expect, key)):
            yield f"{key} holds a text twice; keep it once"
    texts = [case.query, *expect.rewrites, *(turn.content for turn in case.history)]
    if any(text != text.strip() for text in texts):
        yield "white space around a text; trim it"
    for rewrite in expect.rewrites:
        if not expect.unchanged and rewrite == case.query:
            yield "an accepted rewrite is the query; remove it, or say unchanged: true"
        for name in expect.must_name:
            if not names(rewrite, name):
                yield f"the rewrite {rewrite!r} lacks {name!r}, which must_name asks for"
    for answer in (case.query,) if expect.unchanged else expect.rewrites:
        for name in expect.must_not_name:
            if names(answer, name):
                yield f"the accepted answer {answer!r} holds {name!r}, which must_not_name forbids"
        if expect.unchanged and not all(names(answer, name) for name in expect.must_name):
            yield "must_name asks for a name that the unchanged query lacks"
    yield from _doubtful_aliases(case)
    for flag in ("extractive", "free"):
        if expect.unchanged and getattr(expect, flag):
            yield f"{flag}: true says nothing of a query that stays; remove it"
    if expect.is_answered:
        yield from _doubtful_answers(case)
    elif case.kind in (Kind.STANDALONE, Kind.UNANSWERABLE) and not expect.unchanged:
        yield f"kind {case.kind} stays as it is; say unchanged: true or choose another kind"


def _holds(said: str, fact: str) -> bool:
    """Whether a text holds a fact, and not as a part of another number or word."""
    edges = (r"(?<![0-9a-z])", r"(?![0-9a-z])") if fact.isascii() else ("", "")
    return bool(re.search(edges[0] + re.escape(fact.casefold()) + edges[1], said))


def _doubtful_answers(case: Case) -> Iterator[str]:
    expect = case.expect
    said = "\n".join((*(turn.content for turn in case.history), case.query)).casefold()
    if not expect.untold and not any(_holds(said, fact) for fact in expect.answers):
        yield (
            f"nothing told {expect.answers[0]!r}; add it as the history writes it to answers, or "
            "say untold: true"
        )
    for fact in expect.not_answers:
        if any(fact.casefold() in right.casefold() for right in expect.answers):
            yield f"not_answers holds {fact!r}, which stands in what is right; write it longer"
    if (case.kind is Kind.UNANSWERABLE) != expect.untold:
        yield "kind unanswerable and untold: true belong together; change one of them"


def _doubtful_aliases(case: Case) -> Iterator[str]:
    expect = case.expect
    meant = expect.must_name or expect.rewrites
    if expect.aliases and (expect.unchanged or not meant):
        yield "aliases stand for what must be named; give must_name or rewrites, or remove them"
        return
    for alias in expect.aliases:
        if not any(_shortens(alias, name) for name in meant):
            yield (
                f"the alias {alias!r} is neither part of what must be named nor an abbreviation of "
                "it; correct it, or add what it stands for to must_name"
            )
        for name in expect.must_not_name:
            if names(name, alias):
                yield (
                    f"the alias {alias!r} may mean {name!r} too, which must_not_name forbids; "
                    "remove it"
                )


def _shortens(alias: str, name: str) -> bool:
    """Whether the letters of ``alias`` stand in ``name`` in this order: Carter, WHO, 北大."""
    rest = iter(_letters(name))
    return all(letter in rest for letter in _letters(alias))


def _letters(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if char.isalnum())


def names(text: str, name: str) -> bool:
    """Whether ``name`` occurs in ``text``: NFKC, without case, never inside a Latin word."""
    haystack, needle = (unicodedata.normalize("NFKC", t).casefold() for t in (text, name))
    left = r"(?<![a-z0-9])" if re.match(r"[a-z0-9]", needle) else ""
    right = r"(?![a-z0-9])" if re.search(r"[a-z0-9]\Z", needle) else ""
    return re.search(left + re.escape(needle) + right, haystack) is not None


def _repeated(cases: Sequence[Case]) -> list[str]:
    first: dict[tuple[tuple[Message, ...], str], Case] = {}
    found = []
    for case in cases:
        twin = first.setdefault((case.history, case.query), case)
        if twin is not case:
            settle = "accepts no answer that it accepts; settle which is right, and"
            found.append(
                f"{case.source}: case {case.id!r} has the conversation of {twin.id!r} "
                f"({twin.source}){f' and {settle}' if _contradict(case, twin) else ';'} "
                "remove one of them"
            )
    return found


def _contradict(case: Case, twin: Case) -> bool:
    """Whether no answer can be right for both of two cases of the same conversation."""
    one, other = case.expect, twin.expect
    if one.is_answered or other.is_answered:
        apart = not {*one.answers} & {*other.answers}
        return case.wanted is twin.wanted and (one.untold != other.untold or apart)
    if one.unchanged != other.unchanged:
        return True
    if {*one.must_name} & {*other.must_not_name} or {*other.must_name} & {*one.must_not_name}:
        return True
    both = bool(one.rewrites and other.rewrites)
    return both and not {*one.rewrites} & {*other.rewrites}


def without_source(case: Case) -> Case:
    """Return the case as it would compare after a round trip through another file."""
    return dataclasses.replace(case, source="")


__all__ = [
    "doubts",
    "dump_cases",
    "dumped",
    "json_schema",
    "lint",
    "load_cases",
    "names",
    "parse_cases",
    "schema_text",
    "without_source",
]
