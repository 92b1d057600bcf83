"""Where a trial runs: in a process of its own, so that nothing it does reaches the user's."""

from tauto.execution.job import Failure, Job, Outcome
from tauto.execution.local import LocalExecutor, RunningJob, executor
from tauto.execution.memory import default_limit_bytes
from tauto.execution.preload import libraries_since
from tauto.execution.resident import ResidentModule
from tauto.execution.shares import Share, shares_of
from tauto.execution.transfer import load, save_workload
from tauto.execution.workspace import Workspace, compiler_cache, new_workspace

__all__ = [
    "Failure",
    "Job",
    "LocalExecutor",
    "Outcome",
    "ResidentModule",
    "RunningJob",
    "Share",
    "Workspace",
    "compiler_cache",
    "default_limit_bytes",
    "executor",
    "libraries_since",
    "load",
    "new_workspace",
    "save_workload",
    "shares_of",
]
