"""The contract of a technique: a named way to make a model better."""

from __future__ import annotations

import importlib.util
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from filelock import FileLock
from torch import nn

from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.reports import ChannelMap, FittingReport
from tauto.workload import Workload

__all__ = ["SHARED", "STRUCTURAL", "Account", "Applicability", "Config", "Context", "Family", "Script", "Technique"]

Family = Literal[
    "distillation",
    "pruning",
    "factorization",
    "training",
    "fusion",
    "layout",
    "sparsity",
    "precision",
    "quantization",
    "engine",
    "runtime",
]
"""In the order in which they stand in a recipe."""
SHARED = "shared"
"""The folder, in that of a step, of what several steps after it can use."""
STRUCTURAL: frozenset[Family] = frozenset({"distillation", "pruning", "factorization", "training"})
"""Families that change which layers there are, how wide, or what they learned: they come before all others."""


@dataclass(frozen=True, slots=True)
class Config:
    """Base of every technique's configuration: frozen fields of closed sets, so that a recipe is only data."""


@dataclass(frozen=True, slots=True)
class Applicability:
    """Whether a technique applies here; if not, why in words, and the line that would change it (may be empty)."""

    applies: bool
    reason: str = ""
    remedy: str = ""

    @classmethod
    def yes(cls) -> Applicability:
        """It applies."""
        return cls(True)

    @classmethod
    def no(cls, reason: str, remedy: str = "") -> Applicability:
        """It does not apply, because ``reason``."""
        return cls(False, reason, remedy)


@dataclass(frozen=True, slots=True)
class Context:
    """Where a step may keep files, and under which seed and hardware it works.

    The first process to apply a step prepares its files (``may_prepare``); the process that confirms it and the
    user's kernel only load them. Recipes that begin alike share the folders of what they have in common.
    """

    folder: Path
    hardware: Hardware
    seed: int = 0
    may_prepare: bool = True
    before: Context | None = None
    """Of the steps before this one."""
    spared_s: list[float] = field(default_factory=list)
    """Seconds that others had spent already on what was found here: they count as preparation, too."""
    cache: Path | None = None
    """A compiler's own files, kept between runs; None keeps them with the step."""
    trainings: Path | None = None
    """Folder of what trainings are taken up from, kept until the search has ended; None: all begin anew."""

    def file(self, name: str, build: Callable[[Path], None]) -> Path:
        """Return the file (or folder) ``name`` of this step, built by ``build(path)`` if it is not there yet.

        It is built under another name and renamed, so that a file that exists is whole.

        Raises
        ------
        CandidateFailed
            When it is missing and this process may only load.
        """
        path = self.folder / name
        if path.exists():
            return path
        if not self.may_prepare:
            raise CandidateFailed(f"{name} was not prepared")
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = self.folder / f"{name}.lock"
        with FileLock(lock):  # trials that run side by side may come to the same step
            if not path.exists():
                # the suffix stays, since exporters look at it
                part = self.folder / f"part-{name}"
                build(part)
                part.rename(path)
            lock.unlink(missing_ok=True)
        return path

    def checkpoint(self) -> Path | None:
        """Return the folder that this step's trainings are taken up from; None where they begin anew."""
        if self.trainings is None:
            return None
        place = self.trainings / self.folder.name
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        return place

    def spare(self, report: FittingReport) -> None:
        """Count as spared what a training had behind it when it was taken up."""
        if report.before_s:
            self.spared_s.append(report.before_s)

    def shared(self, name: str, build: Callable[[Path], None]) -> Path:
        """Return the file ``name`` that depends on the steps before this one alone: built once for all after them.

        Raises
        ------
        CandidateFailed
            As :meth:`file`; what could not be built once is not tried again.
        """
        place = replace(self, folder=(self.before or self).folder / SHARED)
        failure = place.folder / f"{name}.failed"
        if failure.exists():
            raise CandidateFailed(failure.read_text(encoding="utf-8"))
        try:
            with place.accounted(name):
                return place.file(name, build)
        except CandidateFailed as error:
            if self.may_prepare:
                failure.write_text(str(error), encoding="utf-8")
            raise

    @contextmanager
    def accounted(self, name: str) -> Iterator[None]:
        """Note how long the block took, under ``name``; where it was noted before, what the block was spared."""
        note, start, spared = self.folder / f"{name}.seconds", time.perf_counter(), sum(self.spared_s)
        yield
        took_s = time.perf_counter() - start
        if note.exists():
            self.spared_s.append(max(0.0, float(note.read_text()) - took_s))
        elif self.may_prepare and self.folder.exists():
            note.write_text(str(took_s + sum(self.spared_s) - spared))

    def step(self, digest: str, before: Context | None) -> Context:
        """Return the context of a step; ``digest`` names it with those before it."""
        return replace(self, folder=self.folder / digest, before=before)


