#!/bin/sh
# edit changes a job in $EDITOR; of two editors the second is told, and keeps its text.
. "$(dirname "$0")/lib.sh"
editor() {
	printf '#!/bin/sh\n%s\n' "$1" >"$T/ed"
	chmod +x "$T/ed"
	export EDITOR="$T/ed"
}
export TMPDIR=$T
unset VISUAL
start_jobd
jobctl add -q -n a --every 1h --paused -- /bin/true >/dev/null
editor 'sed -i "s/^Every=.*/Every=3h/" "$1"'
same "changed" "$(jobctl edit a)" "changed job 1, generation 2"
same "as asked" "$(jobctl show a --json | field job.everyUSec)" 10800000000
same "no change" "$(jobctl edit a)" "nothing was changed"
editor 'exit 3'
jobctl edit a 2>"$T/err" && fail "an editor that fails"
check "nothing is left" sh -c '! ls "$1"/jobctl-edit.* 2>/dev/null' - "$T"
editor 'echo Nonsense=1 >>"$1"'
jobctl edit a 2>"$T/err" </dev/null && fail "a bad key"
check "says which" grep -q 'there is no key Nonsense' "$T/err"
check "keeps the text" grep -q 'your text is in' "$T/err"
# Somebody else is quicker.
editor '"'"$BIN"'/jobctl" resume a >/dev/null; sed -i "s/^Every=.*/Every=5h/" "$1"'
jobctl edit a 2>"$T/err"
same "a conflict" $? 6
check "says why" grep -q 'was changed meanwhile' "$T/err"
same "nothing was changed" "$(jobctl show a --json | field job.everyUSec)" 10800000000
# One without a name stays so.
id=$(jobctl add -q --every 1h --paused -- /bin/true)
editor 'sed -i "s/^Every=.*/Every=2h/" "$1"'
jobctl edit "$id" >/dev/null || fail "without a name"
same "it has none" "$(jobctl show "$id" --json | grep -c '"name"')" 0
# A check depends on the same job, however that is called.
jobctl add -q -n router --every 1h --paused --http http://127.0.0.1:1/ >/dev/null
jobctl add -q -n web --every 1h --paused --depends-on router --http http://127.0.0.1:1/ >/dev/null
on=$(jobctl show web --json | field job.dependsOn)
editor 'sed -i "s/^Name=.*/Name=gateway/" "$1"'
jobctl edit router >/dev/null || fail "another name"
editor 'sed -i "s/^Every=.*/Every=1s/" "$1"'
jobctl edit web >/dev/null || fail "a check whose parent has another name"
same "it depends on that" "$(jobctl show web --json | field job.dependsOn)" "$on"
# One that comes all the time can be edited as well; nothing is left out of its ledger.
jobctl add -q -n fast --every 200ms -- /bin/true >/dev/null
editor 'sed -i "s/^Every=.*/&\\nUntil=2099-01-01/" "$1"'
jobctl edit fast >/dev/null || fail "a fast one"
same "until then" "$(jobctl show fast --json | field job.spec.until | cut -c1-4)" 2099
jobctl add -q -n each --calendar '*:*:*' -- /bin/true >/dev/null
editor 'sed -i "s/^Calendar=.*/&\\nUntil=2099-01-01/" "$1"'
jobctl edit each >/dev/null || fail "one of every second"
jobctl pause fast each >/dev/null
jobctl audit >/dev/null || fail "the audit"
stop_jobd
