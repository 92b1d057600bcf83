"""Machines that a model is made for, described in YAML: what they have, and what they take."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tauto.errors import InvalidArgument, did_you_mean
from tauto.hardware.ceilings import Ceilings
from tauto.hardware.hardware import INSTRUCTION_SETS, Hardware

__all__ = ["THIS_MACHINE", "Held", "TargetMachine", "target", "targets"]

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

    def why_not_here(self, here: Hardware) -> str:
        """Return why ``here`` cannot stand in for it, in words; empty where it can, held to what the target has.

        Examples
        --------
        >>> target("gpu-server").why_not_here(Hardware.current())
        'it computes on cuda, and this machine on cpu'
        """
        if self.device != here.device:
            return f"it computes on {self.device}, and this machine on {here.device}"
        if lacking := sorted(set(self.instruction_sets) - here.instruction_sets):
            return f"this machine lacks {' and '.join(lacking)}"
        if self.cores > here.cores:
            return f"it has {self.cores} cores, and this machine {here.cores}"
        return ""

    def held(self, here: Hardware) -> Held:
        """Return what the processes of trials are held to, so that ``here`` stands in for it."""
        return Held(
            cores=self.cores if self.cores < here.cores else None,
            memory_bytes=int(self.memory_gb * 1e9) if self.memory_gb * 1e9 < here.memory_bytes else None,
            lacking=tuple(one for one in INSTRUCTION_SETS if one in here.instruction_sets - {*self.instruction_sets}),
            env=_held_to_sets(self.instruction_sets) if here.instruction_sets - {*self.instruction_sets} else {},
        )

    def hardware(self, name: str, here: Hardware | None = None) -> Hardware:
        """Return it as hardware whose ceilings are those of the file; ``here`` is what stands in for it, if any."""
        expected = Ceilings(
            {str(name): rate for name, rate in self.gflops.items()}, 100.0, 20.0, "estimated, not measured", name
        )
        return _Described(
            device=self.device,
            name=f"{here.name} standing in for {name}" if here else name,
            cores=self.cores,
            memory_bytes=int(self.memory_gb * 1e9),
            instruction_sets=frozenset(self.instruction_sets),
            platform=here.platform if here else "linux",
            compiler=here.compiler if here else "c++",
            fingerprint=f"{here.fingerprint} as {name}" if here else f"target {name}",
            expected=expected,
        )


@dataclass(frozen=True, slots=True)
class Held:
    """What this machine's trials are held to, so that it stands in for another.

    Parameters
    ----------
    cores : int or None
        Of its cores, so many; None for all.
    memory_bytes : int or None
        Private memory of a trial at most; None for this machine's own limit.
    lacking : tuple of str
        Instruction sets of this machine that the other has not.
    env : mapping of str to str
        Environment variables that keep torch's own kernels from these. Other engines look at the CPU itself.
    """

    cores: int | None = None
    memory_bytes: int | None = None
    lacking: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """What it is held to, such as ``2 cores, 4.0 GB, without AVX512``; empty where to nothing."""
        parts = [f"{self.cores} core{'' if self.cores == 1 else 's'}"] if self.cores else []
        parts += [f"{self.memory_bytes / 1e9:.1f} GB"] if self.memory_bytes else []
        parts += [f"without {' and '.join(self.lacking)}"] if self.lacking else []
        return ", ".join(parts)


# the least that a CPU must have for each of oneDNN's and ATen's levels, the highest first
_LEVELS = (
    ({"AMX_INT8", "AMX_BF16"}, "AVX512_CORE_AMX", "avx512"),
    ({"AVX512", "AVX512_BF16"}, "AVX512_CORE_BF16", "avx512"),
    ({"AVX512", "VNNI"}, "AVX512_CORE_VNNI", "avx512"),
    ({"AVX512"}, "AVX512_CORE", "avx512"),
    ({"AVX2", "VNNI"}, "AVX2_VNNI", "avx2"),
    ({"AVX2"}, "AVX2", "avx2"),
    (set[str](), "SSE41", "default"),
)


def _held_to_sets(sets: Collection[str]) -> dict[str, str]:
    """Return the variables that hold oneDNN, ATen (and with it inductor) and MKL to these instruction sets."""
    onednn, aten = next((onednn, aten) for needed, onednn, aten in _LEVELS if needed <= {*sets})
    mkl = {"avx512": "AVX512", "avx2": "AVX2", "default": "SSE4_2"}[aten]
    return {"ONEDNN_MAX_CPU_ISA": onednn, "ATEN_CPU_CAPABILITY": aten, "MKL_ENABLE_INSTRUCTIONS": mkl}


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
    faults = []
    try:
        TargetMachine.model_validate(data)
    except ValidationError as error:
        faults = _faults(error, lines)
    faults += _odd_values(data, lines)
    if faults:
        raise InvalidArgument(f"target: {file}: {'; '.join(faults)}")
    return TargetMachine.model_validate(data)


def _odd_values(data: dict[str, Any], lines: Mapping[Any, int]) -> list[str]:
    """Return what no type tells: unknown instruction sets, no float32 among the rates."""
    found, sets, rates = [], data.get("instruction_sets"), data.get("gflops")
    for one in sets if isinstance(sets, list) else ():
        if isinstance(one, str) and one not in INSTRUCTION_SETS and not one.startswith("SM"):
            hint = did_you_mean(one, INSTRUCTION_SETS)
            found.append(f"line {lines['instruction_sets']}: no instruction set is called {one!r}. {hint}".rstrip(". "))
    if isinstance(rates, dict) and "float32" not in rates:
        found.append(f"line {lines['gflops']}: gflops has no float32: add a typical value")
    return found


def _faults(error: ValidationError, lines: Mapping[Any, int]) -> list[str]:
    """Return all that is wrong, with its lines: unknown keys first, since a misspelt one is missing too."""
    order = ("extra_forbidden", "missing")
    faults: list[Any] = sorted(error.errors(), key=lambda one: order.index(one["type"]) if one["type"] in order else 2)
    missing = [str(one["loc"][0]) for one in faults if one["type"] == "missing" and len(one["loc"]) == 1]
    found = []
    for one in faults:
        key = str(one["loc"][0])
        where = f"line {lines.get(key, 1)}"
        if one["type"] == "extra_forbidden" and len(one["loc"]) == 1:
            hint = did_you_mean(key, TargetMachine.model_fields)
            missing = [name for name in missing if repr(name) not in hint]  # it is there, misspelt
            found.append(f"{where}: there is no key {key!r}. {hint}".rstrip(". "))
        elif one["type"] != "missing" or len(one["loc"]) > 1:
            found.append(f"{where}: {'.'.join(map(str, one['loc']))}: {one['msg']}")
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        found.append(f"{_listed(missing)} {verb} missing: add {' '.join(f'`{key}: …`' for key in missing)}")
    return found


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
