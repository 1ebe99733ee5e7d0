"""How the package is built: sizes, arrows between its rooms, and how much of it is typed.

    python benchmarks/structure.py OTHER_TREE

Measures this checkout, and another one beside it (the tree before a change), by reading the source
alone. Both columns go to ``benchmarks/results/structure.json``.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from figures import RESULTS, ROOT, write

PACKAGE = "evalsuite"
LONG_FUNCTION = 40
_NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENCODING, tokenize.ENDMARKER,
}  # fmt: skip
Defined = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Documented = Defined | ast.Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How numbers of lines are spread."""

    median: float
    p90: float
    max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """What was measured of one tree."""

    rooms: int
    """Packages directly below the top one."""
    modules_at_the_root: int
    """Modules directly below the top package, beside its ``__init__``."""
    modules: int
    code_lines: int
    """Lines that hold more than a comment or a docstring."""
    arrows_between_rooms: int
    """Ordered pairs of rooms, or modules at the root, of which the first imports the second."""
    import_cycles: int
    """Knots of modules that import each other; a package and its own files are one thing."""
    any_per_1000_code_lines: float
    """Uses of ``typing.Any``, its imports not among them."""
    function_lines: Spread
    functions_over_40_lines: float
    """Share of all functions."""
    module_lines: Spread
    comment_lines: float
    """Share of all lines that hold nothing but a comment."""
    public_names_documented: float
    """Share of public modules, classes, functions and methods with a docstring."""


@dataclass(frozen=True, slots=True)
class Module:
    """One file, read once."""

    name: str
    """Dotted, as it is imported."""
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        """All lines, blank ones too."""
        return len(self.text.splitlines())

    @property
    def room(self) -> str:
        """The room, or the module at the root, that it belongs to; empty for the top package."""
        return self.name.partition(".")[2].partition(".")[0]


def read_modules(root: Path) -> dict[str, Module]:
    """Return every module of the package below ``root``, by its name."""
    found = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text("utf-8")
        found[name] = Module(name, text, ast.parse(text))
    return found


def measure(root: Path) -> Structure:
    """Measure the package of one tree."""
    modules = read_modules(root)
    every = list(modules.values())
    tokens = [list(tokenize.generate_tokens(io.StringIO(m.text).readline)) for m in every]
    code = sum(len(_code_lines(m, found)) for m, found in zip(every, tokens, strict=True))
    anys = sum(_is_any(node) for m in every for node in ast.walk(m.tree))
    comments = sum(
        t.type == tokenize.COMMENT and not t.line[: t.start[1]].strip()
        for found in tokens
        for t in found
    )
    functions = [size for m in every for size in _function_lines(m.tree)]
    public = [bool(ast.get_docstring(node)) for m in every for node in _public(m)]
    graph = _graph(modules)
    return Structure(
        rooms=sum(p.is_dir() and any(p.rglob("*.py")) for p in (root / PACKAGE).iterdir()),
        modules_at_the_root=len(list((root / PACKAGE).glob("*.py"))) - 1,
        modules=len(every),
        code_lines=code,
        arrows_between_rooms=len(_arrows(modules, graph)),
        import_cycles=len(_knots(graph)),
        any_per_1000_code_lines=round(1000 * anys / code, 2),
        function_lines=_spread(functions),
        functions_over_40_lines=round(
            sum(size > LONG_FUNCTION for size in functions) / len(functions), 4
        ),
        module_lines=_spread([m.lines for m in every]),
        comment_lines=round(comments / sum(m.lines for m in every), 4),
        public_names_documented=round(sum(public) / len(public), 4),
    )


def _code_lines(module: Module, tokens: Sequence[tokenize.TokenInfo]) -> set[int]:
    held: set[int] = set()
    for token in tokens:
        if token.type not in _NO_CODE:
            held.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            held.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return held


def _is_any(node: ast.AST) -> bool:
    named = isinstance(node, ast.Name) and node.id == "Any"
    return named or (isinstance(node, ast.Attribute) and node.attr == "Any")


def _function_lines(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1


def _public(module: Module) -> Iterator[Documented]:
    """Yield what others may use: the module, its classes and functions, and their methods."""
    if any(part.startswith("_") for part in module.name.split(".")):
        return
    yield module.tree
    for node in module.tree.body:
        if isinstance(node, Defined) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (
                    inner
                    for inner in node.body
                    if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
                    and not inner.name.startswith("_")
                )


def _graph(modules: Mapping[str, Module]) -> dict[str, set[str]]:
    """Return which modules of the package each one imports, wherever the statement stands."""
    graph: dict[str, set[str]] = {}
    for name, module in modules.items():
        targets: set[str] = set()
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names} & set(modules)
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    targets |= {inner if inner in modules else node.module} & set(modules)
        graph[name] = {t for t in targets if t != name and not name.startswith(f"{t}.")}
    return graph


def _arrows(modules: Mapping[str, Module], graph: Mapping[str, set[str]]) -> set[tuple[str, str]]:
    pairs = {(modules[a].room, modules[b].room) for a, targets in graph.items() for b in targets}
    return {(a, b) for a, b in pairs if a and b and a != b}


def _knots(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """Return each largest set of modules that all reach one another."""
    reached = {name: _reachable(graph, name) for name in graph}
    knots: list[set[str]] = []
    for name in graph:
        knot = {other for other in reached[name] if name in reached[other]}
        if len(knot) > 1 and knot not in knots:
            knots.append(knot)
    return knots


def _reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for target in graph[waiting.pop()] - seen:
            seen.add(target)
            waiting.append(target)
    return seen


def _spread(sizes: Sequence[int]) -> Spread:
    ordered = sorted(sizes)
    return Spread(median=median(ordered), p90=ordered[len(ordered) * 9 // 10], max=ordered[-1])


def main() -> None:
    """Measure both trees, print them beside each other and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("before", type=Path, nargs="?", help="a checkout of the tree before")
    parser.add_argument("--out", type=Path, default=RESULTS / "structure.json")
    given = parser.parse_args()
    trees = {"before": given.before, "after": ROOT}
    found = {column: asdict(measure(tree)) for column, tree in trees.items() if tree is not None}
    print(f"| |{'|'.join(found)}|\n|---|{'---|' * len(found)}")
    for name in found["after"]:
        shown = [json.dumps(column[name]).strip("{}").replace('"', "") for column in found.values()]
        print(f"| {name.replace('_', ' ')} | {' | '.join(shown)} |")
    write(given.out, found)
    print(f"\nwritten to {given.out}")


if __name__ == "__main__":
    main()
