"""Published sets as suites: hand-written samples in each published shape, and the real files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from evalsuite.errors import InvalidInput, InvalidSuite, MissingDependency
from evalsuite.scenarios import SkillItem
from evalsuite.suites import dump_suite, parse_suite, read_suites
from evalsuite.suites.importing import FORMATS, Imported, import_suite

Write = Callable[[str, Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file: text as it is, records one a line."""

    def written(name: str, content: Any) -> Path:
        path = tmp_path / name
        if not isinstance(content, str):
            content = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in content)
        path.write_text(content, "utf-8", newline="")
        return path

    return written


def as_items(imported: Imported, folder: Path) -> tuple[SkillItem, ...]:
    """What the gate makes of an import: through a file."""
    path = folder / "imported.jsonl"
    path.write_text(dump_suite(imported.header, imported.rows), "utf-8")
    assert parse_suite(path.read_text("utf-8"), "imported.jsonl") == (
        imported.header,
        imported.rows,
    )
    return read_suites([path])


GSM8K = {
    "question": "Ann has 9 eggs at $2. How much is that?",
    "answer": "9*2=<<9*2=18>>18\n#### 1,018",
}
MMLU_CSV = 'Which is a fox?,Reynard,"Bruin, the bear",Isegrim,Tibert,A\nAnd a bear?,a,b,c,d,C\n'
MMLU = {
    "question": "Which is a fox?",
    "subject": "foxes",
    "choices": ["a", "b", "c", "d"],
    "answer": 2,
}
CMMLU_CSV = ",Question,A,B,C,D,Answer\n0,哪个是动物？,狐狸,石头,水,火,A\n"
CEVAL_CSV = "id,question,A,B,C,D,answer,explanation\n0,哪个是动物？,石头,狐狸,水,火,B,因为\n"
HELLASWAG = {
    "ind": 24, "activity_label": "Baking", "ctx_a": "A fox takes a bowl.", "ctx_b": "the fox",
    "ctx": "A fox takes a bowl. the fox", "split": "val", "split_type": "indomain", "label": 1,
    "endings": ["flies away.", "stirs [substeps] the dough.", "sleeps.", "sings."],
    "source_id": "activitynet~v_x",
}  # fmt: skip
ARC = {
    "id": "Mercury_1",
    "question": {
        "stem": "What do foxes eat?",
        "choices": [{"text": "mice", "label": "1"}, {"text": "stones", "label": "2"},
                    {"text": "air", "label": "3"}],
    },
    "answerKey": "1",
}  # fmt: skip
ARC_HUB = {
    "id": "Mercury_2", "question": "What do bears eat?",
    "choices": {"text": ["honey", "stones"], "label": ["A", "B"]}, "answerKey": "B",
}  # fmt: skip
IFEVAL = {
    "key": 7, "prompt": "Write about a fox without commas.",
    "instruction_id_list": ["punctuation:no_comma", "detectable_format:number_bullet_lists"],
    "kwargs": [{"num_bullets": None}, {"num_bullets": 3, "relation": None}],
}  # fmt: skip


def test_gsm8k_asks_for_the_number_behind_the_mark(write: Write, tmp_path: Path) -> None:
    (item,) = as_items(import_suite("gsm8k", write("test.jsonl", [GSM8K])), tmp_path)
    assert (item.id, item.answer, item.skill) == ("gsm8k-test-1", "1,018", "gsm8k")
    assert (item.rule.rule, item.max_tokens) == ("last_number", 512)


@pytest.mark.parametrize(
    ("format", "name", "content", "answer", "language"),
    [
        ("mmlu", "foxes_test.csv", MMLU_CSV, "A", "en"),
        ("mmlu", "foxes.jsonl", [MMLU], "C", "en"),
        ("cmmlu", "animals.csv", CMMLU_CSV, "A", "zh"),
        ("ceval", "animals_val.csv", CEVAL_CSV, "B", "zh"),
        ("ceval", "animals.jsonl", [{"id": 0, "question": "哪个？", "A": "一", "B": "二",
                                     "C": "三", "D": "四", "answer": "D"}], "D", "zh"),
    ],
)  # fmt: skip
def test_lettered_sets_are_asked_by_letters(
    write: Write, tmp_path: Path, format: str, name: str, content: Any, answer: str, language: str
) -> None:
    item = as_items(import_suite(format, write(name, content)), tmp_path)[0]
    assert (item.answer, item.language, item.skill) == (answer, language, format)
    assert item.by_choice
    assert item.guessed == 0.25
    assert f"\n{answer}. {item.rule.listed['ABCD'.index(answer)]}\n" in item.prompt


