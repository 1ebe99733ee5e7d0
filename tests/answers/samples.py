"""Cases and answers that several tests of this folder share."""

from __future__ import annotations

from evalsuite.cases import Case, Expectation, Kind, Language
from evalsuite.conversation import messages

HISTORY = messages([("user", "Tell me of Flindo."), ("assistant", "Flindo is a phone.")])


def case(
    name: str = "price",
    *,
    query: str = "What is its price?",
    expect: Expectation | None = None,
    language: Language = Language.EN,
    kind: Kind = Kind.SINGLE,
    cluster: str = "",
) -> Case:
    return Case(
        id=name,
        language=language,
        kind=kind,
        cluster=cluster or name,
        history=HISTORY,
        query=query,
        expect=expect or Expectation(rewrites=("What is Flindo's price?",), must_name=("Flindo",)),
        source=f"cases.yaml:{len(name)}",
    )


def stays(name: str = "stays") -> Case:
    return case(
        name,
        query="What is Quobra's price?",
        expect=Expectation(unchanged=True),
        kind=Kind.STANDALONE,
    )
