#!/usr/bin/env bash
# scripts/find-engine against Pythons that are made up: small shell scripts that answer the probe.
set -euo pipefail

find_engine=$(cd "$(dirname "$0")/../.." && pwd)/scripts/find-engine
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "failed: $*" >&2
    exit 1
}

# A Python that answers: python NAME RANK STATUS [UNTESTED]
python() {
    mkdir -p "$(dirname "$work/$1")"
    cat >"$work/$1" <<END
#!/bin/sh
echo version=$(basename "$1" | tr -dc 0-9.)
echo executable=$work/$1
echo "status=$3"
echo rank=$2
echo untested=${4:-0}
echo free_threaded=0
END
    chmod +x "$work/$1"
}

# Only our made-up folders are looked at, beside the system's own, which may have engines: those are left out of what is compared.
run() {
    env -u ISLES_PYTHON -u PYENV_ROOT PATH="$work/bin:$work/pyenv/shims:/usr/bin:/bin" HOME="$work" ISLES_CACHE="$work/cache" "$@"
}
ours() { grep -o "$work/.*" | sed "s#$work/##" || true; }

mkdir -p "$work/bin" "$work/pyenv/shims" "$work/pyenv/versions/3.15.0/bin"
python bin/python3.13 1030d00f0 ok
python bin/python3.14 1030e08f0 "3.14.8 has no headers (Python.h): install python3.14-dev"
python bin/python3.16 1031000f0 ok 1
python pyenv/versions/3.15.0/bin/python3.15 0030f00b1 ok # a preview: usable, but behind a release
printf '#!/bin/sh\necho "python3.14: command not found" >&2\nexit 127\n' >"$work/pyenv/shims/python3.14"
printf '#!/bin/sh\nexec cat\n' >"$work/bin/python3.14t" # never answers; no stdin to read from
chmod +x "$work/pyenv/shims/python3.14" "$work/bin/python3.14t"

all=$(run "$find_engine" --all | ours)
[ "$all" = "bin/python3.13
pyenv/versions/3.15.0/bin/python3.15" ] || fail "--all lists: $all"

python cache/engines/3.13/bin/python3.13 1030d0ff0 ok
[ "$(run "$find_engine" --all | ours | head -n 1)" = cache/engines/3.13/bin/python3.13 ] || fail "the newer release is not first"

[ "$(run env ISLES_PYTHON=python3.13 "$find_engine")" = "$work/bin/python3.13" ] || fail "ISLES_PYTHON is not obeyed"
[ "$(run env ISLES_PYTHON=python3.16 "$find_engine" 2>/dev/null)" = "$work/bin/python3.16" ] || fail "an untested one can't be chosen"

refused() { # WANTED-MESSAGE ISLES_PYTHON: one line, status 1, nothing printed
    local said status=0
    said=$(run env ISLES_PYTHON="$2" "$find_engine" 2>&1) || status=$?
    [ "$status" = 1 ] || fail "$2: status $status"
    [[ $said == *"$1"* && $said != *$'\n'* ]] || fail "$2: said '$said', not '$1'"
}
python old/python3.12 0 "3.12 is too old: Isles needs CPython 3.13 or newer"
refused "3.12 is too old: Isles needs CPython 3.13 or newer" "$work/old/python3.12"
refused "has no headers" python3.14
refused "no such program" python9
refused "does not run as a Python" "$work/pyenv/shims/python3.14"

# The probe itself, on this machine's other Pythons: an old one must know that it is.
if /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info >= (3, 13))' 2>/dev/null; then
    refused "is too old: Isles needs CPython 3.13 or newer" /usr/bin/python3
fi
echo "engines are found, ranked and refused"
