#!/bin/sh
# Upgrade, removal and purge of the package, with a command running.
. "$(dirname "$0")/say.sh"
pids() {
	echo "$(prop MainPID jobd.service) $(prop MainPID jobd-runner.service)"
}
su - alice -c 'jobctl add -q -n through -- lines /tmp/upgraded' >/dev/null
su - alice -c 'jobctl add -q -n kept --every 1d -- true' >/dev/null
until_ job_is through job.lastRun.state running
pid=$(job through job.lastRun.pid)
was=$(pids)
began=$(jobctl stats --json | json startedAt)
echo '# of the administrator' >>/etc/jobd/jobd.conf
check "upgrade" dpkg -i /root/jobd-next.deb
check "  jobd was executed anew" not same "$(jobctl stats --json | json startedAt)" "$began"
check "  and the runner was" journal_has "executing jobd-runner anew" -u jobd-runner.service
check "  each in its process" same "$(pids)" "$was"
check "  the command goes on" alive "$pid"
check "  and is known to run" job_is through job.lastRun.state running
check "  settings are kept" grep -q '# of the administrator' /etc/jobd/jobd.conf
check "  what systemd thinks of it" is ActiveState jobd.service active
check "upgrade to a runner that does not start" sh -c 'dpkg -i /root/jobd-broken.deb >/root/broken.log 2>&1'
check "  it says what goes on" grep -q "goes on with the earlier program" /root/broken.log
check "  each in its process" same "$(pids)" "$was"
check "  the command goes on" alive "$pid"
check "  and is known to run" job_is through job.lastRun.state running
check "upgrade to one that does" dpkg -i /root/jobd-next.deb
check "  each in its process" same "$(pids)" "$was"
check "  the command goes on" alive "$pid"
touch /tmp/upgraded
check "  its end is known" jobctl wait through
jobctl logs through >/tmp/through
seq "$(wc -l </tmp/through)" >/tmp/wanted
check "  each of its $(wc -l </tmp/through) lines is there once" cmp /tmp/through /tmp/wanted
check "removal" dpkg -r jobd
check "  nothing of it runs" not pgrep -x 'jobd|jobd-runner'
check "  its socket is gone" not test -e /run/jobd/io.jobd
check "  its jobs are kept" test -s /var/lib/jobd/jobd.db
check "  its settings are kept" test -s /etc/jobd/jobd.conf
check "it is installed again" dpkg -i /root/jobd.deb
check "  with its jobs" job_is kept job.state scheduled
check "  and their output" sh -c 'jobctl logs through | cmp - /tmp/through'
check "purge" dpkg -P jobd
check "  nothing of it runs" not pgrep -x 'jobd|jobd-runner'
check "  nothing is left of its state" not ls -d /var/lib/jobd /var/lib/jobd-runner
check "  nor of its settings" not ls -d /etc/jobd
check "  nor of its links to units" same "$(find /etc/systemd /var/lib/systemd/deb-systemd-* -name '*jobd*')" ""
check "the system is as it was" same "$(systemctl list-units --failed --plain --no-legend)" ""
finish
