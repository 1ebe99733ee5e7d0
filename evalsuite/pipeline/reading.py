"""What a policy and its folders hold beside models: goldens, demonstrations, suites and texts.

All of it is read, and refused, before anything is fetched or asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evalsuite.cases import Case, Language, Wanted
from evalsuite.cases.casefiles import load_cases
from evalsuite.cases.shipped import DEMONSTRATIONS
from evalsuite.detectors.retention import load_texts
from evalsuite.errors import InvalidInput, InvalidPrompt
from evalsuite.files.problems import suggestion
from evalsuite.gates import Policy
from evalsuite.gates.rules import TextSource
from evalsuite.prompts import Prompt, load_demonstrations
from evalsuite.runs import DIVERGENCE, PANEL, REGRESSIONS, SKILLS, TEXTS
from evalsuite.scenarios import (
    EVERY_SKILL,
    PASSAGES,
    DemonstrationPair,
    SkillItem,
    TextItem,
    sample_skills,
)
from evalsuite.suites import read_suites
from evalsuite.suites.reading import SUFFIXES


def set_of(path: str | Path) -> str:
    """The golden set that a case file belongs to: ``everyday`` for ``everyday_zh.yaml``."""
    return Path(path).stem.partition("_")[0]


def goldens(folder: Path, policy: Policy) -> dict[str, tuple[Case, ...]]:
    """Read the golden cases of a folder, by their set: those of the policy's languages.

    Raises:
        InvalidInput: no such folder, a broken file, or a set that the policy does not name.
    """
    if not folder.exists():
        raise InvalidInput(
            f"cases={str(folder)!r} does not exist; run from the project's root or name the folder "
            "of golden cases with --cases"
        )
    if not folder.is_dir():
        raise InvalidInput(
            f"cases={str(folder)!r} is a file; name the folder that holds it, with its "
            f"{DEMONSTRATIONS}/"
        )
    wanted = policy.gates.pronoun_resolution.goldens.sets
    found: dict[str, list[Case]] = {name: [] for name in wanted}
    for case in load_cases(folder):
        name = set_of(case.source.rpartition(":")[0])
        found.setdefault(name, []).append(case)
    reserved = sorted({PANEL, SKILLS, TEXTS, REGRESSIONS, DIVERGENCE} & {*found, *wanted})
    if reserved:
        raise InvalidInput(
            f"a golden set in {str(folder)!r} or policy {policy.name!r} is called {reserved[0]}, "
            "as a sampled part of the run is; call it something else"
        )
    unknown = sorted(set(found) - set(wanted))
    if unknown:
        raise InvalidInput(
            f"{str(folder)!r} holds the golden sets {unknown}, which policy {policy.name!r} does "
            "not name; name them in a copy of the policy, under goldens.sets of example_leakage "
            "and of pronoun_resolution, as blocking or advisory, and give it with --policy; or "
            "name another folder with --cases"
        )
    return {
        name: tuple(case for case in cases if case.language in policy.languages)
        for name, cases in found.items()
    }


def demonstrations(folder: Path, policy: Policy) -> dict[tuple[str, Language], DemonstrationPair]:
    """Read the demonstrations that prompts of golden cases show, each pair with its counterfactual.

    Raises:
        InvalidInput: a file without a counterfactual, or of no set.
    """
    found: dict[tuple[str, Language], DemonstrationPair] = {}
    here = {path.name for path in (folder / DEMONSTRATIONS).glob("*.y*ml")}
    for name in policy.gates.pronoun_resolution.goldens.sets:
        for language in Language:
            stem = f"{name}_{language}"
            path = folder / DEMONSTRATIONS / f"{stem}.yaml"
            swap = path.with_stem(f"{stem}_swap")
            if path.name in here:
                if swap.name not in here:
                    raise InvalidInput(
                        f"{path}: has no counterfactual, without which a leak can hide; write "
                        f"{swap.name} beside it: same shapes, no entity and no question in common"
                    )
                found[name, language] = DemonstrationPair(
                    stem, load_demonstrations(path), load_demonstrations(swap)
                )
                here -= {path.name, swap.name}
    if here:
        sets = ", ".join(policy.gates.pronoun_resolution.goldens.sets)
        raise InvalidInput(
            f"{folder / DEMONSTRATIONS / min(here)}: stands before no golden set; name it "
            f"SET_LANGUAGE.yaml, or SET_LANGUAGE_swap.yaml beside that, with a set of: {sets}"
        )
    return found


def require_prompts(rewriting: Prompt, answering: Prompt, policy: Policy) -> None:
    """Refuse prompts for the other task, or without a text or demonstrations in some language.

    Raises:
        InvalidPrompt: naming the prompt and what is wrong.
    """
    for prompt, wanted, option in (
        (rewriting, Wanted.REWRITE, "--prompt"),
        (answering, Wanted.ANSWER, "--answer-prompt"),
    ):
        if prompt.wanted is not wanted:
            raise InvalidPrompt(
                f"{option}: prompt {prompt.name!r} says asks: {prompt.wanted}, and this option "
                f"is for prompts that say asks: {wanted.value}"
            )
        _require_languages(prompt, policy)


def _require_languages(prompt: Prompt, policy: Policy) -> None:
    for language in policy.languages:
        if prompt.tasks and language not in prompt.tasks:
            raise InvalidPrompt(
                f"prompt {prompt.name!r} has no task for {language.value!r}, which policy "
                f"{policy.name!r} asks for; add task.{language.value}"
            )
        pool = prompt.selection.pool
        if pool and not any(one.language is language for one in pool):
            raise InvalidPrompt(
                f"prompt {prompt.name!r} shows demonstrations of a file, and that holds none in "
                f"{language.value!r}, which policy {policy.name!r} asks for; add some"
            )


def require_skills(policy: Policy) -> None:
    """Refuse skills that nobody can draw, or not so often, before a model is loaded for them.

    Raises:
        InvalidInput: naming the policy and the skill.
    """
    for name in sorted({*policy.gates.forgetting.skills.seeded} - {*EVERY_SKILL}):
        raise InvalidInput(
            f"policy {policy.name!r}: gates.forgetting.skills.seeded={name!r} is no skill"
            f"{suggestion(name, EVERY_SKILL)}; use some of: {', '.join(EVERY_SKILL)}"
        )
    for language, n in policy.gates.forgetting.panel.items():
        try:
            sample_skills(0, n, languages=(language,), skills=policy.gates.forgetting.skills.seeded)
        except InvalidInput as error:
            raise InvalidInput(
                f"policy {policy.name!r}: gates.forgetting.panel={n} in {language.value}: {error}"
            ) from None


def require_passages(policy: Policy) -> None:
    """Refuse to draw more passages than there are.

    Raises:
        InvalidInput: naming the policy and both numbers.
    """
    rule = policy.gates.forgetting.text
    for language, n in rule.panel.items() if rule.source is TextSource.PASSAGES else ():
        if n > PASSAGES:
            raise InvalidInput(
                f"policy {policy.name!r}: gates.forgetting.text.panel asks for {n} passages in "
                f"{language.value}, but there are {PASSAGES}; ask for fewer, and name texts of "
                "your own under files"
            )


def read_suite_files(named: Sequence[Path]) -> tuple[SkillItem, ...]:
    """Read skill suites: files of rows, and files of cases whose query is the instruction.

    Raises:
        InvalidInput: a broken file, a case without an answer, or an id that stands twice.
    """
    rows = read_suites([path for path in named if path.suffix in SUFFIXES])
    files = [path for path in named if path.suffix not in SUFFIXES]
    items = [*(_item_of(case) for case in (load_cases(files) if files else ())), *rows]
    places: dict[str, str] = {}
    for item in items:
        first = places.setdefault(item.id, item.source)
        if first != item.source:
            raise InvalidInput(
                f"{item.source}: duplicate id {item.id!r}, first at {first}; give this one another"
            )
    return tuple(items)


def suites(policy: Policy) -> tuple[SkillItem, ...]:
    """Read the policy's further skill suites, as far as they are in its languages.

    Raises:
        InvalidInput: as :func:`read_suite_files`, or dialogues where divergence is not measured.
    """
    items = read_suite_files([Path(name) for name in policy.gates.forgetting.skills.suites])
    unjudged = next((item for item in items if not item.judged), None)
    if unjudged is not None and policy.gates.forgetting.divergence is None:
        raise InvalidInput(
            f"{unjudged.source}: a dialogue of rule divergence is not judged, and policy "
            f"{policy.name!r} does not measure divergence; add gates.forgetting.divergence, such "
            "as {limit: 0.1, task_limit: 5, panel: {en: 40}}, or leave the suite out"
        )
    return tuple(item for item in items if item.language in policy.languages)


def _item_of(case: Case) -> SkillItem:
    """The skill item that a case stands for.

    Raises:
        InvalidInput: it has no answer, or a history that a chat cannot have.
    """
    if case.reference is None:
        raise InvalidInput(f"{case.source}: a skill case needs its answer as expect.rewrites")
    item = SkillItem(
        id=case.id,
        skill=set_of(case.source.rpartition(":")[0]),
        language=case.language,
        cluster=case.cluster,
        prompt=case.query,
        answer=case.reference,
        accepted=case.expect.rewrites[1:],
        others=case.expect.must_not_name,
        history=case.history,
        source=case.source,
    )
    try:
        item.question.require_alternating()
    except InvalidInput as error:
        raise InvalidInput(f"{case.source}: case {case.id!r}: {error}") from None
    return item


def texts(policy: Policy) -> tuple[TextItem, ...]:
    """Read the policy's own general texts.

    Raises:
        InvalidInput: a broken file, or one that is named twice.
    """
    files = policy.gates.forgetting.text.files
    named = [name for names in files.values() for name in names]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise InvalidInput(
            f"policy {policy.name!r} names {twice} twice under forgetting.text.files; keep one"
        )
    return tuple(
        text
        for language, names in files.items()
        for name in names
        for text in load_texts(Path(name), language=language)
    )
