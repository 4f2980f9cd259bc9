#!/bin/sh
# A reload puts targets to use that are new or others, without anything being stopped: what is under way is told once, what
# waits is told by the target as it is now, and what a target has missed that was away is told when it is back.
. "$(dirname "$0")/lib.sh"
tells() { printf '[target %s]\ncommand = cat >/dev/null; echo told >>"%s"\nfold = 0\n' "$1" "$T/$2"; }
lines() { cat "$T/$1" 2>/dev/null | wc -l; }
until_lines() {
	until [ "$(lines "$1")" = "$2" ]; do
		kill -0 "$JOBD" || fail "jobd has gone"
		[ "$(lines "$1")" -le "$2" ] || fail "$1: told $(lines "$1") times"
	done
}
reloads() {
	jobctl reload >"$T/out" || fail "reload"
	printf "$1" | diff - "$T/out" || fail "reload says something else"
}
tells ops one >"$T/conf"
start_jobd --config "$T/conf"
jobctl add -q -C / -n bad --notify fail:ops --every 1h -- false >/dev/null
until_lines one 1

# Another command for the same name, and a new one beside it.
{ tells ops two; tells more three; } >"$T/conf"
reloads 'changed  [target more]\nchanged  [target ops]\n'
jobctl notify -q test more || fail "the new one is not there"
until_lines three 1
jobctl add -q -C / -n worse --notify fail:ops --notify fail:more -- false >/dev/null
until_lines two 1
until_lines three 2
same "the old command is not used" "$(lines one)" 1
reloads 'Nothing has changed.\n'

# One that changes while it tells is not told twice: the next takes up what is under way.
mkfifo "$T/go"
printf '[target ops]\ncommand = cat >/dev/null; echo begun >>"%s"; read x <"%s"; echo told >>"%s"\n' \
	"$T/begun" "$T/go" "$T/four" >"$T/conf"
reloads 'changed  [target ops]\nchanged  [target more]\n'
jobctl add -q -C / -n slow --notify fail:ops -- false >/dev/null
until_lines begun 1
tells ops five >"$T/conf"
reloads 'changed  [target ops]\n'
tells ops six >"$T/conf"
reloads 'changed  [target ops]\n'
echo >"$T/go"
until_lines four 1
jobctl add -q -C / -n next --notify fail:ops -- false >/dev/null
until_lines six 1
same "it was told once" "$(lines begun) $(lines four) $(lines five)" "1 1 0"

# One that is gone is told when it is back.
jobctl add -q -C / -n later --in 1h --notify fail:ops -- false >/dev/null
: >"$T/conf"
reloads 'changed  [target ops]\n'
run=$(jobctl trigger -q later)
jobctl wait "$run" 2>/dev/null
same "it has failed" $? 1
jobctl add -q -C / -n no --notify fail:ops -- false 2>"$T/err" && fail "a job may name one that is gone"
tells ops seven >"$T/conf"
reloads 'changed  [target ops]\n'
until_lines seven 1
stop_jobd
