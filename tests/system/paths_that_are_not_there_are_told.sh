#!/bin/sh
# A socket in a directory that does not exist is refused, and nothing is made; a runner that is not there is told of.
. "$(dirname "$0")/lib.sh"
"$BIN/jobd" --state-dir "$T/state" --socket "$T/nonexist/x" 2>"$T/err"
same "exit code" $? 1
check "it names the directory" grep -qF "directory $T/nonexist: No such file or directory" "$T/err"
check "it makes none" test ! -e "$T/nonexist"
start_jobd --runner "$T/none"
check "it warns" grep -qF "<4>no jobd-runner is there yet: commands wait for it socket=$T/none" "$T/log"
stop_jobd
