"""isles.InterpreterPoolExecutor: concurrent.futures over interpreters.

Each worker is an interpreter with a queue of its own, which runs _work.serve() as one long job; all answer into one queue, in
the order in which they were asked. One thread reads that queue, ends futures, and gives the next tasks out. A worker gets a
second task only while all are busy, so that it need not wait between two; if another comes free meanwhile, that second task
is taken back.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future, InvalidStateError, ThreadPoolExecutor
from time import monotonic
from traceback import format_exception_only
from typing import Any, ParamSpec, TypeVar

from . import _checks, _core, _work
from ._errors import InterpreterError, execution_failed, not_made, of_task
from ._interpreter import Interpreter, Job

P = ParamSpec("P")
T = TypeVar("T")

__all__ = ["BrokenInterpreterPool", "InterpreterPoolExecutor"]

_END_SECONDS = 5.0
_AHEAD = 2  # tasks that a worker has at most: the one it runs, and the next

_numbers = itertools.count()
_LOGGER = logging.getLogger("concurrent.futures")


class BrokenInterpreterPool(BrokenExecutor):
    """The pool can't go on: an initializer failed, or no worker could be made."""


class _Future(Future[T]):
    """Whose waiter waits at a gate, which looks before it sleeps; a lock's waiter would have to be woken each time."""

    _gate: _core._Gate | None = None

    def result(self, timeout: float | None = None) -> T:
        return super().result(self._wait(timeout))

    def exception(self, timeout: float | None = None) -> BaseException | None:
        return super().exception(self._wait(timeout))

    def _wait(self, timeout: float | None) -> float | None:
        """What is left of the timeout."""
        if _is_over(timeout) or self.done():
            return timeout
        gate = self.__dict__.setdefault("_gate", _core._Gate())  # one for all who wait
        if not self.done():
            gate.wait(timeout)
        return timeout if timeout is None else 0

    def _open(self) -> None:
        gate = self._gate
        if gate is not None:
            gate.open()

    def set_result(self, result: T) -> None:
        super().set_result(result)
        self._open()

    def set_exception(self, exception: BaseException | None) -> None:
        super().set_exception(exception)
        self._open()

    def cancel(self) -> bool:
        cancelled = super().cancel()
        if cancelled:
            self._open()
        return cancelled


def _is_over(timeout: float | None) -> bool:
    try:
        return timeout is not None and timeout <= 0
    except TypeError:
        raise TypeError(f"'timeout' must be a number of seconds or None, not {type(timeout).__name__}") from None


class _Task:
    __slots__ = ("args", "function", "future", "kwargs")

    def __init__(self, function: Any, args: Any, kwargs: Any, future: _Future[Any]) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs
        self.future = future


_End = tuple[_Future[Any], str, Any]  # a future that ends, and how: see _exception()


