"""TAuto beside its peers, each by its own API, each against eager in a process of its own, one at a time.

    python -m benchmarks.peers                        # the whole table, some two hours on two cores
    python -m benchmarks.peers --only mlp,cnn --batch 1

Every variant is timed against eager fp32 in interleaved blocks by the same code, and judged by the same rule:
outputs within cosine 0.99 and relative error 10 % of eager's over 64 varied inputs. A peer that misses it is marked.
Beside each row stands the share of this machine's measured ceiling that the model's own FLOPs reach, before and after.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

import tauto
from benchmarks.models import MODELS, Subject
from tauto import measurement
from tauto.hardware import Hardware
from tauto.profiling.counting import count_call
from tauto.recipes import Recipe
from tauto.reports import Comparison
from tauto.workload import Workload

__all__ = ["PEERS", "main"]

BUDGETS = {"mlp": "2min", "cnn": "2min", "lstm": "3min"}
BUDGET = "4min"


class _Wrapped(nn.Module):
    """A peer behind ``forward``, so that it is timed and judged by the same code."""

    def __init__(self, call: Callable[..., Any]) -> None:
        super().__init__()
        self._call = call

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)


class _Scores(nn.Module):
    """Returns the model's one tensor, so that every peer is compared on the same output."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        output = self.model(*args, **kwargs)
        return output if isinstance(output, torch.Tensor) else output[0]


def compile_bf16(model: nn.Module, workload: Workload) -> nn.Module:
    """torch.compile of the model cast to bfloat16, with freezing."""
    import torch._inductor.config as inductor

    inductor.freezing = True
    narrow = model.bfloat16()
    compiled = torch.compile(narrow)

    def call(*args: Any, **kwargs: Any) -> torch.Tensor:
        floats = [item.bfloat16() if item.is_floating_point() else item for item in args]
        return compiled(*floats, **kwargs).float()

    return _Wrapped(call)


def compile_fp32(model: nn.Module, workload: Workload) -> nn.Module:
    """torch.compile in fp32, with freezing."""
    import torch._inductor.config as inductor

    inductor.freezing = True
    return _Wrapped(torch.compile(model))


