#!/bin/sh
# Limits of commands, kept by cgroups that systemd has delegated: where the kernel has the controllers.
. "$(dirname "$0")/say.sh"
check "a command may make a container without root" su - alice -c 'jobctl run -- unshare --user --map-root-user --pid --fork --mount-proc true'
grep -qw memory /sys/fs/cgroup/cgroup.controllers || {
	skip "limits: this kernel's cgroup v2 has no controller for memory"
	finish
}
# What a command finds as a limit of its own.
cat >/usr/local/bin/limit-of <<'X'
#!/bin/sh
exec cat "/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/$1"
X
cat >/usr/local/bin/eats <<'X'
#!/usr/bin/python3
import sys
x = bytearray(int(sys.argv[1]) << 20)
X
chmod 755 /usr/local/bin/limit-of /usr/local/bin/eats
run() {
	su - alice -c "jobctl run $1"
}
check "memory: a command has its limit" same "$(run '--memory 64M -- limit-of memory.max')" 67108864
check "  one that needs less ends well" run '--memory 64M -- eats 8'
check "  one that needs more is killed" not run '--memory 64M -n eats -- eats 200'
check "  and its run says why" job_is eats job.lastRun.oom True
check "tasks: a command has its limit" same "$(run '--tasks 7 -- limit-of pids.max')" 7
check "cpu: half a processor" same "$(run '--cpu 50 -- limit-of cpu.max')" "50000 100000"
check "  and no limit where none was asked for" same "$(run '-- limit-of memory.max')" max
finish
