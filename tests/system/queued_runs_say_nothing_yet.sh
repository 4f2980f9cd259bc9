#!/bin/sh
# list, status and logs are about the run that goes on, or has begun last, while others are queued behind it.
. "$(dirname "$0")/lib.sh"
start_jobd
mkfifo "$T/go"
jobctl add -q -n long --every 1d --overlap queue:3 --sh "echo first; read x <$T/go; echo more" >/dev/null
check "it runs" jobctl wait long --until started
same "two more are asked for" "$(jobctl trigger long long | tr '\n' ' ')" "queued 1.2 "
same "and again" "$(jobctl trigger long)" "queued 1.3"
last() {
	jobctl list --json long | field jobs.0.lastRun.run
}
same "the list is about the one that runs" "$(last)" 1
jobctl status long >"$T/out"
check "status, too" grep -q "^Run 1.1 is running, " "$T/out"
check "and the others are named" grep -qx "Queued: 1.3, 1.2." "$T/out"
jobctl why 1.2 >"$T/out"
check "one waits for the run before it, not for a slot" grep -q "waits as 1.2 for the end of 1.1" "$T/out"
jobctl cancel -q 1.3 >/dev/null
same "a later one that has ended does not count while one runs" "$(last)" 1
echo >"$T/go"
check "the first ends" jobctl wait 1.1
check "the second begins" jobctl wait 1.2 --until started
same "now it is that one" "$(last)" 2
jobctl logs 1.1 >"$T/out"
same "its output" "$(cat "$T/out")" "first
more"
echo >"$T/go"
check "the second ends" jobctl wait 1.2
same "logs are of the one that has begun last" "$(jobctl logs long | tail -n 1)" "more"

# It waits for a slot of its queue while nothing of it runs.
jobctl add -q -n block --queue one --sh "read x <$T/go" >/dev/null 2>&1
check "the slot is taken" jobctl wait block --until started
id=$(jobctl add -q -n behind --every 1d --in 1d --queue one true)
jobctl trigger -q behind >/dev/null
jobctl why behind >"$T/out"
check "it tells which of its runs waits for what" grep -q "is $id.1, and waits for a slot of queue one" "$T/out"
jobctl status behind >"$T/out"
check "what is to come is not past" grep -q "^The next run is due in " "$T/out"
echo >"$T/go"
stop_jobd
