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

# Crontabs that a real cron has: the system's, another user's, one's own.
check "cron and anacron are there" apt-get install -y -q cron anacron
useradd -m -s /bin/sh alice
printf '# her notes\nMAILTO=alice\n5 4 * * 1 cat%%some notes\n' >/tmp/tab
check "a user has a crontab" crontab -u alice /tmp/tab
echo '7 3 * * * alice /bin/true' >/etc/cron.d/hers
echo '8 3 * * * alice /bin/false' >/etc/cron.d/not.read
start_by_hand() {
	jobd --socket "$1/s" --state-dir "$1/state" 2>/dev/null &
	for i in 1 2 3 4 5 6 7 8 9; do
		sleep 0.3
		jobctl --socket "$1/s" list >/dev/null 2>&1 && return
	done
	return 1
}
mkdir /tmp/roots
check "root has a jobd" start_by_hand /tmp/roots
export JOBD_SOCKET=/tmp/roots/s
check "her crontab is taken over by root" jobctl import --user alice crontab
check "  as hers" sh -c 'jobctl export cron-cat | grep -qx User=alice'
check "  with its input" sh -c 'jobctl export cron-cat | grep -q "^StdinText=.some notes"'
jobctl import --system crontab >/tmp/system 2>&1
check "the system's are taken over" grep -q '; the firings of 0 differ' /tmp/system
check "  /etc/crontab" grep -q '^/etc/crontab:.*cron.daily' /tmp/system
check "  /etc/cron.d, but what cron does not read" sh -c 'grep -q "^/etc/cron.d/hers:1: " /tmp/system && ! grep -q not.read /tmp/system'
check "  /etc/anacrontab" grep -q '^/etc/anacrontab:' /tmp/system
check "  again there is nothing to do" sh -c 'jobctl import --system crontab | tail -n 1 | grep -q "unchanged"'
check "she takes over her own, from crontab -l" su - alice -c 'unset JOBD_SOCKET; mkdir /tmp/hers; jobd --socket /tmp/hers/s --state-dir /tmp/hers/state 2>/dev/null & for i in 1 2 3 4 5 6 7 8 9; do sleep 0.3; jobctl --socket /tmp/hers/s import crontab >/tmp/hers/out 2>&1 && break; done; grep -q "^crontab:[0-9]*: 5 4" /tmp/hers/out && jobctl --socket /tmp/hers/s export cron-cat >/dev/null; r=$?; kill %1 2>/dev/null; exit $r'
unset JOBD_SOCKET
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
