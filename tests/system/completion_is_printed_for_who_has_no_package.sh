#!/bin/bash
# jobctl completion prints the scripts that make install puts in place, byte by byte, and a shell takes them.
. "$JOBD_SOURCE/tests/system/lib.sh"
PATH=$BIN:$PATH
unset -f jobctl
scripts=$JOBD_SOURCE/packaging/completion
jobctl completion bash | cmp - "$scripts/jobctl.bash" || fail "bash"
jobctl completion zsh | cmp - "$scripts/_jobctl" || fail "zsh"
jobctl completion fish | cmp - "$scripts/jobctl.fish" || fail "fish"
same "bash takes it" "$(bash --norc -c 'source <(jobctl completion bash); complete -p jobctl')" "complete -F _jobctl jobctl"
if command -v zsh >/dev/null; then
	got=$(zsh -f -c "autoload -Uz compinit; compinit -u -D; source <(jobctl completion zsh); print \${_comps[jobctl]}")
	same "zsh takes it" "$got" _jobctl
fi
if command -v fish >/dev/null; then
	got=$(fish --no-config -c 'jobctl completion fish | source; complete -C "jobctl simu"' | cut -f 1)
	same "fish takes it" "$got" simulate
fi
jobctl completion tcsh 2>"$T/err" && fail "a shell that is not known"
same "is told" "$(cat "$T/err")" 'jobctl: there is no completion for "tcsh": it is bash, zsh or fish'
jobctl completion 2>"$T/err" && fail "no shell"
check "what is missing" grep -q 'completion needs bash, zsh or fish' "$T/err"
check "as --help says" grep -q 'usage: jobctl completion bash|zsh|fish' "$T/err"
exit 0