def _feed(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    return [item.numpy() for item in (*args, *kwargs.values())]


def _openvino_model(model: nn.Module, workload: Workload) -> Any:
    import openvino

    call = workload.example
    example = call.kwargs if call.kwargs else call.args
    plain = model.model if isinstance(model, _Scores) else model  # its tracer asks for the names of the arguments
    return openvino.convert_model(plain, example_input=example)


def _openvino(converted: Any) -> nn.Module:
    import openvino

    compiled = openvino.compile_model(converted, "CPU", {"PERFORMANCE_HINT": "LATENCY"})
    return _Wrapped(lambda *args, **kwargs: torch.from_numpy(compiled(_feed(args, kwargs))[0]))


def openvino_default(model: nn.Module, workload: Workload) -> nn.Module:
    """OpenVINO by its defaults."""
    return _openvino(_openvino_model(model, workload))


def openvino_int8(model: nn.Module, workload: Workload) -> nn.Module:
    """OpenVINO int8 by NNCF's post-training quantization."""
    import nncf

    feeds = nncf.Dataset([_feed(call.args, call.kwargs) for call in workload.samples])
    return _openvino(nncf.quantize(_openvino_model(model, workload), feeds, subset_size=64))


def onnxruntime_fp32(model: nn.Module, workload: Workload) -> nn.Module:
    """ONNX Runtime in fp32."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        call = workload.example
        torch.onnx.export(model, call.args, path, kwargs=call.kwargs, dynamo=True, external_data=False)
        session = onnxruntime.InferenceSession(path)
    names = [item.name for item in session.get_inputs()]

    def run(*args: Any, **kwargs: Any) -> torch.Tensor:
        feeds = dict(zip(names, _feed(args, kwargs), strict=True))
        return torch.from_numpy(session.run(None, feeds)[0])

    return _Wrapped(run)


PEERS: dict[str, Callable[[nn.Module, Workload], nn.Module]] = {
    "torch.compile bf16 + freezing": compile_bf16,
    "torch.compile fp32 + freezing": compile_fp32,
    "OpenVINO default": openvino_default,
    "OpenVINO int8 (NNCF)": openvino_int8,
    "ONNX Runtime fp32": onnxruntime_fp32,
}


def measure_one(key: str, batch: int, peer: str) -> dict[str, Any]:
    """Make one variant in this process and compare it with eager."""
    subject: Subject = MODELS[key]
    eager = _Scores(subject.built())
    inputs, data = subject.inputs(batch), subject.data(batch=batch)
    workload = Workload.of(eager, inputs=inputs, data=data, name=subject.name)
    start, extra, recipe = time.perf_counter(), {}, None
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if peer == "tauto":
            result = tauto.autotune(eager, inputs=inputs, data=data, budget=BUDGETS.get(key, BUDGET))
            variant = result.model
            recipe = result.recipe
            extra = {"recipe": recipe.title if recipe else "the original", "verdict": result.verdict}
        else:
            variant = PEERS[peer](_Scores(subject.built()), workload)
            workload.example(variant)
    preparation_s = time.perf_counter() - start
    found = measurement.compare(eager, variant, workload, hardware=Hardware.current(), preparation_s=preparation_s)
    if peer == "tauto":
        extra |= _shares(eager, workload, found, recipe)
    return {
        "speedup": found.speedup,
        "interval": [found.speedup_interval.low, found.speedup_interval.high],
        "held": found.quality_held,
        "cosine": found.agreement.cosine if found.agreement else None,
        "error": found.agreement.relative_error if found.agreement else None,
        "eager_ms": found.original.latency.p50_ms,
        "preparation_s": preparation_s,
        **extra,
    }


def _shares(eager: nn.Module, workload: Workload, found: Comparison, recipe: Recipe | None) -> dict[str, Any]:
    """Return the share of this machine's measured ceiling that the model's FLOPs reached, before and after."""
    with torch.no_grad():
        flops = count_call(lambda: workload.example(eager)).flops
    gflops = Hardware.current().ceilings().gflops
    narrow = "int8" if recipe and "int8" in recipe.title else "float32"
    before, after = (flops / side.latency.p50_ms / 1e6 for side in (found.original, found.optimized))
    return {"shares": [before / gflops["float32"], after / gflops[narrow]], "of": narrow}


def _cell(key: str, batch: int, peer: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.peers", "--cell", key, str(batch), peer]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        return {"failed": (done.stderr.strip().splitlines() or ["no output"])[-1][:100]}
    return json.loads(lines[-1])


def _shown(found: dict[str, Any]) -> str:
    if "failed" in found:
        return f"failed: {found['failed']}"
    low, high = found["interval"]
    mark = "" if found["held"] else f" (misses the rule: cosine {found['cosine']:.3f}, error {found['error']:.0%})"
    recipe = f"; {found['recipe']}" if "recipe" in found else ""
    return f"{found['speedup']:.2f} × ({low:.2f}–{high:.2f}){mark}{recipe}"


def _against_best(cells: dict[str, dict[str, Any]]) -> float | None:
    """Return TAuto's speedup as a multiple of the best peer's that holds the rule; eager itself is one of them."""
    held = [found["speedup"] for name, found in cells.items() if name != "tauto" and found.get("held")]
    own = cells["tauto"].get("speedup")
    return own / max([1.0, *held]) if own else None


def main() -> None:
    """Print the table, row by row as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(MODELS), help="models, by comma")
    parser.add_argument("--batch", default="1,16", help="batch sizes, by comma")
    parser.add_argument("--cell", nargs=3, metavar=("MODEL", "BATCH", "VARIANT"), help="one cell, as JSON")
    options = parser.parse_args()
    if options.cell:
        key, batch, peer = options.cell
        print(json.dumps(measure_one(key, int(batch), peer)))
        return
    os.environ["TAUTO_STORE"] = tempfile.mkdtemp()  # no memory of earlier runs
    hardware, ratios = Hardware.current(), list[float]()
    print(f"{hardware.summary}; torch {torch.__version__}; {torch.get_num_threads()} threads\n")
    for key, batch in itertools.product(options.only.split(","), map(int, options.batch.split(","))):
        print(f"### {MODELS[key].name}, batch {batch}\n")
        print("| variant | speedup over eager fp32 (95 %) | preparation |\n|---|---|---|")
        cells = {}
        for peer in (*PEERS, "tauto"):
            cells[peer] = found = _cell(key, batch, peer)
            seconds = f"{found['preparation_s']:.0f} s" if "preparation_s" in found else ""
            print(f"| {'**TAuto**' if peer == 'tauto' else peer} | {_shown(found)} | {seconds} |", flush=True)
        if ratio := _against_best(cells):
            ratios.append(ratio)
            print(f"\nTAuto beside the best that holds the rule: {ratio:.2f} ×", flush=True)
            (before, after), of = cells["tauto"]["shares"], cells["tauto"]["of"]
            print(f"Share of the ceiling: {before:.0%} of float32 before, {after:.0%} of {of} after\n", flush=True)
    if ratios:
        mean = statistics.geometric_mean(ratios)
        print(f"Over {len(ratios)} rows: geometric mean {mean:.2f} ×, least {min(ratios):.2f} ×")


if __name__ == "__main__":
    main()
