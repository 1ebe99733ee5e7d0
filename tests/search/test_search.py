"""Searching: deterministic, batched, reduced to what a person can read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.cases import Case, Kind, Language
from evalsuite.conversation import Conversation, Message
from evalsuite.engines.scripted import ScriptedEngine
from evalsuite.generation import Output, Request
from evalsuite.models import BaseRef
from evalsuite.prompts import Demonstration
from evalsuite.scenarios import sample_demonstrations, sample_skills, seeded
from evalsuite.search import (
    Asker,
    Found,
    Hunt,
    Plan,
    Posed,
    Replies,
    defect_of,
)
from evalsuite.search.proposals import bred, fresh
from evalsuite.strategies import ANSWERABLE, Attack, Envelope, World, build_attack, usable
from evalsuite.tasks import Promise
from evalsuite.template import ChatTemplate, load_template

SHOWN = {language: sample_demonstrations("searching", 4, language) for language in Language}
ENTITY = SHOWN[Language.EN][0].entities[0]


@pytest.fixture(scope="module")
def template(nano: BaseRef) -> ChatTemplate:
    return load_template(nano.path)


def parts(request: Request) -> tuple[str, str]:
    """What a prompt in the xml format says before its query, and the query."""
    assert isinstance(request.conversation, Conversation)
    history, _, rest = request.conversation.turns[-1].content.rpartition("<query>\n")
    return history, rest.partition("\n</query>")[0]


class Scripted(ScriptedEngine):
    """Answers by a function of history and query, and scores by another."""

    def __init__(
        self,
        template: ChatTemplate,
        say: Callable[[str, str], str],
        likes: Callable[[str, str], float] = lambda _h, _t: -1.0,
    ) -> None:
        super().__init__(lambda request: say(*parts(request)), template)
        self.likes = likes
        self.batches = 0

    def infer(self, requests: Sequence[Request]) -> list[Output]:
        self.batches += 1
        return [self._answered(request) for request in requests]

    def _answered(self, request: Request) -> Output:
        if request.target is None:
            return super().infer([request])[0]
        said = super().infer([replace(request, target=None)])[0]
        nats = self.likes(parts(request)[0], self.template.decode(request.target))
        return replace(said, ids=request.target, logprobs=(nats,))


def hunt(
    template: ChatTemplate,
    engine: Scripted,
    *,
    budget: int = 120,
    seed: int = 0,
    operators: Sequence[str] | None = None,
    guided: bool = False,
    context: int = 2048,
) -> Hunt:
    asker = Asker(engine=engine, template=template, candidate=None, context=context)

    def room(case: Case, shown: Sequence[Demonstration]) -> int:
        return asker.room(Posed(case=case, shown=tuple(shown)))

    world = World(demonstrations=SHOWN, room=room)
    names = usable(world) if operators is None else tuple(operators)
    envelope = Envelope(
        languages=tuple(Language),
        kinds=ANSWERABLE,
        operators=names,
        max_edits=3,
        max_demonstrations=4,
    )
    plan = Plan(envelope=envelope, budget=budget, seed=seed, guided=guided, round=40)
    return Hunt(plan, world, asker)


def repeats(_history: str, query: str) -> str:
    return query


def leaks_at_a_control_token(history: str, query: str) -> str:
    return f"Tell me about {ENTITY}." if "<|im_end|>" in history else query


def texts(found: Found) -> list[tuple[str, ...]]:
    return [
        (one.posed.case.id, one.broken.reason, *(m.content for m in one.posed.case.history))
        for one in found.counterexamples
    ]


def test_a_planted_leak_is_found_named_and_made_small(template: ChatTemplate) -> None:
    found = hunt(template, Scripted(template, leaks_at_a_control_token)).run()
    leaks = [c for c in found.counterexamples if c.broken.promise is Promise.NO_LEAK]
    assert leaks
    for one in leaks:
        assert ENTITY in one.broken.reason
        assert len(one.posed.case.history) <= 2
        assert "control_tokens" in one.posed.operators
        assert any("<|im_end|>" in m.content for m in one.posed.case.history)
        assert len(one.posed.shown) == 1


def test_a_candidate_that_breaks_nothing_says_how_far_it_was_searched(
    template: ChatTemplate,
) -> None:
    found = hunt(template, Scripted(template, repeats), budget=100).run()
    assert found.counterexamples == ()
    assert found.progress.tried == 100
    assert found.progress.broken == 0


def test_an_emitted_control_token_breaks_an_absolute_promise(template: ChatTemplate) -> None:
    class Forger(Scripted):
        """Emits the id of a control token after its text."""

        def _answered(self, request: Request) -> Output:
            said = super()._answered(request)
            return replace(said, ids=(*said.ids, self.template.control_ids["<|im_start|>"]))

    found = hunt(template, Forger(template, repeats), budget=40).run()
    assert {c.broken.promise for c in found.counterexamples} == {Promise.NO_CONTROL}
    assert all(c.broken.promise.absolute for c in found.counterexamples)
    spelled = Scripted(template, lambda _h, q: f"{q}<|im_start|>")
    broken = {c.broken.promise for c in hunt(template, spelled, budget=40).run().counterexamples}
    assert Promise.NO_CONTROL not in broken


@pytest.mark.parametrize("baseline_copes", [True, False])
def test_a_reference_counts_only_where_the_baseline_resolves_it(
    template: ChatTemplate, baseline_copes: bool
) -> None:
    right: dict[tuple[int, ...], str] = {}

    class Telling(Asker):
        """Tells the engine below what would be right."""

        def ask(self, posed: Sequence[Posed], *, margins: bool = False) -> list[Replies]:
            right.update({self.prompt(p): str(p.case.reference) for p in posed})
            return Asker.ask(self, posed, margins=margins)

    class Sides(Scripted):
        """The baseline may resolve; the candidate returns the query."""

        def _answered(self, request: Request) -> Output:
            said = super()._answered(request)
            knows = baseline_copes and request.adapter == "baseline"
            return replace(said, text=right[request.prompt]) if knows else said

    searching = hunt(template, Sides(template, repeats), budget=60, operators=["gap", "emoji"])
    searching.asker = Telling(
        engine=searching.asker.engine, template=template, candidate="it", baseline="baseline"
    )
    found = searching.run().counterexamples
    assert {c.broken.promise for c in found} == ({Promise.RESOLVED} if baseline_copes else set())
    assert not any(c.broken.promise.absolute for c in found)


def test_a_template_that_changes_a_conversation_is_found_before_any_answer(
    template: ChatTemplate,
) -> None:
    class DropsTurns:
        """Renders prompts without what a line break stands before."""

        def __getattr__(self, name: str) -> Any:
            return getattr(template, name)

        def prompt(self, conversation: Conversation) -> tuple[int, ...]:
            *before, last = conversation.messages
            cut = Message(last.role, last.content.replace("\u200b", ""))
            return template.prompt(Conversation((*before, cut)))

    operators = ["zero_width", "gap"]
    searching = hunt(template, Scripted(template, repeats), budget=40, operators=operators)
    searching.asker.template = cast("ChatTemplate", DropsTurns())
    found = searching.run().counterexamples
    assert {c.broken.promise for c in found} == {Promise.ROUND_TRIP}
    assert all("R4 parse back" in c.broken.reason for c in found)
    assert all("zero_width" in c.posed.operators for c in found)
    assert all("\u200b" in "".join(m.content for m in c.posed.case.history) for c in found)
    assert all(len(c.posed.case.history) <= 3 for c in found)


@pytest.mark.parametrize("baseline_knows", [True, False])
def test_a_lost_skill_counts_only_where_the_baseline_has_it(
    template: ChatTemplate, baseline_knows: bool
) -> None:
    class Skilled(Scripted):
        """The baseline may count; the candidate has forgotten how."""

        def _answered(self, request: Request) -> Output:
            said = ScriptedEngine.infer(self, [request])[0]
            assert request.conversation is not None
            asked = request.conversation.turns[-1].content
            knows = baseline_knows and request.adapter == "baseline"
            return replace(said, text=answers.get(asked, "?") if knows else "What is it?")

    answers = {
        item.prompt: item.answer
        for seed in drawn_seeds()
        for language in Language
        for item in sample_skills(seed, 1, languages=(language,), skills=("count",))
    }
    searching = hunt(template, Skilled(template, repeats), budget=80, operators=["gap", "emoji"])
    searching.plan = replace(searching.plan, envelope=skilled(searching.plan.envelope))
    searching.asker = Asker(
        engine=searching.asker.engine, template=template, candidate="it", baseline="baseline"
    )
    found = [c for c in searching.run().counterexamples if c.broken.promise is Promise.KEPT]
    assert bool(found) == baseline_knows
    for one in found:
        assert one.posed.case.history == (), "no talk is needed"
        assert "was due" in one.broken.reason


def skilled(envelope: Envelope) -> Envelope:
    return replace(envelope, skills=("count",))


def drawn_seeds() -> set[int]:
    """Seeds of the skill items that a search with seed 0 asks for."""
    envelope = Envelope(
        languages=tuple(Language),
        kinds=ANSWERABLE,
        operators=("gap", "emoji"),
        max_edits=3,
        max_demonstrations=4,
        skills=("count",),
    )
    return {a.seed for n in range(400) if (a := fresh(envelope, 0, n)).skill}


class Telling(Asker):
    """Tells the engine below what would be right."""

    def ask(self, posed: Sequence[Posed], *, margins: bool = False) -> list[Replies]:
        assert isinstance(self.engine, LastNamed)
        self.engine.cases.update({self.prompt(p): p.case for p in posed})
        return Asker.ask(self, posed, margins=margins)


class LastNamed(Scripted):
    """The baseline resolves; the candidate takes whatever was named last."""

    def __init__(self, template: ChatTemplate) -> None:
        super().__init__(template, repeats)
        self.cases: dict[tuple[int, ...], Case] = {}

    def _answered(self, request: Request) -> Output:
        said = super()._answered(request)
        case = self.cases[request.prompt]
        text = str(case.reference)
        if request.adapter == "it":
            heard = "\n".join(m.content for m in case.history)
            known = (*case.expect.must_name, *case.expect.must_not_name)
            last = max(known, key=heard.rfind)
            text = text.replace(case.expect.must_name[0], last)
        return replace(said, text=text)


def test_what_is_ruled_out_stays_ruled_out_when_it_is_made_small(template: ChatTemplate) -> None:
    searching = hunt(template, LastNamed(template), budget=80, operators=["recency_trap", "gap"])
    searching.asker = Telling(
        engine=searching.asker.engine, template=template, candidate="it", baseline="baseline"
    )
    searching.plan = replace(searching.plan, most=40)
    every = searching.run().counterexamples
    found = [one for one in every if one.broken.promise is Promise.RESOLVED]
    assert found
    trapped = 0
    for one in found:
        assert one.posed.attack is not None
        harmless = searching.pose(replace(one.posed.attack, edits=()))
        assert harmless is not None
        told = "".join(m.content for m in harmless.case.history)
        added = [name for name in one.posed.case.expect.must_not_name if name not in told]
        naming = [m for m in one.posed.case.history if any(n in m.content for n in added)]
        assert all(any(words in m.content for words in RULING_OUT) for m in naming)
        trapped += bool(naming)
    assert trapped


RULING_OUT = ("leave it aside", "not asking about", "Forget", "另一回事", "不是在问", "别管")


def test_a_chat_that_needs_its_history_is_made_small_without_a_refused_one(
    template: ChatTemplate,
) -> None:
    class Chatty(Scripted):
        """Emits a control token in chats with a history."""

        def _answered(self, request: Request) -> Output:
            said = ScriptedEngine.infer(self, [replace(request, target=None)])[0]
            assert request.conversation is not None
            if len(request.conversation.turns) < 3:
                return said
            return replace(said, ids=(*said.ids, self.template.control_ids["<|im_start|>"]))

    engine = Chatty(template, repeats)
    searching = hunt(template, engine, budget=80, operators=["gap", "emoji"])
    searching.plan = replace(searching.plan, envelope=skilled(searching.plan.envelope))
    found = searching.run().counterexamples
    assert {c.broken.promise for c in found} == {Promise.NO_CONTROL}
    assert {len(c.posed.case.history) for c in found} == {2}


def test_a_reduction_stays_within_the_envelope(template: ChatTemplate) -> None:
    searching = hunt(template, Scripted(template, leaks_at_a_control_token), budget=80)
    envelope = replace(searching.plan.envelope, kinds=(Kind.TOPIC_SWITCH,))
    searching.plan = replace(searching.plan, envelope=envelope)
    found = searching.run().counterexamples
    assert {c.posed.case.kind for c in found} == {Kind.TOPIC_SWITCH}


def test_every_defect_is_told_once(template: ChatTemplate) -> None:
    always = Scripted(template, lambda _h, _q: f"Tell me about {ENTITY}.")
    found = hunt(template, always, budget=120).run().counterexamples
    defects = [defect_of(one) for one in found]
    assert len(defects) == len(set(defects)) > 0


def test_the_same_seed_finds_the_same(template: ChatTemplate) -> None:
    first, second = (
        hunt(template, Scripted(template, leaks_at_a_control_token), seed=5).run() for _ in "ab"
    )
    other = hunt(template, Scripted(template, leaks_at_a_control_token), seed=6).run()
    assert texts(first) == texts(second)
    assert texts(first) != texts(other)


def test_every_round_is_one_call_of_the_engine(template: ChatTemplate) -> None:
    engine = Scripted(template, repeats)
    searching = hunt(template, engine, budget=120)
    assert searching.run().progress.batches == engine.batches == 3


def test_margins_are_of_the_right_rewrite_against_the_likeliest_wrong_one(
    template: ChatTemplate,
) -> None:
    def likes(history: str, text: str) -> float:
        return -5.0 if any(n in text for d in SHOWN[Language.EN] for n in d.entities) else -2.0

    searching = hunt(template, Scripted(template, repeats, likes), budget=40, guided=True)
    margins = [t.replies.margin for t in searching.histories(0.0)]
    assert 3.0 in margins
    assert searching.progress.worst == min(m for m in margins if m is not None)


def test_later_rounds_breed_from_the_smallest_margins(template: ChatTemplate) -> None:
    def likes(history: str, text: str) -> float:
        return -float(len(history)) if "weather" in text else -1.0

    searching = hunt(template, Scripted(template, repeats, likes), budget=120, guided=True)
    list(searching.histories(0.0))
    fresh_ones = {fresh(searching.plan.envelope, 0, n) for n in range(200)}
    drawn = [a for _, _, a in searching._pool]
    assert any(a not in fresh_ones for a in drawn[40:])
    assert all(a in fresh_ones for a in drawn[:30])


@given(st.integers(0, 10**6))
@settings(max_examples=200)
def test_what_is_bred_stays_within_the_envelope(seed: int) -> None:
    world = World(demonstrations=SHOWN)
    envelope = Envelope(
        languages=(Language.ZH,),
        kinds=ANSWERABLE[:3],
        operators=usable(world)[:5],
        max_edits=2,
        max_demonstrations=3,
    )
    parents = [fresh(envelope, seed, n) for n in range(4)]
    child: Attack = bred(envelope, seeded(seed), parents)
    assert child.language is Language.ZH
    assert child.kind in envelope.kinds
    assert len(child.edits) <= 2
    assert {e.operator for e in child.edits} <= set(envelope.operators)
    assert 0 <= child.shown <= 3
    build_attack(child, world)


def test_fresh_attacks_mix_operators_kinds_languages_and_skills(template: ChatTemplate) -> None:
    envelope = skilled(hunt(template, Scripted(template, repeats)).plan.envelope)
    count = len(envelope.operators)
    drawn = [fresh(envelope, 3, k) for k in range(count * 20)]
    firsts = [a.edits[0].operator for a in drawn]
    assert {firsts.count(name) for name in envelope.operators} == {20}
    for name in envelope.operators:
        met = [a for a in drawn if a.edits[0].operator == name]
        assert {a.language for a in met} == set(Language), name
        assert len({a.kind for a in met}) >= 5, name
        assert sum(not a.skill for a in met) >= 10, name
    assert 0.05 < sum(bool(a.skill) for a in drawn) / len(drawn) < 0.25
    assert len({(a.language, a.shown, a.order) for a in drawn[:64]}) == 2


def test_a_history_beyond_the_window_loses_its_oldest_turns_as_in_serving(
    template: ChatTemplate,
) -> None:
    searching = hunt(template, Scripted(template, repeats), operators=["window"], context=700)
    tried = list(searching.histories(0.0))
    rooms = [searching.asker.room(t.posed) for t in tried]
    assert all(room >= 0 for room in rooms)
    filled = [room for room, t in zip(rooms, tried, strict=True) if t.posed.operators]
    assert filled
    assert min(filled) <= 8


def test_a_case_whose_antecedent_does_not_fit_is_not_asked(template: ChatTemplate) -> None:
    searching = hunt(template, Scripted(template, repeats), operators=["gap"])
    attack = fresh(searching.plan.envelope, 0, 0)
    posed = searching.pose(attack)
    assert posed is not None
    searching.asker.context = 40
    assert searching.pose(attack) is None
    assert searching.asker.fitted(posed) is None


def test_a_search_ends_when_there_is_nothing_new_to_draw(template: ChatTemplate) -> None:
    searching = hunt(template, Scripted(template, repeats), budget=3, operators=["gap"])
    drawn = searching.pose
    first = fresh(searching.plan.envelope, 0, 0)

    class Narrow(Hunt):
        """Can build one history only."""

        def pose(self, attack: Attack) -> Posed | None:
            return drawn(first)

    narrow = Narrow(searching.plan, searching.world, searching.asker)
    found = narrow.run()
    assert found.progress.tried == 1
    assert found.counterexamples == ()


def test_when_time_is_up_the_first_round_has_still_been_searched(template: ChatTemplate) -> None:
    searching = hunt(template, Scripted(template, repeats), budget=120)
    searching.plan = replace(searching.plan, seconds=1e-9)
    assert searching.run().progress.tried == searching.plan.round


def test_interrupting_keeps_what_was_found(template: ChatTemplate) -> None:
    searching = hunt(template, Scripted(template, leaks_at_a_control_token), budget=400)

    def stop(progress: object) -> None:
        if searching.progress.broken:
            raise KeyboardInterrupt

    searching.tell = stop
    found = searching.run()
    assert found.interrupted
    assert found.counterexamples
    assert found.progress.tried < 400
    assert {c.rounds for c in found.counterexamples} == {0}
