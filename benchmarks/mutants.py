"""Small changes of a module's source, one expression each: what :mod:`mutation` tries.

Left alone is what no test should hold: annotations, docstrings, messages (f-strings, what is
raised, asserted), decorators, exports, and ``strict=`` of ``zip``, which no right input reaches.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
_LONGEST = 120
"""Characters of a change that are told whole."""
_TEXTS = (ast.JoinedStr, ast.List, ast.Tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change: the bytes ``start`` to ``end`` of a source become ``new``."""

    start: int
    end: int
    new: str
    line: int
    what: str
    """The change as ``old -> new``."""
    key: str
    """The change with the name of its function, which stays when lines move."""

    def applied(self, source: bytes) -> bytes:
        """Return the source with the change in it."""
        return source[: self.start] + self.new.encode() + source[self.end :]


def mutants_of(source: str) -> list[Mutant]:
    """Return every mutant of a module; applied, each compiles and is another program."""
    tree = ast.parse(source)
    starts = [0]
    for row in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(row))
    found: dict[str, Mutant] = {}
    for scope, node, new in _changes(tree, ()):
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        mutant = Mutant(
            start=starts[node.lineno - 1] + node.col_offset,
            end=starts[node.end_lineno - 1] + node.end_col_offset,
            new=f"({ast.unparse(new)})",
            line=node.lineno,
            what=_told(ast.unparse(node), ast.unparse(new)),
            key=f"{'.'.join(scope)}: {ast.unparse(node)} -> {ast.unparse(new)}",
        )
        # The same change twice in one function is counted once, at its first place.
        found.setdefault(mutant.key, mutant)
    return list(found.values())


def _told(old: str, new: str) -> str:
    """Return ``old -> new``, and of long ones what differs with a little on either side."""
    if len(old) + len(new) <= _LONGEST:
        return f"{old} -> {new}"
    head = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), len(new))
    rest = min(len(old), len(new)) - head
    ends = zip(reversed(old), reversed(new), strict=False)
    tail = min(next((i for i, (a, b) in enumerate(ends) if a != b), rest), rest)
    start = max(0, head - 20)
    cut_old, cut_new = (text[start : len(text) - tail + 10] for text in (old, new))
    return f"...{cut_old[:_LONGEST]}... -> ...{cut_new[:_LONGEST]}..."


def _changes(
    node: ast.AST, scope: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], ast.expr, ast.expr]]:
    """Yield (names of the enclosing definitions, expression, what to put in its place)."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        scope = (*scope, node.name)
    if isinstance(node, ast.FunctionDef):
        yield from ((scope, value, new) for value, new in _negated_returns(node))
    if isinstance(node, ast.expr):
        yield from ((scope, node, new) for new in _variants(node))
    if isinstance(node, ast.If | ast.IfExp):
        yield scope, node.test, ast.Constant(False)
    for child in _children(node):
        yield from _changes(child, scope)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node that decide something."""
    skipped: set[str] = {"annotation", "returns", "decorator_list", "bases"}
    if isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr):
        return
    exports = [target.id for target in getattr(node, "targets", ()) if isinstance(target, ast.Name)]
    if exports == ["__all__"]:
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    for name, value in ast.iter_fields(node):
        # What stands in brackets with commas is a type far more often than a place.
        if name in skipped or (name == "slice" and isinstance(value, ast.Tuple)):
            continue
        for child in value if isinstance(value, list) else [value]:
            strict = isinstance(child, ast.keyword) and child.arg == "strict"
            if isinstance(child, ast.AST) and not strict:
                yield child


def _variants(node: ast.expr) -> Iterator[ast.expr]:
    """Every expression that differs from this one in its outermost part."""
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            yield _with(node, lambda new, i=place, op=operator: _put(new.ops, i, op))
    elif isinstance(node, ast.BinOp):
        if type(node.op) in ARITHMETIC and not _textual(node.left) and not _textual(node.right):
            yield _with(node, lambda new: setattr(new, "op", ARITHMETIC[type(node.op)]()))
    elif isinstance(node, ast.UnaryOp):
        if isinstance(node.op, ast.Not | ast.USub):
            yield node.operand
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield _with(node, lambda new: setattr(new, "op", other))
        yield from _dropped(node, "values")
    elif isinstance(node, ast.Constant):
        yield from (ast.Constant(near) for near in _neighbours(node.value))
    elif isinstance(node, ast.Call):
        yield from _without_keywords(node)
    elif isinstance(node, ast.List | ast.Tuple | ast.Set) and _loads(node):
        yield from _dropped(node, "elts")
    elif isinstance(node, ast.Dict) and len(node.keys) > 1:
        for place in range(len(node.keys)):
            yield _with(node, lambda new, i=place: (new.keys.pop(i), new.values.pop(i)))
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
        for place, loop in enumerate(node.generators):
            for test in range(len(loop.ifs)):
                yield _with(node, lambda new, i=place, k=test: new.generators[i].ifs.pop(k))


def _put(operators: list[ast.cmpop], place: int, operator: ast.cmpop) -> None:
    operators[place] = COMPARISONS[type(operator)]()


def _with(node: ast.expr, change: Callable[..., object]) -> ast.expr:
    """Return a copy of the node with a change in it."""
    new = copy.deepcopy(node)
    change(new)
    return new


def _loads(node: ast.List | ast.Tuple | ast.Set) -> bool:
    return isinstance(getattr(node, "ctx", None) or ast.Load(), ast.Load)


def _textual(node: ast.expr) -> bool:
    """Whether a sum with this is a text or a list, for which a difference is no small defect."""
    return isinstance(node, _TEXTS) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _dropped(node: ast.expr, field: str) -> Iterator[ast.expr]:
    """The node without one of its parts; the last two of a condition leave the other."""
    parts = getattr(node, field)
    if len(parts) < 2:
        return
    for place in range(len(parts)):
        if isinstance(node, ast.BoolOp) and len(parts) == 2:
            yield parts[1 - place]
        else:
            yield _with(node, lambda new, i=place: getattr(new, field).pop(i))


def _without_keywords(node: ast.Call) -> Iterator[ast.expr]:
    for place, keyword in enumerate(node.keywords):
        if keyword.arg not in (None, "strict"):
            yield _with(node, lambda new, i=place: new.keywords.pop(i))


def _neighbours(value: object) -> tuple[bool | int | float, ...]:
    """Constants next to a constant: one more or less, a tenth more or less, the other truth."""
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return (value + 1, value - 1)
    if isinstance(value, float):
        return (value * 1.1, value * 0.9) if value else (0.1,)
    return ()


def _negated_returns(node: ast.FunctionDef) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Returned values of a function that answers yes or no."""
    if isinstance(node.returns, ast.Name) and node.returns.id == "bool":
        for inner in ast.walk(node):
            if isinstance(inner, ast.Return) and inner.value is not None:
                yield inner.value, ast.UnaryOp(ast.Not(), inner.value)
