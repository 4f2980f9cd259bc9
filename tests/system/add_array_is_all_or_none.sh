#!/bin/sh
# Add takes an array: one bad job, and none is added; the error names its place. Foreign clients may send any order.
. "$(dirname "$0")/lib.sh"
start_jobd
call() { printf '%s\0' "$1" | "$TOOLS/call" "$S"; }
call '{"parameters":{"jobs":[{"timer":{"durationUSec":1}},{"http":{"url":"nonsense"}}]},"method":"io.jobd.Add"}' >"$T/out"
same "error" "$(field error <"$T/out")" io.jobd.InvalidField
same "place" "$(field parameters.field <"$T/out")" "jobs[1].http.url"
same "none was added" "$(jobctl list --json | field jobs.#)" 0
call '{ "method" : "io.jobd.Add", "more": false, "parameters": {"jobs":[{"timer":{"durationUSec":1}},{"timer":{"durationUSec":2}}]} }' >"$T/out"
same "two ids" "$(field parameters.ids.# <"$T/out")" 2
call '{"method":"org.varlink.service.GetInfo","parameters":null}' >"$T/out"
field parameters.interfaces <"$T/out" | grep -q io.jobd || fail "GetInfo does not list io.jobd"
call '{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"io.jobd"}}' | field parameters.description >"$T/interface"
cmp -s "$T/interface" "${JOBD_SOURCE:-.}/proto/io.jobd.varlink" || [ "$(cat "$T/interface")" = "$(cat "${JOBD_SOURCE:-.}/proto/io.jobd.varlink")" ] || fail "the interface served is not the file"
stop_jobd
