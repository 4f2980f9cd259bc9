#!/bin/sh
# Output that cannot be written is a failure, not a success with less to read.
[ -c /dev/full ] || { echo "SKIP: needs /dev/full"; exit 0; }
"$BIN/jobctl" --help >/dev/full 2>/dev/null && { echo "--help to a full disk succeeds"; exit 1; }
"$BIN/jobctl" add --dry-run true >/dev/full 2>/dev/null && { echo "add --dry-run succeeds"; exit 1; }
exit 0
