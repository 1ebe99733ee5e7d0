"""One engine for several candidates: each answers as it does alone."""

from __future__ import annotations

import random

import pytest
from transformers import PreTrainedModel

from evalsuite.engines import Resident, transformers
from evalsuite.engines.numerics import Numerics, resolve_numerics
from evalsuite.engines.transformers import TransformersEngine
from evalsuite.engines.transformers_loading import load_base
from evalsuite.errors import EngineError
from evalsuite.generation import Output, Request, Sampling
from evalsuite.models import AdapterRef, BaseRef
from tests.engines.conftest import MakeAdapter

FLOAT32 = resolve_numerics("float32", "cpu")


@pytest.fixture(scope="module")
def three(make_adapter: MakeAdapter, dora: AdapterRef) -> list[AdapterRef]:
    return [make_adapter(seed=11), make_adapter(seed=12), dora]


def asked(panel: list[tuple[int, ...]], who: AdapterRef | None) -> list[Request]:
    digest = who.digest if who else None
    return [Request(prompt=p, sampling=Sampling(max_tokens=8), adapter=digest) for p in panel]


def ids(outputs: list[Output]) -> list[tuple[int, ...]]:
    return [output.ids for output in outputs]


def test_in_turn_and_mixed_each_gives_the_answers_that_it_gives_alone(
    base: BaseRef,
    three: list[AdapterRef],
    panel: list[tuple[int, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alone = [
        ids(TransformersEngine(base, [who] if who else [], FLOAT32).infer(asked(panel, who)))
        for who in (None, *three)
    ]
    assert len({str(answers) for answers in alone}) == 4
    loads: list[BaseRef] = []

    def counted(which: BaseRef, numerics: Numerics) -> PreTrainedModel:
        loads.append(which)
        return load_base(which, numerics)

    monkeypatch.setattr(transformers, "load_base", counted)
    resident, in_turn = Resident(), [alone[0]]
    for who in three:
        engine = resident.engine(base, [who], FLOAT32, None)
        both = engine.infer([*asked(panel, None), *asked(panel, who)])
        assert ids(both[: len(panel)]) == alone[0]
        in_turn.append(ids(both[len(panel) :]))
    assert in_turn == alone
    assert len(loads) == 1
    every = [(n, r) for n, who in enumerate((None, *three)) for r in asked(panel, who)]
    order = random.Random(3).sample(range(len(every)), len(every))
    mixed = TransformersEngine(base, three, FLOAT32).infer([every[place][1] for place in order])
    found = {place: output.ids for place, output in zip(order, mixed, strict=True)}
    flat = [answer for answers in alone for answer in answers]
    assert [found[place] for place in range(len(every))] == flat


def test_a_candidate_that_left_is_not_asked(
    base: BaseRef, three: list[AdapterRef], panel: list[tuple[int, ...]]
) -> None:
    resident = Resident()
    resident.engine(base, [three[0]], FLOAT32, None).infer(asked(panel[:1], three[0]))
    engine = resident.engine(base, [three[1]], FLOAT32, None)
    assert isinstance(engine, TransformersEngine)
    assert set(engine._models) <= {None}
    assert engine.calls == 0
    with pytest.raises(EngineError, match="which this engine does not hold"):
        engine.infer(asked(panel[:1], three[0]))


def test_other_numbers_get_another_engine(base: BaseRef) -> None:
    resident = Resident()
    first = resident.engine(base, [], FLOAT32, None)
    assert resident.engine(base, [], FLOAT32, None) is first
    assert resident.engine(base, [], resolve_numerics("bfloat16", "cpu"), None) is not first
    resident.release()
    assert resident.engine(base, [], FLOAT32, None) is not first
