#!/bin/sh
# An unknown command is a usage error, and names what was probably meant.
check() {
	out=$("$BIN/jobctl" "$1" 2>&1)
	code=$?
	[ $code -eq 2 ] || { echo "jobctl $1: exit $code instead of 2"; exit 1; }
	case $out in
	*"$2"*) ;;
	*) echo "jobctl $1: no \"$2\" in: $out"; exit 1 ;;
	esac
}

check lsit 'did you mean "list"?'
check cancle 'did you mean "cancel"?'
check trig 'did you mean "trigger"?'
check frobnicate 'jobctl --help'
