#!/bin/sh
# Where no jobd answers doctor says why: the socket, its folder, the state; and says what helps.
. "$JOBD_SOURCE/tests/system/lib.sh"
export JOBD_PATIENCE=100ms XDG_STATE_HOME="$T/home"
unset JOBD_SOCKET
mkdir -p "$T/home/jobd"

# finds "WHAT" PATTERN SOCKET
finds() {
	jobctl --socket "$3" doctor >"$T/out" 2>&1
	same "code: $1" $? 5
	grep -q -e "$2" "$T/out" || fail "$1 is not found: $(cat "$T/out")"
	jobctl --socket "$3" doctor --json | field findings.0.text >/dev/null || fail "$1: no JSON"
}

finds "no folder" "the folder $T/none of the socket" "$T/none/io.jobd"
finds "no socket" "there is no socket $S" "$S"
JOBD_SOCKET=$S jobctl doctor | grep -q 'JOBD_SOCKET says so' || fail "the variable is not named"
: >"$T/file"
finds "a file" "$T/file is no socket" "$T/file"

echo "no database, but a letter" >"$T/home/jobd/jobd.db"
finds "no database" "jobd.db is no database" "$S"
chmod 400 "$T/home/jobd/jobd.db"
finds "no rights" "may not be read and written by its user" "$S"
rm "$T/home/jobd/jobd.db"
if [ "$(id -u)" = 0 ]; then
	: >"$T/home/jobd/jobd.db-wal" && chown 65534 "$T/home/jobd/jobd.db-wal"
	finds "another's file" "jobd.db-wal belongs to another user (65534)" "$S"
	rm "$T/home/jobd/jobd.db-wal"
fi

# The pages behind the header tell nothing to jobctl itself: jobd looks into them.
JOBD=$("$TOOLS/ready" "$T/log" "$BIN/jobd" --socket "$S" --state-dir "$T/home/jobd") || fail "jobd does not start"
for i in 1 2 3 4 5 6 7 8; do jobctl --socket "$S" add -q --in 1h -- true >/dev/null || fail "add"; done
"$BIN/jobd" --check-database --state-dir "$T/home/jobd" 2>"$T/err"
same "a jobd has it" $? 6
stop_jobd
same "a good one" "$("$BIN/jobd" --check-database --state-dir "$T/home/jobd" | sed 's/ of form.*//')" "$T/home/jobd/jobd.db is good,"
jobctl --socket "$S" doctor | grep -q 'the database' && fail "it finds what is not"
dd if=/dev/zero of="$T/home/jobd/jobd.db" bs=4096 seek=3 count=8 conv=notrunc 2>/dev/null
finds "damaged pages" "the database cannot be used: .*damaged: restore a backup" "$S"
rm -rf "$T/home/jobd"
"$BIN/jobd" --check-database --state-dir "$T/home/jobd" 2>"$T/err"
same "none" $? 1

# One that was killed leaves its socket.
start_jobd
kill_jobd
finds "nobody listens" "nobody listens at $S" "$S"
start_jobd
jobctl --socket "$S" doctor >"$T/out"
code=$?
[ $code -lt 2 ] || fail "doctor of a good one: $code, $(cat "$T/out")"
grep -q 'is no database\|hang' "$T/out" && fail "it finds what is not: $(cat "$T/out")"
stop_jobd
