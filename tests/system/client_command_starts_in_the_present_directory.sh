#!/bin/sh
# add and run send the directory they are called in; -C another one, relative to it.
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
here=$(pwd -P)

for verb in add run; do
	out=$("$BIN/jobctl" $verb --dry-run --json true)
	case $out in
	*"\"directory\":\"$here\""*) ;;
	*) echo "$verb: not $here: $out"; exit 1 ;;
	esac
	out=$("$BIN/jobctl" $verb --dry-run --json -C sub/dir true)
	case $out in
	*"\"directory\":\"$here/sub/dir\""*) ;;
	*) echo "$verb -C: not $here/sub/dir: $out"; exit 1 ;;
	esac
done
