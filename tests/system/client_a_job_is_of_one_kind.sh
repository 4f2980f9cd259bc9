#!/bin/sh
# One of COMMAND, --sh, --http and --timer, and no option that belongs to another.
check() {
	want=$1
	shift
	out=$("$BIN/jobctl" --socket /nonexistent add "$@" 2>&1)
	code=$?
	[ $code -eq 2 ] || { echo "add $*: exit $code instead of 2: $out"; exit 1; }
	case $out in
	*"$want"*) ;;
	*) echo "add $*: no \"$want\" in: $out"; exit 1 ;;
	esac
}

check COMMAND
check COMMAND -n name
check --http --http http://h/ true
check 'give only one' --http http://h/ --sh true
check --method --method GET true
check -C --http http://h/ -C /
check -e --timer 5s -e A=1
