#!/bin/sh
# What docs/engine.md shows as printed is printed so: but for numbers and times, which nobody asserts.
. "$(dirname "$0")/lib.sh"
unset JOBD_SOCKET
# What is not built with symbols and as shipped has other stacks.
case $BIN in *san-*) echo "not with a sanitizer"; exit 0 ;; esac
root=$(cd "$(dirname "$0")/../.." && pwd)
"$root/docs/generate" "$BIN" --check >"$T/out" 2>&1 || fail "$(cat "$T/out")"