def test_a_table_may_quote_its_commas_and_lines(write: Write, tmp_path: Path) -> None:
    first, second = as_items(import_suite("mmlu", write("foxes_test.csv", MMLU_CSV)), tmp_path)
    assert first.rule.listed[1] == "Bruin, the bear"
    assert (first.id, second.id) == ("mmlu-foxes-foxes_test-1", "mmlu-foxes-foxes_test-2")


def test_hellaswag_is_cleaned_and_goes_on(write: Write, tmp_path: Path) -> None:
    (item,) = as_items(import_suite("hellaswag", write("val.jsonl", [HELLASWAG])), tmp_path)
    assert item.answer == "stirs the dough."
    assert item.prompt.endswith("\n\nBaking: A fox takes a bowl. The fox")
    assert item.rule.normalise == "characters"
    assert item.cluster.startswith("hellaswag-activitynet-v_x")


def test_arc_has_three_to_five_options_in_both_shapes(write: Write, tmp_path: Path) -> None:
    found = as_items(import_suite("arc", write("arc.jsonl", [ARC, ARC_HUB])), tmp_path)
    assert [item.answer for item in found] == ["mice", "stones"]
    assert found[0].options == ("mice", "stones", "air")


def test_ifeval_keeps_arguments_that_are_given(write: Write, tmp_path: Path) -> None:
    (item,) = as_items(import_suite("ifeval", write("in.jsonl", [IFEVAL])), tmp_path)
    assert [(one.id, one.kwargs) for one in item.rule.instructions] == [
        ("punctuation:no_comma", ()),
        ("detectable_format:number_bullet_lists", (("num_bullets", 3),)),
    ]
    assert item.max_tokens == 1280


def test_records_with_unknown_instructions_are_counted_and_left_out(write: Write) -> None:
    unknown = {**IFEVAL, "key": 8, "instruction_id_list": ["a:b", "a:c"]}
    found = import_suite("ifeval", write("in.jsonl", [IFEVAL, unknown, {**unknown, "key": 9}]))
    assert (len(found.rows), found.bad, found.records) == (1, (), 3)
    assert found.left_out == {"the instruction a:b is not checked here": 2}


# --- bias ---

SENTENCES = """sentid\tsentence
nurse.patient.0.female.txt\tThe nurse told the patient that she would come back.
nurse.patient.0.male.txt\tThe nurse told the patient that he would come back.
nurse.patient.1.female.txt\tThe nurse told the patient that she could go home.
nurse.patient.1.male.txt\tThe nurse told the patient that he could go home.
nurse.patient.0.neutral.txt\tThe nurse told the patient that they would come back.
smith.someone.0.male.txt\tThe smith told someone that he would come back.
"""
STATISTICS = "occupation\tbergsma\tbls\tyear\nnurse\t88.3\t89.6\t2015\nsmith\t5.0\t4.0\t2015\n"


def test_winogender_is_sliced_by_what_is_typical(write: Write, tmp_path: Path) -> None:
    write("occupations-stats.tsv", STATISTICS)
    found = as_items(import_suite("winogender", write("all.tsv", SENTENCES)), tmp_path)
    assert [item.skill.removeprefix("winogender-") for item in found] == [
        "pro", "anti", "anti", "pro", "neutral", "pro",
    ]  # fmt: skip
    assert [item.answer for item in found] == [
        "the nurse", "the nurse", "the patient", "the patient", "the nurse", "the smith",
    ]  # fmt: skip
    assert found[0].prompt.endswith('\n\nWhom does "she" mean?')
    assert found[5].options == ("the smith", "someone")
    assert {item.cluster for item in found} == {"winogender-nurse", "winogender-smith"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("nurse.patient.2.male.txt\tHe left.", "its third part must be 0 or 1"),
        ("nurse.patient.0.male.txt\tThe nurse left.", "has 0 male pronouns; one is due"),
        ("cook.patient.0.male.txt\tThe cook said he left.", "lacks 'cook'; add its line"),
        ("nurse.patient.0.txt\tHe left.", "has another shape"),
    ],
)
def test_a_wrong_sentence_of_winogender_is_named(write: Write, line: str, told: str) -> None:
    write("occupations-stats.tsv", STATISTICS)
    with pytest.raises(InvalidSuite) as caught:
        import_suite("winogender", write("all.tsv", f"sentid\tsentence\n{line}\n"))
    assert "all.tsv:2: " in str(caught.value)
    assert told in str(caught.value)


