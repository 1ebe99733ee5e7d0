"""A realistic run folder, made without any model: zh and en cases, a passing and a failing one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import messages
from evalsuite.gates import policy_digest
from evalsuite.models import digest_tree
from evalsuite.runs import (
    AdapterInfo,
    BaseInfo,
    CaseRow,
    Counts,
    DemonstrationsRow,
    EngineInfo,
    OutputRow,
    PolicyInfo,
    RunInfo,
    ScoreRow,
    ShownRow,
    Side,
    SliceVerdict,
    SpanRow,
    Status,
    Tier,
    TokensRow,
    Verdict,
)
from evalsuite.runs.folder import Run, RunWriter
from evalsuite.tasks import task_of

STARTED = datetime(2025, 3, 4, 9, 30, 12, tzinfo=UTC)
PANEL = "panel-blocking"
POLICY = {"version": 1}


def digest(text: str) -> str:
    """Return a digest that looks like one."""
    return hashlib.sha256(text.encode()).hexdigest()


ENGLISH = Case(
    id="comparison.velmora.03",
    language=Language.EN,
    kind=Kind.COMPARISON,
    cluster="en/comparison/speed",
    history=messages(
        [
            ("user", "Which is faster, Velmora or Tessick?"),
            ("assistant", "Velmora, by a wide margin. Tessick was built to save power."),
        ]
    ),
    query="How is its memory management?",
    expect=Expectation(
        rewrites=(
            "How is Velmora's memory management?",
            "How is the memory management of Velmora?",
        ),
        must_name=("Velmora",),
        must_not_name=("Tessick", "Ostrava Loom"),
    ),
    source="cases/pronoun_resolution/comparison.yaml:41",
)
CHINESE = Case(
    id="dropped-subject.tangyuan.11",
    language=Language.ZH,
    kind=Kind.DROPPED_SUBJECT,
    cluster="zh/dropped_subject/dynasty",
    history=messages(
        [
            ("user", "青崖国有哪几个朝代？"),
            ("assistant", "主要有岚朝、硕朝和后岚三个朝代，其中硕朝的疆域最大。"),
            ("user", "哪个朝代的文献留下来的最多？"),
            ("assistant", "硕朝。官修的史书就有二十四种。"),
        ]
    ),
    query="哪个最长？",
    expect=Expectation(rewrites=("青崖国哪个朝代最长？",), must_name=("青崖国",)),
    source="scenarios/panel/20250304",
)
STANDALONE = Case(
    id="standalone.harbour.02",
    language=Language.EN,
    kind=Kind.STANDALONE,
    cluster="en/standalone/weather",
    history=messages([("user", "Tell me about Port Hallen."), ("assistant", "A quiet harbour.")]),
    query="What is the tallest lighthouse on the Brenn coast?",
    expect=Expectation(unchanged=True),
    source="cases/pronoun_resolution/standalone.yaml:7",
)
CASES = (ENGLISH, CHINESE, STANDALONE)

GOOD = {
    ENGLISH.id: "How is Velmora's memory management?",
    CHINESE.id: "青崖国哪个朝代最长？",
    STANDALONE.id: STANDALONE.query,
}
BAD = {
    ENGLISH.id: "How is the memory management of the Ostrava Loom?",
    CHINESE.id: "云梦泽的哪个王朝最长？",
    STANDALONE.id: STANDALONE.query,
}
LEAKS = {ENGLISH.id: "Ostrava Loom", CHINESE.id: "云梦泽"}


CP = "Clopper-Pearson, 95 % one-sided"
TANGO = "Tango, paired, 95 % one-sided"


def verdict(gate: str, status: str = "passed", **values: Any) -> Verdict:
    """Return one verdict; what is not given is an ordinary pass."""
    numbers: dict[str, Any] = {
        "value": 0.004, "lower": 0.0, "upper": 0.016, "limit": 0.03, "n": 400, "clusters": 96,
        "method": CP, "reason": "0.4 % failed, at most 1.6 % with 95 % confidence; 3 % allowed",
    }  # fmt: skip
    return Verdict(gate=gate, status=Status(status), **numbers | values)


def part(name: str, status: str = "passed", **values: Any) -> SliceVerdict:
    """Return one slice of a verdict."""
    numbers: dict[str, Any] = {
        "value": 0.0, "lower": 0.0, "upper": 0.015, "limit": 0.03, "n": 200, "clusters": 48,
        "method": CP, "reason": "no leak in 200 answers",
    }  # fmt: skip
    return SliceVerdict(name=name, status=Status(status), **numbers | values)


PASSING = (
    verdict(
        "liveness", value=0.0, lower=None, upper=None, limit=0.0, n=8, clusters=8, method="exact",
        reason="the adapter is loaded, changes the logits and can be detached",
    ),
    verdict("template_round_trip", value=0.0, upper=0.0, limit=0.0, n=10, clusters=10,
            method="exhaustive", reason="all ten properties hold"),
    verdict(
        "example_leakage", value=0.0, upper=0.0075, smallest_detectable=0.041,
        reason="no leak in 400 answers, at most 0.75 % with 95 % confidence; 3 % are allowed",
        slices=(part("language/en"), part("language/zh")),
    ),
    verdict("pronoun_resolution", value=0.021, lower=0.011, upper=0.037, limit=0.06),
    verdict("forgetting", value=-0.006, lower=-0.019, upper=0.008, limit=0.02, method=TANGO,
            reason="0.6 % better than the base, at most 0.8 % worse; 2 % are allowed"),
    verdict("golden_everyday", "failed", value=0.71, lower=0.62, upper=0.79, limit=0.1, n=96,
            clusters=96, tier=Tier.ADVISORY,
            reason="everyday chat is beyond this base; shown, not judged"),
)  # fmt: skip
FAILING = (
    *(v for v in PASSING if v.gate not in {"example_leakage", "forgetting"}),
    verdict(
        "example_leakage", "failed", value=0.138, lower=0.106, upper=0.175,
        reason="13.8 % of the answers name an entity of a demonstration; 3 % are allowed",
        slices=(
            part("language/zh", "failed", value=0.155, lower=0.11, upper=0.21,
                 reason="31 of 200 answers leak"),
            part("language/en", "failed", value=0.12, lower=0.08, upper=0.17,
                 reason="24 of 200 answers leak"),
            part("control", tier=Tier.ADVISORY, reason="no false alarm for absent names"),
        ),
    ),
    verdict("forgetting", "inconclusive", value=0.012, lower=-0.008, upper=0.031, limit=0.02,
            n=120, clusters=120, method=TANGO,
            reason="between 0.8 % better and 3.1 % worse than the base; 260 items would decide"),
)  # fmt: skip


def info(folder: Path, *, finished: datetime | None = None) -> RunInfo:
    """Return the inputs of the run; the adapter lies in ``folder``."""
    adapter = AdapterInfo(
        path=str(folder),
        digest=digest_tree(folder) if folder.is_dir() else digest("adapter"),
        provenance={
            "recipe": "dora", "recipe_digest": digest("recipe"), "base_name": "nano",
            "data_digest": digest("data"), "quantization": "none", "seed": 1,
        },
    )  # fmt: skip
    return RunInfo(
        created=STARTED,
        finished=finished or STARTED + timedelta(seconds=84),
        base=BaseInfo(
            name="example/tiny-base", digest=digest("base"), tokenizer_digest=digest("tok")
        ),
        adapter=adapter,
        policy=PolicyInfo(name="default", digest=policy_digest(POLICY), resolved=POLICY),
        template_fingerprint=digest("template"),
        prompt_format="xml",
        demonstrations_digest=digest("demonstrations"),
        cases_digest=digest("cases"),
        engine=EngineInfo(
            name="transformers", identity=digest("engine"), dtype="float32", device="cpu"
        ),
        seeds={"panel-blocking": 20250304, "swap": 77},
        versions={"evalsuite": "0.1.0", "torch": "2.13.0", "peft": "0.21.0"},
        machine={"system": "Linux x86_64", "cpu": "2 cores", "python": "3.11.9"},
        timings={"load": 3.21, "panels": 0.4, "inference": 68.2, "scores": 0.35, "judge": 1.9},
        counts=Counts(model_calls=112, cache_hits=0, cache_misses=1184),
        command=(
            "evalsuite", "gate", "--base-model", "nano", "--adapter", "adapters/candidate",
            "--out", "reports/a run",
        ),
    )  # fmt: skip


def output(case_id: str, side: Side, text: str, demonstrations: str = "A") -> OutputRow:
    """Return an answer of one side."""
    return OutputRow(
        key=digest(f"{case_id} {side} {demonstrations}"), side=side, panel=PANEL,
        case_id=case_id, prompt_format="xml", text=text, finish="stop", logprob=-3.25,
        tokens=9, demonstrations=demonstrations,
    )  # fmt: skip


def leak(row: CaseRow, text: str, name: str) -> ScoreRow:
    """Return the score of a leak of ``name`` in ``text``."""
    start = text.find(name)
    return ScoreRow(
        detector="literal_leak", gate="example_leakage", case_id=row.case_id,
        side=Side.CANDIDATE, value=1.0, panel=row.panel, cluster=row.cluster,
        language=row.language, kind=row.kind,
        explanation=f"the answer names {name}, which only a demonstration mentions",
        spans=(SpanRow(start=start, end=start + len(name), label="demonstration entity"),),
        outputs=(digest(f"{row.case_id} {Side.CANDIDATE} A"),),
    )  # fmt: skip


DEMONSTRATIONS = tuple(
    DemonstrationsRow(
        name=name,
        shown=(
            ShownRow(
                history=messages([("user", f"Who built the {thing}?")]),
                query="How old is it?",
                rewrite=f"How old is the {thing}?",
                entities=(thing,),
            ),
        ),
    )
    for name, thing in (("A", "Ostrava Loom"), ("B", "Quarn Gate"))
)


def tokens_of(row: OutputRow) -> TokensRow:
    """Return a token view of an answer: a control token, two words, and the answer's words."""
    words = ["<|im_start|>", "Rewrite", " this", *row.text.split(" ")]
    return TokensRow(
        key=row.key, ids=tuple(range(len(words))), texts=tuple(words), answer=3, control=(0,)
    )


