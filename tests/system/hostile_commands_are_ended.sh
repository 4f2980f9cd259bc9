#!/bin/sh
# Whatever a command does to stay: cancel and its end take all of it down, and the record says what it took.
. "$(dirname "$0")/lib.sh"
start_jobd

# What the last run of a job says.
last() {
	jobctl show "$1" --json | field "job.lastRun.$2"
}

# Wait until these files of pids are written.
written() {
	for f; do
		while [ ! -s "$T/$f" ]; do sleep 0.02; done
	done
}

# None of these processes is left.
all_gone() {
	for f; do
		for p in $(cat "$T/$f"); do
			"$TOOLS/gone" "$p" 5 || { kill -KILL "$p"; fail "$f ($p) lives on"; }
		done
	done
}

# It ignores TERM, and has a session of its own without environment below a process that lives.
jobctl add -q -n deaf --grace 100ms --sh "
	trap '' TERM
	sh -c 'env -i setsid sh -c \"trap : TERM; echo \\\$\\\$ >$T/deep; while :; do sleep 1; done\" & echo \$\$ >$T/middle
		while :; do sleep 1; done' &
	echo \$\$ >$T/deaf
	while :; do sleep 1; done" >/dev/null
written deep middle deaf
jobctl cancel deaf >/dev/null
jobctl wait deaf 2>/dev/null
same "deaf" "$(last deaf state) $(last deaf endedBy)" "canceled KILL"
all_gone deep middle deaf

# It is asked, and that is enough.
jobctl add -q -n polite --sh "echo \$\$ >$T/polite; exec sleep 1000" >/dev/null
written polite
jobctl cancel polite >/dev/null
jobctl wait polite 2>/dev/null
same "polite" "$(last polite state) $(last polite endedBy)" "canceled TERM"

# A daemon: two forks and a session of its own; what holds the pipe does not hold the run.
jobctl add -q -n daemon --sh "setsid sh -c 'sh -c \"echo \\\$\\\$ >$T/daemon; exec sleep 1000\" & exit 0'; 
	while [ ! -s $T/daemon ]; do sleep 0.02; done; exit 7" >/dev/null
jobctl wait daemon 2>/dev/null
same "daemon" "$(last daemon exitCode) $(last daemon leftovers) $(last daemon endedBy)" "7 1 TERM"
all_gone daemon
jobctl status daemon | grep -q "It left 1 process behind, ended by TERM." || fail "status does not tell of it"

# It closes its descriptors; it clears its environment.
jobctl add -q -n closed --sh "echo \$\$ >$T/closed; exec 0<&- 1<&- 2<&-; while :; do sleep 1; done" >/dev/null
jobctl add -q -n bare --sh "env -i sh -c 'sleep 1000 & echo \$! \$\$ >$T/bare; wait'" >/dev/null
written closed bare
jobctl cancel closed bare >/dev/null
jobctl wait closed bare 2>/dev/null
all_gone closed bare

# It forks while dying, sessions of their own.
jobctl add -q -n hydra --grace 200ms --sh "
	trap 'for i in 1 2 3; do setsid sh -c \"trap : TERM; echo \\\$\\\$ >>$T/heads; while :; do sleep 1; done\" & done' TERM
	echo \$\$ >$T/hydra
	while :; do sleep 0.05; done" >/dev/null
written hydra
jobctl cancel hydra >/dev/null
jobctl wait hydra 2>/dev/null
same "hydra" "$(last hydra state) $(last hydra endedBy)" "canceled KILL"
written heads
all_gone hydra heads

# wait: the run lasts as long as what it has started, and has its output.
mkfifo "$T/fifo"
jobctl add -q -n patient --leftovers wait --sh "setsid sh -c 'read word <$T/fifo; echo \$word' & exit 0" >/dev/null
before=$(date -u +%Y-%m-%dT%H:%M:%S.%6NZ)
echo late >"$T/fifo"
jobctl wait patient || fail "a run that waits for what it left has failed"
same "its output" "$(jobctl logs patient)" late
exited=$(last patient exitedAt)
same "its end is that of the last" "$(printf '%s\n' "$exited" "$before" | sort | head -n 1)" "$before"
same "what was ended" "$(last patient leftovers)$(last patient endedBy)" ""
jobctl add -q -n long --leftovers wait --timeout 300ms --sh "setsid sleep 1000 & echo \$! >$T/long" >/dev/null
jobctl wait long 2>/dev/null
same "its limit counts" "$(last long state) $(last long exitCode)" "timed_out 0"
all_gone long

# detach: what it leaves is on its own.
jobctl add -q -n free --leftovers detach --sh "setsid sleep 1000 & echo \$! >$T/free" >/dev/null
jobctl wait free || fail "a run that lets go has failed"
same "what was ended" "$(last free leftovers)$(last free endedBy)" ""
free=$(cat "$T/free")
kill -0 "$free" || fail "what was let go has ended"
kill -KILL "$free"
"$TOOLS/gone" "$free" 5 || fail "what was let go is not reaped"

# All are reaped, the last one soon.
tries=250
while c=$(cat "/proc/$(runner_pid)/task/$(runner_pid)/children") && [ -n "$c" ]; do
	[ $((tries -= 1)) -gt 0 ] || fail "children are left: $(ps -o pid,stat,args -p "${c% }")"
	sleep 0.02
done
stop_jobd
