#!/bin/sh
# make bench: measure, beside what is installed of the peers, in one run. Each section prints what it measured and
# ends with a table of ours, theirs, the ratio and what is wanted; the same, a JSON object a line, is in
# build/*/bench.jsonl. Figures of a shared machine are noisy: the ratios of one run are what counts.
# SECTIONS="table engine adds commands checks time idle many keep" chooses; engine.sh and checks.sh tell
# more of theirs.
set -u
bin=$1
here=$(dirname "$0")
root=$(cd "$here/../.." && pwd)
bin=$(cd "$bin" && pwd)
out=$bin/bench.jsonl
W=$(mktemp -d /tmp/jobd-bench.XXXXXX)
adds=$bin/tests/bench/adds
S=$W/io.jobd
JOBD=
: >"$out"
export JOBD_SOCKET="$S"

want() { case " ${SECTIONS:-table engine adds commands checks time idle many keep} " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }
section=
begin() {	# section, title
	section=$1
	shift
	printf '\n## %s\n\n' "$*"
}
skip() { echo "(skipped: $*)"; }
# What could not be measured makes the whole fail, at its end; a figure that misses what is wanted does not.
broken=0
broke() { echo "$*: failed"; broken=1; }

start_jobd() {
	JOBD=$("$bin/tests/tools/ready" "$W/log" "$bin/jobd" --socket "$S" --state-dir "$W/state" "$@") || { cat "$W/log"; exit 1; }
}
stop_jobd() {
	[ -z "$JOBD" ] || { kill "$JOBD" && "$bin/tests/tools/gone" "$JOBD"; }
	r=$(cat "$W/state/runner/lock" 2>/dev/null) && kill "$r" 2>/dev/null && "$bin/tests/tools/gone" "$r"
	JOBD=
}
peers=
cleanup() {
	stop_jobd 2>/dev/null
	for p in $peers; do kill "$p" 2>/dev/null; done
	for p in $peers; do "$bin/tests/tools/gone" "$p"; done
	rm -rf "$W"
}
trap cleanup EXIT

# Run one measurement, keep its JSON with a label, print the rate.
rate=0
m() {
	label=$1
	shift
	line=$("$@" | grep "^{" | tail -n 1) || { broke "$label"; return 1; }
	echo "$line" | sed "s|^{|{\"section\":\"$section\",\"label\":\"$label\",|" >>"$out"
	rate=$(echo "$line" | sed 's/.*"per_second":\([0-9.]*\).*/\1/')
	printf '%-58s %12s a second, p50 %s us, p99 %s us\n' "$label" "$rate" \
		"$(echo "$line" | sed 's/.*"p50_us":\([0-9.]*\).*/\1/')" "$(echo "$line" | sed 's/.*"p99_us":\([0-9.]*\).*/\1/')"
}

# Ours beside theirs ('': there is none, ours itself is what is wanted), for the section's table.
compare() {	# what, ours, theirs, wanted
	echo "$1|$2|$3|$4" >>"$W/compared"
}
compared() {
	awk -F '|' -v section="$section" -v out="$out" '
		function row(what, ours, theirs, x, wanted) { printf "| %-66s | %10s | %10s | %6s | %-14s |\n", what, ours, theirs, x, wanted }
		function short(x) { return x == "" ? "" : sprintf(x < 100 && x != int(x) ? "%.2f" : "%.0f", x) }
		BEGIN { print ""; row("", "ours", "theirs", "ratio", "wanted"); row("---", "--:", "--:", "--:", "---") }
		{
			x = $3 == "" ? $2 : $3 > 0 ? $2 / $3 : 0
			split($4, want, " ")
			met = want[1] == "<=" ? x <= want[2] : x >= want[2]
			row($1, short($2), short($3), $3 == "" ? "" : sprintf("%.2f", x), $4 (met ? " met" : " MISSED"))
			printf "{\"section\":\"%s\",\"what\":\"%s\",\"ours\":%s,\"theirs\":%s,", section, $1,
			    $2 == "" ? "null" : $2, $3 == "" ? "null" : $3 >>out
			printf "\"ratio\":%s,\"wanted\":\"%s\",\"met\":%s}\n", $3 == "" ? "null" : sprintf("%.4g", x), $4,
			    met ? "true" : "false" >>out
		}' "$W/compared"
	rm "$W/compared"
}

