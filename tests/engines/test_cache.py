"""Remembered answers: asked once, kept batch by batch, nothing built when all are known."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.engines.cache import (
    CHUNK,
    CachingEngine,
    output_from_json,
    output_json,
    request_key,
)
from evalsuite.engines.liveness import Check, LivenessCheck, LivenessReport
from evalsuite.engines.scripted import ScriptedEngine
from evalsuite.errors import EngineError, RunStorageError
from evalsuite.generation import Engine, Finish, Output, Request, Sampling
from evalsuite.template import ChatTemplate

outputs = st.builds(
    Output,
    text=st.text(),
    ids=st.lists(st.integers(0, 2**31)).map(tuple),
    finish=st.sampled_from(Finish),
    logprobs=st.lists(st.floats(allow_nan=False, allow_infinity=False, max_value=0)).map(tuple),
)


@given(outputs)
def test_an_output_survives_json(output: Output) -> None:
    assert output_from_json(output_json(output)) == output


def asked(count: int, *, start: int = 0) -> list[Request]:
    return [Request(prompt=(1, n)) for n in range(start, start + count)]


@pytest.fixture
def scripted(template: ChatTemplate) -> ScriptedEngine:
    return ScriptedEngine(lambda r: f"answer {r.prompt[-1]} {r.adapter}", template)


def never() -> NoReturn:
    raise AssertionError("a known answer needs no engine")


def test_a_repeated_run_builds_no_engine(tmp_path: Path, scripted: ScriptedEngine) -> None:
    first = CachingEngine(scripted, tmp_path / "c")
    answers = first.infer(asked(20))
    assert answers == scripted.infer(asked(20))
    again = CachingEngine(never, tmp_path / "c", scripted.identity)
    assert again.infer(asked(20)) == answers
    assert (again.hits, again.misses, again.calls, again.loaded) == (20, 0, 0, False)


def test_only_what_is_missing_is_asked_and_only_once(
    tmp_path: Path, scripted: ScriptedEngine
) -> None:
    engine = CachingEngine(scripted, tmp_path / "c")
    engine.infer(asked(5))
    engine.infer([*asked(8), *asked(8)])
    assert scripted.calls == 8
    assert (engine.hits, engine.misses) == (10, 11)


def test_another_engine_adapter_sampling_or_target_is_another_question() -> None:
    plain = Request(prompt=(1, 2))
    drawn = replace(plain, sampling=Sampling(temperature=1.0))
    different = [
        plain,
        replace(plain, adapter="a"),
        replace(plain, prompt=(12,)),
        replace(plain, target=(3,)),
        replace(plain, sampling=Sampling(max_tokens=5)),
        drawn,
        replace(drawn, sampling=Sampling(temperature=1.0, seed=1)),
    ]
    keys = [request_key("identity", r) for r in different] + [request_key("other", plain)]
    assert len(set(keys)) == len(keys)


def test_two_texts_scored_after_one_prompt_are_two_questions() -> None:
    # A text loss is a number without a name on it: a shared one would never be noticed.
    scored = [
        Request(prompt=(1, 2), target=(3, 4)),
        Request(prompt=(1, 2), target=(3, 5)),
        Request(prompt=(1, 2), target=(3,)),
        Request(prompt=(1,), target=(2, 3, 4)),
        Request(prompt=(1, 2, 3), target=(4,)),
        # Generated with the settings that a scored request is reduced to.
        Request(prompt=(1, 2), sampling=Sampling(max_tokens=1)),
    ]
    assert len({request_key("identity", request) for request in scored}) == len(scored)


def test_each_text_gets_the_score_that_is_its_own(tmp_path: Path, template: ChatTemplate) -> None:
    def score(request: Request) -> list[float]:
        return [-float(token) for token in request.target or ()]

    texts = [Request(prompt=(1,), target=target) for target in ((70, 71), (70, 72), (73, 74))]
    engine = ScriptedEngine(str, template, score=score)
    first = CachingEngine(engine, tmp_path / "c").infer(texts)
    again = CachingEngine(never, tmp_path / "c", engine.identity).infer(texts)
    assert [o.logprobs for o in again] == [(-70.0, -71.0), (-70.0, -72.0), (-73.0, -74.0)]
    assert first == again


def test_a_seed_that_is_not_used_is_the_same_question() -> None:
    one, two = (Request(prompt=(1,), sampling=Sampling(seed=s)) for s in (1, 2))
    assert request_key("identity", one) == request_key("identity", two)


class Interrupted(ScriptedEngine):
    """Is stopped after some requests, as a person stops a run."""

    stop_after = CHUNK

    def infer(self, requests: Sequence[Request]) -> list[Output]:
        if self.calls >= self.stop_after:
            raise KeyboardInterrupt
        return super().infer(requests)


def test_a_run_that_was_stopped_goes_on_and_repeats_nothing(
    tmp_path: Path, template: ChatTemplate
) -> None:
    questions = asked(CHUNK * 2 + 10)
    stopped = Interrupted(lambda r: "yes", template)
    with pytest.raises(KeyboardInterrupt):
        CachingEngine(stopped, tmp_path / "c").infer(questions)
    resumed = ScriptedEngine(lambda r: "yes", template)
    engine = CachingEngine(resumed, tmp_path / "c", stopped.identity)
    assert len(engine.infer(questions)) == len(questions)
    assert (stopped.calls, resumed.calls, engine.hits) == (CHUNK, CHUNK + 10, CHUNK)


class Streaming(ScriptedEngine):
    """Hands over three answers at a time, last ones first, and fails on request."""

    fail_at: int | None = None

    def stream(
        self, requests: Sequence[Request], known: Collection[int] = frozenset()
    ) -> Iterator[tuple[tuple[int, ...], list[Output]]]:
        for start in reversed(range(0, len(requests), 3)):
            if start == self.fail_at:
                raise EngineError("the machine is on fire")
            places = tuple(range(start, min(start + 3, len(requests))))
            if not set(places) <= set(known):
                yield places, self.infer([requests[place] for place in places])


def test_finished_batches_are_kept_when_a_later_one_fails(
    tmp_path: Path, template: ChatTemplate
) -> None:
    failing = Streaming(lambda r: f"{r.prompt}", template)
    failing.fail_at = 3
    with pytest.raises(EngineError, match="fire"):
        CachingEngine(failing, tmp_path / "c").infer(asked(10))
    healthy = Streaming(failing.answer, template)
    engine = CachingEngine(healthy, tmp_path / "c")
    assert [o.text for o in engine.infer(asked(10))] == [f"{r.prompt}" for r in asked(10)]
    assert (failing.calls, healthy.calls) == (4, 6)


def test_the_answer_on_record_wins_over_a_later_one(tmp_path: Path, template: ChatTemplate) -> None:
    def late(request: Request) -> str:
        # Another process stores its answer while this one is still computing.
        CachingEngine(ScriptedEngine(lambda r: "first", template), tmp_path / "c").infer([request])
        return "second"

    engine = CachingEngine(ScriptedEngine(late, template), tmp_path / "c")
    assert [o.text for o in engine.infer(asked(1))] == ["first"]


def test_a_function_needs_an_identity_and_must_build_what_it_promised(
    tmp_path: Path, scripted: ScriptedEngine
) -> None:
    build: Callable[[], Engine] = lambda: scripted  # noqa: E731
    with pytest.raises(EngineError, match="identity is missing"):
        CachingEngine(build, tmp_path / "c")
    with pytest.raises(EngineError, match="opened for other; build both from the same"):
        CachingEngine(build, tmp_path / "c", "other").infer(asked(1))


def test_an_answer_of_the_wrong_form_is_a_broken_cache(
    tmp_path: Path, scripted: ScriptedEngine
) -> None:
    engine = CachingEngine(scripted, tmp_path / "c")
    with sqlite3.connect(tmp_path / "c") as other:
        key = request_key(scripted.identity, asked(1)[0])
        other.execute('INSERT INTO entries VALUES (?, \'{"text": "no ids"}\')', (key,))
    with pytest.raises(RunStorageError, match=r"wrong form.*delete it"):
        engine.infer(asked(1))


class Living(ScriptedEngine):
    """Also examines adapters, and counts how often."""

    examined = 0

    def liveness(self, adapter: str) -> LivenessReport:
        self.examined += 1
        loaded = Check(LivenessCheck.LOAD_RESULT_CLEAN, True, "in")
        moved = Check(LivenessCheck.LOGITS_DIFFER, None, "?")
        return LivenessReport(adapter, (loaded, moved))


def test_a_liveness_report_is_remembered(tmp_path: Path, template: ChatTemplate) -> None:
    living = Living(str, template)
    report = CachingEngine(living, tmp_path / "c").liveness("abc")
    again = CachingEngine(never, tmp_path / "c", living.identity).liveness("abc")
    assert report == again == living.liveness("abc")
    assert living.examined == 2
    unanswered = [c.name for c in again.checks if c.ok is None]
    assert (again.ok, again.failures, unanswered) == (False, (), ["logits_differ"])


@pytest.mark.parametrize(
    "content",
    [
        '{"adapter": "abc"}',
        '{"adapter": "abc", "checks": [{"name": "breathes", "ok": true, "detail": ""}]}',
        '{"adapter": "abc", "checks": [{"name": "logits_differ"}]}',
    ],
)
def test_a_liveness_report_of_another_form_is_no_report(
    tmp_path: Path, template: ChatTemplate, content: str
) -> None:
    living = Living(str, template)
    engine = CachingEngine(living, tmp_path / "c")
    engine.liveness("abc")
    with sqlite3.connect(tmp_path / "c") as other:
        assert other.execute("UPDATE entries SET value = ?", (content,)).rowcount == 1
    with pytest.raises(RunStorageError, match="a liveness report has the wrong form"):
        engine.liveness("abc")


def test_an_engine_that_cannot_examine_says_so(tmp_path: Path, scripted: ScriptedEngine) -> None:
    with pytest.raises(EngineError, match="'scripted' does not examine adapters"):
        CachingEngine(scripted, tmp_path / "c").liveness("abc")
