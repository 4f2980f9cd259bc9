#!/bin/bash
# bash, with packaging/completion/jobctl.bash: commands, options, values, and names from a live jobd; nothing, and no
# word, when there is none or it hangs.
. "$JOBD_SOURCE/tests/system/lib.sh"
. "$JOBD_SOURCE/packaging/completion/jobctl.bash"
compopt() { :; }
PATH=$BIN:$PATH
unset -f jobctl

# complete_at LINE: COMPREPLY as bash would have it at the end of the line; words are parted as bash does.
complete_at() {
	local part=$1
	COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=()
	while [[ $part =~ ^[[:space:]]*([=:]+|[^[:space:]=:]+) ]]; do
		COMP_WORDS+=("${BASH_REMATCH[1]}")
		part=${part#"${BASH_REMATCH[0]}"}
	done
	[[ $1 != *[[:space:]] ]] || COMP_WORDS+=("")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_jobctl 2>"$T/stderr"
	[[ ! -s $T/stderr ]] || fail "$1: $(cat "$T/stderr")"
}

# fits LINE WORD...: these and no others.
fits() {
	complete_at "$1"
	shift
	same "after '$COMP_LINE'" "$(printf '%s\n' "${COMPREPLY[@]}" | sort | xargs)" "$(printf '%s\n' "$@" | sort | xargs)"
}

fits 'jobctl bac' backfill backup
fits 'jobctl --json sim' simulate
fits 'jobctl expl' explain
fits 'jobctl explain --cal' --calendar
fits 'jobctl help que' queue
fits 'jobctl add --retr' --retries --retry-on
fits 'jobctl add --dst ' once skip both
fits 'jobctl add --dst=s' skip
fits 'jobctl list --state=r' running retrying
fits 'jobctl runs --state su' succeeded
fits 'jobctl add --tz Europe/Berli' Europe/Berlin
fits 'jobctl next --tz=Europe/Berli' Europe/Berlin
fits 'jobctl add -n x --after a:f' fail
fits 'jobctl signal x US' USR1 USR2
fits 'jobctl queue dr' drain
fits 'jobctl set x TimeZ' TimeZone=
fits 'jobctl set x Retries=3 OnC' OnCrash=
fits 'jobctl set x onboot=' yes no
fits 'jobctl set x Overlap=sk' skip
fits 'jobctl set x TimeZone=Europe/Berli' Europe/Berlin
fits 'jobctl completion ' bash zsh fish
fits 'jobctl completion bash z'
fits 'jobctl dr' drain
fits 'jobctl drain --o' --off
fits 'jobctl status a b'
fits 'jobctl nonsense '
mkdir "$T/folder" && : >"$T/file"
fits "jobctl add -C $T/fo" "$T/folder"
fits "jobctl add --env-file $T/fi" "$T/file"
fits "jobctl add --env-file=$T/fi" "$T/file"
fits "jobctl add -n x cat $T/fi" "$T/file"
complete_at 'jobctl add tru'
[[ " ${COMPREPLY[*]} " == *" true "* ]] || fail "no command: ${COMPREPLY[*]}"

# Every option of every command is offered.
for command in $("$BIN/jobctl" --help | sed -n 's/^  \([a-z]*\)[, ].*/\1/p' | grep -vx help); do
	want=$("$BIN/jobctl" "$command" --help | sed -n 's/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p' | sort)
	got=$("$BIN/jobctl" __complete "$command" -- 2>&1 | cut -f 1 | sort)
	same "options of $command" "$got" "$want"
done

# Nobody is there.
fits 'jobctl show '

printf '[target ops]\ncommand = true\n' >"$T/conf"
start_jobd --config "$T/conf"
for name in backup-a backup-b other; do
	"$BIN/jobctl" add -q -n "$name" --every 1h --queue heavy --from 2100-01-01 -- true >/dev/null || fail "add"
done
id=$("$BIN/jobctl" add -q --paused true)
fits 'jobctl show back' backup-a backup-b
fits 'jobctl resume ' "$id"
fits 'jobctl add --after backup-a:o' ok
fits 'jobctl add --after oth' other
fits 'jobctl list --queue he' heavy
fits 'jobctl queue set h' heavy
fits 'jobctl notify test o' ops
fits 'jobctl add --notify fail,recover:' ops
fits 'jobctl add --notify fail,rec' fail,recover
fits 'jobctl set back' backup-a backup-b
fits 'jobctl set backup-a back' backup-b backup-a
fits 'jobctl set backup-a Retries=3 back'
fits 'jobctl set backup-a Notify=fail:' ops
fits 'jobctl signal '

# It hangs: that is no reason to make anybody wait, or to say a word.
kill -STOP "$JOBD"
fits 'jobctl show back'
kill -CONT "$JOBD"
stop_jobd

# The other shells, where they are.
cd "$JOBD_SOURCE/packaging/completion" || exit 1
if command -v zsh >/dev/null; then
	zsh -n _jobctl || fail "zsh does not read it"
fi
if command -v fish >/dev/null; then
	fish --no-config -n jobctl.fish || fail "fish does not read it"
	got=$(fish --no-config -c 'source jobctl.fish; complete -C "jobctl simu"' | cut -f 1)
	same "fish" "$got" simulate
fi
