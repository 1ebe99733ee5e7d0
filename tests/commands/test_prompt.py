"""prompt show: what a model reads, on one page."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalsuite.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples" / "prompts"


def test_it_prints_the_prompt_its_tokens_and_a_right_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ["prompt", "show", str(EXAMPLES / "tags.yaml"), "--case", "en-single-reykjavik"]
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "<query>How cold does it get in winter?</query>" in said
    assert "<|im_start|>assistant\n<rewritten_query>\n---" in said
    assert "2 demonstrations, 2 in the counterfactual prompt" in said
    assert "% of the window of 2048" in said
    assert "read as: 'How cold does Reykjavik get in winter?'" in said


def test_formats_have_names_and_cases_are_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prompt", "show", "chat"]) == 0
    assert "prompt 'chat', case 'panel-0-en-single-00000'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("stop: [Reykja]", "this answer would be lost: a stop string or the rule eats some"),
        ("max_tokens: 3", "this answer would be lost: it takes"),
    ],
)
def test_an_answer_that_would_be_lost_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, keys: str, said: str
) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(f"task: Rewrite it.\n{keys}\n", "utf-8")
    assert main(["prompt", "show", str(file), "--case", "en-single-reykjavik"]) == 1
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["xm"], "format='xm' is unknown; use one of: xml, json"),
        (["none.yaml"], "none.yaml"),
        (["xml", "--case", "en-single-reykjavic"], "did you mean 'en-single-reykjavik'"),
        (["xml", "--cases", "nowhere", "--case", "x"], "nowhere"),
    ],
)
def test_what_is_mistyped_is_named(
    capsys: pytest.CaptureFixture[str], asked: list[str], said: str
) -> None:
    assert main(["prompt", "show", *asked]) == 3
    assert said in capsys.readouterr().err.replace("\n", " ")
