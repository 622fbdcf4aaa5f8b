#!/usr/bin/env bash
# Installs a build into a folder of its own, then builds programs of somebody else against that: C with pkg-config, C++17 with
# CMake's find_package. Looks at all that an installation has: outside_test.sh BUILD CC CXX
set -euo pipefail

build=$1 cc=$2 cxx=$3
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "failed: $*" >&2
    exit 1
}

# Installed in one place and moved to another: nothing may depend on where it was.
cmake --install "$build" --prefix "$work/first" >"$work/install.log" || { cat "$work/install.log"; fail "cmake --install"; }
prefix=$work/moved
mv "$work/first" "$prefix"
lib=$(dirname "$(find "$prefix" -name libisles.so)")
[ -n "$lib" ] || fail "no libisles.so"

for file in include/isles/isles.h bin/isles share/man/man1/isles.1 share/bash-completion/completions/isles \
    share/zsh/site-functions/_isles share/fish/vendor_completions.d/isles.fish; do
    [ -s "$prefix/$file" ] || fail "not installed: $file"
done
readelf -d "$lib/libisles.so" | grep -q 'SONAME.*\[libisles\.so\.[0-9]*\]' || fail "libisles.so has no versioned soname"
if readelf -d "$prefix/bin/isles" "$lib/libisles.so" | grep -E 'R(UN)?PATH' | grep -F "$build"; then
    fail "an rpath points into the build folder"
fi
# Only what the public headers declare is exported.
stray=$(nm -D --defined-only "$lib/libisles.so" | awk '$2 ~ /[TDBRVW]/ { print $3 }' | grep -v '^isle_' || true)
[ -z "$stray" ] || fail "libisles.so exports what isn't its own: $stray"

# The program finds its library from where it lies, and the library its libpython, without the environment's help.
unset LD_LIBRARY_PATH
"$prefix/bin/isles" --version | grep -q '[0-9]\.[0-9]' || fail "the installed program does not start"
echo 'print(6 * 7)' >"$work/answer.py"
[ "$("$prefix/bin/isles" run --output plain --quiet "$work/answer.py")" = 42 ] || fail "the installed program does not run a script"

"$prefix/bin/isles" check --no-cache --require own-gil _json >"$work/check.log" 2>&1 || { cat "$work/check.log"; fail "the installed program does not check _json"; }

export PKG_CONFIG_PATH=$lib/pkgconfig
pkg-config --exists --print-errors isles || fail "pkg-config does not find isles"
# shellcheck disable=SC2046 # flags are words
"$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror "$here/outside.c" -o "$work/outside_c" $(pkg-config --cflags --libs isles) \
    -Wl,-rpath,"$lib" || fail "the C program does not build with pkg-config's flags"
"$work/outside_c" || fail "the C program"

# Native code's variables and locale: linked, also by a linker that drops what nothing needs; or preloaded.
shown=$(nm -D --defined-only "$lib/libisles-interpose.so" | awk '$2 ~ /[TDBRVW]/ { print $3 }' | sort | tr '\n' ' ')
[ "$shown" = "clearenv getenv isle_interpose localeconv pthread_create putenv secure_getenv setenv setlocale unsetenv " ] ||
    fail "libisles-interpose.so exports $shown"
# shellcheck disable=SC2046 # flags are words
"$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror -Wl,--as-needed "$here/interposed.c" -o "$work/interposed" \
    $(pkg-config --cflags --libs isles isles-interpose) -Wl,-rpath,"$lib" ||
    fail "the C program does not build with the flags of isles-interpose"
"$work/interposed" || fail "the C program linked with isles-interpose"
printf '%s\n' 'import ctypes' 'get = ctypes.CDLL(None).getenv' 'get.restype = ctypes.c_char_p' 'print(get(b"OUTSIDE"))' >"$work/native.py"
plain=$(OUTSIDE=outside "$prefix/bin/isles" run --output plain --quiet "$work/native.py" --env OUTSIDE=inside)
preloaded=$(OUTSIDE=outside LD_PRELOAD=$lib/libisles-interpose.so \
    "$prefix/bin/isles" run --output plain --quiet "$work/native.py" --env OUTSIDE=inside)
[ "$plain $preloaded" = "b'outside' b'inside'" ] || fail "native code sees $plain, with the library preloaded $preloaded"

if ! { cmake -S "$here/outside" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$cxx" &&
    cmake --build "$work/build"; } >"$work/cmake.log" 2>&1; then
    cat "$work/cmake.log"
    fail "the C++ program does not build with find_package(isles)"
fi
"$work/build/outside" || fail "the C++ program"
"$work/build/interposed" || fail "the program linked with isles::interpose"
echo "installed, moved, built against with pkg-config and CMake, run"