class _Worker:
    """An interpreter of the pool. `given` are the tasks that it has, in order; the pool's lock guards them."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.interpreter: Interpreter | None = None  # None: it is being made
        self.tasks = _core.create_queue()
        self.given: deque[_Task] = deque()
        self.served = 0
        self.leaving = False  # gets no more tasks
        self.job: Job | None = None
        self.failure: BaseException | None = None  # why it could not be made

    def leave(self) -> None:
        """It gets no more tasks, and ends when it has done those that it has."""
        self.leaving = True
        self.tasks.close()


class _Scheduler:
    """What a pool is made of, without the pool: its threads may outlive it, to finish what was submitted."""

    def __init__(
        self, max_workers: int, prefix: str, initializer: tuple[Any, ...] | None, most_tasks: int | None,
        settings: dict[str, Any],
    ) -> None:
        self.max_workers = max_workers
        self.prefix = prefix
        self.initializer = initializer
        self.most_tasks = most_tasks
        self.settings = settings
        self.answers = _core.create_queue()
        self.lock = threading.Lock()  # guards what follows
        self.pending: deque[_Task] = deque()
        self.workers: dict[int, _Worker] = {}
        self.numbers = itertools.count()
        self.ends: list[threading.Thread] = []  # of workers, on their way
        self.collector: threading.Thread | None = None
        self.shutdown = False
        self.broken: str | None = None

    # --- giving out -------------------------------------------------------------------------------------------------

    def submit(self, task: _Task) -> None:
        with self.lock:
            if self.broken is not None:
                raise BrokenInterpreterPool(self.broken)
            if self.shutdown:
                raise RuntimeError("cannot schedule new futures after shutdown")
            if _exiting:
                raise RuntimeError("cannot schedule new futures after interpreter shutdown")
            self.pending.append(task)
            self.give_out()
            if self.collector is None:
                self.collector = threading.Thread(target=_collect, args=(self,), name=self.prefix, daemon=True)
                _collectors[self.collector] = self.answers
                self.collector.start()

    def give_out(self) -> None:
        """Lock held. Pending tasks to workers: to idle ones, then to new ones, then ahead of time."""
        while self.pending:
            worker = self.idlest()
            if worker is None or worker.given:
                if len(self.workers) < self.max_workers:
                    worker = self.add_worker()
                elif worker is None or worker.interpreter is None or len(worker.given) >= _AHEAD:
                    return
            self.give(worker, self.pending.popleft())

    def idlest(self) -> _Worker | None:
        best = None
        for worker in self.workers.values():
            if not worker.leaving and (best is None or len(worker.given) < len(best.given)):
                best = worker
                if not worker.given and worker.interpreter is not None:
                    break
        return best

    def give(self, worker: _Worker, task: _Task) -> None:
        if task.future.done() and not task.future.cancelled():
            return  # somebody ended it himself
        if task.future.set_running_or_notify_cancel():
            self.put(worker, task)

    def put(self, worker: _Worker, task: _Task) -> None:
        try:
            worker.tasks.put((worker.served, task.function, task.args, task.kwargs))
        except _core.NotShareableError as error:
            task.future.set_exception(of_task(error, isinstance(task.function, _work.Chunk)))
            return
        except BaseException as error:
            task.future.set_exception(error)
            return
        worker.given.append(task)
        worker.served += 1
        if worker.served == self.most_tasks:
            worker.leave()

    def steal(self, idle: _Worker) -> None:
        """Lock held. An idle worker gets what another has beside what it runs."""
        for other in self.workers.values():
            if len(other.given) >= _AHEAD and not other.leaving:
                last = other.served - 1  # the number of the one that was put last
                try:
                    number = other.tasks.get_nowait()[0]
                except (_core.QueueEmpty, _core.QueueClosed):
                    continue  # it has begun with the last one, or will be the idle one soon
                except Exception:
                    number = last  # taken out, though it can't be read here; the worker would say so, too
                if number == last:
                    task = other.given.pop()
                else:  # it has not begun at all: this was the first
                    task = other.given.popleft()
                self.put(idle, task)
                return

    def add_worker(self) -> _Worker:
        worker = _Worker(next(self.numbers))
        self.workers[worker.number] = worker
        threading.Thread(
            target=_make, args=(self, worker), daemon=True, name=f"{self.prefix} makes {worker.number}"
        ).start()
        return worker

    # --- taking answers; the collector's thread ---------------------------------------------------------------------

    def take(self, answers: list[tuple[int, str, Any]]) -> list[_End]:
        """Lock held. Which futures end, and how."""
        ends: list[_End] = []
        for number, kind, value in answers:
            worker = self.workers.get(number)
            if worker is None:
                continue  # somebody wants us to look, that is all
            if kind == "gone":
                ends += self.forget(worker)
            elif kind == "broken":
                ends += self.break_off(*_why_broken(worker, value))
            else:
                ends.append((worker.given.popleft().future, kind, value))
            if not worker.given and not worker.leaving and not self.pending and len(self.workers) > 1:
                self.steal(worker)
        self.give_out()
        if (self.shutdown or _exiting) and not self.pending:
            self.shutdown = True
            for worker in self.workers.values():
                if not worker.given:  # the others when they have done, or lost, what they have
                    worker.leave()
        return ends

    def forget(self, worker: _Worker) -> list[_End]:
        """Its job has ended: by itself, since its queue was closed, or because it was lost."""
        del self.workers[worker.number]
        why = InterpreterError(f"worker {worker.number} of {self.prefix} ended before its task did")
        if worker.given and worker.job is not None:
            why.__cause__ = worker.job.exception()
        if worker.interpreter is not None:
            end = threading.Thread(target=_end, args=(worker.interpreter,), daemon=True)
            end.start()
            self.ends = [e for e in self.ends if e.is_alive()] + [end]
        return [(task.future, "raise", why) for task in worker.given]

    def break_off(self, what: str, why: BaseException | None) -> list[_End]:
        """Everything that waits fails, and nothing can be submitted any more."""
        self.broken = f"{what}: {_in_a_line(why)}; the pool is not usable any more"
        broken = BrokenInterpreterPool(self.broken)
        broken.__cause__ = why
        _LOGGER.critical("%s:", what, exc_info=why)
        tasks = [task for task in self.pending if task.future.set_running_or_notify_cancel()]
        self.pending.clear()
        for worker in self.workers.values():
            tasks += worker.given
            worker.given.clear()
            worker.leave()
        return [(task.future, "raise", broken) for task in tasks]

    # --- the end ----------------------------------------------------------------------------------------------------

    def leave(self, cancel_futures: bool = False) -> None:
        with self.lock:
            self.shutdown = True
            cancelled = list(self.pending) if cancel_futures else []
            if cancel_futures:
                self.pending.clear()
        for task in cancelled:
            task.future.cancel()
        _say(self.answers, (-1, "look", None))


class InterpreterPoolExecutor(ThreadPoolExecutor):
    """Runs calls in a pool of interpreters, in parallel, as concurrent.futures.InterpreterPoolExecutor does.

    max_workers          None: as many as the process may use cores
    thread_name_prefix   begins the workers' names
    initializer, initargs  called in each worker first; if it fails the pool is broken
    max_tasks_per_child  a worker is replaced by a fresh one after so many tasks; None: never

    The rest are the settings of each worker's isles.Interpreter, checked at once. Functions, arguments and results are copied
    between interpreters; an exception comes back as itself where it can cross. Workers are made in the background, as they
    are needed. One that is lost (it ended, or is stuck) is replaced; what it was doing fails with InterpreterError.

    It is a ThreadPoolExecutor by name only, for asyncio's loop.set_default_executor().

    >>> with isles.InterpreterPoolExecutor(2) as pool:
    ...     future = pool.submit(sum, range(10))
    ...     future.result()
    45
    """

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        max_tasks_per_child: int | None = None,
        **interpreter: Any,
    ) -> None:
        if max_workers is None:
            max_workers = min(32, _cores())
        if _checks.integer("max_workers", max_workers) <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        if max_tasks_per_child is not None and (not isinstance(max_tasks_per_child, int) or max_tasks_per_child <= 0):
            raise ValueError("max_tasks_per_child must be a positive int, or None")
        self._max_workers = max_workers
        self._thread_name_prefix = thread_name_prefix or f"InterpreterPoolExecutor-{next(_numbers)}"
        self._scheduler = _Scheduler(
            max_workers,
            self._thread_name_prefix,
            (initializer, initargs) if initializer is not None else None,
            max_tasks_per_child,
            _checked(interpreter),
        )
        weakref.finalize(self, self._scheduler.leave)  # forgotten: what was submitted is finished

    @property
    def _threads(self) -> set[Any]:  # type: ignore[override]  # what others count
        return set(self._scheduler.workers.values())

    @property
    def _broken(self) -> str | bool:  # type: ignore[override]
        return self._scheduler.broken or False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: _Future[T] = _Future()
        self._scheduler.submit(_Task(fn, args, kwargs, future))
        return future

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[T]:
        """As Executor.map(); chunksize items go to a worker at once; buffersize tasks at the most are under way."""
        if _checks.integer("chunksize", chunksize) < 1:
            raise ValueError("chunksize must be >= 1.")
        if buffersize is not None and not isinstance(buffersize, int):
            raise TypeError("buffersize must be an integer or None")
        if buffersize is not None and buffersize < 1:
            raise ValueError("buffersize must be None or > 0")
        items = zip(*iterables)
        if chunksize == 1:
            return _results(self, fn, items, timeout, buffersize)
        chunks = ((chunk,) for chunk in iter(lambda: list(itertools.islice(items, chunksize)), []))
        chunked = _results(self, _work.Chunk(fn), chunks, timeout, buffersize)
        return itertools.chain.from_iterable(chunked)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._scheduler.leave(cancel_futures)
        collector = self._scheduler.collector
        if wait and collector is not None and collector is not threading.current_thread():
            collector.join()


def _results(
    pool: InterpreterPoolExecutor, fn: Any, items: Iterator[Any], timeout: float | None, buffersize: int | None
) -> Iterator[Any]:
    end = timeout + monotonic() if timeout is not None else None
    futures = deque(pool.submit(fn, *args) for args in itertools.islice(items, buffersize))

    def results() -> Iterator[Any]:
        try:
            while futures:
                future = futures.popleft()
                if buffersize is not None:
                    futures.extend(pool.submit(fn, *args) for args in itertools.islice(items, 1))
                yield future.result(end - monotonic() if end is not None else None)
                del future
        finally:
            for future in futures:
                future.cancel()

    return results()


class _Trial(Interpreter):
    """Settings are looked at, and no interpreter is made."""

    def _create(self, settings: dict[str, Any]) -> None:
        pass


_LISTS = ("path", "warnings", "xoptions")


def _checked(settings: dict[str, Any]) -> dict[str, Any]:
    """What each worker's interpreter is made with: the pool gives name and number itself."""
    once = {name: list(settings[name]) for name in _LISTS if isinstance(settings.get(name), Iterator)}
    settings = {**settings, **once}
    _Trial("", number=0, **settings)
    return settings


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


