"""Machines that a model is made for, described in YAML: what they have, and what they take."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tauto.errors import InvalidArgument, did_you_mean
from tauto.hardware.ceilings import Ceilings
from tauto.hardware.hardware import INSTRUCTION_SETS, Hardware

__all__ = ["THIS_MACHINE", "TargetMachine", "target", "targets"]

THIS_MACHINE = "this-machine"
_SUFFIXES = (".yaml", ".yml")
_FOLDER = "targets"


class TargetMachine(BaseModel):
    """A machine, as its file describes it.

    Parameters
    ----------
    about : str
        What it is, in one sentence.
    device : {"cpu", "cuda"}
        Where the model runs.
    cores : int
        Threads that can run at once.
    memory_gb : float
        Of the host, 10⁹ bytes.
    instruction_sets : tuple of str
        Among :data:`tauto.hardware.INSTRUCTION_SETS`, and ``SM90`` or the like for a GPU.
    gflops : dict of str to float
        Typical 10⁹ operations a second of a matrix product, by precision. Expectations order candidates, nothing else.
    export : {"onnx", "openvino"} or None
        The only form in which a model arrives there; None for whatever PyTorch and its engines take.
    without : tuple of str
        Techniques that are not to be used there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: str
    device: Literal["cpu", "cuda"]
    cores: int = Field(ge=1)
    memory_gb: float = Field(gt=0)
    instruction_sets: tuple[str, ...]
    gflops: dict[Literal["float32", "bfloat16", "float16", "int8"], float]
    export: Literal["onnx", "openvino"] | None = None
    without: tuple[str, ...] = ()

    def hardware(self, name: str) -> Hardware:
        """Return it as hardware whose ceilings are those of the file."""
        expected = Ceilings(
            {str(name): rate for name, rate in self.gflops.items()}, 100.0, 20.0, "estimated, not measured", name
        )
        return _Described(
            device=self.device,
            name=name,
            cores=self.cores,
            memory_bytes=int(self.memory_gb * 1e9),
            instruction_sets=frozenset(self.instruction_sets),
            platform="linux",
            compiler="c++",
            fingerprint=f"target {name}",
            expected=expected,
        )


@dataclass(frozen=True, slots=True)
class _Described(Hardware):
    """Hardware that is not this machine's."""

    expected: Ceilings

    def ceilings(self) -> Ceilings:
        """Return what its file says."""
        return self.expected


def targets() -> dict[str, str]:
    """Return what each target that comes with TAuto is, by name.

    Examples
    --------
    >>> targets()["mobile"]
    'A phone, where a model arrives as an ONNX file.'
    """
    return {name: target(name).about for name in _names()}


def target(name: str | Path) -> TargetMachine:
    """Return the target of this name, or of this YAML file.

    Raises
    ------
    InvalidArgument
        When there is none of this name (close matches are told), or a file has a wrong key or value: its line is named.

    Examples
    --------
    >>> target("edge-cpu").cores
    2
    """
    if str(name).endswith(_SUFFIXES):
        try:
            return _parsed(Path(name).read_text(encoding="utf-8"), str(name))
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidArgument(f"target: {name} cannot be read: {error}") from None
    if str(name) not in _names():
        known = [THIS_MACHINE, *_names()]
        raise InvalidArgument(
            f"target: there is no {str(name)!r}. {did_you_mean(str(name), known)} Or a YAML file of your own."
        )
    return _parsed(files(__package__).joinpath(_FOLDER, f"{name}.yaml").read_text(encoding="utf-8"), f"{name}.yaml")


def _names() -> list[str]:
    found = files(__package__).joinpath(_FOLDER).iterdir()
    return sorted(file.name.removesuffix(".yaml") for file in found if file.name.endswith(".yaml"))


def _parsed(text: str, file: str) -> TargetMachine:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidArgument(f"target: {file} is no YAML: {error}") from None
    if not isinstance(root, yaml.MappingNode):
        raise InvalidArgument(f"target: {file} must be a mapping of {', '.join(TargetMachine.model_fields)}.")
    lines = {key.value: key.start_mark.line + 1 for key, _ in root.value}
    try:
        found = TargetMachine.model_validate(data)
    except ValidationError as error:
        raise InvalidArgument(f"target: {_fault(error, file, lines)}") from None
    unknown = [one for one in found.instruction_sets if one not in INSTRUCTION_SETS and not one.startswith("SM")]
    if unknown:
        hint = did_you_mean(unknown[0], INSTRUCTION_SETS)
        line = lines["instruction_sets"]
        raise InvalidArgument(f"target: {file}, line {line}: no instruction set is called {unknown[0]!r}. {hint}")
    if "float32" not in found.gflops:
        raise InvalidArgument(f"target: {file}, line {lines['gflops']}: gflops has no float32. Add a typical value.")
    return found


def _fault(error: ValidationError, file: str, lines: dict[Any, int]) -> str:
    """Return the first thing that is wrong, with its line."""
    # a misspelt key is missing, too: the misspelt one is what the file has
    first: Any = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    key = str(first["loc"][0])
    if first["type"] == "missing":
        return f"{file}: {key} is missing. Add a line: {key}: …"
    where = f"{file}, line {lines.get(key, 1)}"
    if first["type"] == "extra_forbidden":
        return f"{where}: there is no key {key!r}. {did_you_mean(key, TargetMachine.model_fields)}".rstrip()
    return f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}."
