#!/bin/sh
# Without a daemon every call ends with 5, and says where it looked and how to start one.
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

check() {
	out=$("$BIN/jobctl" --socket "$dir/none" "$@" 2>&1)
	code=$?
	[ $code -eq 5 ] || { echo "jobctl $*: exit $code instead of 5: $out"; exit 1; }
	case $out in
	*"$dir/none"*"systemctl start jobd"*) ;;
	*) echo "jobctl $*: no place and no hint in: $out"; exit 1 ;;
	esac
}

check
check list
check add true
check run true
check wait 12
check logs -f 12
check watch
check status
check stats
