"""What must be the same before and after: a model to the last bit, and the process around it."""

from __future__ import annotations

import logging
import os
import random
from typing import Any

import numpy as np
import torch
import torch._dynamo.config
import torch._inductor.config
from torch import nn


def model_state(model: nn.Module) -> dict[str, Any]:
    """Return all that belongs to ``model``, by value and by identity."""
    state: dict[str, Any] = {}
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        grad = None if tensor.grad is None else tensor.grad.numpy().tobytes()
        bits = tensor.detach().numpy().tobytes()
        state[name] = (bits, tensor.dtype, tensor.stride(), tensor._version, id(tensor), tensor.data_ptr(), grad)
        state[f"{name} requires_grad"] = tensor.requires_grad
    for name, module in model.named_modules():
        hooks = {key: dict(value) for key, value in vars(module).items() if key.endswith("_hooks") and value}
        state[f"module {name}"] = (type(module), id(module), module.training, hooks, sorted(vars(module)))
    return state


def process_state() -> dict[str, Any]:
    """Return the settings that a technique may touch while it works, and must put back."""
    numpy = np.random.get_state()
    return {
        "python rng": random.getstate(),
        "numpy rng": (numpy[0], numpy[1].tobytes(), *numpy[2:]),
        "torch rng": torch.get_rng_state().numpy().tobytes(),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "default dtype": torch.get_default_dtype(),
        "gradients": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "autocast": (torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")),
        "matmul precision": torch.get_float32_matmul_precision(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "mkldnn": (torch.backends.mkldnn.enabled, torch.backends.mkldnn.deterministic),
        "cudnn": (torch.backends.cudnn.enabled, torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
        "quantized engine": torch.backends.quantized.engine,
        "inductor": torch._inductor.config.save_config(),
        "dynamo": torch._dynamo.config.save_config(),
        "environment": dict(os.environ),
        "folder": os.getcwd(),  # noqa: PTH109
        "logging": (logging.root.level, len(logging.root.handlers), logging.root.manager.disable),
        "loggers": {name: len(logging.getLogger(name).filters) for name in ("torch", "torchao", "nncf")},
    }
