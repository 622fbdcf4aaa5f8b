"""What a worker of InterpreterPoolExecutor runs: imported in its interpreter, so it imports little."""

from __future__ import annotations

from ._core import Cancelled, NotShareableError, QueueClosed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._core import Queue


def serve(number: int, tasks: Queue, answers: Queue, initializer: tuple[Callable[..., Any], tuple[Any, ...]] | None) -> None:
    """Does the tasks of its queue, in order, until that is closed. Each has one answer."""
    if initializer is not None:
        try:
            initializer[0](*initializer[1])
        except BaseException as error:
            _answer_error(number, answers, "broken", error)
            return
    get, put = tasks.get, answers._put_emptied
    while True:
        try:
            _, function, args, kwargs = get()
        except QueueClosed:
            return
        except Exception as error:  # it came, but can't be made here: a class that can't be imported, say
            _answer_error(number, answers, "lost", error)
            continue
        try:
            answer = [number, "value", function(*args, **kwargs)]
        except Cancelled:  # the interpreter is to end: this one has no answer
            raise
        except BaseException as error:
            _answer_error(number, answers, "error", error)
            continue
        if type(answer[2]) is bytes:  # it may be one of them, and only what nobody else has is not copied
            args = kwargs = None
        try:
            put(answer)
        except NotShareableError as error:
            error.args = (str(error).replace("value[2]", "result", 1),)
            _answer_error(number, answers, "error", error)
        except BaseException as error:
            _answer_error(number, answers, "error", error)
        del function, args, kwargs, answer


def _answer_error(number: int, answers: Queue, kind: str, error: BaseException) -> None:
    import traceback

    message = traceback.format_exception_only(error)[-1].strip()
    trimmed = error.__traceback__.tb_next if error.__traceback__ is not None else None  # not this file's frame
    text = "".join(traceback.format_exception(type(error), error, trimmed))
    try:
        answers.put((number, kind, (error, message, text)))
    except (NotShareableError, TypeError, ValueError):
        answers.put((number, kind, (None, message, text)))


class Chunk:
    """fn over a list of argument tuples."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        self.fn = fn

    def __call__(self, chunk: list[tuple[Any, ...]]) -> list[Any]:
        fn = self.fn
        return [fn(*args) for args in chunk]
