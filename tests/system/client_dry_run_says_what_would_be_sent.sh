#!/bin/sh
# Without --json a dry run tells it in words, and durations whole.
out=$("$BIN/jobctl" --socket /nonexistent add --dry-run --in 90061s -n nightly -- echo 'a b' 2>&1)
code=$?
[ $code -eq 0 ] || { echo "exit $code: $out"; exit 1; }
for want in 'would add' "echo 'a b'" nightly 1d1h1m1s; do
	case $out in
	*"$want"*) ;;
	*) echo "no \"$want\" in: $out"; exit 1 ;;
	esac
done
