# lib.sh: what the system tests share.  Source it first.  Each test has a directory of its own, a
# daemon of its own, and ends only what it started.
#
#	start_jobd [OPTION...]	start jobd in $T and wait until it is ready; its pid is $JOBD
#	stop_jobd		ask it to end, wait, and check its exit status
#	serve TOOL [ARG...]	start a server of ours, which ends with the test; its port is $port
#	jobctl ARGS		the client, against this daemon
#	debug METHOD [USEC|JSON]	a call that only tests may make (daemon/server/debug.c); JOBD_STRICT must be set
#	check "what" TEST...	run TEST; when it fails say what was expected, and fail
#	same "what" GOT WANTED
set -u
BIN=${BIN:-build/release}
BIN=$(cd "$BIN" && pwd)
TOOLS=$BIN/tests/tools
T=${JOBD_TEST_DIR:-$(mktemp -d /tmp/jobd-test.XXXXXX)}
S=$T/io.jobd
JOBD=
export JOBD_SOCKET=$S
unset XDG_RUNTIME_DIR NOTIFY_SOCKET JOBD_FAULT 2>/dev/null || true

fail() {
	echo "FAILED: $*"
	[ ! -e "$T/log" ] || { echo "--- the daemon's log:"; tail -n 40 "$T/log"; }
	exit 1
}

# Options are jobd's.
start_jobd() {
	JOBD=$("$TOOLS/ready" "$T/log" "$BIN/jobd" --socket "$S" --state-dir "$T/state" "$@") ||
		fail "jobd does not start: $*"
}

# Wait for a process that is not our child.
gone() {
	"$TOOLS/gone" "$1" || fail "process $1 does not end"
}

stop_jobd() {
	kill -TERM "$JOBD" && gone "$JOBD"
	JOBD=
}

kill_jobd() {
	kill -KILL "$JOBD" && gone "$JOBD"
	JOBD=
}

# It ends when nobody has its standard input open.
serve() {
	tool=$1
	shift
	mkfifo "$T/hold"
	"$TOOLS/$tool" "$@" <"$T/hold" >"$T/port" &
	exec 9>"$T/hold"
	while [ ! -s "$T/port" ]; do kill -0 $! || fail "the server does not start"; done
	port=$(cat "$T/port")
}

jobctl() {
	"$BIN/jobctl" "$@"
}

check() {
	what=$1
	shift
	"$@" || fail "$what: $*"
}

same() {
	[ "$2" = "$3" ] || fail "$1: got '$2', wanted '$3'"
}

# The value of a top-level or nested member in JSON on standard input: field job.state
field() {
	"$TOOLS/field" "$1"
}

# A call that only our tests may make: debug Block 412000, or Hog with parameters as JSON.
debug() {
	case ${2:-} in '' | '{'*) parameters=${2:-"{}"} ;; *) parameters="{\"usec\":$2}" ;; esac
	printf '{"method":"io.jobd.debug.%s","parameters":%s}\0' "$1" "$parameters" | "$TOOLS/call" "$S" >/dev/null ||
		fail "the debug method $1"
}

runner_pid() {
	cat "$T/state/runner/lock" 2>/dev/null
}

cleanup() {
	[ -z "$JOBD" ] || kill -KILL "$JOBD" 2>/dev/null
	r=$(runner_pid)
	[ -z "$r" ] || kill -KILL "$r" 2>/dev/null
	[ -n "${JOBD_TEST_DIR:-}" ] || rm -rf "$T"
}
trap cleanup EXIT
