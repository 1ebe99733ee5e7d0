"""Drafts into cases: what is asked of names, which records are refused, which stand twice."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from evalsuite.cases.antecedents import antecedents
from evalsuite.cases.case import Case, Expectation, Language
from evalsuite.cases.importers.drafts import Draft, Problem, Reader
from evalsuite.cases.importers.formats import FORMATS, mapped_reader
from evalsuite.cases.importers.naming import guess_kind, identifier
from evalsuite.conversation import Message
from evalsuite.errors import InvalidCase, InvalidConversation, InvalidInput
from evalsuite.files.problems import joined, suggestion
from evalsuite.files.yamlnodes import MAX_LINE

MOST_PROBLEMS = 20
"""After so many broken records the rest of a file is not read, unless they are skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How a file is imported."""

    limit: int | None = None
    """Take the first so many cases; what comes after them is not checked."""
    extractive: bool = False
    """The rewrites only put back words of the history, so that every word counts."""
    names: bool = True
    """Read off the rewrites what must and what must not be named."""
    skip_bad: bool = False
    """Leave out records that cannot be read, instead of refusing the file."""
    fields: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Of the format ``jsonl``: what stands under which key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came out of one file."""

    cases: tuple[Case, ...]
    skipped: tuple[str, ...] = ()
    """Records that were left out because they are broken, each as ``file:line: why``."""
    merged: tuple[str, ...] = ()
    """Records whose conversation another one has, each with what became of it."""


def import_cases(
    format: str,
    file: Path,
    *,
    limit: int | None = None,
    extractive: bool = False,
    names: bool = True,
) -> tuple[Case, ...]:
    """Import ``file`` as cases, as :func:`imported` does without skipping anything."""
    wishes = Wishes(limit=limit, extractive=extractive, names=names)
    return imported(format, file, wishes).cases


def imported(format: str, file: Path, wishes: Wishes | None = None) -> Imported:
    """Import ``file`` as cases that no check of case files refuses.

    Args:
        format: a key of :data:`FORMATS`.
        file: for ``cast2019`` the JSON file of topics; its resolved turns are found beside it.
        wishes: how; the defaults when left out.

    Raises:
        InvalidCase: unknown format, a bad limit, an unreadable file, no records, or broken records
            that are not to be skipped, each named as ``file:line``.
    """
    wishes = wishes or Wishes()
    reader = _reader(format, wishes)
    cases: list[Case] = []
    problems: list[str] = []
    first: dict[str, str] = {}
    try:
        for found in itertools.islice(reader(file), wishes.limit):
            made = _case(format, file, found, wishes) if isinstance(found, Draft) else found
            if isinstance(made, Case):
                made = _unless_known(made, first)
            if isinstance(made, Case):
                cases.append(made)
                continue
            problems.append(made.text + _rest(made, wishes))
            if len(problems) == MOST_PROBLEMS and not wishes.skip_bad:
                break
    except InvalidInput as error:
        problems.append(str(error))
    if problems and not (wishes.skip_bad and cases):
        raise InvalidCase(joined(problems, most=MOST_PROBLEMS))
    if not cases:
        raise InvalidCase(f"{file}: no {format} records in this file; check the format")
    alone, merged = _each_conversation_once(cases, wishes)
    return Imported(cases=tuple(alone), skipped=tuple(problems), merged=tuple(merged))


def _reader(format: str, wishes: Wishes) -> Reader:
    if format not in FORMATS:
        hint = suggestion(format, FORMATS) or f"; use one of: {', '.join(FORMATS)}"
        raise InvalidCase(f"format={format!r} is unknown{hint}")
    if wishes.limit is not None and wishes.limit < 1:
        raise InvalidCase(
            f"limit={wishes.limit} must be at least 1; leave it out to import everything"
        )
    if not wishes.fields:
        return FORMATS[format]
    if format != "jsonl":
        raise InvalidCase(f"--map says where the format jsonl has what; {format} knows its keys")
    return mapped_reader(wishes.fields)


def _rest(problem: Problem, wishes: Wishes) -> str:
    return "; nothing behind it was read" if problem.last and wishes.skip_bad else ""


