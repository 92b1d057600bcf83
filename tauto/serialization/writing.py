"""Writing how a model differs from what it was made of, and its weights."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from torch import Tensor, nn

from tauto.errors import CandidateFailed
from tauto.serialization.architecture import VERSION, Architecture, Layer
from tauto.serialization.kinds import built, kind_of
from tauto.serialization.plain import NotPlain
from tauto.serialization.skeleton import Bone, Place, Skeleton, called, join
from tauto.serialization.tensors import save_tensors, tensors_of_model

__all__ = ["write"]


def write(model: nn.Module, original: nn.Module | Skeleton, folder: Path) -> None:
    """Write what differs between ``model`` and ``original``, and all weights, into ``folder``.

    Kept are changed plain attributes (``num_heads``), tensors of any shape, ties, parts that were removed, that moved
    from elsewhere in the original, or that are of a kind that may be built anew (:func:`add_kind`). Attributes of other
    kinds and buffers outside of state dictionaries stay as the class makes them.

    Parameters
    ----------
    model : torch.nn.Module
        Only read.
    original : torch.nn.Module or Skeleton
        What it was made of; its weights do not matter.
    folder : Path
        Made where it is missing. ``architecture.json`` and ``weights.safetensors`` are written there.

    Raises
    ------
    CandidateFailed
        When something of ``model`` cannot be kept; the message names the layer.

    Examples
    --------
    >>> write(pruned, model, Path("pruned"))  # doctest: +SKIP
    >>> again = read(Net(), Path("pruned"))  # doctest: +SKIP
    """
    skeleton = original if isinstance(original, Skeleton) else Skeleton.of(original)
    description = _Description(skeleton)
    try:
        description.take(model, "", "")
    except RecursionError:
        raise CandidateFailed("the model's parts lie too deep in each other") from None
    folder.mkdir(parents=True, exist_ok=True)
    stored, weights = save_tensors(description.kept(model), folder)
    kinds = {path: bone.kind for path, bone in skeleton.bones.items()}
    Architecture(
        version=VERSION,
        original=kinds,
        layers=description.layers,
        aliases=description.aliases,
        tensors=stored,
        weights=weights,
        hooks=description.hooks,
    ).save(folder)


class _Description:
    """What differs, as it is found while walking over a model."""

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        self.layers: dict[str, Layer] = {}
        self.aliases: dict[str, str] = {}
        self.hooks: dict[str, int] = {}
        self._paths: dict[int, str] = {}
        self._sources: set[str] = set()

    def take(self, module: nn.Module, path: str, base: str | None) -> None:
        """Note how ``module`` at ``path`` differs from the original's at ``base``, and its parts after it."""
        if id(module) in self._paths:
            self.aliases[path] = self._paths[id(module)]
            return
        self._paths[id(module)] = path
        _check_own(module, path)
        bone = Bone.of(module)
        old, start, base = self._beginning(module, bone, path, base)
        if bone.hooks:
            self.hooks[path] = bone.hooks
        layer = _difference(bone, old, start, path)
        if layer != Layer():
            self.layers[path] = layer
        for name, child in module._modules.items():
            if child is not None:
                known = None if base is None else join(base, name)
                self.take(child, join(path, name), known if known in self.skeleton.bones else None)

    def kept(self, model: nn.Module) -> dict[str, tuple[Place, Tensor]]:
        """Return the tensors to write: those that the class makes again just so are left out."""
        found = tensors_of_model(model)
        for name, (place, _) in list(found.items()):
            path, _, leaf = name.rpartition(".")
            if place == "transient" and leaf not in self.layers.get(path, Layer()).reshaped:
                del found[name]
        return found

    def _beginning(self, module: nn.Module, bone: Bone, path: str, base: str | None) -> tuple[Bone, Layer, str | None]:
        """Return what ``module`` is to be changed from, how that is come by, and its path in the original."""
        bones = self.skeleton.bones
        if base is not None and bones[base].kind == bone.kind:
            return bones[base], Layer(), base
        kind = kind_of(module)
        if kind is not None:
            try:
                arguments = kind.values(module)
            except NotPlain as error:
                raise CandidateFailed(f"{called(path)}: {kind.name} is made of {error}") from None
            return Bone.of(built(kind.name, arguments, called(path))), Layer(kind=kind.name, arguments=arguments), None
        source = self._source(bone, path)
        return bones[source], Layer(source=source), source

    def _source(self, bone: Bone, path: str) -> str:
        """Return where the original has a module of this class, most like it, and not used yet if possible."""
        alike = [other for other, old in self.skeleton.bones.items() if old.kind == bone.kind]
        if not alike:
            raise CandidateFailed(
                f"{called(path)}: a {bone.kind} cannot be kept: the original has none, and it is no kind "
                "that may be built anew"
            )
        best = min(alike, key=lambda other: (_distance(bone, self.skeleton.bones[other]), other in self._sources))
        self._sources.add(best)
        return best


def _difference(bone: Bone, old: Bone, layer: Layer, path: str) -> Layer:
    where = called(path)
    for name in sorted({*bone.functions, *old.functions} - {"extra_repr"}):  # torchao changes how layers print
        if bone.functions.get(name) != old.functions.get(name):
            raise CandidateFailed(f"{where}: its function {name!r} was changed, and code is not kept")
    if bone.hooks > old.hooks:
        raise CandidateFailed(
            f"{where}: it has hooks that the original has not, and code is not kept. Masks of torch's pruning "
            "are made permanent by torch.nn.utils.prune.remove"
        )
    if made := sorted(set(bone.tensors) - set(old.tensors)):
        raise CandidateFailed(f"{where}: it has a tensor {made[0]!r} that its class does not make")
    changed = {key: value for key, value in bone.attributes.items() if not _same(value, old.attributes.get(key, ...))}
    there = {name: shape for name, shape in bone.tensors.items() if shape is not None}
    return layer.model_copy(
        update={
            "attributes": changed,
            "children": dict(bone.children) if list(bone.children.items()) != list(old.children.items()) else None,
            "absent": [name for name, shape in old.tensors.items() if shape is not None and name not in there],
            "reshaped": [name for name, shape in there.items() if old.tensors[name] not in (None, shape)],
        }
    )


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


def _distance(one: Bone, other: Bone) -> int:
    pairs: Iterable[tuple[object, object]] = [
        *((one.tensors.get(name), other.tensors.get(name)) for name in {*one.tensors, *other.tensors}),
        *((one.attributes.get(name), other.attributes.get(name)) for name in {*one.attributes, *other.attributes}),
        (list(one.children.items()), list(other.children.items())),
    ]
    return sum(mine != theirs for mine, theirs in pairs)


def _check_own(module: nn.Module, path: str) -> None:
    own = type(module).get_extra_state
    if own is not nn.Module.get_extra_state and kind_of(module) is None:
        raise CandidateFailed(f"{called(path)}: it keeps extra state, which is not data")
