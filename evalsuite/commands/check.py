"""cases lint and template check: looking at files before a model does."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evalsuite.commands.console import Terminal
from evalsuite.commands.options import BY_CHECK, Subparsers, command

if TYPE_CHECKING:
    from evalsuite.models import Provenance
    from evalsuite.template import PropertyResult


def add(subparsers: Subparsers) -> None:
    """Declare the commands."""
    cases = subparsers.add_parser("cases", help="golden cases")
    actions = cases.add_subparsers(required=True, metavar="ACTION")
    lint = command(
        actions,
        "lint",
        _lint,
        help="check case files and name everything that is wrong",
        example="evalsuite cases lint cases",
        ends=BY_CHECK,
    )
    lint.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="files or folders (default: cases, else those that ship with evalsuite)",
    )
    _add_template(subparsers)


def _add_template(subparsers: Subparsers) -> None:
    template = subparsers.add_parser("template", help="chat templates")
    actions = template.add_subparsers(required=True, metavar="ACTION")
    check = command(
        actions,
        "check",
        _check,
        help="try to refute every property of a chat template",
        example="evalsuite template check path/to/model",
        ends="exit status: 0 nothing is refuted, 1 something is, 2 something was not compared, "
        "3 could not run, 130 interrupted",
    )
    check.add_argument(
        "model",
        metavar="MODEL",
        help="nano, smollm2, a folder, a Hugging Face id, or a family, such as llama-3; "
        "#FAMILY after it names the family of its chat template, otherwise it is inferred",
    )
    check.add_argument(
        "--adapter", type=Path, help="compare with the template that this adapter was trained with"
    )
    command(
        actions,
        "families",
        _families,
        help="check every family and print a table of what holds",
        example="evalsuite template families",
        ends=BY_CHECK,
    )


def _lint(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.cases.casefiles import lint, load_cases
    from evalsuite.cases.shipped import case_folders
    from evalsuite.regressions import FOLDER, load_regressions

    default = None if args.paths else case_folders()
    paths = args.paths if default is None else [default.goldens]
    folders = [path / FOLDER for path in paths] if default is None else [default.regressions]
    problems = [*lint(paths), *_broken_demonstrations(paths), *_broken_regressions(folders)]
    for problem in problems:
        terminal.say(problem)
    if problems:
        return 1
    count = len(load_cases(paths))
    regressions = sum(len(load_regressions(folder)) for folder in folders)
    further = f" and {regressions} regressions" if regressions else ""
    where = f" {default.origin}" if default is not None and default.shipped else ""
    terminal.say(f"{count} cases{where}{further}, nothing wrong")
    return 0


def _broken_demonstrations(paths: Iterable[Path]) -> Iterator[str]:
    from evalsuite.cases.casefiles import SUFFIXES
    from evalsuite.cases.shipped import DEMONSTRATIONS
    from evalsuite.errors import InvalidInput
    from evalsuite.prompts import load_demonstrations

    files = (path for folder in paths for path in sorted((folder / DEMONSTRATIONS).glob("*")))
    for path in (path for path in files if path.suffix in SUFFIXES):
        try:
            load_demonstrations(path)
        except InvalidInput as error:
            yield from str(error).splitlines()


def _broken_regressions(folders: Iterable[Path]) -> Iterator[str]:
    from evalsuite.errors import InvalidCase
    from evalsuite.regressions import load_regressions

    for folder in folders:
        try:
            load_regressions(folder)
        except InvalidCase as error:
            yield from str(error).splitlines()


def _check(args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.errors import TemplateError
    from evalsuite.template import FAMILIES, INFERRED, check, family_matches, load_template
    from evalsuite.template.propertytable import check_family

    if args.model in FAMILIES and not Path(args.model).exists():
        if args.adapter is not None:
            raise TemplateError("--adapter is compared with a model's folder; name that, no family")
        terminal.say(f"family {args.model}, on a small tokenizer with the settings of its maker's")
        return _told(check_family(args.model), terminal)
    folder, family = _tokenizer(args.model)
    matches = family_matches(folder)
    whole = [match.family for match in matches if match.whole]
    try:
        template = load_template(folder, family=family)
    except TemplateError:
        _serve(folder, terminal)
        raise
    terminal.say(f"folder {folder}: family {template.family}, fingerprint {template.fingerprint}")
    if template.family.startswith(INFERRED):
        for name, block in template.blocks.items():
            terminal.say(f"  {name:10} {block!r}")
    for match in matches:
        told = f"the same tokens in {match.same} of {match.compared} harmless conversations"
        parts = "" if match.departure is None else f"; first difference: {match.departure}"
        terminal.say(f"own template against {match.family}: {told}{parts}")
    if whole and template.family not in whole:
        terminal.say(
            f"its own template is {whole[0]}'s, but it is taken for {template.family}'s; name it "
            f"as {folder}#{whole[0]}"
        )
    trained = _trained_with(args.adapter)
    results = check(
        template,
        training_fingerprint=trained.template_fingerprint if trained else None,
        training_tokens=trained.template_tokens if trained else (),
    )
    if trained is None:
        results = [result for result in results if not result.name.needs_provenance]
    status = _told(results, terminal)
    _serve(folder, terminal)
    return status


def _serve(folder: Path, terminal: Terminal) -> None:
    """Say what the folder's own template does in a server."""
    from evalsuite.report.safetext import one_line
    from evalsuite.template.serving import as_served

    if served := as_served(folder):
        terminal.say("as a server renders it, by its own template as one text (decides nothing):")
        for result in served:
            word = {"violated": "lacks", "holds": "keeps"}.get(result.status, result.status)
            terminal.say(f"{word:9} {result.name}: {one_line(result.detail, 2000)}")


