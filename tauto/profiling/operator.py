"""One traced operator: what it was called with, in numbers only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Operator", "Shape"]

Shape = tuple[int, ...]

# torch.profiler names an element type as C++ does (at::ScalarType's TypeMeta); bytes of one element.
_ITEM_BYTES = {
    "bool": 1,
    "signed char": 1,
    "unsigned char": 1,
    "short int": 2,
    "int": 4,
    "long int": 8,
    "long": 8,
    "float": 4,
    "double": 8,
    "c10::Half": 2,
    "c10::BFloat16": 2,
    "c10::Float8_e4m3fn": 1,
    "c10::Float8_e5m2": 1,
    "c10::qint8": 1,
    "c10::quint8": 1,
    "c10::qint32": 4,
    "c10::complex<float>": 8,
    "c10::complex<double>": 16,
}

_PRECISIONS = {
    "float": "float32",
    "double": "float32",
    "c10::Half": "float16",
    "c10::BFloat16": "bfloat16",
    "signed char": "int8",
    "unsigned char": "int8",
    "c10::qint8": "int8",
    "c10::quint8": "int8",
}


@dataclass(frozen=True, slots=True)
class Operator:
    """The inputs of one operator call, as torch.profiler records them.

    Parameters
    ----------
    name : str
        Such as ``aten::addmm``.
    shapes : tuple
        One entry an argument: the shape of a tensor, a tuple of shapes for a list of tensors, else empty.
    dtypes : tuple of str
        One entry an argument: the C++ name of a tensor's element type, else ``Scalar``, ``ScalarList``,
        ``TensorList`` or empty.
    values : tuple
        One entry an argument: what is neither tensor nor optional (strides, flags), else None.
    """

    name: str
    shapes: tuple[Any, ...] = ()
    dtypes: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()

    def shape(self, index: int) -> Shape:
        """Return the shape of argument ``index``; empty where it is no tensor."""
        return tuple(self.shapes[index]) if index < len(self.shapes) else ()

    def value(self, index: int, default: Any = None) -> Any:
        """Return the concrete value of argument ``index``, or ``default`` where none was recorded."""
        found = self.values[index] if index < len(self.values) else None
        return default if found is None else found

    def tensor_list(self, index: int) -> tuple[Shape, ...]:
        """Return the shapes of a list of tensors; empty where argument ``index`` is none."""
        if index >= len(self.shapes) or index >= len(self.dtypes) or self.dtypes[index] != "TensorList":
            return ()
        return tuple(tuple(shape) for shape in self.shapes[index])

    def tensors(self) -> Iterator[tuple[Shape, str]]:
        """Yield the shape and element type of every tensor argument that is not in a list."""
        for shape, dtype in zip(self.shapes, self.dtypes, strict=False):
            if dtype in _ITEM_BYTES:
                yield tuple(shape), dtype

    @property
    def input_bytes(self) -> int:
        """Bytes of the tensors it was given; members of lists at four bytes an element (estimate)."""
        plain = sum(math.prod(shape) * _ITEM_BYTES[dtype] for shape, dtype in self.tensors())
        listed = (self.tensor_list(index) for index in range(len(self.shapes)))
        return plain + 4 * sum(math.prod(shape) for shapes in listed for shape in shapes)

    @property
    def first_bytes(self) -> int:
        """Bytes of the first tensor argument, which an in-place operator writes."""
        return next((math.prod(shape) * _ITEM_BYTES[dtype] for shape, dtype in self.tensors()), 0)

    @property
    def elements(self) -> int:
        """Elements of the result of an element-wise operator: its tensor arguments, broadcast together."""
        rank = max((len(shape) for shape, _ in self.tensors()), default=0)
        padded = [(1,) * (rank - len(shape)) + shape for shape, _ in self.tensors()]
        if not padded:
            return 0
        return math.prod(0 if 0 in sizes else max(sizes) for sizes in zip(*padded, strict=True))

    @property
    def precision(self) -> str:
        """Precision of its arithmetic, in the words of :class:`tauto.hardware.Ceilings`; float32 when unclear."""
        return next((_PRECISIONS[dtype] for _, dtype in self.tensors() if dtype in _PRECISIONS), "float32")
