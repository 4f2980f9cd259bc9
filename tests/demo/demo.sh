#!/bin/sh
# make demo: nine jobs of 1, 2 and 3 s at once on one thread, shown while they run; then the same three waits
# done in five ways, measured side by side.  Leaves nothing behind.  A row that cannot be measured says so in
# the table, and the demo fails.
#
#	demo.sh BIN [FACTOR]	the waits are multiplied by FACTOR
set -eu
bin=$1 factor=${2:-1}
waits=$(echo "$factor" | awk '{ print $1, 2 * $1, 3 * $1 }')
failed=0
here=$(dirname "$0")
dir=$(mktemp -d /tmp/jobd-demo.XXXXXX)
out=$dir/cost
export JOBD_SOCKET="$dir/io.jobd"
daemon= server= watcher=

cleanup() {
	for p in $watcher $daemon; do kill "$p" 2>/dev/null || true; done
	exec 9>&- || true
	[ -z "$daemon" ] || "$bin/tests/tools/gone" "$daemon" || true
	# The runner ends by itself, having nothing left to look after.
	r=$(cat "$dir/state/runner/lock" 2>/dev/null || true)
	[ -z "$r" ] || { kill "$r" 2>/dev/null && "$bin/tests/tools/gone" "$r"; } || true
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }

# Measure one way: its name, then its command.
row() {
	name=$1
	shift
	"$bin/tests/tools/measure" "$out" "$name" "$@" && return
	echo "FAILED: $name: $*"
	printf '%s\tfailed\n' "$name" >>"$out"
	failed=1
}

mkfifo "$dir/hold"
"$bin/tests/tools/slow-server" <"$dir/hold" >"$dir/port" &
server=$!
exec 9>"$dir/hold"
daemon=$("$bin/tests/tools/ready" "$dir/log" "$bin/jobd" --state-dir "$dir/state" --socket "$JOBD_SOCKET")
while [ ! -s "$dir/port" ]; do kill -0 "$server"; done
port=$(cat "$dir/port")

say "jobd runs (pid $daemon). Nine jobs: timers, HTTP checks and commands that wait for $waits s."
"$bin/jobctl" watch &
watcher=$!
"$bin/tests/tools/measure" --pid "$daemon" "$out" "jobd, nine jobs" "$here/nine.sh" "$bin/jobctl" "$port" \
	$waits &
nine=$!
# Not a wait for anything: in the middle of the second wait there is most to see.
sleep "$(echo "$factor" | awk '{ print 1.5 * $1 }')"
say "In the middle of it: jobctl list"
"$bin/jobctl" list
say "The daemon's tasks at this moment: jobctl tasks"
"$bin/jobctl" tasks
say "Events as they come: jobctl watch"
wait "$nine" || { echo "FAILED: the nine jobs"; printf 'jobd, nine jobs\tfailed\n' >>"$out"; failed=1; }
kill "$watcher" 2>/dev/null || true
wait "$watcher" 2>/dev/null || true
watcher=

say "How they ended: jobctl list"
"$bin/jobctl" list

say "Now three waits of $waits s, in the ways of the article, measured here and now ..."
row "serially" "$bin/tests/demo/serial" $waits
row "toy loop, polls every ms" "$bin/tests/demo/toy" $waits
if command -v python3 >/dev/null; then
	row "Python asyncio" python3 "$here/loop.py" $waits
else
	echo "(python3 is not installed: no row for asyncio)"
fi
row "jobd's engine" "$bin/tests/demo/engine" $waits

awk -F '\t' '
	BEGIN { printf "\n%-28s %9s %10s %10s %8s\n", "", "wall", "CPU", "switches", "threads" }
	{
		if ($2 == "failed") row[$1] = sprintf("%-28s %9s", $1, $2)
		else row[$1] = sprintf("%-28s %7.3f s %7.1f ms %10d %8d", $1, $2, $3, $4, $5)
		order[++n] = $1
	}
	END {
		for (i = 2; i <= n; i++) print row[order[i]]
		print row[order[1]]
	}' "$out"
echo
echo "jobd's row is the daemon's own cost for nine jobs, its commit of each start and end to disk included."
exit $failed
