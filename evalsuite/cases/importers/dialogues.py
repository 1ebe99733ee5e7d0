"""CANARD, QReCC, TopiOCQA, Alexa CQR and MuDoCo: records of dialogues with people's rewrites.

Sources: CANARD (Elgohary et al., 2019), QReCC (Anantha et al., 2021), TopiOCQA (Adlakha et al.,
2022), Alexa contextual query rewrites (Regan et al., 2019), MuDoCo (Martin et al., 2020) with the
rewrites of CREAD (Tseng et al., 2021).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evalsuite.cases.importers.drafts import (
    TURNS,
    Draft,
    Found,
    alternating,
    drafts,
    text_of,
    texts_of,
)
from evalsuite.cases.importers.records import array, members
from evalsuite.conversation import messages
from evalsuite.errors import InvalidInput


def canard(file: Path) -> Found:
    """CANARD: one object a question; ``History`` starts with article title and section title.

    The titles are the first thing that is said: annotators saw them, and a first question often
    means nothing else ("How did the band get started?").
    """

    def read(line: int, record: Any) -> Iterator[Draft]:
        history = texts_of(record["History"], "History")
        if len(history) < 2 or len(history) % 2:
            raise InvalidInput(
                f"History has {len(history)} entries; two titles and whole question-answer pairs "
                "are due"
            )
        titles = "user", ", ".join(filter(None, map(str.strip, history[:2])))
        dialogue = text_of(record["QuAC_dialog_id"], "QuAC_dialog_id")
        yield Draft(
            line=line,
            name=f"{dialogue.removeprefix('C_')}-q{record['Question_no']}",
            cluster=dialogue,
            history=messages([titles, *zip(itertools.cycle(TURNS), history[2:], strict=False)]),
            query=text_of(record["Question"], "Question"),
            rewrites=(text_of(record["Rewrite"], "Rewrite"),),
        )

    return drafts(file, array(file), read)


def qrecc(file: Path) -> Found:
    """QReCC: one object a question; ``Context`` holds questions and answers in turn.

    Answers that nobody found are blank; they are left out. The shared task's files call the rewrite
    ``Truth_rewrite``.
    """

    def read(line: int, record: Any) -> Iterator[Draft]:
        key = "Truth_rewrite" if "Truth_rewrite" in record else "Rewrite"
        yield _numbered(line, record, record[key])

    return drafts(file, array(file), read)


def topiocqa(file: Path) -> Found:
    """TopiOCQA: as QReCC, but it was published without rewrites by people.

    So they have to be added under ``Rewrite``; the authors' own ones were made by a model.
    """

    def read(line: int, record: Any) -> Iterator[Draft]:
        if "Rewrite" not in record:
            raise InvalidInput(
                "the record has no 'Rewrite'; TopiOCQA was published without any, add those of "
                "people under that key"
            )
        yield _numbered(line, record, record["Rewrite"])

    return drafts(file, array(file), read)


def _numbered(line: int, record: Any, rewrite: Any) -> Draft:
    dialogue = str(record["Conversation_no"])
    return Draft(
        line=line,
        name=f"{dialogue}-q{record['Turn_no']}",
        cluster=dialogue,
        history=alternating(texts_of(record["Context"], "Context")),
        query=text_of(record["Question"], "Question"),
        rewrites=(text_of(rewrite, "Rewrite"),),
    )


def alexa_cqr(file: Path) -> Found:
    """Alexa CQR: dialogues whose assistant turns say how the turn before them may be rewritten.

    The query is the turn right before the annotation, whatever utterance the annotators started
    from; null means that it stands alone. Blank turns (there are two) are left out.
    """

    def read(line: int, record: Any) -> Iterator[Draft]:
        uuid = text_of(record["scenario"]["uuid"], "uuid")
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

    return drafts(file, array(file), read)


def _alexa_turn(turn: Any) -> tuple[str, str]:
    speakers = {"driver": "user", "assistant": "assistant"}
    if turn["turn"] not in speakers:
        raise InvalidInput(f"turn={turn['turn']!r} is unknown; use driver or assistant")
    return speakers[turn["turn"]], text_of(turn["data"]["utterance"], "utterance").strip()


def _alexa_rewrites(reformulation: Any) -> tuple[str, ...]:
    best = reformulation["reformulated_utt"]
    if best is None:
        return ()
    others = texts_of(reformulation.get("mturk_reformulations", []), "mturk_reformulations")
    return (text_of(best, "reformulated_utt"), *others)


def mudoco(file: Path) -> Found:
    """MuDoCo with the rewrites of CREAD: a file a domain, dialogues by id.

    Odd turns are the user's. Only they are queries, and only where the annotators graded them: the
    others lack turns before them.
    """

    def read(line: int, record: Any) -> Iterator[Draft]:
        name, dialogue = record
        said: list[tuple[str, str]] = []
        for turn in dialogue["turns"]:
            number, text = turn["number"], text_of(turn["utterance"], "utterance").strip()
            speaker = TURNS[(number - 1) % 2]
            if speaker == "user" and turn.get("graded"):
                yield Draft(
                    line=line,
                    name=f"{name}-{number}",
                    cluster=name,
                    history=messages(said),
                    query=text,
                    rewrites=(text_of(turn["rewritten_utterance"], "rewritten_utterance"),),
                )
            if text:
                said.append((speaker, text))

    return drafts(file, members(file, "dialogs"), read)
