#!/bin/sh
# Die at every fault point, go on, and hold three accounts against each other: what was acknowledged, what jobd says,
# and what the commands themselves have counted.
#
#	jobd	jobd dies at the point, and is started again: every command ran exactly once, its output is whole
#	both	jobd dies at the point, and then its runner: at most once, and what is not known is lost
#	runner	the runner dies at the point, whenever it gets there, and jobd starts another each time
#	unit	a runner that is not jobd's own dies at the point, and is started again, as the service manager would
#	late	the runner dies at the point, and jobd with it
#
#	every_fault_point.sh [VARIANT POINT COUNT]	all, or one
. "$(dirname "$0")/lib"
T=$T/$(echo "${*:-all}" | tr ' ' -)
S=$T/s
export JOBD_SOCKET=$S
mkdir -p "$T"
RUNNER=

# Where there is nobody to ask, that is that.
journal() {
	echo "$*" >>"$T/journal"
}

add() {
	word=$1
	shift
	id=$(jobctl add -q "$@" 2>/dev/null) && journal "$word" "$id"
}

# Ask for something: what may happen from now on, and what was answered.
ask() {
	asked=$1 done=$2 id=$3
	shift 3
	[ -n "$id" ] || return
	journal "$asked" "$id"
	for what in $(jobctl "$@" "$id" --json 2>/dev/null | field "${runs:-count}" 2>/dev/null | tr -d '[]"' | tr , ' '); do
		[ -n "${runs:-}" ] && journal "$done" "$what" || journal "$done" "$id"
	done
}

# Another distance for a job; what it was added with is in its journal all the same.
edit() {
	[ -n "$1" ] || return
	printf '{"method":"io.jobd.Edit","parameters":{"job":"%s","spec":{"name":"often","everyUSec":%s,"inUSec":86400000000,%s}}}\0' \
		"$1" "$2" '"command":{"argv":["/bin/true"]}' | "$TOOLS/call" "$S" >/dev/null 2>&1
}

# Some of everything, so that every point is passed a few times.
load() {
	tally="$TOOLS/tally $T/tally"
	add store -n later --in 24h -- $tally 2 && later=$id
	add add -n stays -- $tally 2 stay && stays=$id
	add add -n often --every 24h -- $tally 2 && often=$id
	add add -- $tally 5
	ask pausing pause "$often" pause
	ask resuming resume "$often" resume
	ask pausing pause "$often" pause
	runs=runs ask triggering trigger "$later" trigger
	add add -- $tally 3 7
	[ -z "$stays" ] || spawned "$stays"
	runs=runs ask canceling cancel "$stays" cancel
	add store -n gone --in 24h -- $tally 1 && gone=$id
	add store -n other --in 24h -- $tally 1 && other=$id
	runs=runs ask triggering trigger "$later" trigger
	edit "$often" 90000000000
	edit "$often" 91000000000
	ask removing remove "$gone" rm
	ask removing remove "$other" rm
	add add -n stays2 -- $tally 2 stay && stays=$id || stays=
	runs=runs ask canceling cancel "$stays" cancel
	add add -- $tally 4
}

# Wait for jobs, or until jobd is gone. Not jobctl wait: that is patient, and would stay for a daemon that nobody starts
# meanwhile.
wait_for() {
	printf '{"method":"io.jobd.Wait","parameters":{"until":"%s","jobs":[%s],"timeoutUSec":%s}}\0' "$1" "$2" "${3:-20000000}" |
		"$TOOLS/call" "$S" >/dev/null 2>&1
}

# Until it has a process, or is over, or jobd is gone.
spawned() {
	wait_for started "\"$1\""
	while jobctl show "$1" --json >"$T/show" 2>/dev/null && [ "$(field job.lastRun.state <"$T/show")" = running ]; do
		field job.lastRun.pid <"$T/show" >/dev/null && break
		wait_for ended "\"$1\"" 20000
	done
}

# Until all that was acknowledged is over.
settle() {
	wait_for ended "$(sed -n 's/^add //p' "$T/journal" | sed 's/.*/"&"/' | paste -sd ,)"
}

# What stays until it is ended, whether its add was acknowledged or not.
end_stays() {
	for name in stays stays2 stays3 stays4; do
		id=$(jobctl show "$name" --json 2>/dev/null | field job.id 2>/dev/null)
		runs=runs ask canceling cancel "$id" cancel
	done
}

died() {
	"$TOOLS/gone" "$1" "$2" || fail "$CASE: the point was not reached"
}

start_runner() {
	RUNNER=$("$TOOLS/ready" "$T/runner.log" "$BIN/jobd-runner" --socket "$T/r" --state-dir "$T/state/runner") ||
		fail "$CASE: the runner does not start"
}

# The one that jobd has started first: it may be dead already, and another be there, that has not met the point so often.
first_runner() {
	sed -n 's/.*started jobd-runner pid=//p' "$T/log" 2>/dev/null | sed 's/[^0-9].*//;q'
}

# The same fault again and again would never end.
kill_runner() {
	r=$(runner_pid)
	[ -z "$r" ] || { kill -KILL "$r" && gone "$r"; } 2>/dev/null
}

