"""A cell: its source, the names that it reads, and what of them must be there before it runs."""

from __future__ import annotations

import ast
import dis
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

__all__ = ["CELL_FILE", "Cell"]

CELL_FILE = "<the profiled cell>"
"""Stands for the file in tracebacks of a cell that is run again."""

_LOADS = {"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"}


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """Code as a notebook runs it, with the namespace that it runs in.

    Parameters
    ----------
    source : str
        Plain Python.
    names : mapping
        The user's namespace, such as ``globals()``; only read.

    Examples
    --------
    >>> Cell("y = x + 1; print(y)", {"x": 1, "z": 2}).reads
    ('x',)
    """

    source: str
    names: Mapping[str, Any]

    @property
    def code(self) -> CodeType:
        """The compiled cell.

        Raises
        ------
        SyntaxError
            The cell's own.
        """
        return compile(self.source, CELL_FILE, "exec", dont_inherit=True)

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the namespace that the cell itself reads before it has assigned them for certain, sorted.

        What the functions among them read of the namespace travels with them.
        """
        order = _Order()
        order.follow(ast.parse(self.source).body)
        return tuple(sorted(name for name in _loaded(self.code) & order.needed if name in self.names))

    def carrier(self, *also: str) -> FunctionType:
        """Return a function that reads those names, and ``also`` these where they are there, as its globals.

        Pickled by value, its ``__globals__`` on the other side are one new dictionary with just these names, shared
        with every function of the namespace that came along: there the cell can run.
        """
        lines = "".join(f"    {name}\n" for name in sorted({*self.reads, *also} & self.names.keys()))
        (code,) = (
            constant
            for constant in compile(f"def carrier():\n{lines or '    pass'}", CELL_FILE, "exec").co_consts
            if isinstance(constant, CodeType)
        )
        names = self.names if isinstance(self.names, dict) else dict(self.names)
        function = FunctionType(code, names, "carrier")
        function.__module__ = "__main__"  # by value, wherever the namespace is from
        return function


def _loaded(code: CodeType) -> set[str]:
    """Return every name that ``code`` or a function in it may look up outside itself."""
    found = {str(step.argval) for step in dis.get_instructions(code) if step.opname in _LOADS}
    nested = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return found.union(*(_loaded(inner) for inner in nested))


_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_COMPREHENSIONS = ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_BRANCHES = ast.If | ast.While | ast.Try | ast.TryStar | ast.Match | ast.IfExp | ast.BoolOp


class _Order:
    """Goes through a cell as it runs: which names are read before they are assigned for certain."""

    def __init__(self) -> None:
        self.assigned: set[str] = set()
        self.needed: set[str] = set()

    def follow(self, nodes: Iterable[ast.AST | None]) -> None:
        """Go through ``nodes``, one after the other."""
        for node in nodes:
            if node is not None:
                self._visit(node)

    def _visit(self, node: ast.AST) -> None:
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                self.assigned.add(name)
            case ast.Name(id=name):
                self.needed.update({name} - self.assigned)
            case ast.Assign(targets=targets, value=value):
                self.follow([value, *targets])
            case ast.AugAssign(target=target, value=value):
                self.needed.update({target.id} - self.assigned if isinstance(target, ast.Name) else ())
                self.follow([value, target])
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                self.follow([annotation, value, target if value is not None else None])
            case ast.NamedExpr(target=target, value=value):
                self.follow([value, target])
            case ast.For() | ast.AsyncFor():
                self.follow([node.iter, node.target, *node.body, *node.orelse])
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                self.assigned.update((item.asname or item.name).partition(".")[0] for item in names)
            case _:
                before = set(self.assigned)
                self.follow(ast.iter_child_nodes(node))
                if isinstance(node, _BRANCHES | _COMPREHENSIONS | _DEFINITIONS):
                    self.assigned = before  # what it assigns is not certain
                if isinstance(node, _DEFINITIONS):
                    self.assigned.add(node.name)
