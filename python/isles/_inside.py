"""What the package runs inside an interpreter, in place of the function that the caller named."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _main() -> "dict[str, Any]":
    return sys.modules["__main__"].__dict__


def prepare_main(names: "dict[str, Any]") -> None:
    _main().update(names)


def exec_source(source: str) -> None:
    exec(compile(source, "<string>", "exec"), _main())


def exec_function(function: "Callable[[], object]") -> None:
    if function.__code__.co_argcount or function.__code__.co_kwonlyargcount:
        raise TypeError("the function must take no arguments")
    exec(function.__code__, _main())


# --- builtins that speak of the frame that calls them: there is none, so __main__ is meant -------------------------------


def _eval(source: "Any", globals: "Any" = None, locals: "Any" = None) -> "Any":
    return eval(source, _main() if globals is None else globals, locals)


def _exec(source: "Any", globals: "Any" = None, locals: "Any" = None) -> None:
    exec(source, _main() if globals is None else globals, locals)


def _dir(*of: "Any") -> list[str]:
    return dir(*of) if of else sorted(_main())


def _globals() -> "dict[str, Any]":
    return _main()


def _vars(*of: "Any") -> "Any":
    return vars(*of) if of else _main()


_AS_IN_MAIN: "dict[Any, Callable[..., Any]]" = {
    eval: _eval, exec: _exec, dir: _dir, globals: _globals, locals: _globals, vars: _vars,
}


def as_in_main(function: "Any") -> "Callable[..., Any] | None":
    try:
        return _AS_IN_MAIN.get(function)
    except TypeError:  # not hashable
        return None
