"""What ``%load_ext tauto_magics`` costs over bare IPython, and that it imports no torch.

python -m benchmarks.loading
"""

from __future__ import annotations

import statistics
import subprocess
import sys

ROUNDS = 15
_CODE = """
import sys, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
start = time.perf_counter()
if sys.argv[1] == "tauto":
    shell.run_line_magic("load_ext", "tauto_magics")
print(1000 * (time.perf_counter() - start), "torch" in sys.modules)
"""


def _once(what: str) -> tuple[float, bool]:
    done = subprocess.run([sys.executable, "-c", _CODE, what], capture_output=True, text=True, check=True)
    milliseconds, torch = done.stdout.split()
    return float(milliseconds), torch == "True"


def main() -> None:
    """Time both in turn, each in a fresh process."""
    runs = [(_once("bare"), _once("tauto")) for _ in range(ROUNDS)]
    costs = [loaded[0] - bare[0] for bare, loaded in runs]
    print(f"%load_ext tauto_magics over bare IPython, {ROUNDS} fresh processes each:")
    print(f"  median {statistics.median(costs):.1f} ms, from {min(costs):.1f} to {max(costs):.1f} ms")
    print(f"  torch imported: {any(loaded[1] for _, loaded in runs)}")


if __name__ == "__main__":
    main()
