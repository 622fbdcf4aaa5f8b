#!/usr/bin/env bash
# Compiles each public header alone, as C11 and as C++17, with every warning an error: headers_test.sh INCLUDE CC CXX
set -euo pipefail

include=$1 cc=$2 cxx=$3
warnings=(-Wall -Wextra -Wshadow -Wpedantic -Werror -fsyntax-only)

# All that the header says is in use twice: it must be complete, and guard itself.
unit() { printf '#include <isles/%s>\n#include <isles/%s>\nint header_compiles(void);\n' "$1" "$1"; }

count=0
for header in "$include"/isles/*.h; do
    name=${header##*/}
    unit "$name" | "$cc" -std=c11 "${warnings[@]}" -I"$include" -x c - || { echo "$name fails as C11" && exit 1; }
    unit "$name" | "$cxx" -std=c++17 "${warnings[@]}" -I"$include" -x c++ - || { echo "$name fails as C++17" && exit 1; }
    count=$((count + 1))
done
[ "$count" -gt 0 ] || { echo "no headers in $include/isles" && exit 1; }
if grep -l 'Python\.h' "$include"/isles/*.h | grep .; then
    echo "a public header must not include Python.h" && exit 1
fi
echo "$count headers"
