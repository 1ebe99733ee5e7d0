from __future__ import annotations

from pathlib import Path

import pytest

from evalsuite.cases import Language
from evalsuite.conversation import messages
from evalsuite.errors import InvalidCase
from evalsuite.prompts import load_demonstrations

GOOD = """\
- language: en
  history:
    - user: Who wrote The Salt Road?
    - assistant: Mira Tallow.
  query: When was she born?
  rewrite: When was Mira Tallow born?
  entities: [Mira Tallow, The Salt Road]
- language: zh
  query: 今天星期几？
  rewrite: 今天星期几？
"""


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "demonstrations.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_file_of_demonstrations_is_read_in_order(tmp_path: Path) -> None:
    first, second = load_demonstrations(write(tmp_path, GOOD))
    assert first.history == messages(
        [("user", "Who wrote The Salt Road?"), ("assistant", "Mira Tallow.")]
    )
    assert first.entities == ("Mira Tallow", "The Salt Road")
    assert (second.language, second.history, second.entities) == (Language.ZH, (), ())


HEAD = "- language: en\n  query: a\n  rewrite: b\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "the file is empty"),
        ("[]", 1, "no demonstrations"),
        ("language: en", 1, "the file must be a list"),
        ("- just text", 1, "a mapping"),
        (HEAD + "  reply: c\n", 4, "unknown key 'reply' in a demonstration; use language"),
        ("- language: en\n  query: a\n", 1, "'rewrite' is missing"),
        ("- language: fr\n  query: a\n  rewrite: b\n", 1, "language='fr'; use one of: en, zh"),
        ("- language: en\n  query: 12\n  rewrite: b\n", 2, "12 is read as int"),
        ("- language: en\n  query: yes\n  rewrite: b\n", 2, "yes is read as bool"),
        ("- language: en\n  query: ''\n  rewrite: b\n", 2, "query is empty"),
        ("- language: en\n  query: a\n  query: c\n  rewrite: b\n", 3, "duplicate key"),
        (HEAD + "  history:\n    - tool: x\n", 5, "unknown key 'tool' in a turn"),
        (HEAD + "  history:\n    - user: x\n      assistant: y\n", 5, "one key"),
        (HEAD + "  history:\n    - system: x\n", 5, "unknown key 'system'"),
        (HEAD + "  history: hello\n", 4, "history must be a list"),
        (HEAD + "  entities:\n    - ok\n    - ' '\n", 6, "an entity is empty"),
        (HEAD + "  entities: [1]\n", 4, "1 is read as int"),
        ("- language: en\n\tquery: a\n", 2, "a tab in the indentation"),
        ("- language: en\n  query: !!python/object:os.system a\n  rewrite: b\n", 2, "YAML tag"),
        (HEAD + "  history: !!python/tuple []\n", 4, "YAML tag"),
        ("- !!set {a, b}\n", 1, "YAML tag"),
        ("- &a [x, x]\n- &b [*a, *a]\n", 1, "anchor &a"),
        (HEAD + "  <<: {query: c}\n", 4, "unknown key '<<'"),
        (HEAD + "---\n" + HEAD, 4, "a second YAML document"),
        (HEAD + "  entities: ['\x00']\n", 4, "U+0000"),
        ("[" * 900, 1, "nested deeper than 16"),
        (b"- language: en\n  query: \xff\n", 2, "is not UTF-8"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line_and_the_fix(
    tmp_path: Path, text: str | bytes, line: int, says: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InvalidCase) as caught:
        load_demonstrations(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert says in str(caught.value)


def test_a_missing_file_and_a_huge_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidCase, match="absent"):
        load_demonstrations(tmp_path / "absent.yaml")
    with pytest.raises(InvalidCase, match="bytes"):
        load_demonstrations(write(tmp_path, "#" * 1_000_001))
