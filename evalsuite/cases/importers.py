"""Other people's data sets of rewritten queries, as cases.

Every importer turns a file into drafts and problems; one function turns drafts into cases, so that
ids, kinds and messages come out the same for all. The kind is a guess from the words of the query,
because none of these sets says it. Sources: CANARD (Elgohary et al., 2019), TREC CAsT 2019
(Dalton et al., 2020), Alexa contextual query rewrites (Regan et al., 2019); the four-column layout
is common among Chinese sets of rewritten utterances.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import Message, Role, messages
from evalsuite.errors import InvalidCase, InvalidConversation, InvalidInput
from evalsuite.files.problems import joined, suggestion
from evalsuite.files.text import read_text

MAX_BYTES = 256_000_000
"""Largest file that is imported; CANARD's training part has about 30 MB."""
MOST_PROBLEMS = 20
"""After so many broken records the rest of a file is not read."""

_TURNS = ("user", "assistant")
_CLUES: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.ORDINAL: r"\b(?:former|latter)\b|\bthe (?:first|second|third|last) one\b"
        r"|前者|后者|第[一二三]个",
        Kind.PERSON: r"\b(?:s?he|him|his|hers?)\b|(?<![其吉])[他她](?!们)",
        Kind.PLURAL: r"\b(?:they|them|theirs?|these|those|both)\b|[他她它]们|这些|那些|两者",
        Kind.SINGLE: r"\b(?:its?|this|that|there|one)\b|它|这|那|其(?![他实])",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What an importer found in one record."""

    line: int
    """1-based line on which the record starts."""
    name: str
    """Tells the record apart within its format; becomes part of the id."""
    cluster: str
    """Records of one dialogue share it."""
    history: tuple[Message, ...]
    query: str
    rewrites: tuple[str, ...]
    """Accepted rewrites, best first; none, or one equal to the query, when it stays unchanged."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A record that cannot be read."""

    place: str
    """``file:line``."""
    text: str


Importer = Callable[[Path], Iterator[Draft | Problem]]


def import_cases(
    format: str, file: Path, *, limit: int | None = None, extractive: bool = False
) -> tuple[Case, ...]:
    """Import ``file`` as cases.

    Args:
        format: a key of :data:`FORMATS`.
        file: for ``cast2019`` the JSON file of topics; its resolved turns are found beside it.
        limit: take the first ``limit`` cases; what comes after them is not checked.
        extractive: the rewrites only put back words of the history, so that every word counts.

    Raises:
        InvalidCase: unknown format, a bad limit, an unreadable file, no records, or broken records,
            each named as ``file:line``.
    """
    if format not in FORMATS:
        hint = suggestion(format, FORMATS) or f"; use one of: {', '.join(FORMATS)}"
        raise InvalidCase(f"format={format!r} is unknown{hint}")
    if limit is not None and limit < 1:
        raise InvalidCase(f"limit={limit} must be at least 1; leave it out to import everything")
    cases: list[Case] = []
    problems: list[str] = []
    try:
        for found in itertools.islice(FORMATS[format](file), limit):
            made = _case(format, file, found, extractive) if isinstance(found, Draft) else found
            if isinstance(made, Case):
                cases.append(made)
            else:
                problems.append(f"{made.place}: {made.text}")
            if len(problems) == MOST_PROBLEMS:
                break
    except InvalidInput as error:
        raise InvalidCase(str(error)) from None
    problems += _duplicates(cases)
    if problems:
        raise InvalidCase(joined(problems, most=MOST_PROBLEMS))
    if not cases:
        raise InvalidCase(f"{file}: no {format} records in this file; check the format")
    return tuple(cases)


def guess_kind(query: str, *, unchanged: bool) -> Kind:
    """Guess the kind of a query from its words alone."""
    if unchanged:
        return Kind.STANDALONE
    found = (kind for kind, clue in _CLUES.items() if re.search(clue, query, re.IGNORECASE))
    return next(found, Kind.DROPPED_SUBJECT)


def _case(format: str, file: Path, draft: Draft, extractive: bool) -> Case | Problem:
    query = draft.query.strip()
    rewrites = tuple(dict.fromkeys(text.strip() for text in draft.rewrites if text.strip()))
    unchanged = not rewrites or rewrites[0] == query
    restored = Expectation(rewrites=rewrites, extractive=extractive) if not unchanged else None
    source = f"{file.as_posix()}:{draft.line}"
    try:
        return Case(
            id=identifier(format, draft.name),
            language=Language.of(query),
            kind=guess_kind(query, unchanged=unchanged),
            cluster=f"{format}-{draft.cluster}",
            history=draft.history,
            query=query,
            expect=restored or Expectation(unchanged=True),
            source=source,
        )
    except (InvalidCase, InvalidConversation) as error:
        return Problem(source, f"{error}; correct the record or remove it")


