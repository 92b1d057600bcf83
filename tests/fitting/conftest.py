"""One thread: two on two cores stand still whenever another process takes one of them."""

import pytest
import torch

from tauto.workload.state import thread_count


@pytest.fixture(autouse=True)
def _one_thread():
    with thread_count(1):
        torch.manual_seed(0)
        yield