# --- threads of the pool ----------------------------------------------------------------------------------------------

_exiting = False
_collectors: weakref.WeakKeyDictionary[threading.Thread, _core.Queue] = weakref.WeakKeyDictionary()


def _make(scheduler: _Scheduler, worker: _Worker) -> None:
    """A worker's interpreter and its job."""
    gone = worker.number, "gone", None
    try:
        name = f"{scheduler.prefix}_{worker.number}"
        interpreter = Interpreter(name, number=worker.number, **scheduler.settings)
        worker.job = interpreter._submit(
            "apply",
            _work.serve,
            (worker.number, worker.tasks, scheduler.answers, scheduler.initializer),
            tell=(scheduler.answers, gone),
        )
        worker.interpreter = interpreter
    except BaseException as error:
        worker.failure = error
        _say(scheduler.answers, (worker.number, "broken", None))
        _say(scheduler.answers, gone)


def _say(answers: _core.Queue, what: Any) -> None:
    try:
        answers.put(what)
    except _core.QueueClosed:
        pass


def _end(interpreter: Interpreter) -> None:
    try:
        interpreter.close(_END_SECONDS)
    except InterpreterError:
        pass  # it is stuck: reported by whoever waited for its task


def _collect(scheduler: _Scheduler) -> None:
    """The collector: until the pool was shut down, or forgotten, and its workers have gone."""
    gates: list[_core._Gate] = []
    while True:
        got = scheduler.answers._open_and_get_many(gates, 100)
        with scheduler.lock:
            ends = scheduler.take(got)
            over = scheduler.shutdown and not scheduler.workers and not scheduler.pending
        gates = _finish(ends)
        del got, ends
        if over:
            for gate in gates:
                gate.open()
            for end in scheduler.ends:
                end.join()
            return


