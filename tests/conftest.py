"""What holds for every test."""

import signal

import pytest
from hypothesis import HealthCheck, settings

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
    """What one test has compiled another may find; the user's own cache stays as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAUTO_COMPILED", str(tmp_path_factory.mktemp("compiled")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _interrupts_arrive():
    """Ctrl-C raises KeyboardInterrupt, also where a shell that put the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
