#!/bin/sh
# A database of a newer version, of something else, or a damaged one is refused, with words on what to do.
. "$(dirname "$0")/lib.sh"
refused() {
	"$BIN/jobd" --state-dir "$T/state" --socket "$S" 2>"$T/err" && fail "it started on $1"
	grep -q "$T/state" "$T/err" || fail "$1: it does not name the file: $(cat "$T/err")"
	grep -qiE "$2" "$T/err" || fail "$1: it does not say what to do: $(cat "$T/err")"
}
start_jobd
jobctl add -q --in 1h -- true >/dev/null
stop_jobd
db=$T/state/jobd.db
cp "$db" "$T/good"

# Bytes 60 to 63 of the header are user_version (the SQLite file format, 1.3).
printf '\000\000\377\377' | dd of="$db" bs=1 seek=60 conv=notrunc 2>/dev/null
refused "a newer version" "newer"
cp "$T/good" "$db"
printf 'this is no database, and not a short one either: %2000d' 0 >"$db"
rm -f "$db-wal" "$db-shm"
refused "something else" "backup|move"
cp "$T/good" "$db"
start_jobd
same "the good one is whole" "$(jobctl list --json | field jobs.#)" 1
stop_jobd
