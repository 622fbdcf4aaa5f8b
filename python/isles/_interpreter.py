"""isles.Interpreter: an interpreter, its jobs, its streams."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NoReturn, ParamSpec, Protocol, Self, TypeAlias, TypeVar

from . import _checks, _core, _inside
from ._budgets import Amount, Limit, amounts, limits
from ._errors import DeadlineExceeded, InterpreterNotFoundError, failure_of, reraise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._policy import Policy, PolicyReport

P = ParamSpec("P")
T = TypeVar("T")

__all__ = ["CAPTURE", "DEVNULL", "Interpreter", "Job", "Stream", "Within", "list_interpreters"]

DEVNULL: Final = -1
"""As a stream: empty to read, dropped when written."""

CAPTURE: Final = -2
"""As stdout or stderr: kept, for Interpreter.output() and errors()."""


class HasFileno(Protocol):
    def fileno(self) -> int: ...


# None: the process's; DEVNULL, CAPTURE or a descriptor; a path; an isles.Queue
Target: TypeAlias = "None | int | str | os.PathLike[str] | _core.Queue | HasFileno"


class Stream:
    """Where a standard stream of an interpreter goes, and how: isles.Interpreter(stdout=isles.Stream("log.txt")).

    target      None: the process's; isles.DEVNULL; isles.CAPTURE; a descriptor, or something with fileno(); a path: a file
                that is emptied; an isles.Queue of lines
    append      a file is not emptied
    encoding, errors    of the text; None: "utf-8", and what Python has for errors in UTF-8 mode
    buffering   "line", "block", "none" (as python -u), or "auto": as Python does
    full        when the reader is slow: "wait"; "drop" what does not fit, and say so with a line in its place; "drop_silent"
    bytes       a queue gets bytes as they are flushed, not lines as str
    children    a descriptor for child processes, where the target is a queue

    Interpreter.stats() counts what was dropped: dropped_bytes, in dropped_writes.

    >>> lines = isles.create_queue()
    >>> with isles.Interpreter(stdout=isles.Stream(lines, errors="replace")) as it:
    ...     it.exec("print('one'); print('two')")
    >>> lines.get(), lines.get()
    ('one\\n', 'two\\n')
    """

    def __init__(
        self,
        target: Target = None,
        *,
        append: bool = False,
        encoding: str | None = None,
        errors: str | None = None,
        buffering: Literal["auto", "line", "block", "none"] = "auto",
        full: Literal["wait", "drop", "drop_silent"] = "wait",
        bytes: bool = False,
        children: int | HasFileno | None = None,
    ) -> None:
        self.target = target
        self.append = append
        self.encoding = _checks.text("encoding", encoding) if encoding is not None else None
        self.errors = _checks.text("errors", errors) if errors is not None else None
        self.buffering = _checks.word("buffering", buffering, ("auto", "line", "block", "none"))
        self.full = _checks.word("full", full, ("wait", "drop", "drop_silent"))
        self.bytes = bytes
        self.children = children

    def __repr__(self) -> str:
        return f"isles.Stream({self.target!r})"


def _descriptor(name: str, thing: Any) -> int:
    try:
        number = thing if isinstance(thing, int) else int(thing.fileno())
    except (AttributeError, TypeError):
        raise TypeError(f"{name}: {thing!r} is no descriptor, and has none") from None
    except ValueError:  # io.UnsupportedOperation, too
        raise ValueError(f"{name}: {thing!r} has no descriptor, or is closed") from None
    if number < 0:
        raise ValueError(f"{name}: {number} is no descriptor")
    return number


_END_SECONDS = 5.0


class _Capture:
    """What an interpreter wrote: a file without a name, so that nobody has to read while it writes."""

    def __init__(self, name: str) -> None:
        self.fd = os.memfd_create(f"isles {name}", os.MFD_CLOEXEC) if hasattr(os, "memfd_create") else _temporary()
        self._seen = 0

    def read(self) -> str:
        parts = []
        while data := os.pread(self.fd, 1 << 20, self._seen):
            parts.append(data)
            self._seen += len(data)
        return b"".join(parts).decode("utf-8", "replace")

    def close(self) -> None:
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


def _temporary() -> int:
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Job:
    """One piece of work that an interpreter was given. It ends once: with a value, or an exception.

    fileno() is readable when it has ended, so a job can be given to isles.select() and to event loops.
    """

    def __init__(self, job: _core.Job) -> None:
        self._job = job

    def __repr__(self) -> str:
        return f"<isles.Job {self._job.id}, {'done' if self._job.done() else 'not done'}>"

    @property
    def id(self) -> int:
        """Never used again in this process."""
        return self._job.id

    @property
    def wall(self) -> float:
        """How many seconds it ran, or has run so far; 0.0 before it starts."""
        return self._job.wall

    @property
    def cpu(self) -> float:
        """How many seconds of CPU time its interpreter's home thread took for it."""
        return self._job.cpu

    def done(self) -> bool:
        return self._job.done()

    def wait(self, timeout: float | None = None) -> bool:
        """Waits up to timeout seconds. False: it has not ended."""
        return self._job.wait(timeout)

    def cancel(self) -> None:
        """Stops it: isles.Cancelled is raised in its code. Returns at once; a job that has ended stays as it is."""
        self._job.cancel()

    def fileno(self) -> int:
        return self._job.fileno()

    def result(self, timeout: float | None = None) -> Any:
        """Waits for its end; the function's result, or its exception.

        Raises TimeoutError when timeout seconds are over and it goes on; DeadlineExceeded, JobCancelled, InterpreterStuck,
        InterpreterNotFoundError when it was stopped; else what it raised, see ExecutionFailed.
        """
        if not self._job.wait(timeout):
            raise TimeoutError(f"job {self._job.id} still runs after {timeout} seconds")
        try:
            return self._job.result()
        except _core.JobError as error:
            reraise(error)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Waits likewise; the exception instead of raising it, or None."""
        try:
            self.result(timeout)
        except Exception as error:
            if isinstance(error, TimeoutError) and not self._job.done():
                raise
            return error
        return None


class _Runs:
    """What an interpreter can be told to run. timeout: seconds until the code is stopped; None: never."""

    _id: int
    _name: str | None
    _timeout: float | None

    def submit(self, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> Job:
        """Begins function(*args, **kwargs) in the interpreter, behind what it has to do already."""
        return self._submit("apply", _inside.as_in_main(function) or function, args, kwargs)

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """function(*args, **kwargs) in the interpreter; its result.

        The function goes by its name, and is imported there; one of __main__ goes as its code. Arguments and the result
        are copied (docs/values.md says what can cross); memory of arrays and memoryviews is shared.

        Raises what the function raised, where that class is known here, else ExecutionFailed; DeadlineExceeded;
        NotShareableError, with the path to what could not cross.
        """
        try:
            return _core._call(  # type: ignore[no-any-return]
                self._id, _inside.as_in_main(function) or function, args, kwargs, self._timeout, False
            )
        except _core.JobError as error:
            reraise(error, self._id, self._name)

    def exec(self, source: str, /, *, filename: str | None = None) -> None:
        """Runs Python source in the interpreter's __main__."""
        self._submit_source(source, filename).result()

    def run_file(self, path: str | os.PathLike[str], args: Sequence[str] = ()) -> None:
        """Runs a script, a folder or a zip with __main__.py as `python PATH ARGS` does.

        A relative path is looked up in the caller's working directory, and sys.argv[0] is then absolute.
        """
        self._submit_file(path, args).result()

    def run_module(self, name: str, args: Sequence[str] = ()) -> None:
        """Runs a module as `python -m NAME ARGS` does."""
        self._submit_module(name, args).result()

    def prepare_main(self, names: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Sets globals of the interpreter's __main__."""
        self.call(_inside.prepare_main, {**(names or {}), **more})

    def _submit_source(self, source: str, filename: str | None) -> Job:
        filename = _checks.text("filename", filename) if filename is not None else None
        return self._submit("source", _checks.text("source", source), filename=filename)

    def _submit_file(self, path: str | os.PathLike[str], args: Sequence[str]) -> Job:
        return self._submit("file", os.path.abspath(_checks.path("path", path)), argv=_checks.texts("args", args))

    def _submit_module(self, name: str, args: Sequence[str]) -> Job:
        return self._submit("module", _checks.text("name", name), argv=_checks.texts("args", args))

    def _submit(
        self,
        kind: str,
        target: Any = None,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        *,
        argv: Sequence[str] | None = None,
        filename: str | None = None,
        tell: tuple[_core.Queue, Any] | None = None,
    ) -> Job:
        try:
            return Job(
                _core._submit(self._id, kind, target, args, kwargs, argv, filename, False, self._timeout, tell)
            )
        except _core.JobError as error:
            raise failure_of(error, self._id, self._name) from None


def _timeout(seconds: float | None) -> float | None:
    try:
        fine = seconds is None or seconds >= 0
    except TypeError:
        raise TypeError(f"seconds must be a number, not {type(seconds).__name__}") from None
    if not fine:
        raise ValueError(f"seconds must be 0 or more, not {seconds!r}")
    return seconds


class Within(_Runs):
    """An interpreter with a deadline for each thing that it is told to run. See Interpreter.within()."""

    def __init__(self, id: int, seconds: float, name: str | None = None) -> None:
        self._id = id
        self._name = name
        self._timeout = _timeout(seconds)


class Interpreter(_Runs):
    """A new isolated interpreter, with its own GIL and its own thread.

    name        for logs; "interp-<id>" if not given
    path        put at the front of its sys.path
    venv        a virtual environment whose packages it sees
    env         set in its environment variables; None for a value removes one
    env_base    what env is set on top of: "copy", of the variables of whoever creates it; "empty"; "shared": the process's
                own, which its os.environ then changes (not with env)
    cwd         the directory it starts in; None: the one of whoever creates it
    umask       the umask it starts with; None: likewise
    shared_cwd  True: working directory and umask are not its own but the process's
    locale      the locale it starts with: "de_DE.UTF-8"; "": as its environment variables say; None: the one of whoever
                creates it
    shared_locale   True: its locale.setlocale() changes the process's
    stdin, stdout, stderr   None: the process's; isles.DEVNULL; a descriptor or something with fileno(); a path; an
                isles.Queue (of lines); for the last two isles.CAPTURE; or an isles.Stream, which says more
    site        False: no site-packages
    isolated    as python -I
    bytecode    False: as python -B
    warnings, xoptions      as -W and -X
    shared_gil  the main interpreter's GIL instead of its own: for extension modules that need it
    extensions  "strict": extension modules that don't say they can have a GIL of their own raise ImportError; "private": it
                loads copies of them for itself; "shared-gil": as shared_gil; "auto": as "private", but what isles check
                found to need more is refused (docs/extensions.md)
    extension_copy_limit   copies of libraries at most; 0: any number
    number      what isles.number says there
    stack_size  bytes, of its thread; 0: 8 MiB
    descriptors   what is handed in: names and descriptors, for isles.descriptors["name"] there
    private_descriptors   a table of descriptors of its own, with its streams and those handed in (docs/streams.md; Linux)
    cancel_grace  seconds from the first exception in code that is being stopped to one at every step; None: 0.05
    stuck_after   seconds from the first exception to giving the interpreter up as stuck; None: 2
    memory, cpu, wall, threads, output   budgets: bytes held, seconds of CPU time, seconds for one job, threads, bytes
                written; each a number, or a pair of a soft limit, which the host is told of, and a hard one. See usage()
    queue_bytes, messages, recursion   likewise: of values in queues that nobody has taken yet, their bytes and their number;
                how deep sys.setrecursionlimit may go
    descriptor_limit    likewise: descriptors that are open; with private_descriptors
    policy      an isles.Policy: what its code may do with files, network and system; None: everything

    It is a context manager: at its end the interpreter ends. It may be used from any thread.

    >>> with isles.Interpreter("tenant", stdout=isles.CAPTURE) as it:
    ...     it.exec("import math; print(math.tau)")
    ...     it.output()
    '6.283185307179586\\n'
    """

    _name: str
    _timeout = None

    def __init__(
        self,
        name: str | None = None,
        *,
        path: Iterable[str | os.PathLike[str]] = (),
        venv: str | os.PathLike[str] | None = None,
        env: Mapping[str, str | None] | None = None,
        env_base: Literal["copy", "empty", "shared"] = "copy",
        cwd: str | os.PathLike[str] | None = None,
        umask: int | None = None,
        shared_cwd: bool = False,
        locale: str | None = None,
        shared_locale: bool = False,
        stdin: Target | Stream = None,
        stdout: Target | Stream = None,
        stderr: Target | Stream = None,
        site: bool = True,
        isolated: bool = False,
        bytecode: bool = True,
        warnings: Iterable[str] = (),
        xoptions: Iterable[str] = (),
        shared_gil: bool = False,
        extensions: Literal["strict", "private", "shared-gil", "auto"] = "strict",
        extension_copy_limit: int = 0,
        number: int = 0,
        stack_size: int = 0,
        cancel_grace: float | None = None,
        stuck_after: float | None = None,
        memory: Limit = None,
        cpu: Limit = None,
        wall: Limit = None,
        threads: Limit = None,
        output: Limit = None,
        queue_bytes: Limit = None,
        messages: Limit = None,
        recursion: Limit = None,
        descriptor_limit: Limit = None,
        policy: Policy | None = None,
        descriptors: Mapping[str, int | HasFileno] | None = None,
        private_descriptors: bool = False,
    ) -> None:
        self._captures: dict[str, _Capture] = {}
        self._ended = False
        self._has_policy = policy is not None
        self._last_report: PolicyReport | None = None
        settings = {
            "name": _checks.text("name", name) if name is not None else None,
            "path": _path(path, absolute=cwd is not None),
            "venv": os.path.abspath(_checks.path("venv", venv)) if venv is not None else None,
            "env": [_variable(name, value) for name, value in _checks.mapping("env", env).items()],
            "env_base": _ENV_BASES.index(_checks.word("env_base", env_base, _ENV_BASES)),
            "cwd": _checks.path("cwd", cwd) if cwd is not None else None,
            "umask": _umask(umask),
            "shared_cwd": shared_cwd,
            "locale": _checks.text("locale", locale) if locale is not None else None,
            "shared_locale": shared_locale,
            "stdin": self._stream("stdin", stdin),
            "stdout": self._stream("stdout", stdout),
            "stderr": self._stream("stderr", stderr),
            "no_site": not site,
            "isolated": isolated,
            "no_bytecode": not bytecode,
            "warnings": _checks.texts("warnings", warnings),
            "xoptions": _checks.texts("xoptions", xoptions),
            "shared_gil": shared_gil,
            "extensions": _checks.word("extensions", extensions, _EXTENSIONS),
            "extension_copy_limit": _checks.count("extension_copy_limit", extension_copy_limit),
            "number": _checks.count("number", number),
            "stack_size": _checks.count("stack_size", stack_size),
            "cancel_grace_ns": _nanoseconds("cancel_grace", cancel_grace),
            "stuck_after_ns": _nanoseconds("stuck_after", stuck_after),
            "budgets": limits(
                memory=memory,
                cpu=cpu,
                wall=wall,
                threads=threads,
                output=output,
                queue_bytes=queue_bytes,
                messages=messages,
                recursion=recursion,
                descriptor_limit=descriptor_limit,
            ),
            "policy": _policy_settings(policy),
            "descriptors": _named(descriptors),
            "private_descriptors": private_descriptors,
        }
        self._create(settings)

    def _create(self, settings: dict[str, Any]) -> None:
        try:
            self._id = _core._create(settings)
        except _core.JobError as error:
            raise failure_of(error) from None
        self._name = settings["name"] if settings["name"] is not None else f"interp-{self._id}"

    def _stream(self, which: str, stream: Target | Stream) -> dict[str, Any]:
        options = stream if isinstance(stream, Stream) else Stream(stream)
        if options.children is not None and not isinstance(options.target, _core.Queue):
            raise ValueError(f"{which}: children is for queues: those of others write where the stream goes")
        return {
            **self._target(which, options.target),
            "append": options.append,
            "encoding": options.encoding,
            "errors": options.errors,
            "buffering": options.buffering,
            "full": options.full,
            "bytes": options.bytes,
            **({"fd": _descriptor(f"{which}: children", options.children)} if options.children is not None else {}),
        }

    def _target(self, which: str, target: Target) -> dict[str, Any]:
        if target is None:
            return {"kind": "inherit"}
        if isinstance(target, _core.Queue):  # it has a fileno() as well
            return {"kind": "queue", "queue": target}
        if isinstance(target, (str, os.PathLike)):
            return {"kind": "file", "path": _checks.path(which, target)}
        if target == DEVNULL:
            return {"kind": "null"}
        if target == CAPTURE:
            if which == "stdin":
                raise ValueError("stdin can't be captured")
            self._captures[which] = _Capture(which)
            return {"kind": "fd", "fd": self._captures[which].fd}
        if not isinstance(target, int) and not hasattr(target, "fileno"):
            raise TypeError(f"{which}: {target!r} is no descriptor, file, path or queue")
        return {"kind": "fd", "fd": _descriptor(which, target)}

    def __repr__(self) -> str:
        return f"<isles.Interpreter {self._id} {self._name!r}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an isles.Interpreter stays where it was made: who loses the last one ends it")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not hasattr(self, "_id"):
            self._close_captures()  # it could not be made
            return
        if self._ended:
            self._close_captures()  # what has not ended may still write there
            return
        try:
            _core._end_later(self._id, _END_SECONDS)
        except Exception:
            pass  # it has ended, or Python exits

    @property
    def id(self) -> int:
        """Never used again in this process."""
        return self._id

    @property
    def name(self) -> str:
        return self._name

    def stats(self) -> dict[str, Any]:
        """Counters: jobs, wall_ns, cpu_ns, output_bytes …, and its state: idle, running, ending or stuck.

        Raises InterpreterNotFoundError once it has ended.
        """
        try:
            return _core._stats(self._id)
        except _core.JobError as error:
            raise failure_of(error, self._id, self._name) from None

    def usage(self) -> dict[str, Amount]:
        """What it uses of memory, cpu, wall, threads, output, queue_bytes, messages, recursion and descriptors, and its limits.

        >>> with isles.Interpreter(memory=100 << 20) as it:
        ...     it.usage()["memory"].hard
        104857600
        """
        try:
            return amounts(_core._usage(self._id))
        except _core.JobError as error:
            raise failure_of(error, self._id, self._name) from None

    def set_budgets(
        self,
        *,
        memory: Limit = None,
        cpu: Limit = None,
        wall: Limit = None,
        threads: Limit = None,
        output: Limit = None,
        queue_bytes: Limit = None,
        messages: Limit = None,
        recursion: Limit = None,
        descriptor_limit: Limit = None,
    ) -> None:
        """Other limits from now on, in place of all it has: what is not given has none. What was used stays used."""
        try:
            _core._set_budgets(
                self._id,
                limits(
                    memory=memory,
                    cpu=cpu,
                    wall=wall,
                    threads=threads,
                    output=output,
                    queue_bytes=queue_bytes,
                    messages=messages,
                    recursion=recursion,
                    descriptor_limit=descriptor_limit,
                ),
            )
        except _core.JobError as error:
            raise failure_of(error, self._id, self._name) from None

    def policy_report(self) -> PolicyReport:
        """What its policy denied so far, or would have denied; empty without a policy. After close(): as it was then.

        Only what Python's audit events show is known: not what the kernel refuses to a policy that doesn't observe, nor what
        child processes do.
        """
        if self._last_report is not None:
            return self._last_report
        from ._policy import report_of

        try:
            return report_of(self._id)
        except _core.JobError as error:
            raise failure_of(error, self._id, self._name) from None

    def is_running(self) -> bool:
        """Whether it runs something now."""
        return bool(self.stats()["state"] == "running")

    def within(self, seconds: float) -> Within:
        """The same interpreter, with a deadline in seconds for what it is told to run.

        >>> with isles.Interpreter() as it:
        ...     it.within(0.1).exec("while True: pass")
        Traceback (most recent call last):
        isles.DeadlineExceeded: the deadline passed
        """
        return Within(self._id, seconds, self._name)

    def signal(self, signum: int) -> None:
        """Sends a signal to its code, as os.kill() does to a process; this process notices nothing. Returns at once.

        A handler that the code has set with signal.signal() runs in its main thread. Without one SIGINT raises
        KeyboardInterrupt in what it runs, and others end that, if they would end a process, with status 128 + signum.
        Kept until the next job if nothing runs and there is a handler; else dropped.

        Raises ValueError for a signal that can't be caught, InterpreterNotFoundError, InterpreterStuck.
        """
        try:
            _core._signal(self._id, _checks.integer("signum", signum))
        except _core.JobError as error:
            raise failure_of(error, self._id, self._name) from None

    def handles_signal(self, signum: int) -> bool:
        """Whether its code has set a handler for that signal."""
        try:
            return _core._handles_signal(self._id, _checks.integer("signum", signum))
        except _core.JobError as error:
            raise failure_of(error, self._id, self._name) from None

    def output(self) -> str:
        """What it has written to a captured stdout since the last time that this was asked."""
        return self._captured("stdout")

    def errors(self) -> str:
        """The same for stderr."""
        return self._captured("stderr")

    def _captured(self, which: str) -> str:
        if which not in self._captures:
            raise ValueError(f"{which} is not captured: Interpreter({which}=isles.CAPTURE)")
        return self._captures[which].read()

    def reset(self) -> None:
        """Puts it back to how it was when it was new, or at the last mark(), as far as Python code can."""
        self._submit("reset").result()

    def mark(self) -> None:
        """Remembers what is loaded now as the state that reset() goes back to."""
        self._submit("mark").result()

    def close(self, timeout: float | None = _END_SECONDS) -> None:
        """Ends it: no new work; what runs has timeout seconds, then it is stopped; atexit functions run.

        Ending one that has ended does nothing. What it wrote to captured streams can still be read.

        Raises InterpreterStuck when something would not end.
        """
        self._keep_report()
        try:
            _core._end(self._id, timeout)
        except _core.JobError as error:
            failure = failure_of(error, self._id, self._name)
            if not isinstance(failure, InterpreterNotFoundError):
                raise failure from None
        self._ended = True

    def _keep_report(self) -> None:
        if self._has_policy and self._last_report is None:
            try:
                self._last_report = self.policy_report()
            except InterpreterNotFoundError:
                pass

    def _close_captures(self) -> None:
        for capture in getattr(self, "_captures", {}).values():
            capture.close()


