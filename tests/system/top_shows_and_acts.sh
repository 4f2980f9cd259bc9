#!/bin/sh
# top: what it shows on screens of three sizes, what its keys do, that it goes on with a jobd that was started anew, and
# that the terminal is as before when it has ended; where there is no such terminal it says what it lacks.
. "$(dirname "$0")/lib.sh"
refused() {
	what=$1 says=$2
	shift 2
	"$@" >"$T/said" 2>&1
	same "$what is a usage error" $? 2
	check "$what is told" grep -q "$says" "$T/said"
}
refused "no terminal" "the output goes to no terminal" "$BIN/jobctl" top
refused "--json" "choose one" "$BIN/jobctl" top --json
. "$(dirname "$0")/screen.sh"
screen_start 80 24 "$BIN/jobctl top"
screen_until "a jobd that was never there" "it ended with 5"
check "it says so" grep -q "jobd is not running" "$T/screen"
screen_end

screen_start 80 24 "TERM=no-such $BIN/jobctl top"
screen_until "a terminal that is not known" "it ended with 2"
check "it says so" grep -q "TERM=no-such: there is no terminal known" "$T/screen"
screen_end
screen_start 80 24 "TERM=dumb $BIN/jobctl top"
screen_until "a terminal without a cursor" "it ended with 2"
screen_end
screen_start 80 24 "$BIN/jobctl top </dev/null"
screen_until "no keys" "it ended with 2"
check "it says so" grep -q "the input comes from no terminal" "$T/screen"
screen_end

start_jobd
mkfifo "$T/go"
jobctl add -q -n nightly --cron '0 3 * * *' -- true >/dev/null
copy=$(jobctl add -q -n copy --progress --sh 'echo "42% copying" >&"$JOBD_PROGRESS_FD"; read word <'"$T/go")
jobctl add -q -n site --in 1h --http http://127.0.0.1:1/ >/dev/null
jobctl queue add mail --slots 2 >/dev/null
same "queue shows the same table" "$(jobctl queue | grep mail | cut -f 1-3)" "$(printf 'mail\t2\t0')"

# Nothing hangs over the edge, and everything is there.
everything() {
	screen_until "$1: the title" "^jobd [0-9.]*, pid $JOBD, up "
	for line in "^lag " " max [0-9.]*m*u*s" "^runs/s .*[0-9]" "^memory .*iB" "^runs .* running" "^store .*commits/s" \
		"^queues  *default 1/" "^\[jobs\] runs  checks  queues" "ID .*NAME.*STATE" "q quit  ? help"; do
		screen_until "$1" "$line"
	done
	same "$1: lines" "$(screen | wc -l)" "$2"
	same "$1: the help is the last" "$(screen | sed -n '$s/^q quit.*/help/p')" help
}
screen_start 80 24 "stty -a >$T/before; $BIN/jobctl top; echo code \$?; stty -a >$T/after"
everything "80x24" 24
screen_until "a plot" "^memory .*█ max"
screen_until "progress" "copy.*running.*\[####------\] 42%"
same "it has a screen of its own" "$(screen_is '#{alternate_on}')" 1
screen_size 120 40
screen_until "the plots are taller" "q quit"
everything "120x40" 40
same "a plot of three lines" "$(screen | grep -n '^runs/s' | cut -d : -f 1)" 7
screen_until "the whole of it" "copy.*running.*42% copying"
screen_size 50 14
everything "50x14" 14
screen_size 30 8
screen_until "too small" "too small"
screen_size 80 24
everything "80x24 again" 24

# The views.
screen_keys 2
screen_until "the runs" "^ *$copy\.1 .*copy .*running"
screen_keys Tab
screen_until "the checks" "^ *[0-9]* *site .*scheduled"
check "no other jobs" screen_has_not nightly
screen_keys 4
screen_until "the queues" "^mail  *2 "
screen_keys s
screen_until "sorted" "by waiting"
screen_keys '?'
screen_until "the keys" "asks first"
screen_keys '?'
screen_until "and back" "^mail"

# A queue is paused and goes on.
screen_keys Down p
screen_until "a queue is paused" "paused queue mail"
screen_until "it is" "^queues .*mail 0/2 paused"
screen_keys p
screen_until "and goes on" "resumed queue mail"
screen_keys c
screen_until "what makes no sense" "c is not for queues"

# Jobs are found, paused, run, and go on.
screen_keys 1
screen_keys -l /night
screen_until "the filter is shown" "filter: night_"
screen_without "others are not" " copy "
screen_keys Enter
screen_keys p
screen_until "paused" "nightly .*paused"
check "it is" test "$(jobctl show nightly --json | field job.state)" = paused
screen_keys p
screen_until "resumed" "nightly .*scheduled"
screen_keys t
screen_until "it asks" "run now: [0-9]* (nightly)? y or n"
screen_keys n
screen_until "no is no" "nothing was done"
same "it has not run" "$(jobctl show nightly --json | field job.runs)" 0
screen_keys t
screen_until "it asks" "y or n"
screen_keys y
screen_until "it is queued" "^queued [0-9]*\.1"
jobctl wait nightly --timeout 60s >/dev/null || fail "it does not run"
screen_keys Escape
screen_until "all are there again" " copy .*running"

# What runs is canceled only after a question.
screen_keys -l /copy
screen_keys Enter c
screen_until "it asks" "cancel what runs of $copy (copy)? y or n"
screen_keys Down
screen_until "any other key is no" "nothing was done"
same "it goes on" "$(jobctl show copy --json | field job.state)" running

# A jobd that is started anew.
pid=$JOBD
kill_jobd
screen_until "it says that jobd has gone" "waiting: jobd is not running"
check "what was known stands" screen_has "copy"
start_jobd
screen_until "it goes on with another" "^jobd .*pid $JOBD,"
check "not the same one" test "$pid" != "$JOBD"
screen_without "nothing to be said" "waiting:"
screen_until "the run has outlived it" "copy.*running"
screen_keys c y
jobctl wait copy --timeout 60s >/dev/null 2>&1
same "it was canceled" "$(jobctl show copy --json | field job.lastRun.state)" canceled

# The terminal is as before.
screen_keys C-c
screen_until "^C ends it" "code 130"
same "no screen of its own is left" "$(screen_is '#{alternate_on}')" 0
same "the cursor is seen" "$(screen_is '#{cursor_flag}')" 1
check "the modes are as before" cmp "$T/before" "$T/after"
screen_end
screen_start 80 24 "LC_ALL=C $BIN/jobctl top --color never"
screen_until "a terminal of ASCII" "^lag .*[.#]"
screen_keys q
screen_until "q ends it" "it ended with 0"
stop_jobd