def identifier(format: str, name: str) -> str:
    """Make an id of any name: readable where it can be, never the same for two names."""
    slug = re.sub(r"[^a-z0-9._-]+", "-", name.lower())
    identifier = f"{format}-{slug}"
    if slug != name or len(identifier) > 80:
        identifier = f"{identifier[:67]}-{_short_digest(name)}"
    return identifier


def _short_digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _duplicates(cases: list[Case]) -> list[str]:
    first: dict[str, str] = {}
    found = []
    for case in cases:
        if case.id in first:
            found.append(f"{case.source}: the same record as {first[case.id]}; remove one")
        first.setdefault(case.id, case.source)
    return found


def _records(file: Path) -> Iterator[tuple[int, Any]]:
    """Yield the elements of a JSON array with the line on which each starts.

    Raises:
        InvalidInput: not an array, or broken JSON, with its line.
    """
    name = file.as_posix()
    text = read_text(file, name, most=MAX_BYTES)
    decoder = json.JSONDecoder()
    blank = re.compile(r"[\s,]*")
    position = len(text) - len(text.lstrip())
    if text[position] != "[":
        raise InvalidInput(f"{name}:1: starts with {text[position]!r}; an array '[' is due")
    position, line, counted = position + 1, 1, 0
    while True:
        gap = blank.match(text, position)
        position = gap.end() if gap else position
        line, counted = line + text.count("\n", counted, position), position
        if text[position : position + 1] == "]":
            return
        try:
            record, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise InvalidInput(f"{name}:{error.lineno}: broken JSON: {error.msg}") from None
        except (RecursionError, ValueError):
            raise InvalidInput(
                f"{name}:{line}: nests too deeply or holds too long a number"
            ) from None
        yield line, record


def _drafts(file: Path, read: Callable[[int, Any], Iterator[Draft]]) -> Iterator[Draft | Problem]:
    """Apply ``read`` to every record; what it cannot digest becomes a problem with its line."""
    for line, record in _records(file):
        try:
            yield from read(line, record)
        except KeyError as error:
            yield Problem(f"{file.as_posix()}:{line}", f"the record lacks the key {error}; add it")
        except (TypeError, AttributeError, IndexError) as error:
            yield Problem(f"{file.as_posix()}:{line}", f"the record has another shape ({error})")
        except InvalidInput as error:
            yield Problem(f"{file.as_posix()}:{line}", str(error))


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"{what}={value!r} is not text; write it in quotes")
    return value


def _canard(file: Path) -> Iterator[Draft | Problem]:
    """CANARD: one object a question; ``History`` starts with article title and section title.

    The titles are the first thing that is said: annotators saw them, and a first question often
    means nothing else ("How did the band get started?").
    """

    def read(line: int, record: Any) -> Iterator[Draft]:
        history = [_text(turn, "an entry of History") for turn in record["History"]]
        if len(history) < 2 or len(history) % 2:
            raise InvalidInput(
                f"History has {len(history)} entries; two titles and whole question-answer pairs "
                "are due"
            )
        titles = "user", ", ".join(filter(None, map(str.strip, history[:2])))
        dialogue = _text(record["QuAC_dialog_id"], "QuAC_dialog_id")
        yield Draft(
            line=line,
            name=f"{dialogue.removeprefix('C_')}-q{record['Question_no']}",
            cluster=dialogue,
            history=messages([titles, *zip(itertools.cycle(_TURNS), history[2:], strict=False)]),
            query=_text(record["Question"], "Question"),
            rewrites=(_text(record["Rewrite"], "Rewrite"),),
        )

    return _drafts(file, read)


def _alexa_cqr(file: Path) -> Iterator[Draft | Problem]:
    """Alexa CQR: dialogues whose assistant turns say how the turn before them may be rewritten.

    The query is the turn right before the annotation, whatever utterance the annotators started
    from; null means that it stands alone. Blank turns (there are two) are left out.
    """

    def read(line: int, record: Any) -> Iterator[Draft]:
        uuid = _text(record["scenario"]["uuid"], "uuid")
        turns = [_alexa_turn(turn) for turn in record["dialogue"]]
        for index, turn in enumerate(record["dialogue"]):
            if "reformulation" not in turn:
                continue
            if index == 0 or turns[index - 1][0] != "user":
                raise InvalidInput(f"turn {index} has a reformulation but no user turn before it")
            if not turns[index - 1][1]:
                continue
            yield Draft(
                line=line,
                name=f"{uuid}-{index}",
                cluster=uuid,
                history=messages(said for said in turns[: index - 1] if said[1]),
                query=turns[index - 1][1],
                rewrites=_alexa_rewrites(turn["reformulation"]),
            )

    return _drafts(file, read)


