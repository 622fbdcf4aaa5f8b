# Shared by the scripts of this folder, which source it. Says things in one line, finds the cache, installs packages.
# shellcheck shell=bash

ISLES_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export ISLES_SOURCE

say() { printf 'isles: %s\n' "$*"; }
warn() { printf 'isles: %s\n' "$*" >&2; }
die() {
    warn "$*"
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" -eq 0 ]; }

# The folder that keeps what is slow to make: engines built from source, the Debian root. Outside the source tree.
cache_dir() {
    local dir=${ISLES_CACHE:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/isles}
    if ! mkdir -p "$dir" 2>/dev/null || [ ! -w "$dir" ]; then
        [ -z "${ISLES_CACHE:-}" ] || die "ISLES_CACHE=$ISLES_CACHE can't be written: choose another folder"
        dir=/var/tmp/isles-$(id -u)
        mkdir -p "$dir" || die "no folder for the cache: set ISLES_CACHE to one that can be written"
    fi
    (cd "$dir" && pwd)
}

# Runs a command quietly into a log file; when it fails, shows the log's end. quietly LOG COMMAND...
quietly() {
    local log=$1
    shift
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 </dev/null && return 0
    tail -n "${QUIET_LINES:-40}" "$log" >&2
    warn "failed: $* (all of its output: $log)"
    return 1
}

as_root() {
    if is_root; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

# The clang for fuzzing: the system's, else 14, which lint's tools come from; nothing where there is none.
fuzz_compiler() { command -v clang || command -v clang-14 || true; }

# Lists which of the named Debian packages are not installed, on one line.
missing_packages() {
    local package missing=()
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
    done
    echo "${missing[*]}"
}

# Can apt install this package? (It may be a name that this distribution doesn't know.)
package_known() { apt-cache policy "$1" 2>/dev/null | grep -q '^  Candidate: [^(]'; }

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"
}

# The index of packages, fetched once in a run. An index whose date has passed (a mirror that is a frozen copy) will do as well.
apt_update() {
    [ -z "${ISLES_APT_UPDATED:-}" ] || return 0
    apt_get update || apt_get -o Acquire::Check-Valid-Until=false update || return 1
    export ISLES_APT_UPDATED=1
}

# Installs what is missing of the named packages, saying so. WHY is a few words: install_packages WHY PACKAGE...
install_packages() {
    local why=$1 missing log
    shift
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    if ! is_root && ! have sudo; then
        die "missing for $why: $missing. As root, run: apt-get install $missing"
    fi
    say "installing for $why: $missing"
    log=$(cache_dir)/apt.log
    # shellcheck disable=SC2086 # a list of names
    quietly "$log" apt_get install --no-install-recommends $missing 2>/dev/null && return 0
    quietly "$log" apt_update || die "apt can't read its mirror: look at the network and at /etc/apt, then run this again"
    # shellcheck disable=SC2086
    quietly "$log" apt_get install --no-install-recommends $missing ||
        die "apt could not install what $why needs: $missing"
}

# The Debian mirror that this machine itself uses.
debian_mirror() {
    local mirror
    if [ -n "${ISLES_DEBIAN_MIRROR:-}" ]; then
        echo "$ISLES_DEBIAN_MIRROR"
        return 0
    fi
    # shellcheck disable=SC1091
    if [ "$(. /etc/os-release 2>/dev/null && echo "${ID:-}")" != debian ] || ! have apt-get; then
        die "not a Debian system, so its package sources name no Debian mirror: set ISLES_DEBIAN_MIRROR to one"
    fi
    # shellcheck disable=SC2016 # apt's own variables
    mirror=$(apt-get indextargets --no-release-info --format '$(CREATED_BY) $(RELEASE) $(REPO_URI)' |
        awk -v codename="$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" \
            '$1 == "Packages" && ($2 == codename || $2 == "stable" || $2 == "testing" || $2 == "sid") { print $3; exit }')
    [ -n "$mirror" ] || die "the package sources in /etc/apt name no Debian mirror: set ISLES_DEBIAN_MIRROR to one"
    echo "$mirror"
}

usage_of() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$1"; }

# --- adding up tests: "passed failed skipped" ---------------------------------------------------------------------
total=(0 0 0)

# Adds FILE's counts to the total and says them: add_counts NAME FILE STATUS. A command that ended with a status other than 0, or
# left no counts, is a failure, whatever was counted.
add_counts() {
    local counts=(0 0 0) i
    if [ -s "$2" ]; then read -r -a counts <"$2"; fi
    if { [ "$3" -ne 0 ] || [ ! -s "$2" ]; } && [ "${counts[1]}" -eq 0 ]; then counts[1]=1; fi
    for i in 0 1 2; do total[i]=$((total[i] + counts[i])); done
    say "$1: ${counts[0]} passed, ${counts[1]} failed, ${counts[2]} skipped"
}

# Says the total, leaves it in FILE, and is true when nothing failed: end_counts FILE
end_counts() {
    mkdir -p "$(dirname "$1")"
    echo "${total[*]}" >"$1"
    say "${total[0]} passed, ${total[1]} failed, ${total[2]} skipped"
    [ "${total[1]}" -eq 0 ]
}
