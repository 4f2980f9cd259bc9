#!/bin/sh
# A disk that is full, of jobd and of the runner: adds are refused, what runs goes on, output is lost and said, no record
# is, and all goes on by itself when there is room again. The disk is a small tmpfs in a mount namespace of the test's own.
. "$(dirname "$0")/lib"
if [ -z "${OWN_MOUNTS:-}" ]; then
	unshare -m true 2>/dev/null || { echo "SKIP: no right to mount a file system (run as root)"; exit 0; }
	trap - EXIT
	OWN_MOUNTS=1 JOBD_TEST_DIR=$T exec unshare -m sh "$0" "$@"
fi
DISK=$T/disk RUNNER=
mkdir -p "$DISK"
mount -t tmpfs -o size=1536k jobd-test "$DISK" || { echo "SKIP: a tmpfs cannot be mounted here"; exit 0; }

start_runner() {
	RUNNER=$("$TOOLS/ready" "$T/runner.log" "$BIN/jobd-runner" --socket "$T/r" --state-dir "$1") ||
		fail "the runner does not start"
}

stop_runner() {
	kill "$RUNNER" && gone "$RUNNER"
	RUNNER=
}

# Whole pages and then the rest.
fill() {
	dd if=/dev/zero of="$DISK/fill" bs=64k 2>/dev/null
	dd if=/dev/zero of="$DISK/fill2" bs=512 2>/dev/null
}

make_room() {
	rm "$DISK/fill" "$DISK/fill2"
}

# What is allocated already may still take a few.
fill_until_refused() {
	fill
	for i in $(seq 3000); do
		jobctl add -q --in 24h -- true >"$T/out" 2>"$T/err" || return 0
		echo "$(cat "$T/out")" >>"$T/acked"
	done
	fail "nothing is refused, however full the disk is"
}

# ---- jobd's disk ----

mkfifo "$T/go"
start_runner "$T/runner"
start_jobd --runner "$T/r" --state-dir "$DISK/state"
long=$(jobctl add -q -n long --sh "echo before; read word <$T/go; echo after; exit 7")
jobctl add -q -n stored --in 24h -- true >"$T/acked"
begun long
fill_until_refused
check "the refusal is in words" grep -qx "jobctl: the state cannot be read or written; nothing was changed: No space left on device" "$T/err"
printf '{"method":"io.jobd.Add","parameters":{"jobs":[{"inUSec":86400000000,"command":{"argv":["true"]}}]}}\0' |
	"$TOOLS/call" "$S" >"$T/out"
same "the error" "$(field error <"$T/out")" io.jobd.StoreUnavailable
for verb in trigger pause; do
	jobctl $verb stored 2>"$T/err"
	same "exit code of $verb on a full disk" $? 1
	check "$verb is refused in words" grep -q "nothing was changed: No space left on device" "$T/err"
done
check "reading goes on" jobctl list >/dev/null
check "output can be followed" [ "$(jobctl logs long)" = before ]
echo word >"$T/go"
while kill -0 "$(jobctl show long --json | field job.lastRun.pid)" 2>/dev/null; do :; done
same "a result that cannot be stored" "$(jobctl show long --json | field job.lastRun.state)" running
make_room
jobctl wait long --timeout 60s
same "its code, when there is room again" $? 7
same "its output" "$(jobctl logs long | tr '\n' ' ')" "before after "
same "what was refused has not happened" "$(jobctl show stored --json | field job.state) $(jobctl runs stored --json | field runs.#)" "scheduled 0"
check "adds work again" jobctl add -q --in 24h -- true >/dev/null
for id in $(cat "$T/acked"); do jobctl show "$id" >/dev/null || fail "acknowledged job $id is not there"; done
check "the log says when it began and when it was over" [ "$(grep -c "cannot commit\|commits work again" "$T/log")" = 2 ]

# Killed while it is full: the result is the runner's to keep.
jobctl add -q -n kept --sh "read word <$T/go; exit 5" >/dev/null
begun kept
fill_until_refused
echo word >"$T/go"
kill_jobd
make_room
start_jobd --runner "$T/r" --state-dir "$DISK/state"
jobctl wait kept --timeout 60s
same "the code of what ended meanwhile" $? 5
check "the ledger" jobctl audit >/dev/null
stop_jobd
stop_runner
same "integrity" "$("$TOOLS/sql" "$DISK/state/jobd.db" 'PRAGMA integrity_check')" ok
rm -rf "$DISK/state"

# ---- the runner's disk ----

start_runner "$DISK/runner"
start_jobd --runner "$T/r"
check "a command before" jobctl run -- true
fill
jobctl run -- sh -c 'echo lost; exit 3' >"$T/out" 2>"$T/err"
same "the code of a command with nowhere to write" $? 3
same "its state" "$(jobctl runs --json | field runs.0.state)" failed
check "the lost output is said" grep -q "output cannot be written" "$T/runner.log"
# Its record is in the runner's memory alone, and jobd is not there.
jobctl add -q -n unsaved --sh "read word <$T/go; exit 4" >/dev/null
begun unsaved
pid=$(jobctl show unsaved --json | field job.lastRun.pid)
kill_jobd
echo word >"$T/go"
"$TOOLS/gone" "$pid"
start_jobd --runner "$T/r"
jobctl wait unsaved --timeout 60s
same "the code that could not be written" $? 4
make_room
same "output when there is room again" "$(jobctl run -- echo here)" here
check "the ledger" jobctl audit >/dev/null
stop_jobd
stop_runner
umount "$DISK"
