#!/bin/sh
# Thousands of runs, and afterwards all is as before: no zombie, no stray process, no descriptor, and memory that does
# not follow the number of runs.
. "$(dirname "$0")/lib"
first=200 batches=3
[ -z "${JOBD_LONG:-}" ] || first=1000 batches=9
# A leak of so many bytes a run, in either process, is seen.
leak_max=400

# So many commands, the output of each a line or two, and every tenth with a child that it leaves behind.
batch() {
	awk -v n="$1" 'BEGIN {
		printf "{\"method\":\"io.jobd.Add\",\"parameters\":{\"jobs\":["
		for (i = 0; i < n; i++) {
			what = i % 10 == 0 ? "sleep 1000 >/dev/null 2>&1 & echo left" : "echo out; echo err >&2; exit " i % 3
			printf "%s{\"command\":{\"argv\":[\"/bin/sh\",\"-c\",\"%s\"]}}", (i > 0 ? "," : ""), what
		}
		printf "]}}%c", 0
	}' >"$T/add" || fail "no batch"
	"$TOOLS/call" "$S" <"$T/add" | field parameters.ids >"$T/ids" || fail "a batch is refused"
	printf '{"method":"io.jobd.Wait","parameters":{"jobs":[%s],"timeoutUSec":200000000}}\0' \
		"$(tr -d '[]' <"$T/ids" | sed 's/[0-9][0-9]*/"&"/g')" | "$TOOLS/call" "$S" >"$T/waited"
	[ "$(field parameters.runs.# <"$T/waited")" = "$1" ] || fail "not all have run: $(head -c 300 "$T/waited")"
}

resident() {
	sed -n 's/^RssAnon:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$1/status"
}

# In kB: what a bit more each run comes to, and what is no leak at all (caches, fragments).
same_memory() {
	what=$1 before=$2 now=$3
	limit=$((before + first * batches * leak_max / 1024 + 1024))
	echo "memory of $what: $before kB after $first runs, $now kB after $((first * (batches + 1)))"
	case $BIN in *san-*) return ;; esac
	[ "$now" -le "$limit" ] || fail "memory of $what: $now kB, of which $limit kB can be understood"
}

fresh
start_jobd
batch $first
runner=$(runner_pid)
jobd_had=$(resident "$JOBD") runner_had=$(resident "$runner")
for i in $(seq $batches); do batch $first; done
all_acknowledged
same "children of the runner" "$(cat "/proc/$runner/task/$runner/children")" ""
same "children of jobd" "$(cat "/proc/$JOBD/task/$JOBD/children" | tr -d ' ')" "$runner"
same "strays" "$(strays "$JOBD" "$runner")" ""
holds "$JOBD" "$jobd_holds"
holds "$runner" "$runner_holds"
same_memory jobd "$jobd_had" "$(resident "$JOBD")"
same_memory "the runner" "$runner_had" "$(resident "$runner")"
stop_jobd
