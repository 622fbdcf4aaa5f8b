"""What Isles does in Python inside each interpreter: set-up, programs, descriptions of exceptions, reset.

Compiled once, loaded into an interpreter when it is first needed, and kept out of sys.modules. Its frames carry the file name
"<isles>" and are left out of tracebacks. It trusts nothing that user code may have changed more than it must.
"""

import sys

MAX_DEPTH = 50
MAX_FRAMES = 2000
MAX_CHILDREN = 1000
MAX_TEXT = 1 << 20

_state = {"script_path": None, "mark": None, "foreign": (None, ()), "executing": ()}


# --- set-up -------------------------------------------------------------------------------------------------------


def setup(config):
    if config["without_site"] is not None and (config["venv"] is not None or not config["site"] or config["isolated"]):
        _undo_site(config["without_site"], config["venv"] is not None)
    if config["isolated"]:
        _drop_pythonpath()
    if config["no_bytecode"]:
        sys.dont_write_bytecode = True
    for option in config["xoptions"]:
        _set_xoption(option)
    if config["venv"] is not None:
        _enter_venv(config["venv"])
    if config["site"]:
        import site  # runs main() as sys.flags say: no user site for an isolated one
    sys.path[0:0] = config["path"]
    for option in config["warnings"]:
        _set_warning(option)


def _undo_site(path, whole):
    """CPython has run site as it is for the main interpreter. What it imported from .pth files stays."""
    for name in "site", "sitecustomize", "usercustomize":
        sys.modules.pop(name, None)
    sys.path[:] = path
    if whole:  # it may have been in another virtual environment
        sys.prefix, sys.exec_prefix = sys.base_prefix, sys.base_exec_prefix


def _drop_pythonpath():
    import os

    given = os.environ.get("PYTHONPATH")
    if given:
        drop = {os.path.abspath(p) for p in given.split(os.pathsep)}
        sys.path[:] = [p for p in sys.path if os.path.abspath(p) not in drop]


def _enter_venv(directory):
    import os

    directory = os.path.abspath(directory)
    settings = _read_pyvenv(os.path.join(directory, "pyvenv.cfg"))
    wanted = "%d.%d" % sys.version_info[:2]
    version = settings.get("version") or settings.get("version_info") or ""
    if version and ".".join(version.split(".")[:2]) != wanted:
        raise ValueError(f"venv: {directory} was made for Python {version}, the engine is {wanted}")
    sys.executable = os.path.join(directory, "bin", "python")
    if sys.version_info >= (3, 14):  # before, site does it, and takes what was there for the system's
        sys.prefix = sys.exec_prefix = directory


def _read_pyvenv(path):
    settings = {}
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                key, equals, value = line.partition("=")
                if equals:
                    settings[key.strip().lower()] = value.strip()
    except OSError as error:
        raise ValueError(f"venv: {path}: {error.strerror}") from None
    return settings


def _set_warning(option):
    import warnings

    try:
        warnings._setoption(option)
    except warnings._OptionError as error:
        raise ValueError(f"warnings: {error}") from None
    sys.warnoptions.append(option)


_PROCESS_OPTIONS = frozenset(
    "context_aware_warnings cpu_count dev disable_remote_debug faulthandler frozen_modules gil importtime"
    " no_debug_ranges perf perf_jit presite showrefcount thread_inherit_context tlbc tracemalloc utf8"
    " warn_default_encoding lazy_imports".split()
)


def _set_xoption(option):
    name, equals, value = option.partition("=")
    if name in _PROCESS_OPTIONS:
        raise NotImplementedError(f"xoptions: {name} belongs to the process, not to one interpreter")
    if name == "int_max_str_digits":
        try:
            sys.set_int_max_str_digits(int(value))
        except ValueError:
            raise ValueError(f"xoptions: {option}: not a number of digits (0, or 640 and more)") from None
    elif name == "pycache_prefix":
        sys.pycache_prefix = value or None
    sys._xoptions[name] = value if equals else True


# --- programs -----------------------------------------------------------------------------------------------------


def prepare_file(path, argv, isolated):
    """As `python PATH`. Returns the code for __main__, or None: a directory or zip whose __main__ is to be run."""
    import os

    sys.argv = [path, *argv]
    full = _absolute(path)
    if _has_importer(full):
        _set_script_path(full)
        return None
    code, loader = _load(full)
    if not isolated:
        _set_script_path(os.path.dirname(os.path.realpath(path)))
    main = sys.modules["__main__"].__dict__
    main.update(__name__="__main__", __file__=full, __loader__=loader, __spec__=None, __package__=None)
    if sys.version_info < (3, 15):
        main["__cached__"] = None
    main.setdefault("__builtins__", sys.modules["builtins"])
    return code


