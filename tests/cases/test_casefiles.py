"""Case files: what loads, and what is refused, with line and fix."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evalsuite.cases import Expectation
from evalsuite.cases.casefiles import (
    dump_cases,
    lint,
    load_cases,
    names,
    parse_cases,
    without_source,
)
from evalsuite.conversation import Message, Role
from evalsuite.errors import InvalidCase
from evalsuite.files.text import MAX_BYTES
from evalsuite.files.yamlnodes import MAX_LINE

GOOD = """\
cases:
  - id: lima
    language: en
    kind: single
    history:
      - user: Where is Lima?
      - assistant: In Peru.
    query: How big is it?
    expect:
      rewrites: ["How big is Lima?"]
      must_name: [Lima]
"""


def told(text: str) -> list[str]:
    """The lines of the refusal of ``text``."""
    with pytest.raises(InvalidCase) as caught:
        parse_cases(text, "f.yaml")
    return str(caught.value).splitlines()


def only(text: str) -> str:
    """The one line of the refusal of ``text``."""
    lines = told(text)
    assert len(lines) == 1, lines
    return lines[0]


# --- what loads ---


def test_a_case_is_read_with_its_line_and_its_id_as_cluster() -> None:
    (case,) = parse_cases(GOOD, "f.yaml")
    assert case.source == "f.yaml:2"
    assert case.cluster == "lima"
    assert case.history == (
        Message(Role.USER, "Where is Lima?"),
        Message(Role.ASSISTANT, "In Peru."),
    )
    assert case.expect == Expectation(rewrites=("How big is Lima?",), must_name=("Lima",))


def test_a_case_needs_no_history() -> None:
    text = (
        "cases:\n- {id: a, language: en, kind: standalone, query: Hi, expect: {unchanged: true}}\n"
    )
    assert parse_cases(text)[0].history == ()


def test_windows_line_ends_and_a_byte_order_mark_are_no_error(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert without_source(load_cases(file)[0]) == without_source(parse_cases(GOOD)[0])


def test_folders_are_searched_sorted_without_hidden_files_and_demonstrations(
    tmp_path: Path,
) -> None:
    for name in (
        "b/z.yaml",
        "a.yml",
        "b/a.yaml",
        ".hidden/x.yaml",
        "demonstrations/x.yaml",
        "n.txt",
    ):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(GOOD.replace("id: lima", f"id: {file.stem}-{len(file.parts)}"))
    loaded = load_cases(tmp_path)
    assert [
        Path(case.source.rpartition(":")[0]).relative_to(tmp_path).as_posix() for case in loaded
    ] == [
        "a.yml",
        "b/a.yaml",
        "b/z.yaml",
    ]


def test_a_file_that_is_reached_twice_counts_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    assert len(load_cases([tmp_path, tmp_path / "a.yaml", str(tmp_path / "a.yaml")])) == 1


def test_an_invisible_character_may_be_written_as_an_escape() -> None:
    text = GOOD.replace("Where is Lima?", '"Where is \\u202ELima\\u202C?"')
    assert parse_cases(text)[0].history[0].content == "Where is \u202eLima\u202c?"


def test_an_emoji_that_needs_a_joiner_is_text() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert parse_cases(GOOD.replace("In Peru.", family))[0].history[1].content == family


# --- what is refused ---


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "    kind: single",
            "    knd: single\n    kind: single",
            "4: unknown key 'knd' in a case; did you mean 'kind'?",
        ),
        (
            "    kind: single",
            "    colour: red\n    kind: single",
            "4: unknown key 'colour' in a case; "
            "use id, language, kind, cluster, history, query, expect",
        ),
        (
            "      must_name: [",
            "      must_names: [",
            "11: unknown key 'must_names' in expect; did you mean 'must_name'?",
        ),
        ("kind: single", "kind: singel", "4: kind='singel' is unknown; did you mean 'single'?"),
        ("language: en", "language: english", "3: language='english' is unknown; use en, zh"),
        (
            "- user:",
            "- tool:",
            "6: role 'tool' is not allowed in a history; write '- user: ...' or '- assistant: ...'",
        ),
        ("- user:", "- system:", "6: role 'system' is not allowed"),
        ("      - assistant:", "        assistant:", "6: a turn has exactly one speaker"),
        ("query: How big is it?", "query: ''", "8: query is empty"),
        ("query: How big is it?", "query:", "8: query is empty"),
        (
            "query: How big is it?",
            "query: no",
            '8: query: no is read as bool, not as text; write "no" in quotes',
        ),
        ("query: How big is it?", "query: 42", "8: query: 42 is read as int"),
        ("query: How big is it?", "query: 2020-01-01", "8: query: 2020-01-01 is read as timestamp"),
        ("query: How big is it?", "query: [a]", "8: query is a list; write one text"),
        ("query: How big is it?", "query: {a: b}", "8: query is a mapping"),
        ("[Lima]", "Lima", "11: must_name must be a list"),
        ("[Lima]", "[Lima, ' ']", "11: an entry of must_name is empty"),
        ("[Lima]", "[Lima]\n      unchanged: yes", "12: unchanged must be true or false"),
        ("[Lima]", "[Lima]\n      unchanged: 'true'", "12: unchanged must be true or false"),
        (
            "[Lima]",
            "[Lima]\n      unchanged: true",
            "2: case 'lima': unchanged: true, but a rewrite differs",
        ),
        ("[Lima]", "[Lima]\n      must_not_name: [lima]", "10: ['lima'] stands in must_name and"),
        ("id: lima", "id: Lima", "2: id='Lima' must be 1-80 of a-z"),
        ("id: lima", "id: lima\n    id: b", "3: duplicate key 'id' in a case, first on line 2"),
        ("In Peru.", "*x", "7: alias *x is not allowed; write the value out"),
        ("In Peru.", "&x In Peru.", "7: anchor &x is not allowed; remove it"),
        ("In Peru.", "!!str In Peru.", "7: YAML tag 'tag:yaml.org,2002:str' is not allowed"),
        (
            "In Peru.",
            "!!python/name:os.system x",
            "7: YAML tag 'tag:yaml.org,2002:python/name:os.system' is not allowed",
        ),
        ("In Peru.", "In\u202e Peru.", "7: U+202E RIGHT-TO-LEFT OVERRIDE: bidirectional control"),
        ("In Peru.", "In\x07 Peru.", "7: U+0007: control characters cannot be seen"),
        ("In Peru.", "In\u200b Peru.", "7: U+200B ZERO WIDTH SPACE: invisible format"),
        ("In Peru.", "In\u2028 Peru.", "7: U+2028 LINE SEPARATOR: line separator"),
        ("In Peru.", "In\ufffe Peru.", "7: U+FFFE: noncharacter"),
        ("In Peru.", '"In\\0 Peru."', "7: a turn's text holds U+0000, which is no text"),
        ("cases:", "%YAML 1.1\n---\ncases:", "1: YAML directives are not allowed"),
        ("    query: How", "\t  query: How", "8: a tab in the indentation; indent with spaces"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_fix(old: str, new: str, expected: str) -> None:
    assert old in GOOD
    assert only(GOOD.replace(old, new, 1)).startswith(f"f.yaml:{expected}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a\n", "f.yaml:1: the file must be a mapping with the keys: cases"),
        ("hello\n", "f.yaml:1: the file must be a mapping"),
        ("# nothing\n", "f.yaml:1: the file holds only comments"),
        ("cases: []\n", "f.yaml:1: cases is empty"),
        ("cases:\n", "f.yaml:1: cases must be a list"),
        ("cases:\n- hello\n", "f.yaml:2: a case must be a mapping with the keys: id, language"),
        ("cases: [\n", "f.yaml:2: this is not YAML"),
        ("cases:\n- id: a: b\n", "f.yaml:2: this is not YAML"),
        (GOOD + "---\n" + GOOD, "f.yaml:12: a second YAML document starts"),
        ("? [a]\n: b\ncases: []\n", "f.yaml:1: the file has a key that is not text"),
        ("cases: " + "[" * 90 + "]" * 90, "f.yaml:1: nested deeper than"),
        ("a: &a [x]\ncases: [*a, *a]\n", "f.yaml:1: unknown key 'a'"),
    ],
)
def test_a_file_of_another_shape_is_refused(text: str, expected: str) -> None:
    assert any(line.startswith(expected) for line in told(text))


def test_a_missing_key_is_named() -> None:
    assert only("cases:\n- {id: a, language: en}\n") == (
        "f.yaml:2: the case lacks kind, query, expect; add what is missing"
    )


def test_an_expectation_of_nothing_is_refused() -> None:
    nothing = GOOD.replace('rewrites: ["How big is Lima?"]', "must_not_name: [a]")
    assert "expects nothing" in only(nothing.replace("      must_name: [Lima]\n", ""))


def test_everything_wrong_with_a_file_is_told_at_once_and_in_order() -> None:
    text = GOOD.replace("single", "singel").replace("- user", "- tool").replace("[Lima]", "*a")
    text += "  - 7\n" + GOOD.removeprefix("cases:\n").replace("How big is it?", "yes")
    assert [line.split(": ")[0] for line in told(text)] == [
        "f.yaml:4",
        "f.yaml:6",
        "f.yaml:11",
        "f.yaml:12",
        "f.yaml:13",
        "f.yaml:19",
    ]


def test_a_duplicate_id_within_a_file_names_the_first_place() -> None:
    twice = GOOD + GOOD.removeprefix("cases:\n")
    assert only(twice) == (
        "f.yaml:12: duplicate id 'lima', first at f.yaml:2; give this one another"
    )


def test_a_duplicate_id_across_files_names_both_files(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(GOOD)
    with pytest.raises(InvalidCase, match=r"b\.yaml:2: duplicate id 'lima', first at .*a\.yaml:2"):
        load_cases(tmp_path)


def test_problems_of_all_files_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"")
    (tmp_path / "b.yaml").write_text("cases: []")
    (tmp_path / "c.yaml").write_bytes(GOOD.replace("In Peru", "在秘鲁").encode("gb18030"))
    with pytest.raises(InvalidCase) as caught:
        load_cases(tmp_path)
    first, second, third = str(caught.value).splitlines()
    assert "a.yaml:1: the file is empty" in first
    assert "b.yaml:1: cases is empty" in second
    assert "c.yaml:7: byte 0xD4 is not UTF-8 (the file may be GB18030" in third


def test_utf16_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(GOOD.encode("utf-16"))
    with pytest.raises(InvalidCase, match=r"looks like UTF-16.*save the file as UTF-8"):
        load_cases(tmp_path)


def test_a_file_over_the_size_cap_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(GOOD + "#" * 50 + "\n" * MAX_BYTES)
    with pytest.raises(InvalidCase, match="larger than 5,000,000 bytes; split it"):
        load_cases(file)


def test_a_line_over_the_cap_is_refused() -> None:
    long = "x" * (MAX_LINE + 1)
    assert only(GOOD.replace("In Peru.", long)).startswith("f.yaml:7: the line has 100,0")


def test_an_alias_bomb_ends_in_sentences_not_in_memory() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}, *a{i - 1}]\n" for i in range(1, 40)
    )
    lines = told(bomb)
    assert len(lines) == 51
    assert any("alias *a0 is not allowed" in line for line in lines)


def test_a_long_list_of_problems_is_cut_with_a_count() -> None:
    lines = told("cases:\n" + "- x\n" * 80)
    assert len(lines) == 51
    assert lines[-1] == "... and 30 more; fix these first"


@pytest.mark.parametrize("make", ["missing", "folder", "pipe"])
def test_a_path_that_is_no_case_file_is_refused(tmp_path: Path, make: str) -> None:
    path = tmp_path / "x.yaml"
    if make == "folder":
        path.mkdir()
    if make == "pipe":
        os.mkfifo(path)
    expected = {"missing": "does not exist", "folder": "no .yaml or .yml", "pipe": "no plain file"}
    with pytest.raises(InvalidCase, match=expected[make]):
        load_cases(path)


def test_no_paths_are_refused() -> None:
    with pytest.raises(InvalidCase, match=r"paths=\[\] names no case file"):
        load_cases([])


# --- lint ---


def linted(tmp_path: Path, *changes: tuple[str, str], text: str = GOOD) -> list[str]:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "f.yaml").write_text(text)
    return [line.removeprefix(f"{tmp_path.as_posix()}/") for line in lint(tmp_path)]


def test_a_sound_file_has_nothing_to_lint(tmp_path: Path) -> None:
    assert linted(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("must_name: [Lima]", "must_name: [Cusco]", "lacks 'Cusco'"),
        ("must_name: [Lima]", "must_not_name: [LIMA]", "holds 'LIMA', which must_not_name forbids"),
        (
            '["How big is Lima?"]\n      must_name: [Lima]',
            '["How big is it?"]',
            "rewrite is the query",
        ),
        (
            '["How big is Lima?"]',
            '["How big is Lima?", "How big is Lima?"]',
            "rewrites holds a text twice",
        ),
        ("kind: single", "kind: unanswerable", "kind unanswerable stays as it is"),
        ("In Peru.", "'In Peru. '", "white space around a text"),
        ('rewrites: ["How big is Lima?"]', "unchanged: true", "that the unchanged query lacks"),
        ("query: How big", "query: How bigg", ""),
    ],
)
def test_what_nobody_can_mean_is_linted(tmp_path: Path, old: str, new: str, expected: str) -> None:
    lines = linted(tmp_path, (old, new))
    if expected:
        (line,) = lines
        assert line.startswith("f.yaml:2: case 'lima': ")
        assert expected in line
    else:
        assert lines == []


def test_a_forbidden_name_in_a_query_that_stays_is_linted(tmp_path: Path) -> None:
    (line,) = linted(
        tmp_path,
        (
            'rewrites: ["How big is Lima?"]\n      must_name: [Lima]',
            "unchanged: true\n      must_not_name: [big]",
        ),
    )
    assert "holds 'big'" in line


def test_the_same_conversation_in_two_cases_is_linted(tmp_path: Path) -> None:
    twin = GOOD.removeprefix("cases:\n").replace("id: lima", "id: lima-2")
    (line,) = linted(tmp_path, text=GOOD + twin)
    assert "case 'lima-2' has the conversation of 'lima'" in line


TWIN = GOOD.removeprefix("cases:\n").replace("id: lima", "id: lima-2")


@pytest.mark.parametrize(
    ("old", "new", "contradicts"),
    [
        ("How big is Lima?", "What is the size of Lima?", True),
        ('rewrites: ["How big is Lima?"]\n      must_name: [Lima]', "unchanged: true", True),
        (
            'rewrites: ["How big is Lima?"]\n      must_name: [Lima]',
            "must_name: [Peru]\n      must_not_name: [Lima]",
            True,
        ),
        ('["How big is Lima?"]', '["How large is Lima?", "How big is Lima?"]', False),
        ('rewrites: ["How big is Lima?"]\n      must_name', "must_name", False),
    ],
)
def test_two_cases_of_one_conversation_that_contradict_each_other_are_told_so(
    tmp_path: Path, old: str, new: str, contradicts: bool
) -> None:
    assert old in TWIN
    (line,) = linted(tmp_path, text=GOOD + TWIN.replace(old, new))
    assert line.startswith("f.yaml:12: case 'lima-2' has the conversation of 'lima'")
    assert ("accepts no answer that it accepts; settle which is right" in line) is contradicts


@pytest.mark.parametrize(
    ("expect", "expected"),
    [
        ("must_name: [Ada Carter]\n      aliases: [Carter]", ""),
        ("must_name: [World Health Organization]\n      aliases: [WHO, W.H.O.]", ""),
        ("must_name: [北京大学]\n      aliases: [北大]", ""),
        ('rewrites: ["How big is the Eiffel Tower?"]\n      aliases: [the Tower]', ""),
        ("must_name: [Ada Carter]\n      aliases: [Bolt]", "'Bolt' is neither part of what"),
        (
            "must_name: [Ada Carter]\n      must_not_name: [Bo Carter]\n      aliases: [Carter]",
            "'Carter' may mean 'Bo Carter' too",
        ),
        ("unchanged: true\n      aliases: [Carter]", "aliases stand for what must be named"),
        ("must_name: [Ada Carter]\n      aliases: [Carter, Carter]", "aliases holds a text twice"),
        (
            "unchanged: true\n      rewrites: [How big is it?]\n      extractive: true",
            "extractive: true says nothing of a query that stays",
        ),
        (
            "unchanged: true\n      rewrites: [How big is it?]\n      free: true",
            "free: true says nothing of a query that stays",
        ),
    ],
)
def test_aliases_and_flags_that_nobody_can_mean_are_linted(
    tmp_path: Path, expect: str, expected: str
) -> None:
    whole = 'rewrites: ["How big is Lima?"]\n      must_name: [Lima]'
    lines = linted(tmp_path, (whole, expect))
    if expected:
        assert expected in lines[0]
    else:
        assert lines == []


def test_a_query_without_a_content_word_may_be_rewritten(tmp_path: Path) -> None:
    bare = ("query: How big is it?", "query: Why?"), ("How big is Lima?", "Why is Lima?")
    assert linted(tmp_path, *bare) == []


def test_flags_and_aliases_come_back_from_a_file() -> None:
    text = GOOD.replace(
        "must_name: [Lima]", 'extractive: true\n      must_name: [Lima]\n      aliases: ["Li"]'
    )
    (case,) = parse_cases(text)
    assert (case.expect.extractive, case.expect.aliases) == (True, ("Li",))
    assert parse_cases(dump_cases([case]))[0].expect == case.expect


def test_lint_tells_what_loading_refuses_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("cases: []")
    (line, doubt) = linted(tmp_path, ("must_name: [Lima]", "must_name: [Cusco]"))
    assert line == "a.yaml:1: cases is empty; write at least one case"
    assert "lacks 'Cusco'" in doubt
    assert lint(tmp_path / "none.yaml") == [
        f"{tmp_path.as_posix()}/none.yaml: does not exist; name a case file or a folder of them"
    ]


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        ("Is GO fast?", "Go", True),
        ("Is Google fast?", "Go", False),
        ("Ｇｏ很快", "Go", True),
        ("学Go语言", "Go", True),
        ("methanol", "ethanol", False),
        ("大熊猫吃什么", "熊猫", True),
        ("C++ or C?", "C++", True),
    ],
)
def test_a_name_is_found_in_any_script_but_not_inside_a_latin_word(
    text: str, name: str, found: bool
) -> None:
    assert names(text, name) is found
