#!/bin/sh
# root.sh: in a clean root without a running systemd: the package is installed by apt, upgraded, removed, purged.
set -u
failed=0
check() {
	sentence=$1
	shift
	if "$@" >/tmp/said 2>&1; then
		echo "ok    $sentence"
	else
		echo "FAIL  $sentence: $*"
		tail -n 15 /tmp/said
		failed=1
	fi
}
not() {
	! "$@"
}
# What is there but for what the package manager itself keeps and logs.
listing() {
	find / -xdev \( -path /proc -o -path /src -o -path /tmp -o -path /run -o -path /sys -o -path /var/cache -o -path /var/log \
		-o -path /var/lib/apt -o -path /var/lib/dpkg \) -prune -o -print | sort
}
check "apt has its lists" apt-get update -q
# What it depends on stays: the listings are compared with that in place.
check "apt installs it with what it depends on" apt-get install -y -q ./jobd.deb
check "the user jobd is there" id jobd
check "jobctl runs" jobctl --version
check "jobd runs" jobd --version
check "the settings are without a mistake" jobd --check-config
check "the state's folder is jobd's alone" sh -c 'test "$(stat -c "%U %a" /var/lib/jobd)" = "jobd 700"'
check "without a service manager whoever wants it starts it by hand" sh -c 'jobd --socket /tmp/s --state-dir /tmp/state 2>/dev/null & for i in 1 2 3 4 5 6 7 8 9; do sleep 0.3; jobctl --socket /tmp/s run -- echo done | grep -qx done && exit; done; false'
echo '# of the administrator' >>/etc/jobd/runner.conf
echo state >/var/lib/jobd/kept
check "upgrade" apt-get install -y -q ./jobd-next.deb
check "  is another version" sh -c 'dpkg -s jobd | grep -q "^Version:.*next"'
check "  settings are kept" grep -q 'of the administrator' /etc/jobd/runner.conf
check "removal" apt-get remove -y -q jobd
check "  its programs are gone" not ls /usr/bin/jobd /usr/bin/jobctl /usr/libexec/jobd
check "  its state is kept" test -s /var/lib/jobd/kept
check "  its settings are kept" grep -q 'of the administrator' /etc/jobd/runner.conf
check "purge" apt-get purge -y -q jobd
listing >/tmp/without
check "  nothing of it is left" not grep -i jobd /tmp/without
exit $failed
