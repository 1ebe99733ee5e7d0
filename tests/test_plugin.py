from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evalsuite.plugin import GoldenCase, require_golden
from evalsuite.runrecord import CaseRow, ScoreRow, Side

TESTS = """
from evalsuite.plugin import require, require_golden

def test_gate(gate_verdict):
    require(gate_verdict)

def test_golden_case(golden_case):
    require_golden(golden_case)
"""


@pytest.fixture
def options(
    pytester: pytest.Pytester, candidate: Path, small_policy: Path, few_cases: Path
) -> list[str]:
    pytester.makepyfile(TESTS)
    return [
        "--adapter", str(candidate), "--gate-policy", str(small_policy),
        "--gate-cases", str(few_cases), "--gate-out", str(pytester.path / "run"),
        "--gate-seed", "11", "--gate-cache", str(candidate.parent / "outputs.sqlite3"),
        "--gate-registry", str(pytester.path / "registry"),
    ]  # fmt: skip


def test_every_gate_and_every_golden_case_is_an_item(
    pytester: pytest.Pytester, options: list[str]
) -> None:
    result = pytester.runpytest_subprocess("-v", "--junitxml=junit.xml", *options)
    outcomes = result.parseoutcomes()
    assert outcomes.get("passed", 0) + outcomes.get("xfailed", 0) == 7
    result.stdout.fnmatch_lines(["*test_gate?forgetting?*", "*=* evalsuite *=*", "*report.html*"])
    assert (pytester.path / "junit.xml").is_file()


def test_workers_share_one_run(pytester: pytest.Pytester, options: list[str]) -> None:
    result = pytester.runpytest_subprocess("-n", "2", *options)
    outcomes = result.parseoutcomes()
    assert outcomes.get("passed", 0) + outcomes.get("xfailed", 0) == 7
    result.stdout.fnmatch_lines(["*=* evalsuite *=*", "*report.html*"])


def test_items_can_be_chosen_by_name(pytester: pytest.Pytester, options: list[str]) -> None:
    result = pytester.runpytest_subprocess("-k", "liveness", *options)
    result.assert_outcomes(passed=1, deselected=6)


def test_a_failed_gate_is_a_failed_item(
    pytester: pytest.Pytester, options: list[str], small_policy: Path
) -> None:
    strict = pytester.path / "strict.yaml"
    text = small_policy.read_text("utf-8").replace("{limit: 0.999}", "{limit: 0.0}", 1)
    strict.write_text(text, "utf-8")
    result = pytester.runpytest_subprocess(
        "-k", "test_gate", *options, "--gate-policy", str(strict)
    )
    assert result.parseoutcomes()["failed"] >= 1
    result.stdout.fnmatch_lines(["*pronoun_resolution*"])


def test_a_failing_golden_case_of_a_blocking_set_is_a_failed_item(
    pytester: pytest.Pytester, options: list[str], small_policy: Path, few_cases: Path
) -> None:
    strict = pytester.path / "strict.yaml"
    text = small_policy.read_text("utf-8")
    leakage, pronouns = text.split("pronoun_resolution:")
    pronouns = pronouns.replace("{nano: advisory, everyday: advisory}, limit: 1.0", SETS, 1)
    strict.write_text(f"{leakage}pronoun_resolution:{pronouns}", "utf-8")
    cases = pytester.mkdir("cases")
    impossible = (few_cases / "nano_en.yaml").read_text("utf-8")
    impossible = impossible.replace("What is Flindo's price?", "What is Vaspo's price?", 1)
    impossible = impossible.replace("must_name: [Flindo]", "must_name: [Vaspo]", 1)
    (cases / "nano_en.yaml").write_text(impossible, "utf-8")
    chosen = ["-k", "few-single", "--gate-policy", str(strict), "--gate-cases", str(cases)]
    result = pytester.runpytest_subprocess(*options, *chosen)
    result.assert_outcomes(failed=1, deselected=6)
    result.stdout.fnmatch_lines(["*nano_en.yaml:*pronoun_resolution: *"])


SETS = "{nano: blocking, everyday: advisory}, limit: 0.0"


def test_a_golden_case_fails_by_the_gate_that_does_not_allow_it() -> None:
    row = CaseRow(panel="nano", case_id="a", language="en", kind="single", cluster="a", query="?")
    leak, wrong = (
        ScoreRow(
            detector=detector,
            case_id="a",
            side=Side.CANDIDATE,
            value=1.0,
            explanation=detector,
            gate=gate,
        )
        for detector, gate in (
            ("literal_leak", "example_leakage"),
            ("pronoun_resolution", "pronoun_resolution"),
        )
    )
    require_golden(GoldenCase(row, (replace(leak, value=0.0),), frozenset()))
    with pytest.raises(pytest.fail.Exception, match=r"example_leakage: literal_leak$"):
        require_golden(GoldenCase(row, (leak, wrong), frozenset({"pronoun_resolution"})))
    with pytest.raises(pytest.xfail.Exception, match="allowed by the policy"):
        require_golden(GoldenCase(row, (leak,), frozenset({"example_leakage"})))
    with pytest.raises(pytest.fail.Exception):
        require_golden(GoldenCase(row, (replace(leak, value=None),), frozenset()))