def _absolute(path):
    """As CPython makes it of its argument: joined, not normalized."""
    import os

    try:
        return os.path.join(os.getcwd(), path)
    except OSError:
        return path


def _has_importer(path):
    for hook in sys.path_hooks:
        try:
            hook(path)
        except ImportError:
            continue
        return True
    return False


def _load(full):
    from importlib.machinery import SourceFileLoader, SourcelessFileLoader

    if full.endswith(".pyc"):
        loader = SourcelessFileLoader("__main__", full)
        return loader.get_code("__main__"), loader
    import io

    with io.open_code(full) as file:
        data = file.read()
    return compile(data, full, "exec", dont_inherit=True), SourceFileLoader("__main__", full)


def _set_script_path(entry):
    """sys.path[0] is the program's; that of an earlier program goes."""
    if sys.path and sys.path[0] == _state["script_path"]:
        del sys.path[0]
    sys.path.insert(0, entry)
    _state["script_path"] = entry


def prepare_module(argv, isolated):
    import os

    sys.argv = ["-m", *argv]
    if not isolated:
        _set_script_path(os.getcwd())


def run_atexit(*_):
    import atexit

    atexit._run_exitfuncs()


def after_interrupt():
    _leave_event_loop()
    _free_locks()
    _forget_half_imported(_state["executing"])
    _state["executing"] = ()


def _free_locks():
    """Locks that modules keep to themselves: no code runs here now that could own one. gaps.c keeps interrupts from
    places where one would stay taken, but not the exception that another thread forwards to this one."""
    for module, name in (("threading", "_active_limbo_lock"), ("logging", "_lock")):
        lock = getattr(sys.modules.get(module), name, None)
        while hasattr(lock, "_is_owned") and lock._is_owned():
            lock.release()


def _leave_event_loop():
    """The finally that marks an event loop as no longer running may have been interrupted too. The loop is that of the
    hooks for asynchronous generators, which it sets after the mark and takes back before."""
    asyncio = sys.modules.get("_asyncio")
    if asyncio is None:
        return
    owner = getattr(sys.get_asyncgen_hooks().firstiter, "__self__", None)
    loops = [owner, asyncio._get_running_loop()]
    for cleanup in [loop._run_forever_cleanup for loop in loops if hasattr(loop, "_run_forever_cleanup")]:
        try:
            cleanup()
        except Exception:  # one that was stopped while it was being made
            pass
    asyncio._set_running_loop(None)


def _forget_half_imported(names):
    """A package whose import was stopped is taken out of sys.modules by import itself, the modules in it are not; a
    second import would find those and not bind their names. C modules stay: some can't be loaded twice.

    Most such packages are named by the traceback. Where the exception that is left was raised while import cleaned up, or
    was caught on the way, it doesn't reach there: so also all modules whose package is not there."""
    orphans = {name.rpartition(".")[0] for name in sys.modules if "." in name} - sys.modules.keys()
    for package in orphans.union(names):
        if package in sys.modules:
            continue
        for name in [name for name in sys.modules if name.startswith(package + ".")]:
            loader = getattr(getattr(sys.modules[name], "__spec__", None), "loader", None)
            if loader is not None and type(loader).__name__ != "ExtensionFileLoader":
                del sys.modules[name]


def _executing(start):
    """Names of the modules whose top level a traceback goes through."""
    names = []
    while start is not None:
        if start.tb_frame.f_code.co_name == "<module>":
            name = start.tb_frame.f_globals.get("__name__")
            if type(name) is str and name != "__main__":
                names.append(name)
        start = start.tb_next
    return names


def join_threads(threading):
    """Python's own end of the threads, without a word when the wait is stopped: that is nobody's error."""
    hook = sys.unraisablehook

    def hook_here(unraisable):
        if getattr(unraisable.exc_type, "__module__", None) != "isles" and unraisable.exc_type is not SystemExit:
            hook(unraisable)

    sys.unraisablehook = hook_here
    try:
        threading._shutdown()
    finally:
        sys.unraisablehook = hook


def thread_names():
    threading = sys.modules.get("threading")
    if threading is None:
        return ""
    main = threading.main_thread()
    return ", ".join(str(t.name) for t in list(threading._active.values()) if t is not main)


# --- exceptions ---------------------------------------------------------------------------------------------------


