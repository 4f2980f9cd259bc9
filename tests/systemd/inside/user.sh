#!/bin/sh
# The services of a user, who is not logged in: lingering keeps them.
. "$(dirname "$0")/say.sh"
uid=$(id -u bob)
# As bob, with what a login would have set.
bob() {
	su - bob -c "export XDG_RUNTIME_DIR=/run/user/$uid; unset JOBD_SOCKET; $1"
}
check "a user may linger" loginctl enable-linger bob
check "  a manager of his own is started" until_ systemctl is-active "user@$uid.service"
check "he starts his own jobd" bob 'systemctl --user enable --now jobd-runner.service jobd.service'
check "  it answers" bob 'jobctl list'
check "  in his folder" test -S "/run/user/$uid/jobd/io.jobd"
check "  the state is his" same "$(stat -c '%U' /home/bob/.local/state/jobd/jobd.db)" bob
check "he adds a job" bob 'jobctl add -q -n bobs -- lines /tmp/bob-ends'
check "  it runs" until_ bob 'jobctl show bobs --json | grep -q \"state\":\"running\"'
pid=$(bob 'jobctl show bobs --json' | json job.lastRun.pid)
check "  as himself" same "$(stat -c %U "/proc/$pid")" bob
check "  in a cgroup of its own, which his manager has delegated" grep -q "user@$uid.service/.*jobd-runner.service/run-" "/proc/$pid/cgroup"
check "restart" bob 'systemctl --user restart jobd.service'
check "  the command goes on" alive "$pid"
check "  and is known to run" bob 'jobctl show bobs --json | grep -q \"state\":\"running\"'
check "jobctl daemon reexec executes both anew" bob 'jobctl daemon reexec'
check "  and his manager takes them for ready" bob 'systemctl --user is-active jobd.service jobd-runner.service'
check "  the command goes on" alive "$pid"
main=$(bob 'systemctl --user show -P MainPID jobd.service')
kill -KILL "$main"
check "kill -9 of it: it is started again" until_ bob "test \$(systemctl --user show -P MainPID jobd.service) != $main && jobctl list"
check "  the command goes on" alive "$pid"
bob "jobctl add -q -n fails --sh 'exit 3'" >/dev/null
bob 'jobctl wait fails' >/dev/null 2>&1
id=$(bob 'jobctl show fails --json' | json job.id)
check "the journal has its runs by number" journal_has "a run did not succeed job=$id run=1" "_UID=$uid" JOBD_JOB="$id"
check "the host's jobd knows nothing of them" not jobctl show bobs
touch /tmp/bob-ends
check "the command ends" bob 'jobctl wait bobs'
check "he stops both" bob 'systemctl --user disable --now jobd.service jobd-runner.service'
check "without lingering it all ends with his last session" loginctl disable-linger bob
check "  as it does now" until_ not systemctl is-active "user@$uid.service"
finish
