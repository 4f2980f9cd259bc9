#!/bin/sh
# Files are written, changed and removed by chance, and applied each time: then the jobs are what the files say, no more and
# no less, what was not touched has not been touched, and what is exported says the same as the files.
# SEED=n is another; so are all of make check-long. ROUNDS=n.
. "$(dirname "$0")/lib.sh"
D=$T/jobs
mkdir "$D"
[ -z "${JOBD_LONG:-}" ] || SEED=${SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d " ")}
SEED=${SEED:-1}
echo "SEED=$SEED"
lot=$SEED
# lot N: another number below N, in $lot_is.
lot() {
	lot=$(((lot * 1103515245 + 12345) % 2147483648))
	lot_is=$((lot / 65536 % $1))
}
pick() {
	lot $#
	shift $lot_is
	picked=$1
}
# A file for the job of this number; its kind is always the same. It is due in years: what runs could not be removed.
draw() {
	kind=$(($1 % 3))
	{
		pick 'Description=plain' 'Description="of more\nlines; # and signs"' 'Label=a=b' ''
		printf '[Job]\n%s\n' "$picked"
		pick 'Retries=1' 'Retries=2' 'Grace=30s' ''
		case $kind in
		2) printf 'Heartbeat=yes\nGrace=1h\n' ;;
		*) printf '%s\n' "$picked" ;;
		esac
		pick 'Cron=0 3 29 2 *' 'At=2095-05-05T05:05:05Z
Every=3h' 'Calendar=*-02-29 18:30' 'Cron=30 4 29 2 *'
		printf '[Schedule]\n%s\n' "$picked"
		case $kind in
		0) pick 'Shell=echo a; echo "b"' "Command=/bin/echo 'of two' words" ; printf '[Command]\n%s\n' "$picked" ;;
		1) pick 'Duration=1s' 'Duration=1h30m'; printf '[Timer]\n%s\n' "$picked" ;;
		esac
	} >"$D/n$1.job"
}
# What is told of a job that only a change of it changes.
stand() {
	jobctl show "$1" --json >"$T/stand" 2>/dev/null || { echo none; return; }
	echo "$(field job.id <"$T/stand") $(field job.generation <"$T/stand")"
}
start_jobd
round=0
while [ $round -lt "${ROUNDS:-12}" ]; do
	round=$((round + 1))
	touched=' '
	for i in 1 2 3; do
		lot 8
		n=$lot_is
		lot 4
		if [ $lot_is = 0 ]; then rm -f "$D/n$n.job"; else draw $n; fi
		touched="$touched$n "
	done
	for n in 0 1 2 3 4 5 6 7; do
		stand n$n >"$T/before-$n"
	done
	jobctl apply -f "$D" --prune >"$T/out" 2>"$T/err" || fail "round $round: apply: $(cat "$T/err")"
	jobctl apply -f "$D" --prune >"$T/out" || fail "round $round: again"
	same "round $round: again there is nothing to do" "$(sed 's/^[0-9]* jobs\{0,1\} unchanged$//' "$T/out")" ""
	for n in 0 1 2 3 4 5 6 7; do
		stand n$n >"$T/after-$n"
		[ -e "$D/n$n.job" ] && there=yes || there=no
		same "round $round: n$n is there" "$(grep -qx none "$T/after-$n" && echo no || echo yes)" $there
		case $touched in
		*" $n "*) ;;
		*) cmp -s "$T/before-$n" "$T/after-$n" || fail "round $round: n$n was touched: $(cat "$T/before-$n" "$T/after-$n")" ;;
		esac
	done
	rm -rf "$T/exported"
	jobctl export --to "$T/exported" >/dev/null || fail "round $round: export"
	jobctl diff -f "$T/exported" --source "$(realpath "$D")" --prune >"$T/out" 2>&1 ||
		fail "round $round: what is exported is not what the files say: $(cat "$T/out")"
done
jobctl audit >/dev/null || fail "the audit"
stop_jobd
