"""A Ray cluster of one's own, of two nodes of this machine: for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["private_ray"]

NODE = {"num_cpus": 1, "object_store_memory": 80_000_000}
QUICK = {"health_check_period_ms": 1000, "health_check_timeout_ms": 3000, "health_check_failure_threshold": 4}
"""Of the head: a node that was killed is missed within seconds."""


@contextmanager
def private_ray() -> Iterator[tuple[Any, Any]]:
    """Start a cluster of two nodes of a core each; yield it, and its second node, which may be removed."""
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "_system_config": QUICK})
    try:
        second = cluster.add_node(**NODE)
        cluster.wait_for_nodes()
        yield cluster, second
    finally:
        ray.shutdown()
        cluster.shutdown()
