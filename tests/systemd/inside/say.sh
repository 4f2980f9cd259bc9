# say.sh: what the scripts share that run inside a booted system: a sentence a check, with ok or FAIL.
set -u
export LC_ALL=C.UTF-8 JOBD_SOCKET=/run/jobd/io.jobd
failures=0

# check SENTENCE COMMAND...: the command holds.  What it printed is shown when it does not.
check() {
	sentence=$1
	shift
	if printed=$("$@" 2>&1); then
		echo "ok    $sentence"
	else
		failures=$((failures + 1))
		printf 'FAIL  %s: %s\n' "$sentence" "$*"
		printf '%s\n' "$printed" | tail -n 20 | sed 's/^/      /'
	fi
}

skip() {
	echo "skip  $1"
}

not() {
	! "$@"
}

same() {
	[ "$1" = "$2" ] || { echo "is '$1', not '$2'"; return 1; }
}

# until_ COMMAND...: wait until it holds, at most a minute; a slow machine has five.
until_() {
	tries=$((${SAY_MINUTES:-1} * 600))
	until "$@" >/dev/null 2>&1; do
		[ $((tries -= 1)) -gt 0 ] || { echo "in vain: $*"; "$@"; return 1; }
		sleep 0.1
	done
}

# A property of a unit: prop MainPID jobd.service
prop() {
	systemctl show -P "$1" "$2"
}

is() {
	same "$(prop "$1" "$2")" "$3"
}

alive() {
	kill -0 "$1"
}

# A member of a JSON object: json KEY.KEY <FILE
json() {
	python3 -c 'import functools, json, sys
v = json.load(sys.stdin)
for k in sys.argv[1].split("."):
	v = v[int(k)] if isinstance(v, list) else v.get(k)
print(v)' "$1"
}

job() {
	jobctl show "$1" --json | json "$2"
}

job_is() {
	same "$(job "$1" "$2")" "$3"
}

# journal_has WORDS MATCH...: one of these entries says so.
journal_has() {
	words=$1
	shift
	journalctl --sync
	journalctl --no-pager -q -o cat "$@" | grep -q -- "$words"
}

finish() {
	[ $failures = 0 ]
	exit
}
