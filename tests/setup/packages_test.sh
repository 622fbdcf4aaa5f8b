#!/usr/bin/env bash
# What CMake says where packages are missing: all of them, at once, by names that can be installed: packages_test.sh SOURCE PYTHON
set -euo pipefail

source=$1 python=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "failed: $*" >&2
    cat "$work/log" >&2
    exit 1
}

configure() { cmake --fresh -S "$source" -B "$work/build" -DISLES_PYTHON="$python" -DISLES_TESTS=OFF "$@" >"$work/log" 2>&1; }
said() { tr -s ' \n' ' ' <"$work/log"; } # CMake breaks lines

hidden=(-DCMAKE_DISABLE_FIND_PACKAGE_zydis=ON)
export PKG_CONFIG_LIBDIR=$work/empty PKG_CONFIG_PATH=$work/empty
if [ "$(uname -m)" = x86_64 ]; then
    configure "${hidden[@]}" && fail "configured without Zydis and jansson"
    [[ $(said) == *"apt-get install libjansson-dev libelf-dev libdw-dev libzydis-dev"*"-DISLES_HOOK=OFF"*"ISLES_DWARF=OFF"* ]] ||
        fail "the four that are missing are not named"
fi
configure "${hidden[@]}" -DISLES_HOOK=OFF && fail "configured without jansson"
[[ $(said) == *"apt-get install libjansson-dev"* && $(said) != *zydis* ]] || fail "jansson alone is not named"
unset PKG_CONFIG_LIBDIR PKG_CONFIG_PATH
configure "${hidden[@]}" -DISLES_HOOK=OFF || fail "not configured without Zydis where it isn't wanted"
echo "missing packages are named"
