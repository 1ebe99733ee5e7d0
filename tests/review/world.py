"""Runs to review, made without a model, and people who fill sheets by a rule."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import messages
from evalsuite.review import Key, Sheet
from evalsuite.runs import CaseRow, DemonstrationsRow, OutputRow, ScoreRow, ShownRow, Side, SpanRow
from evalsuite.runs.folder import Run, RunWriter
from evalsuite.tasks import task_of
from tests.report.factory import PASSING, digest, info

EXPECT = Expectation(
    rewrites=("What is Flindo's price?",), must_name=("Flindo",), must_not_name=("Quobra",)
)
EXAMPLES = "Who built the Ostrava Loom?"


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One answer, and what the detectors said of it."""

    name: str
    kind: Kind = Kind.SINGLE
    language: Language = Language.EN
    wrong: bool | None = False
    leaks: bool | None = False
    swapped: str = ""
    """Where the swap found a copy: here, elsewhere, or nowhere."""
    answer: str = "What is Flindo's price?"
    written: str | None = None
    query: str = "What is its price?"
    expect: Expectation = EXPECT
    panel: str = "panel"

    @property
    def case(self) -> Case:
        return Case(
            id=self.name,
            language=self.language,
            kind=self.kind,
            cluster=f"cluster-{self.kind}",
            history=messages(
                [("user", f"Tell me of Flindo {digest(self.name)[:8]}."), ("assistant", "A phone.")]
            ),
            query=self.query,
            expect=self.expect,
        )


def specs(number: int, **values: object) -> list[Spec]:
    """Return so many answers of one sort."""
    named = [f"{k}-{v}" for k, v in values.items() if isinstance(v, str | bool)]
    mark = re.sub(r"[^a-z0-9]+", "-", "-".join(named).lower()).strip("-")[:60] or "plain"
    return [Spec(name=f"{mark}-{at}", **values) for at in range(number)]  # type: ignore[arg-type]


def write_run(folder: Path, answers: Iterable[Spec], *, examples: bool = True) -> Run:
    """Write a run with these answers of the candidate, and one of the base to each."""
    cases: list[CaseRow] = []
    outputs: list[OutputRow] = []
    scores: list[ScoreRow] = []
    for spec in answers:
        row = CaseRow.of(task_of(spec.case), panel=spec.panel, demonstrations="x")
        cases.append(row)
        outputs += [_output(spec, Side.BASELINE, "Not the candidate's."), *_answers(spec)]
        scores += _scores(spec, row)
    shown = ShownRow(
        history=messages([("user", EXAMPLES)]), query="How old is it?",
        rewrite="How old is the Ostrava Loom?", entities=("Ostrava Loom",),
    )  # fmt: skip
    with RunWriter(folder) as writer:
        writer.add_cases(cases)
        writer.add_outputs(outputs)
        writer.add_scores(scores)
        if examples:
            writer.add_demonstrations([DemonstrationsRow(name="xa", shown=(shown,))])
        writer.set_verdicts(PASSING, ())
        return writer.finish(info(folder.parent / "candidate"))


def _output(spec: Spec, side: Side, text: str, shown: str = "xa") -> OutputRow:
    return OutputRow(
        key=digest(f"{spec.panel} {spec.name} {side} {shown}"), side=side, panel=spec.panel,
        case_id=spec.name, prompt_format="xml", text=text, finish="stop", demonstrations=shown,
        answer=spec.answer if side is Side.CANDIDATE and text != spec.answer else None,
    )  # fmt: skip


def _answers(spec: Spec) -> list[OutputRow]:
    own = spec.answer if spec.written is None else spec.written
    swapped = _output(spec, Side.CANDIDATE, "The answer to the other examples.", "xb")
    return [swapped, _output(spec, Side.CANDIDATE, own)]


def _scores(spec: Spec, row: CaseRow) -> list[ScoreRow]:
    def score(detector: str, value: float | None, spans: tuple[SpanRow, ...] = ()) -> ScoreRow:
        return ScoreRow(
            detector=detector, case_id=row.case_id, side=Side.CANDIDATE, value=value,
            explanation="A secret word of a detector.", spans=spans, language=row.language,
            kind=row.kind, panel=row.panel,
            outputs=(digest(f"{spec.panel} {spec.name} {Side.CANDIDATE} xa"),),
        )  # fmt: skip

    span = (SpanRow(start=0, end=4, label="a copy"),)
    found = [
        score("literal_leak", None if spec.leaks is None else float(spec.leaks)),
        score("swap_leak", float(bool(spec.swapped)), span if spec.swapped == "here" else ()),
    ]
    return found if spec.wrong is None else [*found, score("right", float(spec.wrong))]


Answering = Callable[[str], tuple[str, str, str]]
"""What a person says of a row, by its answer's text: right, copied, comment."""


def filled(
    key: Key,
    sheet: Sheet,
    say: Callable[[str], Sequence[str]],
    *,
    delimiter: str = ",",
    change: Callable[[list[dict[str, str]]], list[dict[str, str]]] = lambda rows: rows,
) -> str:
    """Fill a sheet: ``say`` gets the case's id; return it as a spreadsheet program writes it."""
    names = {row.code: row.subject.case_id for row in key.rows}
    rows = []
    for entry in sheet.entries:
        cells = dict(zip(sheet.columns, sheet.cells(entry), strict=True))
        said = say(names[entry.code])
        asked = [one.name for one in sheet.asked]
        rows.append(cells | dict(zip(asked, [*said, "", ""], strict=False)))
    return as_csv(change(rows), delimiter)


def as_csv(rows: Sequence[dict[str, str]], delimiter: str = ",") -> str:
    """Write rows as spreadsheet programs do: quotes where they are needed, CRLF."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return "\ufeff" + out.getvalue()
