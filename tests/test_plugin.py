from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element, parse

import pytest

from evalsuite.cases.casefiles import load_cases
from evalsuite.commands.progress import STEPS
from evalsuite.models import BaseRef
from evalsuite.plugin import GoldenCase, require, require_golden
from evalsuite.runs import CaseRow, ScoreRow, Side, Tier
from evalsuite.runs.folder import load_run
from tests.report.factory import HOSTILE, verdict

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


def test_a_whole_model_takes_the_place_of_the_adapter(
    pytester: pytest.Pytester, options: list[str], nano: BaseRef
) -> None:
    model = pytester.path / "model"
    shutil.copytree(nano.path, model)
    both = pytester.runpytest_subprocess("--gate-candidate", str(model), *options)
    assert both.ret == 3
    both.stderr.fnmatch_lines(["*both name the candidate; a session gates one*"])
    alone = pytester.runpytest_subprocess(
        "-k", "liveness", "--gate-candidate", str(model), *options[2:]
    )
    # A copy of the base is a model, and no candidate.
    alone.stdout.fnmatch_lines(["*liveness failed*logits_differ*"])
    assert alone.ret == 1


def test_a_project_without_cases_has_an_item_for_each_that_ships(
    pytester: pytest.Pytester, options: list[str]
) -> None:
    at = options.index("--gate-cases")
    result = pytester.runpytest_subprocess(
        "--collect-only", "-q", *options[:at], *options[at + 2 :]
    )
    items = [line for line in result.outlines if "::test_golden_case[" in line]
    assert len(items) == len(load_cases(Path(__file__).parent.parent / "cases"))


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
    text = small_policy.read_text("utf-8").replace(
        "failure_rate: {limit: 1.0}", "failure_rate: {limit: 0.0}"
    )
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
    # And in what way it is wrong.
    result.stdout.fnmatch_lines(["*nano_en.yaml:*pronoun_resolution: named: *"])


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
            ("right", "pronoun_resolution"),
        )
    )
    require_golden(GoldenCase(row, (replace(leak, value=0.0),), frozenset()))
    with pytest.raises(pytest.fail.Exception, match=r"example_leakage: literal_leak$"):
        require_golden(GoldenCase(row, (leak, wrong), frozenset({"pronoun_resolution"})))
    with pytest.raises(pytest.xfail.Exception, match="allowed by the policy"):
        require_golden(GoldenCase(row, (leak,), frozenset({"example_leakage"})))
    with pytest.raises(pytest.fail.Exception):
        require_golden(GoldenCase(row, (replace(leak, value=None),), frozenset()))


def test_a_golden_case_says_in_what_way_its_rewrite_is_wrong_and_says_it_once() -> None:
    row = CaseRow(panel="nano", case_id="a", language="en", kind="single", cluster="a", query="?")
    right, form, kept = (
        ScoreRow(
            detector=detector,
            case_id="a",
            side=Side.CANDIDATE,
            value=value,
            explanation=f"said of {detector}",
            gate="pronoun_resolution",
            panel="nano",
        )
        for detector, value in (("right", 1.0), ("form", 1.0), ("kept", 0.0))
    )
    said = r"^: pronoun_resolution: form: said of form$"
    with pytest.raises(pytest.fail.Exception, match=said):
        require_golden(GoldenCase(row, (right, form, kept), frozenset()))


@pytest.mark.parametrize(
    ("workers", "option", "reason"),
    [
        ("0", "--adapter", "adapter * does not exist*"),
        ("2", "--adapter", "adapter * does not exist*"),
        pytest.param(
            "2",
            "--gate-cases",
            "*name the folder of golden cases with --gate-cases",
            marks=pytest.mark.slow,
        ),
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


@pytest.mark.slow
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
        "import evalsuite.pipeline\n"
        "def broken(request, **_):\n"
        "    raise RuntimeError('planted')\n"
        "evalsuite.pipeline.evaluate = broken\n"
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


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_log_shows_each_step_and_how_far_inference_is(
    pytester: pytest.Pytester, options: list[str], workers: str
) -> None:
    fresh = ["--gate-cache", str(pytester.path / "fresh.sqlite3")]
    result = pytester.runpytest_subprocess("-n", workers, "-k", "liveness", *options, *fresh)
    result.assert_outcomes(passed=1)
    told = [line for line in result.stdout.lines if line.startswith("gates: ")]
    steps = [line.removeprefix("gates: ") for line in told if "%" not in line]
    assert steps == [sentence for name, sentence in STEPS.items() if name != "confirm"]
    counted = [line for line in told if line.startswith(f"gates: {STEPS['infer']}: ")]
    assert counted[-1].endswith("(100 %)")
    assert 2 <= len(counted) <= 10
    assert "\x1b" not in result.stdout.str()
    assert "\r" not in result.stdout.str()
    # Captured output of a test is no place for progress.
    result.stdout.no_fnmatch_line("*Captured*")


@pytest.mark.slow
def test_a_quiet_session_shows_no_progress(pytester: pytest.Pytester, options: list[str]) -> None:
    result = pytester.runpytest_subprocess("-q", "-k", "liveness", *options)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("gates: *")
    result.stdout.fnmatch_lines(["*report.html*"])


def on_a_terminal(*args: str, **environment: str) -> str:
    """What pytest writes to a terminal of 80 columns."""
    reader, terminal = pty.openpty()
    known = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "PY_COLORS", "COLUMNS")}
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *args],
        stdin=terminal, stdout=terminal, stderr=terminal,
        env=known | {"TERM": "xterm", "COLUMNS": "80"} | environment,
    )  # fmt: skip
    os.close(terminal)
    said = b""
    try:
        while piece := os.read(reader, 65536):
            said += piece
    except OSError:  # how Linux says that the last writer is gone
        pass
    os.close(reader)
    assert process.wait(timeout=60) == 0, said
    return said.decode("utf-8")


