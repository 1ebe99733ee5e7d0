"""Published figures are those of the policies that are shipped now."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

import architectures
import pytest
from qualification import BEGIN, END, SUMMARISED, SUMMARY, told

from evalsuite.gates import load_policy

RESULTS = Path(__file__).parent.parent / "benchmarks" / "results"
DOCS = Path(__file__).parent.parent / "docs"


def read(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((RESULTS / name).read_text("utf-8"))
    return data


@pytest.mark.parametrize("policy", ["nano", "default"])
def test_operating_characteristics_are_those_of_the_shipped_policy(policy: str) -> None:
    assert read(f"operating-{policy}.json")["policy"] == load_policy(policy).digest


def test_the_qualification_is_that_of_the_shipped_policy() -> None:
    found = read("qualification-nano.json")
    assert found["subject"]["policy_digest"] == load_policy("nano").digest
    assert found["complete"]


def test_the_document_says_what_the_qualification_found() -> None:
    text = (DOCS / "qualification.md").read_text("utf-8")
    assert BEGIN + told(read("qualification-nano.json")) + END in text, (
        "run: python benchmarks/qualification.py --document"
    )


def test_the_document_says_which_architectures_are_exact() -> None:
    found = read("architectures.json")
    assert all(target["met"] for target in found["targets"])
    text = architectures.DOCUMENT.read_text("utf-8")
    told = architectures.table(found["rows"])
    assert architectures.BEGIN + told + architectures.END in text, (
        "run: python benchmarks/architectures.py --document"
    )


def test_what_ships_of_the_qualification_is_of_the_published_one() -> None:
    record = read("qualification-nano.json")
    assert json.loads(SUMMARY.read_bytes()) == {name: record[name] for name in SUMMARISED}


def test_the_readme_says_what_the_qualification_found() -> None:
    nulls = read("qualification-nano.json")["nulls"]
    runs, undecided = nulls["runs"], nulls["inconclusive"]
    assert nulls["alarms"] == 0
    found = read("qualification-nano.json")
    leaks = {m["name"] for m in found["mutants"] if m["expected_gate"] == "example_leakage"}
    seen = [curve["theta95"] for curve in found["curves"] if curve["mutant"] in leaks]
    least, most = f"{100 * min(seen):.2g}", percent(max(seen))
    text = " ".join((DOCS.parent / "README.md").read_text("utf-8").split())
    assert f"In {runs} runs without a planted defect on the embedded base it FAILED none" in text
    assert (
        f"left {undecided} INCONCLUSIVE; a leak in {least} to {most} of the answers, by its" in text
    )


def percent(share: float) -> str:
    return f"{100 * share:.2g} %"


def test_the_figures_of_searches_are_those_of_the_benchmark() -> None:
    found = read("searching.json")
    speed, mutants, text = found["speed"], found["mutants"], (DOCS / "search.md").read_text("utf-8")
    reductions, good = mutants["reductions"], found["good"]
    shown = [
        f"search | {speed['search_per_second']:.1f} |",
        f"{speed['generate_per_second']:.1f}: the search is {speed['times_generate']:.1f} times",
        f"{speed['engine_one_by_one_per_second']:.1f}: "
        f"{speed['times_engine_one_by_one']:.1f} times as fast",
        f"| {sum(m['found'] for m in mutants['found'].values())} of {len(mutants['found'])}: ",
        f"| {median(reductions['rounds']):.0f} in the median of {reductions['n']}, "
        f"{max(reductions['rounds'])} at most |",
        f"| {good['absolute']} of {good['tried']:,}: {good['broken']['no control token']} control "
        f"tokens, {good['broken']['no example leakage']} leaks |",
    ]
    assert [line for line in shown if line not in text] == []


def test_the_figures_of_templates_are_those_of_the_benchmark() -> None:
    found = read("templates.json")
    fuzzed, text = found["fuzzed"], (DOCS / "templates.md").read_text("utf-8")
    slowest = max(rate["times"] for rate in found["speed"].values())
    told = " ".join(text.split())
    assert f"{fuzzed['renders']:,} renders of hostile conversations by {found['families']}" in told
    assert f"in {fuzzed['seconds']:.0f} s, one process; no crash, {fuzzed['forged']} forged" in told
    assert f"at most {slowest:.1f} times as long as tokenising" in told


def test_the_figures_of_comparisons_are_those_of_the_benchmark() -> None:
    found, text = read("reporting.json")["compare"], (DOCS / "compare.md").read_text("utf-8")
    assert f"{found['cases']:,} cases are read and compared in {found['seconds']:.1f} s" in text


def test_the_figures_of_reports_are_those_of_the_benchmarks() -> None:
    written, opened = read("reporting.json")["report"], read("browsing.json")
    told = " ".join((DOCS / "report.md").read_text("utf-8").split())
    assert written["cases"] == opened["cases"] == 2000
    assert (
        f"written in {written['seconds']:.1f} s with {written['peak_mb']:.0f} MB of memory and has "
        f"{opened['size_mb']:.1f} MB. In a headless Chromium it is usable after "
        f"{opened['usable']:.0f} ms, a search narrows it within {opened['narrowed']:.0f} ms and "
        f"another order stands within {opened['ordered']:.0f} ms"
    ) in told
    found = read("reporting.json")
    largest = max(one["size"] for one in (*found["hostile"].values(), found["large"]))
    assert found["large"]["cases"] == 100_000
    assert f"100,000 ordinary cases the largest has {largest / 1e6:.1f} MB" in told


def test_the_figures_beside_lm_eval_are_those_of_the_benchmark() -> None:
    found, text = read("suites_beside_lm_eval.json"), (DOCS / "suites.md").read_text("utf-8")
    default, float32 = found["lm_eval"]["as it is"], found["lm_eval"]["float32"]
    assert (default["dtype"], float32["dtype"]) == ("torch.bfloat16", "torch.float32")

    def row(name: str, *cells: str) -> str:
        return f"| {name} | {' | '.join(cells)} |"

    def each(counts: dict[str, int]) -> str:
        return " · ".join(str(counts[name]) for name in ("acc", "acc_norm", "acc_bytes"))

    both = (default, float32)
    shown = [
        row("the same tokens, prompt and option", *(share(one) for one in both)),
        row(
            "the same option: `acc` · `acc_norm` · `acc_bytes`",
            *(each(one["same_option"]) for one in both),
        ),
        row(
            f"right there (here {each(found['accuracy'])})",
            *(each(one["accuracy"]) for one in both),
        ),
        row(
            "log-probability of an option apart by, at most",
            *(f"{one['apart']:.2g} nats" for one in both),
        ),
        row(
            f"the rest (at most {found['tolerance']} is allowed)",
            *(f"{one['apart_without_white_end']:.2g} nats" for one in both),
        ),
        row("items with two equal options", *(str(one["equals"]) for one in both)),
        f"choose another option in {found['parted_by_length']} of the {float32['items']}",
    ]
    assert [line for line in shown if line not in text] == []
    assert all(target["met"] for target in found["targets"])


def test_the_figures_of_divergence_are_those_of_the_benchmark() -> None:
    found, text = read("divergence-nano.json"), (DOCS / "suites.md").read_text("utf-8")
    told = " ".join(text.split())
    shown = [
        f"| {one['general']:.2f} | {one['task']:.2f} | {lost} | {abs(one['text']):.2f} |"
        for one in found["adapters"]
        for lost in [f"{100 * one['skills_lost']:.0f} points" if one["skills_lost"] else "0"]
    ]
    exact, (ranks, _, apart) = found["exact"], found["targets"]
    harmless = max(one["general"] for one in found["adapters"] if not one["skills_lost"])
    shown += [
        f"(rank correlation {ranks['value']:.2f})",
        f"without harm differs ({harmless:.2f} nats here)",
        f"the mean of {exact['draws']} draws is {apart['value']:.2f} standard errors off",
        f"held it {exact['covered']} times of {exact['draws']}",
    ]
    assert [line for line in shown if line.replace("-0.00", "0.00") not in told] == []


def test_the_figures_of_a_real_base_are_those_of_the_benchmark() -> None:
    found, text = read("suites-smollm2.json")["sets"], (DOCS / "suites.md").read_text("utf-8")
    told = " ".join(text.split())
    shown = [
        f"{one['rows']} | {one['right']} ({100 * one['right'] / one['rows']:.1f} %) | "
        f"{100 * one['interval'][0]:.1f} to {100 * one['interval'][1]:.1f} % | "
        f"{100 * one['guessed']:.0f} % | {asked['refused']} | "
        for asked in found
        for one in asked["skills"]
    ]
    by_choice, generated = found
    twins, rows = by_choice["twins"], generated["skills"][0]["rows"]
    shown += [
        f"| {by_choice['seconds']:.0f} for all three |",
        f"| {generated['seconds']:.0f} |",
        f"In {twins['unmoved']} of Winogender's {twins['pairs']} pairs",
        f"{generated['cut_off']} of the {rows} solutions",
    ]
    assert [line for line in shown if line not in told] == []


def share(one: dict[str, int]) -> str:
    return f"{one['same_tokens']} of {one['options']}"


def test_the_figures_of_imports_are_those_of_the_benchmark() -> None:
    found, text = read("importing.json")["sets"], (DOCS / "cases.md").read_text("utf-8")
    shown = [
        f"| {name} | {row['cases']:,} | {row['must_name']:,} | {row['must_not_name']:,} | "
        f"{of(row['swapped'], row['swapped_without_names'])} |"
        for name, row in found.items()
    ]
    people = found["Alexa CQR"]
    ways = ("held_out_without_names", "held_out", "held_out_as_authored")
    told = [f"{people[way]['accepted']:,}" for way in ways]
    shown.append(
        f"of {people['held_out']['n']:,} are accepted {told[0]} without names, {told[1]} with "
        f"them, and {told[2]} if"
    )
    plain = " ".join(text.split())
    assert [line for line in shown if line not in plain] == []


def of(now: dict[str, int], before: dict[str, int]) -> str:
    return f"{before['accepted']:,} | {now['accepted']:,} of {now['n']:,}"
