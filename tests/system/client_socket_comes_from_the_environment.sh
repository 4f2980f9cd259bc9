#!/bin/sh
# --socket wins over JOBD_SOCKET, and both over the places by default.
check() {
	out=$("$BIN/jobctl" "$@" 2>&1)
	case $out in
	*"$want"*) ;;
	*) echo "jobctl $*: not $want: $out"; exit 1 ;;
	esac
}

unset JOBD_SOCKET XDG_RUNTIME_DIR
export JOBD_SOCKET=/nonexistent/environment
want=/nonexistent/environment
check list
want=/nonexistent/option
check --socket /nonexistent/option list
check list --socket=unix:/nonexistent/option
