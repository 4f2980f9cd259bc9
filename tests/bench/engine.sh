#!/bin/sh
# The engine's workloads W1 to W7 (peers/measure.h), beside every peer that is there, in one run: the rows
# of all programs and the ratios go to bench.jsonl, tables to stdout.
#	ROUNDS=3		how often; peers take turns within a round, long workloads run once
#	QUICK=1			everything small and the peers at once: tries the script, measures nothing
#	PEERS="name=program"	more peers that keep the contract, separated by spaces
#	WORKLOADS="w2 w7"	only these
#	BENCH_LOCK=file		held (flock) while one program runs, for machines where others measure, too
set -u
bin=$1
out=$2
here=$(cd "$(dirname "$0")" && pwd)
W=$(mktemp -d /tmp/jobd-bench.XXXXXX)
trap 'rm -rf "$W"' EXIT
rounds=${ROUNDS:-3}
[ -z "${QUICK:-}" ] || { rounds=1 && echo "(QUICK: the figures mean nothing)"; }
rows=$W/rows

# ---- who is measured: name|what it is|command ----
peer() { echo "$1|$2|$3" >>"$W/peers"; }
skip() { echo "(not measured: $*)"; }

peer jobd grid "$bin/tests/bench/engine"
peer epoll grid "$bin/tests/bench/peers/epoll"
peer libevent compiled "$bin/tests/bench/peers/libevent"
if [ -x "$bin/tests/bench/peers/libuv" ]; then
	peer libuv compiled "$bin/tests/bench/peers/libuv"
else
	skip "libuv, its headers are not installed"
fi
if ! command -v go >/dev/null; then
	skip "Go, it is not installed"
elif GO111MODULE=off GOTOOLCHAIN=local go build -o "$bin/tests/bench/peers/go" "$here/peers/go.go"; then
	peer go compiled "$bin/tests/bench/peers/go"
else
	skip "Go, it does not build the program"
fi
python=
for p in /usr/bin/python3 python3; do
	[ -n "$python" ] || ! "$p" -c 'import asyncio; asyncio.Runner' 2>/dev/null || python=$p
done
if [ -n "$python" ]; then
	peer asyncio interpreted "$python $here/peers/python.py"
else
	skip "asyncio, there is no python3 of 3.11 or later"
fi
if [ -n "$python" ] && "$python" -c 'import uvloop' 2>/dev/null; then
	peer uvloop interpreted "$python $here/peers/python.py @ loop=uvloop"
else
	skip "uvloop, python3 does not find it"
fi
if command -v node >/dev/null; then
	peer node interpreted "node $here/peers/node.js"
else
	skip "Node, it is not installed"
fi
for p in ${PEERS:-}; do
	peer "${p%%=*}" compiled "${p#*=}"
done

# ---- what: case|rounds|arguments of those with a slack|compiled|interpreted|QUICK; - leaves it out ----
cat >"$W/cases" <<'END'
w1|all||||
w2.0|all|n=0|n=0|n=0|n=0
w2.100k|all|n=100000|n=100000|n=100000|n=10000
w2.100k.slack|all|n=100000 slack=1000|-|-|n=10000 slack=1000
w2.1M|all|n=1000000|n=1000000|-|-
w2.1M.slack|once|n=1000000 slack=1000|-|-|-
w3.2|all|tasks=2 yields=10000000|tasks=2 yields=2500000|tasks=2 yields=50000|tasks=2 yields=50000
w3.1000|all|tasks=1000 yields=5000|tasks=1000 yields=5000|tasks=1000 yields=500|tasks=1000 yields=100
w4|all|n=100000 secs=5|n=100000 secs=5|n=100000 secs=5|n=10000 secs=1
w4.slack|all|n=100000 secs=5 slack=1000|-|-|n=10000 secs=1 slack=1000
w5|once|n=100000 settle=4 secs=10|n=100000 settle=4 secs=10|n=100000 settle=4 secs=10|n=10000 settle=1 secs=1
w6|all|rounds=200|rounds=200|rounds=50|rounds=10
w7|all|n=100000 cycles=20|n=100000 cycles=5|n=100000 cycles=2|n=10000 cycles=2
END

lock() { if [ -n "${BENCH_LOCK:-}" ]; then flock "$BENCH_LOCK" "$@"; else "$@"; fi; }

keep() {	# case, peer, a line of JSON
	case $3 in
	\{*\}) echo "{\"section\":\"engine\",\"case\":\"$1\",\"by\":\"$2\",${3#\{}" >>"$rows" ;;
	*) echo "{\"section\":\"engine\",\"case\":\"$1\",\"by\":\"$2\",\"error\":\"failed\"}" >>"$rows" ;;
	esac
}

# The arguments stand at the end of a command, or where its @ is.
run_one() {	# case, peer, command, arguments
	case $3 in
	*@*) command="${3%%@*} ${1%%.*} $4 ${3#*@}" ;;
	*) command="$3 ${1%%.*} $4" ;;
	esac
	# shellcheck disable=SC2086
	keep "$1" "$2" "$(lock timeout 120 $command 2>"$W/error.$2" | tail -n 1)"
}

