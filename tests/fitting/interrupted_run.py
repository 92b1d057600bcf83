"""A training that is killed and taken up again, for test_resume.py. Says each step on stdout, the end as JSON."""

import json
import sys
from pathlib import Path

import torch
from fitting_workloads import Noisy, accuracy, net
from torch import nn
from torch.utils.data import DataLoader

from tauto.events import listening
from tauto.fitting import Plan, fit
from tauto.fitting.state import digest, take


def run(checkpoint: str) -> None:
    torch.set_num_threads(1)
    data = DataLoader(Noisy(), batch_size=32, shuffle=True, generator=torch.Generator())
    plan = Plan(epochs=3, learning_rate=0.01, evaluate_every=7, patience=9, checkpoint_every_s=0)
    with listening(lambda progress: print(progress.message, flush=True)):
        fitted = fit(net(), data, nn.CrossEntropyLoss(), plan, evaluate=accuracy, checkpoint=checkpoint)
    found = fitted.report.to_dict() | {"weights": digest(take(fitted.model).values())}
    Path(checkpoint).with_suffix(".json").write_text(json.dumps(found))


if __name__ == "__main__":
    run(sys.argv[1])
