# Says whether the Python that runs this is an engine for Isles: `name=value` lines, of which `status` is
# "ok" or, in one line, why not. Runs on old Pythons too, whose answer is that they are too old.
# With the argument "module": whether an extension module can be built for it, which needs no libpython.
import os
import sys
import sysconfig

OLDEST = (3, 13)
NEWEST = (3, 15)  # newer ones may do, but nobody has tried


def find_file(name, folders):
    """Its path in the first folder that has it; "" where none has."""
    for folder in folders:
        path = os.path.join(folder or "", name or "")
        if folder and name and os.path.isfile(path):
            return path
    return ""


def fixed_in_memory(program):
    """Is its code for one address only (ELF's type EXEC)? Then so is the static libpython that it was linked from."""
    with open(program, "rb") as file:
        head = file.read(18)
    return head[:4] == b"\x7fELF" and int.from_bytes(head[16:18], sys.byteorder) == 2


def libraries(get, program):
    """The shared libpython, the static one, and what else programs with the static one are linked with."""
    folders = [get("LIBDIR"), os.path.join(sys.base_prefix, "lib"), get("LIBPL")]
    shared = get("LDLIBRARY") or ""
    words = " ".join(get(name) or "" for name in ("MODLIBS", "LIBS", "SYSLIBS")).split()
    needs = ["-no-pie"] if fixed_in_memory(program) else []
    for word in words:
        if word.startswith("-l") and word not in needs:
            needs.append(word)
    return {
        "library": find_file(shared if ".so" in shared else "", folders),
        "archive": find_file(get("LIBRARY"), folders),
        "archive_needs": " ".join(needs),
    }


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
        found = libraries(get, executable)
        include = sysconfig.get_path("include")
        if not os.path.exists(os.path.join(include, "Python.h")):
            status = "%s has no headers (Python.h): install python%d.%d-dev" % ((version,) + sys.version_info[:2])
        elif not found["library"] and not found["archive"] and sys.argv[1:] != ["module"]:
            status = "%s has no libpython, shared or static: build it with --enable-shared, or install python%d.%d-dev" % (
                (version,) + sys.version_info[:2])
        else:
            status = "ok"
            facts.update(found, include=include, untested=int(sys.version_info[:2] > NEWEST),
                         free_threaded=int(bool(get("Py_GIL_DISABLED"))), debug=int(bool(get("Py_DEBUG"))))
            # a released, ordinary build is preferred, then one with a shared libpython, then the newer one
            ordinary = sys.version_info[3] == "final" and not facts["free_threaded"] and not facts["debug"]
            facts["rank"] = "%d%d%08x" % (ordinary, bool(found["library"]), sys.hexversion)
    facts["status"] = status
    for name in sorted(facts):
        print("%s=%s" % (name, facts[name]))


main()
