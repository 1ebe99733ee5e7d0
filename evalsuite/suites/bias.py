"""Sets that show bias in what pronouns are taken to mean, as rows: each asks whom a pronoun means.

Every row's skill is its slice, so that a run shows pro- and anti-stereotypical sentences side by
side, each against the base: WinoBias says in its file's name which they are; of Winogender those
are anti-stereotypical in which the pronoun's gender is not that of most people in the occupation
that it means, or is, and it means the other person (the "gotcha" sentences of Rudinger et al.,
2018); GAP is balanced by gender, and is sliced by that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalsuite.cases.importers import identifier
from evalsuite.errors import InvalidSuite
from evalsuite.files.text import read_text
from evalsuite.suites.records import (
    MAX_BYTES,
    Bad,
    Draft,
    Found,
    LeftOut,
    Misshapen,
    Record,
    records,
    text_of,
)

_PRONOUNS: Mapping[str, str] = {
    "male": r"\b(?:he|him|his|himself)\b",
    "female": r"\b(?:she|her|hers|herself)\b",
    "neutral": r"\b(?:they|them|their|theirs)\b",
}
STATISTICS = "occupations-stats.tsv"
"""Lies beside Winogender's sentences: the share of women in each occupation, in per cent."""
_BRACKETS = re.compile(r"\[([^\[\]]+)\]")
_SLICE = re.compile(r"(pro|anti)_stereotyped")
_OCCUPATIONS = frozenset(
    "accountant analyst assistant attendant auditor baker carpenter cashier CEO chief cleaner "
    "clerk cook counselor designer developer driver editor farmer guard hairdresser housekeeper "
    "janitor laborer lawyer librarian manager mechanic mover nurse physician receptionist "
    "salesperson secretary sheriff supervisor tailor teacher writer".split()
) | {"construction worker"}
"""The forty of WinoBias (Zhao et al., 2018)."""
_OCCUPATION = re.compile(
    rf"\b(?:the|a|an)\s+({'|'.join(sorted(_OCCUPATIONS, key=len, reverse=True))})\b", re.IGNORECASE
)


def winogender(file: Path) -> Iterator[Found]:
    """Winogender (Rudinger et al., 2018): ``all_sentences.tsv``, with the statistics beside it."""
    women = _women(file.parent / STATISTICS)

    def read(line: int, record: Record) -> Iterator[Found]:
        name = text_of(record, "sentid").removesuffix(".txt")
        occupation, participant, answer, gender = name.split(".")
        sentence = text_of(record, "sentence")
        pronoun = _pronoun(sentence, gender)
        if occupation not in women:
            raise Misshapen(f"{STATISTICS} lacks {occupation!r}; add its line")
        if answer not in ("0", "1"):
            raise Misshapen(f"sentid={name!r}: its third part must be 0 or 1")
        yield Draft(
            line,
            {
                "id": identifier("winogender", name),
                "cluster": f"winogender-{occupation}",
                "skill": f"winogender-{_winogender_slice(gender, answer, women[occupation])}",
                **_asked(sentence, pronoun, (occupation, participant), int(answer)),
            },
        )

    return records(file, read)


def winobias(file: Path) -> Iterator[Found]:
    """WinoBias (Zhao et al., 2018): numbered sentences with ``[The chief]`` and ``[he]`` marked."""
    found = _SLICE.search(file.name)
    if found is None:
        raise InvalidSuite(
            f"{file.as_posix()}: the name does not say pro_stereotyped or anti_stereotyped; give "
            "the file its published name"
        )
    kind = file.name.replace(f"{found[0]}_", "").replace(".txt", "")
    text = read_text(file, file.as_posix(), most=MAX_BYTES)
    for line, said in enumerate(text.split("\n"), start=1):
        if not said.strip():
            continue
        try:
            yield Draft(line, _winobias_row(said, found[1], kind))
        except Misshapen as error:
            yield Bad(line, str(error))


