#!/bin/sh
# Jobd dies between the end of a run and the delivery of what it means, or with the delivery done and not written down:
# each failure is told at least once, and in the end nothing waits.
. "$(dirname "$0")/lib"

cat >"$T/conf" <<CONF
[target ops]
command = echo \$JOBD_EVENT_JOB >>$T/told
fold = 0
CONF

pending() {
	jobctl notify --json | field targets.0.pending
}

# Add jobs that fail; those that were acknowledged are to be told.
add() {
	for i in 1 2 3 4 5 6; do
		id=$(jobctl add -q --notify any:ops -- sh -c "exit $i" 2>/dev/null) && echo "$id" >>"$T/added"
	done
}

all_told() {
	# Each has ended, and then its notice is there, or gone.
	for id in $(cat "$T/added"); do
		jobctl wait "$id" >/dev/null 2>&1
		[ $? -lt 7 ] || fail "$1: job $id does not end"
	done
	until [ "$(pending)" = 0 ]; do sleep 0.05; done
	# A job whose add was not answered before jobd died may be there, and told, too.
	sort "$T/added" >"$T/wanted"
	sort -u "$T/told" >"$T/got"
	missing=$(comm -23 "$T/wanted" "$T/got")
	[ -z "$missing" ] || fail "$1: not told: $missing"
	echo "$1: $(wc -l <"$T/wanted") failures were told in $(wc -l <"$T/told") messages"
}

for point in notice-before-delivery notice-after-delivery finish-after-commit finish-before-commit; do
	rm -f "$T/added" "$T/told"
	touch "$T/added" "$T/told"
	export JOBD_FAULT="$point:2"
	start_jobd --config "$T/conf"
	unset JOBD_FAULT
	add
	gone "$JOBD"
	start_jobd --config "$T/conf"
	add
	all_told "$point"
	stop_jobd
done

# Killed at any time.
rm -f "$T/added" "$T/told"
touch "$T/added" "$T/told"
for pause in 0 0.01 0.03 0.1; do
	start_jobd --config "$T/conf"
	add
	sleep "$pause"
	kill_jobd
done
start_jobd --config "$T/conf"
all_told "kill -9"
stop_jobd