def _rows(failing: bool, copies: int) -> tuple[list[CaseRow], list[OutputRow], list[ScoreRow]]:
    cases = [CaseRow.of(task_of(case), panel=PANEL, demonstrations="A") for case in CASES]
    again = [".again", *(f".again{number}" for number in range(2, copies + 1))][:copies]
    cases += [replace(row, case_id=f"{row.case_id}{mark}") for mark in again for row in cases]
    outputs, scores = [], []
    for row in cases:
        known = row.case_id.partition(".again")[0]
        answer = BAD[known] if failing else GOOD[known]
        base = GOOD[known] if row.case_id == known else "它怎么样？ How is its memory management?"
        outputs += [
            output(row.case_id, Side.BASELINE, base),
            output(row.case_id, Side.CANDIDATE, answer),
            output(row.case_id, Side.CANDIDATE, answer, "B"),
        ]
        good = ScoreRow(
            detector="literal_leak", gate="example_leakage", case_id=row.case_id,
            side=Side.BASELINE, value=0.0 if row.case_id == known else 1.0, explanation="",
            panel=PANEL, cluster=row.cluster, language=row.language, kind=row.kind,
        )  # fmt: skip
        scores.append(good)
        if failing and known in LEAKS:
            scores.append(leak(row, answer, LEAKS[known]))
        else:
            scores.append(replace(good, side=Side.CANDIDATE, value=0.0))
    return cases, outputs, scores


