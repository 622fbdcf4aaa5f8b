"""Clusters for the tests: one worker, two tasks at once, in this process or in one of its own."""

import logging

import dask
import isles.dask
from distributed import Client, LocalCluster

logging.getLogger("distributed").setLevel(logging.CRITICAL)  # failing tasks are logged with their traceback
dask.config.set({"distributed.deploy.lost-worker-timeout": "1 hour"})  # else one is given up in a later test's restart

LONG = 60  # seconds: what takes longer hangs


class Cluster:
    """Of one worker, with its client; a context manager."""

    def __init__(self, worker_class=isles.dask.Worker, **options):
        self._cluster = LocalCluster(
            worker_class=worker_class,
            n_workers=1,
            threads_per_worker=2,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
            **options,
        )
        self._client = Client(self._cluster)

    def __enter__(self):
        return self._client

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._client.close()
        self._cluster.close()
