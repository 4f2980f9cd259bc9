#!/bin/sh
# A thousand commands at once run as many at a time as their queue has slots, counted by themselves, and all run.
. "$(dirname "$0")/lib.sh"
mkdir "$T/now"
printf '[limits]\ndefault_slots = 3\n' >"$T/conf"
start_jobd --config "$T/conf"
awk -v t="$T" 'BEGIN {
	printf "{\"method\":\"io.jobd.Add\",\"parameters\":{\"jobs\":["
	for (i = 0; i < 1000; i++)
		printf "%s{\"command\":{\"argv\":[\"/bin/sh\",\"-c\",\"mkdir %s/now/$$ && set -- %s/now/* && echo $# >>%s/seen; rmdir %s/now/$$\"]}}", i ? "," : "", t, t, t, t
	printf "]}}%c", 0
}' >"$T/call"
"$TOOLS/call" "$S" <"$T/call" >"$T/reply"
same "ids" "$(field parameters.ids.# <"$T/reply")" 1000
check "they end" jobctl wait 1000 500 1
while [ "$(jobctl list --json --state finished | field jobs.#)" -lt 1000 ]; do :; done
same "each ran once" "$(wc -l <"$T/seen")" 1000
most=$(sort -n "$T/seen" | tail -n 1)
[ "$most" -le 3 ] || fail "$most ran at a time"
[ "$most" -ge 2 ] || fail "no two ran at a time"
# Those without an error only: mkdir would have failed for a second of the same number.
same "all succeeded" "$(jobctl runs --json --state failed | field runs.#)" 0
stop_jobd
