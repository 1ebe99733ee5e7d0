"""What takes minutes: ten thousand round trips, other processes, a search that is killed."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from evalsuite.cases import Language
from evalsuite.cases.casefiles import dump_cases, parse_cases
from evalsuite.engines import CachingEngine
from evalsuite.models import BaseRef
from evalsuite.pipeline import GateRequest
from evalsuite.scenarios import SKILLS, sample_demonstrations
from evalsuite.search import Posed, SearchRequest, search, to_json
from evalsuite.strategies import Attack, Envelope, World, attacks, build_attack
from evalsuite.tasks import prompt_of
from evalsuite.template import ChatTemplate, load_template
from evalsuite.template.equivalence import first_change

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
SHOWN = {language: sample_demonstrations("slow", 16, language) for language in Language}
WORLD = World(demonstrations=SHOWN, room=lambda case, shown: 2000 - 30 * len(shown))
THOROUGH = settings(
    max_examples=10_000, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def template(nano: BaseRef) -> ChatTemplate:
    return load_template(nano.path)


def test_ten_thousand_hostile_conversations_survive_file_and_template(
    template: ChatTemplate,
) -> None:
    @THOROUGH
    @given(attacks(Envelope(skills=SKILLS, max_demonstrations=16), world=WORLD))
    def survives(attack: Attack) -> None:
        built = build_attack(attack, WORLD)
        (read,) = parse_cases(dump_cases([built.case]))
        assert replace(read, source=built.case.source) == built.case
        if attack.skill:
            return  # a chat's turns may be out of order, which a template refuses
        asked = prompt_of(Posed(case=built.case, shown=built.shown).task)
        back = template.parse(template.prompt(asked))
        assert first_change(template, asked, back) is None

    survives()


def command(reckless: Path, policy: Path, place: Path) -> list[str]:
    return [
        sys.executable, "-m", "evalsuite.cli", "search", "--adapter", str(reckless),
        "--policy", str(policy), "--cases", str(ROOT / "cases"), "--budget", "60", "--most", "3",
        "--no-save", "--relations", "4", "--cache", str(place / "c.sqlite3"), "--out", str(place),
    ]  # fmt: skip


def found_in(place: Path) -> dict[str, object]:
    data = json.loads((place / "search.json").read_text("utf-8"))
    return {key: data[key] for key in ("counterexamples", "relations", "envelope", "plan")}


def test_two_processes_find_the_same(reckless: Path, small_policy: Path, tmp_path: Path) -> None:
    found = []
    for seed in ("1", "2"):
        place = tmp_path / seed
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            command(reckless, small_policy, place),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr
        found.append(found_in(place))
    assert found[0] == found[1]
    assert found[0]["counterexamples"], "training that forgets breaks something"


def remembered(path: Path) -> int:
    if not path.exists():
        return 0
    with sqlite3.connect(path) as connection:
        tables = connection.execute("select count(*) from sqlite_master where name = 'entries'")
        if tables.fetchone() == (0,):
            return 0
        return int(connection.execute("select count(*) from entries").fetchone()[0])


def test_a_killed_search_goes_on_and_repeats_no_inference(
    reckless: Path, small_policy: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "c.sqlite3"
    running = subprocess.Popen(
        command(reckless, small_policy, tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while remembered(cache) < 40 and running.poll() is None:
        time.sleep(0.2)
    assert running.poll() is None, "it ended before it could be killed"
    running.send_signal(signal.SIGKILL)
    running.wait()
    before = remembered(cache)
    policy = str(small_policy)
    gate = GateRequest(adapter=reckless, policy=policy, cases=ROOT / "cases", cache=cache)
    resumed = search(SearchRequest(gate=gate, budget=60, most=3, relations=4))
    engine = resumed.asker.engine
    assert isinstance(engine, CachingEngine)
    assert engine.misses == remembered(cache) - before
    assert engine.hits >= before

    whole = tmp_path / "whole"
    subprocess.run(command(reckless, small_policy, whole), capture_output=True, check=False)
    assert to_json(resumed)["counterexamples"] == found_in(whole)["counterexamples"]
    assert remembered(whole / "c.sqlite3") == remembered(cache)


def test_the_search_finds_the_same_under_xdist(
    reckless: Path, small_policy: Path, tmp_path: Path
) -> None:
    def told(*more: str) -> list[str]:
        done = subprocess.run(
            [
                sys.executable, "-m", "pytest", "tests/gates/test_adversarial.py", "-q",
                "--adapter", str(reckless), "--gate-search-budget", "40",
                "--gate-policy", str(small_policy),
                "--gate-cache", str(tmp_path / "c.sqlite3"), *more,
            ],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 1), done.stdout + done.stderr
        return re.findall(r"^(?:found:|  \w+: .*|    query: .*)$", done.stdout, re.MULTILINE)

    alone = told()
    assert alone == told("-n", "2")
    assert alone, "training that forgets breaks something"