def _alexa_turn(turn: Any) -> tuple[str, str]:
    speakers = {"driver": "user", "assistant": "assistant"}
    if turn["turn"] not in speakers:
        raise InvalidInput(f"turn={turn['turn']!r} is unknown; use driver or assistant")
    return speakers[turn["turn"]], _text(turn["data"]["utterance"], "utterance").strip()


def _alexa_rewrites(reformulation: Any) -> tuple[str, ...]:
    best = reformulation["reformulated_utt"]
    if best is None:
        return ()
    others = [
        _text(text, "a reformulation") for text in reformulation.get("mturk_reformulations", [])
    ]
    return (_text(best, "reformulated_utt"), *others)


def _cast2019(file: Path) -> Iterator[Draft | Problem]:
    """TREC CAsT 2019: topics with user turns only; turns without a resolved text are left out."""
    resolved_file = _resolved_file(file)
    resolved = dict[str, tuple[int, str]]()
    for found in _resolved_turns(resolved_file):
        if isinstance(found, Problem):
            yield found
        else:
            resolved[found[0]] = found[1:]

    def read(line: int, record: Any) -> Iterator[Draft]:
        said: list[str] = []
        for turn in record["turn"]:
            query = _text(turn["raw_utterance"], "raw_utterance").strip()
            key = f"{record['number']}_{turn['number']}"
            if key in resolved:
                yield Draft(
                    line=line,
                    name=key,
                    cluster=str(record["number"]),
                    history=messages((Role.USER, text) for text in said),
                    query=query,
                    rewrites=(resolved.pop(key)[1],),
                )
            said.append(query)

    yield from _drafts(file, read)
    for key, (line, _) in resolved.items():
        yield Problem(
            f"{resolved_file.as_posix()}:{line}", f"turn {key} is in no topic of {file.name}"
        )


def _resolved_file(file: Path) -> Path:
    if file.suffix != ".json":
        raise InvalidInput(
            f"{file}: give the JSON file of topics; the resolved file lies beside it"
        )
    prefix = file.name.partition("_")[0]
    found = sorted(file.parent.glob(f"{prefix}_*resolved*.tsv"))
    if len(found) != 1:
        raise InvalidInput(
            f"{file}: {len(found)} files {prefix}_*resolved*.tsv lie beside it; exactly one is due"
        )
    return found[0]


def _resolved_turns(file: Path) -> Iterator[tuple[str, int, str] | Problem]:
    seen: dict[str, int] = {}
    for number, line in _lines(file):
        key, _, text = line.partition("\t")
        place = f"{file.as_posix()}:{number}"
        if not re.fullmatch(r"\d+_\d+", key) or not text.strip():
            yield Problem(place, f"{line[:60]!r} is not topic_turn<TAB>text; correct the line")
        elif key in seen:
            yield Problem(place, f"turn {key} was already resolved on line {seen[key]}; remove one")
        else:
            seen[key] = number
            yield key, number, text.strip()


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank, numbered from 1, without their line ends."""
    text = read_text(file, file.as_posix(), most=MAX_BYTES)
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.removesuffix("\r")


def _tsv(file: Path) -> Iterator[Draft | Problem]:
    """Four columns: what the user said, what was answered, the query, its rewrite.

    Doubled tabs separate like single ones. A context column may be empty where single tabs make the
    columns countable. Rows with the same context share a cluster.
    """
    for number, line in _lines(file):
        columns = _columns(line)
        if columns is None:
            filled = len([text for text in line.split("\t") if text.strip()])
            yield Problem(
                f"{file.as_posix()}:{number}",
                f"the line has {filled} filled columns; four are due, separated by tabs: "
                "user turn, assistant turn, query, rewrite",
            )
            continue
        *context, query, rewrite = columns
        said = zip(("user", "assistant"), context, strict=True)
        yield Draft(
            line=number,
            name=f"{file.stem}-{number}",
            cluster=_short_digest("\t".join(context)),
            history=messages(turn for turn in said if turn[1]),
            query=query,
            rewrites=(rewrite,),
        )


def _columns(line: str) -> list[str] | None:
    """Return four columns, of which the first two may be empty, or None."""
    single = [column.strip() for column in line.split("\t")]
    filled = [column for column in single if column]
    if len(filled) == 4:
        return filled
    return single if len(single) == 4 and all(single[2:]) else None


FORMATS: Mapping[str, Importer] = MappingProxyType(
    {"canard": _canard, "cast2019": _cast2019, "alexa_cqr": _alexa_cqr, "tsv": _tsv}
)
"""Name of a format -> its importer."""