if want table; then
	begin table "The article's table"
	"$root/tests/demo/demo.sh" "$bin" >"$W/table" 2>&1 || { broke "the demo"; grep FAILED "$W/table"; }
	# Without its table all of it is needed to see why.
	if grep -q ' wall ' "$W/table"; then sed -n '/ wall /,$p' "$W/table"; else cat "$W/table"; fi
fi

if want engine; then
	begin engine "The engine"
	"$here/engine.sh" "$bin" "$out" || broke "the engine's bench"
fi

redis_up() {
	command -v redis-server >/dev/null || return 1
	redis-server --port 0 --unixsocket "$W/redis" --appendonly yes --appendfsync always --save '' --dir "$W" \
		--auto-aof-rewrite-percentage 0 >/dev/null &
	peers="$peers $!"
	i=0
	until redis-cli -s "$W/redis" ping >/dev/null 2>&1 || [ $i -gt 500 ]; do i=$((i + 1)); done
}
redis_rate() {	# clients: in our JSON
	redis-benchmark -s "$W/redis" -c "$1" -n "$2" --csv lpush jobs "$(printf '%0300d' 7)" 2>/dev/null | tail -n 1 | tr -d '"' |
		awk -F , '{ printf "{\"what\":\"redis\",\"per_second\":%s,\"p50_us\":%.1f,\"p99_us\":%.1f}\n", $(NF-6), $(NF-3) * 1000, $(NF-1) * 1000 }'
}
pg_up() {
	pgbin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
	[ -n "$pgbin" ] && [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null || return 1
	chmod 711 "$W"
	mkdir "$W/pg" && chown postgres "$W/pg"
	as_pg="setpriv --reuid postgres --regid postgres --init-groups"
	(cd / && $as_pg "$pgbin/initdb" -A trust -D "$W/pg/data" >/dev/null) || return 1
	(cd / && exec $as_pg "$pgbin/postgres" -D "$W/pg/data" -k "$W/pg" -c listen_addresses= -c max_wal_size=4GB >/dev/null 2>&1) &
	pgwait=$!
	i=0
	until (cd / && $as_pg "$pgbin/psql" -h "$W/pg" -qAtc 'select 1' postgres >/dev/null 2>&1) || [ $i -gt 300 ]; do i=$((i + 1)); done
	peers="$peers $(head -n 1 "$W/pg/data/postmaster.pid")"
	(cd / && $as_pg "$pgbin/psql" -h "$W/pg" -qc "CREATE TABLE job(id bigserial PRIMARY KEY, state int NOT NULL DEFAULT 0,
		due timestamptz NOT NULL, spec text NOT NULL); CREATE INDEX job_due ON job(due) WHERE state = 0" postgres)
	printf "INSERT INTO job(due, spec) VALUES (now(), '%0300d');\n" 7 >"$W/insert.sql"
	chmod 644 "$W/insert.sql"
}
pg_rate() {
	(cd / && $as_pg "$pgbin/pgbench" -n -h "$W/pg" -f "$W/insert.sql" -c "$1" -T 3 postgres 2>/dev/null) |
		awk '/^latency average/ { l = $4 * 1000 } /^tps/ { printf "{\"what\":\"postgresql\",\"per_second\":%s,\"p50_us\":%.1f,\"p99_us\":0}\n", $3, l }'
}

if want adds; then
	begin adds "Durable adds"
	start_jobd
	best=0 floor=0 limit=0
	for round in 1 2 3; do
		m "SQLite, one row a transaction, FULL ($round)" "$adds" sqlite "$W/floor$round.db" 2 && floor=$(echo "$floor $rate" | awk '{ print ($1 > $2) ? $1 : $2 }')
		m "two processes, two threads, the same row ($round)" "$adds" limit "$W/limit$round.db" 2 && limit=$(echo "$limit $rate" | awk '{ print ($1 > $2) ? $1 : $2 }')
		m "jobd, 1 client ($round)" "$adds" jobd "$S" 1 1 2 && best=$(echo "$best $rate" | awk '{ print ($1 > $2) ? $1 : $2 }')
	done
	compare "one client against a one-row SQLite transaction" "$best" "$floor" ">= 0.9"
	# A fast disk makes the hand-overs dear beside it: then no daemon with a thread for the disk reaches 0.9.
	compare "one client against the same hand-overs with nothing else" "$best" "$limit" ">= 1"
	m "jobd, 32 clients" "$adds" jobd "$S" 32 1 3
	ours=$rate
	if redis_up; then
		m "redis, appendfsync always, 32 clients" redis_rate 32 60000
		compare "32 clients against redis" "$ours" "$rate" ">= 0.8"
	else
		skip "redis-server is not installed"
	fi
	if pg_up; then
		m "PostgreSQL, 32 clients" pg_rate 32
		compare "32 clients against PostgreSQL" "$ours" "$rate" ">= 3"
	else
		skip "PostgreSQL is not installed, or this is not root"
	fi
	m "jobd, arrays of 1000 jobs" "$adds" jobd "$S" 1 1000 3
	compare "arrays of 1000, jobs a second" "$rate" "" ">= 40000"
	for width in 1 8; do
		m "/bin/true, $width at a time" "$adds" command "$width" 400 /bin/true
		floor=$rate
		m "the least client that adds a job, $width at a time" "$adds" command "$width" 400 "$bin/tests/bench/ask" "$S"
		limit=$rate
		m "jobctl add, $width at a time" "$adds" command "$width" 400 "$bin/jobctl" add -q --in 1h true
		compare "jobctl add against /bin/true, $width at a time" "$rate" "$floor" ">= 0.8"
		compare "jobctl add against the least client, $width at a time" "$rate" "$limit" ">= 0.85"
	done
	compared
	stop_jobd
	rm -rf "$W/state"
fi

# What a peer does, as adds would tell it: timed N FUNCTION.
timed() {
	n=$1
	shift
	begin=$(date +%s%N)
	"$@" "$n" >/dev/null 2>&1 || return 1
	end=$(date +%s%N)
	echo "$n $begin $end" | awk '{ s = ($3 - $2) / 1e9; printf "{\"what\":\"peer\",\"ops\":%d,\"seconds\":%.3f,\"per_second\":%.1f,\"p50_us\":0,\"p99_us\":0}\n", $1, s, $1 / s }'
}
xargs_true() { seq "$1" | xargs -P 8 -n 1 /bin/true; }
parallel_true() { seq "$1" | parallel -j 8 /bin/true; }
tsp_true() {
	TS_SOCKET=$W/tsp; TMPDIR=$W
	export TS_SOCKET TMPDIR
	tsp -S 8
	i=0
	while [ $i -lt "$1" ]; do tsp -n /bin/true; last=$?; i=$((i + 1)); done
	while tsp | grep -Eq ' (queued|running) '; do :; done
	tsp -K
	unset TS_SOCKET TMPDIR
}

# CPU that a process has used so far, all its threads, in us.
cpu() { cat /proc/"$1"/task/*/schedstat | awk '{ ns += $1 } END { print ns / 1000 }'; }
status() { awk -v k="$1:" '$1 == k { print $2 }' "/proc/$2/status"; }
switches() { cat /proc/"$1"/task/*/status | awk '/ctxt_switches/ { n += $2 } END { print n }'; }

if want commands; then
	begin commands "Commands end to end: /bin/true, durable start and end, output kept"
	# As many at a time as there are: it is the pace that is measured, not the slots of a queue.
	printf '[limits]\ndefault_slots = 1024\n' >"$W/conf"
	start_jobd --config "$W/conf"
	for round in 1 2; do
		m "bare posix_spawn loop, 8 at a time ($round)" "$adds" command 8 500 /bin/true
		floor=$rate
		m "jobd ($round)" "$adds" run "$S" 500
		ours=$rate
		compare "commands a second against the bare loop ($round)" "$ours" "$floor" ">= 0.9"
		m "xargs -P 8 ($round)" timed 500 xargs_true && compare "against xargs ($round)" "$ours" "$rate" ">= 1.6"
		if command -v parallel >/dev/null && parallel --version 2>/dev/null | grep -q GNU; then
			m "GNU parallel -j 8 ($round)" timed 200 parallel_true && compare "against GNU parallel ($round)" "$ours" "$rate" ">= 4"
		elif [ "$round" = 1 ]; then
			skip "GNU parallel is not installed"
		fi
		if command -v tsp >/dev/null; then
			m "task-spooler, 8 slots ($round)" timed 200 tsp_true && compare "against task-spooler ($round)" "$ours" "$rate" ">= 4"
		elif [ "$round" = 1 ]; then
			skip "task-spooler (tsp) is not installed"
		fi
	done
	runner=$(cat "$W/state/runner/lock")
	ours=$(cpu "$JOBD") theirs=$(cpu "$runner")
	"$adds" run "$S" 1000 >/dev/null || broke "a thousand commands"
	compare "us of CPU of jobd for a command" "$(echo "$(cpu "$JOBD") $ours" | awk '{ print ($1 - $2) / 1000 }')" "" "<= 100"
	compare "us of CPU of jobd-runner for a command" "$(echo "$(cpu "$runner") $theirs" | awk '{ print ($1 - $2) / 1000 }')" "" "<= 100"
	m "bare posix_spawn loop: a thousand that sleep a second, at once" "$adds" command 1000 1000 /bin/sleep 1
	floor=$(echo "$line" | sed 's/.*"seconds":\([0-9.]*\).*/\1/')
	# A fresh one: what earlier runs have left unused would hide what these take. What is of a fixed size, however many
	# run (the store's cache, the recorder, the recent events), has its size before.
	stop_jobd
	rm -rf "$W/state"
	start_jobd --config "$W/conf"
	"$adds" run "$S" 1 >/dev/null
	"$adds" warm "$S" 20000 >/dev/null || broke "twenty thousand timers"
	line=$("$adds" sleepers "$S" 1000 "$JOBD" "$(cat "$W/state/runner/lock")") || broke "a thousand sleepers"
	echo "$line" | sed "s|^{|{\"section\":\"$section\",|" >>"$out"
	value() { echo "$line" | sed "s/.*\"$1\":\([0-9.-]*\).*/\1/"; }
	compare "s for a thousand commands that sleep a second, at once" "$(value seconds)" "$floor" "<= 1.1"
	compare "bytes of jobd for each of them, at the most" "$(value jobd_bytes)" "" "<= 2048"
	compare "bytes of jobd-runner for each of them" "$(value runner_bytes)" "" "<= 2048"
	compared
	stop_jobd
	rm -rf "$W/state"
fi

if want checks; then
	begin checks "HTTP checks: a connection of its own for each"
	. "$here/checks.sh"
	compared
fi

if want time; then
	begin time "Time: the next occurrence, a clock that is set, simulations"
	"$bin/tests/bench/time" next | sed 's/^{/{"section":"time",/' >"$W/next"
	cat "$W/next" >>"$out"
	awk -F '"' '{ printf "%-40s %-22s %s\n", $12, $16, $0 }' "$W/next" | sed 's/{.*"ns":\([0-9]*\),"dearest_ns":\([0-9]*\)}/\1 ns, at most \2/'
	largest() { sed -n "s/.*\"worst\":$1,.*\"$2\":\([0-9]*\).*/\1/p" "$W/next" | sort -n | tail -n 1; }
	compare "ns a next occurrence, the dearest ordinary expression" "$(largest false ns)" "" "<= 2000"
	compare "ns a next occurrence, the dearest of the worst" "$(largest true dearest_ns)" "" "<= 1000000"
	mkdir "$W/step"
	"$bin/tests/bench/time" step "$W/step" 100000 | sed 's/^{/{"section":"time",/' >"$W/step.json"
	cat "$W/step.json" >>"$out"
	compare "ms to reschedule 100,000 jobs after a clock step" "$(sed 's/.*"ms":\([0-9]*\).*/\1/' "$W/step.json")" "" "<= 10000"
	compare "ms of lag of the loop meanwhile, at most" "$(sed 's/.*"lag_us":\([0-9]*\).*/\1/' "$W/step.json" | awk '{ print $1 / 1000 }')" "" "<= 20"
	"$bin/tests/bench/simulate" >"$W/simulate"
	sed 's/^{/{"section":"time",/' "$W/simulate" >>"$out"
	value() { echo "$line" | sed "s/.*\"$1\":\"*\([^\",}]*\).*/\1/"; }
	while read -r line; do
		echo "$(value what): $(value runs) runs, $(value seconds) s, longest slice $(value slice_max_us) us"
		case $(value what) in *year*) compare "$(value what), seconds" "$(value seconds)" "" "<= 1" ;; esac
		compare "$(value what), us of a slice" "$(value slice_max_us)" "" "<= 4000"
	done <"$W/simulate"
	compared
	rm -rf "$W/step"
