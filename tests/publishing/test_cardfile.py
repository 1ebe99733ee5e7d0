"""The markers: idempotent, and not a byte beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from hypothesis import assume, example, given
from hypothesis import strategies as st

from evalsuite.errors import PublishingError
from evalsuite.publishing import BEGIN, END, card_section, prepare_card, with_section
from evalsuite.runs.folder import Run

SECTION = "## Evaluation\n\nfine\n"
CARD = "---\nlicense: apache-2.0\ntags: [lora]\n---\n\n# A model\n\ntext\n"
PIECES = st.sampled_from(
    [
        BEGIN,
        END,
        "\n",
        "\r\n",
        "\r",
        "\n\n",
        "---",
        "a: b",
        " ",
        "text",
        "```",
        "\ufeff",
        "岚",
        "<!--",
    ]
)
CARDS = st.one_of(
    st.text().map(str.encode),
    st.lists(PIECES, max_size=12).map(lambda pieces: "".join(pieces).encode()),
)


def written(card: bytes, section: str = SECTION) -> bytes:
    """The card with the section; a card that is refused is not of interest."""
    try:
        return with_section(card, section)
    except PublishingError:
        assume(False)
        raise


@given(CARDS, st.text(alphabet=st.characters(exclude_characters="<")))
@example(b"a\r", "x")
@example(b"\xef\xbb\xbf", "x")
@example(f"{BEGIN}\r\n{END}".encode(), "x")
def test_inserting_twice_is_inserting_once(card: bytes, section: str) -> None:
    once = written(card, section)
    assert with_section(once, section) == once


@given(CARDS, st.sampled_from([SECTION, "other"]), st.sampled_from([SECTION, "b\nc"]))
def test_not_a_byte_outside_the_markers_changes(card: bytes, first: str, second: str) -> None:
    once = written(card, first)
    begin, end = BEGIN.encode(), END.encode()
    before, _, rest = once.partition(begin)
    behind = rest.partition(end)[2]
    if begin in card:
        assert before == card.partition(begin)[0]
        assert behind == card.partition(end)[2]
    else:
        assert before.startswith(card)
        assert (before[len(card) :] + behind).strip(b"\r\n") == b""
    twice = with_section(once, second)
    assert twice.partition(begin)[0] == before
    assert twice.partition(end)[2] == behind


def test_the_section_stands_at_the_end_of_a_card_without_markers() -> None:
    made = with_section(CARD.encode(), SECTION).decode()
    assert made == f"{CARD}\n{BEGIN}\n## Evaluation\n\nfine\n{END}\n"


def test_the_section_stands_where_a_person_put_the_markers() -> None:
    card = f"# A\n\n{BEGIN}\n{END}\n\n# B\n"
    assert with_section(card.encode(), "x").decode() == f"# A\n\n{BEGIN}\nx\n{END}\n\n# B\n"


def test_a_card_with_windows_line_endings_keeps_them() -> None:
    made = with_section(CARD.replace("\n", "\r\n").encode(), SECTION)
    assert made.count(b"\n") == made.count(b"\r\n")


def test_the_front_matter_says_what_it_said(failed: Run) -> None:
    made = with_section(CARD.encode(), card_section(failed)).decode()
    assert made.startswith(CARD)
    told: list[Any] = [ModelCard(text).data for text in (made, CARD)]
    assert told[0].to_dict() == told[1].to_dict()


@pytest.mark.parametrize(
    ("card", "why"),
    [
        (f"{BEGIN}\n", "1 of <!-- evalsuite:begin --> and 0 of"),
        (f"text\n{END}\n", "0 of <!-- evalsuite:begin --> and 1 of"),
        (f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n", "2 of"),
        (f"{BEGIN}\n{END}\n{END}\n", "2 of <!-- evalsuite:end -->"),
        (f"{END}\n{BEGIN}\n", "stands before"),
        (f"x {BEGIN}\n{END}\n", "line 1: .* alone"),
        (f"a\n{BEGIN}\nb\n  {END}\n", "line 4: .* alone"),
        (f"{BEGIN} x\n{END}\n", "alone"),
        (f"{BEGIN}{END}\n", "alone"),
        (f"---\na: b\n{BEGIN}\n{END}\n---\n# A\n", "front matter"),
        (f"\ufeff---\na: b\n{BEGIN}\n{END}\n---\n# A\n", "front matter"),
    ],
)
def test_broken_or_doubled_markers_are_named(card: str, why: str) -> None:
    with pytest.raises(PublishingError, match=why):
        with_section(card.encode(), SECTION)


def test_a_card_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(PublishingError, match="byte 2 is not UTF-8"):
        with_section("# \u00fc".encode("latin-1"), SECTION)


def test_nothing_is_written_before_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(CARD)
    path.chmod(0o640)
    pending = prepare_card(path, SECTION)
    assert path.read_text() == CARD
    assert pending.write()
    assert path.read_bytes() == with_section(CARD.encode(), SECTION)
    assert path.stat().st_mode & 0o777 == 0o640
    assert not prepare_card(path, SECTION).write()
    assert [entry.name for entry in tmp_path.iterdir()] == ["README.md"]


def test_a_card_that_changed_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(CARD)
    pending = prepare_card(path, SECTION)
    path.write_text("somebody else's")
    with pytest.raises(PublishingError, match="by somebody else"):
        pending.write()
    assert path.read_text() == "somebody else's"


def test_a_card_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(PublishingError, match="there is no card"):
        prepare_card(tmp_path / "READNE.md", SECTION)
    with pytest.raises(PublishingError, match="a folder stands where a file is needed"):
        prepare_card(tmp_path, SECTION)
    path = tmp_path / "README.md"
    path.write_text(CARD)
    link = tmp_path / "link.md"
    link.symlink_to(path)
    with pytest.raises(PublishingError, match="is a link to"):
        prepare_card(link, SECTION)
    path.chmod(0o444)
    with pytest.raises(PublishingError, match="may not be written"):
        prepare_card(path, SECTION)
    with pytest.raises(PublishingError, match=r"Not a directory|there is no card"):
        prepare_card(path / "README.md", SECTION)