run_case() {	# case, arguments by what a peer is
	while IFS='|' read -r name what command; do
		case ${QUICK:+quick}$what in
		quickgrid) arguments=$5 ;;
		quick*) arguments=$5; case $5 in *slack=*) arguments=- ;; esac ;;
		grid) arguments=$2 ;;
		compiled) arguments=$3 ;;
		*) arguments=$4 ;;
		esac
		[ "$arguments" != - ] || continue
		run_one "$1" "$name" "$command" "$arguments" </dev/null &
		[ -n "${QUICK:-}" ] || wait
	done <"$W/peers"
	wait
}

round=1
while [ "$round" -le "$rounds" ]; do
	while IFS='|' read -r case often grid compiled interpreted quick; do
		case " ${WORKLOADS:-${case%%.*}} " in *" ${case%%.*} "*) ;; *) continue ;; esac
		[ "$often" = all ] || [ "$round" = 1 ] || continue
		[ ! -t 2 ] || printf '\r[%s/%s] %-16s' "$round" "$rounds" "$case" >&2
		run_case "$case" "$grid" "$compiled" "$interpreted" "$quick"
	done <"$W/cases"
	round=$((round + 1))
done
[ ! -t 2 ] || printf '\r%32s\r' '' >&2

# ---- system calls of one trip of w6: those of 60 rounds less those of 10, in 100 pairs ----
# epoll_wait is left out: strace makes each step so slow that who goes by time looks far more often.
calls() {	# command
	for n in 10 60; do
		# shellcheck disable=SC2086
		strace -f -c -U calls,name -o "$W/calls.$n" $1 w6 pairs=100 rounds=$n >/dev/null 2>&1 || return 1
	done
	cat "$W/calls.10" "$W/calls.60" | awk '
		$2 ~ /^epoll_p?wait/ { waits += $1 }
		$2 == "total" { calls = $1 - waits - calls; waits = 0 }
		END { printf "{\"n\":100,\"calls\":%.3f}\n", calls / 5000 }'
}
case " ${WORKLOADS:-w6} " in
*" w6 "*)
	if command -v strace >/dev/null; then
		while IFS='|' read -r name what command; do
			[ "$what" = interpreted ] || keep w6.calls "$name" "$(calls "$command" </dev/null)"
		done <"$W/peers"
	else
		skip "system calls of w6, strace is not installed"
	fi
	;;
esac

# ---- what it costs that the engine watches itself: beside the same engine with that left out ----
# By turns, since the machine's mood changes; the least CPU time of each, which noise can only add to.
overhead() {	# case, arguments
	for n in 1 2 3 4 5 6 7 8 9; do
		[ -z "${QUICK:-}" ] || [ $n = 1 ] || break
		for by in sees blind; do
			program=$bin/$by/tests/bench/engine
			# shellcheck disable=SC2086
			echo "$by $(lock timeout 120 "$program" ${1%%.*} $2 2>/dev/null | tail -n 1)"
		done
	done | awk -v name="$1" -v out="$out" '
		function value(k) { return match($0, "\"" k "\":[0-9.]+") ? substr($0, RSTART + length(k) + 3, RLENGTH - length(k) - 3) : 0 }
		{
			cpu = value("user") + value("sys"); woke = value("woke")
			if (woke > 0) cpu /= woke / 1000000
			if (!($1 in least) || cpu < least[$1]) least[$1] = cpu
		}
		END {
			if (!(least["blind"] > 0)) { print name ": failed"; exit 1 }
			x = least["sees"] / least["blind"]; met = x <= 1.03
			printf "| %-12s | %8.4f | %8.4f | %6.3f | <= 1.03 %s |\n", name, least["sees"], least["blind"], x, met ? "met" : "MISSED"
			printf "{\"section\":\"engine\",\"what\":\"watching itself, %s\",\"ours\":%s,\"theirs\":%s,\"ratio\":%.4g,\"wanted\":\"<= 1.03\",\"met\":%s}\n",
			    name, least["sees"], least["blind"], x, met ? "true" : "false" >>out
		}'
}
if [ -n "${QUICK:-}" ]; then w3= w7="cycles=2 n=10000" w6=rounds=10 w2="n=10000"; else w3=00 w7="cycles=20 n=100000" w6=rounds=100 w2="n=100000"; fi
if [ -z "${WORKLOADS:-}" ] || [ "${WORKLOADS:-}" = overhead ]; then
	printf '\n### What watching itself costs: CPU seconds, of w2 a million wakes\n\n'
	printf '| case         | watching |    blind |  ratio | wanted      |\n| --- | --: | --: | --: | --- |\n'
	overhead w2.slack "$w2 slack=1000"
	overhead w3.2 "tasks=2 yields=200000$w3"
	overhead w3.1000 "tasks=1000 yields=400$w3"
	overhead w6 "$w6"
	overhead w7 "$w7"
fi

[ -e "$rows" ] || exit 0
cat "$rows" >>"$out"
awk -v out="$out" -f "$here/engine.awk" "$rows"
