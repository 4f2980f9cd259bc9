#!/bin/sh
# Each floor may include itself and the floors below it; nothing else.  And each library stays on
# its floor: libevent in engine, SQLite in store, curl in exec, cJSON in proto.
# Prints the offending lines and fails.  With --self-test it proves that it can fail.
set -eu

check() {
	grep -rn '^#include' --include='*.[ch]' proto daemon client | awk -F : '
	BEGIN {
		n = split("proto daemon/base daemon/engine daemon/wire daemon/store daemon/exec daemon/scheduler daemon/server", f, " ")
		for (i = 1; i <= n; i++) level[f[i]] = i
		level["daemon/runner"] = level["daemon/wire"]
		home["event2/"] = "daemon/engine"; home["sqlite3.h"] = "daemon/store"; home["curl/"] = "daemon/exec"
		home["cjson/"] = "proto"; home["systemd/"] = "daemon/wire"; home["ini.h"] = "daemon/base"
		home["curses.h"] = home["term.h"] = "client"
	}
	function dir(p) { sub(/\/[^\/]*$/, "", p); return p }
	function bad(why) { printf "%s:%s: %s\n", $1, $2, why; failed = 1 }
	{
		from = dir($1)
		if (match($3, /<[^>]*>/)) {
			lib = substr($3, RSTART + 1, RLENGTH - 2)
			for (h in home)
				if (index(lib, h) == 1 && from != home[h] && !(h == "ini.h" && from == "client")) bad(lib " belongs to " home[h])
			next
		}
		split($3, q, "\""); to = dir(q[2])
		if (from == "daemon" || to == from) next
		if (from == "client" ? to != "proto" && q[2] !~ /varlink\.h$/ : to == "daemon/runner" || !(to in level) || level[to] > level[from])
			bad(from " may not include " q[2])
	}
	END { exit failed }'
}

if [ "${1:-}" = --self-test ]; then
	t=$(mktemp -d)
	trap 'rm -rf "$t"' EXIT
	mkdir -p "$t/proto" "$t/client" "$t/daemon/engine"
	printf '#include "daemon/store/store.h"\n' >"$t/daemon/engine/a.c"
	printf '#include <sqlite3.h>\n' >"$t/proto/b.c"
	printf '#include "daemon/base/log.h"\n' >"$t/client/c.c"
	cd "$t"
	n=$(check | wc -l) || true
	[ "$n" = 3 ] || { echo "layers.sh: its own test found $n of 3 faults" >&2; exit 1; }
	exit 0
fi
cd "$(dirname "$0")/.."
check
