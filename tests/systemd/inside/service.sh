#!/bin/sh
# The services under systemd, with a command of alice's running: restart, reload, stop, kill, watchdog, activation.
. "$(dirname "$0")/say.sh"
# Drop-ins of the test alone; the service as installed is what follows them.
dropin() {
	mkdir -p /run/systemd/system/jobd.service.d
	printf '[Service]\n%s\n' "$1" >/run/systemd/system/jobd.service.d/test.conf
	systemctl daemon-reload
}
main() {
	prop MainPID jobd.service
}
# The command, whatever was done to jobd: the same process, and another line.
goes_on() {
	n=$(jobctl logs lines | wc -l)
	alive "$pid" && until_ more_than "$n"
}
more_than() {
	[ "$(jobctl logs lines | wc -l)" -gt "$1" ]
}
another_main() {
	[ "$(main)" != 0 ] && [ "$(main)" != "$1" ] && systemctl is-active jobd.service
}

check "a user adds a job" su - alice -c 'jobctl add -q -n lines -- lines /tmp/alice-ends'
until_ job_is lines job.lastRun.state running
pid=$(job lines job.lastRun.pid)
check "it is known whose it is" job_is lines job.uid "$(id -u alice)"
check "its command runs as that user" same "$(stat -c %U "/proc/$pid")" alice
check "in her home" same "$(readlink "/proc/$pid/cwd")" /home/alice
check "not protected from the kernel's search for memory" same "$(cat "/proc/$pid/oom_score_adj")" 0
check "free to gain rights, by sudo" grep -q '^NoNewPrivs:[[:space:]]*0' "/proc/$pid/status"
check "in a cgroup of its own" grep -q "jobd-runner.service/run-" "/proc/$pid/cgroup"
check "and jobd has no rights" grep -q '^CapBnd:[[:space:]]*0*$' "/proc/$(main)/status"
check "nor can it gain any" grep -q '^NoNewPrivs:[[:space:]]*1' "/proc/$(main)/status"
check "its system calls are filtered" grep -q '^Seccomp:[[:space:]]*2' "/proc/$(main)/status"
check "it has two threads" grep -q '^Threads:[[:space:]]*2' "/proc/$(main)/status"

# Exposure, times ten; above it the unit must say why.
check "jobd is exposed at 1.5 at most" systemd-analyze security --no-pager --threshold=15 jobd.service
echo "      $(systemd-analyze security --no-pager jobd.service | tail -n 1 | sed 's/.*Overall/overall/')"
check "  and each line that counts is explained" "$(dirname "$0")/explained.py" jobd.service
check "jobd-runner is exposed at 7.5 at most" systemd-analyze security --no-pager --threshold=75 jobd-runner.service
echo "      $(systemd-analyze security --no-pager jobd-runner.service | tail -n 1 | sed 's/.*Overall/overall/')"
check "  and each line that counts is explained" "$(dirname "$0")/explained.py" jobd-runner.service

was=$(main)
check "restart" systemctl restart jobd.service
check "  READY: it answers at once" jobctl list
check "  it is another process" another_main "$was"
check "  the command goes on" goes_on
check "  and is known to run" job_is lines job.lastRun.state running

# What is told when, since the restart: recovery, then READY, then systemd's own word.
in_order() {
	journalctl --sync
	journalctl -q --no-pager -o cat -u jobd.service _SYSTEMD_INVOCATION_ID="$(prop InvocationID jobd.service)" + \
		INVOCATION_ID="$(prop InvocationID jobd.service)" |
		sed -n 's/^recovered running=1 .*/recovered/p; s/^ready .*/ready/p; s/^Started .*/started/p' | tr '\n' ' '
}
check "READY comes after recovery, and before systemd says so" same "$(in_order)" "recovered ready started "
systemctl stop jobd.socket jobd.service
systemctl start jobd.socket
jobctl list >/tmp/waited &
caller=$!
wait $caller
check "who calls while it starts waits, and is answered" same $? 0
check "  when it knows what runs" grep -q 'lines.*running' /tmp/waited
check "  the command goes on" goes_on

was=$(main)
began=$(jobctl stats --json | json startedAt)
check "jobctl daemon reexec executes jobd anew" jobctl daemon reexec --daemon
check "  which has begun anew" not same "$(jobctl stats --json | json startedAt)" "$began"
check "  in its process" same "$(main)" "$was"
check "  which the journal tells" journal_has "executing jobd anew" -u jobd.service
check "  and systemd takes it for ready" until_ is ActiveState jobd.service active
check "  the command goes on" goes_on
if [ "$(prop CanReload jobd.service)" = yes ]; then
	check "reload" systemctl reload jobd.service
	mkdir -p /etc/jobd/jobd.conf.d
	printf '[daemon]\nlog_level = nonsense\n' >/etc/jobd/jobd.conf.d/mistake.conf
	check "reload with a mistake in the settings is refused" not systemctl reload jobd.service
	check "  and so is to be executed anew" not jobctl daemon reexec --daemon
	rm -r /etc/jobd/jobd.conf.d
	check "  jobd goes on as it was" same "$(main)" "$was"
	check "  and answers" jobctl list
	check "  the command goes on" goes_on
else
	skip "reload: this jobd.service has none"
fi
check "reload of the runner reads its policy again" systemctl reload jobd-runner.service
check "  which the journal tells" until_ journal_has "policy was read again" -u jobd-runner.service
check "  the command goes on" goes_on

was=$(main)
check "stop" systemctl stop jobd.service
check "  the runner is left alone" systemctl is-active jobd-runner.service
check "  the command goes on" alive "$pid"
check "  the socket is there" test -S /run/jobd/io.jobd
check "socket activation: a call starts jobd" jobctl list
check "  it is ready" until_ systemctl is-active jobd.service
check "  the command has gone on" goes_on

