#!/usr/bin/env bash
# Builds, installs and uses the library with the engine's static libpython, as where there is no shared one:
# static_test.sh SOURCE PYTHON WORK CC CXX. Status 77 where the engine's archive is missing, or misses parts (Debian's).
set -euo pipefail
unset LD_LIBRARY_PATH

source=$1 python=$2 work=$3 cc=$4 cxx=$5

fail() {
    echo "failed: $*" >&2
    exit 1
}

if ! cmake -S "$source" -B "$work" -G Ninja -DISLES_PYTHON="$python" -DISLES_STATIC_ENGINE=ON -DISLES_TESTS=OFF \
    >"$work.log" 2>&1; then
    if grep -E -A 4 'has no static libpython|No program can be linked' "$work.log"; then
        echo "skipped: the engine's static libpython is missing or misses parts"
        exit 77
    fi
    cat "$work.log"
    fail "cmake"
fi
cmake --build "$work" --target isles isles_interpose isles_program >"$work.log" 2>&1 || { cat "$work.log"; fail "the build"; }

if ldd "$work/isles" "$work/libisles.so" | grep libpython; then
    fail "a shared libpython is needed"
fi
# Extension modules find the engine in the program, and it is the only one in the process.
cat >"$work/one_engine.py" <<'END'
import _ctypes, _json, os
print([line for line in open("/proc/self/maps") if "libpython" in line], _json.scanstring('"x"', 1)[0], os.getpid() > 0)
END
said=$("$work/isles" run --output plain --quiet "$work/one_engine.py")
[ "$said" = "[] x True" ] || fail "a program said: $said"

"$(dirname "$0")/outside_test.sh" "$work" "$cc" "$cxx"
