# Completion of isles for fish.

function __isles_command -d 'The command is one of these'
    set -l words (commandline -opc)
    test (count $words) -gt 1; and contains -- $words[2] $argv
end

function __isles_no_command
    test (count (commandline -opc)) -eq 1
end

complete -c isles -f
complete -c isles -n __isles_no_command -a run -d 'Run programs side by side'
complete -c isles -n __isles_no_command -a info -d 'The engine, what it supports, its defects'
complete -c isles -n __isles_no_command -a check -d 'Which extension modules are safe where'
complete -c isles -n __isles_no_command -a bench -d 'Compare threads, interpreters, processes'
complete -c isles -n __isles_no_command -a help -d 'What the commands are'
complete -c isles -n __isles_no_command -l version -d 'Version'
complete -c isles -n __isles_no_command -l help -d 'Help'
complete -c isles -n '__isles_command help' -a 'run info check bench help'

complete -c isles -n '__isles_command info' -l python -d 'Path of the engine\'s python'
complete -c isles -n '__isles_command info' -l json -d 'As JSON'
complete -c isles -n '__isles_command info' -l help -d 'Help'

complete -c isles -n '__isles_command check' -F
complete -c isles -n '__isles_command check' -l stdlib -d 'The standard library\'s'
complete -c isles -n '__isles_command check' -l require -x -a 'own-gil private shared-gil main' -d 'What is good enough'
complete -c isles -n '__isles_command check' -l static -d 'Read files only'
complete -c isles -n '__isles_command check' -s v -l verbose -d 'All that is known'
complete -c isles -n '__isles_command check' -l json -d 'As JSON'
complete -c isles -n '__isles_command check' -l venv -x -a '(__fish_complete_directories)' -d 'Where names are looked up'
complete -c isles -n '__isles_command check' -l snippet -r -F -d 'Python source that exercises it'
complete -c isles -n '__isles_command check' -l timeout -x -a '10s 1m 5m' -d 'What each probe may take'
complete -c isles -n '__isles_command check' -l jobs -x -d 'At most so many at once'
complete -c isles -n '__isles_command check' -l isles -r -F -d 'On its engine, too: another isles program'
complete -c isles -n '__isles_command check' -l skip-foreign -d 'Leave out what is for other engines'
complete -c isles -n '__isles_command check' -l no-cache -d 'Do not keep the verdicts'
complete -c isles -n '__isles_command check' -l color -x -a 'auto always never' -d Colours
complete -c isles -n '__isles_command check' -s h -l help -d Help

complete -c isles -n '__isles_command bench' -l json -d 'As JSON'
complete -c isles -n '__isles_command bench' -l quick -d 'Few rounds'
complete -c isles -n '__isles_command bench' -l only -x -a 'start memory call message cores' -d 'Only this'
complete -c isles -n '__isles_command bench' -l help -d 'Help'