def gap(file: Path) -> Iterator[Found]:
    """GAP (Webster et al., 2018): a pronoun of an article, and two names it may mean.

    The pronoun is marked by square brackets. Where it means neither name there is no right option.
    """

    def read(line: int, record: Record) -> Iterator[Found]:
        text, pronoun = text_of(record, "text"), text_of(record, "pronoun")
        names = text_of(record, "a"), text_of(record, "b")
        meant = [record[f"{one}-coref"].strip().upper() == "TRUE" for one in "ab"]
        at = int(record["pronoun-offset"])
        if text[at : at + len(pronoun)] != pronoun:
            raise Misshapen(f"no {pronoun!r} stands at offset {at}; correct the offset")
        if sum(meant) != 1:
            yield LeftOut(line, "the pronoun means neither name, or both")
            return
        if names[0].casefold() == names[1].casefold():
            yield LeftOut(line, "both names are the same")
            return
        marked = f"{text[:at]}[{pronoun}]{text[at + len(pronoun) :]}"
        female = re.fullmatch(_PRONOUNS["female"], pronoun, re.IGNORECASE)
        yield Draft(
            line,
            {
                "id": identifier("gap", text_of(record, "id")),
                "cluster": identifier("gap", record.get("url") or str(line)),
                "skill": "gap-feminine" if female else "gap-masculine",
                "question": f'{marked}\n\nWhom does "[{pronoun}]" mean?',
                "options": list(names),
                "answer": names[meant.index(True)],
            },
        )

    return records(file, read)


def _women(file: Path) -> Mapping[str, float]:
    """The share of women in each occupation.

    Raises:
        InvalidSuite: no such file beside the sentences, or a broken line.
    """
    if not file.is_file():
        raise InvalidSuite(
            f"{file.as_posix()}: does not exist; Winogender's {STATISTICS} has to lie beside its "
            "sentences, since it says what the stereotype is"
        )
    shares: dict[str, float] = {}
    for number, line in enumerate(read_text(file, file.as_posix()).splitlines()[1:], start=2):
        try:
            occupation, _, share, *_ = line.split("\t")
            shares[occupation] = float(share)
        except ValueError:
            raise InvalidSuite(
                f"{file.as_posix()}:{number}: {line!r} is no occupation with two shares; correct it"
            ) from None
    return shares


def _pronoun(sentence: str, gender: str) -> str:
    """The one pronoun of a gender that a sentence has.

    Raises:
        Misshapen: it has none, or several.
    """
    found: set[str] = {
        one.lower() for one in re.findall(_PRONOUNS[gender], sentence, re.IGNORECASE)
    }
    if len(found) != 1:
        raise Misshapen(f"{sentence!r} has {len(found)} {gender} pronouns; one is due")
    return found.pop()


def _winogender_slice(gender: str, answer: str, women: float) -> str:
    if gender == "neutral":
        return "neutral"
    typical = (gender == "female") == (women > 50)
    return "pro" if typical == (answer == "0") else "anti"


def _winobias_row(line: str, slice: str, kind: str) -> dict[str, Any]:
    number, _, said = line.strip().partition(" ")
    marked = [found.strip() for found in _BRACKETS.findall(said)]
    every = "|".join(_PRONOUNS.values())
    pronouns = [one for one in marked if re.fullmatch(every, one, re.IGNORECASE)]
    persons = [one for one in marked if one not in pronouns]
    if not number.isdigit() or not pronouns or len(persons) != 1:
        raise Misshapen(f"{line[:50]!r} must be a number and a sentence with [one person] and [he]")
    sentence = re.sub(r"\b(the) the\b", r"\1", re.sub(r"\s+", " ", _BRACKETS.sub(r"\1", said)))
    meant = re.sub(r"^(?:the|a|an)\s+", "", persons[0], flags=re.IGNORECASE)
    named = dict.fromkeys(name.lower() for name in _OCCUPATION.findall(sentence))
    others = [name for name in named if name != meant.lower()]
    if len(others) != 1:
        raise Misshapen(f"{len(others)} other occupations stand in {sentence!r}; one is due")
    pair = (int(number) + 1) // 2
    return {
        "id": identifier("winobias", f"{slice}-{kind}-{number}"),
        "cluster": f"winobias-{kind}-{pair}",
        "skill": f"winobias-{slice}",
        **_asked(sentence, pronouns[0], (meant.lower(), others[0]), 0),
    }


def _asked(sentence: str, pronoun: str, persons: tuple[str, str], meant: int) -> dict[str, Any]:
    options = [person if person == "someone" else f"the {person}" for person in persons]
    options = [option.replace("the ceo", "the CEO") for option in options]
    return {
        "question": f'{sentence.strip()}\n\nWhom does "{pronoun}" mean?',
        "options": sorted(options),
        "answer": options[meant],
    }
