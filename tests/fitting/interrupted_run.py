"""A training that is killed and taken up again, for test_resume.py. Says each step on stdout, the end as JSON."""

import json
import sys
import time
from pathlib import Path

import torch
from fitting_workloads import Noisy, accuracy, net
from torch import nn
from torch.utils.data import DataLoader

from tauto.events import Progress, listening
from tauto.fitting import Plan, fit
from tauto.fitting.state import digest, take


def run(checkpoint: str, last: int = 99) -> None:
    """Train, and wait for the end after step ``last``: however slow who kills it is, it is not done by then."""

    def tell(progress: Progress) -> None:
        print(progress.message, flush=True)
        if int(progress.message.split("step ")[1].split(" ")[0]) == last:
            time.sleep(600)

    torch.set_num_threads(1)
    data = DataLoader(Noisy(), batch_size=32, shuffle=True, generator=torch.Generator())
    plan = Plan(epochs=3, learning_rate=0.01, evaluate_every=7, patience=9, checkpoint_every_s=0)
    with listening(tell):
        fitted = fit(net(), data, nn.CrossEntropyLoss(), plan, evaluate=accuracy, checkpoint=checkpoint)
    found = fitted.report.to_dict() | {"weights": digest(take(fitted.model).values())}
    Path(checkpoint).with_suffix(".json").write_text(json.dumps(found))


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]))
