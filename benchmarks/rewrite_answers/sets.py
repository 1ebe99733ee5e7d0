"""The sets of cases on which answers are made.

Public data sets are read where they lie (``EVALSUITE_DATA``, or a folder ``data`` beside the
checkout); a set whose files are not there is left out. Left out for good: CANARD's multiple
references, which have neither query nor history, and KdConv, which has no rewrites and too few
turns that hold one name once.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from evalsuite.cases import Case, Expectation, Language
from evalsuite.cases.casefiles import load_cases
from evalsuite.cases.importers import guess_kind, import_cases
from evalsuite.conversation import Message, Role
from evalsuite.scenarios import sample_panel
from evalsuite.scenarios.names import Split, invent_name, seeded
from rewrite_answers.known import Stripped, changes, known
from rewrite_answers.texts import history_text, tokens

ROOT = Path(__file__).resolve().parents[2]
PANEL_SEED = 7106
"""No gate, training set or qualification draws it."""
Cases = tuple[Case, ...]


def data() -> Path:
    """Where public data sets lie, or would lie."""
    return Path(os.environ.get("EVALSUITE_DATA") or ROOT.parent / "data")


# --- what is known by construction --------------------------------------------------------------


@cache
def goldens() -> Cases:
    """The shipped cases that must be rewritten and say what must be named."""
    folders = [ROOT / "cases" / name for name in ("pronoun_resolution", "example_leakage")]
    return tuple(c for c in load_cases(folders) if c.expect.must_name and known(c))


@cache
def panel() -> Cases:
    """300 must-rewrite cases of the grammar for each language."""
    return tuple(c for c in sample_panel(PANEL_SEED, 720).cases if known(c))


@cache
def panel_of_long_names() -> Cases:
    """The English panel with a second word behind every name, so that names have halves."""
    return tuple(_with_long_names(c) for c in panel() if c.language is Language.EN)


def _with_long_names(case: Case) -> Case:
    rng = seeded("long names", case.id)
    made: dict[str, str] = {}
    for name in (*case.expect.must_name, *case.expect.must_not_name):
        taken = frozenset({*case.expect.must_name, *case.expect.must_not_name, *made.values()})
        made[name] = f"{name} {invent_name(rng, case.language, Split.PANEL, avoid=taken)}"

    def longer(text: str) -> str:
        return re.sub("|".join(made), lambda found: made[found.group()], text)

    expect = case.expect
    return replace(
        case,
        id=case.id.replace("panel", "panel-long", 1),
        history=tuple(Message(m.role, longer(m.content)) for m in case.history),
        expect=replace(
            expect,
            rewrites=tuple(map(longer, expect.rewrites)),
            must_name=tuple(map(longer, expect.must_name)),
            must_not_name=tuple(map(longer, expect.must_not_name)),
        ),
    )


# --- rewrites that only put back ----------------------------------------------------------------


def stripped(cases: Cases) -> Cases:
    """Cases as a corpus of incomplete utterances would give them: one rewrite and no names; those
    whose rewrite only puts back what the history holds."""
    return tuple(case for case in map(_stripped, cases) if puts_back(case))


def _stripped(case: Case) -> Stripped:
    kept = {f.name: getattr(case, f.name) for f in fields(case) if f.name != "expect"}
    expect = Expectation(rewrites=case.expect.rewrites[:1], extractive=True)
    return Stripped(**kept, expect=expect, original=case)


_JOINTS = frozenset("the a an of in to and or for is was 的 和 了".split())
_REFERENCES = frozenset(
    "it its they them their he him his she her there this that these those one ones former latter "
    "two second first old".split()
)
_REFERENCES_ZH = re.compile(r"[它他她这那][们个些里儿部]?|[前后]者|第[一二三]个?|两[个种]")


def puts_back(case: Case) -> bool:
    """Whether the one rewrite holds words of query and history alone, lost nothing but references,
    and says what it put back."""
    (rewrite,) = case.expect.rewrites
    said = {t.folded for t in tokens(f"{case.query}\n{history_text(case)}")} | _JOINTS
    lost = [t.folded for change in changes(rewrite, case.query) for t in change.lost]
    facts = known(case)
    return (
        all(t.folded in said for t in tokens(rewrite))
        and all(map(_refers, lost))
        and bool(facts and facts.names)
    )


def _refers(word: str) -> bool:
    refers = word in _REFERENCES or _REFERENCES_ZH.match(word) or word in "们个者里种儿"
    return word in _JOINTS or bool(refers)


@cache
def extractive() -> Cases:
    """Goldens and panel, stripped."""
    return stripped((*goldens(), *panel()))


@cache
def extractive_of_long_names() -> Cases:
    """The English panel with longer names, stripped."""
    return stripped(panel_of_long_names())


@cache
def gecor() -> Cases:
    """GECOR's restaurant dialogues: questions with a reference, and the same ones complete, where
    the one thing that was put back is a name."""
    file = data() / "gecor_camrest" / "CamRest676_annotated.json"
    dialogues = json.loads(file.read_text("utf-8"))
    found = (c for i, d in enumerate(dialogues) for c in _gecor_cases(f"gecor-{i}", d["dial"]))
    return tuple(c for c in found if puts_back(c) and _asks_of_a_name(c))


def _asks_of_a_name(case: Case) -> bool:
    facts = known(case)
    if facts is None or len(facts.names) != 1 or not re.fullmatch(r"[^.!?]+\?", case.query):
        return False
    (name,) = facts.names
    put_back = {t.folded for change in changes(facts.base, case.query) for t in change.made}
    rest = put_back - {t.folded for t in tokens(name)} - _JOINTS
    return any(word[0].isupper() for word in name.split()[:1]) and not rest


def _gecor_cases(name: str, turns: list[Mapping[str, Any]]) -> Iterator[Case]:
    history: list[Message] = []
    for turn in turns:
        user = turn["usr"]
        complete = user["transcript_complete"].strip()
        for way in ("ellipsis", "coreference"):
            query = user[f"transcript_with_{way}"].strip()
            if query and query != complete and history:
                yield Case(
                    id=f"{name}-{turn['turn']}-{way}",
                    language=Language.EN,
                    kind=guess_kind(query, unchanged=False),
                    cluster=name,
                    history=tuple(history),
                    query=query,
                    expect=Expectation(rewrites=(complete,), extractive=True),
                )
        history.append(Message(Role.USER, complete))
        history.append(Message(Role.ASSISTANT, turn["sys"]["sent"].strip() or "-"))


# --- rewrites in the words of people ------------------------------------------------------------


def _imported(format: str, *files: str) -> Cases:
    found = (case for file in files for case in import_cases(format, data() / file, names=False))
    return tuple(case for case in found if known(case) and case.history)


@cache
def alexa() -> Cases:
    """Alexa contextual query rewrites: several people's rewrites of a turn."""
    return _imported(
        "alexa_cqr", "alexa_cqr/cqr_kvret_dev_public.json", "alexa_cqr/cqr_kvret_test_public.json"
    )


