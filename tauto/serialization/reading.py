"""Giving a model of the user's own class the architecture and the weights that were written."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from tauto.errors import CandidateFailed
from tauto.serialization.architecture import Architecture, Layer, Stored
from tauto.serialization.kinds import built, kind_of, name_of
from tauto.serialization.plain import NotPlain, decode
from tauto.serialization.skeleton import called, hooks_of, join, own_tensors
from tauto.serialization.tensors import load_tensors

__all__ = ["read"]

_MOST_MODULES = 200_000
_INTERNAL = frozenset(vars(nn.Module()))


def read(fresh: nn.Module, folder: Path, *, in_place: bool = False) -> nn.Module:
    """Return a changed copy of ``fresh`` with the architecture and the weights written in ``folder``.

    Parameters
    ----------
    fresh : torch.nn.Module
        Of the class, and made with the arguments, of the model that :func:`~tauto.serialization.write` was given as
        the original; its weights do not matter. Its device, modes and flags of gradients hold for what is returned.
    folder : Path
        Written by :func:`~tauto.serialization.write`.
    in_place : bool
        Change ``fresh`` itself, where it cannot be copied.

    Raises
    ------
    CandidateFailed
        When the files are missing, damaged, or do not match ``fresh``; the message names the layer. Then ``fresh`` is
        as it was, or, in place, of no use.
    """
    architecture = Architecture.load(folder)
    _check_original(fresh, architecture.original)
    tensors = load_tensors(architecture.tensors, architecture.weights, folder)
    device = next((tensor.device for tensor in (*fresh.parameters(), *fresh.buffers())), torch.device("cpu"))
    base = fresh if in_place else _copied(fresh)
    try:
        model = _Growth(base, architecture).grow()
    except RecursionError:
        raise CandidateFailed("the description's layers lie too deep in each other") from None
    trained = any(parameter.requires_grad for parameter in fresh.parameters())
    _fill(model, architecture, tensors, torch.device("cpu") if device.type == "meta" else device, trained)
    _check_kinds(model, architecture.layers)
    _check_hooks(model, architecture.hooks)
    return model


def _check_original(fresh: nn.Module, original: Mapping[str, str]) -> None:
    found = {path: name_of(module) for path, module in fresh.named_modules(remove_duplicate=False)}
    for path in dict.fromkeys([*original, *found]):
        if path not in found:
            raise CandidateFailed(
                f"{called(path)}: the model has none; what was written is of one with {original[path]}"
            )
        if found[path] != original.get(path):
            what = original.get(path, "nothing there")
            raise CandidateFailed(f"{called(path)}: it is {found[path]}, and what was written is of {what}")


def _check_hooks(model: nn.Module, hooks: Mapping[str, int]) -> None:
    for path, count in hooks.items():
        try:
            there = hooks_of(model.get_submodule(path))
        except AttributeError as error:
            raise CandidateFailed(f"{called(path)}: hooks of it are told of, and it is nowhere: {error}") from None
        if there < count:
            raise CandidateFailed(
                f"{called(path)}: hooks ran with it when it was written, which are code and not kept, and the model "
                "has none there. Register them in the function that builds it"
            )


def _copied(fresh: nn.Module) -> nn.Module:
    # the weights are not copied: every one is replaced
    weights = {id(parameter): parameter for parameter in fresh.parameters()}
    try:
        return copy.deepcopy(fresh, dict(weights))
    except Exception as error:  # a model's own attributes decide what is raised here
        raise CandidateFailed(f"{type(fresh).__name__} cannot be copied: {type(error).__name__}: {error}") from error


class _Growth:
    """A model of the class, becoming what the description says."""

    def __init__(self, base: nn.Module, architecture: Architecture) -> None:
        self.base = base
        self.layers = architecture.layers
        self.aliases = architecture.aliases
        self.at = dict(base.named_modules(remove_duplicate=False))
        self.copied = 0
        # taken before anything changes: a source may lie in a part that is removed
        self.sources = {
            path: self._source(path, layer.source) for path, layer in self.layers.items() if layer.source is not None
        }
        self.done: set[str] = set()
        self.grown: set[int] = set()

    def grow(self) -> nn.Module:
        """Return it."""
        root = self._grow("", self.base)
        if unused := [path for path in self.layers if path not in self.done]:
            raise CandidateFailed(f"{called(unused[0])}: it is described and stands nowhere in the model")
        for path, target in self.aliases.items():
            parent, _, name = path.rpartition(".")
            try:
                root.get_submodule(parent)._modules[name] = root.get_submodule(target)
            except AttributeError as error:
                raise CandidateFailed(f"{called(path)}: it is another name of {target}: {error}") from None
        return root

    def _source(self, path: str, source: str) -> nn.Module:
        if source not in self.at:
            raise CandidateFailed(f"{called(path)}: it is taken from {source[:80]!r}, which the model has not")
        self.copied += sum(1 for _ in self.at[source].modules())
        if self.copied > 1000 + 10 * len(self.at):
            raise CandidateFailed(f"{called(path)}: the description copies the model's layers again and again")
        return _copied(self.at[source])

    def _grow(self, path: str, base: nn.Module | None) -> nn.Module:
        layer = self.layers.get(path, Layer())
        module = self._begin(path, layer, base)
        self.done.add(path)
        if len(self.done) > _MOST_MODULES:
            raise CandidateFailed(f"the description has more than {_MOST_MODULES} layers")
        self.grown.add(id(module))
        names = layer.children
        if names is None:
            names = {name: child is not None for name, child in module._modules.items()}
        parts = {name: self._part(path, name, there, module) for name, there in names.items()}
        for name in list(module._modules):
            del module._modules[name]
        for name, part in parts.items():
            try:
                module.add_module(name, part)
            except (KeyError, TypeError) as error:
                raise CandidateFailed(f"{called(path)}: {error}") from None
        for name, value in layer.attributes.items():
            _set(module, name, value, path)
        return module

    def _begin(self, path: str, layer: Layer, base: nn.Module | None) -> nn.Module:
        if layer.kind is not None:
            module = built(layer.kind, layer.arguments, called(path))
            module.training = self.base.training
            return module
        if layer.source is not None:
            return self.sources[path]
        if base is None:
            raise CandidateFailed(f"{called(path)}: the model has none, and the description does not say what it is")
        # one that the class uses twice and the changed model does not
        return copy.deepcopy(base) if id(base) in self.grown else base

    def _part(self, path: str, name: str, there: bool, module: nn.Module) -> nn.Module | None:
        where = join(path, name)
        if not there or where in self.aliases:
            return None
        return self._grow(where, module._modules.get(name))


def _set(module: nn.Module, name: str, value: object, path: str) -> None:
    where = called(path)
    made = inspect.getattr_static(type(module), name, None)
    code = callable(made) or hasattr(made, "__get__") or callable(vars(module).get(name))
    if name in _INTERNAL or name.startswith("__") or not name.isidentifier() or code:
        raise CandidateFailed(f"{where}: {name[:80]!r} is no attribute that may be set")
    if name in module._parameters or name in module._buffers or name in module._modules:
        raise CandidateFailed(f"{where}: {name!r} is a part of it, not a plain attribute")
    try:
        setattr(module, name, decode(value))
    except NotPlain as error:
        raise CandidateFailed(f"{where}: {name} cannot be {error}") from None


def _fill(
    model: nn.Module, architecture: Architecture, tensors: Mapping[str, Tensor], device: torch.device, trained: bool
) -> None:
    at = dict(model.named_modules())
    parameters: dict[int, nn.Parameter] = {}
    for name, tensor in tensors.items():
        path, _, leaf = name.rpartition(".")
        if path not in at:
            raise CandidateFailed(f"{called(path)}: there is a {leaf} for it, and the model has no such layer")
        form, layer = architecture.tensors[name], architecture.layers.get(path, Layer())
        _check_place(at[path], leaf, form, path)
        old = own_tensors(at[path]).get(leaf, (form.place, None))[1]
        if old is not None and list(old.shape) != form.shape and leaf not in layer.reshaped:
            raise CandidateFailed(
                f"{called(path)}: its {leaf} is {list(old.shape)}, and what was written is of a model with {form.shape}"
            )
        tensor = tensor.to(old.device if old is not None and not old.is_meta else device)
        if form.place == "parameter":
            wants = old.requires_grad if old is not None and not layer.kind else trained
            flag = wants and (tensor.is_floating_point() or tensor.is_complex()) and form.subclass is None
            # those that are tied are one parameter again
            tensor = parameters.setdefault(id(tensors[name]), nn.Parameter(tensor, requires_grad=flag))
        setattr(at[path], leaf, tensor)
    _check_complete(at, architecture, set(tensors))


def _check_place(module: nn.Module, leaf: str, form: Stored, path: str) -> None:
    transient = leaf in module._non_persistent_buffers_set
    places = {
        "parameter": leaf in module._parameters,
        "buffer": leaf in module._buffers and not transient,
        "transient": leaf in module._buffers and transient,
        "attribute": isinstance(vars(module).get(leaf), Tensor),
    }
    if not places[form.place]:
        raise CandidateFailed(f"{called(path)}: it has no {form.place} {leaf!r}")


def _check_complete(at: Mapping[str, nn.Module], architecture: Architecture, given: set[str]) -> None:
    for path, module in at.items():
        absent = architecture.layers.get(path, Layer()).absent
        for name, (place, tensor) in own_tensors(module).items():
            if join(path, name) in given:
                continue
            if name in absent and place != "attribute":
                setattr(module, name, None)
            elif place in ("parameter", "buffer"):
                raise CandidateFailed(f"{called(path)}: nothing was written for its {name}")
            elif tensor.is_meta:
                raise CandidateFailed(f"{called(path)}: the class must make its {name}. Build the model on a device")


def _check_kinds(model: nn.Module, layers: Mapping[str, Layer]) -> None:
    """Refuse a changed layer whose tensors are not of the shapes that its own numbers ask for."""
    for path, module in model.named_modules():
        kind = kind_of(module)
        if path not in layers or kind is None:
            continue
        try:
            numbers = kind.values(module)
        except NotPlain as error:
            raise CandidateFailed(f"{called(path)}: {kind.name} is made of {error}") from None
        asked = own_tensors(built(kind.name, numbers, called(path)))
        found = own_tensors(module)
        for name in {*asked, *found}:
            wanted = tuple(asked[name][1].shape) if name in asked else None
            given = tuple(found[name][1].shape) if name in found else None
            if given != wanted:
                raise CandidateFailed(f"{called(path)}: its {name} is {given}, and its own numbers ask for {wanted}")
