# Completion of isles for bash.

_isles_run()
{
    case $prev in
    --timeout | --memory | --cpu | --threads | --output-limit | --queue-bytes | --messages | --recursion | --descriptors | --extension-copies | --args | --env | --name | -n | --copies | --jobs | --umask) return ;;
    --gil) mapfile -t COMPREPLY < <(compgen -W "own shared" -- "$cur"); return ;;
    --extensions) mapfile -t COMPREPLY < <(compgen -W "strict private shared-gil auto" -- "$cur"); return ;;
    --color) mapfile -t COMPREPLY < <(compgen -W "auto always never" -- "$cur"); return ;;
    --stdin) mapfile -t COMPREPLY < <(compgen -W "null inherit" -f -- "$cur"); return ;;
    --stdout | --stderr) mapfile -t COMPREPLY < <(compgen -W "null" -f -- "$cur"); return ;;
    --slow-reader) mapfile -t COMPREPLY < <(compgen -W "wait drop" -- "$cur"); return ;;
    --output) mapfile -t COMPREPLY < <(compgen -W "prefix plain json" -d -- "$cur"); return ;;
    --venv) mapfile -t COMPREPLY < <(compgen -W "none" -d -- "$cur"); return ;;
    --allow-connect | --allow-bind) mapfile -t COMPREPLY < <(compgen -W "none" -- "$cur"); return ;;
    --allow-read | --allow-write | --allow-exec) mapfile -t COMPREPLY < <(compgen -W "none" -f -- "$cur"); return ;;
    --seccomp) mapfile -t COMPREPLY < <(compgen -W "no-network no-exec no-admin" -- "$cur"); return ;;
    --deny | --allow) mapfile -t COMPREPLY < <(compgen -W "ctypes.* import open os.* socket.* subprocess.Popen" -- "$cur"); return ;;
    --share) mapfile -t COMPREPLY < <(compgen -W "cwd env locale" -- "$cur"); return ;;
    --locale) mapfile -t COMPREPLY < <(compgen -W "$(locale -a 2>/dev/null)" -- "$cur"); return ;;
    --path | --cwd) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
    -m) _isles_modules; return ;;
    -W) mapfile -t COMPREPLY < <(compgen -W "default error ignore always module once" -- "$cur"); return ;;
    -X) mapfile -t COMPREPLY < <(compgen -W "int_max_str_digits= pycache_prefix= warn_default_encoding" -- "$cur"); return ;;
    esac
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "--args --env --env-empty --cwd --umask --locale --share --path --venv --timeout --memory --cpu --threads --output-limit
            --queue-bytes --messages --recursion --descriptors
            --stdin --stdout --stderr --append --slow-reader --gil --extensions --extension-copies --name --copies --isolated
            --no-site --jobs --output --fail-fast --quiet --summary --color --help
            --allow-read --allow-write --allow-exec --allow-connect --allow-bind --seccomp --deny --allow --observe -m -n -I -S -B -u -W -X" -- "$cur")
        return
    fi
    mapfile -t COMPREPLY < <(compgen -f -X '!*.@(py|zip|pyz)' -- "$cur"; compgen -d -- "$cur")
}

_isles_check()
{
    case $prev in
    --require) mapfile -t COMPREPLY < <(compgen -W "own-gil private shared-gil main" -- "$cur"); return ;;
    --color) mapfile -t COMPREPLY < <(compgen -W "auto always never" -- "$cur"); return ;;
    --venv) mapfile -t COMPREPLY < <(compgen -W "none" -d -- "$cur"); return ;;
    --isles) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    --timeout | --jobs) return ;;
    esac
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "--stdlib --require --static --verbose --json --venv --snippet --timeout --jobs
            --isles --skip-foreign --no-cache --color --help -v" -- "$cur")
        return
    fi
    mapfile -t COMPREPLY < <(compgen -f -X '!*.@(so|whl|txt|in)' -- "$cur"; compgen -d -- "$cur")
}

# Modules and packages of the current folder: those of the engine would need it to run.
_isles_modules()
{
    local dir=${cur%"${cur##*.}"}
    mapfile -t COMPREPLY < <(
        cd "./${dir//.//}" 2>/dev/null || exit 0
        for name in *.py */__init__.py */__main__.py; do
            [[ -e $name ]] || continue
            name=${name%%/*}
            printf '%s\n' "$dir${name%.py}"
        done | sort -u | grep -F -- "$cur"
    )
}

_isles()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "run info check bench help --version --help" -- "$cur")
        return
    fi
    compopt -o filenames 2>/dev/null
    case ${COMP_WORDS[1]} in
    run) _isles_run ;;
    info) mapfile -t COMPREPLY < <(compgen -W "--python --json --help" -- "$cur") ;;
    check) _isles_check ;;
    bench)
        if [[ $prev == --only ]]; then
            mapfile -t COMPREPLY < <(compgen -W "start memory call message cores" -- "$cur")
        else
            mapfile -t COMPREPLY < <(compgen -W "--json --quick --only --help" -- "$cur")
        fi
        ;;
    help) mapfile -t COMPREPLY < <(compgen -W "run info check bench help" -- "$cur") ;;
    esac
}

shopt -s extglob
complete -F _isles isles
