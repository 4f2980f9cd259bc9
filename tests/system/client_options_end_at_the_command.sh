#!/bin/sh
# What follows the first word of a command is its own, whatever it looks like.
cd / || exit 1
out=$("$BIN/jobctl" add --dry-run --json ls --json -n x -- --help 2>/dev/null)
want='{"jobs":[{"command":{"argv":["ls","--json","-n","x","--","--help"],"directory":"/"}}]}'
[ "$out" = "$want" ] || { echo "got  $out"; echo "want $want"; exit 1; }
out=$("$BIN/jobctl" add --dry-run --json -- --odd-program 2>/dev/null)
want='{"jobs":[{"command":{"argv":["--odd-program"],"directory":"/"}}]}'
[ "$out" = "$want" ] || { echo "got  $out"; echo "want $want"; exit 1; }
