"""In a process of its own, since the setting cannot be taken back."""

import subprocess
import sys

import pytest

_CODE = """
import resource, sys
import torch
from tauto.measurement import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()

def work():
    a = torch.ones(500_000)
    return (a + 1) * (a + 2)

for _ in range(10):
    work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(200):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(how):
    done = subprocess.run([sys.executable, "-c", _CODE, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_freed_memory_is_not_faulted_in_again():
    assert _faults("kept") < 0.2 * _faults("fresh")
