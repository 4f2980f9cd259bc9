#!/bin/sh
# A schedule that cannot be is refused when it is added, with the option, the place and what would be right.
. "$(dirname "$0")/lib.sh"
start_jobd
refused() {	# what the message must hold, then add's options
	want=$1
	shift
	jobctl add "$@" true >"$T/out" 2>&1 && fail "accepted: $*"
	grep -qF -- "$want" "$T/out" || fail "$*: $(cat "$T/out"), wanted: $want"
}
refused '--cron: at "24 * * *": hour 24: 0 to 23' --cron '0 24 * * *'
refused '--cron: at "0 0 30 2 *": it never comes: February has no 30th' --cron '0 0 30 2 *'
refused '--cron: at "@reboot"' --cron @reboot
refused '--calendar: at "25:00": hour 25: 0 to 23' --calendar 'Mon 25:00'
refused 'did you mean Europe/Berlin?' --cron '@daily' --tz Europe/Berlim
refused '--until: must not be before --from' --cron '@daily' --from 2027-01-02 --until 2027-01-01
refused 'only one of' --cron '@daily' --every 1h
refused 'only one of' --cron '@daily' --calendar daily
refused '--every' --every 0
refused '--dst' --cron '@daily' --dst never
refused '--except: at "13-45"' --cron '@daily' --except '*-13-45'
refused 'all:N' --every 1h --misfire all:0
refused 'all:N' --every 1h --misfire all:1001
refused '--on-boot says when' --on-boot --in 5m
refused 'it comes no more' --calendar '2020-01-01'
refused 'use --from' --cron '@daily' --in 5m
same "nothing was added" "$(jobctl list --json | field jobs.#)" 0
stop_jobd
