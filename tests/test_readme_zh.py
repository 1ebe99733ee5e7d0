"""README.zh.md says what README.md says: commands, links, tables and numbers, section by section.

A translation cannot be checked word by word. So each Chinese section carries the digest of the
English one that it translates, and whatever is not language has to be the same.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
_MARK = re.compile(r"<!-- README\.md: ([0-9a-f]{8}) -->\n")


def _sections(text: str) -> list[str]:
    """What stands before the first ``## `` heading, then each section with its heading."""
    parts: list[str] = [""]
    fenced = False
    for line in text.splitlines(keepends=True):
        fenced ^= line.startswith("```")
        if line.startswith("## ") and not fenced:
            parts.append("")
        parts[-1] += line
    return parts


def _digest(section: str) -> str:
    return hashlib.sha256(section.strip().encode()).hexdigest()[:8]


ENGLISH = _sections((ROOT / "README.md").read_text("utf-8"))
CHINESE = (ROOT / "README.zh.md").read_text("utf-8")
_PIECES = _MARK.split(CHINESE)
MARKS, TRANSLATED = _PIECES[1::2], _PIECES[2::2]
AT = range(len(ENGLISH))


def _blocks(text: str) -> list[str]:
    return re.findall(r"^```.*?^```$", text, re.DOTALL | re.MULTILINE)


def _prose(text: str) -> str:
    for block in _blocks(text):
        text = text.replace(block, "")
    return text


def _links(text: str) -> Counter[str]:
    found = re.findall(r"\]\(([^)]+)\)", _prose(text))
    return Counter(link for link in found if not link.startswith("README"))


def _code(text: str) -> Counter[str]:
    return Counter(re.findall(r"`([^`]+)`", _prose(text)))


def _numbers(text: str) -> Counter[str]:
    bare = re.sub(r"`[^`]+`|\]\([^)]+\)", "", _prose(text))
    return Counter(re.findall(r"\d+(?:\.\d+)?", bare))


def test_every_section_is_translated_and_nothing_stands_before_the_first() -> None:
    assert _PIECES[0] == ""
    assert len(TRANSLATED) == len(ENGLISH)


@pytest.mark.parametrize("at", AT)
def test_each_section_was_translated_from_what_the_english_one_says_now(at: int) -> None:
    title = ENGLISH[at].strip().splitlines()[0]
    assert MARKS[at] == _digest(ENGLISH[at]), (
        f"the section {title!r} of README.md changed: say the same in README.zh.md, and write "
        f"<!-- README.md: {_digest(ENGLISH[at])} --> before it"
    )


@pytest.mark.parametrize("at", AT)
def test_commands_links_code_and_numbers_are_the_same(at: int) -> None:
    english, chinese = ENGLISH[at], TRANSLATED[at]
    assert _blocks(chinese) == _blocks(english)
    assert _links(chinese) == _links(english)
    assert _code(chinese) == _code(english)
    assert _numbers(chinese) == _numbers(english)


@pytest.mark.parametrize("at", AT)
def test_tables_and_headings_have_the_same_shape(at: int) -> None:
    for pattern in (r"^\|", r"^#+ ", r"^!\[|\| !\[", r"^\*\*"):
        lines = [
            re.findall(pattern, _prose(t), re.MULTILINE) for t in (ENGLISH[at], TRANSLATED[at])
        ]
        assert lines[0] == lines[1], pattern


def test_every_file_that_a_readme_links_is_there() -> None:
    for text in (CHINESE, "".join(ENGLISH)):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", _prose(text)):
            assert (ROOT / link).exists(), link