fi

if want idle; then
	begin idle "Idle"
	start_jobd
	"$bin/tests/bench/empty" >/dev/null 2>&1 & empty=$!
	peers="$peers $empty"
	sleep 2
	before=$(switches "$JOBD")
	sleep 10
	after=$(switches "$JOBD")
	ours=$(status VmRSS "$JOBD")
	floor=$(status VmRSS "$empty")
	compare "KiB resident, against an empty program" "$ours" "$floor" "<= 1.15"
	compare "threads" "$(status Threads "$JOBD")" "" "<= 2"
	compare "wake-ups in 10 s" "$((after - before))" "" "<= 0"
	compared
	kill "$empty"
	stop_jobd
	rm -rf "$W/state"
fi

if want many; then
	begin many "A million stored jobs, due tomorrow"
	start_jobd
	idle=$(status VmRSS "$JOBD")
	m "adding a million, in arrays of a thousand" "$adds" many "$S" "${MANY:-1000000}"
	stop_jobd
	for round in 1 2 3; do
		begin=$(date +%s%N)
		"$bin/jobd" --socket "$S" --state-dir "$W/state" 2>"$W/log" &
		JOBD=$!
		until "$bin/jobctl" list --limit 1 >/dev/null 2>&1; do :; done
		end=$(date +%s%N)
		compare "ms to the first answer ($round)" "$(((end - begin) / 1000000))" "" "<= 250"
		compare "KiB resident beyond the idle daemon's $idle ($round)" "$(($(status VmRSS "$JOBD") - idle))" "" "<= 10240"
		stop_jobd
	done
	compared
fi

if want keep; then
	begin keep "Retention on a million runs"
	"$bin/tests/bench/keep" "$W" "${KEEP:-1000000}" >"$W/keep" || broke "the bench of retention"
	sed 's/^{/{"section":"keep",/' "$W/keep" >>"$out"
	cat "$W/keep"
	of() { sed -n "/\"keep\":\"$1\"/s/.*\"$2\":\([0-9.]*\).*/\1/p" "$W/keep"; }
	compare "ms of a slice that waits for nobody, p99" "$(of 'gc alone' slice_p99_ms)" "" "<= 20"
	compare "ms of an add beside the keeper (without it), p99" "$(of with add_p99_ms)" "$(of without add_p99_ms)" "<= 2"
	compare "ms of a claim beside the keeper (without it), p99" "$(of with claim_p99_ms)" "$(of without claim_p99_ms)" "<= 2"
	compare "runs given up a second by gc alone" "$(of 'gc alone' gone_per_second)" "" ">= 10000"
	compared
fi
echo
echo "Rows: $out"
exit $broken