@cache
def canard() -> Cases:
    """CANARD: one person's rewrite of a question about an article."""
    return _imported("canard", "canard/dev.json")


@cache
def cast2019() -> Cases:
    """TREC CAsT 2019: the organisers' rewrites."""
    return _imported("cast2019", "trec_cast/2019/evaluation_topics_v1.0.json")


@cache
def cast2020() -> Cases:
    """TREC CAsT 2020, with a second person's rewrite where the raw text is the same."""
    file = data() / "trec_cast" / "2020" / "2020_manual_evaluation_topics_v1.0.json"
    others = _second_humans()
    made = (c for topic in json.loads(file.read_text("utf-8")) for c in _topic_cases(topic, others))
    return tuple(c for c in made if known(c))


def _second_humans() -> Mapping[str, tuple[str, ...]]:
    """Raw text -> its rewrite by another person; joined by text, since numbers are misaligned."""
    found: dict[str, tuple[str, ...]] = {}
    file = data() / "cast_rewriter_outputs" / "2020" / "11_Human.tsv"
    for line in file.read_text("utf-8").splitlines()[1:]:
        *_, rewrite, raw = line.split("\t")
        found[raw.strip()] = (rewrite.strip(),)
    return found


def _topic_cases(topic: Mapping[str, Any], others: Mapping[str, tuple[str, ...]]) -> Iterator[Case]:
    said: list[Message] = []
    for turn in topic["turn"]:
        query = turn["raw_utterance"].strip()
        own = turn["manual_rewritten_utterance"].strip()
        rewrites = tuple(dict.fromkeys((own, *others.get(query, ()))))
        if said and own != query:
            yield Case(
                id=f"cast2020-{topic['number']}-{turn['number']}",
                language=Language.EN,
                kind=guess_kind(query, unchanged=False),
                cluster=f"cast2020-{topic['number']}",
                history=tuple(said),
                query=query,
                expect=Expectation(rewrites=tuple(r for r in rewrites if r != query)),
            )
        said.append(Message(Role.USER, query))


def of(cases: Callable[[], Cases], language: Language) -> Cases:
    """The cases of one language; none where the files of the set are not there."""
    try:
        return tuple(c for c in cases() if c.language is language)
    except FileNotFoundError:
        return ()


AUTHORED = ("goldens", "panel")
EXTRACTIVE = ("extractive", "gecor")
FREE = ("alexa", "canard", "cast2019", "cast2020")
SETS: Mapping[str, Callable[[], Cases]] = MappingProxyType(
    {f.__name__: f for f in (goldens, panel, extractive, gecor, alexa, canard, cast2019, cast2020)}
)
"""Name of a set -> its cases."""