def _finish(ends: list[_End]) -> list[_core._Gate]:
    """The gates that are to be opened: their waiters want the GIL, which is to be let go first."""
    for future, kind, value in ends:
        try:
            if kind == "value":
                Future.set_result(future, value)
            else:
                Future.set_exception(future, _exception(kind, value))
        except InvalidStateError:
            pass  # somebody ended it himself
    return [future._gate for future, _, _ in ends if future._gate is not None]


def _why_broken(worker: _Worker, value: Any) -> tuple[str, BaseException | None]:
    if value is None:
        return "a worker could not be made", worker.failure
    return "the initializer failed", _exception("error", value)


def _in_a_line(error: BaseException | None) -> str:
    """Without what is indented before it, of a syntax error, and notes after it."""
    lines = "".join(format_exception_only(error)).splitlines()
    return next((line for line in lines if not line.startswith(" ")), "")


def _exception(kind: str, value: Any) -> BaseException:
    """An error is (exception or None, message, text): what serve() says of what the task raised."""
    if kind == "raise":
        assert isinstance(value, BaseException)
        return value
    itself, message, text = value
    if kind == "lost":
        return not_made(itself if itself is not None else execution_failed(message, text))
    failure = execution_failed(message, text)
    if itself is None:
        return failure
    assert isinstance(itself, BaseException)
    itself.__cause__ = failure
    return itself


def _python_exit() -> None:
    """Before Python joins its threads and takes itself apart: what was submitted is finished, then the workers end."""
    global _exiting
    _exiting = True
    for answers in list(_collectors.values()):
        _say(answers, (-1, "look", None))
    for collector in list(_collectors):
        collector.join()


threading._register_atexit(_python_exit)  # type: ignore[attr-defined]  # as concurrent.futures.thread does

for _public in (BrokenInterpreterPool, InterpreterPoolExecutor):
    _public.__module__ = "isles"  # where users find them
