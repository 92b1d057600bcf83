"""What trials do with the workload that is sent to them."""

import time

import torch
from deaths import mark

from tauto.execution import load


def zero(path):
    """Overwrite every weight and buffer."""
    model = load(path)["model"]
    with torch.no_grad():
        for tensor in [*model.parameters(), *model.buffers()]:
            tensor.zero_()
    return sum(float(tensor.abs().sum()) for tensor in model.parameters())


def evaluate(path):
    sent = load(path)
    return sent["evaluate"](sent["model"])


def outputs(path):
    sent = load(path)
    with torch.inference_mode():
        return sent["model"](sent["inputs"]).tolist()


def compiled(path):
    sent = load(path)
    with torch.inference_mode():
        return torch.compile(sent["model"], backend="eager")(sent["inputs"]).tolist()


def tied(path):
    model = load(path)["model"]
    return model.first.weight is model.second.weight


class Slow(torch.utils.data.Dataset):
    def __init__(self, marks):
        self.marks = marks

    def __len__(self):
        return 8

    def __getitem__(self, index):
        mark(self.marks, f"worker{torch.utils.data.get_worker_info().id}")
        time.sleep(300)


def sleep_with_loader_workers(marks):
    mark(marks, "root")
    return len(list(torch.utils.data.DataLoader(Slow(marks), num_workers=2)))
