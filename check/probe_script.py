"""What a probe does with a module, in whichever interpreter it runs: probe.c puts this source, behind that of probe_smoke.py,
into an interpreter of Isles and calls `isles_probe` there; probe_child.c gives it to the engine's `python -c` for the main
interpreter. Text goes in and out, both JSON. One thread.
"""

import importlib
import json
import os
import site
import sys
import time
import warnings

WALK_SECONDS = 5  # a module with attributes without end is not walked to it
IMMORTAL = 1 << 28  # no reference count is as high but that of an object which is never freed (PEP 683)
HEAP_TYPE, BUILT_IN_TYPE = 1 << 9, 1 << 1  # Py_TPFLAGS_HEAPTYPE; types that CPython keeps apart for each interpreter
ATOMS = (str, bytes, int, float, complex, bool, type(None), type(Ellipsis), type(NotImplemented), type(sys))

_held = {}  # what the exercise made, kept until the interpreter ends


def _add_paths(folders):
    for folder in reversed(folders):
        sys.path.insert(0, folder)
    for folder in folders:
        if os.path.basename(folder) in ("site-packages", "dist-packages"):
            site.addsitedir(folder)  # reads its .pth files


def _chain(error):
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _is_refusal(error):
    return any(isinstance(e, ImportError) and "subinterpreter" in str(e) for e in _chain(error))


def _told(error):
    """The refusal itself, where a package wraps it into advice of its own; else the error."""
    for each in _chain(error):
        if _is_refusal(each) and "subinterpreter" in str(each):
            error = each
    try:
        text = str(error)
    except Exception:
        text = "?"
    return f"{type(error).__name__}: {text}"[:1000]


def _walk(module):
    """Reads each attribute, and those of the types; calls nothing."""
    give_up = time.monotonic() + WALK_SECONDS
    for name in dir(module):
        try:
            value = getattr(module, name)
            if not isinstance(value, type):
                continue
            repr(value)
        except Exception:
            continue
        for attribute in dir(value):
            try:
                getattr(value, attribute)
            except Exception:
                pass
            if time.monotonic() > give_up:
                return


def _of_package(name):
    """The module, and those of its package that are extensions."""
    top = name.partition(".")[0]
    for each, module in sorted(sys.modules.items()):
        if each == name or each.partition(".")[0] == top and str(getattr(module, "__file__", "")).endswith(".so"):
            yield each, module


def _objects(name):
    """Address, by path, of the objects that the module shows and that are its own: not immortal ones, not other modules'."""
    top, found = name.partition(".")[0], {}

    def note(path, value):
        home = getattr(value, "__module__", None)
        ours = not isinstance(home, str) or home.partition(".")[0] == top
        static = isinstance(value, type) and not value.__flags__ & (HEAP_TYPE | BUILT_IN_TYPE)  # these are immortal, too
        if ours and not isinstance(value, ATOMS) and (static or sys.getrefcount(value) < IMMORTAL):
            found[path] = [id(value), type(value).__name__]

    for each, module in _of_package(name):
        for key, value in list(vars(module).items()):
            if key.startswith("__") and key.endswith("__"):
                continue
            note(f"{each}.{key}", value)
            if isinstance(value, type) and getattr(value, "__module__", None) == each:
                for attribute, inner in list(vars(value).items()):
                    if not attribute.startswith("__") and not callable(inner) and not hasattr(inner, "__get__"):
                        note(f"{each}.{key}.{attribute}", inner)
    return found


def _exercise(name, snippet):
    """Returns what came with it beside the module: the standard library's modules, and whether any other was Python source."""
    before = set(sys.modules)
    _work(name, snippet)
    came = [m for m in sorted(set(sys.modules) - before) if m != name]
    library = [m for m in came if m.partition(".")[0] in sys.stdlib_module_names]
    source = any(str(getattr(sys.modules[m], "__file__", "")).endswith(".py") for m in set(came) - set(library))
    return library + ["colorsys"] * source


def _work(name, snippet):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = importlib.import_module(name)
        names = {"__name__": "isles_check", "module": module}
        _held["names"] = names
        if snippet is not None:
            exec(compile(snippet, "<snippet>", "exec"), names)
            return
        known = SMOKE.get(name.partition(".")[0])
        if known is not None:
            known()
        _walk(module)


def _do_without(modules):
    """What an exercise does beside the module itself: what CPython leaves behind of that is not the module's."""
    for each in modules:
        try:
            importlib.import_module(each)
        except ImportError:
            pass  # of a part that is not there, for which its importer has something else
    exec("class Own:\n    def method(self): pass", {"__name__": "isles_check"})


def _forget(name):
    for each in [m for m in sys.modules if m == name or m.startswith(name + ".")]:
        del sys.modules[each]
    _held.clear()


def _state(change):
    """What the snippet's `state` says of the module; with `change`, after its function of that name was called."""
    names = _held["names"]
    if "state" not in names or "change" not in names:
        return None
    if change:
        names["change"](names["module"])
    return repr(names["state"](names["module"]))


def _count():
    """References of all interpreters in debug builds; else blocks that are allocated, those of ended interpreters too."""
    return getattr(sys, "gettotalrefcount", sys.getallocatedblocks)()


def _do(what, request):
    name = request["module"]
    if what == "begin":
        return _add_paths(request["path"])
    if what == "exercise":
        return _exercise(name, request["snippet"])
    if what == "do without":
        return _do_without(request["modules"])
    if what == "forget":
        return _forget(name)
    if what == "objects":
        return _objects(name)
    if what in ("state", "change"):
        return _state(what == "change")
    return _count()


def isles_probe(text):
    request = json.loads(text)
    answer = {"end": "ok"}
    try:
        answer["result"] = _do(request["do"], request)
    except BaseException as error:
        answer = {"end": "refused" if _is_refusal(error) else "failed", "detail": _told(error)}
    return json.dumps(answer)


def _main(text):
    """The main interpreter's scenes: tells where it is, and the result, as lines on a descriptor."""
    request = json.loads(text)

    def tell(**line):
        os.write(request["tell"], json.dumps(line).encode() + b"\n")

    answer = None
    for at, what in (("start", "begin"), ("import", "exercise"), ("forgetting", "forget"), ("second import", "exercise")):
        if at == "forgetting" and not request["twice"]:
            break
        tell(at=at)
        answer = json.loads(isles_probe(json.dumps(request | {"do": what})))
        if answer["end"] != "ok":
            if at != "import":  # which goes without saying
                answer["detail"] = f"{at}: {answer['detail']}"
            break
    tell(end=answer["end"], detail=answer.get("detail"))


if len(sys.argv) > 2 and sys.argv[1] == "isles-probe-main":
    _main(sys.argv[2])
