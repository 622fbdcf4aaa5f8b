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
        '*--env-empty[no variables but those of --env]' \
        '*--cwd=[the folder it starts in]:folder:_files -/' \
        '*--umask=[the umask it starts with]:octal number:(022 027 077)' \
        '*--locale=[the locale it starts with]:locale:($(locale -a 2>/dev/null))' \
        '*--share=[what it has in common with the process]:what:(cwd env locale)' \
        '*--path=[front of its sys.path]:folder:_files -/' \
        '*--venv=[its virtual environment]:folder:_files -/' \
        '*--timeout=[stop it after a time]:time (5s, 500ms, 2m):' \
        '*--memory=[what its Python objects may hold]:size (64M, 1.5G):' \
        '*--cpu=[CPU time of all its threads]:time (5s, 500ms, 2m):' \
        '*--threads=[threads beside the main one]:number:' \
        '*--output-limit=[what it may write]:size (1M):' \
        '*--queue-bytes=[bytes of its values that wait in queues]:size (1M):' \
        '*--messages=[its values that wait in queues]:number:' \
        '*--recursion=[calls in calls]:number:' \
        '*--descriptors=[open at once, in a table of its own]:number:' \
        '*--stdin=[what it reads]:stdin:{_alternative "words\:word\:(null inherit)" "files\:file\:_files"}' \
        '*--stdout=[file for its output]:stdout:{_alternative "words\:word\:(null)" "files\:file\:_files"}' \
        '*--stderr=[file for its errors]:stderr:{_alternative "words\:word\:(null)" "files\:file\:_files"}' \
        '*--append[do not empty such files]' \
        '*--slow-reader=[when output is not read in time]:how:(wait drop)' \
        '*--gil=[its own GIL or the shared one]:gil:(own shared)' \
        '*--extensions=[extensions that refuse an own GIL]:how:(strict private shared-gil auto)' \
        '*--extension-copies=[at most so many copies of them]:number:' \
        '*--name=[its name]:name:' \
        '*'{-n+,--copies=}'[copies]:number:' \
        '*'{-I,--isolated}'[as python -I]' \
        '*'{-S,--no-site}'[as python -S]' \
        '*-B[as python -B]' \
        '*-u[as python -u]' \
        '*-W+[warning filter]:filter:(default error ignore always module once)' \
        '*-X+[implementation option]:option:(int_max_str_digits= pycache_prefix= warn_default_encoding)' \
        '*--allow-read=[files that may be read]:path:_files' \
        '*--allow-write=[files that may be written]:path:_files' \
        '*--allow-exec=[programs that may be run]:path:_files' \
        '*--allow-connect=[TCP port that may be connected to]:port (none):' \
        '*--allow-bind=[TCP port that may be listened at]:port (none):' \
        '*--seccomp=[system calls that are denied]:profile:(no-network no-exec no-admin)' \
        '*--deny=[an audit event]:EVENT\:PATTERN:' \
        '*--allow=[an audit event]:EVENT\:PATTERN:' \
        '*--observe[list what would be denied]' \
        '--jobs=[at most so many at once]:number:' \
        '--output=[how output is shown]:how:{_alternative "words\:word\:(prefix plain json)" "folders\:folder\:_files -/"}' \
        '--fail-fast[when one fails, stop the others]' \
        '--quiet[no live line, no table]' \
        '--summary[the table always]' \
        '--color=[colours]:when:(auto always never)' \
        '(- *)'{-h,--help}'[help]' \
        '*:program:_isles_programs'
}

_isles_check() {
    _arguments -S \
        '--stdlib[those of the standard library]' \
        '--require=[what is good enough]:verdict:(own-gil private shared-gil main)' \
        '--static[read files only]' \
        {-v,--verbose}'[all that is known]' \
        '--json[as JSON]' \
        '*--venv=[where names are looked up]:folder:_files -/' \
        '*--isles=[on its engine, too]:isles program:_files' \
        '--skip-foreign[leave out what is for other engines]' \
        '--snippet=[Python source that exercises it]:file:_files -g "*.py"' \
        '--timeout=[what each probe may take]:time (5s, 500ms, 2m):' \
        '--jobs=[at most so many at once]:number:' \
        '--no-cache[do not keep the verdicts]' \
        '--color=[colours]:when:(auto always never)' \
        '(- *)'{-h,--help}'[help]' \
        '*:target:_files'
}

_isles() {
    local -a commands=(
        'run:run programs side by side, each in an interpreter of its own'
        'info:the engine, what it supports, its defects'
        'check:which extension modules are safe in which interpreters, and why'
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
    check) _isles_check ;;
    bench)
        _arguments '--json[as JSON]' '--quick[few rounds]' '--help[help]' \
            '*--only=[only this]:name:(start memory call message cores)'
        ;;
    help) _describe command commands ;;
    esac
}

_isles "$@"