def _trained_with(adapter: Path | None) -> Provenance | None:
    """What an adapter says of its training."""
    from evalsuite.errors import ModelError
    from evalsuite.models import read_adapter

    if adapter is None:
        return None
    provenance = read_adapter(adapter).provenance
    if provenance is None:
        raise ModelError(f"{adapter} holds no evalsuite.json that says what it was trained with")
    return provenance


def _told(results: Sequence[PropertyResult], terminal: Terminal) -> int:
    """Say what was found; 1 where something is refuted, 2 where something was not compared."""
    from evalsuite.report.safetext import one_line

    for result in results:
        terminal.say(f"{result.status:9} {result.name}: {one_line(result.detail, 2000)}")
    found = {result.status.value for result in results}
    return 1 if "violated" in found else 2 if "untested" in found else 0


def _tokenizer(model: str) -> tuple[Path, str | None]:
    """Find a folder with a tokenizer, which needs no weights, or a whole base model."""
    from evalsuite.errors import ModelNotFound
    from evalsuite.models import NAMED, resolve_base, without_family
    from evalsuite.template import FAMILIES

    known = without_family(model)
    folder = Path(known).expanduser()
    try:
        if known not in NAMED and (folder / "tokenizer.json").is_file():
            return folder, model[len(known) + 1 :] or None
        base = resolve_base(model)
    except OSError as error:
        raise ModelNotFound(
            f"{folder}: {error.strerror}; give a folder that can be read"
        ) from error
    except ModelNotFound as error:
        if "/" in known or folder.exists() or known in NAMED:
            raise
        raise ModelNotFound(
            f"{model!r} is neither a base model ({error}) nor a family of chat templates, which "
            f"are: {', '.join(FAMILIES)}"
        ) from error
    return base.path, base.family


def _families(_args: argparse.Namespace, terminal: Terminal) -> int:
    from evalsuite.template import FAMILIES, PropertyStatus
    from evalsuite.template.propertytable import check_family, family_table

    results = {name: check_family(name) for name in FAMILIES}
    terminal.say(family_table(results))
    found = (result for several in results.values() for result in several)
    return int(any(result.status is PropertyStatus.VIOLATED for result in found))