def _case(format: str, file: Path, draft: Draft, wishes: Wishes) -> Case | Problem:
    query = draft.query.strip()
    rewrites = tuple(dict.fromkeys(text.strip() for text in draft.rewrites if text.strip()))
    unchanged = not rewrites or rewrites[0] == query
    rewrites = () if unchanged else tuple(text for text in rewrites if text != query)
    history = tuple(_trimmed(message) for message in draft.history)
    source = f"{file.as_posix()}:{draft.line}"
    if problem := _unwritable((query, *rewrites, *(turn.content for turn in history))):
        return Problem(f"{source}: {problem}")
    try:
        return Case(
            id=identifier(format, draft.name),
            language=Language.of(query),
            kind=guess_kind(query, unchanged=unchanged),
            cluster=f"{format}-{draft.cluster}",
            history=history,
            query=query,
            expect=_expectation(query, rewrites, history, wishes),
            source=source,
        )
    except (InvalidCase, InvalidConversation) as error:
        return Problem(f"{source}: {error}; correct the record or remove it")


def _trimmed(message: Message) -> Message:
    return dataclasses.replace(message, content=message.content.strip())


def _unwritable(texts: Iterable[str]) -> str | None:
    """Why no case file can hold the texts, or None."""
    for text in texts:
        if any("\ud800" <= character <= "\udfff" for character in text):
            return f"{text[:40]!r} holds half a surrogate pair, which is no text; remove it"
        if len(text) > MAX_LINE // 2:
            return f"{text[:40]!r}... has {len(text):,} characters, too many for a line; shorten it"
    return None


def _expectation(
    query: str, rewrites: tuple[str, ...], history: tuple[Message, ...], wishes: Wishes
) -> Expectation:
    """What a good rewrite says.

    Of extractive rewrites every word that is put back counts anyway, so only what must not be
    named is added.
    """
    if not rewrites:
        return Expectation(unchanged=True)
    if not wishes.names:
        return Expectation(rewrites=rewrites, extractive=wishes.extractive)
    found = antecedents(query, rewrites, [turn.content for turn in history])
    if wishes.extractive:
        return Expectation(rewrites=rewrites, must_not_name=found.must_not_name, extractive=True)
    return Expectation(
        rewrites=rewrites,
        must_name=found.must_name,
        must_not_name=found.must_not_name,
        aliases=found.aliases,
        free=bool(found.must_name),
    )


def _unless_known(case: Case, first: dict[str, str]) -> Case | Problem:
    """The case, unless its id stood before; ``first`` maps each id to where it stood."""
    if case.id in first:
        return Problem(f"{case.source}: the same record as {first[case.id]}; remove one")
    first[case.id] = case.source
    return case


def _each_conversation_once(cases: Iterable[Case], wishes: Wishes) -> tuple[list[Case], list[str]]:
    """The cases without those whose conversation another one has, and what became of them.

    Rewrites of both are accepted. Where one of the two stays unchanged, the first one decides.
    """
    kept: dict[tuple[tuple[Message, ...], str], Case] = {}
    merged: list[str] = []
    for case in cases:
        twin = kept.setdefault((case.history, case.query), case)
        if twin is case:
            continue
        if twin.expect.unchanged != case.expect.unchanged:
            fate = "only one of them stays as it is; the first decides"
        elif set(case.expect.rewrites) <= set(twin.expect.rewrites):
            fate = "and says nothing else"
        else:
            kept[case.history, case.query] = _both(twin, case, wishes)
            fate = "its rewrites are accepted there too"
        merged.append(f"{case.source}: has the conversation of {twin.source}; {fate}")
    return list(kept.values()), merged


def _both(case: Case, twin: Case, wishes: Wishes) -> Case:
    """A case that accepts the rewrites of both, read anew for names."""
    rewrites = tuple(dict.fromkeys((*case.expect.rewrites, *twin.expect.rewrites)))
    expect = _expectation(case.query, rewrites, case.history, wishes)
    return dataclasses.replace(case, expect=expect)
