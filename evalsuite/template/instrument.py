"""Makes a chat template's program record every decision: what it compared, and how that ended.

See :mod:`evalsuite.template.following` for what that is good for.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

if TYPE_CHECKING:
    from jinja2 import Environment, Template

_OPERATORS: Final[Mapping[str, Callable[[Any, Any], object]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda left, right: operator.contains(right, left),
    "notin": lambda left, right: not operator.contains(right, left),
}
_OF_TYPES: Final = frozenset(
    "string defined undefined none mapping iterable sequence number integer float boolean true "
    "false callable filter test escaped".split()
)
"""Tests whose answer does not hang on what a text says."""


@dataclass(slots=True)
class Decision:
    """One place of the program that decides, over everything that was tried."""

    line: int
    outcomes: set[bool] = field(default_factory=set)
    first: dict[tuple[tuple[str, ...], int], str] = field(default_factory=dict)
    """What it saw at first, by roles and by how often it had been asked in that render."""
    depends: bool = False
    """Whether it saw something else there for another content."""

    @property
    def is_open(self) -> bool:
        """Whether a content might turn it, and none has."""
        return self.depends and len(self.outcomes) == 1


@dataclass(slots=True)
class Look:
    """One evaluation of a decision, or of an argument, in one render."""

    place: int
    values: tuple[object, ...]
    outcome: bool | None
    """None: an argument, which decides nothing by itself."""


class Recorder:
    """What the instrumented program calls; an attribute of its environment."""

    def __init__(self) -> None:
        self.looks: list[Look] = []
        self.decisions: dict[int, Decision] = {}

    def declare(self, line: int) -> int:
        """Return the number of a new place."""
        self.decisions[len(self.decisions)] = Decision(line)
        return len(self.decisions) - 1

    def compared(self, left: object, name: str, right: object, place: int) -> object:
        """Evaluate a comparison."""
        outcome = _OPERATORS[name](left, right)
        # Two messages as wholes: one is the other, or says the same, which is tried elsewhere.
        whole = isinstance(left, list | dict) and isinstance(right, list | dict)
        self.looks.append(Look(place, (left, right), None if whole else bool(outcome)))
        return outcome

    def decided(self, value: object, outcome: object, place: int) -> object:
        """Record a test of a value."""
        self.looks.append(Look(place, (value,), bool(outcome)))
        return outcome

    def truth(self, value: object, place: int) -> object:
        """Record a condition that is no comparison."""
        # Whether something is empty is no secret: no text that is asked is, and no list of them.
        held = isinstance(value, str | list | tuple | dict)
        decides = None if held else bool(value)
        self.looks.append(Look(place, (value,), decides))
        return value

    def seen(self, value: object, place: int) -> object:
        """Record an argument."""
        self.looks.append(Look(place, (value,), None))
        return value


class _Instrument(NodeTransformer):
    """Puts calls of a recorder around everything that decides; jinja names the methods."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def _call(self, name: str, line: int, *arguments: nodes.Expr) -> nodes.Call:
        place = nodes.Const(self._recorder.declare(line))
        function = nodes.EnvironmentAttribute(f"following_{name}")
        call = nodes.Call(function, [*arguments, place], [], None, None)
        return call.set_lineno(line)  # type: ignore[return-value]

    def visit_Compare(self, node: nodes.Compare) -> nodes.Expr:  # noqa: N802
        """Make each step of ``a < b < c`` a call."""
        steps: list[nodes.Expr] = []
        left: nodes.Expr = self.visit(node.expr)
        for operand in node.ops:
            right: nodes.Expr = self.visit(operand.expr)
            name = nodes.Const(operand.op)
            steps.append(self._call("compared", node.lineno, left, name, right))
            left = right
        whole = steps[0]
        for step in steps[1:]:
            whole = nodes.And(whole, step)
        return whole

    def visit_Test(self, node: nodes.Test) -> nodes.Expr:  # noqa: N802
        """Record what is tested, and how that ended."""
        self._argued(node)
        node.node = self.visit(node.node)
        if node.name in _OF_TYPES:
            return node
        return self._call("decided", node.lineno, node.node, node)

    def visit_Call(self, node: nodes.Call) -> nodes.Call:  # noqa: N802
        """Record the arguments of a call."""
        self._argued(node)
        node.node = self.visit(node.node)
        return node

    def visit_Filter(self, node: nodes.Filter) -> nodes.Filter:  # noqa: N802
        """Record the arguments of a filter."""
        self._argued(node)
        if node.node is not None:
            node.node = self.visit(node.node)
        return node

    def visit_Pair(self, node: nodes.Pair) -> nodes.Pair:  # noqa: N802
        """Record the key of a dictionary, by which it may be asked for a content."""
        node.key = self._call("seen", node.lineno, self.visit(node.key))
        node.value = self.visit(node.value)
        return node

    def visit_If(self, node: nodes.If) -> nodes.If:  # noqa: N802
        """Record conditions."""
        self.generic_visit(node)
        node.test = self._condition(cast("nodes.Expr", node.test))
        return node

    def visit_CondExpr(self, node: nodes.CondExpr) -> nodes.CondExpr:  # noqa: N802
        """Record conditions."""
        self.generic_visit(node)
        node.test = self._condition(node.test)
        return node

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802
        """Record what is left out of a loop."""
        self.generic_visit(node)
        if node.test is not None:
            node.test = self._condition(cast("nodes.Expr", node.test))
        return node

    def _argued(self, node: nodes.Call | nodes.Filter | nodes.Test) -> None:
        node.args = [self._call("seen", node.lineno, self.visit(arg)) for arg in node.args]
        for keyword in node.kwargs:
            keyword.value = self._call("seen", node.lineno, self.visit(keyword.value))

    def _condition(self, test: nodes.Expr) -> nodes.Expr:
        """Record the leaves of a condition that do not record themselves."""
        if isinstance(test, nodes.And | nodes.Or):
            test.left, test.right = self._condition(test.left), self._condition(test.right)
            return test
        if isinstance(test, nodes.Not):
            test.node = self._condition(test.node)
            return test
        recorded = isinstance(test, nodes.Call) and isinstance(
            test.node, nodes.EnvironmentAttribute
        )
        if recorded or isinstance(test, nodes.Test | nodes.Const):
            return test
        return self._call("truth", test.lineno, test)


def instrumented(environment: Environment, source: str) -> tuple[Template, Recorder]:
    """Compile a template so that it records its decisions."""
    recorder = Recorder()
    for name in ("compared", "decided", "truth", "seen"):
        setattr(environment, f"following_{name}", getattr(recorder, name))
    tree = _Instrument(recorder).visit(environment.parse(source))
    tree.set_environment(environment)
    return environment.from_string(tree), recorder