@pytest.mark.parametrize("workers", ["0", pytest.param("2", marks=pytest.mark.slow)])
def test_on_a_terminal_one_line_renews_itself_and_the_verdict_has_colour(
    pytester: pytest.Pytester, options: list[str], workers: str
) -> None:
    said = on_a_terminal("-n", workers, "-k", "liveness", *options)
    assert f"\rgates: {STEPS['infer']}" in said
    assert f"\ngates: {STEPS['infer']}" not in said
    verdict = said.partition("= evalsuite =")[2]
    assert "\x1b[1;32m✓ Passed. \x1b[0m" in verdict
    plain = re.sub("\x1b\\[[0-9;]*m", "", verdict)
    assert re.search(r"(?m)^liveness +✓ passed +0 +0 to 0 +0 +6\r$", plain)
    assert max(len(line) for line in plain.partition("report:")[0].splitlines()) <= 80


@pytest.mark.slow
def test_colour_follows_pytests_own_choice(pytester: pytest.Pytester, options: list[str]) -> None:
    chosen = ["-k", "liveness", *options]
    assert "\x1b" not in on_a_terminal(*chosen, NO_COLOR="1")
    assert "\x1b" not in on_a_terminal(*chosen, "--color=no")
    piped = pytester.runpytest_subprocess("--color=yes", *chosen).stdout.str()
    assert "\x1b[1;32m✓ Passed. \x1b[0m" in piped
    assert "\r" not in piped


def properties(element: Element) -> dict[str, str]:
    """The properties of a suite or of an item."""
    found = element.findall("properties/property")
    return {p.get("name", ""): p.get("value", "") for p in found}


@pytest.mark.parametrize(
    ("workers", "family"),
    [("0", "xunit1"), pytest.param("2", "xunit2", marks=pytest.mark.slow)],
)
def test_junit_carries_the_numbers_of_the_gates_and_the_digests_of_the_run(
    pytester: pytest.Pytester, options: list[str], workers: str, family: str
) -> None:
    pytester.runpytest_subprocess(
        "-n", workers, "-o", f"junit_family={family}", "--junitxml=junit.xml", *options
    )
    suite = parse(pytester.path / "junit.xml").getroot().find("testsuite")
    assert suite is not None
    run = load_run(pytester.path / "run")
    assert run.info.adapter is not None
    told = properties(suite)
    assert told["adapter_digest"] == run.info.adapter.digest
    assert told["base_digest"] == run.info.base.digest
    assert (told["policy"], told["policy_digest"]) == ("small", run.info.policy.digest)
    assert (told["seed"], told["run_folder"]) == ("11", str(run.folder))
    items = {case.get("name", ""): properties(case) for case in suite.findall("testcase")}
    assert len(items) == 7
    for judged in run.verdicts:
        found = items[f"test_gate[{judged.gate}]"]
        assert (found["status"], found["tier"]) == (judged.status, judged.tier)
        assert (found["n"], found["clusters"]) == (str(judged.n), str(judged.clusters))
        assert float(found["value"]) == pytest.approx(judged.value)
        assert float(found["upper"]) == pytest.approx(judged.upper)
        assert {"lower", "limit", "method"} <= set(found)
    assert "skills/zh.upper" in items["test_gate[forgetting]"]
    golden = items["test_golden_case[few-single]"]
    assert golden["gates"] == "example_leakage, pronoun_resolution"
    assert re.search(r"nano_en\.yaml:2$", golden["source"])


