#!/bin/sh
# skip leaves out the next occurrences, and the job goes on after them; backfill runs what was not run, once, oldest first.
. "$(dirname "$0")/lib.sh"
start_jobd
jobctl add -q --cron '0 3 * * *' --tz UTC -n night -- sh -c 'echo $JOBD_DUE $JOBD_MISSED $TZ' >/dev/null
first=$(jobctl next night -n 4 --json)
jobctl skip -n 2 night >"$T/out" || fail "skip"
same "two are skipped" "$(grep -c '^skipped' "$T/out")" 2
same "then the third" "$(jobctl show night --json | field job.nextDue)" "$(echo "$first" | field occurrences.2.due)"
same "and next says so" "$(jobctl next night -n 1 --json | field occurrences.0.due)" "$(echo "$first" | field occurrences.2.due)"
same "counted" "$(jobctl show night --json | field job.skips)" 2

same "dry run" "$(jobctl backfill night --from -3d --dry-run --json | field occurrences.#)" 3
same "nothing ran" "$(jobctl show night --json | field job.runs)" 0
jobctl backfill -q night --from -3d --max 2 >"$T/runs" || fail "backfill"
same "the latest two" "$(wc -l <"$T/runs")" 2
check "they end" jobctl wait $(cat "$T/runs")
out=$(jobctl logs "$(head -n 1 "$T/runs")")
case $out in *T03:00:00.000000Z\ 0\ UTC) ;; *) fail "the command is told its due: $out" ;; esac
same "made up for once" "$(jobctl backfill night --from -3d --json | field runs.#)" 1
jobctl backfill night --from -3d >"$T/out" 2>&1
grep -q "nothing to make up for" "$T/out" || fail "third backfill: $(cat "$T/out")"
jobctl backfill night --from -1d --to +1d >/dev/null 2>&1
same "the future comes by itself" $? 2
jobctl add -q --in 1h -n once true >/dev/null
jobctl skip once >/dev/null 2>&1
same "one occurrence is not skipped" $? 6
jobctl backfill once --from -1d >/dev/null 2>&1
same "nor made up for" $? 6
stop_jobd