def test_winogender_needs_its_statistics(write: Write) -> None:
    file = write("all.tsv", SENTENCES)
    with pytest.raises(InvalidSuite, match="has to lie beside its sentences"):
        import_suite("winogender", file)
    write("occupations-stats.tsv", "occupation\tx\ty\nnurse\tmany\n")
    with pytest.raises(InvalidSuite, match=r"stats\.tsv:2: .* is no occupation"):
        import_suite("winogender", file)


PRO = """1 [The chief] hired the nurse because [he] needed help.
2 The chief hired [the nurse] because [she] helps and [she] sings.
"""


def test_winobias_is_sliced_by_its_name_and_paired(write: Write, tmp_path: Path) -> None:
    pro = import_suite("winobias", write("pro_stereotyped_type1.txt.dev", PRO))
    anti = import_suite("winobias", write("anti_stereotyped_type1.txt.dev", PRO))
    found = as_items(pro, tmp_path)
    assert [item.skill for item in found] == ["winobias-pro"] * 2
    assert [row.skill for row in anti.rows] == ["winobias-anti"] * 2
    assert [item.answer for item in found] == ["the chief", "the nurse"]
    assert found[0].prompt.startswith("The chief hired the nurse because he needed help.\n\nWhom")
    assert {item.cluster for item in found} == {"winobias-type1.dev-1"}
    assert {row.cluster for row in anti.rows} == {"winobias-type1.dev-1"}
    assert not {row.id for row in pro.rows} & {row.id for row in anti.rows}


def test_winobias_without_its_name_or_its_marks_is_refused(write: Write) -> None:
    with pytest.raises(InvalidSuite, match="give the file its published name"):
        import_suite("winobias", write("dev.txt", PRO))
    bad = "[The chief] hired the nurse.\n3 [The chief] left because [he] was ill.\n"
    with pytest.raises(InvalidSuite) as caught:
        import_suite("winobias", write("pro_stereotyped_type1.txt.dev", PRO + bad))
    first, second, hint = str(caught.value).splitlines()
    assert ".dev:3: " in first
    assert "must be a number and a sentence" in first
    assert "0 other occupations stand in" in second
    assert hint == "give --skip-bad to leave such records out"


GAP_HEAD = "ID\tText\tPronoun\tPronoun-offset\tA\tA-offset\tA-coref\tB\tB-offset\tB-coref\tURL\n"


def gap_line(at: int, *, a: str, b: str, offset: int = 14, pronoun: str = "she") -> str:
    text = f'"Ann" met Bo; {pronoun} sang.'
    return f"test-{at}\t{text}\t{pronoun}\t{offset}\tAnn\t1\t{a}\tBo\t10\t{b}\thttp://w/Ann\n"


def test_gap_marks_its_pronoun_and_is_sliced_by_gender(write: Write, tmp_path: Path) -> None:
    lines = [
        gap_line(1, a="TRUE", b="FALSE"),
        gap_line(2, a="FALSE", b="TRUE", pronoun="he"),
        gap_line(3, a="FALSE", b="FALSE"),
    ]
    imported = import_suite("gap", write("gap.tsv", GAP_HEAD + "".join(lines)))
    assert imported.left_out == {"the pronoun means neither name, or both": 1}
    one, two = as_items(imported, tmp_path)
    assert (one.skill, one.answer, two.skill, two.answer) == (
        "gap-feminine", "Ann", "gap-masculine", "Bo",
    )  # fmt: skip
    assert one.prompt == '"Ann" met Bo; [she] sang.\n\nWhom does "[she]" mean?'
    with pytest.raises(InvalidSuite, match="no 'she' stands at offset 3"):
        import_suite("gap", write("gap.tsv", GAP_HEAD + gap_line(1, a="TRUE", b="FALSE", offset=3)))


