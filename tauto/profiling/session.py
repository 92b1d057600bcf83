"""Profile whatever runs inside a ``with`` block, or a model by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import torch
from torch import nn

from tauto.errors import InvalidArgument
from tauto.interrupts import held_interrupts
from tauto.profiling.analysis import Observation, analyse
from tauto.profiling.holders import Holders
from tauto.profiling.lines import LineWatch
from tauto.profiling.memory import MemoryWatch
from tauto.profiling.names import name_of
from tauto.profiling.observed import Observed
from tauto.profiling.patches import watching
from tauto.profiling.phases import PhaseClock
from tauto.profiling.recorder import Recorder
from tauto.profiling.sampling import SAMPLES
from tauto.profiling.spans import Spans, spans_of
from tauto.profiling.stack_lines import stack_lines
from tauto.profiling.steps import number_windows
from tauto.profiling.tracer import Tracer
from tauto.profiling.usage import UsageWatch
from tauto.profiling.watch import Watch
from tauto.reports.profile import ProfileReport
from tauto.workload import seen

__all__ = ["ProfileSession", "profile_model"]

_one_at_a_time = threading.Lock()
_LOOK_S = 0.01
"""Between two looks at the thread of the cell."""


class ProfileSession:
    """A profile of the code inside a ``with`` block.

    The first calls of each model that the block calls are traced operator by operator, up to five after a first one
    that warms up, and later a step now and then while that costs next to nothing; all others are only timed. No model
    is touched, and an error inside rises as it would without the profile: the report then tells what happened until
    there.

    Parameters
    ----------
    names : mapping, optional
        A namespace in which models have names, such as ``globals()``. Looked into when the block has ended.
    subject : str
        What is profiled, for the report.
    stacks : bool
        Whether the Python stack of each operator is recorded too.

    Raises
    ------
    InvalidArgument
        On entering, when a profile is at work in this process already.

    Examples
    --------
    >>> net = nn.Linear(4, 2)
    >>> with ProfileSession({"net": net}) as session:  # doctest: +SKIP
    ...     net(torch.zeros(1, 4))
    >>> session.report.roots[0].name  # doctest: +SKIP
    'net'
    """

    def __init__(
        self,
        names: Mapping[str, object] | None = None,
        *,
        subject: str = "cell",
        stacks: bool = False,
    ) -> None:
        self._names = {} if names is None else names
        self._subject = subject
        self._stacks = stacks
        self._clock = PhaseClock()
        self._tracer = Tracer(self._clock, stacks=stacks)
        self._recorder = Recorder(self._tracer, Holders())
        self._observed = Observed(lambda: [root.model() for root in self._recorder.roots], self._clock)
        self._memory = MemoryWatch()
        self._usage = UsageWatch(self._memory.look)
        self._lines = LineWatch(threading.get_ident(), self._recorder.phase)
        self._watch = Watch(
            _LOOK_S, ((1, self._lines.look), (2, self._memory.look), (2, self._recorder.look), (10, self._usage.look))
        )
        self._stack = ExitStack()
        self._began = 0
        self._observation: Observation | None = None
        self._report: ProfileReport | None = None
        self._spans = Spans()

    def __enter__(self) -> Self:
        if not _one_at_a_time.acquire(blocking=False):
            raise InvalidArgument(
                "profile: a profile is at work in this process already. Let it end before another begins, or "
                "profile once around both."
            )
        with held_interrupts(), ExitStack() as stack:  # undone from the last to the first, whatever each raises
            stack.callback(_one_at_a_time.release)
            stack.callback(self._memory.close)
            self._memory.open()
            stack.callback(self._watch.stop)
            self._watch.start()
            stack.callback(self._tracer.stop)
            self._recorder.pause = stack.enter_context(watching(self._recorder))
            stack.enter_context(self._observed.watching())
            stack.callback(self._recorder.close)
            self._usage.note()
            self._stack = stack.pop_all()
        self._began = time.perf_counter_ns()
        self._recorder.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with held_interrupts():
            self._recorder.close()
            self._usage.note()
            self._stack.close()
            self._observe()

    def _observe(self) -> None:
        """Take down what needs the user's objects."""
        number_windows(self._recorder)
        names: dict[int, str] = {}
        for root in self._recorder.roots:
            if (model := root.model()) is not None:
                names[root.index] = name_of(model, self._names)
                root.remembered_samples = sum(call.batch for call in seen.calls_of(model))
        self._observation = Observation(
            subject=self._subject,
            began_ns=self._began,
            peak_bytes=self._memory.peak_bytes,
            recorder=self._recorder,
            names=names,
            threads=torch.get_num_threads(),
            lines=self._lines.rows(),
            looks=self._lines.looks,
            usage=self._usage.usage(self._began),
            line_of=stack_lines() if self._stacks else None,
            beside=self._observed.seen(self._names),
        )

    @property
    def report(self) -> ProfileReport:
        """The report, analysed when first asked for (this may take a second; ``analysis_ms`` says it).

        Raises
        ------
        InvalidArgument
            While the block has not ended.
        """
        if self._report is None:
            if self._observation is None:
                raise InvalidArgument("profile: the report is there when the with block has ended.")
            began = time.perf_counter_ns()
            self._spans = spans_of(self._tracer.windows, self._recorder.keys, self._began)
            own_ms = (time.perf_counter_ns() - began) / 1e6
            report = analyse(self._observation)
            self._report = replace(report, analysis_ms=report.analysis_ms + own_ms)
            self._observation = None
            self._tracer.windows.clear()
            self._recorder.keys.clear()
        return self._report

    @property
    def spans(self) -> Spans:
        """What ran when in the traced windows, for a trace file; there when the report is.

        Raises
        ------
        InvalidArgument
            While the block has not ended.
        """
        return self._spans if self.report is not None else Spans()


def profile_model(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any] | None = None,
    calls: int = SAMPLES + 1,
    *,
    names: Mapping[str, object] | None = None,
    subject: str | None = None,
    stacks: bool = False,
) -> ProfileSession:
    """Return the ended session of a few calls of ``model`` as it is: its own mode, the caller's gradient mode.

    One more call goes before, untimed, to warm up.

    Parameters
    ----------
    model : nn.Module
        Called as ``model(*args, **kwargs)``; its errors rise unchanged.
    args, kwargs
        The arguments of each call.
    calls : int
        How often it is called under the profile, at least 1.
    names : mapping, optional
        A namespace in which the model has a name.
    subject : str, optional
        What is profiled, for the report; default the model's name or class.
    stacks : bool
        As of :class:`ProfileSession`.
    """
    if calls < 1:
        raise InvalidArgument(f"calls: {calls} is too few. Write 1 or more.")
    keywords = dict(kwargs or {})
    space = {} if names is None else names
    model(*args, **keywords)
    title = subject or name_of(model, space) or type(model).__name__
    with ProfileSession(space, subject=title, stacks=stacks) as session:
        for _ in range(calls):
            model(*args, **keywords)
    return session
