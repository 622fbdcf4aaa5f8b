"""What waits, as coroutines: no thread is parked for a call or a get.

    from isles import aio

    async with await aio.Interpreter.create() as it:
        await it.call(pow, 2, 10)

    q = aio.Queue()
    await q.get()

Waiting is by the descriptors of jobs and queues, with the event loop's add_reader(); so it wants a loop that has that (any of
asyncio's on Unix, uvloop). A coroutine that is cancelled while it waits for a call cancels the call. Making and ending an
interpreter have no descriptor, and wait in a thread of the loop's default executor.
"""

from __future__ import annotations

import asyncio
import os
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, Self, TypeVar

from . import _core, _interpreter
from ._interpreter import Job, Within

P = ParamSpec("P")
T = TypeVar("T")

__all__ = ["Interpreter", "Queue", "select", "wait_for"]


# --- waiting for a descriptor -----------------------------------------------------------------------------------------

_waiters: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, deque[asyncio.Future[None]]]]
_waiters = weakref.WeakKeyDictionary()


async def _readable(fd: int, again: bool = False) -> None:
    """Until fd can be read. A loop has one reader for a descriptor: whoever waits for the same one is woken in turn, and
    comes first again if somebody else was quicker."""
    loop = asyncio.get_running_loop()
    of_loop = _waiters.setdefault(loop, {})
    waiting = of_loop.get(fd)
    if waiting is None:
        waiting = of_loop[fd] = deque()
        loop.add_reader(fd, _wake_first, waiting)
    future: asyncio.Future[None] = loop.create_future()
    if again:
        waiting.appendleft(future)
    else:
        waiting.append(future)
    try:
        await future
    finally:
        waiting.remove(future)
        if not waiting and of_loop.get(fd) is waiting:
            loop.remove_reader(fd)
            del of_loop[fd]


def _wake_first(waiting: deque[asyncio.Future[None]]) -> None:
    """Who was woken stays the first until it has looked, so that nobody is woken for the same thing."""
    if waiting and not waiting[0].done():
        waiting[0].set_result(None)


async def _retry(attempt: Callable[[], T], refused: type[Exception], descriptor: Callable[[], int]) -> T:
    again = False
    while True:
        try:
            return attempt()
        except refused:
            await _readable(descriptor(), again)
            again = True


async def wait_for(job: Job) -> Any:
    """The result of a job (isles.Interpreter.submit), or its exception. Cancelled: cancels the job."""
    if not job.done():
        try:
            await _readable(job.fileno())
        except asyncio.CancelledError:
            job.cancel()
            raise
    return job.result()


# --- interpreters -----------------------------------------------------------------------------------------------------


class _Runs:
    _runs: _interpreter._Runs

    async def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As isles.Interpreter.call()."""
        result: T = await wait_for(self._runs.submit(function, *args, **kwargs))
        return result

    async def exec(self, source: str, /, *, filename: str | None = None) -> None:
        """As isles.Interpreter.exec()."""
        await wait_for(self._runs._submit_source(source, filename))

    async def run_file(self, path: str | os.PathLike[str], args: Sequence[str] = ()) -> None:
        """As isles.Interpreter.run_file()."""
        await wait_for(self._runs._submit_file(path, args))

    async def run_module(self, name: str, args: Sequence[str] = ()) -> None:
        """As isles.Interpreter.run_module()."""
        await wait_for(self._runs._submit_module(name, args))

    async def prepare_main(self, names: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """As isles.Interpreter.prepare_main()."""
        from . import _inside

        await self.call(_inside.prepare_main, {**(names or {}), **more})


class _AsyncWithin(_Runs):
    def __init__(self, runs: Within) -> None:
        self._runs = runs


class Interpreter(_Runs):
    """An isles.Interpreter (`inner`) whose methods are coroutines."""

    def __init__(self, inner: _interpreter.Interpreter) -> None:
        self.inner = inner
        self._runs = inner

    @classmethod
    async def create(cls, *args: Any, **kwargs: Any) -> Self:
        """Makes a new one; the arguments are isles.Interpreter's."""
        return cls(await asyncio.to_thread(_interpreter.Interpreter, *args, **kwargs))

    def __repr__(self) -> str:
        return f"<isles.aio.Interpreter {self.inner.id} {self.inner.name!r}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def within(self, seconds: float) -> _Runs:
        """The same interpreter, with a deadline for each thing that it is told to run."""
        return _AsyncWithin(self.inner.within(seconds))

    def signal(self, signum: int) -> None:
        """As isles.Interpreter.signal(), which does not wait."""
        self.inner.signal(signum)

    async def close(self, timeout: float | None = 5.0) -> None:
        """As isles.Interpreter.close()."""
        await asyncio.to_thread(self.inner.close, timeout)


# --- queues -----------------------------------------------------------------------------------------------------------


class Queue:
    """An isles.Queue (`inner`; a new one, if none is given) whose get(), get_many() and put() are coroutines."""

    def __init__(self, inner: _core.Queue | None = None, *, maxsize: int = 0) -> None:
        self.inner = inner if inner is not None else _core.create_queue(maxsize)

    def __repr__(self) -> str:
        return f"<isles.aio.Queue {self.inner!r}>"

    async def get(self) -> Any:
        """The next value. Raises QueueClosed when the queue is closed and empty."""
        return await _retry(self.inner.get_nowait, _core.QueueEmpty, self.inner.fileno)

    async def get_many(self, most: int) -> list[Any]:
        """Waits for one, then takes what is there, most at the most."""
        return await _retry(lambda: self.inner.get_many(most, 0), _core.QueueEmpty, self.inner.fileno)

    async def put(self, obj: Any) -> None:
        """Puts a copy of obj, waiting for room. Raises QueueClosed, NotShareableError."""
        await _retry(lambda: self.inner.put_nowait(obj), _core.QueueFull, self.inner.room_fileno)

    def close(self) -> None:
        """Nothing can be put any more; what is in it can be got."""
        self.inner.close()


async def select(things: Sequence[Any]) -> list[Any]:
    """Waits until one of them can be read, gives those that can: queues, jobs, descriptors, what has fileno()."""
    while not (ready := _core.select([getattr(t, "inner", t) for t in things], 0)):
        fds = [t if isinstance(t, int) else getattr(t, "inner", t).fileno() for t in things]
        tasks = [asyncio.ensure_future(_readable(fd)) for fd in fds]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
    return [t for t in things if getattr(t, "inner", t) in ready]
