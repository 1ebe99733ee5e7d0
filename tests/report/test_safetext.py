"""Nothing hidden, nothing endless."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from evalsuite.report.safetext import LIMIT, one_line, pieces, shortened, visible
from evalsuite.runs import SpanRow

HIDDEN = {"Cc", "Co", "Cs", "Zl", "Zp"}
# Prefix signs of Arabic, Syriac and others: they are of category Cf, but they draw something.
DRAWN = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}


def test_every_control_format_and_private_character_is_named() -> None:
    hidden = [
        code
        for code in range(0x110000)
        if (category := unicodedata.category(chr(code))) in HIDDEN
        or (category == "Cf" and code not in DRAWN)
    ]
    hidden = [code for code in hidden if chr(code) not in "\t\n"]
    assert len(hidden) > 100_000
    assert visible("".join(map(chr, hidden))) == "".join(f"[U+{code:04X}]" for code in hidden)


def test_ordinary_text_of_both_languages_stays() -> None:
    sentence = "硕朝的官修史书，有二十四种！ It’s naïve – “quoted”…\tand\nmore　e\u0301"
    assert visible(sentence) == sentence


def test_a_terminal_escape_and_a_bidi_override_are_readable() -> None:
    assert visible("\x1b[31mred\x1b[0m\u202eevil") == ("[U+001B][31mred[U+001B][0m[U+202E]evil")


@given(
    text=st.text(max_size=300),
    spans=st.lists(st.tuples(st.integers(-5, 320), st.integers(-5, 320)), max_size=5),
    limit=st.integers(1, 300),
)
def test_pieces_show_or_count_every_character(
    text: str, spans: list[tuple[int, int]], limit: int
) -> None:
    rows = [SpanRow(start=start, end=end, label="x") for start, end in spans]
    found = pieces(text, rows, limit=limit)
    counted = sum(p.gap or (1 if p.control else len(p.text)) for p in found)
    assert counted == len(text)
    assert visible("".join(p.text for p in found)) == "".join(p.text for p in found)


@given(text=st.text(min_size=1, max_size=100), data=st.data())
def test_marked_pieces_are_the_span(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    found = pieces(text, [SpanRow(start=start, end=end, label="leak")])
    assert "".join(p.text for p in found if p.mark == "leak") == visible(text[start:end])
    assert "".join(p.text for p in found if p.mark is None) == visible(text[:start] + text[end:])


def test_overlapping_spans_carry_both_labels() -> None:
    rows = [SpanRow(start=0, end=4, label="a"), SpanRow(start=2, end=6, label="b")]
    assert [(p.text, p.mark) for p in pieces("abcdefgh", rows)] == [
        ("ab", "a"), ("cd", "a; b"), ("ef", "b"), ("gh", None),
    ]  # fmt: skip


def test_a_megabyte_is_cut_but_the_span_far_inside_is_shown() -> None:
    text = "x" * 700_000 + "LEAK" + "y" * 300_000
    found = pieces(text, [SpanRow(start=700_000, end=700_004, label="leak")])
    assert sum(len(p.text) for p in found) < 2 * LIMIT
    assert [p.text for p in found if p.mark] == ["LEAK"]
    assert [p.gap > 100_000 for p in found if p.gap] == [True, True]


def test_shortened_texts_say_how_much_is_missing() -> None:
    assert shortened("a" * 2000).endswith("[… 800 more characters]")
    assert one_line("a\nb\x07") == "a b[U+0007]"
    assert one_line("a" * 1000, 10) == "a" * 10 + " …"
