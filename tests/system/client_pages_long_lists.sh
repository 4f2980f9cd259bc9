#!/bin/sh
# On a terminal a list that is longer than the screen goes through the pager, one that fits is printed; in a pipe, with
# --no-pager, --json or PAGER=cat there is none.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/screen.sh"
start_jobd
jobctl add -q -n alone --in 1h -- true >/dev/null
cat >"$T/pager" <<END
#!/bin/sh
echo "through the pager: \$(grep -c true)"
END
chmod +x "$T/pager"
same "none in a pipe" "$(PAGER="$T/pager" jobctl list --no-headers | wc -l)" 1
screen_start 80 24 "sh -c 'JOBD_PAGER=$T/pager $BIN/jobctl list; PAGER=$T/pager $BIN/jobctl list --no-pager; \
	PAGER=cat $BIN/jobctl list --json; echo ended; cat'"
screen_until "all of it" "^ended"
same "once through it" "$(grep -c 'through the pager: 1' "$T/screen")" 1
same "twice without" "$(grep -c 'alone' "$T/screen")" 2
stop_jobd
