"""Published sets as rows: GSM8K, MMLU, CMMLU, C-Eval, HellaSwag, ARC, IFEval, and dialogues.

Questions are put as a chat asks them, so figures are near those of lm-eval and not the same. The
shapes are those of the authors' files, and of the hub's data sets as JSON lines or Parquet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from evalsuite.cases.importers import identifier
from evalsuite.detectors.rules.instructions import CHECKS
from evalsuite.suites.records import Draft, Found, LeftOut, Misshapen, Record, records, text_of

_LETTERED = ("question", "a", "b", "c", "d", "answer")
_ASIDE = re.compile(r"\[[^\]]*\]")
_FINAL = re.compile(r"####\s*(\S.*)\Z")


def gsm8k(file: Path) -> Iterator[Found]:
    """GSM8K (Cobbe et al., 2021): ``question`` and ``answer``, which ends with ``#### N``."""

    def read(line: int, record: Record) -> Iterator[Found]:
        final = _FINAL.search(text_of(record, "answer"))
        if final is None:
            raise Misshapen("the answer does not end with '#### NUMBER'; add the number")
        yield Draft(
            line,
            {
                "id": identifier("gsm8k", f"{file.stem}-{line}"),
                "question": text_of(record, "question"),
                "answer": final[1].strip(),
            },
        )

    return records(file, read)


def lettered(format: str) -> Callable[[Path], Iterator[Found]]:
    """MMLU (Hendrycks et al., 2021), CMMLU (Li et al., 2023) and C-Eval (Huang et al., 2023).

    A table with the columns question, A, B, C, D and answer, MMLU's without a header; or records
    with ``question``, ``choices`` and ``answer``, a place or a letter. A subject is a cluster only
    in its name: questions do not hang on each other.
    """

    def read_file(file: Path) -> Iterator[Found]:
        def read(line: int, record: Record) -> Iterator[Found]:
            given = {key.lower(): value for key, value in record.items()}
            options = [str(one).strip() for one in given.get("choices") or _four(given)]
            subject = given.get("subject") or re.sub(r"_(?:test|val|dev)\Z", "", file.stem)
            yield Draft(
                line,
                {
                    "id": identifier(format, f"{subject}-{file.stem}-{line}"),
                    "question": text_of(given, "question"),
                    "options": options,
                    "answer": _chosen(options, given.get("answer")),
                },
            )

        return records(file, read, _LETTERED)

    return read_file


def hellaswag(file: Path) -> Iterator[Found]:
    """HellaSwag (Zellers et al., 2019): a text and four ways to go on.

    Texts are cleaned as lm-eval 0.4.13 does (``tasks/hellaswag/utils.py``): WikiHow's marks in
    square brackets are no text.
    """

    def read(line: int, record: Record) -> Iterator[Found]:
        second = str(record.get("ctx_b") or "")
        text = f"{text_of(record, 'ctx_a')} {second[:1].upper()}{second[1:].lower()}".strip()
        options = [_cleaned(str(ending)) for ending in record["endings"]]
        label = record["label"]
        place = int(label) if str(label).strip().isdigit() else None
        told = f"{text_of(record, 'activity_label')}: {text}"
        yield Draft(
            line,
            {
                "id": identifier("hellaswag", f"{file.stem}-{line}"),
                "cluster": identifier("hellaswag", str(record.get("source_id") or line)),
                "question": f"How does this text go on?\n\n{_cleaned(told)}",
                "options": options,
                "answer": _chosen(options, place),
            },
        )

    return records(file, read)


def mt_bench_101(file: Path) -> Iterator[Found]:
    """MT-Bench-101 (Bai et al., 2024): dialogues of ``user`` and ``bot``; the last answer is left
    out, and asked for."""

    def read(line: int, record: Record) -> Iterator[Found]:
        *before, last = record["history"]
        name = identifier("mt_bench_101", f"{text_of(record, 'task')}-{record['id']}")
        turns = [
            turn
            for one in before
            for turn in ({"user": text_of(one, "user")}, {"assistant": text_of(one, "bot")})
        ]
        yield Draft(line, {"id": name, "question": text_of(last, "user"), "history": turns})

    return records(file, read)


def belle(file: Path) -> Iterator[Found]:
    """BELLE's evaluation set (Ji et al., 2023): questions in Chinese, whose answer is left out."""

    def read(line: int, record: Record) -> Iterator[Found]:
        name = identifier("belle", f"{file.stem}-{line}")
        yield Draft(line, {"id": name, "question": text_of(record, "question")})

    return records(file, read)


def arc(file: Path) -> Iterator[Found]:
    """ARC (Clark et al., 2018): a question with 3 to 5 options, by letters or numbers."""

    def read(line: int, record: Record) -> Iterator[Found]:
        asked = record["question"]
        stem = asked if isinstance(asked, dict) else {"stem": asked, **record}
        listed = stem["choices"]
        if isinstance(listed, dict):
            listed = [
                {"text": text, "label": label}
                for text, label in zip(listed["text"], listed["label"], strict=True)
            ]
        options = [text_of(one, "text") for one in listed]
        labels = [one["label"] for one in listed]
        key = str(record.get("answerKey") or "")
        yield Draft(
            line,
            {
                "id": identifier("arc", str(record.get("id") or f"{file.stem}-{line}")),
                "question": text_of(stem, "stem"),
                "options": options,
                "answer": _chosen(options, labels.index(key) if key in labels else None),
            },
        )

    return records(file, read)


def ifeval(file: Path) -> Iterator[Found]:
    """IFEval (Zhou et al., 2023): a prompt with the ids and arguments of its instructions.

    A record with an instruction that is not checked here is left out, since an answer that keeps
    only the others would count as right.
    """

    def read(line: int, record: Record) -> Iterator[Found]:
        ids, kwargs = record["instruction_id_list"], record["kwargs"]
        if len(ids) != len(kwargs):
            raise Misshapen(f"{len(ids)} instructions have {len(kwargs)} arguments; give as many")
        unknown = [name for name in ids if name not in CHECKS]
        if unknown:
            yield LeftOut(line, f"the instruction {unknown[0]} is not checked here")
            return
        yield Draft(
            line,
            {
                "id": identifier("ifeval", str(record["key"])),
                "question": text_of(record, "prompt"),
                "instructions": [
                    {"id": name, "kwargs": _whole(given)}
                    for name, given in zip(ids, kwargs, strict=True)
                ],
            },
        )

    return records(file, read)


def _whole(given: Record) -> dict[str, Any]:
    """Arguments without the empty ones, and whole numbers as such: tables make them 3.0."""
    found = {key: value for key, value in given.items() if value is not None}
    return {
        key: int(value) if isinstance(value, float) and value.is_integer() else value
        for key, value in found.items()
    }


def _four(record: Record) -> list[str]:
    return [text_of(record, letter) for letter in "abcd"]


def _chosen(options: Sequence[str], answer: Any) -> str:
    """The text of the right option, given as its place, from 0, or its letter.

    Raises:
        Misshapen: it is none of them.
    """
    if answer is None or answer == "":
        raise Misshapen("has no right answer; use a part that is published with answers")
    place = "ABCDEFGHIJ".find(answer.strip().upper()) if isinstance(answer, str) else int(answer)
    if isinstance(answer, str) and len(answer.strip()) != 1:
        place = -1
    if not 0 <= place < len(options):
        raise Misshapen(f"answer={answer!r} is none of its {len(options)} options; correct it")
    return options[place]


def _cleaned(text: str) -> str:
    return " ".join(_ASIDE.sub("", text.replace(" [title]", ". ")).split())
