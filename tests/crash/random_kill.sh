#!/bin/sh
# kill -9 at random under load: 32 clients, jobd dies again and again, in the second round its runner, too. Nothing
# acknowledged is lost, nothing runs twice, every run has one end that agrees with what its command says, and nothing is
# left behind. SEED=N repeats the instants.
. "$(dirname "$0")/lib"
seconds=3
[ -z "${JOBD_LONG:-}" ] || seconds=60
seed=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
echo "SEED=$seed"
BASE=$T
fresh

round() {
	T=$BASE/$1 S=$BASE/$1/s lost=$2
	export JOBD_SOCKET=$S
	mkdir -p "$T"
	shift 2
	"$TOOLS/storm" "$@" --seed "$seed" --seconds $seconds "$BIN/jobd" "$TOOLS/tally" "$T" || fail "the storm"
	JOBD=$(cat "$T/pid")
	"$TOOLS/compare" $lost "$S" "$T/journal" "$T/tally" || fail "the accounts differ (SEED=$seed)"
	check "the ledger" jobctl audit >"$T/audit"
	runner=$(runner_pid)
	same "zombies" "$(zombies_of "$JOBD" "$runner")" ""
	same "strays" "$(strays "$JOBD" "$runner")" ""
	all_acknowledged
	runner=$(runner_pid)
	holds "$JOBD" "$jobd_holds"
	holds "$runner" "$runner_holds"
	stop_jobd
	kill "$runner" && gone "$runner"
	same "integrity of the database" "$("$TOOLS/sql" "$T/state/jobd.db" 'PRAGMA integrity_check')" ok
}

round jobd ""
round both --lost --runner
