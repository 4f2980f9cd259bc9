#!/bin/sh
# Simulate: the jobs that are stored and those of a file, runs, waits and marks, as a table, JSON and lines of time;
# the same input gives the same bytes, and the daemon has done nothing and says nothing of it.
. "$(dirname "$0")/lib.sh"
start_jobd
export TZ=UTC COLUMNS=
jobctl add -q -n backup --cron '30 2 * * *' --tz Europe/Berlin --paused true >/dev/null
jobctl resume backup >/dev/null
jobctl add -q -n index --at 2027-03-28T00:00Z --every 2h --timer 50m >/dev/null
jobctl add -q -n often --at 2027-03-28T00:05Z --every 10m --timer 25m >/dev/null
jobctl add -q -n idle --at 2027-03-28T00:00Z --paused --timer 1s >/dev/null
NIGHT="--from 2027-03-27T22:00Z --to 2027-03-28T04:00Z"
jobctl simulate $NIGHT --json >"$T/1" || fail "simulate"
jobctl simulate $NIGHT --json >"$T/2"
check "the same bytes twice" cmp -s "$T/1" "$T/2"
same "jobs told" "$(field jobs.# <"$T/1")" 3
same "a gap is marked" "$(field jobs.0.dstGap <"$T/1")" 1
same "nothing is known of it" "$(field jobs.0.durationFrom <"$T/1")" default
same "a timer knows itself" "$(field jobs.2.durationFrom <"$T/1")" timer
same "runs of often: each third" "$(field jobs.2.runs <"$T/1")" 12
same "the others overlap" "$(field jobs.2.skips.0.cause <"$T/1") $(field jobs.2.skips.0.count <"$T/1")" "overlap 24"
same "two timers at a time" "$(field peaks.2.runs <"$T/1")" 2

# With a file: one more, and one that takes the place of index.
cat >"$T/with.json" <<'END'
{"jobs":[{"name":"report","cron":"0 * * * *","timeZone":"UTC","timer":{"durationUSec":1200000000}},
	{"name":"index","cron":"0 0 * * *","timeZone":"UTC","timer":{"durationUSec":600000000}}]}
END
jobctl simulate $NIGHT --with "$T/with.json" --timers 1 --json report index >"$T/3" || fail "simulate --with"
same "only these are told" "$(field jobs.# <"$T/3")" 2
same "all are in it" "$(field jobsTotal <"$T/3")" 4
same "index is the file's" "$(field jobs.0.name <"$T/3") $(field jobs.0.schedule <"$T/3")" "index cron 0 0 * * * UTC"
same "one timer at a time" "$(field peaks.2.runs <"$T/3")" 1
check "somebody waits" [ "$(field waitUSec <"$T/3")" -gt 0 ]
same "from standard input" "$(jobctl simulate $NIGHT --with - --timers 1 --json report index <"$T/with.json" | cksum)" "$(cksum <"$T/3")"
jobctl simulate $NIGHT idle 2>&1 | grep -q "idle is paused" || fail "a paused job is told"

# A table when piped has tabs; lines of time have 80 columns.
jobctl simulate $NIGHT --no-headers | grep -q '^1	backup	1		0	' || fail "the table"
lines=$(jobctl simulate $NIGHT --timeline)
same "80 columns" "$(echo "$lines" | awk 'length > n { n = length } END { print n }')" 80
echo "$lines" | grep -q '^backup  *\.*#\.*$' || fail "one run is one mark: $lines"
echo "$lines" | grep -q '^often .*#.*x' || fail "runs and skips: $lines"
same "runs" "$(jobctl simulate $NIGHT --runs --no-headers backup | cut -f 1-3,8-9 | tr '\t' ' ')" "1 backup 1 succeeded dst_gap"

# Bad input says where.
cat >"$T/bad.json" <<'END'
[{"name":"a","cron":"0 25 * * *","timer":{"durationUSec":1}}]
END
out=$(jobctl simulate $NIGHT --with "$T/bad.json" 2>&1) && fail "a bad file passes"
echo "$out" | grep -q 'jobs\[0\].cron' || fail "the place is not told: $out"
echo '{"no":1}' >"$T/none.json"
jobctl simulate --with "$T/none.json" 2>/dev/null
same "a file without jobs" $? 2
jobctl simulate --with "$T/missing" 2>/dev/null
same "no file" $? 2
jobctl simulate --from 2027-01-02 --to 2027-01-01 >/dev/null 2>&1
check "to before from" [ $? -ne 0 ]
jobctl simulate $NIGHT nobody >/dev/null 2>&1
same "no such job" $? 3

# Past runs tell how long a run takes.
jobctl run -n slow sleep 0.3 || fail "run"
took=$(jobctl simulate --json slow | field jobs.0.durationUSec)
check "the past is known" [ "$took" -gt 300000 ]
same "from one run" "$(jobctl simulate --json slow | field jobs.0.pastRuns)" 1

same "nothing was run" "$(jobctl runs index --no-headers | wc -l)" 0
grep -q 'blocked' "$T/log" && fail "the simulated scheduler has written to the log"

# A long one lets the others go on, and ends with its caller.
i=0
while [ $i -lt 200 ]; do
	printf '%s{"everyUSec":1000000,"timer":{"durationUSec":1}}' "$([ $i = 0 ] && echo '[' || echo ',')"
	i=$((i + 1))
done >"$T/many.json"
echo ']' >>"$T/many.json"
"$BIN/jobctl" simulate --to +1000d --with "$T/many.json" --json >/dev/null 2>&1 &
long=$!
until jobctl tasks | grep -q simulation; do kill -0 "$long" || fail "it was over too soon"; done
check "list meanwhile" jobctl list >/dev/null
jobctl simulate 2>&1 | grep -q 'simulations of one user' || fail "one at a time"
kill "$long"
wait "$long" 2>/dev/null
tries=0
while jobctl tasks | grep -q simulation; do
	tries=$((tries + 1))
	[ $tries -lt 100 ] || fail "it goes on without its caller"
done
check "another afterwards" jobctl simulate >/dev/null
stop_jobd
