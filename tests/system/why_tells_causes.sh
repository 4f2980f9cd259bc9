#!/bin/sh
# why tells the state of a job, what became of an instant, where a run's time went, and what the daemon's absence did.
. "$(dirname "$0")/lib.sh"
export TZ=UTC
start_jobd
has() {
	case $2 in *"$3"*) ;; *) fail "$1: got '$2', wanted '$3' in it" ;; esac
}
jobctl add -q -n later --in 1h true >/dev/null
has "waits" "$(jobctl why later | head -n 1)" "waiting for its next due, "
jobctl add -q -n long --every 200ms sleep 100 >/dev/null
# Ask again and again until a reply has it.
until_has() {
	what=$1 wanted=$2 tries=0
	shift 2
	while :; do
		case $("$@") in *"$wanted"*) return ;; esac
		tries=$((tries + 1))
		[ $tries -lt 1000 ] || fail "$what: '$wanted' never comes"
	done
}
until_has "a process" '"pid":' jobctl runs long --json
pid=$(jobctl show 2.1 --json | field pid)
has "runs" "$(jobctl why long | head -n 1)" "running as 2.1 since "
has "as a process" "$(jobctl why long | head -n 1)" ", as pid $pid"
until_has "overlap" "was skipped: overlap: 2.1 was still running (since " jobctl why long
until_has "in a row" ", for the third time in a row" jobctl why long
jobctl pause later >/dev/null
has "paused" "$(jobctl why later | head -n 1)" "paused by uid $(id -u)"
has "a chain" "$(jobctl why later)" "	paused	"
jobctl resume later >/dev/null
jobctl add -q -n once true >/dev/null
jobctl wait once >/dev/null
has "finished" "$(jobctl why once | head -n 1)" "finished: its one occurrence, due "
has "ran" "$(jobctl why 3.1)" "ran as 3.1, "
has "the stages" "$(jobctl why 3.1)" "	started	3.1	started as 3.1"
due=$(jobctl show 3.1 --json | field due)
same "at its due" "$(jobctl why once --at "$due" --json | field due)" "$due"
# Of the clock alone it is the latest that has been, and not the next.
at=$(date -d '-2 minutes' +%Y-%m-%dT%H:%M)
has "a time of the clock" "$(jobctl why once --at "${at#*T}")" "nothing was due at $at:00"
check "audit" jobctl audit --from "${at#*T}" >/dev/null
check "backfill" jobctl backfill long --from "${at#*T}" --dry-run >/dev/null
has "not then" "$(jobctl why once --at +1h)" "nothing is due at "
has "not yet" "$(jobctl why once --at 2001-01-01T00:00Z)" "the job was added after that"
# In the local zone, unless asked not to.
has "UTC" "$(jobctl why later --utc | head -n 1)" "Z, in "
has "zone" "$(TZ=Asia/Tokyo jobctl why later | head -n 1)" "+09:00, in "
check "json" test "$(jobctl why later --json | field job)" = 1
jobctl why nobody 2>/dev/null
same "nobody" $? 3
jobctl why 2>/dev/null
same "no job" $? 2
jobctl cancel long >/dev/null
jobctl rm --cancel long >/dev/null
stop_jobd
