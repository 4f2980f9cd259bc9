#!/bin/sh
# A backup is taken while jobd works, and is whole; it is restored only while jobd does not run.
. "$(dirname "$0")/lib.sh"
sql() {
	"$TOOLS/sql" "$@"
}
start_jobd
for i in 1 2 3 4 5 6 7 8 9; do
	jobctl add -q -n "job$i" --every 1h --desc "$(head -c 600 /dev/zero | tr '\0' x)" -e SECRET=x -- /bin/true >/dev/null
done
# Many adds go on meanwhile.
i=0
while [ $i -lt 40 ]; do
	i=$((i + 1))
	jobctl add -q --in 1h -- /bin/true >/dev/null
done &
adds=$!
jobctl backup "$T/one.db" >"$T/out" || fail "backup"
jobctl backup "$T/two.db" >/dev/null || fail "a second one"
wait $adds
check "it is private" [ "$(stat -c %a "$T/one.db")" = 600 ]
same "it is whole" "$(sql "$T/one.db" 'PRAGMA integrity_check')" ok
same "it is one file" "$(sql "$T/one.db" 'PRAGMA journal_mode')" delete
check "all named jobs are in it" [ "$(sql "$T/one.db" 'SELECT count(*) FROM job WHERE name IS NOT NULL')" = 9 ]
check "nothing is left of it" [ ! -e "$T/state/jobd.backup" ]
jobctl backup "$T/one.db" 2>"$T/err"
same "a file that is there stays" $? 6
jobctl backup --force "$T/one.db" >/dev/null || fail "--force"
jobctl backup - >"$T/piped.db" || fail "to standard output"
same "it is the same" "$(sql "$T/piped.db" 'SELECT count(*) FROM job')" "$(sql "$T/one.db" 'SELECT count(*) FROM job')"
jobctl backup /nowhere/at/all 2>"$T/err" && fail "no such directory"
check "it is told" grep -q nowhere "$T/err"
jobctl stats --json | field store.databaseBytes >/dev/null 2>&1 || jobctl stats | grep -q database || fail "its size is shown"

# Not under a jobd.
jobctl restore --state-dir "$T/state" "$T/one.db" 2>"$T/err" && fail "restored under a running jobd"
check "says who has it" grep -q "$JOBD" "$T/err"
jobctl rm job1 job2 --cancel >/dev/null || fail "rm"
stop_jobd

# What is none is refused, and nothing is changed.
echo nonsense >"$T/bad.db"
jobctl restore --state-dir "$T/state" "$T/bad.db" 2>"$T/err" && fail "nonsense"
check "says so" grep -q 'nothing was restored' "$T/err"
sql "$T/other.db" 'CREATE TABLE a (b)' 2>/dev/null
jobctl restore --state-dir "$T/state" "$T/other.db" 2>/dev/null && fail "another program's"
cp "$T/one.db" "$T/newer.db"
sql "$T/newer.db" 'PRAGMA user_version = 99' >/dev/null
jobctl restore --state-dir "$T/state" "$T/newer.db" 2>"$T/err" && fail "a newer jobd's"
check "in words" grep -q 'newer jobd' "$T/err"
start_jobd
jobctl show job1 >/dev/null 2>&1 && fail "what was refused was restored"
stop_jobd

jobctl restore --state-dir "$T/state" "$T/one.db" >"$T/out" || fail "restore"
check "what was there is kept" [ -e "$T/state/jobd.db.before-restore" ]
start_jobd
jobctl show job1 >/dev/null || fail "job1 is back"
jobctl audit >/dev/null || fail "the audit"
stop_jobd
# Which database, is not guessed; and what was not there is not said to be kept.
jobctl restore "$T/one.db" 2>"$T/err" && fail "without a directory, with another socket"
check "asks which" grep -q -- '--state-dir: which one' "$T/err"
jobctl restore --state-dir "$T/fresh" "$T/one.db" >"$T/out" || fail "into a new directory"
check "nothing was there" grep -q 'where no database was' "$T/out"
# And back again.
jobctl restore --state-dir "$T/state" "$T/state/jobd.db.before-restore" >/dev/null 2>&1 || true

# Root does it for the user whose state it is, and follows none of that user's links.
if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null; then
	echo "NOTE: not as root with setpriv (util-linux): restoring for another user was not tested"
	exit 0
fi
chmod 711 "$T"
theirs=$T/theirs
restore_theirs() {
	rm -rf "$theirs" && mkdir -m 700 "$theirs" && echo precious >"$T/victim" || fail "prepare"
	[ -z "${1:-}" ] || ln -s "$T/victim" "$theirs/$1"
	chown -hR 65534:65534 "$theirs"
	jobctl restore --state-dir "$theirs" "${2:-$T/one.db}" >"$T/out" 2>"$T/err"
}
for link in jobd.lock jobd.db.restore jobd.db jobd.db-wal jobd.db.before-restore jobd.db.restore-journal; do
	restore_theirs "$link"
	same "$link: what it leads to is as it was" "$(cat "$T/victim") $(stat -c %u "$T/victim")" "precious 0"
done
restore_theirs jobd.lock && fail "a lock that is a link"
check "it is told" grep -q 'it is a link' "$T/err"
restore_theirs || fail "one that only root may read: $(cat "$T/err")"
same "all is theirs" "$(find "$theirs" ! -user 65534 -o -type l)" ""
same "it is whole" "$(sql "$theirs/jobd.db" 'PRAGMA integrity_check; SELECT count(*) FROM job WHERE name IS NOT NULL')" \
	"$(sql "$T/one.db" 'PRAGMA integrity_check; SELECT count(*) FROM job WHERE name IS NOT NULL')"
echo "root's alone" >"$T/secret" && chmod 600 "$T/secret"
restore_theirs '' "$T/secret" && fail "no database, and root's alone"
check "it is told" grep -q 'no database of jobd' "$T/err"
# A state directory that is not there yet becomes theirs, too.
restore_theirs || fail "restore"
jobctl restore --state-dir "$theirs/deep/er" "$T/one.db" >/dev/null || fail "where nothing is"
same "all is theirs" "$(find "$theirs" ! -user 65534)" ""
# One that they may read, with its log, is read as them.
cp "$T/one.db" "$theirs/mine.db" && chown 65534 "$theirs/mine.db"
jobctl restore --state-dir "$theirs" "$theirs/mine.db" >/dev/null || fail "their own"
same "all is theirs" "$(find "$theirs" ! -user 65534)" ""
