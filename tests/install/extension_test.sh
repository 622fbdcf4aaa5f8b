#!/usr/bin/env bash
# Installs a build into a folder of its own, and has an extension of somebody else ask it, by CMake: extension_test.sh BUILD CC EXAMPLES
set -euo pipefail

build=$1 cc=$2 examples=$3
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "failed: $*" >&2
    exit 1
}

cmake --install "$build" --prefix "$work/prefix" >"$work/install.log" || { cat "$work/install.log"; fail "cmake --install"; }
unset LD_LIBRARY_PATH
if ! { cmake -S "$here/extension" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_C_COMPILER="$cc" \
    -DISLES_EXAMPLES="$examples" && cmake --build "$work/build"; } >"$work/cmake.log" 2>&1; then
    cat "$work/cmake.log"
    fail "the extension does not build"
fi

result() { # TEST: runs it, and what it says is in $work/said
    ctest --test-dir "$work/build" --output-on-failure -R "^$1\$" >"$work/said" 2>&1
}

result isles-check.bag_good || { cat "$work/said"; fail "the good extension"; }
grep -q '100% tests passed' "$work/said" || { cat "$work/said"; fail "no test isles-check.bag_good"; }
! result isles-check.bag_bad || fail "the bad extension passes for one with its own GIL"
for word in single-phase added on_full bag_type; do
    grep -q "$word" "$work/said" || { cat "$work/said"; fail "of the bad extension it does not say: $word"; }
done
result bad-private || { cat "$work/said"; fail "a private copy of the bad extension"; }
if cmake -S "$here/extension_wrong" -B "$work/wrong" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_C_COMPILER="$cc" >"$work/wrong.log" 2>&1; then
    fail "a wrong REQUIRE is taken"
fi
grep -q 'none of own-gil, private' "$work/wrong.log" || { cat "$work/wrong.log"; fail "a wrong REQUIRE is not named"; }
echo "built, asked, told"
