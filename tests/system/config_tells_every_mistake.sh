#!/bin/sh
# --check-config tells all that is wrong, with file, line and name; reload changes what can be changed, says what cannot,
# and takes nothing with a mistake in it.
. "$JOBD_SOURCE/tests/system/lib.sh"
mkdir "$T/conf.d"
cat >"$T/conf" <<END
[limits]
connections = many
comands = 5
checks = 0
nonsense
[checks]
canary = router
[nowhere]
a = b
[target ops]
command = true
mail = a@example.org
END
printf '[daemon]\nlog_level = loud\n' >"$T/conf.d/10-more.conf"
"$BIN/jobd" --config "$T/conf" --check-config 2>"$T/err" && fail "it is taken"
sed "s|^jobd: $T/||" "$T/err" >"$T/got"
cat >"$T/want" <<END
conf:2: connections: 'many' is not a whole number
conf:3: there is no setting 'comands' in [limits]
conf:4: checks: must be 1 to 100000
conf:5: neither '[section]' nor 'name = value'
conf:7: canary: 'router' is not like 192.0.2.1:80 or [2001:db8::1]:80
conf:9: there is no section [nowhere]
conf.d/10-more.conf:2: log_level: 'loud' is not error, warning, info or debug
conf:11: [target ops]: it needs one of command, url and mail
END
diff "$T/want" "$T/got" || fail "other mistakes are told"
printf '[run]\nallow_root = perhaps\nwhat = 1\n[limits]\ncommands = no\n' >"$T/runner.conf"
"$BIN/jobd-runner" --config "$T/runner.conf" --check-config 2>"$T/err" && fail "the runner takes it"
same "mistakes of the runner's" "$(grep -c "runner.conf:[235]: " "$T/err")" 3

rm "$T/conf.d/10-more.conf"
printf '[limits]\ntimers = 1\nwindow_jobs = 1000\n' >"$T/conf"
start_jobd --config "$T/conf"
same "nothing" "$(jobctl reload)" "Nothing has changed."

# A second timer waits for the first one, until there is room.
first=$(jobctl add -q --timer 1h) second=$(jobctl add -q --timer 1h)
jobctl wait --until started --timeout 10s "$first" || fail "the first one does not start"
same "it waits" "$(jobctl show --json "$second" | field job.state)" queued
cat >"$T/conf" <<END
[limits]
timers = 10
window_jobs = 2000
[daemon]
log_level = debug
state_dir = /elsewhere
[target ops]
command = true
END
jobctl reload >"$T/out" || fail "reload"
cat >"$T/want" <<END
changed  daemon.log_level
changed  limits.timers
waits for jobctl daemon reexec  limits.window_jobs
waits for jobctl daemon reexec  [target ops]
END
diff "$T/want" "$T/out" || fail "reload says something else"
jobctl wait --until started --timeout 10s "$second" || fail "there is room, and it does not start"

# A mistake changes nothing, and does not end a jobd that is executed anew.
printf '[limits]\ntimers = 0\n' >"$T/conf"
jobctl reload 2>"$T/err"
same "code of a mistake" $? 6
grep -q "conf:2: timers: must be 1 to 1000000" "$T/err" || fail "$(cat "$T/err")"
jobctl daemon reexec --daemon 2>"$T/err"
same "code of a mistake" $? 6
grep -q -- "--check-config" "$T/err" || fail "$(cat "$T/err")"

# SIGHUP is the same; and what waited for it counts once jobd is executed anew.
printf '[limits]\ntimers = 20\n[target ops]\ncommand = true\n' >"$T/conf"
kill -HUP "$JOBD"
until grep -q 'changed setting=limits.timers' "$T/log"; do jobctl stats >/dev/null || fail "it has gone"; done
jobctl notify test ops 2>/dev/null && fail "the target is there already"
jobctl daemon reexec --daemon >/dev/null || fail "reexec"
jobctl notify test ops || fail "the target is not there"
stop_jobd
