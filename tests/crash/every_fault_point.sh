#!/bin/sh
# For every fault point: start, load, die there, start again, check that nothing acknowledged is lost, every run
# has one true outcome, and no command ran twice. What ran is counted by the world: each command adds a line to a file.
. "$(dirname "$0")/../system/lib.sh"

one() {
	point=$1 count=$2
	rm -rf "$T/state" "$T/ran" "$T/acked"
	touch "$T/ran" "$T/acked"
	export JOBD_FAULT="$point:$count"
	JOBD=$("$TOOLS/ready" "$T/log" "$BIN/jobd" --socket "$S" --state-dir "$T/state") || fail "$point: jobd does not start"
	unset JOBD_FAULT
	i=0
	while [ $i -lt 8 ]; do
		if id=$(jobctl add -q --sh "echo \$JOBD_RUN >>$T/ran" 2>/dev/null); then
			echo "$id" >>"$T/acked"
		fi
		i=$((i + 1))
	done
	# All that was acknowledged is over, or the daemon died: then go on at once. Not jobctl wait: that is patient,
	# and would stay for a daemon that nobody starts meanwhile.
	printf '{"method":"io.jobd.Wait","parameters":{"jobs":[%s],"timeoutUSec":20000000}}\0' \
		"$(sed 's/.*/"&"/' "$T/acked" | paste -sd ,)" | "$TOOLS/call" "$S" >/dev/null 2>&1
	died=no
	# Not kill -0: nobody may have taken note of its end yet. It dies a moment after its connections.
	"$TOOLS/gone" "$JOBD" 1 && died=yes
	[ $died = yes ] || kill_jobd
	JOBD=
	start_jobd
	for id in $(cat "$T/acked"); do
		jobctl wait "$id" --timeout 60s >/dev/null 2>&1
		same "$point: state of job $id" "$(jobctl show "$id" --json | field job.lastRun.state)" succeeded
		same "$point: how often $id.1 ran" "$(grep -cx "$id.1" "$T/ran")" 1
	done
	twice=$(sort "$T/ran" | uniq -d)
	[ -z "$twice" ] || fail "$point: ran twice: $twice"
	stop_jobd
	r=$(runner_pid); [ -z "$r" ] || { kill "$r" 2>/dev/null; "$TOOLS/gone" "$r"; }
	echo "$point:$count died=$died acknowledged=$(wc -l <"$T/acked")"
}

deaths=0
for point in $("$BIN/jobd" --list-faults); do
	one "$point" 3
	[ "$died" = no ] || deaths=$((deaths + 1))
done
# A fault point that is never reached is a test that cannot fail.
total=$("$BIN/jobd" --list-faults | wc -l)
same "fault points that were reached" "$deaths" "$total"
