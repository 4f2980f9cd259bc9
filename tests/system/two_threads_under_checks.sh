#!/bin/sh
# The loop and the store: two threads, with a hundred checks by hostname under way, too.
. "$(dirname "$0")/lib.sh"
case $BIN in *san*) echo "SKIP: sanitizers start threads of their own"; exit 0 ;; esac
start_jobd
serve slow-server
i=0
while [ $i -lt 100 ]; do
	jobctl add -q -n "c$i" --http "http://localhost:$port/2" >/dev/null
	i=$((i + 1))
done
same "threads" "$(awk '/^Threads:/ { print $2 }' "/proc/$JOBD/status")" 2
check "checks" jobctl wait c0 c99
same "threads afterwards" "$(awk '/^Threads:/ { print $2 }' "/proc/$JOBD/status")" 2
stop_jobd