@dataclass(frozen=True, slots=True)
class Account:
    """What a step did to this model, in words: told with its trial."""

    summary: str = ""
    """A few words that stand before the measured speed, such as ``30 % fewer FLOPs``."""
    notes: tuple[str, ...] = ()
    """Sentences."""
    channels: tuple[ChannelMap, ...] = ()
    """Which channels or heads stayed, where some were cut out."""


@dataclass(frozen=True, slots=True)
class Script:
    """The plain Python of one configured step.

    ``body`` is statements that rebind ``model``; they may use ``args`` and ``kwargs`` (the example call) and
    ``data`` (a list of ``(args, kwargs)``). Values from the configuration appear only as literals (``repr``).
    """

    imports: tuple[str, ...]
    body: str
    definitions: tuple[str, ...] = ()
    """Top-level classes and functions that ``body`` uses, one text each: several steps may need the same one."""


class Technique(ABC):
    """A named way to change a model. Stateless; never prints, never measures, never touches its input."""

    name: ClassVar[str]
    title: ClassVar[str]
    """What it does, in a few words for a person."""
    family: ClassVar[Family]
    config: ClassVar[type[Config]] = Config
    comes_after: ClassVar[frozenset[str]] = frozenset()
    """Names and families that, where present, must stand before this one in a recipe."""
    cannot_be_with: ClassVar[frozenset[str]] = frozenset()
    """Names and families that may not stand in the same recipe."""
    modules: ClassVar[tuple[str, ...]] = ()
    """Optional libraries it imports."""
    extra: ClassVar[str] = ""
    """The extra of tauto that installs them."""
    faster: ClassVar[bool] = True
    """Whether what it makes can be faster by that alone."""
    exports: ClassVar[bool] = False
    """Whether it needs the model exported as the steps before it leave it."""
    own_kernels: ClassVar[bool] = False
    """Whether its kernels look at the CPU themselves: what holds torch's to fewer instructions does not hold them."""

    @abstractmethod
    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """Say whether the technique can help this workload on this hardware, else why not in words.

        Cheap: it reads the model's structure and runs nothing. Missing libraries are told by :meth:`missing`.
        """

    @abstractmethod
    def space(self, workload: Workload, hardware: Hardware) -> tuple[Config, ...]:
        """Return the configurations worth trying, most promising first."""

    @abstractmethod
    def apply(self, workload: Workload, config: Any, context: Context) -> nn.Module:
        """Return a new model that takes and returns what ``workload.model`` did.

        Raises
        ------
        CandidateFailed
            When this candidate cannot be made; the message says why.
        """

    @abstractmethod
    def script(self, config: Any) -> Script:
        """Return the plain Python that does the same, without TAuto."""

    def account(self, config: Any, context: Context) -> Account:
        """Return what :meth:`apply` did, from the files that it prepared; by default there is nothing to tell."""
        return Account()

    def describe(self, config: Config) -> str:
        """Return the configured technique in words, such as ``openvino (int8)``."""
        values = [_word(name, getattr(config, name)) for name in config.__dataclass_fields__]
        words = ", ".join(word for word in values if word)
        return f"{self.name} ({words})" if words else self.name

    def missing(self) -> Applicability:
        """Say whether its optional libraries are installed, with the pip line when not; imports nothing."""
        lacking = [module for module in self.modules if importlib.util.find_spec(module) is None]
        if not lacking:
            return Applicability.yes()
        return Applicability.no(f"{' and '.join(lacking)} not installed", f"pip install 'tauto[{self.extra}]'")


_MOST_NAMES = 3
_BEFORE_NAMES = {"keep": "but for", "layers": "only in", "bfloat16": "bfloat16 in"}
"""How fields that name layers are told."""


def _word(name: str, value: Any) -> str:
    if isinstance(value, tuple):
        return f"{_BEFORE_NAMES.get(name, name)} {_few(value)}" if value else ""
    if isinstance(value, bool):
        return name if value else ""
    return "" if value is None else f"{name}={value}" if isinstance(value, int | float) else str(value)


def _few(names: tuple[str, ...]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:_MOST_NAMES])} and {more} more"
