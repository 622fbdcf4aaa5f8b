# Says whether the Python that runs this is an engine for Isles: `name=value` lines, of which `status` is
# "ok" or, in one line, why not. Runs on old Pythons too, whose answer is that they are too old.
import os
import sys
import sysconfig

OLDEST = (3, 13)
NEWEST = (3, 15)  # newer ones may do, but nobody has tried


def find_library(get):
    """The shared libpython: an interpreter in a shared library needs one."""
    name = get("LDLIBRARY") or ""
    if ".so" not in name:
        return None
    folders = [get("LIBDIR"), os.path.join(sys.base_prefix, "lib"), get("LIBPL")]
    for folder in folders:
        path = os.path.join(folder or "", name)
        if folder and os.path.exists(path):
            return path
    return None


def main():
    get = sysconfig.get_config_var
    version = ".".join(str(n) for n in sys.version_info[:3])
    if sys.version_info[3] != "final":
        version += sys.version_info[3][0].replace("c", "rc") + str(sys.version_info[4])
    executable = getattr(sys, "_base_executable", None) or sys.executable
    facts = {"version": version, "executable": executable}
    if sys.version_info[:2] < OLDEST:
        status = "%d.%d is too old: Isles needs CPython 3.13 or newer" % sys.version_info[:2]
    elif sys.implementation.name != "cpython":
        status = "%s is not CPython" % sys.implementation.name
    else:
        library = find_library(get)
        include = sysconfig.get_path("include")
        if not os.path.exists(os.path.join(include, "Python.h")):
            status = "%s has no headers (Python.h): install python%d.%d-dev" % ((version,) + sys.version_info[:2])
        elif library is None:
            status = "%s has no shared libpython: build it with --enable-shared, or install python%d.%d-dev" % (
                (version,) + sys.version_info[:2])
        else:
            status = "ok"
            facts.update(include=include, library=library, untested=int(sys.version_info[:2] > NEWEST),
                         free_threaded=int(bool(get("Py_GIL_DISABLED"))), debug=int(bool(get("Py_DEBUG"))))
            # a released, ordinary build is preferred, then the newer one
            ordinary = sys.version_info[3] == "final" and not facts["free_threaded"] and not facts["debug"]
            facts["rank"] = "%d%08x" % (ordinary, sys.hexversion)
    facts["status"] = status
    for name in sorted(facts):
        print("%s=%s" % (name, facts[name]))


main()
