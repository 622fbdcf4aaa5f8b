"""A Dask worker whose tasks run in interpreters, each with its own GIL. Dask's `distributed` schedules, over machines.

    dask worker --worker-class isles.dask.Worker --nthreads 8 tcp://scheduler:8786

    LocalCluster(worker_class=isles.dask.Worker, n_workers=1, threads_per_worker=8)   in this process
    LocalCluster(worker_class=isles.dask.Nanny, n_workers=1, threads_per_worker=8)    in a process of its own

docs/dask.md tells the whole.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import pickle
import sys
import threading
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from . import _checks
from ._errors import DeadlineExceeded, InterpreterError, execution_failed
from ._interpreter import Interpreter, Job

try:
    import dask  # type: ignore[import-not-found, unused-ignore]
    import distributed  # type: ignore[import-not-found, unused-ignore]
    from dask._task_spec import Task  # type: ignore[import-not-found, unused-ignore]
    from dask.system import CPU_COUNT  # type: ignore[import-not-found, unused-ignore]
    from dask.utils import parse_timedelta  # type: ignore[import-not-found, unused-ignore]
    from distributed.threadpoolexecutor import (  # type: ignore[import-not-found, unused-ignore]
        ThreadPoolExecutor as DaskThreads,
    )

    from . import _dask_task
except ImportError as error:
    raise ImportError(f"isles.dask needs Dask's scheduler: pip install distributed ({error})") from error

__all__ = ["Executor", "Nanny", "Worker"]


class _Call:
    """A task that is to run in an interpreter; called with what it depends on, in a thread of the executor."""

    def __init__(self, executor: Executor, task: Any, timeout: float | None) -> None:
        self.task = task
        self._executor = executor
        self._timeout = timeout
        self._lock = threading.Lock()  # guards what follows
        self._cancelled = False
        self._job: Job | None = None

    def __call__(self, values: Mapping[Any, Any]) -> Any:
        try:
            end = self._executor._run(self, values)
        finally:
            self._executor._forget(self)
        if len(end) > 1:
            raise _exception(*end)
        return _result(end[0])

    def cancel(self) -> None:
        """Stops it, or keeps it from beginning. Returns at once."""
        with self._lock:
            self._cancelled = True
            job = self._job
        if job is not None:
            job.cancel()

    def run(self, interpreter: Interpreter, task: Any, values: Mapping[Any, Any]) -> tuple[Any, ...]:
        with self._lock:
            if self._cancelled:
                raise _reschedule()
            runs = interpreter if self._timeout is None else interpreter.within(self._timeout)
            self._job = runs.submit(_dask_task.run, task, values)
        try:
            end: tuple[Any, ...] = self._job.result()
            return end
        except DeadlineExceeded:
            raise DeadlineExceeded(f"the task was stopped: it did not end within {self._timeout:g} seconds") from None
        except InterpreterError as error:
            if self._cancelled:
                raise _reschedule() from error
            raise


def _reschedule() -> Exception:
    """To Dask: it has no result. Whoever still wants it, or again, is to have it computed anew."""
    error: Exception = distributed.Reschedule()
    return error


class Executor(ThreadPoolExecutor):
    """Of a Dask worker: runs tasks in interpreters, one for each of its threads, and anything else in the thread.

    The settings are isles.Interpreter's. Interpreters are made as they are needed, the first one at once, so that
    settings which are wrong are told where the worker is made.

    Dask goes by names: a class with "ThreadPoolExecutor" in its own would be given closures instead of tasks.
    """

    def __init__(self, max_workers: int, **interpreter: Any) -> None:
        super().__init__(max_workers, "isles-dask")
        self._settings = interpreter
        self._timeout_of: Callable[[Any], float | None] = lambda key: None
        self._numbers = itertools.count()
        self._guard = threading.Lock()  # guards what follows
        self._calls: dict[Any, _Call] = {}
        self._idle: list[Interpreter] = []
        self._current: set[Interpreter] = set()  # those that get tasks: not renewed, not stuck
        self._over = False
        self._idle.append(self._make())
        _executors.add(self)

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """function is Dask's, and calls the task that is among the arguments."""
        if _exiting:
            return Future()  # never to end: what Dask said of it nobody would read
        return super().submit(function, *map(self._as_call, args), **kwargs)

    def cancel(self, key: Any) -> None:
        """Stops the task of that key, if it runs or is to run here."""
        with self._guard:
            call = self._calls.get(key)
        if call is not None:
            call.cancel()

    def renew(self) -> None:
        """Tasks that begin from here on run in new interpreters."""
        with self._guard:
            idle, self._idle = self._idle, []
            self._current.clear()
        for interpreter in idle:
            _end(interpreter)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Stops what runs, since nobody is there to take its result, and ends the interpreters."""
        with self._guard:
            self._over = True
        self._cancel_all()
        super().shutdown(wait, cancel_futures=True)
        self.renew()

    def _cancel_all(self) -> None:
        with self._guard:
            calls = list(self._calls.values())
        for call in calls:
            call.cancel()

    def _as_call(self, argument: Any) -> Any:
        if not isinstance(argument, Task):
            return argument
        call = _Call(self, argument, self._timeout_of(argument.key))
        with self._guard:
            self._calls[argument.key] = call
        return call

    def _forget(self, call: _Call) -> None:
        with self._guard:
            if self._calls.get(call.task.key) is call:
                del self._calls[call.task.key]

    def _run(self, call: _Call, values: Mapping[Any, Any]) -> tuple[Any, ...]:
        task = _pack("the task", call.task)
        packed = {key: _pack(f"the value of {key!r}", value) for key, value in values.items()}
        interpreter = self._take()
        try:
            return call.run(interpreter, task, packed)
        finally:
            self._give_back(interpreter)

    # --- interpreters -----------------------------------------------------------------------------------------------

    def _take(self) -> Interpreter:
        with self._guard:
            if self._idle:
                return self._idle.pop()
        return self._make()

    def _give_back(self, interpreter: Interpreter) -> None:
        usable = _is_usable(interpreter)
        with self._guard:
            if usable and not self._over and interpreter in self._current:
                self._idle.append(interpreter)
                return
            self._current.discard(interpreter)
        _end(interpreter)

    def _make(self) -> Interpreter:
        interpreter = Interpreter(f"dask-{next(self._numbers)}", **self._with_path())
        try:
            interpreter.call(_dask_task.prepare)
        except Exception as error:
            _end(interpreter)
            raise ImportError(f"the interpreters for tasks can't import what Dask needs: {error}") from error
        with self._guard:
            self._current.add(interpreter)
        return interpreter

    def _with_path(self) -> dict[str, Any]:
        """They find what the worker finds, uploaded files too, unless they have packages of their own."""
        if self._settings.get("venv") is not None:
            return self._settings
        path = [*_checks.items("path", self._settings.get("path")), *(entry or os.getcwd() for entry in sys.path)]
        return {**self._settings, "path": path}


def _is_usable(interpreter: Interpreter) -> bool:
    """Its code may have been left behind because nothing stopped it, and its thread with it; or has called os._exit()."""
    try:
        return interpreter.stats()["state"] in ("idle", "running")
    except InterpreterError:
        return False


def _end(interpreter: Interpreter) -> None:
    try:
        interpreter.close()
    except InterpreterError:
        pass  # it is stuck: told to whoever waited for its task


def _pack(what: str, value: Any) -> Any:
    try:
        return _dask_task.pack(value)
    except Exception as error:
        error.add_note(f"isles: {what} can't go to an interpreter")
        raise


def _result(packed: Any) -> Any:
    try:
        return _dask_task.unpack(packed)
    except Exception as error:
        error.add_note("isles: what the task returned can't be made on the worker")
        raise


def _exception(data: bytes | None, message: str, text: str) -> BaseException:
    """Itself, with its traceback, unless it is of a kind that only the interpreter knows."""
    try:
        itself = pickle.loads(data) if data is not None else None
    except Exception:
        itself = None
    return itself if isinstance(itself, BaseException) else execution_failed(message, text)


class _Cancels(distributed.WorkerPlugin):  # type: ignore[misc, unused-ignore]
    """Dask lets a task that nobody wants any more run on; here it is stopped."""

    name = "isles-cancels"

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def transition(self, key: Any, start: Any, finish: Any, **_: Any) -> None:
        if start == "executing" and finish == "released":
            self._executor.cancel(key)


class Worker(distributed.Worker):  # type: ignore[misc, unused-ignore]
    """A dask worker with `nthreads` interpreters, one for each task that runs at once.

    timeout      seconds after which a task is stopped, or as Dask writes times ("500ms"); a task's own annotation
                 "timeout" goes before. Default: isles.timeout of Dask's configuration, else never
    interpreter  settings of isles.Interpreter; default: isles.interpreter of Dask's configuration
    executor     more executors, by name. There are "default", the interpreters, and "threads", the worker's own
                 threads, for tasks that can't run in an interpreter: dask.annotate(executor="threads")

    The rest is distributed.Worker's.
    """

    def __init__(
        self,
        *args: Any,
        nthreads: int | None = None,
        timeout: float | str | None = None,
        interpreter: Mapping[str, Any] | None = None,
        executor: Mapping[str, Any] | None = None,
        plugins: tuple[Any, ...] = (),
        **kwargs: Any,
    ) -> None:
        if executor is not None and not isinstance(executor, Mapping):
            raise TypeError(f"executor must be a dict of further executors by name, not {type(executor).__name__}")
        nthreads = nthreads or CPU_COUNT
        settings = interpreter if interpreter is not None else dask.config.get("isles.interpreter", None) or {}
        self._timeout = _seconds(timeout if timeout is not None else dask.config.get("isles.timeout", None))
        self._interpreters = Executor(nthreads, **settings)
        self._interpreters._timeout_of = self._timeout_of
        threads = DaskThreads(  # type: ignore[no-untyped-call, unused-ignore]
            nthreads, thread_name_prefix="Dask-Threads"
        )
        super().__init__(
            *args,
            nthreads=nthreads,
            executor={"threads": threads, **(executor or {}), "default": self._interpreters},
            plugins=(*plugins, _Cancels(self._interpreters)),
            **kwargs,
        )

    def _timeout_of(self, key: Any) -> float | None:
        annotations = self.state.tasks[key].annotations or {}
        return _seconds(annotations["timeout"]) if "timeout" in annotations else self._timeout

    async def upload_file(self, *args: Any, **kwargs: Any) -> Any:
        """Interpreters that have imported an older one are replaced."""
        done = await super().upload_file(*args, **kwargs)
        await asyncio.to_thread(self._interpreters.renew)
        return done


def _seconds(timeout: float | str | None) -> float | None:
    if timeout is None:
        return None
    try:
        seconds = float(parse_timedelta(timeout))
    except (KeyError, TypeError, ValueError):
        seconds = 0.0
    if not seconds > 0:
        raise ValueError(f"timeout must be more than 0 seconds, like 2.5 or '500ms', not {timeout!r}")
    return seconds


class Nanny(distributed.Nanny):  # type: ignore[misc, unused-ignore]
    """A distributed.Nanny that keeps a process with an isles.dask.Worker."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"worker_class": Worker, **kwargs})


# --- the end of Python ------------------------------------------------------------------------------------------------

_exiting = False
_executors: weakref.WeakSet[Executor] = weakref.WeakSet()


def _python_exit() -> None:
    """Before concurrent.futures joins its threads: what runs there still, nobody waits for."""
    global _exiting
    _exiting = True
    for executor in list(_executors):
        executor._cancel_all()


threading._register_atexit(_python_exit)  # type: ignore[attr-defined]  # as concurrent.futures.thread does