complete -c isles -n '__isles_command run' -a '(__fish_complete_suffix .py)' -d Program
complete -c isles -n '__isles_command run' -a '(__fish_complete_directories)' -d Folder
complete -c isles -n '__isles_command run' -s m -x -d 'Run a module'
complete -c isles -n '__isles_command run' -l args -x -d 'Arguments of the program'
complete -c isles -n '__isles_command run' -l env -x -d 'NAME=VALUE in its environment'
complete -c isles -n '__isles_command run' -l env-empty -d 'No variables but those of --env'
complete -c isles -n '__isles_command run' -l cwd -x -a '(__fish_complete_directories)' -d 'The folder it starts in'
complete -c isles -n '__isles_command run' -l umask -x -a '022 027 077' -d 'The umask it starts with'
complete -c isles -n '__isles_command run' -l locale -x -a '(locale -a 2>/dev/null)' -d 'The locale it starts with'
complete -c isles -n '__isles_command run' -l share -x -a 'cwd env locale' -d 'What it has in common with the process'
complete -c isles -n '__isles_command run' -l path -x -a '(__fish_complete_directories)' -d 'Front of its sys.path'
complete -c isles -n '__isles_command run' -l venv -x -a '(__fish_complete_directories)' -d 'Its virtual environment'
complete -c isles -n '__isles_command run' -l timeout -x -a '5s 30s 1m 5m' -d 'Stop it after a time'
complete -c isles -n '__isles_command run' -l memory -x -a '64M 256M 1G' -d 'What its Python objects may hold'
complete -c isles -n '__isles_command run' -l cpu -x -a '1s 10s 1m' -d 'CPU time of all its threads'
complete -c isles -n '__isles_command run' -l threads -x -d 'Threads beside the main one'
complete -c isles -n '__isles_command run' -l output-limit -x -a '1M 10M' -d 'What it may write'
complete -c isles -n '__isles_command run' -l queue-bytes -x -a '1M 10M' -d 'Bytes of its values that wait in queues'
complete -c isles -n '__isles_command run' -l messages -x -d 'Its values that wait in queues'
complete -c isles -n '__isles_command run' -l recursion -x -d 'Calls in calls'
complete -c isles -n '__isles_command run' -l descriptors -x -d 'Open at once, in a table of its own'
complete -c isles -n '__isles_command run' -l stdin -r -F -a 'null inherit' -d 'What it reads'
complete -c isles -n '__isles_command run' -l stdout -r -F -a 'null' -d 'File for its output'
complete -c isles -n '__isles_command run' -l stderr -r -F -a 'null' -d 'File for its errors'
complete -c isles -n '__isles_command run' -l append -d 'Do not empty such files'
complete -c isles -n '__isles_command run' -l slow-reader -x -a 'wait drop' -d 'When output is not read in time'
complete -c isles -n '__isles_command run' -l gil -x -a 'own shared' -d 'Its own GIL or the shared one'
complete -c isles -n '__isles_command run' -l extensions -x -a 'strict private shared-gil auto' -d 'Extensions that refuse an own GIL'
complete -c isles -n '__isles_command run' -l extension-copies -x -d 'At most so many copies of them'
complete -c isles -n '__isles_command run' -l name -x -d 'Its name'
complete -c isles -n '__isles_command run' -s n -l copies -x -d Copies
complete -c isles -n '__isles_command run' -s I -l isolated -d 'As python -I'
complete -c isles -n '__isles_command run' -s S -l no-site -d 'As python -S'
complete -c isles -n '__isles_command run' -s B -d 'As python -B'
complete -c isles -n '__isles_command run' -s u -d 'As python -u'
complete -c isles -n '__isles_command run' -s W -x -a 'default error ignore always module once' -d 'Warning filter'
complete -c isles -n '__isles_command run' -s X -x -d 'Implementation option'
complete -c isles -n '__isles_command run' -l allow-read -r -F -a none -d 'Files that may be read'
complete -c isles -n '__isles_command run' -l allow-write -r -F -a none -d 'Files that may be written'
complete -c isles -n '__isles_command run' -l allow-exec -r -F -a none -d 'Programs that may be run'
complete -c isles -n '__isles_command run' -l allow-connect -x -a none -d 'TCP port that may be connected to'
complete -c isles -n '__isles_command run' -l allow-bind -x -a none -d 'TCP port that may be listened at'
complete -c isles -n '__isles_command run' -l seccomp -x -a 'no-network no-exec no-admin' -d 'System calls that are denied'
complete -c isles -n '__isles_command run' -l deny -x -a "'ctypes.*' import open 'os.*' 'socket.*' subprocess.Popen" -d 'An audit event'
complete -c isles -n '__isles_command run' -l allow -x -a "'ctypes.*' import open 'os.*' 'socket.*' subprocess.Popen" -d 'But not this one'
complete -c isles -n '__isles_command run' -l observe -d 'List what would be denied'
complete -c isles -n '__isles_command run' -l jobs -x -d 'At most so many at once'
complete -c isles -n '__isles_command run' -l output -x -a 'prefix plain json (__fish_complete_directories)' -d 'How output is shown'
complete -c isles -n '__isles_command run' -l fail-fast -d 'When one fails, stop the others'
complete -c isles -n '__isles_command run' -l quiet -d 'No live line, no table'
complete -c isles -n '__isles_command run' -l summary -d 'The table always'
complete -c isles -n '__isles_command run' -l color -x -a 'auto always never' -d Colours
complete -c isles -n '__isles_command run' -s h -l help -d Help
