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
complete -c isles -n __isles_no_command -a bench -d 'Compare threads, interpreters, processes'
complete -c isles -n __isles_no_command -a help -d 'What the commands are'
complete -c isles -n __isles_no_command -l version -d 'Version'
complete -c isles -n __isles_no_command -l help -d 'Help'
complete -c isles -n '__isles_command help' -a 'run info bench help'

complete -c isles -n '__isles_command info' -l python -d 'Path of the engine\'s python'
complete -c isles -n '__isles_command info' -l json -d 'As JSON'
complete -c isles -n '__isles_command info' -l help -d 'Help'

complete -c isles -n '__isles_command bench' -l json -d 'As JSON'
complete -c isles -n '__isles_command bench' -l quick -d 'Few rounds'
complete -c isles -n '__isles_command bench' -l only -x -a 'start memory call message cores' -d 'Only this'
complete -c isles -n '__isles_command bench' -l help -d 'Help'

complete -c isles -n '__isles_command run' -a '(__fish_complete_suffix .py)' -d Program
complete -c isles -n '__isles_command run' -a '(__fish_complete_directories)' -d Folder
complete -c isles -n '__isles_command run' -s m -x -d 'Run a module'
complete -c isles -n '__isles_command run' -l args -x -d 'Arguments of the program'
complete -c isles -n '__isles_command run' -l env -x -d 'NAME=VALUE in its environment'
complete -c isles -n '__isles_command run' -l path -x -a '(__fish_complete_directories)' -d 'Front of its sys.path'
complete -c isles -n '__isles_command run' -l venv -x -a '(__fish_complete_directories)' -d 'Its virtual environment'
complete -c isles -n '__isles_command run' -l timeout -x -a '5s 30s 1m 5m' -d 'Stop it after a time'
complete -c isles -n '__isles_command run' -l stdin -r -F -a 'null inherit' -d 'What it reads'
complete -c isles -n '__isles_command run' -l gil -x -a 'own shared' -d 'Its own GIL or the shared one'
complete -c isles -n '__isles_command run' -l name -x -d 'Its name'
complete -c isles -n '__isles_command run' -s n -l copies -x -d Copies
complete -c isles -n '__isles_command run' -s I -l isolated -d 'As python -I'
complete -c isles -n '__isles_command run' -s S -l no-site -d 'As python -S'
complete -c isles -n '__isles_command run' -s B -d 'As python -B'
complete -c isles -n '__isles_command run' -s W -x -a 'default error ignore always module once' -d 'Warning filter'
complete -c isles -n '__isles_command run' -s X -x -d 'Implementation option'
complete -c isles -n '__isles_command run' -l jobs -x -d 'At most so many at once'
complete -c isles -n '__isles_command run' -l output -x -a 'prefix plain json (__fish_complete_directories)' -d 'How output is shown'
complete -c isles -n '__isles_command run' -l fail-fast -d 'When one fails, stop the others'
complete -c isles -n '__isles_command run' -l quiet -d 'No live line, no table'
complete -c isles -n '__isles_command run' -l summary -d 'The table always'
complete -c isles -n '__isles_command run' -l color -x -a 'auto always never' -d Colours
complete -c isles -n '__isles_command run' -s h -l help -d Help
