#!/bin/sh
# What is exported is applied without a change, and exported again to the same bytes.
. "$(dirname "$0")/lib.sh"
start_jobd
jobctl add -q -n all --cron '0 3 * * *' --tz Europe/Berlin --retries 3 --backoff exp:2s..1h --keep 100,30d,64M \
	--overlap queue:3 --misfire all:5 --misfire-window 2d -l a=b -l c=d --jitter 90s --timeout 1h30m --grace 1500ms \
	-e 'X=a "b" ; c' -e 'Y=	tab' --env-file /etc/no --desc ' lead and ; trail ' --slots 2 --mutex m --priority -5 \
	--except '*-12-25' --from 2030-01-01T00:00:00Z --nice 5 --leftovers wait --output-max 1M \
	-- sh -c 'echo "hi"
there; exit' '' "it's" 'a b' 'back\slash' '%d' '$HOME' >/dev/null
jobctl add -q -n shell --every 1500ms --paused --sh 'echo a ; echo b
echo "c" \' >/dev/null
printf 'one\ntwo "3"\n' | jobctl add -q -n input --every 1h --paused --stdin - --retries 2 --backoff fixed:5s --keep all -- cat >/dev/null
printf 'a\377b' | jobctl add -q -n bytes --every 1h --paused --stdin - --retries 1 --backoff fixed -- cat >/dev/null
jobctl add -q -n check --every 1m --http https://example.org/ --header 'A: b' --fail-after 3 --expect 200-299,304 \
	--body 'x
y' --expect-time 'total<2s' --json-match 'a.b[0]="c"' --insecure --ip ipv4 --paused >/dev/null
jobctl add -q -n dependent --every 1m --http http://example.org/ --depends-on check --paused >/dev/null
jobctl add -q -n waits --after all:any --after shell --in 5m --timer 1h >/dev/null
jobctl add -q -n at --at 2030-05-05T05:05:05Z --timer 1s500ms >/dev/null
jobctl add -q -n boot --on-boot --misfire skip -- /bin/true >/dev/null

jobctl export >"$T/one" || fail "export"
check "nine jobs" [ "$(grep -c '^\[Job\]' "$T/one")" = 9 ]
# Byte for byte, also of what apply has made of it.
jobctl apply -f "$T/one" >"$T/out" || fail "apply: $(cat "$T/out")"
jobctl export >"$T/two"
cmp "$T/one" "$T/two" || fail "the second export differs"
same "nothing is left to do" "$(jobctl apply -f "$T/one")" "9 jobs unchanged"

# Into an empty jobd, from a directory.
mkdir "$T/d"
jobctl export --to "$T/d" >/dev/null
stop_jobd
rm -rf "$T/state"
start_jobd
jobctl apply -f "$T/d" >/dev/null || fail "apply the directory"
for f in "$T/d"/*.job; do
	jobctl export "$(basename "$f" .job)" | cmp - "$f" || fail "$f is another by now"
done
stop_jobd
