#!/bin/sh
# doctor: a scope that was cancelled and does not end, a descriptor and a process whose owner has ended, each once and with
# who made them, and a descriptor that nobody owns are found; a process that was stopped and continued has none of these.
. "$(dirname "$0")/lib.sh"
export JOBD_STRICT=1
start_jobd
leaks() { jobctl doctor --json | grep -oE '"what":"(not_drained|descriptor|stray|process|overdue|lent|greedy|self_waking)"' | sort; }
same "a healthy daemon" "$(leaks)" ""
kill -STOP "$JOBD"
until grep -q '^State:.T' "/proc/$JOBD/status"; do :; done
kill -CONT "$JOBD"
jobctl list >/dev/null || fail "it does not go on"
same "stopped and continued" "$(leaks)" ""

debug Leak
until [ "$(leaks | wc -l)" -ge 4 ]; do kill -0 "$JOBD" || fail "it is gone"; done
same "each once" "$(leaks | tr '\n' ' ')" '"what":"descriptor" "what":"not_drained" "what":"process" "what":"stray" '
jobctl doctor >"$T/words"
grep -qE '^stuck was cancelled with leaky scope and has not ended in [0-9]+ s: at debug.c:[0-9]+ it waits, shielded, for false; made by leaky scope' "$T/words" ||
	fail "the scope: $(cat "$T/words")"
grep -qE '^descriptor [0-9]+ is still watched, though leaky owner, whose it was, has ended; made by leaky owner' "$T/words" ||
	fail "the descriptor: $(cat "$T/words")"
grep -qE '^process [0-9]+ is still watched, though leaky owner, whose it was, has ended; made by leaky owner' "$T/words" ||
	fail "the process: $(cat "$T/words")"
grep -qE '^descriptor [0-9]+ \(pipe\) belongs to nobody: it was seen first at 20[0-9TZ:.-]+ and is still open; ls -l /proc/'"$JOBD" "$T/words" ||
	fail "the stray: $(cat "$T/words")"
same "where they were made" "$(grep -c '    made in owner_step+0x' "$T/words")" 2
same "the log, once each" "$(grep -c 'leaky\|belongs to nobody' "$T/log")" 4

# It does not end in order any more; what it has left goes with it.
kill_jobd
