"""A Dask cluster in one process whose tasks run in interpreters, on all cores. One that fails tells where, one that runs away
is stopped.

    pip install distributed
    python dask_cluster.py
"""

import traceback

import dask
from distributed import Client, LocalCluster

import isles
import isles.dask


def collatz(start):
    """The longest chain of those that begin at start, …, start + 9,999."""

    def length(number):
        steps = 1
        while number != 1:
            number = number // 2 if number % 2 == 0 else 3 * number + 1
            steps += 1
        return steps

    return max((length(number), number) for number in range(start, start + 10_000))


def first_price(orders):
    return orders[0]["price"]


def run_away():
    while True:
        pass


def main():
    cluster = LocalCluster(
        worker_class=isles.dask.Worker, n_workers=1, threads_per_worker=2, dashboard_address=None, silence_logs="CRITICAL"
    )
    with cluster, Client(cluster) as client:
        parts = client.map(collatz, range(1, 100_001, 10_000))
        steps, number = client.submit(max, parts).result()
        print(f"the longest chain below 100,000 begins at {number:,} and has {steps} numbers")
        try:
            client.submit(first_price, [{"number": 7}]).result()
        except KeyError as error:
            print(f"a task failed: no {error}, in {traceback.extract_tb(error.__traceback__)[-1].name}()")
        with dask.annotate(timeout=0.5):
            endless = client.submit(run_away)
        try:
            endless.result()
        except isles.DeadlineExceeded as error:
            print(error)


if __name__ == "__main__":
    main()
