#!/bin/sh
# Bad neighbours on the sockets of jobd and of its runner, while clients work and, in the second round, both are killed:
# half messages, floods, streams that nobody reads. The clients' accounts are true, and nothing is held afterwards.
. "$(dirname "$0")/lib"
seed=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
echo "SEED=$seed"
BASE=$T
fresh

round() {
	T=$BASE/$1 S=$BASE/$1/s lost=$2
	export JOBD_SOCKET=$S
	mkdir -p "$T"
	shift 2
	"$TOOLS/storm" "$@" --seed "$seed" --seconds 2 --clients 8 "$BIN/jobd" "$TOOLS/tally" "$T" &
	storm=$!
	while [ ! -S "$S" ] || [ ! -S "$T/state/runner/io.jobd.Runner" ]; do
		"$TOOLS/gone" $storm 0 && fail "the clients have gone"
	done
	"$TOOLS/pest" --seed "$seed" --seconds 2 "$S" &
	pest=$!
	"$TOOLS/pest" --seed "$seed" --seconds 2 "$T/state/runner/io.jobd.Runner" || fail "nobody bothered the runner"
	wait $pest || fail "nobody bothered jobd"
	wait $storm || fail "the clients"
	JOBD=$(cat "$T/pid")
	"$TOOLS/compare" $lost "$S" "$T/journal" "$T/tally" || fail "the accounts differ (SEED=$seed)"
	check "the ledger" jobctl audit >/dev/null
	all_acknowledged
	runner=$(runner_pid)
	holds "$JOBD" "$jobd_holds"
	holds "$runner" "$runner_holds"
	same "a command afterwards" "$(jobctl run -- echo fine)" fine
	stop_jobd
	kill "$runner" && gone "$runner"
}

round calm "" --calm
round storm --lost --runner
