#!/bin/sh
# jobd is drained: what runs ends, nothing begins, by its schedule or by hand, until it is let go on or started anew;
# executed anew it stays so, and who waits for it goes on waiting.
. "$(dirname "$0")/lib.sh"
start_jobd
add() {
	jobctl add -q -n "$1" --sh "echo begun >>$T/$1; while [ ! -e $T/go ]; do sleep 0.02; done" >/dev/null || fail "add $1"
}
since() {
	jobctl stats --json | field drainedSince
}
# Until somebody waits.
waits() {
	until jobctl tasks | grep -q Drain; do kill -0 "$1" || fail "it does not wait: $(cat "$T/err")"; done
}
add goes
while [ ! -s "$T/goes" ]; do :; done
same "one who does not wait" "$(jobctl drain --no-wait)" "draining: 1 run goes on, 0 wait"
add later
jobctl trigger goes >/dev/null || fail "by hand"
jobctl drain --timeout 50ms >"$T/out" 2>"$T/err"
same "it is not over in time" $? 7
check "it stays drained, in words" grep -q "^jobctl: 1 run goes on, 2 wait; jobd stays drained" "$T/err"
check "status" sh -c "'$BIN/jobctl' status | grep -q 'jobd is drained since .* by uid $(id -u): 1 run goes on, 2 wait; jobctl drain --off ends it'"
check "why" sh -c "'$BIN/jobctl' why later | grep -q 'waits: jobd is drained by uid $(id -u) since'"
check "doctor" sh -c "'$BIN/jobctl' doctor | grep -q 'jobd is drained by uid $(id -u): it begins nothing, and 2 wait'"
check "the metric" sh -c "'$BIN/jobctl' stats --prometheus | grep -q '^jobd_drained_time_seconds [1-9]'"

# Whoever leaves is told how things stand.
"$BIN/jobctl" drain >"$T/out" 2>"$T/err" &
drain=$!
waits $drain
kill -TERM $drain
wait $drain
same "it was left" $? 130
check "it stays drained, in words" grep -q "jobd stays drained until jobctl drain --off" "$T/err"

# Executed anew, and waited for all the time.
was=$(since)
[ -n "$was" ] || fail "it is not drained"
"$BIN/jobctl" drain >"$T/out" 2>"$T/err" &
drain=$!
waits $drain
check "reexec" jobctl daemon reexec -q --daemon
same "since when" "$(since)" "$was"
check "configuration" jobctl reload -q
waits $drain
: >"$T/go"
check "it is over" wait $drain
same "what it says" "$(cat "$T/out")" "drained: nothing runs, 2 wait"
same "again, at once, for programs" "$(jobctl drain --json | field running)" 0
[ ! -e "$T/later" ] || fail "it has begun"
jobctl drain --off --no-wait 2>"$T/err"
same "what does not go together" $? 2
same "it goes on" "$(jobctl drain --off)" "jobd goes on: nothing runs, 2 wait"
check "what has waited" jobctl wait goes later
same "by hand, too" "$(wc -l <"$T/goes")" 2
same "nothing of it is left" "$(since)" ""
jobctl status | grep -q drained && fail "status says that it is drained"

# A start ends it.
check "drain" jobctl drain -q
add last
kill_jobd
[ ! -e "$T/last" ] || fail "it has begun"
start_jobd
check "it runs" jobctl wait last
same "it is not drained" "$(since)" ""
stop_jobd