# A point that is passed while jobd starts: with runs to adopt.
die_at_start() {
	start_jobd
	load
	add add -n stays3 -- $tally 2 stay
	add add -n stays4 -- $tally 2 stay
	check "$CASE: runs to adopt" jobctl wait stays3 stays4 --until started >/dev/null
	kill_jobd
	export JOBD_FAULT="$point:$count"
	"$TOOLS/ready" "$T/log" "$BIN/jobd" --socket "$S" --state-dir "$T/state" >/dev/null 2>"$T/ready" &&
		fail "$CASE: the point was not reached"
	unset JOBD_FAULT
}

die_jobd() {
	case $point in recover-*) die_at_start; return ;; esac
	export JOBD_FAULT="$point:$count"
	JOBD=$("$TOOLS/ready" "$T/log" "$BIN/jobd" --socket "$S" --state-dir "$T/state") || fail "$CASE: jobd does not start"
	unset JOBD_FAULT
	load
	settle
	died "$JOBD" 10
	JOBD=
}

die_runner() {
	export JOBD_RUNNER_FAULT="$point:$count"
	case $variant in unit) mkdir -p "$T/state"; start_runner; unset JOBD_RUNNER_FAULT; start_jobd --runner "$T/r" ;; *) start_jobd ;; esac
	unset JOBD_RUNNER_FAULT
	load &
	loading=$!
	first=
	while [ -z "$first" ]; do first=${RUNNER:-$(first_runner)}; done
	died "$first" 10
	[ $variant != unit ] || start_runner
	wait $loading
	[ $variant != late ] || kill_jobd
	settle
	# Who is asked for the output below is to live.
	[ -z "$JOBD" ] || [ $variant = unit ] || stop_jobd
	[ $variant = unit ] || kill_runner
}

# A record is written when nobody acknowledges it: two commands end while jobd is away.
die_record() {
	export JOBD_RUNNER_FAULT="$point:$count"
	case $variant in unit) mkdir -p "$T/state"; start_runner; unset JOBD_RUNNER_FAULT; start_jobd --runner "$T/r" ;; *) start_jobd ;; esac
	unset JOBD_RUNNER_FAULT
	for i in 1 2; do
		add add -- /bin/sh -c "while [ ! -e $T/go ]; do sleep 0.02; done; exec $TOOLS/tally $T/tally 3"
		spawned "$id"
	done
	first=${RUNNER:-$(runner_pid)}
	kill_jobd
	touch "$T/go"
	died "$first" 10
	case $variant in unit) start_runner; start_jobd --runner "$T/r" ;; *) start_jobd ;; esac
	settle
	# Written is written.
	[ "$point" != record-after-save ] || jobctl runs --json | grep -q succeeded || fail "$CASE: a record is lost"
}

one() {
	variant=$1 point=$2 count=$3 CASE="$1 $2:$3" lost=--lost
	stays= often= later= gone= other=
	began=$(date +%s%3N)
	touch "$T/journal" "$T/tally"
	case $variant in
	jobd) die_jobd; lost= ;;
	both) die_jobd; kill_runner ;;
	*) case $point in record-*) die_record ;; *) die_runner ;; esac ;;
	esac
	# What goes on from here dies of nothing.
	[ -n "$JOBD" ] || start_jobd
	end_stays
	"$TOOLS/compare" $lost "$S" "$T/journal" "$T/tally" >"$T/compared" || fail "$CASE: $(cat "$T/compared")"
	check "$CASE: the ledger" jobctl audit >/dev/null
	stop_jobd
	r=$(runner_pid)
	[ -z "$r" ] || { kill "$r" 2>/dev/null; gone "$r"; }
	same "$CASE: what is left running" "$(echo "$T/tally" | grep -lsaF -f - /proc/[0-9]*/cmdline | wc -l)" 0
	echo "$CASE $(tail -n 1 "$T/compared") ended=$(grep -c ^end "$T/tally") took=$(($(date +%s%3N) - began))"
}

cases() {
	for point in $("$BIN/jobd" --list-faults); do
		case $point in
		# notices_outlive_jobd.sh
		notice-*) continue ;;
		# pings_outlive_jobd.sh
		ping-*) continue ;;
		# It starts one program, once.
		exec-*) count=1 ;;
		recover-done) count=1 ;;
		*) count=2 ;;
		esac
		echo "jobd $point $count"
		[ -z "${JOBD_LONG:-}" ] || echo "jobd $point 1"
		# Before it is claimed no run is the runner's.
		case $point in
		add-* | trigger-* | cancel-* | pause-* | remove-* | edit-*) ;;
		*) echo "both $point $count" ;;
		esac
	done
	for point in $("$BIN/jobd-runner" --list-faults); do
		case $point in
		# The first two say who it is and what it has: without them no runner is of use.
		reply-*) count=4 ;;
		# Only the first cancel surely comes after the start.
		cancel-*) count=1 ;;
		# Jobd is away in any case.
		record-*) printf '%s\n' "runner $point 1" "unit $point 1"; continue ;;
		*) count=2 ;;
		esac
		printf '%s\n' "runner $point $count" "unit $point $count" "late $point $count"
	done
}

if [ $# = 3 ]; then
	one "$@"
else
	cases | JOBD_TEST_DIR=$T xargs -P "${CRASH_JOBS:-4}" -L 1 sh "$0" || fail "some points"
fi