def _policy_settings(policy: Policy | None) -> dict[str, Any] | None:
    if policy is None:
        return None
    from ._policy import Policy  # few programs have one

    if not isinstance(policy, Policy):
        raise TypeError(f"policy must be an isles.Policy, not {type(policy).__name__}")
    return policy._settings()


def _path(path: Iterable[str | os.PathLike[str]], absolute: bool) -> list[str]:
    found = [_checks.path(f"path[{i}]", folder) for i, folder in enumerate(_checks.items("path", path))]
    return [os.path.abspath(folder) for folder in found] if absolute else found


def _variable(name: str, value: str | None) -> str:
    if not name or "=" in name:
        raise ValueError(f"env: {name!r} is no name of a variable")
    return _checks.text(f"env[{name!r}]", name if value is None else f"{name}={value}")


_ENV_BASES = ("copy", "empty", "shared")  # isle_env_base
_EXTENSIONS = ("strict", "private", "shared-gil", "auto")


def _umask(mask: int | None) -> int | None:
    if mask is not None and not 0 <= _checks.integer("umask", mask) <= 0o777:
        raise ValueError(f"umask must be from 0 to 0o777, not {mask:#o}")
    return mask


def _named(descriptors: Mapping[str, int | HasFileno] | None) -> dict[str, int]:
    given = _checks.mapping("descriptors", descriptors)
    return {name: _descriptor(f"descriptors[{name!r}]", thing) for name, thing in given.items()}


def _nanoseconds(name: str, seconds: float | None) -> int:
    return 0 if seconds is None else _checks.amount(name, seconds, 1_000_000_000)


def list_interpreters() -> list[int]:
    """Ids of the interpreters that live, oldest first. The main one is not among them."""
    return _core._list()


for _public in (Interpreter, Job, Stream, Within):
    _public.__module__ = "isles"  # where users find them
