#compdef isles
# Completion of isles for zsh.

_isles_programs() {
    _alternative \
        'files:script or zip:_files -g "*.(py|zip|pyz)"' \
        'folders:folder:_files -/'
}

_isles_run() {
    _arguments -S \
        '*-m+[run a module]:module:' \
        '*--args=[arguments of the program]:words:' \
        '*--env=[set in its environment]:NAME=VALUE:' \
        '*--path=[front of its sys.path]:folder:_files -/' \
        '*--venv=[its virtual environment]:folder:_files -/' \
        '*--timeout=[stop it after a time]:time (5s, 500ms, 2m):' \
        '*--stdin=[what it reads]:stdin:{_alternative "words\:word\:(null inherit)" "files\:file\:_files"}' \
        '*--gil=[its own GIL or the shared one]:gil:(own shared)' \
        '*--name=[its name]:name:' \
        '*'{-n+,--copies=}'[copies]:number:' \
        '*'{-I,--isolated}'[as python -I]' \
        '*'{-S,--no-site}'[as python -S]' \
        '*-B[as python -B]' \
        '*-W+[warning filter]:filter:(default error ignore always module once)' \
        '*-X+[implementation option]:option:(int_max_str_digits= pycache_prefix= warn_default_encoding)' \
        '--jobs=[at most so many at once]:number:' \
        '--output=[how output is shown]:how:{_alternative "words\:word\:(prefix plain json)" "folders\:folder\:_files -/"}' \
        '--fail-fast[when one fails, stop the others]' \
        '--quiet[no live line, no table]' \
        '--summary[the table always]' \
        '--color=[colours]:when:(auto always never)' \
        '(- *)'{-h,--help}'[help]' \
        '*:program:_isles_programs'
}

_isles() {
    local -a commands=(
        'run:run programs side by side, each in an interpreter of its own'
        'info:the engine, what it supports, its defects'
        'bench:compare threads, interpreters and processes on this machine'
        'help:what the commands are, or the help of one'
    )
    if ((CURRENT == 2)); then
        _describe command commands
        _arguments '(- *)--version[version]' '(- *)--help[help]'
        return
    fi
    local command=${words[2]}
    shift words
    ((CURRENT--))
    case $command in
    run) _isles_run ;;
    info) _arguments '--python[path of the python of the engine]' '--json[as JSON]' '--help[help]' ;;
    bench)
        _arguments '--json[as JSON]' '--quick[few rounds]' '--help[help]' \
            '*--only=[only this]:name:(start memory call message cores)'
        ;;
    help) _describe command commands ;;
    esac
}

_isles "$@"
