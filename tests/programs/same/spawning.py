"""Processes, by spawn, from a script: they import it again and find its functions."""
import concurrent.futures
import multiprocessing
import os


class Shape:
    def __init__(self, side):
        self.side = side


def area(shape):
    return shape.side**2, __name__, os.getpid() != PARENT if "PARENT" in globals() else True


def tell(queue):
    queue.put("told")


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        print(pool.map(area, [Shape(1), Shape(2), Shape(3)]))
    queue = context.Queue()
    process = context.Process(target=tell, args=(queue,))
    process.start()
    print(queue.get(timeout=60))
    process.join()
    print(process.exitcode)
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        print(pool.submit(area, Shape(4)).result())
    with context.Manager() as manager:
        shared = manager.dict(a=1)
        print(dict(shared))
