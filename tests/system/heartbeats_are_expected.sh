#!/bin/sh
# Work that runs elsewhere pings: in time, late, with a failure, from its beginning to its end; and when it does not, that
# is told.
. "$(dirname "$0")/lib.sh"

cat >"$T/conf" <<CONF
[target log]
command = echo "\$JOBD_EVENT \$JOBD_EVENT_NAME" >>$T/told
fold = 0
CONF
start_jobd --config "$T/conf"
check "it is added" jobctl add -q --heartbeat --every 300ms --grace 200ms --notify any:log -n often >/dev/null
check "it is added" jobctl add -q --heartbeat --every 1h --grace 5m -n nightly >/dev/null

# Nobody pings: the run fails, and the next one, too.
jobctl wait often >/dev/null 2>&1
same "its code" "$?" 1
same "the reason" "$(jobctl runs --json 1.1 | field runs.0.reason)" "no ping within its grace of 200ms"
check "a ping" jobctl ping often >/dev/null
check "a pause" jobctl pause often >/dev/null
until [ "$(jobctl notify --json | field targets.0.pending)" = 0 ]; do :; done
same "what was told first" "$(head -n 2 "$T/told")" "late often
down often"
check "the end of the outage was told" grep -q '^up often$' "$T/told"
same "it was told once" "$(sed '/^up/,$d' "$T/told" | grep -c '^down often$')" 1
same "and while it was down no lateness" "$(sed '/^up/,$d' "$T/told" | grep -c '^late')" 1

# How it stands is told in words, and damped as that of checks.
jobctl add -q --heartbeat --every 100ms --grace 1h --fail-after 3 --ok-after 2 -n slow >/dev/null || fail "it is not added"
until [ "$(jobctl show --json slow | field job.state)" = running ]; do :; done
check "late" sh -c "\"$BIN/jobctl\" status slow | grep -q 'It is late: no ping has come by its due'"
check "list says so" sh -c "\"$BIN/jobctl\" list slow | grep -q '	late	'"
jobctl ping -q --fail slow || fail "no ping"
until [ "$(jobctl show --json slow | field job.checksFailed)" = 1 ]; do :; done
check "how many more" sh -c "\"$BIN/jobctl\" status slow | grep -q 'the last run that counts failed (down after 3)'"
jobctl rm -q --cancel slow || fail "it is not removed"
jobctl status nightly >"$T/status"
check "nothing yet" grep -q 'No ping has come yet' "$T/status"

# From the beginning to the end.
check "start" jobctl ping --start nightly >/dev/null
same "it runs" "$(jobctl show --json nightly | field job.state)" running
jobctl why 2.1 >"$T/why"
check "why" grep -q 'not ended' "$T/why"
check "end" jobctl ping --reason "all fine" nightly >/dev/null
check "wait" jobctl wait 2.1 >/dev/null
same "what it said" "$(jobctl runs --json 2.1 | field runs.0.ping.reason)" "all fine"
check "when it began" sh -c "\"$BIN/jobctl\" runs --json 2.1 | \"$TOOLS/field\" runs.0.ping.startedAt >/dev/null"
check "status" sh -c "\"$BIN/jobctl\" status nightly | grep -q 'next ping is expected'"

check "in time" sh -c "\"$BIN/jobctl\" status nightly | grep -q 'It is in time: the last ping came'"

# A failure is one at once.
check "a failure" jobctl ping -q --fail --reason "disk full" nightly
jobctl wait nightly >/dev/null 2>&1
same "its code" "$?" 1
same "its reason" "$(jobctl runs --json 2.2 | field runs.0.reason)" "a ping said that it has failed: disk full"

# What is wrong is said.
jobctl add --heartbeat -n bad 2>"$T/err" && fail "a heartbeat without a schedule is added"
check "by when" grep -q -- '--every' "$T/err"
check "a command" jobctl add -q -n other -- true >/dev/null
jobctl ping other 2>"$T/err" && fail "a command is pinged"
check "no heartbeat" grep -q 'no heartbeat' "$T/err"
jobctl ping --fail --start nightly 2>"$T/err"
same "not both" "$?" 2
jobctl backfill nightly --from 2026-01-01 2>"$T/err" && fail "a heartbeat is made up for"
check "it runs elsewhere" grep -q 'runs elsewhere' "$T/err"
jobctl ping nobody 2>/dev/null
same "nobody" "$?" 3
stop_jobd
jobctl ping nightly 2>/dev/null
same "without jobd" "$?" 5
