#!/bin/sh
# A polite stop leaves commands running, too; the next daemon has their end.
. "$(dirname "$0")/lib.sh"
start_jobd
jobctl add -q -n c --sh "echo \$\$ >$T/pid; while [ ! -e $T/go ]; do sleep 0.02; done" >/dev/null
while [ ! -s "$T/pid" ]; do :; done
stop_jobd
check "the command lives" kill -0 "$(cat "$T/pid")"
start_jobd
same "state" "$(jobctl show c --json | field job.state)" running
touch "$T/go"
check "its end" jobctl wait c
stop_jobd
