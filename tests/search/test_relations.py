"""Relations hold for a model that is right, and are violated by one that has the defect."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache

import pytest

from evalsuite.cases import Case, Kind, Language, WorldName
from evalsuite.engines.scripted import ScriptedEngine
from evalsuite.generation import Request
from evalsuite.models import BaseRef
from evalsuite.prompts import DEFAULT_PROMPT, FORMATS, built_in
from evalsuite.rewrites import judge
from evalsuite.scenarios import sample_demonstrations, sample_panel
from evalsuite.search import Asker, Posed
from evalsuite.search.relations import RELATIONS, check_relations
from evalsuite.search.sensitivity import COUNTS, conditions, measure_sensitivity
from evalsuite.template import ChatTemplate, load_template

SHOWN = {language: sample_demonstrations("relations", 4, language) for language in Language}
CASES = sample_panel(
    3,
    88,
    kinds=[kind for kind in Kind if kind is not Kind.DEMONSTRATION_LURE],
    demonstrations=[d for shown in SHOWN.values() for d in shown],
).cases
POSED = [Posed(case=case, shown=SHOWN[case.language]) for case in CASES]


@cache
def natural() -> list[Posed]:
    """Cases of the natural world, with its demonstrations."""
    shown = {
        language: sample_demonstrations("relations", 2, language, world=WorldName.NATURAL)
        for language in Language
    }
    cases = sample_panel(
        3,
        88,
        world=WorldName.NATURAL,
        kinds=[kind for kind in Kind if kind is not Kind.DEMONSTRATION_LURE],
        demonstrations=[d for several in shown.values() for d in several],
    ).cases
    return [Posed(case=case, shown=shown[case.language]) for case in cases]


@pytest.fixture(scope="module")
def template(nano: BaseRef) -> ChatTemplate:
    return load_template(nano.path)


def asker(template: ChatTemplate, say: Callable[[str, str], str]) -> Asker:
    """A candidate that answers by the system prompt and the last user turn."""

    def answer(request: Request) -> str:
        assert request.conversation is not None
        return say(request.conversation.system or "", request.conversation.turns[-1].content)

    return Asker(engine=ScriptedEngine(answer, template), template=template, candidate=None)


@pytest.mark.parametrize("world", WorldName)
@pytest.mark.parametrize("name", RELATIONS)
def test_a_model_that_is_right_violates_no_relation(name: str, world: WorldName) -> None:
    looked = 0
    for number, posed in enumerate(POSED if world is WorldName.NANO else natural()):
        variant = RELATIONS[name](posed, random.Random(number), world)
        if variant is None:
            continue
        looked += 1
        before, after = posed.case.reference, variant.posed.case.reference
        assert before is not None
        assert after is not None
        assert variant.agree(before, after)
        assert variant.posed != posed
        assert judge(variant.posed.case, after).right
    assert looked >= (3 if name == "gender" else 30)


def violated(template: ChatTemplate, say: Callable[[str, str], str]) -> dict[str, int]:
    found = check_relations(POSED[:44], asker(template, say))
    assert {one.relation for one in found} == set(RELATIONS)
    for one in found:
        assert one.promise == str(RELATIONS[one.relation].__doc__).splitlines()[0]
        assert len(one.examples) == min(one.violated, 3)
        assert one.n >= one.violated
    return {one.relation: one.violated for one in found}


def test_a_constant_answer_violates_only_what_must_change(template: ChatTemplate) -> None:
    counts = violated(template, lambda _system, _asked: "What is it?")
    assert set(counts.values()) == {0}


@pytest.mark.parametrize(
    ("say", "seen"),
    [
        (lambda system, _: str(sum(map(ord, system)) % 97), "swap_demonstrations"),
        (lambda system, _: str(hash_of(system)), "permute_demonstrations"),
        (lambda _, asked: str(len(asked)), "earlier_exchange"),
        (lambda _, asked: "xml" if "<query>" in asked else "other", "format"),
        (lambda _, asked: "he" if "his" in asked or "他" in asked else "none", "gender"),
        (lambda _, asked: asked.split()[0][:0] + first_name(asked), "translate"),
        (lambda _, asked: "Bo" if "B" in asked else "no", "rename"),
    ],
)
def test_each_relation_sees_the_defect_that_it_is_about(
    template: ChatTemplate, say: Callable[[str, str], str], seen: str
) -> None:
    assert violated(template, say)[seen] > 0


def hash_of(text: str) -> int:
    total = 0
    for character in text:
        total = (31 * total + ord(character)) % 1_000_003
    return total


def first_name(asked: str) -> str:
    """The name that is mentioned first in English, the last one in Chinese: not the same one."""
    case = next((c for c in CASES if any(n in asked for n in names(c))), None)
    if case is None:
        return "none"
    found = sorted((asked.find(n), n) for n in names(case) if n in asked)
    return found[0][1] if any("\u4e00" <= c <= "\u9fff" for c in asked) else found[-1][1] + "?"


def names(case: Case) -> tuple[str, ...]:
    return (*case.expect.must_name, *case.expect.must_not_name)


def test_the_same_seed_checks_the_same(template: ChatTemplate) -> None:
    def say(_: str, asked: str) -> str:
        return str(hash_of(asked))

    first, second = (check_relations(POSED[:20], asker(template, say), seed=4) for _ in "ab")
    assert first == second


def test_conditions_vary_one_thing_each() -> None:
    every = list(conditions(built_in("json"), 16))
    assert [c.value for c in every if c.axis == "demonstrations"] == [str(n) for n in COUNTS]
    assert {c.prompt.name for c in every if c.axis != "format"} == {"json"}
    assert next(c.value for c in every if c.axis == "format") == "json"
    assert {c.value for c in every if c.axis == "format"} == set(FORMATS)
    assert {c.order for c in every if c.axis != "order"} == {0}
    assert max(c.shown for c in conditions(DEFAULT_PROMPT, 3)) == 3


def test_sensitivity_sees_a_model_that_minds_the_number_of_demonstrations(
    template: ChatTemplate,
) -> None:
    def say(system: str, asked: str) -> str:
        shown = system.count("<example>")
        return "Nonsense." if shown > 2 else asked.rpartition("<query>\n")[2].split("\n")[0]

    points = measure_sensitivity(asker(template, say), 26)
    by_count = {p.value: p for p in points if p.axis == "demonstrations" and p.side == "candidate"}
    assert {p.n for p in points} == {26}
    assert by_count["0"].differing == by_count["2"].differing == 0
    assert by_count["4"].differing == 26
    assert by_count["4"].wrong.value == pytest.approx(1.0)
    assert by_count["0"].wrong.value < 1.0
    orders = [p for p in points if p.axis == "order" and p.side == "candidate"]
    assert {p.differing for p in orders} == {0}
    # In what way: a copied query is one still, and leaves what stands alone as it is.
    copied, nonsense = by_count["0"].lost, by_count["4"].lost
    assert copied["named"] == nonsense["named"] == round(26 * by_count["0"].wrong.value)
    assert "untouched" not in copied
    assert {"named", "kept", "untouched"} <= set(nonsense)


def test_sensitivity_counts_leaks(template: ChatTemplate) -> None:
    entity = sample_demonstrations("sensitivity/0", 1, Language.EN)[0].entities[0]
    points = measure_sensitivity(asker(template, lambda *_: f"Where is {entity}?"), 8, most=4)
    leaked = {p.value: p.leaked for p in points if p.axis == "demonstrations"}
    assert leaked["0"] == 0
    assert leaked["1"] == 4, "half of the panel is English"


def test_sensitivity_makes_do_with_what_fits_the_window(template: ChatTemplate) -> None:
    asking = asker(template, lambda *_: "What is it?")
    asking.context = 700
    points = measure_sensitivity(asking, 8)
    counts = [int(p.value) for p in points if p.axis == "demonstrations"]
    assert 0 < max(counts) < 16
    asking.context = 60
    assert measure_sensitivity(asking, 8) == []
