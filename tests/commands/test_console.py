"""What the console prints where GitHub reads along."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.commands.console import Inert, Terminal, inert

TEXTS = st.text(st.sampled_from(":#[ \n\terrox"), max_size=60)


def commands(text: str) -> list[str]:
    """Lines that the runner would take for commands: it trims them first."""
    return [line for line in text.split("\n") if line.strip().startswith("::") or "##[" in line]


@given(TEXTS)
def test_no_text_is_a_command(text: str) -> None:
    assert commands(inert(text)) == []
    assert inert(text).replace("\\", "").replace("## [", "##[") == text.replace("\\", "").replace(
        "## [", "##["
    )


@given(st.lists(TEXTS, max_size=6))
def test_a_command_in_pieces_is_none_either(pieces: list[str]) -> None:
    stream = io.StringIO()
    inside = Inert(stream)
    for piece in pieces:
        inside.write(piece)
    inside.flush()
    assert stream.getvalue() == inert("".join(pieces))


@pytest.mark.parametrize("actions", [True, False])
def test_a_reason_is_no_command_to_github(
    actions: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", str(actions).lower())
    terminal = Terminal()
    terminal.say("waived by Bo:\n::error::all is well")
    terminal.error("no such file:\n  ::add-mask::x")
    terminal.raw("::notice::ours\n")
    told = capsys.readouterr()
    assert bool(commands(told.err)) is not actions
    assert commands(told.out) == ["::notice::ours"] if actions else commands(told.out)
