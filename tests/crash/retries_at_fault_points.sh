#!/bin/sh
# Every run fails once and is tried again; the daemon dies at each step of an attempt's life, the first and the second.
# Whatever was cut short, each attempt runs exactly once, as the world counts them, and each run succeeds with two.
. "$(dirname "$0")/../system/lib.sh"

one() {
	point=$1 count=$2
	rm -rf "$T/state" "$T/ran" "$T/acked"
	touch "$T/ran" "$T/acked"
	export JOBD_FAULT="$point:$count"
	JOBD=$("$TOOLS/ready" "$T/log" "$BIN/jobd" --socket "$S" --state-dir "$T/state") || fail "$point: jobd does not start"
	unset JOBD_FAULT
	i=0
	while [ $i -lt 4 ]; do
		if id=$(jobctl add -q --retries 1 --backoff fixed:20ms \
			--sh "echo \$JOBD_RUN \$JOBD_ATTEMPT >>$T/ran; [ \$JOBD_ATTEMPT = 2 ]" 2>/dev/null); then
			echo "$id" >>"$T/acked"
		fi
		i=$((i + 1))
	done
	printf '{"method":"io.jobd.Wait","parameters":{"jobs":[%s],"timeoutUSec":20000000}}\0' \
		"$(sed 's/.*/"&"/' "$T/acked" | paste -sd ,)" | "$TOOLS/call" "$S" >/dev/null 2>&1
	died=no
	# Its socket is closed a moment before it has ended.
	"$TOOLS/gone" "$JOBD" 1 && died=yes
	[ $died = yes ] || kill_jobd
	JOBD=
	start_jobd
	for id in $(cat "$T/acked"); do
		jobctl wait "$id" --timeout 60s >/dev/null 2>&1
		same "$point: state of job $id" "$(jobctl show "$id" --json | field job.lastRun.state)" succeeded
		same "$point: how often $id.1 ran" "$(grep "^$id\\.1 " "$T/ran" | sort | paste -sd ,)" "$id.1 1,$id.1 2"
		same "$point: what is told of it" "$(jobctl show "$id.1" --json | field attempts.#)" 1
	done
	stop_jobd
	r=$(runner_pid); [ -z "$r" ] || { kill "$r" 2>/dev/null; "$TOOLS/gone" "$r"; }
	echo "$point:$count died=$died acknowledged=$(wc -l <"$T/acked")"
}

deaths=0 tried=0
for point in claim-before-commit claim-after-commit start-before-send start-after-send finish-before-commit \
	finish-after-commit ack-before-send; do
	for count in 2 6; do
		one "$point" $count
		tried=$((tried + 1))
		[ "$died" = no ] || deaths=$((deaths + 1))
	done
done
# Commits are shared, so that a point may be passed less often than there are attempts: not all of them die.
[ "$deaths" -ge $((tried / 2)) ] || fail "only $deaths of $tried died"
