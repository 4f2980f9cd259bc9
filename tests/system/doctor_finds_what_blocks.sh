#!/bin/sh
# doctor: nothing on a healthy daemon; who blocks the loop, with his stack; a stopped process is none; what it says of
# a daemon that cannot be reached.
. "$(dirname "$0")/lib.sh"
export JOBD_STRICT=1
start_jobd
what() { jobctl doctor --json | grep -o "\"what\":\"$1\"" | wc -l; }
# What the host's disk does is not ours.
if jobctl doctor >"$T/healthy"; then
	grep -q '^All is well.$' "$T/healthy" || fail "it is not said that all is well"
else
	grep -q 'a commit of\|the disk of' "$T/healthy" || fail "a healthy daemon: $(cat "$T/healthy")"
fi

# A stopped process was not blocked.
kill -STOP "$JOBD"
until grep -q '^State:.T' "/proc/$JOBD/status"; do :; done
end=$(($(date +%s%N) + 200000000))
until [ "$(date +%s%N)" -gt "$end" ]; do :; done
kill -CONT "$JOBD"
jobctl list >/dev/null || fail "it does not go on"
same "a stopped process was not blocked" "$(what blocked)" 0

debug Block 412000
jobctl doctor --json >"$T/blocked"
same "exit code with a finding" "$?" 1
same "what" "$(field findings.0.what <"$T/blocked")" blocked
same "once" "$(what blocked)" 1
same "whom" "$(field findings.0.task <"$T/blocked")" Block
check "how long" test "$(field findings.0.durationUSec <"$T/blocked")" -ge 412000
grep -q '"debug_block+0x' "$T/blocked" || fail "the stack: $(cat "$T/blocked")"
jobctl doctor | grep -qE '^loop blocked [0-9]+ ms in debug_block, at ' || fail "in words: $(jobctl doctor)"
grep -q 'loop blocked 4[0-9][0-9] ms in Block\|loop blocked [5-9][0-9][0-9] ms in Block\|loop blocked [0-9]\{4,\} ms in Block' "$T/log" ||
	fail "the log"
same "it is counted" "$(jobctl stats --json | field blocked)" 1
# Long ago is long ago.
! jobctl doctor --since 1us | grep -q "loop blocked" || fail "--since"

# The latest are told, and more when more is asked for.
i=0
while [ $i -lt 20 ]; do i=$((i + 1)); debug Block 100000; done
told() { jobctl doctor --json "$@" | grep -oE '"what":"(blocked|starved)"' | wc -l; }
same "those that are told" "$(told)" 20
jobctl doctor | grep -q '^(*those are the latest (--limit tells more): since its start the loop was blocked' || fail "that there are more"
same "all" "$(told --limit 256)" 21
same "some" "$(told --limit 3)" 3
jobctl doctor --limit 257 >/dev/null 2>"$T/said"
same "more than are kept" "$?" 2
grep -q limit "$T/said" || fail "which field: $(cat "$T/said")"

# What the state directory looks like.
chmod 755 "$T/state"
jobctl doctor --since 1us | grep -q "others may look into the state directory" || fail "rights of the state directory"
chmod 700 "$T/state"

stop_jobd
jobctl doctor >"$T/gone"
same "unreachable" "$?" 5
grep -q "there is no socket $S" "$T/gone" || fail "no socket: $(cat "$T/gone")"
jobctl doctor --socket "$T/nowhere/io.jobd" | grep -q "the folder $T/nowhere" || fail "no folder"
: >"$T/file"
jobctl doctor --socket "$T/file" | grep -q "is no socket" || fail "a file"
