#!/bin/sh
# Cancel ends a command and what it started, the double fork and the own session included.
. "$(dirname "$0")/lib.sh"
start_jobd
jobctl add -q -n tree --grace 200ms --sh "
	trap '' TERM
	setsid sh -c 'echo \$\$ >$T/far; trap \"\" TERM; while :; do sleep 1; done' &
	sh -c 'echo \$\$ >$T/near; while :; do sleep 1; done' &
	echo \$\$ >$T/main
	while :; do sleep 1; done" >/dev/null
while [ ! -s "$T/far" ] || [ ! -s "$T/near" ] || [ ! -s "$T/main" ]; do :; done
check "cancel" jobctl cancel tree
jobctl wait tree
same "state" "$(jobctl show tree --json | field job.lastRun.state)" canceled
for p in main near far; do
	"$TOOLS/gone" "$(cat "$T/$p")" 10 || fail "$p lives on"
done
stop_jobd