was=$(main)
kill -KILL "$was"
check "kill -9 of jobd: it is started again" until_ another_main "$was"
check "  the command goes on" goes_on

# The loop is held up for longer than the watchdog waits.
dropin 'WatchdogSec=2
Environment=JOBD_STRICT=1'
systemctl restart jobd.service
was=$(main)
python3 -c 'import socket
s = socket.socket(socket.AF_UNIX)
s.connect("/run/jobd/io.jobd")
s.send(b"{\"method\":\"io.jobd.debug.Block\",\"parameters\":{\"usec\":10000000}}\0")
s.recv(1)' >/dev/null 2>&1
check "a loop that stands still is restarted" until_ another_main "$was"
check "  by the watchdog" journal_has "Watchdog timeout" -u jobd.service
check "  the command goes on" goes_on
rm -r /run/systemd/system/jobd.service.d
systemctl daemon-reload
systemctl restart jobd.service

# What goes wrong is found in the journal by the job's number.
su - alice -c "jobctl add -q -n fails --sh 'exit 3'" >/dev/null
jobctl wait fails >/dev/null 2>&1
id=$(job fails job.id)
check "journalctl JOBD_JOB=$id finds a failed run" journal_has "a run did not succeed job=$id run=1" JOBD_JOB="$id"
check "  and names jobd, its unit and the priority" same "$(journalctl -q --no-pager -o json --output-fields=SYSLOG_IDENTIFIER,_SYSTEMD_UNIT,PRIORITY JOBD_JOB="$id" | python3 -c 'import json, sys
e = json.loads(sys.stdin.readline())
print(e["SYSLOG_IDENTIFIER"], e["_SYSTEMD_UNIT"], e["PRIORITY"])')" "jobd jobd.service 6"
check "no system call of it was refused" not journal_has "SYS" -u jobd.service

# The sandbox lets a check through.
python3 -m http.server -d /var/empty --bind 127.0.0.1 8000 >/dev/null 2>&1 &
server=$!
mkdir -p /var/empty
check "an HTTP check by name goes through the sandbox" until_ su - alice -c 'jobctl run --http http://localhost:8000/'
kill $server

check "commands may use the devices that their users may" same "$(prop DevicePolicy jobd-runner.service)$(prop DeviceAllow jobd-runner.service)" auto
check "what they mount is mounted for all" same "$(readlink /proc/"$(prop MainPID jobd-runner.service)"/ns/mnt)" "$(readlink /proc/1/ns/mnt)"

# What the runner is for: all of a command's processes, and nobody else's.
su - alice -c "jobctl add -q -n tree --sh 'setsid sh -c \"exec env -i sleep 4711\" & wait; sleep 4711'" >/dev/null
check "a command with a session of its own" until_ pgrep -f 'sleep 4711'
jobctl cancel tree >/dev/null
jobctl wait tree >/dev/null 2>&1
check "  is ended with its run" until_ not pgrep -f 'sleep 4711'

# The runner's own end.
su - alice -c "jobctl add -q -n last -- lines /tmp/never" >/dev/null
until_ job_is last job.lastRun.state running
was=$(main)
runner=$(prop MainPID jobd-runner.service)
touch /tmp/alice-ends
jobctl wait lines >/dev/null 2>&1
check "the command that went through all this ended well" job_is lines job.lastRun.state succeeded
jobctl logs lines >/tmp/lines
seq "$(wc -l </tmp/lines)" >/tmp/wanted
check "  each of its $(wc -l </tmp/lines) lines is there once" cmp /tmp/lines /tmp/wanted
kill -KILL "$runner"
check "kill -9 of the runner: another is started" until_ eval '[ "$(prop MainPID jobd-runner.service)" != "$runner" ] && systemctl is-active jobd-runner.service'
check "  its command is lost, and said to be" until_ job_is last job.lastRun.state lost
check "  and is ended" until_ not pgrep -f /tmp/never
check "  jobd does not go with it" same "$(main)" "$was"
check "  commands run again" until_ su - alice -c 'jobctl run -- true'
su - alice -c "jobctl add -q -n stopped -- lines /tmp/never" >/dev/null
until_ job_is stopped job.lastRun.state running
check "stop of the runner ends its commands" systemctl stop jobd-runner.service
check "  jobd goes on" same "$(main)" "$was"
check "  and nothing of them is left" not pgrep -f /tmp/never
check "start of jobd wants the runner" systemctl restart jobd.service
check "  which is there again" until_ systemctl is-active jobd-runner.service
check "  and has kept how they ended" until_ job_is stopped job.state finished
echo "      $(job stopped job.lastRun.state): $(job stopped job.lastRun.reason)"
# The drop-in for hosts that can do with less.
mkdir -p /run/systemd/system/jobd-runner.service.d
cp /usr/share/doc/jobd/examples/jobd-runner-strict.conf /run/systemd/system/jobd-runner.service.d/
systemctl daemon-reload
check "jobd-runner starts with the strict drop-in" systemctl restart jobd-runner.service
check "  and is exposed at 4.0 at most" systemd-analyze security --no-pager --threshold=40 jobd-runner.service
check "  commands run, and gain no rights" su - alice -c 'jobctl run -- grep -q "^NoNewPrivs:.*1" /proc/self/status'
rm -r /run/systemd/system/jobd-runner.service.d
systemctl daemon-reload
systemctl restart jobd-runner.service
check "nothing has failed at the end" same "$(systemctl list-units --failed --plain --no-legend 'jobd*')" ""
finish
