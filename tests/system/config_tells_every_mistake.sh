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
[retentoin]
[target mute]
END
printf '[daemon]\nlog_level = loud\n' >"$T/conf.d/10-more.conf"
"$BIN/jobd" --config "$T/conf" --check-config 2>"$T/err" && fail "it is taken"
sed "s|^jobd: $T/||" "$T/err" >"$T/got"
cat >"$T/want" <<END
conf:2: connections: 'many' is not a whole number
conf:3: there is no setting 'comands' in [limits]; did you mean commands?
conf:4: checks: must be 1 to 100000
conf:5: neither '[section]' nor 'name = value'
conf:7: canary: 'router' is not like 192.0.2.1:80 or [2001:db8::1]:80
conf:8: there is no section [nowhere]: it is [daemon], [limits], [retention], [checks], [engine] or [target NAME]
conf:13: there is no section [retentoin]; did you mean [retention]?
conf.d/10-more.conf:2: log_level: 'loud' is not error, warning, info or debug
conf:14: [target mute]: it needs one of command, url and mail
conf:10: [target ops]: it needs only one of command, url and mail
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
changed  [target ops]
waits for jobctl daemon reexec  limits.window_jobs
END
diff "$T/want" "$T/out" || fail "reload says something else"
jobctl wait --until started --timeout 10s "$second" || fail "there is room, and it does not start"

# So do those of queues, what is kept, and how many events: at once, without anything being stopped.
one=$(jobctl add -q --queue narrow -C / -- sleep 1000 2>/dev/null) two=$(jobctl add -q --queue narrow -C / -- sleep 1000 2>/dev/null)
jobctl wait --until started --timeout 10s "$one" || fail "the first one does not start"
same "it waits" "$(jobctl show --json "$two" | field job.state)" queued
jobctl add -q -n often --every 1h -C / -- true >/dev/null
for i in 1 2 3; do jobctl trigger -q often >/dev/null; jobctl wait often || fail "often"; done
same "its runs" "$(jobctl runs often --no-headers | wc -l)" 4
printf '[limits]\nqueue_slots = 2\nevents_bytes = 1K\ntimers = 10\nwindow_jobs = 1000\n[retention]\nruns = 2\n[daemon]\nlog_level = debug\n' >"$T/conf"
jobctl reload >"$T/out" || fail "reload"
printf 'changed  %s\n' limits.queue_slots limits.events_bytes retention.runs '[target ops]' >"$T/want"
diff "$T/want" "$T/out" || fail "reload says something else"
jobctl wait --until started --timeout 10s "$two" || fail "there is a slot, and it does not start"
until [ "$(jobctl runs often --no-headers | wc -l)" = 2 ]; do kill -0 "$JOBD" || fail "it has gone"; done
jobctl cancel -q "$one" "$two"

# A mistake changes nothing, and does not end a jobd that is executed anew.
printf '[limits]\ntimers = 0\n' >"$T/conf"
jobctl reload 2>"$T/err"
same "code of a mistake" $? 6
grep -q "conf:2: timers: must be 1 to 1000000" "$T/err" || fail "$(cat "$T/err")"
jobctl daemon reexec --daemon 2>"$T/err"
same "code of a mistake" $? 6
grep -q -- "--check-config" "$T/err" || fail "$(cat "$T/err")"

# SIGHUP is the same; and what waits for it counts once jobd is executed anew.
printf '[limits]\ntimers = 20\nwindow_jobs = 20\n[target ops]\ncommand = true\n' >"$T/conf"
kill -HUP "$JOBD"
until grep -q 'changed setting=limits.timers' "$T/log"; do jobctl stats >/dev/null || fail "it has gone"; done
jobctl notify test ops || fail "the target is not there"
same "what waits" "$(jobctl reload)" "waits for jobctl daemon reexec  limits.window_jobs"
jobctl daemon reexec --daemon >/dev/null || fail "reexec"
same "it has come" "$(jobctl reload)" "Nothing has changed."
stop_jobd

# The service's runner is there later than jobd: nobody has set anything, so nothing waits. In a mount namespace of ours.
if [ "$(id -u)" = 0 ] && unshare -m mount -t tmpfs none /run 2>/dev/null && command -v nsenter >/dev/null; then
	printf '[limits]\ntimers = 1\n' >"$T/conf"
	JOBD=$("$TOOLS/ready" "$T/log" "$(command -v unshare)" -m sh -c 'mount -t tmpfs none /run && exec "$@"' sh \
		"$BIN/jobd" --socket "$S" --state-dir "$T/state" --config "$T/conf") || fail "jobd does not start"
	nsenter -t "$JOBD" -m -r sh -c 'mkdir /run/jobd-runner && touch /run/jobd-runner/io.jobd.Runner &&
		mount --bind "$0" /run/jobd-runner/io.jobd.Runner && test -S /run/jobd-runner/io.jobd.Runner' "$S" || fail "a socket"
	same "the runner's socket came" "$(jobctl reload)" "Nothing has changed."
	printf '[daemon]\nrunner = /else/where\n[limits]\ntimers = 1\n' >"$T/conf"
	same "another is set" "$(jobctl reload)" "waits for a restart of jobd  daemon.runner"
	stop_jobd
else
	echo "NOTE: not as root with unshare (util-linux): a runner that comes later was not tested"
fi

# A path that is set no more, and has no default: that is a mistake, as at a start. Root's has one always.
chmod 711 "$T"
mkdir "$T/bin" "$T/user" && cp "$BIN/jobd" "$BIN/jobd-runner" "$T/bin/"
as=
if [ "$(id -u)" = 0 ]; then
	command -v setpriv >/dev/null || { echo "NOTE: no setpriv (util-linux): a path without a default was not tested"; exit 0; }
	as="setpriv --reuid 65534 --regid 65534 --clear-groups --"
	chown 65534:65534 "$T/user"
fi
export JOBD_SOCKET="$T/user/socket"
printf '[daemon]\nsocket = %s\nstate_dir = %s\n' "$JOBD_SOCKET" "$T/user/state" >"$T/conf"
chmod 644 "$T/conf"
JOBD=$("$TOOLS/ready" "$T/log" "$(command -v env)" -u HOME -u XDG_STATE_HOME $as "$T/bin/jobd" --config "$T/conf") ||
	fail "jobd does not start: $(cat "$T/log")"
same "nothing" "$(jobctl reload)" "Nothing has changed."
: >"$T/conf"
jobctl reload >"$T/out" 2>"$T/err"
same "code of a mistake" $? 6
check "it is told" grep -q 'HOME is not set' "$T/err"
stop_jobd

# Without a session there is no folder for the socket: it is beside the database, and jobctl finds it.
mkdir "$T/user/home"
cp "$BIN/jobctl" "$T/bin/"
[ "$(id -u)" != 0 ] || chown 65534:65534 "$T/user/home"
unset JOBD_SOCKET
JOBD=$("$TOOLS/ready" "$T/log" "$(command -v env)" -u XDG_RUNTIME_DIR -u XDG_STATE_HOME HOME="$T/user/home" $as "$T/bin/jobd") ||
	fail "jobd does not start: $(cat "$T/log")"
check "it is beside the database" test -S "$T/user/home/.local/state/jobd/io.jobd"
check "it is found" env -u XDG_RUNTIME_DIR -u XDG_STATE_HOME HOME="$T/user/home" $as "$T/bin/jobctl" status >"$T/out"
stop_jobd