@pytest.mark.parametrize(
    ("workers", "option", "reason"),
    [
        ("0", "--adapter", "adapter * does not exist*"),
        ("2", "--adapter", "adapter * does not exist*"),
        ("2", "--gate-cases", "*name the folder of golden cases with --gate-cases"),
    ],
    ids=["one-process", "workers", "workers-cases"],
)
def test_inputs_that_cannot_be_read_end_the_session_with_status_3_before_any_test(
    pytester: pytest.Pytester, options: list[str], workers: str, option: str, reason: str
) -> None:
    missing = [option, str(pytester.path / "nothing")]
    result = pytester.runpytest_subprocess("-n", workers, *options, *missing)
    assert result.ret == 3
    result.stderr.fnmatch_lines([f"Exit: evalsuite could not run: {reason}"])
    assert "INTERNALERROR" not in result.stdout.str()
    assert "ERRORS" not in result.stdout.str()


def test_a_run_that_no_worker_can_make_is_an_error_of_its_tests_and_status_3(
    pytester: pytest.Pytester, options: list[str]
) -> None:
    foreign = pytester.mkdir("foreign")
    (foreign / "letter.txt").write_text("not a run", "utf-8")
    pytester.makepyfile(test_mine="def test_mine():\n    pass\n")
    result = pytester.runpytest_subprocess("-n", "2", *options, "--gate-out", str(foreign))
    assert result.ret == 3
    result.assert_outcomes(passed=1, errors=7)
    result.stdout.fnmatch_lines(["evalsuite could not run: *--gate-out*"])
    assert "During handling" not in result.stdout.str()
    assert "INTERNALERROR" not in result.stdout.str()


def test_a_run_that_cannot_be_made_ends_the_session_with_status_3(
    pytester: pytest.Pytester, options: list[str]
) -> None:
    foreign = pytester.mkdir("foreign")
    (foreign / "letter.txt").write_text("not a run", "utf-8")
    result = pytester.runpytest_subprocess(*options, "--gate-out", str(foreign))
    assert result.ret == 3
    result.stdout.fnmatch_lines(["*evalsuite could not run: *--gate-out*"])


def test_a_bug_in_the_run_is_no_verdict_either(
    pytester: pytest.Pytester, options: list[str]
) -> None:
    pytester.makeconftest(
        "import evalsuite.run\n"
        "def broken(request, **_):\n"
        "    raise RuntimeError('planted')\n"
        "evalsuite.run.evaluate = broken\n"
    )
    result = pytester.runpytest_subprocess(*options)
    assert result.ret == 3
    result.stdout.fnmatch_lines(["*RuntimeError: planted"])


def test_a_project_may_have_options_of_its_own_with_common_names(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeconftest(
        "def pytest_addoption(parser):\n"
        "    for name in ('--device', '--policy', '--cases'):\n"
        "        parser.addoption(name)\n"
    )
    pytester.makepyfile(
        "def test_mine(pytestconfig):\n"
        "    assert pytestconfig.getoption('--device') == 'toaster'\n"
        "    assert pytestconfig.getoption('--gate-device') == 'auto'\n"
    )
    pytester.runpytest_subprocess("--device", "toaster").assert_outcomes(passed=1)


SEARCH = """
import pytest
from adversarial import *
from evalsuite.cases import Language
from evalsuite.engines.scripted import ScriptedEngine
from evalsuite.models import resolve_base
from evalsuite.scenarios import sample_demonstrations
from evalsuite.search import Asker, Plan
from evalsuite.strategies import ANSWERABLE, Envelope, World
from evalsuite.template import load_template

@pytest.fixture
def hunt():
    shown = {language: sample_demonstrations("plugin", 2, language) for language in Language}
    template = load_template(resolve_base("nano").path)
    leak = " ".join(d.entities[0] for pairs in shown.values() for d in pairs)
    engine = ScriptedEngine(lambda request: leak, template)
    envelope = Envelope(languages=tuple(Language), kinds=ANSWERABLE, operators=("gap", "emoji"),
                        max_edits=1, max_demonstrations=2)
    asker = Asker(engine=engine, template=template, candidate=None)
    plan = Plan(envelope=envelope, budget=12, guided=False, most=1)
    return Hunt(plan, World(demonstrations=shown), asker)
"""


def test_a_counterexample_of_the_search_says_that_it_is_no_verdict(
    pytester: pytest.Pytester,
) -> None:
    search = Path(__file__).parent / "gates" / "test_adversarial.py"
    pytester.makepyfile(adversarial=search.read_text("utf-8"), test_search=SEARCH)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["counterexample, not a verdict: *", "*tests/gates/test_gates.py",
         "*tests/gates/test_adversarial.py", "no example leakage: *", "Failing explicit*",
         "found:", "*promise: *", "cases:", "*query: *"]
    )  # fmt: skip


def test_without_an_adapter_the_plugin_changes_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_mine():\n    assert True\n")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1)
    assert "evalsuite" not in result.stdout.str().split("collected")[1]


def test_pytest_help_loads_no_tensor_library(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        "import sys\ndef pytest_unconfigure():\n"
        "    print('LOADED', [m for m in ('torch', 'transformers') if m in sys.modules])\n"
    )
    result = pytester.runpytest_subprocess("--help")
    result.stdout.fnmatch_lines(["*--adapter*", "LOADED []"])


def test_asking_for_a_run_without_a_candidate_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_mine(gate_run):\n    assert gate_run\n")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*give --adapter DIR*"])