def describe(exception, source, filename):
    """Everything that an exception says, as plain values. See the core's error.c for the keys."""
    import linecache
    import traceback

    start = _outside(exception.__traceback__)
    _state["executing"] = _executing(start)
    before = linecache.cache.get(filename)
    if source is not None:
        _state["foreign"] = filename, _codes_of(start, filename)
        linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    try:
        told = traceback.TracebackException(type(exception), exception, start, lookup_lines=False, compact=False)
        report = _describe_one(told, exception, start, 0)
        if isinstance(exception, SystemExit):
            report["exit_status"], report["text"] = _exit_status(exception)
        else:
            report["text"] = _plain("".join(told.format()))
            if isinstance(exception, KeyboardInterrupt):
                report["exit_status"] = 130  # as a shell tells of a process
    finally:
        _state["foreign"] = None, ()
        if source is not None:
            linecache.cache.pop(filename, None)
            if before is not None:
                linecache.cache[filename] = before
    return report


def _codes_of(start, filename):
    """Ids of the code objects of the program whose frame is the outermost."""
    codes = set()
    todo = [] if start is None or start.tb_frame.f_code.co_filename != filename else [start.tb_frame.f_code]
    while todo:
        code = todo.pop()
        codes.add(id(code))
        todo.extend(constant for constant in code.co_consts if isinstance(constant, type(code)))
    return codes


def _hide_foreign_line(summary, code):
    """Code of an earlier program, or of exec(), can have the same file name: the line would be another's."""
    filename, codes = _state["foreign"]
    if code.co_filename == filename and id(code) not in codes:
        summary._lines = ""


def _is_ours(frame):
    return frame.f_code.co_filename == "<isles>" or frame.f_globals.get("__name__") == "isles._inside"


def _outside(start):
    while start is not None and _is_ours(start.tb_frame):
        start = start.tb_next
    return start


def _exit_status(exception):
    code = exception.code
    if code is None:
        return 0, ""
    if isinstance(code, int):
        return (int(code) if -(1 << 63) <= code < 1 << 63 else -1) & 0xFF, ""
    try:
        return 1, _plain(str(code)) + "\n"
    except BaseException:
        return 1, ""


def _plain(text):
    """An exact str of bounded length, whatever class `text` is of."""
    text = str.__getitem__(text, slice(None, MAX_TEXT))
    return text


def _describe_one(told, exception, start, depth):
    report = {"type": _type_name(told), "message": _message(told)}
    report["frames"] = _frames(told, start)
    notes = _notes(told)
    if notes:
        report["notes"] = notes
    if depth < MAX_DEPTH:
        _describe_relatives(report, told, exception, depth + 1)
    if isinstance(exception, SyntaxError) and getattr(told, "lineno", None) is not None:
        report["syntax"] = _syntax(told)
    return report


def _type_name(told):
    try:
        return _plain(told.exc_type_str)
    except BaseException:
        return "Exception"


def _message(told):
    try:
        return _plain(str(told))
    except BaseException:
        return "<exception str() failed>"


def _notes(told):
    notes = getattr(told, "__notes__", None)
    if not isinstance(notes, (list, tuple)):
        return []
    result = []
    for note in notes:
        try:
            result.append(_plain(str(note)))
        except BaseException:
            result.append("<note str() failed>")
    return result


def _describe_relatives(report, told, exception, depth):
    if told.__cause__ is not None:
        cause = exception.__cause__
        report["cause"] = _describe_one(told.__cause__, cause, cause.__traceback__, depth)
    if told.__context__ is not None and not told.__suppress_context__:
        context = exception.__context__
        report["context"] = _describe_one(told.__context__, context, context.__traceback__, depth)
    children = getattr(told, "exceptions", None)
    if children:
        pairs = list(zip(children, exception.exceptions))[:MAX_CHILDREN]
        report["children"] = [_describe_one(t, e, e.__traceback__, depth) for t, e in pairs]


def _codes(start):
    while start is not None:
        yield start.tb_frame.f_code
        start = start.tb_next


def _frames(told, start):
    frames = [_frame(f, code) for f, code in zip(told.stack, _codes(start))]
    if len(frames) > MAX_FRAMES:
        half = MAX_FRAMES // 2
        frames = frames[:half] + frames[-half:]
    return frames


def _frame(summary, code):
    _hide_foreign_line(summary, code)
    try:
        line, lines = summary.line, (summary._original_lines or "").split("\n")
    except BaseException:
        line, lines = None, [""]
    return [
        _plain(summary.filename),
        summary.lineno or 0,
        summary.end_lineno or summary.lineno or 0,
        _column(lines[0], summary.colno),
        _column(lines[max(0, (summary.end_lineno or 0) - (summary.lineno or 0)) % len(lines)], summary.end_colno),
        _plain(code.co_qualname),
        _plain(line) if line else None,
    ]


