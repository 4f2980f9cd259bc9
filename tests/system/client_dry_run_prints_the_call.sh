#!/bin/sh
# add --dry-run --json prints the parameters of the call, byte for byte, and sends nothing.
cd / || exit 1

check() {
	want=$1
	shift
	out=$("$BIN/jobctl" --socket /nonexistent add --dry-run --json "$@" 2>/dev/null)
	code=$?
	[ $code -eq 0 ] || { echo "add $*: exit $code: $out"; exit 1; }
	[ "$out" = "$want" ] || { echo "add $*:"; echo " got  $out"; echo " want $want"; exit 1; }
}

check '{"jobs":[{"command":{"argv":["true"],"directory":"/"}}]}' true
check '{"jobs":[{"command":{"argv":["/bin/sh","-c","a | b"],"directory":"/"}}]}' --sh 'a | b'
check '{"jobs":[{"timer":{"durationUSec":5400000000}}]}' --timer 1h30m
check '{"jobs":[{"everyUSec":30000000,"http":{"url":"http://h/","expect":"200-299,304","headers":["A: b","C: d"],"noRedirect":true,"insecure":true,"method":"HEAD","body":"x"},"timeoutUSec":0}]}' \
	--every 30s --http http://h/ --expect 200-299,304 --header 'A: b' --header 'C: d' --no-redirect \
	--insecure --method HEAD --body x --timeout 0
check '{"jobs":[{"name":"n","description":"d","labels":["a=b","c=d"],"key":"k","graceUSec":1500000,"paused":true,"misfire":"once","command":{"environment":["A=1","B=x y"],"user":"u","outputBytesMax":8388608,"directory":"/tmp","argv":["ls","-l"]}}]}' \
	-n n --desc d -l a=b --label c=d --key k --grace 1.5s --paused --misfire once -e A=1 -e 'B=x y' -u u \
	--output-max 8M -C /tmp -- ls -l
check '{"jobs":[{"at":"2030-01-31T17:30:00.000000Z","command":{"argv":["true"],"directory":"/"}}]}' \
	--at 2030-01-31T18:30+01:00 true
check '{"jobs":[{"inUSec":7200000000,"command":{"argv":["true"],"directory":"/"}}]}' --in 2h true
