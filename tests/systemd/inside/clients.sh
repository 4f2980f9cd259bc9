#!/bin/sh
# Varlink clients of others, against the service.
. "$(dirname "$0")/say.sh"
S=/run/jobd/io.jobd
jobctl add -q -n seen --every 1d --timer 1s >/dev/null
id=$(job seen job.id)
# What whoever watches is told of.
touch_soon() {
	(for i in 1 2 3 4 5; do sleep 0.5; jobctl pause seen; jobctl resume seen; done) >/dev/null 2>&1 &
}

if command -v varlinkctl >/dev/null; then
	check "varlinkctl info" sh -c "varlinkctl info $S | grep -q jobd"
	check "varlinkctl list-interfaces" sh -c "varlinkctl list-interfaces $S | grep -qx io.jobd"
	check "varlinkctl introspect" sh -c "varlinkctl introspect $S io.jobd | grep -q 'method Add('"
	for f in /root/idl/*.varlink; do
		check "varlinkctl validate-idl ${f##*/}" varlinkctl validate-idl "$f"
	done
	check "varlinkctl call" sh -c "varlinkctl -j call $S io.jobd.Get '{\"job\":\"seen\"}' | grep -q '\"id\":$id'"
	check "varlinkctl is told of a field that is wrong" sh -c "varlinkctl call $S io.jobd.Get '{\"job\":7}' 2>&1 | grep -q InvalidParameter"
	touch_soon
	check "varlinkctl streams" sh -c "timeout 20 varlinkctl --more -j call $S io.jobd.Watch '{\"jobs\":[\"seen\"]}' | grep -m 1 -q paused"
	check "systemd's registry has it" sh -c "varlinkctl info /run/varlink/registry/io.jobd | grep -q jobd"
else
	skip "varlinkctl: systemd is older than 255"
fi

if python3 -c 'import varlink' 2>/dev/null; then
	check "python3-varlink info" sh -c "python3 -m varlink.cli info unix:$S | grep -q io.jobd"
	check "python3-varlink introspects" sh -c "python3 -m varlink.cli help unix:$S/io.jobd | grep -q 'method Add'"
	check "python3-varlink calls" python3 -c "import varlink
with varlink.Client.new_with_address('unix:$S') as c, c.open('io.jobd') as j:
    assert j.Get(job='seen')['job']['id'] == $id"
	touch_soon
	check "python3-varlink streams" timeout 20 python3 -c "import varlink
with varlink.Client.new_with_address('unix:$S') as c, c.open('io.jobd') as j:
    seen = 0
    for reply in j.Watch(jobs=['seen'], _more=True):
        seen += reply.get('event') is not None
        if seen == 2: break"
else
	skip "python3-varlink: it is not installed"
fi

if [ -x /root/goclient ]; then
	check "Go: info" sh -c "/root/goclient unix:$S info | grep -q io.jobd"
	check "Go: introspects" sh -c "/root/goclient unix:$S describe io.jobd | grep -q 'method Add('"
	check "Go: calls" sh -c "/root/goclient unix:$S call io.jobd.Get '{\"job\":\"seen\"}' | grep -q '\"id\":$id'"
	touch_soon
	check "Go: streams" sh -c "timeout 20 /root/goclient unix:$S more io.jobd.Watch '{\"jobs\":[\"seen\"]}' | grep -m 1 -q paused"
else
	skip "the Go client: golang-go and golang-github-varlink-go-dev are not installed"
fi
jobctl rm seen >/dev/null
finish
