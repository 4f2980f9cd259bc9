# screen.sh: a terminal for what paints screens: one of tmux, with a server of its own in $T.  Source it after
# lib.sh; without tmux the test is skipped, and says so.
#
#	screen_start COLUMNS LINES COMMAND...	run it there
#	screen					what stands on it
#	screen_end				end it; another may be started
#	screen_keys KEY...			type; names are tmux's
#	screen_until "what" PATTERN		until a line matches; it fails when that takes too many looks
#	screen_without "what" PATTERN		until none does
#	screen_size COLUMNS LINES		resize
#	screen_is FORMAT			what tmux says of it: #{alternate_on}
command -v tmux >/dev/null || {
	echo "SKIP: there is no tmux, and so no terminal to paint on"
	exit 0
}
SCREEN_LOOKS=600
SCREEN_N=0

tmux_of_ours() {
	env -u TMUX TERM=xterm LC_ALL=C.UTF-8 tmux -S "$T/tmux.$SCREEN_N" -f /dev/null "$@"
}

screen_start() {
	columns=$1 lines=$2
	# A server that is about to end would take no session.
	SCREEN_N=$((SCREEN_N + 1))
	shift 2
	tmux_of_ours new-session -d -x "$columns" -y "$lines" "trap : INT; $*; echo it ended with \$?; exec cat" ||
		fail "tmux does not start"
	tmux_of_ours set-option -g status off
	tmux_of_ours set-option -g window-size manual
	tmux_of_ours resize-window -x "$columns" -y "$lines"
}

screen() {
	tmux_of_ours capture-pane -p
}

screen_keys() {
	tmux_of_ours send-keys "$@"
}

screen_size() {
	tmux_of_ours resize-window -x "$1" -y "$2"
}

screen_is() {
	tmux_of_ours display-message -p "$1"
}

screen_look() {
	looks=0
	until screen >"$T/screen" && "$1" "$3"; do
		looks=$((looks + 1))
		[ $looks -lt $SCREEN_LOOKS ] || {
			echo "--- the screen:"
			cat "$T/screen"
			fail "$2: looked for '$3'"
		}
		sleep 0.05
	done
}

screen_has() {
	grep -q -e "$1" "$T/screen"
}

screen_has_not() {
	! screen_has "$1"
}

screen_until() {
	screen_look screen_has "$1" "$2"
}

screen_without() {
	screen_look screen_has_not "$1" "$2"
}

screen_end() {
	tmux_of_ours kill-server 2>/dev/null
}
trap 'screen_end; cleanup' EXIT