def _column(line, offset):
    """Characters from bytes of UTF-8, as far as the line is known."""
    if offset is None:
        return -1
    known = line.encode("utf-8", "surrogatepass")[:offset]
    return offset - len(known) + len(known.decode("utf-8", "replace"))


def _number(value):
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def _syntax(told):
    def text(value):
        return _plain(value) if isinstance(value, str) else None

    return {
        "file": text(told.filename),
        "source": text(told.text),
        "message": text(told.msg),
        "line": _number(told.lineno),
        "end_line": _number(told.end_lineno),
        "column": _number(told.offset),
        "end_column": _number(told.end_offset),
    }


# --- reuse --------------------------------------------------------------------------------------------------------


def mark(own_fs):
    import gc
    import os

    warnings = sys.modules.get("warnings")
    _state["mark"] = {
        "modules": dict(sys.modules),
        "main": dict(sys.modules["__main__"].__dict__),
        "builtins": dict(sys.modules["builtins"].__dict__),
        "sys": {name: getattr(sys, name, None) for name in _SYS_NAMES},
        "lists": [(name, getattr(sys, name), list(getattr(sys, name))) for name in _SYS_LISTS],
        "environ": dict(os.environ),
        "fs": _directory_and_umask() if own_fs else None,
        "filters": None if warnings is None else list(warnings.filters),
        "gc": (gc.isenabled(), gc.get_threshold(), gc.get_debug()),
        "recursion": sys.getrecursionlimit(),
        "switch": sys.getswitchinterval(),
        "script_path": _state["script_path"],
    }


_SYS_NAMES = (
    "argv stdin stdout stderr excepthook unraisablehook displayhook breakpointhook path executable prefix"
    " exec_prefix dont_write_bytecode pycache_prefix meta_path path_hooks"
).split()
_SYS_LISTS = "argv path meta_path path_hooks warnoptions".split()


def reset():
    """Back to the mark. What imported C modules and modules from before the mark keep to themselves stays."""
    import gc

    then = _state["mark"]
    run_atexit()
    _reset_streams(then)
    for name, value in then["sys"].items():
        setattr(sys, name, value)
    for name, where, items in then["lists"]:
        where[:] = items
        setattr(sys, name, where)
    _reset_namespace(sys.modules["builtins"].__dict__, then["builtins"])
    sys.modules.update(then["modules"])
    for name in [name for name in sys.modules if name not in then["modules"]]:
        sys.modules.pop(name, None)
    _reset_namespace(then["modules"]["__main__"].__dict__, then["main"])
    _state["script_path"] = then["script_path"]
    _reset_environment(then["environ"])
    _reset_fs(then["fs"])
    _reset_warnings(then["filters"])
    sys.settrace(None)
    sys.setprofile(None)
    sys.setrecursionlimit(then["recursion"])
    sys.setswitchinterval(then["switch"])
    enabled, threshold, debug = then["gc"]
    gc.set_threshold(*threshold)
    gc.set_debug(debug)
    (gc.enable if enabled else gc.disable)()
    sys.path_importer_cache.clear()


def _directory_and_umask():
    import os

    umask = os.umask(0o77)
    os.umask(umask)
    try:
        return os.getcwd(), umask
    except OSError:  # it was removed
        return None, umask


def _reset_fs(then):
    """The directory must still be there: who comes next would be somewhere else."""
    import os

    if then is not None:
        os.umask(then[1])
        if then[0] is not None:
            os.chdir(then[0])


def _reset_streams(then):
    for name in ("stdout", "stderr"):
        current = getattr(sys, name, None)
        if current is not then["sys"][name]:
            try:
                current.flush()
            except Exception:
                pass


def _reset_namespace(namespace, before):
    for name in [name for name in namespace if name not in before]:
        namespace.pop(name, None)
    namespace.update(before)


def _reset_environment(before):
    import os

    for name in [name for name in os.environ if name not in before]:
        del os.environ[name]
    for name, value in before.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _reset_warnings(filters):
    warnings = sys.modules.get("warnings")
    if warnings is None:
        return
    if filters is None:
        warnings.resetwarnings()
    elif warnings.filters != filters:
        warnings.filters[:] = filters
        invalidate = getattr(warnings, "_filters_mutated", None) or getattr(warnings, "_filters_mutated_lock_held", None)
        if invalidate is not None:
            invalidate()