def test_what_a_model_wrote_is_inert_in_the_text_of_a_failure() -> None:
    nasty = f"{HOSTILE}\ufffe"
    with pytest.raises(pytest.fail.Exception) as failed:
        require(verdict("forgetting", "failed", reason=nasty))
    with pytest.raises(pytest.xfail.Exception) as expected:
        require(verdict("forgetting", "failed", reason=nasty, tier=Tier.WAIVED))
    row = CaseRow(panel="nano", case_id="a", language="en", kind="single", cluster="a", query="?")
    leak = ScoreRow(
        detector="literal_leak", case_id="a", side=Side.CANDIDATE, value=1.0, explanation=nasty,
        gate="example_leakage",
    )  # fmt: skip
    with pytest.raises(pytest.fail.Exception) as golden:
        require_golden(GoldenCase(row, (leak,), frozenset()))
    for text in map(str, (failed.value, expected.value, golden.value)):
        assert "[U+001B]" in text
        assert not re.search("[\x00-\x08\x0b-\x1f\u202e\ufffe]", text)


@pytest.mark.parametrize(
    ("workers", "option", "start"),
    [
        ("0", "--gate-report=out/mine.html", "<!doctype html>"),
        pytest.param("2", "--report=out/mine.md", "# ✓ Passed", marks=pytest.mark.slow),
    ],
)
def test_the_report_is_written_where_it_was_asked_for(
    pytester: pytest.Pytester, options: list[str], workers: str, option: str, start: str
) -> None:
    name, _, path = option.partition("=")
    result = pytester.runpytest_subprocess("-n", workers, "-k", "liveness", name, path, *options)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"report: *{path}"])
    assert (pytester.path / path).read_text("utf-8").lower().startswith(start.lower())
    assert [p.name for p in (pytester.path / "out").iterdir()] == [Path(path).name]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("taken/report.html", "a file stands where a folder is needed*"),
        ("folder.html", "a folder stands where a file is needed*"),
        ("report.pdf", "--gate-report='report.pdf' must end in one of .html, .htm, .md;*"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_the_run(
    pytester: pytest.Pytester, options: list[str], path: str, reason: str
) -> None:
    (pytester.path / "taken").write_text("mine", "utf-8")
    (pytester.path / "folder.html").mkdir()
    result = pytester.runpytest_subprocess("-n", "2", *options, "--report", path)
    assert result.ret == 3
    result.stderr.fnmatch_lines([f"Exit: evalsuite could not run: *{reason}"])
    assert not (pytester.path / "run").exists()
    assert (pytester.path / "taken").read_text("utf-8") == "mine"


@pytest.mark.slow
def test_a_report_that_can_no_longer_be_written_costs_no_run(
    pytester: pytest.Pytester, options: list[str]
) -> None:
    pytester.makeconftest(
        "import pathlib\n"
        "def pytest_runtest_teardown():\n"
        "    pathlib.Path('out/report.html').mkdir(exist_ok=True)\n"
    )
    result = pytester.runpytest_subprocess(
        "-k", "liveness", *options, "--report", "out/report.html"
    )
    assert result.ret == 3
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["cannot write *report.html*; the run itself is kept in *run"])
    assert load_run(pytester.path / "run").verdicts


def test_without_a_run_the_report_that_was_asked_for_is_missed_aloud(
    pytester: pytest.Pytester, options: list[str]
) -> None:
    pytester.makepyfile(test_mine="def test_mine():\n    pass\n")
    result = pytester.runpytest_subprocess("-k", "test_mine", "--report", "mine.html", *options)
    result.assert_outcomes(passed=1, deselected=7)
    result.stdout.fnmatch_lines(["no run was made, so *mine.html was not written"])


@pytest.mark.parametrize("kind", ["", "type=int, "], ids=["text", "number"])
def test_an_option_called_report_stays_with_whoever_declares_it(
    pytester: pytest.Pytester, kind: str
) -> None:
    pytester.makeconftest(
        f"def pytest_addoption(parser):\n    parser.addoption('--report', {kind})\n"
    )
    pytester.makepyfile(
        "def test_mine(pytestconfig):\n"
        "    assert str(pytestconfig.getoption('--report')) == '7'\n"
        "    assert pytestconfig.getoption('--gate-report') is None\n"
    )
    pytester.runpytest_subprocess("--report", "7").assert_outcomes(passed=1)


def test_a_report_that_exists_is_no_test_file(pytester: pytest.Pytester) -> None:
    (pytester.mkdir("out") / "old.md").write_text("old", "utf-8")
    (pytester.mkdir("checks") / "conftest.py").write_text(
        "def pytest_addoption(parser):\n    parser.addoption('--mine')\n", "utf-8"
    )
    (pytester.path / "checks" / "test_mine.py").write_text(
        "def test_mine(pytestconfig):\n"
        "    assert pytestconfig.getoption('--gate-report').name == 'old.md'\n"
        "    assert pytestconfig.getoption('--mine') == '1'\n",
        "utf-8",
    )
    pytester.makeini("[pytest]\ntestpaths = checks\n")
    result = pytester.runpytest_subprocess("--report", "out/old.md", "--mine=1")
    result.assert_outcomes(passed=1)
    pytester.runpytest_subprocess("checks", "--", "--report").assert_outcomes()


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
