#!/bin/sh
# The runner's disk is full: output is cut where nothing more went, the command goes on and its end is known; and the end
# of one that ends while there is no jobd is kept on the full disk, also when the runner is killed then.
. "$(dirname "$0")/lib.sh"
mkdir "$T/r"
if ! mount -t tmpfs -o size=6m none "$T/r" 2>/dev/null; then
	echo "SKIP: no tmpfs can be mounted here, so no disk is full"
	exit 0
fi
R=
clean_full() {
	[ -z "$R" ] || { kill -KILL "$R" 2>/dev/null && "$TOOLS/gone" "$R"; }
	umount "$T/r"
	cleanup
}
trap clean_full EXIT
start_runner() {
	"$BIN/jobd-runner" --socket "$T/rs" --state-dir "$T/r" 2>>"$T/runner.log" &
	R=$!
	looks=0
	until [ -S "$T/rs" ] && grep -q ready "$T/runner.log"; do
		looks=$((looks + 1))
		[ $looks -lt 100000 ] || fail "the runner does not start"
	done
}
start_runner
start_jobd --runner "$T/rs"
mkfifo "$T/go"
waits=$(jobctl add -q --sh "read word <'$T/go'; exit 3")
jobctl wait "$waits" --until started --timeout 60s >/dev/null

jobctl add -q --wait --output-max 1G --sh 'head -c 20000000 /dev/urandom | base64; echo done; exit 7' >"$T/id"
same "the command's own code" $? 7
check "the disk is full" [ "$(df --output=avail "$T/r" | tail -n 1)" -lt 64 ]
id=$(cat "$T/id")
jobctl logs "$id" >"$T/out" 2>"$T/err"
check "what fitted is there" [ "$(wc -c <"$T/out")" -gt 500000 ]
check "the cut is told" grep -q 'of output left out' "$T/err"
check "the runner's log tells of it" grep -q 'output cannot be written' "$T/runner.log"

kill_jobd
echo >"$T/go"
looks=0
until grep -aq '"code":3' "$T/r/exits"/journal.*; do
	looks=$((looks + 1))
	[ $looks -lt 20000 ] || fail "the record is not written on a full disk"
done
kill -KILL "$R" && gone "$R"
rm -f "$T/rs"
: >"$T/runner.log"
start_runner
start_jobd --runner "$T/rs"
jobctl wait "$waits" --timeout 60s >/dev/null 2>&1
same "its code" "$(jobctl show "$waits" --json | field job.lastRun.exitCode)" 3
stop_jobd
