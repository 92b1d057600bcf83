"""What holds for every test."""

import gc
import os
import signal
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from tauto.conversion.openvino import import_openvino
from tauto.conversion.signal_stack import kept_signal_stack

# a machine that stalls takes as long as it likes over an example
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# the rooms whose tests run real models against a clock
MEASURED = {"execution", "magics", "measurement", "profiling", "tuning", "verbs"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ask again, at most twice, where a measurement did not come out: the machine may have stalled. No other error."""
    for item in items:
        if item.path.parent.name in MEASURED:
            item.add_marker(pytest.mark.flaky(reruns=2, only_rerun=["AssertionError"]))


def pytest_collection_finish() -> None:
    """Spare every later collection of garbage a look through all that was imported."""
    gc.collect()
    gc.freeze()


class Together(LoadScopeScheduling):
    """What is made once stays in one of the processes that share the suite: a file's fixtures, a case of the contract.

    Marks would say the same (``--dist loadgroup``), but pytest-xdist 3.8 loses them under pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, name = nodeid.partition("::")
        return name.partition("[")[2] or file if file.startswith("tests/contract/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """Share the suite in this way wherever processes do (``-n``)."""
    return Together(config, log)


@pytest.fixture(scope="session", autouse=True)
def _signal_stack_kept():
    """Generated scripts compile in this process without TAuto's care of the signal stack; the next signal ended it."""
    core = import_openvino().Core
    compile_model = core.compile_model

    def careful(*arguments, **options):
        with kept_signal_stack():
            return compile_model(*arguments, **options)

    core.compile_model = careful
    yield
    core.compile_model = compile_model


@pytest.fixture(scope="session", autouse=True)
def _compilers_cache_is_the_tests_own(tmp_path_factory):
    """What one test has compiled another may find, in whatever process; the user's own cache stays as it is."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAUTO_COMPILED", str(folder / "compiled"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _interrupts_arrive():
    """Ctrl-C raises KeyboardInterrupt, also where a shell that put the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
