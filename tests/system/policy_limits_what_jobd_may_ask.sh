#!/bin/sh
# runner.conf says whose commands are run, and how much of each; jobd cannot widen it.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { echo "SKIP: needs root, to run commands as others"; exit 0; }
runner=$BIN/jobd-runner
mkdir "$T/r"

# What is wrong with the file is said with line and key.
wrong() {
	printf '%b' "$1" >"$T/runner.conf"
	"$runner" --config "$T/runner.conf" --check-config 2>"$T/err" && fail "taken: $1"
	grep -q "$2" "$T/err" || fail "wanted '$2', got '$(cat "$T/err")'"
}
wrong '[run]\nallow_user = x\n' "runner.conf:2: there is no setting 'allow_user' in \[run\]"
wrong '[limits]\n\ncommands = many\n' "runner.conf:3: commands: 'many' is not a whole number"
wrong '[run]\nallow_root = perhaps\n' "allow_root: 'perhaps' is not yes, no or auto"
rm "$T/runner.conf"
"$runner" --config "$T/runner.conf" --check-config 2>"$T/err" && fail "a file that is not there is taken"
grep -q "No such file" "$T/err" || fail "$(cat "$T/err")"
"$runner" --help-config >"$T/sample"
same "the sample" "$(cat "$T/sample")" "$(cat "$JOBD_SOURCE/config/runner.conf")"
"$runner" --config "$T/sample" --check-config || fail "the sample is not taken"

policy() {
	printf '%s\n' "$@" >"$T/runner.conf"
}
# One of our own, told its policy.
start_runner() {
	R=$("$TOOLS/ready" "$T/rlog" "$runner" --socket "$T/r/s" --state-dir "$T/r/state" --config "$T/runner.conf" "$@") ||
		fail "jobd-runner does not start: $(cat "$T/rlog")"
}
trap 'kill -KILL $R 2>/dev/null; cleanup' EXIT
read_again() {
	n=$(grep -c "policy was read again" "$T/rlog")
	kill -HUP "$R"
	while [ "$(grep -c "policy was read again" "$T/rlog")" = "$n" ]; do sleep 0.02; done
}
# What a command of this user says, or why it does not run.
runs() {
	user=$1
	id=$(jobctl add -q -u "$user" -- id -un 2>/dev/null)
	jobctl wait "$id" 2>/dev/null
	jobctl logs "$id"
	jobctl show "$id" --json | field job.lastRun.reason
}

policy "[run]" "deny_users = daemon, games"
start_runner
start_jobd --runner "$T/r/s"
same "nobody" "$(runs nobody)" nobody
same "root, served by root" "$(runs root)" root
same "games" "$(runs games)" "not allowed: no command may run as games ($T/runner.conf: deny_users)"
id=$(jobctl add -q -u games -- true 2>/dev/null)
jobctl wait "$id" 2>/dev/null
same "its code" "$(jobctl show "$id" --json | field job.lastRun.exitCode)" 126

policy "[run]" "allow_users = games" "allow_groups = bin" "allow_root = no"
read_again
same "root" "$(runs root)" "not allowed: no command may run as root ($T/runner.conf: allow_root)"
same "nobody" "$(runs nobody)" "not allowed: commands may not run as nobody ($T/runner.conf: allow_users)"
same "a member" "$(runs bin)" bin
same "one named" "$(runs games)" games
jobctl add -u root -- true 2>&1 >/dev/null | grep -q "no command may run as root" ||
	fail "Add does not warn of what would fail"

# A file with a mistake in it changes nothing.
policy "[run]" "allow_usres = root"
kill -HUP "$R"
while ! grep -q "the policy cannot be read" "$T/rlog"; do sleep 0.02; done
same "one named, still" "$(runs games)" games

policy "[limits]" "output_bytes = 100" "environment_bytes = 4K"
read_again
id=$(jobctl add -q --output-max 1M --sh 'seq 1000')
jobctl wait "$id"
[ "$(jobctl show "$id" --json | field job.lastRun.outputBytes)" -le 100 ] || fail "more output than the policy allows"
id=$(jobctl add -q -e "X=$(head -c 5000 /dev/zero | tr '\0' x)" -- true)
jobctl wait "$id" 2>/dev/null
jobctl show "$id" --json | field job.lastRun.reason | grep -q "environment_bytes" || fail "the environment has no limit"

# A limit that cannot be kept is refused, unless the policy says otherwise.
jobctl add -n m --memory 64M -- true >/dev/null 2>"$T/err"
jobctl wait m 2>/dev/null
if [ "$(jobctl show m --json | field job.lastRun.state)" = failed ]; then
	grep -q "the memory limit cannot be kept" "$T/err" || fail "Add does not warn: $(cat "$T/err")"
	jobctl show m --json | field job.lastRun.reason | grep -q "its memory limit cannot be kept: " ||
		fail "no word of why a limit cannot be kept"
	policy "[run]" "ignore_limits = yes"
	read_again
	id=$(jobctl add -q --memory 64M -- true)
	jobctl wait "$id" || fail "ignore_limits is not heeded"
fi
stop_jobd
kill "$R" && gone "$R"

# Serving another user, it runs nothing as root unless told to.
policy ""
start_runner --for-user daemon
start_jobd --runner "$T/r/s"
same "root" "$(runs root)" "not allowed: no command may run as root ($T/runner.conf: allow_root)"
same "nobody" "$(runs nobody)" nobody
stop_jobd
kill "$R" && gone "$R"
