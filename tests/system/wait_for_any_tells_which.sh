#!/bin/sh
# wait --any ends with the first that ends, prints its run, and has its code; on a terminal a line tells how things stand.
. "$(dirname "$0")/lib.sh"
start_jobd
long=$(jobctl add -q -n long --sh 'sleep 1000')
jobctl add -q -n bad --sh 'exit 7' >/dev/null
same "the run that ended" "$(jobctl wait --any long bad 2>/dev/null)" 2.1
jobctl wait --any long bad >/dev/null 2>&1
same "its code" $? 7
same "as JSON" "$(jobctl wait --any long bad --json | field runs.0.name)" bad

# Nothing of the line where nobody looks.
jobctl wait bad 2>"$T/err"
same "stderr without a terminal" "$(grep -c running "$T/err")" 0
if command -v script >/dev/null; then
	TERM=xterm script -qec "$BIN/jobctl wait --timeout 100ms long" "$T/typescript" >/dev/null
	check "the line names run and state" grep -q "$long.1 (long) running" "$T/typescript"
	check "it is taken away" sh -c "tail -n 3 '$T/typescript' | grep -q 'did not happen in time'"
else
	echo "skipped in part: script(1) is not here, so there is no terminal"
fi
jobctl add -q -n early --wait --sh 'exit 3' >/dev/null 2>&1
jobctl add -q -n late --wait true >/dev/null
first=$(jobctl wait --any late early 2>/dev/null)
same "of two that have ended, the code of the first" $? 3
same "and it alone is told" "$first" "$(jobctl show early --json | field job.id).1"
jobctl cancel long >/dev/null
stop_jobd