def adapter_folder(folder: Path) -> Path:
    """Write files that stand for an adapter; the registry only takes their digests."""
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}\n')
    (folder / "adapter_model.safetensors").write_bytes(bytes(range(256)) * 8)
    (folder / "evalsuite.json").write_text('{"recipe": "dora"}\n')
    return folder


def write_run(
    folder: Path,
    *,
    failing: bool = False,
    adapter: Path | None = None,
    verdicts: Sequence[Verdict] | None = None,
    required: Sequence[str] = (),
    copies: int = 1,
) -> Run:
    """Write a whole run folder and return it as read back; ``copies`` repeat its cases."""
    cases, outputs, scores = _rows(failing, copies)
    with RunWriter(folder) as writer:
        writer.add_cases(cases)
        writer.add_outputs(outputs)
        writer.add_scores(scores)
        writer.add_demonstrations(DEMONSTRATIONS)
        writer.add_tokens([tokens_of(o) for o in outputs if o.side is Side.CANDIDATE])
        chosen = verdicts if verdicts is not None else FAILING if failing else PASSING
        writer.set_verdicts(chosen, required)
        return writer.finish(info(adapter or folder.parent / "adapters" / "candidate"))


HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>\"'></bdi></style><!-- "
    "\u202eevil\u202c \x1b[31m\x07 {{ 7*7 }} javascript:alert(1) "
)


def hostile_run(folder: Path, text: str = HOSTILE) -> Run:
    """Write a failing run in which everything that can hold text holds ``text``."""
    case = CaseRow.of(task_of(ENGLISH), panel=PANEL)
    nasty = replace(case, query=text, source=text, cluster=text, kind=text)
    finding = replace(leak(nasty, text, "evil"), explanation=text)
    verdicts = [replace(v, reason=text, method=text) for v in FAILING]
    with RunWriter(folder) as writer:
        writer.add_cases([nasty])
        writer.add_outputs(
            [output(ENGLISH.id, Side.BASELINE, text), output(ENGLISH.id, Side.CANDIDATE, text)]
        )
        writer.add_scores([finding])
        shown = ShownRow(history=ENGLISH.history, query=text, rewrite=text)
        writer.add_demonstrations([DemonstrationsRow(name="A", shown=(shown,))])
        nasty_tokens = tokens_of(output(ENGLISH.id, Side.CANDIDATE, text))
        writer.add_tokens([replace(nasty_tokens, texts=(text,) * len(nasty_tokens.ids))])
        writer.set_verdicts(verdicts, ())
        made = info(folder)
        return writer.finish(
            replace(made, machine={text: text}, versions={text: text}, command=(text, text))
        )
