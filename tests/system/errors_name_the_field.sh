#!/bin/sh
# Bad input gets an error that names what was typed, and the exit code of its kind.
. "$(dirname "$0")/lib.sh"
start_jobd
bad() {	# wanted code, wanted words, arguments
	code=$1 words=$2
	shift 2
	jobctl "$@" >"$T/out" 2>"$T/err"
	same "exit code of: jobctl $*" $? "$code"
	grep -q -e "$words" "$T/err" || fail "jobctl $*: '$words' is not in: $(cat "$T/err")"
	[ ! -s "$T/out" ] || fail "jobctl $*: an error on standard output"
}
bad 2 "--http" add --http ftp://example.org/
for host in a..b ... -x..y '[::::]' "$(printf 'a%.0s' $(seq 64)).test" \
	"$(printf 'a.%.0s' $(seq 127))test"; do
	bad 2 "--http" add --http "http://$host/"
done
bad 2 "--proxy" add --http http://localhost/ --proxy http://a..b:80
bad 2 "--name" add -n 'a b' -- true
bad 2 "--every" add --every 1ms -- true
bad 2 "--expect" add --http http://localhost/ --expect banana
bad 2 "." add
bad 3 "nothing-so" show nothing-so
bad 3 "nothing-so" cancel nothing-so
bad 3 "999" logs 999
jobctl add -q -n taken --in 1h -- true >/dev/null
bad 6 "taken" add -n taken -- true
same "a key makes add repeatable" "$(jobctl add -q --key k --in 1h -- true)" "$(jobctl add -q --key k --in 1h -- true)"
stop_jobd
