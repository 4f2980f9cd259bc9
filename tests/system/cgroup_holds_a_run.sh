#!/bin/sh
# With a cgroup of its own the runner holds whatever a command starts, and keeps its limits or says why it cannot.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { echo "SKIP: needs root, to make a cgroup"; exit 0; }
mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
G=$mount/jobd-test-$$
if [ -z "$mount" ] || [ -d /run/systemd/system ] || ! mkdir "$G" 2>/dev/null; then
	echo "SKIP: no cgroup v2 in which a group can be made"
	exit 0
fi
R=
# The group holds nobody but what we have started, and is removed.
tidy() {
	[ -z "$R" ] || kill -KILL "$R" 2>/dev/null
	for g in "$G"/run-* "$G/runner" "$G"; do
		[ ! -d "$g" ] || { [ ! -e "$g/cgroup.kill" ] || echo 1 >"$g/cgroup.kill"; }
	done
	sleep 0.1
	rmdir "$G"/run-* "$G/runner" "$G" 2>/dev/null
	cleanup
}
trap tidy EXIT
mkdir "$T/r"
start_runner() {
	R=$("$TOOLS/ready" "$T/rlog" /bin/sh -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' sh "$G${1:-}" \
		"$BIN/jobd-runner" --log-level debug --socket "$T/r/s" --state-dir "$T/r/state") ||
		fail "jobd-runner does not start: $(cat "$T/rlog")"
}
last() {
	jobctl show "$1" --json | field "job.lastRun.$2"
}

# One who shares the group with others has none.
sleep 1000 &
other=$!
echo $other >"$G/cgroup.procs"
start_runner
grep -q "no cgroups of their own why=\"its cgroup holds processes that are not its own\"" "$T/rlog" || fail "$(cat "$T/rlog")"
[ ! -d "$G/runner" ] || fail "it has divided a group that is not its own"
kill "$R" && gone "$R"
kill $other || fail "a stranger was ended"
wait $other

start_runner
start_jobd --runner "$T/r/s"
same "its place" "$(jobctl run -- sed -n 's/^0:://p' /proc/self/cgroup)" "${G#"$mount"}/run-1.1.1"
same "the runner's own" "$(sed -n 's/^0:://p' "/proc/$R/cgroup")" "${G#"$mount"}/runner"

# Two forks, a session of its own, no environment, TERM ignored: nobody's, but for the group.
jobctl add -q -n esc --sh "env -i setsid sh -c 'sh -c \"echo \\\$\\\$ >$T/esc; trap : TERM; while :; do sleep 1; done\" & exit 0'
	while [ ! -s $T/esc ]; do sleep 0.02; done; exit 0" >/dev/null
jobctl wait esc || fail "esc failed"
same "what it took" "$(last esc endedBy)" KILL
"$TOOLS/gone" "$(cat "$T/esc")" 5 || fail "it has escaped"
[ "$(last esc cpuUSec)" -gt 0 ] || fail "no time was counted"

# What is let go stays in its group, which goes with it.
jobctl add -q -n free --leftovers detach --sh "setsid sleep 1000 & echo \$! >$T/free" >/dev/null
jobctl wait free || fail "free failed"
ls "$G" | grep -q "^run-3.1.1$" || fail "its group has gone"
same "who may look for its limits there" "$(stat -c %a "$G/run-3.1.1")" 755
kill -KILL "$(cat "$T/free")"
"$TOOLS/gone" "$(cat "$T/free")" 5
tries=100
while ls "$G" | grep -q "^run-"; do
	[ $((tries -= 1)) -gt 0 ] || fail "a group is left: $(ls "$G")"
	sleep 0.05
	jobctl run -- true
done

# A limit for which there is no controller is refused, with words at once and in the record.
for limit in memory:"--memory 64M" cpu:"--cpu 50" pids:"--tasks 10"; do
	grep -qw "${limit%%:*}" "$G/cgroup.controllers" && continue
	jobctl add -n "limit-${limit%%:*}" ${limit#*:} -- true >/dev/null 2>"$T/err"
	grep -q "limit cannot be kept, and its runs will fail" "$T/err" || fail "no warning: $(cat "$T/err")"
	jobctl wait "limit-${limit%%:*}" 2>/dev/null
	last "limit-${limit%%:*}" reason | grep -q "limit cannot be kept: the kernel gives jobd-runner no controller" ||
		fail "no reason: $(last "limit-${limit%%:*}" reason)"
done

# Executed anew it finds its groups; killed, its successor ends what is in them.
jobctl add -q -n left --sh "env -i setsid sh -c 'echo \$\$ >$T/left; trap : TERM; while :; do sleep 1; done'" >/dev/null
while [ ! -s "$T/left" ]; do sleep 0.02; done
check "reexec" jobctl daemon reexec -q --runner
same "it goes on" "$(jobctl show left --json | field job.state)" running
ls "$G" | grep -q "^run-" || fail "its group has gone"
kill -KILL "$R" && gone "$R"
kill -0 "$(cat "$T/left")" || fail "it ended with the runner"
start_runner /runner
"$TOOLS/gone" "$(cat "$T/left")" 1 || fail "what a killed runner left is there"
jobctl wait left 2>/dev/null
same "its state" "$(last left state)" lost
same "the next one" "$(jobctl run -- echo fine)" fine
stop_jobd
kill "$R" && gone "$R"
R=
