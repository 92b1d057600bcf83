"""The text of TAuto's own small classes and functions, for scripts that must run without TAuto."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from functools import cache
from typing import Any

from tauto.workload import structure

__all__ = ["MAPPING", "MAPPING_IMPORTS", "listed"]


class _Plain(ast.NodeTransformer):
    """Takes annotations and docstrings away, so that the text needs no typing imports and stays short."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = None
        self._enter(node)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        self._enter(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        if isinstance(node.target, ast.Name) or node.value is None:  # a dataclass's field needs it
            return node
        return ast.copy_location(ast.Assign([node.target], node.value), node)

    def _enter(self, node: ast.FunctionDef | ast.ClassDef) -> None:
        self.generic_visit(node)
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]


@cache
def listed(item: Callable[..., Any]) -> str:
    """Return the source of a class or function without annotations and docstrings."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(item)))
    return ast.unparse(_Plain().visit(tree))


MAPPING = tuple(
    listed(item) for item in (structure.Slot, structure._map, structure._map_mapping, structure.map_tensors)
)
"""``map_tensors`` and all that it needs."""

MAPPING_IMPORTS = (
    "import copy",
    "import dataclasses",
    "import torch",
    "from collections.abc import Mapping",
    "from dataclasses import dataclass",
    "from torch import Tensor, nn",
)
