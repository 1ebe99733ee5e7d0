"""Runs and case files as deepeval's datasets, and datasets as cases.

``dataset_of_cases`` and ``cases_of`` are an inverse pair. A run gives test cases, since its answers
exist; cases give goldens, since theirs do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evalsuite.cases import Case, Kind, Language
from evalsuite.cases.casefiles import dump_cases
from evalsuite.errors import InvalidCase, RunError, RunStorageError
from evalsuite.files.storage import atomic_write, storage_errors
from evalsuite.generation import Finish
from evalsuite.integrations.deepeval.answered import Answered, Recorded, Swapped
from evalsuite.integrations.deepeval.loading import load
from evalsuite.integrations.deepeval.testcases import (
    conversational_golden,
    conversational_test_case,
    golden,
    llm_test_case,
    read,
)
from evalsuite.prompts import Demonstration
from evalsuite.runs import SKILLS, CaseRow, OutputRow, ScoreRow, ShownRow, Side
from evalsuite.runs.folder import Run, load_run
from evalsuite.scenarios import SkillItem

if TYPE_CHECKING:
    from deepeval.dataset import EvaluationDataset


def dataset_of_run(
    run: Run | Path | str, *, side: str = "candidate", conversational: bool = False
) -> EvaluationDataset:
    """Return an ``EvaluationDataset`` with one test case for each answer of one side.

    The name of a test case is ``panel/id``. Its metadata hold the run's own rows: the case, the
    answer, answers under other demonstrations, and every score. Texts whose likelihood alone was
    asked for were not answered and are left out.

    Args:
        run: a finished run, or its folder.
        side: ``candidate``, ``baseline``, or ``champion`` where the run has one.
        conversational: whether test cases are conversations.

    Raises:
        RunError: no run there, or one that was changed; an unknown side; a case in it that breaks
            the rules of cases.
        MissingDependency: deepeval is not installed.
    """
    known = tuple(Side)
    if side not in known:
        raise RunError(f"side={side!r} is unknown; use one of: {', '.join(known)}")
    found = run if isinstance(run, Run) else load_run(Path(run))
    make = conversational_test_case if conversational else llm_test_case
    dataset = load("dataset").EvaluationDataset()
    for answered in _answered(found, Side(side)):
        dataset.add_test_case(make(answered))
    return dataset


def dataset_of_cases(
    cases: Iterable[Case],
    *,
    shown: Sequence[Demonstration] | None = None,
    prompt_format: str | None = None,
    conversational: bool = False,
) -> EvaluationDataset:
    """Return an ``EvaluationDataset`` with one golden for each case.

    Args:
        cases: in order.
        shown: the demonstrations of the prompt that the cases will be asked with; None: unknown.
        prompt_format: how that prompt is written; None: as the bare conversation.
        conversational: whether goldens are conversations.

    Raises:
        MissingDependency: deepeval is not installed.
    """
    noted = None if shown is None else tuple(shown)
    make = conversational_golden if conversational else golden
    return load("dataset").EvaluationDataset(
        goldens=[
            make(Answered(item=case, shown=noted, prompt_format=prompt_format)) for case in cases
        ]
    )


def answers_of(dataset: EvaluationDataset) -> tuple[Answered, ...]:
    """Return what the dataset holds: its goldens, then its test cases.

    Raises:
        InvalidCase: as :func:`~evalsuite.integrations.deepeval.testcases.read`.
    """
    return tuple(read(one) for one in (*dataset.goldens, *dataset.test_cases))


def cases_of(dataset: EvaluationDataset) -> tuple[Case, ...]:
    """Return the cases of a dataset, each once, in order.

    Raises:
        InvalidCase: as :func:`~evalsuite.integrations.deepeval.testcases.read`; or a skill item,
            which is no case.
    """
    cases: dict[Case, None] = {}
    for answered in answers_of(dataset):
        if not isinstance(answered.item, Case):
            raise InvalidCase(
                f"{answered.name!r} is a skill item and no case; leave it out of the dataset"
            )
        cases[answered.item] = None
    return tuple(cases)


def write_cases(dataset: EvaluationDataset, path: Path | str) -> Path:
    """Write the cases of a dataset as a YAML file that ``evalsuite gate --cases`` reads.

    Raises:
        InvalidCase: as :func:`cases_of`; no case at all; an id twice.
        RunStorageError: the file cannot be written.
    """
    target = Path(path)
    text = dump_cases(cases_of(dataset))
    with storage_errors(target, RunStorageError):
        atomic_write(target, text.encode())
    return target


def _answered(run: Run, side: Side) -> Iterator[Answered]:
    scores: dict[str, list[ScoreRow]] = {}
    for score in run.scores:
        if score.side is side and score.outputs:
            scores.setdefault(f"{score.panel}\0{score.case_id}\0{score.outputs[0]}", []).append(
                score
            )
    known = {row.name: row.shown for row in run.demonstrations}
    own = {
        str(prompt.definition["name"]): prompt.definition
        for prompt in (run.info.prompt, run.info.answer_prompt)
        if prompt is not None
    }
    for row in run.cases:
        # The answer that detectors look at comes first, then those under other demonstrations.
        outputs = run.output_index.get((row.panel, row.case_id, side), ())
        if not outputs or outputs[0].finish == Finish.SCORED:
            continue
        first, *others = outputs
        swapped = [Swapped(text=one.text, shown=_shown(known, one, row)) for one in others[:1]]
        yield Answered(
            item=_item(row),
            answer=first.text,
            prompt_format=first.prompt_format,
            prompt=own.get(first.prompt_format),
            shown=_shown(known, first, row),
            swapped=swapped[0] if swapped else None,
            recorded=Recorded(
                case=row,
                output=first,
                others=tuple(others),
                scores=tuple(scores.get(f"{row.panel}\0{row.case_id}\0{first.key}", ())),
            ),
        )


def _shown(
    known: Mapping[str, tuple[ShownRow, ...]], output: OutputRow, row: CaseRow
) -> tuple[Demonstration, ...] | None:
    """What the prompt of an answer showed; None: the run kept nothing about it, or no names."""
    if output.demonstrations not in known:
        return None
    found: list[Demonstration] = []
    for one in known[output.demonstrations]:
        if one.entities is None:
            return None  # measured without its names, every answer would be free of leaks
        found.append(
            Demonstration(
                history=one.history,
                query=one.query,
                rewrite=one.rewrite,
                language=Language(row.language),
                entities=one.entities,
            )
        )
    return tuple(found)


def _item(row: CaseRow) -> Case | SkillItem:
    expect = row.expect
    if expect is None:
        raise RunError(f"case {row.case_id!r} of {row.panel!r} expects nothing; run the gate again")
    if row.panel == SKILLS:
        return SkillItem(
            id=row.case_id,
            skill=row.kind,
            language=Language(row.language),
            cluster=row.cluster,
            prompt=row.query,
            answer=expect.rewrites[0],
            accepted=expect.rewrites[1:],
            others=expect.must_not_name,
            source=row.source,
        )
    try:
        return Case(
            id=row.case_id,
            language=Language(row.language),
            kind=Kind(row.kind),
            cluster=row.cluster,
            history=row.history,
            query=row.query,
            expect=expect,
            source=row.source,
        )
    except (InvalidCase, ValueError) as problem:
        raise RunError(f"a case of {row.panel!r} is none: {problem}; run the gate again") from None
