"""Sensible ranges for what is commonly tuned: by name, of an optimizer, of a schedule, of a model.

The ranges are the field's habits (the authors' defaults lie inside, about the middle of the exponents), not measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from tauto.errors import InvalidArgument, did_you_mean
from tauto.tuning.hyperparameters.knobs import Knob
from tauto.tuning.hyperparameters.suggest import suggest

__all__ = ["SearchSpace", "search_space"]


def _ratio(name: str, low: float, high: float) -> Knob:
    return Knob.ranged("float", name, low, high, log=True)


def _span(name: str, low: float, high: float) -> Knob:
    return Knob.ranged("float", name, low, high)


def _whole(name: str, low: int, high: int, *, log: bool = False) -> Knob:
    return Knob.ranged("int", name, low, high, log=log)


_COMMON: dict[str, Knob] = {
    knob.name: knob
    for knob in (
        _ratio("lr", 1e-5, 1e-1),
        _ratio("weight_decay", 1e-6, 1e-1),
        _span("momentum", 0.5, 0.99),
        _span("beta1", 0.8, 0.95),
        _span("beta2", 0.9, 0.999),
        _ratio("eps", 1e-9, 1e-6),
        _span("dropout", 0.0, 0.6),
        _span("label_smoothing", 0.0, 0.2),
        _ratio("clip_norm", 0.1, 10.0),
        _span("warmup_share", 0.0, 0.2),
        _ratio("min_lr_share", 1e-3, 1e-1),
        _span("gamma", 0.1, 0.99),
        _whole("epochs", 3, 100, log=True),
        _whole("layers", 1, 8),
        _whole("width", 16, 1024, log=True),
        Knob.chosen("batch_size", (16, 32, 64, 128, 256)),
        Knob.chosen("optimizer", ("adamw", "sgd")),
        Knob.chosen("schedule", ("constant", "cosine", "one_cycle")),
        Knob.chosen("activation", ("relu", "gelu", "silu")),
    )
}
_OTHER_WORDS = {
    "learning_rate": "lr",
    "wd": "weight_decay",
    "batch": "batch_size",
    "p": "dropout",
    "num_layers": "layers",
    "hidden_size": "width",
    "hidden_dim": "width",
    "max_norm": "clip_norm",
    "n_layers": "layers",
    "depth": "layers",
    "units": "width",
    "hidden": "width",
    "channels": "width",
    "beta_1": "beta1",
    "beta_2": "beta2",
    "n_epochs": "epochs",
    "warmup": "warmup_share",
    "scheduler": "schedule",
}
_ADAPTIVE = (_ratio("lr", 1e-5, 1e-2), _span("beta1", 0.8, 0.95), _span("beta2", 0.9, 0.999))
_OPTIMIZERS: dict[str, tuple[Knob, ...]] = {
    "SGD": (_ratio("lr", 1e-3, 1.0), _span("momentum", 0.5, 0.99), _ratio("weight_decay", 1e-6, 1e-2)),
    "Adam": _ADAPTIVE,
    "AdamW": (*_ADAPTIVE, _ratio("weight_decay", 1e-4, 1e-1)),
    "NAdam": _ADAPTIVE,
    "RAdam": _ADAPTIVE,
    "Adamax": _ADAPTIVE,
    "Adagrad": (_ratio("lr", 1e-4, 1e-1),),
    "Adadelta": (_ratio("lr", 1e-2, 10.0), _span("rho", 0.85, 0.99)),
    "RMSprop": (_ratio("lr", 1e-5, 1e-2), _span("alpha", 0.9, 0.999), _span("momentum", 0.0, 0.95)),
    "Adafactor": (_ratio("lr", 1e-4, 1e-1), _ratio("weight_decay", 1e-6, 1e-1)),
    "ASGD": (_ratio("lr", 1e-3, 1.0), _ratio("weight_decay", 1e-6, 1e-2)),
    "LBFGS": (_ratio("lr", 1e-2, 1.0), _whole("max_iter", 5, 50, log=True), _whole("history_size", 5, 100, log=True)),
    "Rprop": (_ratio("lr", 1e-4, 1e-1),),
    "SparseAdam": _ADAPTIVE,
    "Muon": (_ratio("lr", 1e-4, 1e-1), _span("momentum", 0.85, 0.99), _ratio("weight_decay", 1e-3, 0.3)),
}
_SCHEDULES: dict[str, tuple[Knob, ...]] = {
    "StepLR": (_span("gamma", 0.1, 0.9), _whole("step_size", 1, 30, log=True)),
    "MultiStepLR": (_span("gamma", 0.1, 0.9),),
    "ExponentialLR": (_span("gamma", 0.8, 0.999),),
    "CosineAnnealingLR": (_COMMON["min_lr_share"],),
    "CosineAnnealingWarmRestarts": (_COMMON["min_lr_share"], _whole("T_0", 1, 20, log=True)),
    "OneCycleLR": (_ratio("max_lr", 1e-4, 1.0), _span("pct_start", 0.1, 0.5)),
    "ReduceLROnPlateau": (_span("factor", 0.1, 0.7), _whole("patience", 1, 10)),
    "LinearLR": (_COMMON["warmup_share"],),
    "ConstantLR": (_span("factor", 0.1, 0.9), _whole("total_iters", 1, 30, log=True)),
    "PolynomialLR": (_span("power", 0.5, 3.0),),
    "CyclicLR": (_ratio("base_lr", 1e-5, 1e-2), _ratio("max_lr", 1e-3, 1.0)),
}


class SearchSpace(Mapping[str, Knob]):
    """Knobs by name; shown, the lines of Python that ask for them.

    Parameters
    ----------
    knobs : tuple of Knob
        No name comes twice.
    """

    def __init__(self, knobs: tuple[Knob, ...]) -> None:
        self._knobs = {knob.name: knob for knob in knobs}

    def __getitem__(self, name: str) -> Knob:
        return self._knobs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._knobs)

    def __len__(self) -> int:
        return len(self._knobs)

    def suggest(self) -> dict[str, Any]:
        """Ask for all of them in a trial, and return the values by name."""
        return {knob.name: _ask(knob) for knob in self._knobs.values()}

    def __repr__(self) -> str:
        return "\n".join(f"{knob.name} = {_line(knob)}" for knob in self._knobs.values())


def _ask(knob: Knob) -> Any:
    low: Any = knob.low
    high: Any = knob.high
    match knob.kind:
        case "float":
            return suggest.float(knob.name, low, high, log=knob.log)
        case "int":
            return suggest.int(knob.name, low, high, log=knob.log)
    return suggest.categorical(knob.name, knob.choices)


def _line(knob: Knob) -> str:
    if knob.kind == "categorical":
        return f"tauto.suggest.categorical({knob.name!r}, {list(knob.choices)!r})"
    return f"tauto.suggest.{knob.kind}({knob.name!r}, {knob.low!r}, {knob.high!r}{', log=True' if knob.log else ''})"


def search_space(*of: Any) -> SearchSpace:
    """Return sensible ranges for what ``of`` says.

    The ranges are habits of the field to start from, not measurements: narrow them by what you know.

    Parameters
    ----------
    *of : str, optimizer, schedule or model
        Names such as ``"lr"`` and ``"batch_size"``; an optimizer or schedule, or its class; a model, for which the
        learning rate, the weight decay, the batch size and, where it has some, dropout are tuned.

    Raises
    ------
    InvalidArgument
        When there is no range for one of them; with close matches.

    Examples
    --------
    >>> search_space("lr", "batch_size")
    lr = tauto.suggest.float('lr', 1e-05, 0.1, log=True)
    batch_size = tauto.suggest.categorical('batch_size', [16, 32, 64, 128, 256])
    """
    if not of:
        raise InvalidArgument("search_space: nothing is given. Write names such as 'lr', an optimizer or a model.")
    found: dict[str, Knob] = {}
    for one in of:
        for knob in _knobs_for(one):
            found.setdefault(knob.name, knob)
    return SearchSpace(tuple(found.values()))


def _knobs_for(one: Any) -> tuple[Knob, ...]:
    if isinstance(one, str):
        written = one.strip().lower().replace(" ", "_").replace("-", "_")
        name = _OTHER_WORDS.get(written, written)
        if name not in _COMMON:
            raise InvalidArgument(f"search_space: there is no range for {one!r}. {did_you_mean(one, _COMMON)}".rstrip())
        return (_COMMON[name],)
    kind = one if isinstance(one, type) else type(one)
    if issubclass(kind, Optimizer):
        return _table(kind, _OPTIMIZERS)
    if issubclass(kind, LRScheduler):
        return _table(kind, _SCHEDULES)
    if isinstance(one, nn.Module):
        return _of_model(one)
    raise InvalidArgument(
        f"search_space: a {kind.__name__} is no name, optimizer, schedule or model. Write such as 'lr'."
    )


def _table(kind: type, table: Mapping[str, tuple[Knob, ...]]) -> tuple[Knob, ...]:
    """Return the knobs of the nearest class that is known."""
    for base in kind.__mro__:
        if base.__name__ in table:
            return table[base.__name__]
    raise InvalidArgument(
        f"search_space: there are no ranges for {kind.__name__}. {did_you_mean(kind.__name__, table)}"
    )


def _of_model(model: nn.Module) -> tuple[Knob, ...]:
    names = ["lr", "weight_decay", "batch_size"]
    if any(isinstance(layer, nn.modules.dropout._DropoutNd) for layer in model.modules()):
        names.append("dropout")
    if any(isinstance(layer, nn.MultiheadAttention) for layer in model.modules()):
        names.append("warmup_share")  # attention is seldom trained without a warm-up
    return tuple(_COMMON[name] for name in names)