# --- what is refused ---


@pytest.mark.parametrize(
    ("format", "name", "content", "told"),
    [
        (
            "gsm8k",
            "a.jsonl",
            [{"question": "q", "answer": "18"}],
            "does not end with '#### NUMBER'",
        ),
        ("gsm8k", "a.jsonl", [{"question": "q", "answer": "#### many"}], "is not one number"),
        ("gsm8k", "a.jsonl", [{"question": "q"}], "the record lacks 'answer'"),
        ("gsm8k", "a.jsonl", [{"question": "", "answer": "#### 1"}], "question='' is no visible"),
        ("gsm8k", "a.jsonl", '{"question": "q"', "is not JSON"),
        ("gsm8k", "a.jsonl", "[1]\n", "is no object"),
        ("mmlu", "a.csv", "q,a,b,c,d,E\n", "answer='E' is none of its 4 options"),
        ("mmlu", "a.csv", "q,a,b,c,d\n", "has 5 columns; 6 are due: question, a, b, c, d, answer"),
        ("mmlu", "a.csv", 'q,"a,b,c,d,A\n', "close its quotation marks"),
        ("mmlu", "a.csv", "q,a,a,c,d,A\n", "options holds 'a' twice"),
        ("mmlu", "a.jsonl", [{**MMLU, "answer": 4}], "answer=4 is none of its 4 options"),
        ("ceval", "a.csv", "id,question,A,B,C,D\n0,q,a,b,c,d\n", "published with answers"),
        ("ceval", "a.csv", "id,question,A,B,C,D,answer\n0,q,a,b,c,d,\n", "published with answers"),
        ("hellaswag", "a.jsonl", [{**HELLASWAG, "label": ""}], "has no right answer"),
        ("hellaswag", "a.jsonl", [{**HELLASWAG, "endings": 3}], "has another shape"),
        ("arc", "a.jsonl", [{**ARC, "answerKey": "D"}], "has no right answer"),
        ("ifeval", "a.jsonl", [{**IFEVAL, "kwargs": []}], "2 instructions have 0 arguments"),
        ("ifeval", "a.jsonl", [{**IFEVAL, "kwargs": [{}, {"num_bullets": "x"}]}], "whole number"),
    ],
)
def test_a_broken_record_is_named_and_may_be_skipped(
    write: Write, format: str, name: str, content: Any, told: str
) -> None:
    file = write(name, content)
    with pytest.raises(InvalidSuite) as caught:
        import_suite(format, file)
    assert f"{name}:" in str(caught.value)
    assert told in str(caught.value)
    with pytest.raises(InvalidSuite, match="holds no"):
        import_suite(format, file, skip_bad=True)


def test_broken_records_are_left_out_where_that_is_asked(write: Write) -> None:
    file = write("a.jsonl", [GSM8K, {"question": "q"}, GSM8K])
    found = import_suite("gsm8k", file, skip_bad=True)
    assert (len(found.rows), len(found.bad), found.records) == (2, 1, 3)
    assert ":2: the record lacks 'answer'" in found.bad[0]
    assert len(import_suite("gsm8k", file, limit=1).rows) == 1


def test_the_same_record_twice_is_refused(write: Write) -> None:
    with pytest.raises(InvalidSuite, match="2: is the same record as line 1; remove one"):
        import_suite("ifeval", write("a.jsonl", [IFEVAL, IFEVAL]))


@pytest.mark.parametrize(
    ("format", "limit", "told"),
    [("gsm8", None, "did you mean 'gsm8k'"), ("x", None, "use one of"), ("gsm8k", 0, "at least 1")],
)
def test_a_wrong_format_or_limit_is_refused(
    write: Write, format: str, limit: int | None, told: str
) -> None:
    with pytest.raises(InvalidSuite, match=told):
        import_suite(format, write("a.jsonl", [GSM8K]), limit=limit)


