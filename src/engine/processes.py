"""What Isles does in Python for processes that code starts, and what else looks into an interpreter's environment
variables. Loaded into an interpreter when it is first needed; its frames carry the file name "<isles>", as support.py's.

`environment` is the dict that child processes get where nothing else is said; None: the process's own variables.
"""

import sys

_NEXT_FOLDER = (FileNotFoundError, NotADirectoryError, PermissionError)


def system(environment, command):
    """As C's system(), but that it can be interrupted, and that Ctrl-C is nobody else's loss meanwhile."""
    import posix

    pid = posix.posix_spawn("/bin/sh", ["sh", "-c", command], environment)
    try:
        return posix.waitpid(pid, 0)[1]
    except ChildProcessError:
        return -1
    except BaseException:
        posix.kill(pid, 9)
        posix.waitpid(pid, 0)
        raise


def spawnp(environment, path, argv, env, /, **options):
    import os

    env = environment if env is None else env
    name = os.fsencode(path)
    search = [b""] if b"/" in name else environment.get(b"PATH", os.fsencode(os.defpath)).split(b":")
    try:
        return _first([os.path.join(folder, name) for folder in search], argv, env, options)
    except OSError as error:
        error.filename = path
        raise


def spawn(environment, file, args, env, func):
    """The process that the child of os._spawnvef would become: the arguments are its variables."""
    import os
    import posix

    try:
        names = [os.fsencode(file)]
        if func in (os.execvp, os.execvpe) and b"/" not in names[0]:
            names = [os.path.join(os.fsencode(folder), names[0]) for folder in os.get_exec_path(env)]
        return _first(names, args, environment if env is None else env, {})
    except Exception:  # there it would end with this status
        return posix.posix_spawn("/bin/sh", ["sh", "-c", "exit 127"], {})


def _first(names, argv, env, options):
    """Starts the first of the programs that is there."""
    import posix

    error = None
    for name in names:
        try:
            return posix.posix_spawn(name, argv, env, **options)
        except _NEXT_FOLDER as failure:
            if error is None or isinstance(failure, PermissionError):
                error = failure
    raise error or FileNotFoundError(2, "No such file or directory")


def breakpoint_function():
    """What breakpoint() calls, as PYTHONBREAKPOINT in os.environ says. None: nothing."""
    import os

    wanted = "" if sys.flags.ignore_environment else os.environ.get("PYTHONBREAKPOINT", "")
    if wanted == "0":
        return None
    module, dot, name = (wanted or "pdb.set_trace").rpartition(".")
    try:
        if dot and not module:
            raise ImportError("a relative name")
        return getattr(__import__(module or "builtins", {}, {}, ["__doc__"], 0), name)
    except (ImportError, AttributeError):
        import warnings

        warnings.warn(f'Ignoring unimportable $PYTHONBREAKPOINT: "{wanted}"', RuntimeWarning, stacklevel=2)
        return None
