#!/bin/sh
# A job belongs to who added it and runs as them; others see that it is there, not what it does, and may not touch it.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { echo "SKIP: needs root, to be two users"; exit 0; }
command -v setpriv >/dev/null || { echo "SKIP: needs setpriv (util-linux)"; exit 0; }
start_jobd
chmod 711 "$T"; chmod 666 "$S"
# The client must be readable for the other user.
cp "$BIN/jobctl" "$T/jobctl" && chmod 755 "$T/jobctl"
other() { setpriv --reuid 65534 --regid 65534 --clear-groups -- "$T/jobctl" "$@"; }

jobctl add -q -n roots --in 1h --sh 'echo secret-word' >/dev/null
same "runs as its owner" "$(other run -C / -- id -u)" 65534
other show roots --json | grep -q secret-word && fail "another user's command line is shown"
other show roots --json | grep -q '"name":"roots"' || fail "its name is not shown"
for verb in cancel pause trigger rm; do
	other $verb roots 2>/dev/null
	same "$verb of another's job" $? 4
done
other set roots Timeout=1h 2>"$T/err"
same "set of another's job" $? 4
check "says whose it is to change" grep -q 'roots: only its owner and root can change it' "$T/err"
other logs roots >/dev/null 2>&1
same "logs of another's job" $? 4
other add -u root -- id >/dev/null 2>&1
code=$?
[ $code = 4 ] || [ $code = 1 ] || fail "-u for another user: $code"
# Who may ping a heartbeat: its owner, and root.
jobctl add -q --heartbeat --every 1h -n roots-beat >/dev/null
other ping roots-beat 2>/dev/null
same "ping of another's heartbeat" $? 4
other add -q --heartbeat --every 1h -n theirs-beat >/dev/null
check "a ping of one's own" other ping -q theirs-beat
check "root may ping all" jobctl ping -q theirs-beat
id=$(other add -q -C / --in 1h -- true)
check "root may touch all" jobctl rm "$id"
stop_jobd
