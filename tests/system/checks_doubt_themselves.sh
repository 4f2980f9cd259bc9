#!/bin/sh
# A check is inconclusive when jobd was stopped while it waited, when the canary does not answer either, and when
# no nameserver does: that counts neither way, is not retried, and why tells it. A bad canary is refused at the start.
. "$(dirname "$0")/lib.sh"
serve slow-server
u=http://localhost:$port
printf 'nameserver 127.0.0.1:1\noptions timeout:0.1 attempts:1\n' >"$T/resolv.conf"
printf '[checks]\ncanary = router:80\n' >"$T/bad.conf"
"$BIN/jobd" --config "$T/bad.conf" --check-config 2>"$T/err" && fail "a canary without an address was taken"
grep -q "bad.conf:2: canary: 'router:80' is not like" "$T/err" || fail "it says: $(cat "$T/err")"

# No connection to a multicast address can be.
printf '[daemon]\nresolv_conf = %s\n[checks]\ncanary = 224.0.0.1:80\n' "$T/resolv.conf" >"$T/jobd.conf"
start_jobd --config "$T/jobd.conf"
verdict() { jobctl show "$1" --json | field job.lastRun.verdict; }
reason() { jobctl show "$1" --json | field job.lastRun.reason; }

# It comes again, and would be tried again quickly when it had failed.
jobctl add -q --every 1h -n gone --http http://localhost:1/ >/dev/null || fail "gone is not added"
jobctl wait gone >/dev/null 2>&1
same "verdict behind a dead canary" "$(verdict gone)" inconclusive
reason gone | grep -q 'connection refused; inconclusive: the network is not there, as the canary 224.0.0.1:80' ||
	fail "the reason is: $(reason gone)"
same "attempts" "$(jobctl show gone --json | field job.lastRun.attempt)" 1
same "health" "$(jobctl show gone --json | field job.health)" ""
jobctl why 1.1 | grep -q 'inconclusive: http://localhost:1/: connection refused' || fail "why says: $(jobctl why 1.1)"
jobctl list | grep -q inconclusive || fail "list says: $(jobctl list)"
# Who answers is there, whatever the canary says.
jobctl add -q --in 0s -n sick --http "$u/status/503" --wait >/dev/null 2>&1
same "verdict of an answer" "$(verdict sick)" down
jobctl add -q --in 0s -n nameless --http http://nobody.test./ --wait >/dev/null 2>&1
same "verdict without a nameserver" "$(verdict nameless)" inconclusive
reason nameless | grep -q 'the nameservers answer for no other name either' || fail "the reason is: $(reason nameless)"
stop_jobd

start_jobd
jobctl add -q --in 0s -n slow --http "$u/60" --timeout 1s >/dev/null
# jobd waits for the answer: then it is stopped until the time is over.
until jobctl tasks | grep -q 'the answer of'; do :; done
kill -STOP "$JOBD"
sleep 2
kill -CONT "$JOBD"
jobctl wait slow >/dev/null 2>&1
same "verdict of a check while jobd was stopped" "$(verdict slow)" inconclusive
reason slow | grep -q 'inconclusive: jobd itself was' || fail "the reason is: $(reason slow)"
exec 9>&-
stop_jobd
