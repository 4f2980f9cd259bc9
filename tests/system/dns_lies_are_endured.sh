#!/bin/sh
# Nameservers that are slow, fail, or lie: each answer that is none gets a verdict in words, in bounded time and memory;
# without any good one the verdict is inconclusive, until the nameserver comes back.
. "$(dirname "$0")/lib.sh"
serve slow-server
web=$port

# start_nameserver [PORT]: its port is $ns
start_nameserver() {
	rm -f "$T/ns-hold" "$T/ns-port"
	mkfifo "$T/ns-hold"
	"$TOOLS/nameserver" "$@" <"$T/ns-hold" >"$T/ns-port" &
	NS=$!
	exec 8>"$T/ns-hold"
	while [ ! -s "$T/ns-port" ]; do kill -0 $NS || fail "the nameserver does not start"; done
	ns=$(cat "$T/ns-port")
}
stop_nameserver() {
	kill "$NS"
	wait "$NS" 2>/dev/null
	exec 8>&-
}
# expect NAME VERDICT WORDS, of the check of that name; without words it has none
expect() {
	jobctl wait "$1" >/dev/null 2>&1
	jobctl show "$1" --json >"$T/show" || fail "$1 is not there"
	same "verdict of $1" "$(field job.lastRun.verdict <"$T/show")" "$2"
	reason=$(field job.lastRun.reason <"$T/show")
	case $reason in
	*"$3"*) [ -n "$3" ] || same "reason of $1" "$reason" "" ;;
	*) fail "the reason of $1 is: $reason" ;;
	esac
}
check_name() {	# name, options
	name=$1
	shift
	jobctl add -q -n "$name" --in 0s --http "http://${name%%_*}.test.:$web/" "$@" >/dev/null || fail "$name is not added"
}

start_nameserver
printf 'nameserver 127.0.0.1:%s\noptions timeout:1 attempts:1\n' "$ns" >"$T/resolv.conf"
printf '[daemon]\nresolv_conf = %s\n' "$T/resolv.conf" >"$T/jobd.conf"
start_jobd --config "$T/jobd.conf"
none='no nameserver gave an answer, or none but SERVFAIL'
nonsense="the nameserver's answer makes no sense"

# It answers for one name: so what it does not answer is about the others.
check_name ok
expect ok up ''
for name in slow late silent servfail nx refused notimp formerr tc id question port cut empty garbage pointer alias-loop \
	alias count many beyond odd ttl0 echo; do
	check_name "$name"
done
check_name six_4 --ip ipv4
check_name ok_6 --ip ipv6
expect slow up ''
[ "$(field job.lastRun.phases.dnsUSec <"$T/show")" -ge 300000 ] || fail "the time of the nameserver is not told"
for name in late silent servfail id port cut empty echo; do expect "$name" down "$none"; done
expect nx down 'the name does not exist'
expect refused down 'the nameservers refuse to answer'
expect tc inconclusive 'came truncated; inconclusive: jobd asks nameservers by UDP alone'
for name in notimp formerr question garbage pointer count beyond odd; do expect "$name" down "$nonsense"; done
expect alias-loop down 'the name has no address'
expect six_4 down 'the name has no IPv4 address'
expect ok_6 down 'the name has no IPv6 address'
for name in alias many ttl0; do expect "$name" up ''; done
case $BIN in
*san*) ;;
*)
	same "threads of jobd" "$(awk '/^Threads:/ { print $2 }' "/proc/$JOBD/status")" 2
	[ "$(awk '/^VmHWM:/ { print $2 }' "/proc/$JOBD/status")" -lt 65536 ] || fail "jobd has grown"
	;;
esac
stop_jobd

# None at all: that says nothing about whom the name is of.
rm -rf "$T/state"
start_jobd --config "$T/jobd.conf"
ours='; inconclusive: the nameservers answer for no other name either'
for name in silent servfail refused garbage; do check_name "$name"; done
expect silent inconclusive "$none$ours"
expect servfail inconclusive "$none$ours"
expect refused inconclusive "refuse to answer$ours"
expect garbage inconclusive "$nonsense$ours"
stop_nameserver
check_name ok_gone
expect ok_gone inconclusive "$none$ours"
start_nameserver "$ns"
check_name ok_back
expect ok_back up ''
check_name silent_again
expect silent_again down "$none"
exec 8>&- 9>&-
stop_jobd
