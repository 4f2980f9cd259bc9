#!/bin/sh
# What a reboot is to find: a command that runs, a job of every boot, one that is due later.
. "$(dirname "$0")/say.sh"
su - alice -c 'jobctl add -q -n cut -- lines /tmp/never' >/dev/null
su - alice -c 'jobctl add -q -n boot --on-boot -- true' >/dev/null
su - alice -c 'jobctl add -q -n later --in 10h -- true' >/dev/null
check "a command runs" until_ job_is cut job.lastRun.state running
job boot job.runs >/root/boot-runs
job later job.nextDue >/root/later-due
finish
