#!/bin/sh
# What is there after a reboot.
. "$(dirname "$0")/say.sh"
more_runs() {
	[ "$(job boot job.runs)" -gt "$(cat /root/boot-runs)" ]
}
check "jobd runs after a reboot" until_ systemctl is-active jobd.service
check "  and its runner" systemctl is-active jobd-runner.service
check "  it answers" jobctl list
check "what ran when the host went down is known to be over" until_ job_is cut job.state finished
echo "      $(job cut job.lastRun.state): $(job cut job.lastRun.reason)"
check "the job of every boot has run" until_ more_runs
check "what is due later still is" job_is later job.nextDue "$(cat /root/later-due)"
finish