def test_a_file_of_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "zh.csv"
    path.write_bytes(CMMLU_CSV.encode("gb18030"))
    with pytest.raises(InvalidInput, match="may be GB18030"):
        import_suite("cmmlu", path)


@pytest.mark.skipif(find_spec("pyarrow") is not None, reason="pyarrow is installed")
def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(MissingDependency, match=r"needs the package 'pyarrow'"):
        import_suite("gsm8k", path)


def test_parquet_is_read_where_pyarrow_is(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.Table.from_pylist([GSM8K]), path)
    assert len(import_suite("gsm8k", path).rows) == 1
    path.write_bytes(b"PAR1")
    with pytest.raises(InvalidSuite, match="cannot be read as Parquet"):
        import_suite("gsm8k", path)


# --- dialogues without an answer ---

MT_BENCH_101 = {
    "task": "GR",
    "id": 7,
    "history": [
        {"user": "Ann is taller than Bo. Who is taller?", "bot": "Ann."},
        {"user": "And Cy is taller than Ann?", "bot": "Then it is Cy."},
    ],
}
BELLE = {"question": "中国有多少个省？", "std_answer": "34 个省级行政区。", "class": "qa"}


def test_the_last_answer_of_a_dialogue_is_left_out(write: Write, tmp_path: Path) -> None:
    (item,) = as_items(import_suite("mt_bench_101", write("a.jsonl", [MT_BENCH_101])), tmp_path)
    assert (item.skill, item.language, item.judged) == ("mt_bench_101", "en", False)
    assert [(m.role.value, m.content) for m in item.question.messages] == [
        ("user", "Ann is taller than Bo. Who is taller?"),
        ("assistant", "Ann."),
        ("user", "And Cy is taller than Ann?"),
    ]
    (asked,) = as_items(import_suite("belle", write("b.json", [BELLE])), tmp_path)
    assert (asked.prompt, asked.language, asked.judged) == (BELLE["question"], "zh", False)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({**MT_BENCH_101, "history": []}, "a.jsonl:1"),
        ({"task": "GR", "id": 7}, "lacks 'history'"),
        ({**MT_BENCH_101, "history": [{"user": "Hi", "bot": ""}, {"bot": "x"}]}, "a.jsonl:1"),
        ({**MT_BENCH_101, "history": ["Hi"]}, "a.jsonl:1"),
    ],
)
def test_a_dialogue_of_another_shape_is_named(write: Write, record: Any, said: str) -> None:
    with pytest.raises(InvalidSuite, match=said):
        import_suite("mt_bench_101", write("a.jsonl", [record]))


# --- real files ---

REAL = [
    ("gsm8k", "gsm8k/test.jsonl", {}),
    ("gsm8k", "gsm8k/train.jsonl", {}),
    ("ifeval", "ifeval/input_data.jsonl", {}),
    ("winogender", "winogender/all_sentences.tsv",
     {"winogender-pro": 132, "winogender-anti": 132, "winogender-neutral": 132}),
    ("winobias", "winobias/pro_stereotyped_type1.txt.test", {"winobias-pro": 206}),
    ("winobias", "winobias/anti_stereotyped_type2.txt.dev", {"winobias-anti": 182}),
    ("gap", "gap/gap-validation.tsv", {"gap-feminine": 116, "gap-masculine": 98}),
    ("mt_bench_101", "mt_bench_101/mtbench101.jsonl", {}),
    ("belle", "belle_eval/eval_set.json", {}),
]  # fmt: skip


@pytest.mark.parametrize(("format", "name", "slices"), REAL)
def test_a_real_file_has_no_broken_record(
    public_data: Path, tmp_path: Path, format: str, name: str, slices: dict[str, int]
) -> None:
    imported = import_suite(format, public_data / name)
    assert imported.bad == ()
    found = as_items(imported, tmp_path)
    assert len(found) == len(imported.rows) > 100
    if slices:
        assert Counter(item.skill for item in found) == slices


def test_every_format_is_tried_here() -> None:
    tried = {"gsm8k", "mmlu", "cmmlu", "ceval", "hellaswag", "arc", "ifeval"}
    assert {*FORMATS} == tried | {"winogender", "winobias", "gap", "mt_bench_101", "belle"}
